"""Evidence made of a case: of whom, for how long, and what of it nobody asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.laws.toys import NOW, TOKEN, Facts, Has, Toy, facts
from zerotrust.analysis import compare, requires
from zerotrust.analysis.encoding import Anything, Encoding
from zerotrust.core.errors import PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Attribute, Fact, Present
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.verifier import Question


class Elsewhere(Toy):
    """Finds evidence of somebody else, unless told of whom."""

    def blank(self, now: float) -> Facts:
        return facts(subject="eve")


class Stubborn(Elsewhere):
    """Is about nobody."""

    def agrees(self, evidence: Facts, about: Evidence) -> bool:
        return False


class Late(Toy):
    """Finds what has expired."""

    def blank(self, now: float) -> Facts:
        return facts(expires_at=now)


class Choosy(Toy):
    """Can make up evidence of a flag only."""

    def exhibit(self, values: Mapping[str, object], now: float) -> Facts:
        if "disk" not in values.get("flags", ()):  # type: ignore[operator]
            raise PolicyError("the flag is missing")
        return super().exhibit(values, now)


def test_evidence_is_about_whom_that_is_which_it_is_of() -> None:
    other = Elsewhere("other", of=TOKEN)
    found = compare(Has("pay").leaf(other), Has("root").leaf(other)).newly_allowed
    assert found
    assert all(one.new and not one.old for one in found)


@pytest.mark.parametrize(
    ("verifier", "why"),
    [
        (Stubborn("other", of=TOKEN), "other would be about somebody else"),
        (Late("late"), "evidence of late would have expired"),
        (Choosy("choosy"), "the flag is missing"),
    ],
    ids=["stubborn", "late", "choosy"],
)
def test_evidence_that_there_cannot_be_is_no_example(verifier: Toy, why: str) -> None:
    found = compare(Has("pay").leaf(verifier), Has("root").leaf(verifier))
    assert not found.newly_allowed
    assert not found.complete
    assert any(why in caveat for caveat in found.caveats)


def test_what_is_supposed_of_a_predicate_is_a_caveat_of_the_ways_around() -> None:
    found = requires(TOKEN.that("root"), TOKEN.has("pay"))
    assert found.ways_around[0].supposing
    assert any("the application's own predicate" in caveat for caveat in found.caveats)


def test_what_may_answer_anything_is_never_asked() -> None:
    with pytest.raises(NotImplementedError):  # it is reasoned about alone
        Anything().holds(facts(), NOW)
    assert str(Anything()) == "anything"


class Strange(Policy):
    """None of the combinators."""

    __slots__ = ()
    children: tuple[Policy, ...] = ()


def test_a_policy_of_an_unknown_kind_is_not_analysed() -> None:
    strange: Any = Strange()
    with pytest.raises(PolicyError, match="is not a policy that can be analysed"):
        Encoding((strange,))


@dataclass(frozen=True, slots=True)
class Stated(Question[Facts]):
    """Asks of a field but whether it is stated."""

    name: str

    def holds(self, evidence: Facts, now: float) -> bool:
        return bool(getattr(evidence, self.name))

    def facts(self) -> Fact:
        return Present(Attribute(self.name, optional=True))

    def __str__(self) -> str:
        return f"stated({self.name})"


class Flagged(Toy):
    """Takes a list of texts for its flags, and nothing else."""

    def exhibit(self, values: Mapping[str, object], now: float) -> Facts:
        flags = values.get("flags", [])
        if not isinstance(flags, list):
            raise PolicyError("flags are a list")
        return facts(flags=set(flags))


class Unflagged(Toy):
    """Takes nothing."""

    def exhibit(self, values: Mapping[str, object], now: float) -> Facts:
        raise PolicyError("nothing fits")


def stated(verifier: Toy) -> Policy:
    return Leaf(verifier, Stated("flags"))


def test_of_what_is_only_to_be_there_whatever_fits_is_taken() -> None:
    flagged = Flagged("flagged")
    example = compare(~stated(flagged), stated(flagged)).newly_allowed[0]
    assert example.new
    assert not example.old


def test_where_nothing_fits_that_is_told() -> None:
    found = compare(~stated(Unflagged("none")), stated(Unflagged("none")))
    assert not found.newly_allowed
    assert any("nothing fits" in caveat for caveat in found.caveats)
