"""The truth tables of XACML 3.0: every combination of children, against the standard's appendix C and tables 4 to 7."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

import pytest

from tests.laws import xacml
from tests.laws.toys import TOKEN, Born
from tests.laws.xacml import EVERY, I_ANY, I_D, I_DP, I_P, NA, D, P, Says, Truth
from zerotrust.core.combining import (
    Combination,
    Item,
    PolicySet,
    Rule,
    deny_overrides,
    deny_unless_permit,
    first_applicable,
    forbid,
    permit,
    permit_overrides,
    permit_unless_deny,
)
from zerotrust.core.policy import Leaf, Policy, anyone, at_least
from zerotrust.core.requirement import when

KLEENE: tuple[Truth, ...] = (True, False, None)
MAKERS: dict[str, Callable[..., Combination]] = {
    make.__name__: make
    for make in (deny_overrides, permit_overrides, first_applicable, deny_unless_permit, permit_unless_deny)
}
NAMES = sorted(MAKERS)
HALVES: dict[tuple[Truth, Truth], Says] = {
    (True, False): P,
    (False, True): D,
    (False, False): NA,
    (None, False): I_P,
    (False, None): I_D,
    (None, None): I_DP,
}
VALUES = {decision: halves for halves, decision in HALVES.items()}


def leaf(name: str) -> Policy:
    return Born(name).leaf(TOKEN)


def value(policy: Policy, answers: Mapping[str, Truth]) -> Truth:
    leaves = policy.program.leaves
    asked = [one.question.flag if isinstance(one, Leaf) and isinstance(one.question, Born) else "" for one in leaves]
    return policy.program.verdict([answers[flag] for flag in asked])


def comes_to(item: Item, answers: Mapping[str, Truth]) -> Says:
    """What the pair of policies says; a pair that is not in the table fails."""
    assert isinstance(item, Combination | PolicySet | Rule)
    permits, denies = item.halves
    return HALVES[
        False if permits is None else value(permits, answers), False if denies is None else value(denies, answers)
    ]


def child(number: int) -> Combination:
    """What can come to each of the six decisions."""
    return deny_overrides(permit(leaf(f"p{number}")), forbid(leaf(f"d{number}")))


def giving(*decisions: Says) -> dict[str, Truth]:
    """The answers on which the children come to these."""
    pairs = enumerate(map(VALUES.__getitem__, decisions))
    return {f"{half}{number}": answer for number, pair in pairs for half, answer in zip("pd", pair, strict=True)}


def test_a_child_can_come_to_everything() -> None:
    for decision in EVERY:
        assert comes_to(child(0), giving(decision)) is decision


# --- Appendix C ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_appendix_c(name: str, size: int) -> None:
    combination = MAKERS[name](*map(child, range(size)))
    differences = set()
    for decisions in product(EVERY, repeat=size):
        ours, standard = comes_to(combination, giving(*decisions)), xacml.ALGORITHMS[name](decisions)
        assert ours is xacml.combine(name, decisions), decisions
        assert value(combination, giving(*decisions)) is xacml.truth(ours)
        if standard is I_ANY:
            assert ours in (I_P, I_D, I_DP)  # the same, said more exactly
        elif ours is not standard:
            differences.add((standard, ours))
    # An unknown is decided by default there, and stays open here. Nothing else differs.
    assert differences == {"deny_unless_permit": {(D, I_DP)}, "permit_unless_deny": {(P, I_DP)}}.get(name, set())


@pytest.mark.parametrize("name", ["deny_unless_permit", "permit_unless_deny"])
def test_what_is_decided_by_default_is_open_only_where_it_may_yet_be_otherwise(name: str) -> None:
    combination = MAKERS[name](child(0), child(1))
    may_yet = {"deny_unless_permit": (P, I_P, I_DP), "permit_unless_deny": (D, I_D, I_DP)}[name]
    for decisions in product(EVERY, repeat=2):
        if not any(one in may_yet for one in decisions):
            assert comes_to(combination, giving(*decisions)) is xacml.ALGORITHMS[name](decisions)


def test_the_examples_of_first_applicable() -> None:
    assert xacml.combine("first_applicable", (NA, I_P, P)) is I_P
    assert xacml.combine("first_applicable", (I_P, D)) is I_DP
    assert xacml.combine("first_applicable", (I_D, NA)) is I_D
    assert xacml.combine("first_applicable", (D, I_DP)) is D


# --- Tables 4 to 7 ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("truth", KLEENE)
def test_table_4(truth: Truth) -> None:
    assert comes_to(permit(leaf("c")), {"c": truth}) is xacml.rule("permit", truth)
    assert comes_to(forbid(leaf("c")), {"c": truth}) is xacml.rule("forbid", truth)


@pytest.mark.parametrize("name", NAMES)
def test_tables_5_to_7(name: str) -> None:
    """A target that is not met leaves a combination out; one that is unknown leaves open what would be decided."""
    combination = MAKERS[name](child(0), child(1), target=leaf("t"))
    for target, decisions in product(KLEENE, product(EVERY, repeat=2)):
        answers = {"t": target, **giving(*decisions)}
        assert comes_to(combination, answers) is xacml.targeted(target, xacml.combine(name, decisions))


def test_table_7_in_full() -> None:
    rows = {NA: NA, P: I_P, D: I_D, I_ANY: I_DP, I_DP: I_DP, I_P: I_P, I_D: I_D}
    for decision, expected in rows.items():
        assert xacml.targeted(None, decision) is expected
        if decision is not I_ANY:
            one = deny_overrides(child(0), target=leaf("t"))
            assert comes_to(one, {"t": None, **giving(decision)}) is expected


# --- Nesting, and rules beside combinations --------------------------------------------------------------------------
@pytest.mark.parametrize("outer", NAMES)
@pytest.mark.parametrize("inner", NAMES)
def test_nested(outer: str, inner: str) -> None:
    items: list[Item] = [MAKERS[inner](child(0), child(1)).named("inner"), child(2)]
    for turned in (items, items[::-1]):
        combination = MAKERS[outer](*turned)
        for decisions in product(EVERY, repeat=3):
            within = [xacml.combine(inner, decisions[:2]), decisions[2]]
            expected = xacml.combine(outer, within if turned is items else within[::-1])
            assert comes_to(combination, giving(*decisions)) is expected


@pytest.mark.parametrize("name", NAMES)
def test_every_mixture_of_rules(name: str) -> None:
    for effects in product((permit, forbid), repeat=3):
        if len({*effects}) == 1 and (name, effects[0]) in (
            ("deny_unless_permit", forbid),
            ("permit_unless_deny", permit),
        ):
            continue  # refused: see the mistakes
        rules = [effect(leaf(str(number))) for number, effect in enumerate(effects)]
        combination = MAKERS[name](*rules)
        for truths in product(KLEENE, repeat=3):
            answers = dict(zip("012", truths, strict=True))
            decisions = [xacml.rule(rule.effect, truth) for rule, truth in zip(rules, truths, strict=True)]
            expected = xacml.combine(name, decisions)
            assert comes_to(combination, answers) is expected
            assert value(combination, answers) is xacml.truth(expected)


@pytest.mark.parametrize("permits", [1, 2, 3])
@pytest.mark.parametrize("forbids", [0, 1, 2])
def test_a_policy_set_is_deny_overrides_with_deny_by_default(permits: int, forbids: int) -> None:
    may, may_not = [leaf(f"p{number}") for number in range(permits)], [leaf(f"d{number}") for number in range(forbids)]
    policies = PolicySet(permit=may, forbid=may_not)
    plain = deny_overrides(*map(permit, may), *map(forbid, may_not))
    for truths in product(KLEENE, repeat=permits + forbids):
        answers = dict(zip([f"p{n}" for n in range(permits)] + [f"d{n}" for n in range(forbids)], truths, strict=True))
        assert value(policies, answers) is value(plain, answers)
        assert comes_to(policies, answers) is xacml.says(policies, lambda one, answers=answers: value(one, answers))  # type: ignore[misc]
        assert comes_to(policies, answers) in (P, D, I_DP)


def test_a_requirement() -> None:
    policy = when(leaf("a")).require(leaf("b"))
    for a, b in product(KLEENE, repeat=2):
        assert value(policy, {"a": a, "b": b}) is value(~leaf("a") | leaf("b"), {"a": a, "b": b})


def test_what_never_permits_is_no() -> None:
    """As an item it forbids; alone it lets nobody in."""
    never = first_applicable(forbid(leaf("a")), forbid(leaf("b")))
    for a, b in product(KLEENE, repeat=2):
        assert value(never, {"a": a, "b": b}) is False
    assert value(deny_overrides(never, permit(leaf("c"))), {"a": False, "b": True, "c": True}) is False
    assert value(deny_overrides(never, permit(leaf("c"))), {"a": False, "b": False, "c": True}) is True
    assert never.halves[0] is None
    assert never.verifiers == frozenset()


def test_an_item_keeps_its_name_where_it_permits() -> None:
    readers = deny_overrides(permit(leaf("a"))).named("readers")
    assert deny_overrides(readers).halves == (readers, None)
    nobody = deny_overrides(forbid(leaf("a"))).named("nobody")
    assert deny_overrides(nobody).halves == (None, leaf("a"))


@pytest.mark.parametrize("name", NAMES)
def test_explanations_call_a_combination_by_its_algorithm(name: str) -> None:
    said = {
        "deny_overrides": "deny overrides",
        "permit_overrides": "permit overrides",
        "first_applicable": "first applicable",
        "deny_unless_permit": "deny unless permit",
        "permit_unless_deny": "permit unless deny",
    }
    assert MAKERS[name](child(0)).text == said[name]


def test_combinations_are_policies() -> None:
    one = deny_overrides(permit(leaf("a")), forbid(leaf("b")))
    both = at_least(1, one & leaf("c"), ~one) | anyone(because="a test")
    assert value(both, {"a": True, "b": False, "c": True}) is True
    assert value(~one, {"a": True, "b": False}) is False
