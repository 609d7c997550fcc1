"""What is too large or too hard is not answered, and no answer never counts as a safe one."""

from __future__ import annotations

import subprocess
import sys
from functools import reduce
from itertools import pairwise
from operator import and_, or_
from typing import Any

import pytest

from benchmarks.analysis import measure, thirty_leaves
from tests.laws.toys import TOKEN, Facts, Has, Toy
from zerotrust.analysis import (
    Relation,
    assert_not_weaker,
    compare,
    equivalent,
    idle,
    idle_leaves,
    implies,
    monotone,
    requires,
    unreachable,
)
from zerotrust.analysis.encoding import Encoding
from zerotrust.analysis.prover import Prover
from zerotrust.core.combining import deny_overrides, forbid, permit
from zerotrust.core.errors import PolicyError
from zerotrust.core.facts import Attribute, Fact, Includes
from zerotrust.core.policy import Leaf, Not, Policy, all_of, any_of, anyone, at_least, not_presented
from zerotrust.core.requirement import when


def flags(count: int) -> list[Policy]:
    return [Has(f"f{number}").leaf(TOKEN) for number in range(count)]


def hard() -> tuple[Policy, Policy]:
    """Two ways to count the same things, in different order: known to be hard for solvers."""
    parts = flags(60)
    return at_least(30, *parts), at_least(30, *parts[::3], *parts[1::3], *parts[2::3])


@pytest.mark.unmeasured  # as other large policies are not measured: small ones go over the same lines
def test_a_solver_that_takes_too_long_is_no_proof() -> None:
    old, new = hard()
    found = compare(old, new, seconds=0.05)
    assert found.relation is Relation.UNKNOWN
    assert not found.not_weaker
    assert not found.complete
    assert "0.05 seconds" in found.caveats[0]
    assert "cannot be told" in str(found)
    assert not implies(old, new, seconds=0.05)


def test_an_assertion_fails_if_it_cannot_be_told() -> None:
    huge = at_least(450, *flags(900))
    with pytest.raises(AssertionError, match="cannot be told"):
        assert_not_weaker(huge, huge)


def test_what_is_too_large_is_told_and_is_no_proof() -> None:
    parts = flags(900)
    huge = at_least(450, *parts)
    assert compare(huge, huge).relation is Relation.UNKNOWN
    assert "too large" in compare(huge, huge).caveats[0]
    assert not implies(huge, huge)
    assert not monotone(huge).proven
    assert not requires(huge, huge).proven
    assert not unreachable(huge).complete
    assert not idle_leaves(huge).complete


def test_too_many_parts_are_told_before_any_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part is a question to a solver, and none of their answers would be complete."""
    asked: list[object] = []

    def find(*wanted: object) -> None:
        asked.append(wanted)

    monkeypatch.setattr(Prover, "find", find)
    monkeypatch.setattr(Prover, "possible", find)
    huge = reduce(or_, flags(5_000))
    for ask in (idle_leaves, unreachable):
        found = ask(huge)
        assert (found.found, found.complete, found.caveats) == ((), False, ("the policy has more than 5000 parts",))
    assert asked == []


def test_too_many_leaves_in_too_much_are_told_before_any_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "_MOST_WORK", 50)
    found = idle_leaves(all_of(*flags(20)))
    assert (found.found, found.complete) == ((), False)
    assert "20 leaves in " in found.caveats[0]
    assert "(the product may be 50): look through its parts one by one" in found.caveats[0]


def test_leaves_of_a_large_policy_are_taken_out_of_one_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []
    node = Encoding._node

    def counted(self: Encoding, *of: Any) -> Any:
        written.append(of)
        return node(self, *of)

    monkeypatch.setattr(Encoding, "_node", counted)
    monkeypatch.setattr(idle, "_MOST_ANEW", 0)
    parts = flags(60)
    assert not idle_leaves(any_of(*parts)).found
    nodes = 60 + 1
    assert len(written) == nodes + 2 * 60 + 2 * nodes  # to begin with; each leaf, and anything; the two compared


A, B, C = flags(3)
SEVERAL = [
    A,
    A | (A & B),
    (A & B) | (A & ~B) | C,
    at_least(2, A, B, A & B, C),
    any_of(A, not_presented(TOKEN) & B, C & anyone(because="a test")),
    deny_overrides(permit(A), permit(A & B), forbid(C & ~A)).named("a name") & (A | B | C),
    when(A).require(A | B) & C,
]


@pytest.mark.parametrize("policy", SEVERAL, ids=map(str, SEVERAL))
@pytest.mark.parametrize("at_once", [1, 2, 64])
def test_how_many_are_taken_out_at_once_makes_no_difference(
    policy: Policy, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = idle_leaves(policy)
    monkeypatch.setattr(idle, "_MOST_ANEW", 0)
    monkeypatch.setattr(idle, "_AT_ONCE", at_once)
    assert idle_leaves(policy) == expected


@pytest.mark.unmeasured
def test_the_solver_finds_the_same_idle_leaves_at_once_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = flags(40)
    policy = any_of(*(one & other for one, other in pairwise(parts)), all_of(*parts[:3]))
    found = idle_leaves(policy)
    assert found.complete
    assert [one.text for one in found.found] == [str(parts[0]), str(parts[2])]
    monkeypatch.setattr(idle, "_MOST_ANEW", 0)
    assert idle_leaves(policy) == found


@pytest.mark.unmeasured
def test_thousands_of_leaves_are_no_trouble() -> None:
    parts = flags(2_000)
    assert implies(reduce(and_, parts), parts[17])
    assert not implies(reduce(or_, parts), parts[17])


@pytest.mark.unmeasured
def test_depth_is_no_trouble() -> None:
    deep: Policy = TOKEN.level(1)
    for number in range(3_000):
        deep = Not(Not(deep | TOKEN.level(3))) if number % 2 else Not(Not(deep & TOKEN.level(1)))
    assert equivalent(deep, TOKEN.level(1))


@pytest.mark.unmeasured
def test_what_the_benchmark_measures_runs() -> None:
    """How long it takes is told by `python -m benchmarks.analysis`."""
    assert min(measure(runs=1)) > 0


@pytest.mark.unmeasured
def test_the_solver_is_not_needed_for_small_policies_and_asked_for_by_name_for_large_ones() -> None:
    code = """
import sys
sys.modules["cvc5"] = None
from benchmarks.analysis import thirty_leaves
from tests.laws.toys import TOKEN
from zerotrust.analysis import compare, equivalent
from zerotrust.core.errors import ConfigError
assert equivalent(TOKEN.level(1) & TOKEN.level(2), TOKEN.level(2))
try:
    compare(*thirty_leaves())
except ConfigError as error:
    assert "zerotrust[analysis]" in str(error), error
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.unmeasured
def test_nothing_but_the_one_file_loads_the_solver_and_only_when_it_is_needed() -> None:
    code = """
import sys
import zerotrust.analysis
from tests.laws.toys import TOKEN
assert zerotrust.analysis.implies(TOKEN.level(2), TOKEN.level(1))
assert "cvc5" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("wrong", [None, "a", TOKEN], ids=["none", "text", "verifier"])
def test_what_is_no_policy_is_refused(wrong: Any) -> None:
    for ask in (
        lambda: compare(wrong, TOKEN.level(1)),
        lambda: implies(TOKEN.level(1), wrong),
        lambda: idle_leaves(wrong),
        lambda: unreachable(wrong),
    ):
        with pytest.raises(PolicyError, match="policies"):
            ask()


class Mute(Toy):
    """Cannot make up evidence."""

    def exhibit(self, values: Any, now: float) -> Facts:
        raise PolicyError("no")


def test_what_no_evidence_can_be_made_of_is_neither_proven_nor_shown() -> None:
    mute = Mute("mute")
    old, new = Has("pay").leaf(mute), Has("root").leaf(mute)
    found = compare(old, new)
    assert found.relation is Relation.UNKNOWN
    assert not found.newly_allowed
    assert "no evidence" in found.caveats[0]
    assert not found.not_weaker
    assert not monotone(~new).proven


class _Liar(Has):
    """Says of itself what is not so."""

    def facts(self) -> Fact:
        return Includes(Attribute("flags"), "another")


def test_an_example_that_the_engine_does_not_confirm_is_not_shown() -> None:
    lying = Leaf(TOKEN, _Liar("pay"))
    found = compare(lying & TOKEN.level(1), TOKEN.level(1))
    for example in found.newly_allowed:
        assert example.new
        assert not example.old
    sure = compare(TOKEN.level(5), lying)
    assert not sure.newly_allowed
    assert sure.relation is Relation.UNKNOWN


def test_answers_have_no_truth_value() -> None:
    for answer in (
        compare(TOKEN.level(1), TOKEN.level(1)),
        monotone(TOKEN.level(1)),
        unreachable(TOKEN.level(1)),
        requires(TOKEN.level(1), TOKEN.level(1)),
    ):
        with pytest.raises(TypeError, match="neither true nor false"):
            bool(answer)


@pytest.mark.unmeasured
def test_the_benchmark_has_as_many_leaves_as_it_says() -> None:
    old, new = thirty_leaves()
    assert compare(old, new).relation is Relation.STRICTER
