"""Policy sets, combinations and requirements against what the standard says, on every kind of policy and finding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.laws import reference, xacml
from tests.laws.strategies import cases, policies
from tests.laws.toys import NOW
from zerotrust.core.combining import (
    Combination,
    Item,
    PolicySet,
    deny_overrides,
    deny_unless_permit,
    first_applicable,
    forbid,
    permit,
    permit_overrides,
    permit_unless_deny,
)
from zerotrust.core.finding import Finding
from zerotrust.core.policy import Policy, all_of, any_of
from zerotrust.core.requirement import when
from zerotrust.core.verdict import Verdict
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge

Findings = dict[Verifier, Finding]
MAKERS: list[Callable[..., Combination]] = [
    deny_overrides, permit_overrides, first_applicable, deny_unless_permit, permit_unless_deny,
]  # fmt: skip


def verdict(policy: Policy, known: Findings) -> Verdict:
    return judge(policy, known, NOW).verdict


def says(item: Item, known: Findings) -> xacml.Says:
    return xacml.says(item, lambda policy: reference.verdict(policy, known, NOW))


@st.composite
def combinations(draw: st.DrawFn, depth: int = 2) -> Combination:
    """Rules and combinations of rules, so that each algorithm has one rule to permit and one to forbid."""
    items: list[Item] = [permit(draw(policies)), forbid(draw(policies))]
    more: st.SearchStrategy[Any] = combinations(depth - 1) if depth else st.builds(_set, policies)
    items += draw(st.lists(more, max_size=2))
    make = draw(st.sampled_from(MAKERS))
    made: Combination = make(*draw(st.permutations(items)), target=draw(st.none() | policies))
    return made


def _set(policy: Policy) -> Policy:
    return PolicySet(permit=[policy]).named("set")


@given(cases(combinations()))
def test_a_combination_comes_to_what_the_standard_says(case: tuple[Policy, Findings]) -> None:
    policy, known = case
    assert isinstance(policy, Combination)
    said = says(policy, known)
    assert verdict(policy, known).value is xacml.truth(said)
    for half, decided, open_ in zip(
        policy.halves, (xacml.P, xacml.D), ((xacml.I_P, xacml.I_DP), (xacml.I_D, xacml.I_DP)), strict=True
    ):
        value = Verdict.NO if half is None else verdict(half, known)
        assert value is (Verdict.YES if said is decided else Verdict.UNKNOWN if said in open_ else Verdict.NO)


@st.composite
def sets(draw: st.DrawFn) -> tuple[list[Policy], list[Policy], Findings]:
    whole, known = draw(cases(st.builds(all_of, policies, policies, policies, policies)))
    cut = draw(st.integers(1, 4))
    return [*whole.children[:cut]], [*whole.children[cut:]], known


@given(sets())
def test_forbid_overrides(case: tuple[list[Policy], list[Policy], Findings]) -> None:
    may, may_not, known = case
    policy = PolicySet(permit=may, forbid=may_not)
    assert verdict(policy, known).value is xacml.truth(says(policy, known))
    if any(verdict(one, known) is not Verdict.NO for one in may_not):
        assert not judge(policy, known, NOW)
    if judge(policy, known, NOW):
        assert any(judge(one, known, NOW) for one in may)


@given(sets())
def test_the_order_in_a_policy_set_does_not_matter(case: tuple[list[Policy], list[Policy], Findings]) -> None:
    may, may_not, known = case
    one = verdict(PolicySet(permit=may, forbid=may_not), known)
    for ordered in (may[::-1], may[1:] + may[:1]):
        assert verdict(PolicySet(permit=ordered, forbid=may_not[::-1]), known) is one


@given(sets())
def test_what_more_forbids_never_lets_in(case: tuple[list[Policy], list[Policy], Findings]) -> None:
    may, may_not, known = case
    fewer = PolicySet(permit=may, forbid=may_not[1:])
    more = PolicySet(permit=may, forbid=may_not)
    assert not judge(more, known, NOW) or judge(fewer, known, NOW)
    assert not judge(PolicySet(permit=may[:1], forbid=may_not), known, NOW) or judge(more, known, NOW)


@given(sets())
def test_a_requirement_asks_unless_its_condition_is_no(case: tuple[list[Policy], list[Policy], Findings]) -> None:
    parts, rest, known = case
    condition, required = any_of(*parts), all_of(*rest) if rest else parts[0]
    policy = when(condition).require(required)
    if verdict(condition, known) is Verdict.NO:
        assert judge(policy, known, NOW)
    else:
        assert bool(judge(policy, known, NOW)) is bool(judge(required, known, NOW))
    if verdict(condition, known) is Verdict.YES:
        assert verdict(policy, known) is verdict(required, known)


@given(cases(), st.sampled_from(["a", "b"]))
def test_names_and_tags_change_nothing(case: tuple[Policy, Findings], tag: str) -> None:
    policy, known = case
    assert verdict(policy.tagged(tag).named("x").tagged("c"), known) is verdict(policy, known)
