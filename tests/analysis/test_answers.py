"""What analyses answer, as text; and what they answer where they cannot tell."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import pytest

from tests.laws.toys import PASSKEY, TOKEN
from zerotrust import any_of, deny_overrides, first_applicable, forbid, permit
from zerotrust.analysis import idle_leaves, monotone, never_or_always, parts, requires, unreachable
from zerotrust.analysis.circuit import GaveUp
from zerotrust.analysis.parts import Part, leaves, put_leaves, rules, without
from zerotrust.analysis.prover import Prover
from zerotrust.analysis.witness import Imaginary
from zerotrust.core.policy import Policy

A, B, C = (TOKEN.has(flag) for flag in ("pay", "root", "disk"))


@pytest.fixture
def tired(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found in time."""

    def find(*_: object) -> NoReturn:
        raise GaveUp("too hard")

    monkeypatch.setattr(Prover, "find", find)
    monkeypatch.setattr(Prover, "possible", find)


# --- Is worse evidence never better? ---------------------------------------------------------------------------------
def test_a_proof_is_told() -> None:
    assert str(monotone(A & B)) == "proven: worse evidence never grants more"


def test_a_counterexample_is_told_with_both_decisions() -> None:
    found = monotone(~A)
    lines = str(found).splitlines()
    assert lines[0] == "worse evidence grants more:"
    assert found.counterexample is not None
    (about, better, worse), *_ = found.counterexample.changed
    assert lines[1] == f"  {about}: refused with {better!r}, allowed with {worse!r}"
    assert [line for line in lines if line.startswith(("  better: ", "  worse: "))] == [
        f"  better: {found.counterexample.better}".splitlines()[0],
        f"  worse: {found.counterexample.worse}".splitlines()[0],
    ]


def test_what_is_supposed_of_a_predicate_is_told() -> None:
    found = monotone(~A & TOKEN.that("root"))
    assert found.counterexample is not None
    assert found.counterexample.supposing
    assert all(f"  supposing that {one}" in str(found) for one in found.counterexample.supposing)
    assert f"left open: {found.caveats[0]}" in str(found)


def test_what_cannot_be_told_is_not_proven(tired: None) -> None:
    found = monotone(~A)
    assert str(found) == "cannot tell\nleft open: too hard"
    assert not found.proven


def test_of_a_case_of_which_no_evidence_can_be_made_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_witness(*_: object) -> NoReturn:
        raise Imaginary("not of this world", [])

    module = sys.modules["zerotrust.analysis.monotone"]  # the package has a function of this name
    monkeypatch.setattr(module, "Witness", no_witness)
    monkeypatch.setattr(module, "_MOST_ATTEMPTS", 1)
    found = monotone(~A)
    assert (found.proven, found.counterexample, found.complete) == (False, None, False)
    assert "no evidence of it could be made up: not of this world" in found.caveats[0]


# --- What decides nothing --------------------------------------------------------------------------------------------
def test_nothing_is_idle_where_it_cannot_be_told(tired: None) -> None:
    rule, leaf = unreachable(A | A & B), idle_leaves(A | A & B)
    for found in (rule, leaf):
        assert (found.found, found.complete, found.caveats) == ((), False, ("too hard",))
    assert str(rule) == "none\nleft open: too hard"
    assert never_or_always(A & ~A) == ""


def test_a_rule_that_forbids_last_is_idle() -> None:
    """Nothing is let in after it, so that the program does not even ask it."""
    policy = first_applicable(permit(~TOKEN.level(1)), forbid(PASSKEY.has("disk")))
    assert [str(one.text) for one in idle_leaves(policy).found] == [str(PASSKEY.has("disk"))]


def test_a_leaf_matters_that_can_only_take_away_or_only_add() -> None:
    for policy in (A & A, A | A):
        assert (idle_leaves(policy).found, idle_leaves(policy).complete) == ((), True)


def test_after_some_leaves_that_took_too_long_the_rest_is_left_open(tired: None) -> None:
    found = idle_leaves(any_of(*(TOKEN.has(f"f{number}") for number in range(7))))
    assert (found.found, found.complete) == ((), False)
    assert found.caveats == ("too hard", "no leaves were looked at after 5 of which nothing could be told")


def test_idle_rules_in_an_idle_rule_are_told_with_it() -> None:
    inner = any_of(A & B, A & C).named("inner")
    assert [(one.text, one.why) for one in unreachable(any_of(A, inner)).found] == [
        (str(inner), f"whenever it is YES, so is {A}")
    ]


def test_too_many_parts_are_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_MOST_PARTS", 6)
    policy = any_of(A, A & B, A & C)
    for found in (unreachable(policy), idle_leaves(policy)):
        assert not found.complete
        assert found.caveats == ("the policy has more than 6 parts",)


# --- Parts -----------------------------------------------------------------------------------------------------------
def test_a_part_is_in_the_innermost_policy_with_a_name_or_else_in_the_whole() -> None:
    policy = any_of(A, (B & C).named("inner"))
    assert [part.where for part in leaves(policy)] == [str(policy), "inner", "inner"]
    assert Part(A, ()).where == str(A)


def test_leaves_are_put_in_the_order_written() -> None:
    assert put_leaves(any_of(A, (B & C).named("inner")), [C, A, B]) == any_of(C, (A & B).named("inner"))
    wrong: Any = 5
    with pytest.raises(GaveUp, match="nothing can be told of a policy without its leaves: "):
        put_leaves(A & B, [A, wrong])


def test_without_a_rule_of_a_combination_it_never_applies() -> None:
    policy = deny_overrides(permit(A), deny_overrides(permit(B), forbid(C)))
    first, nested, *_ = [without(part) for part in rules(policy)]
    assert isinstance(first, Policy)
    assert isinstance(nested, Policy)
    assert str(A) not in str(first)
    assert str(C) in str(first)
    assert str(B) not in str(nested)
    assert str(C) not in str(nested)
    assert str(A) in str(nested)


# --- What is required ------------------------------------------------------------------------------------------------
def test_ways_around_a_policy_are_told() -> None:
    assert str(requires(A & B, A)).startswith("proven: every way requires it")
    assert str(requires(A | B, A)).startswith("allows without it:")
    assert str(requires(A | B, A.named("paying"))).startswith("allows without paying:")


def test_what_cannot_be_told_is_no_requirement(tired: None) -> None:
    assert str(requires(A & B, A)) == "cannot tell\nleft open: too hard"
