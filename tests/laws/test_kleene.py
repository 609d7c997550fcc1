"""The logic: default deny, the algebra, what forgetting does, and errors in predicates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.laws import reference
from tests.laws.strategies import cases, nothing, plain_policies, policies, policies_without_standing, times
from tests.laws.toys import NOW, PASSKEY, TOKEN, TOYS, facts
from zerotrust.core.decision import Allow
from zerotrust.core.finding import Finding, Verified
from zerotrust.core.policy import Not, Policy, all_of, any_of, at_least
from zerotrust.core.program import value_of
from zerotrust.core.reason import PREDICATE_FAILED
from zerotrust.core.verdict import Verdict
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge

Findings = dict[Verifier, Finding]


@st.composite
def triples(draw: st.DrawFn) -> tuple[Policy, Policy, Policy, Findings]:
    whole, known = draw(cases(st.builds(all_of, policies, policies, policies)))
    a, b, c = whole.children
    return a, b, c, known


def verdict(policy: Policy, findings: Findings) -> Verdict:
    decision = judge(policy, findings, NOW)
    assert bool(decision) is (decision.verdict is Verdict.YES)
    return decision.verdict


@times(4)
@given(cases())
def test_the_engine_agrees_with_the_reference(case: tuple[Policy, Findings]) -> None:
    policy, known = case
    assert verdict(policy, known).value is reference.verdict(policy, known, NOW)


@given(cases())
def test_only_yes_allows(case: tuple[Policy, Findings]) -> None:
    policy, known = case
    decision = judge(policy, known, NOW)
    assert bool(decision) is isinstance(decision, Allow) is (decision.verdict is Verdict.YES)


@given(policies_without_standing)
def test_without_evidence_only_an_open_door_allows(policy: Policy) -> None:
    allowed = bool(judge(policy, {}, NOW))
    assert allowed is (reference.evaluate(policy, lambda _: None) is True)
    if "anyone(" not in repr(policy):
        assert not allowed


@given(triples())
def test_commutativity(case: tuple[Policy, Policy, Policy, Findings]) -> None:
    a, b, c, known = case
    assert verdict(a & b, known) is verdict(b & a, known)
    assert verdict(a | b, known) is verdict(b | a, known)
    for count in (1, 2, 3):
        assert verdict(at_least(count, a, b, c), known) is verdict(at_least(count, c, a, b), known)


@given(triples())
def test_associativity(case: tuple[Policy, Policy, Policy, Findings]) -> None:
    a, b, c, known = case
    assert verdict(all_of(a, all_of(b, c)), known) is verdict(all_of(all_of(a, b), c), known)
    assert verdict(any_of(a, any_of(b, c)), known) is verdict(any_of(any_of(a, b), c), known)
    assert verdict(a & b & c, known) is verdict(all_of(a, all_of(b, c)), known)
    assert verdict(a | b | c, known) is verdict(any_of(any_of(a, b), c), known)


@given(cases())
def test_idempotence(case: tuple[Policy, Findings]) -> None:
    policy, known = case
    plain = verdict(policy, known)
    for same in (all_of(policy, policy), any_of(policy, policy), at_least(2, policy, policy), all_of(policy)):
        assert verdict(same, known) is plain


@given(triples())
def test_de_morgan(case: tuple[Policy, Policy, Policy, Findings]) -> None:
    a, b, c, known = case
    assert verdict(Not(all_of(a, b, c)), known) is verdict(any_of(Not(a), Not(b), Not(c)), known)
    assert verdict(Not(any_of(a, b, c)), known) is verdict(all_of(Not(a), Not(b), Not(c)), known)


@given(cases())
def test_double_negation(case: tuple[Policy, Findings]) -> None:
    policy, known = case
    assert verdict(Not(Not(policy)), known) is verdict(policy, known) is verdict(~~policy, known)
    assert verdict(Not(policy), known) is ~verdict(policy, known)


@given(triples())
def test_distribution_and_absorption(case: tuple[Policy, Policy, Policy, Findings]) -> None:
    a, b, c, known = case
    assert verdict(a & any_of(b, c), known) is verdict(any_of(a & b, a & c), known)
    assert verdict(a | all_of(b, c), known) is verdict(all_of(a | b, a | c), known)
    assert verdict(a & any_of(a, b), known) is verdict(a, known) is verdict(a | all_of(a, b), known)


@given(triples())
def test_at_least_is_and_or_and_its_own_dual(case: tuple[Policy, Policy, Policy, Findings]) -> None:
    a, b, c, known = case
    assert verdict(at_least(1, a, b, c), known) is verdict(any_of(a, b, c), known)
    assert verdict(at_least(3, a, b, c), known) is verdict(all_of(a, b, c), known)
    assert verdict(at_least(2, a, b, c), known) is verdict(any_of(all_of(a, b), all_of(a, c), all_of(b, c)), known)
    for count in (1, 2, 3):  # not k of n: so many no that k cannot be reached
        dual = at_least(3 - count + 1, Not(a), Not(b), Not(c))
        assert verdict(Not(at_least(count, a, b, c)), known) is verdict(dual, known)


@times(3)
@given(cases(policies_without_standing), st.sampled_from(TOYS), nothing, st.booleans())
def test_forgetting_evidence_never_grants(
    case: tuple[Policy, Findings], toy: Verifier, instead: Finding, drop: bool
) -> None:
    policy, known = case
    poorer = {verifier: found for verifier, found in known.items() if verifier != toy}
    if not drop and toy in known:
        poorer[toy] = instead
    before, after = verdict(policy, known), verdict(policy, poorer)
    assert after in (before, Verdict.UNKNOWN)  # a settled verdict may be lost, never turned round
    assert not judge(policy, poorer, NOW) or judge(policy, known, NOW)


@times(4)
@given(cases(plain_policies))
def test_the_shortcut_is_the_general_evaluation(case: tuple[Policy, Findings]) -> None:
    for policy in (case[0], Not(case[0])):
        program, known = policy.program, case[1]
        assert program.shortcut is not None
        values = [
            value_of(leaf, known[leaf.verifier], NOW) if leaf.verifier in known else None for leaf in program.leaves
        ]
        decision = judge(policy, known, NOW)  # by the shortcut, if that says YES
        assert bool(decision) is (program.verdict(values) is True) is (reference.verdict(policy, known, NOW) is True)
        assert list(decision.values) == values


def test_an_error_in_a_predicate_is_unknown_also_under_not() -> None:
    known: Findings = {TOKEN: Verified(facts(flags={"root"})), PASSKEY: Verified(facts())}
    for predicate in ("raises", "one", "none", "text"):
        leaf = TOKEN.that(predicate)
        for policy in (leaf, Not(leaf), ~(leaf & TOKEN.has("root")), all_of(leaf, TOKEN.has("root"))):
            decision = judge(policy, known, NOW)
            assert decision.verdict is Verdict.UNKNOWN
            assert not decision
            assert not isinstance(decision, Allow)
            assert decision.reason.kind is PREDICATE_FAILED
            assert "secret" not in f"{decision} {decision.reason}"
    assert judge(TOKEN.that("root"), known, NOW)
    assert judge(~PASSKEY.that("root"), known, NOW)
