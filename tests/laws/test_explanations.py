"""The explanation says of every part what the reference says of it."""

from __future__ import annotations

from hypothesis import given

from tests.laws import reference
from tests.laws.strategies import cases, times
from tests.laws.toys import NOW
from zerotrust.core.decision import Allow
from zerotrust.core.explain import Explanation, ExplanationData
from zerotrust.core.finding import Finding, Unspent, Verified
from zerotrust.core.policy import Leaf, Not, Policy, Standing
from zerotrust.core.reason import NOT_GATHERED
from zerotrust.core.verdict import Verdict
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge

Findings = dict[Verifier, Finding]


def check(part: Explanation, policy: Policy, known: Findings) -> None:
    assert part.verdict.value is reference.verdict(policy, known, NOW)
    inner = policy.children[0] if isinstance(policy, Not) else policy
    if isinstance(inner, Leaf | Standing):
        assert part.children == ()
        assert (part.verdict is Verdict.UNKNOWN) is (part.reason is not None)
        assert part.detail
        assert str(inner) in part.text
        assert part.text.startswith("not ") is (inner is not policy)
        found = known.get(inner.verifier)
        if found is None:
            assert part.reason == NOT_GATHERED()
        elif part.reason is not None and not isinstance(found, Verified | Unspent):
            assert part.reason == found.reason
        elif part.reason is None and isinstance(inner, Leaf):
            assert isinstance(found, Verified)
            assert part.detail == inner.question.saw(found.evidence, NOW)
        return
    assert (part.detail, part.reason) == ("", None)
    assert len(part.children) == len(policy.children)
    for child, below in zip(part.children, policy.children, strict=True):
        check(child, below, known)


@times(3)
@given(cases())
def test_every_node_says_what_the_reference_says(case: tuple[Policy, Findings]) -> None:
    policy, known = case
    decision = judge(policy, known, NOW)
    assert decision.explanation.verdict is decision.verdict
    check(decision.explanation, policy, known)


@given(cases())
def test_the_text_has_a_line_for_every_part_and_the_data_the_same_verdicts(case: tuple[Policy, Findings]) -> None:
    policy, known = case
    tree = judge(policy, known, NOW).explanation

    def parts(part: Explanation) -> list[Explanation]:
        return [part, *(below for child in part.children for below in parts(child))]

    lines, every = str(tree).splitlines(), parts(tree)
    assert len(lines) == len(every)
    for line, part in zip(lines, every, strict=True):
        assert part.text in line
        assert part.detail in line
        if not part.children:
            assert line.lstrip().startswith(str(part.verdict))

    def same(plain: ExplanationData, part: Explanation) -> None:
        assert plain["verdict"] == part.verdict.name
        assert plain["text"] == part.text
        assert plain.get("code") == (part.reason.code if part.reason is not None else None)
        for child, real in zip(plain.get("children", []), part.children, strict=True):
            same(child, real)

    same(tree.to_dict(), tree)


@given(cases())
def test_the_reason_of_a_refusal_stood_in_the_way(case: tuple[Policy, Findings]) -> None:
    """Granting a reason's leaf its wish is the only way on: no reason comes from a part that was satisfied."""
    policy, known = case
    decision = judge(policy, known, NOW)
    if isinstance(decision, Allow):
        return

    def obstacles(part: Policy, wanted: bool) -> list[str]:
        value = reference.verdict(part, known, NOW)
        if value is wanted:
            return []
        if isinstance(part, Leaf | Standing):
            node = judge(part, known, NOW).explanation
            return [node.reason.code if node.reason is not None else "not_satisfied"]
        below = not wanted if isinstance(part, Not) else wanted
        return [code for child in part.children for code in obstacles(child, below)]

    codes = obstacles(policy, True)
    assert decision.reason.code in (codes or ["not_satisfied"])
