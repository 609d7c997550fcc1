"""What is proven of policies, against trying every kind of evidence; by tables and by the solver."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.analysis.brute import allowed, worlds
from tests.laws.reference import everything, occurrences, verdict
from tests.laws.strategies import LEAVES, OPAQUE, STANDING, any_one, trees
from tests.laws.toys import NOW, PASSKEY, SESSION, TOKEN, Toy, twin
from zerotrust.analysis import Relation, compare, equivalent, idle_leaves, implies, monotone, unreachable
from zerotrust.analysis.circuit import Circuit
from zerotrust.analysis.prover import Method, Prover
from zerotrust.core.finding import Finding, Verified
from zerotrust.core.policy import AllOf, AnyOf, AtLeast, Leaf, Named, Not, Policy, all_of, any_of, at_least
from zerotrust.core.verifier import Verifier

METHODS: tuple[Method, ...] = ("tables", "solver")

small = trees("plain", 3)
methods = st.sampled_from(METHODS)


@given(small, small, methods)
def test_a_comparison_says_what_trying_everything_says(old: Policy, new: Policy, method: Method) -> None:
    every = worlds(old, new)
    assume(every is not None)
    assert every is not None
    pairs = {(allowed(old, truth), allowed(new, truth)) for truth in every}
    found = compare(old, new, method=method)
    assert (bool(found.newly_allowed), bool(found.newly_refused)) == ((False, True) in pairs, (True, False) in pairs)
    assert (
        found.relation
        is {
            (False, False): Relation.EQUIVALENT,
            (False, True): Relation.STRICTER,
            (True, False): Relation.WEAKER,
            (True, True): Relation.INCOMPARABLE,
        }[(False, True) in pairs, (True, False) in pairs]
    )
    assert found.complete
    assert found.not_weaker is ((False, True) not in pairs)
    assert implies(new, old, method=method) is found.not_weaker
    assert equivalent(old, new, method=method) is (found.relation is Relation.EQUIVALENT)


@given(trees("plain", 5), trees("plain", 5), methods)
def test_every_example_is_real_and_says_what_it_rests_on(old: Policy, new: Policy, method: Method) -> None:
    found = compare(old, new, method=method)
    assert found.relation is not Relation.UNKNOWN
    for examples, expected in ((found.newly_allowed, (False, True)), (found.newly_refused, (True, False))):
        for example in examples:
            seen = tuple(
                verdict(policy, decision.findings, example.now) is True
                for policy, decision in ((old, example.old), (new, example.new))
            )
            assert seen == expected == (bool(example.old), bool(example.new))
            # The same world, not two: each finds what the engine would have made of it.
            together = {**example.old.findings, **example.new.findings}
            assert example.old.findings.items() <= together.items() >= example.new.findings.items()
            for policy, decision in ((old, example.old), (new, example.new)):
                truth = {one: together[one] for one in together}
                gathered = everything(policy, truth, example.now)
                assert {type(gathered[one]) for one in gathered} <= {type(one) for one in decision.findings.values()}
        assert len({example.rests_on for example in examples}) == len(examples)


@given(small, st.data())
def test_a_mutation_is_found_unless_it_changes_nothing(policy: Policy, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from([*mutants(policy)]))
    every = worlds(policy, other)
    assume(every is not None)
    assert every is not None
    pairs = {(allowed(policy, truth), allowed(other, truth)) for truth in every}
    assert compare(policy, other).not_weaker is ((False, True) not in pairs)


def mutants(policy: Policy) -> list[Policy]:
    """`policy` with something small done to it."""
    match policy:
        case AllOf() | AnyOf() | AtLeast():
            parts = policy.parts
            made: list[Policy] = [AnyOf(parts) if isinstance(policy, AllOf) else AllOf(parts), Not(policy)]
            made += [AllOf((*parts[:at], *parts[at + 1 :])) for at in range(len(parts)) if len(parts) > 1]
            for at, part in enumerate(parts):
                for other in mutants(part):
                    changed = (*parts[:at], other, *parts[at + 1 :])
                    made.append(
                        AtLeast(policy.count, changed) if isinstance(policy, AtLeast) else type(policy)(changed)
                    )
            return made
        case Not():
            return [policy.inner, *(Not(one) for one in mutants(policy.inner))]
        case Named():
            return mutants(policy.inner)
        case _:
            return [Not(policy), policy & TOKEN.level(2), policy | TOKEN.level(3)]


@given(trees("all", 2), trees("all", 2), trees("all", 2), methods, st.integers(0, 6))
def test_the_laws_of_the_algebra_are_proven(a: Policy, b: Policy, c: Policy, method: Method, law: int) -> None:
    one, other = (
        (Not(Not(a)), a),
        (Not(all_of(a, b)), any_of(~a, ~b)),
        (Not(any_of(a, b)), all_of(~a, ~b)),
        (all_of(a, any_of(b, c)), any_of(all_of(a, b), all_of(a, c))),
        (at_least(2, a, b, c), any_of(all_of(a, b), all_of(a, c), all_of(b, c))),
        (all_of(a, b), all_of(b, a)),
        (any_of(a, all_of(a, b)), a),
    )[law]
    assert equivalent(one, other, method=method)
    assert equivalent(Not(one), Not(other), method=method)


@given(trees("all", 3), trees("all", 3))
def test_the_solver_and_the_tables_say_the_same(old: Policy, new: Policy) -> None:
    one, other = (compare(old, new, method=method) for method in METHODS)
    assert one.relation is other.relation
    assert one.complete is other.complete


@given(trees("plain", 5))
def test_verifiers_of_two_versions_are_the_same_by_name_and_kind(policy: Policy) -> None:
    assert equivalent(policy, _with_twins(policy))


def _with_twins(policy: Policy) -> Policy:
    match policy:
        case Leaf():
            return Leaf(twin(cast(Toy, policy.verifier)), policy.question)
        case AllOf() | AnyOf():
            return type(policy)(tuple(map(_with_twins, policy.parts)))
        case AtLeast():
            return AtLeast(policy.count, tuple(map(_with_twins, policy.parts)))
        case Not():
            return Not(_with_twins(policy.inner))
        case Named():
            return Named(_with_twins(policy.inner), policy.name)
        case _:
            return policy


# --- Monotonicity ----------------------------------------------------------------------------------------------------
def is_worse(one: Finding[Any], other: Finding[Any]) -> bool:
    """Whether `one` is the same as `other`, or worse."""
    if not isinstance(other, Verified):
        return type(one) is type(other)
    if not isinstance(one, Verified):
        return True
    bad, good = one.evidence, other.evidence
    return bool(bad.level <= good.level and bad.flags <= good.flags and bad.since <= good.since)


@given(trees("plain", 2))
def test_monotone_says_what_trying_all_pairs_says(policy: Policy) -> None:
    every = worlds(policy)
    assume(every is not None and len(every) <= 150)
    assert every is not None
    outcomes = [(truth, allowed(policy, truth)) for truth in every]
    grants = any(
        all(is_worse(worse[one], better[one]) for one in better)
        for better, is_allowed in outcomes
        if not is_allowed
        for worse, is_let_in in outcomes
        if is_let_in
    )
    found = monotone(policy)
    assert found.proven is not grants
    if found.counterexample is not None:
        assert not found.counterexample.better
        assert found.counterexample.worse
        assert found.counterexample.changed


# --- What decides nothing --------------------------------------------------------------------------------------------
@given(small)
def test_a_leaf_is_idle_if_no_answer_of_it_makes_a_difference(policy: Policy) -> None:
    every = worlds(policy)
    assume(every is not None)
    assert every is not None
    written = list(occurrences(policy))
    assume(written)
    idle = {str(one.text) for one in idle_leaves(policy).found}
    matters: set[str] = set()
    for truth in every:
        findings: dict[Verifier[Any], Finding[Any]] = everything(policy, truth, NOW)
        outcome = verdict(policy, findings, NOW) is True
        for place, leaf in enumerate(written):
            if any(_with_answer(policy, findings, place, answer) is not outcome for answer in (True, False, None)):
                matters.add(str(leaf))
    # Of those written several times one may matter and another not; what a rule forbids may not be among `written`.
    for text in {str(leaf) for leaf in written}:
        if str(policy).count(text) == 1:
            assert (text in idle) is (text not in matters)


def _with_answer(policy: Policy, findings: dict[Verifier[Any], Finding[Any]], place: int, answer: bool | None) -> bool:
    from tests.laws.reference import evaluate, leaf_value

    seen = iter(range(10_000))
    return evaluate(policy, lambda leaf: answer if next(seen) == place else leaf_value(leaf, findings, NOW)) is True


@given(st.lists(st.tuples(any_one(LEAVES + STANDING), any_one(LEAVES)), min_size=2, max_size=4, unique_by=str))
def test_without_its_unreachable_rules_a_policy_is_what_it_was(pairs: list[tuple[Policy, Policy]]) -> None:
    parts = [one & other for one, other in pairs]
    gone = {one.text for one in unreachable(any_of(*parts)).found}
    left = [part for part in parts if str(part) not in gone]
    if left:  # else none of them is ever YES
        assert equivalent(any_of(*parts), any_of(*left))
        assert not unreachable(any_of(*left)).found


@pytest.mark.parametrize("leaf", OPAQUE[:3], ids=lambda leaf: str(leaf))
def test_predicates_may_answer_anything_and_are_themselves(leaf: Policy) -> None:
    assert equivalent(leaf, leaf)
    assert not implies(leaf, ~leaf)
    dropped = compare(leaf & TOKEN.level(1), TOKEN.level(1))
    assert dropped.relation is not Relation.EQUIVALENT
    assert not dropped.complete
    assert any(str(leaf) in supposed for example in dropped.newly_allowed for supposed in example.supposing)


def test_the_leaves_of_linked_verifiers_need_what_they_are_linked_to() -> None:
    assert implies(PASSKEY.level(1), any_of(TOKEN.level(1), ~TOKEN.level(1)))
    assert not implies(TOKEN.level(1), any_of(SESSION.level(1), ~SESSION.level(1)))


@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=3), max_size=12))
def test_tables_and_solver_find_models_of_the_same_formulas(clauses: list[list[tuple[int, bool]]]) -> None:
    circuit = Circuit()
    choices = [circuit.choice(str(at), *map(str, range(2 + at % 3))) for at in range(6)]
    literals = [[circuit.case(choices[at], 1) ^ negated for at, negated in clause] for clause in clauses]
    wanted = circuit.all([circuit.any(clause) for clause in literals])
    tables, solver = (Prover(circuit, method=method).find(wanted) for method in METHODS)
    assert (tables is None) is (solver is None)
    for model in (tables, solver):
        if model is not None:
            assert all(any((model[choices[at]] == 1) is not negated for at, negated in clause) for clause in clauses)
