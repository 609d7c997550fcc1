"""Large policies: their generated pieces and look-ups answer what the plain evaluation answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.laws import reference
from tests.laws.strategies import any_one, cases, plain_policies, times
from tests.laws.toys import NOW, PLACE, TOKEN, Facts, Surroundings, Toy, World, facts
from zerotrust.core.combining import PolicySet
from zerotrust.core.facts import Attribute, Both, Fact, Includes, OneOf
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.index import FEWEST, Demanded
from zerotrust.core.pieces import pieces
from zerotrust.core.policy import Not, Policy, all_of, any_of, at_least
from zerotrust.core.reason import MISSING_CLAIM, NOT_PRESENTED, Reason
from zerotrust.core.verifier import Question, Verifier
from zerotrust.engine import decide, judge

Findings = dict[Verifier, Finding]


# --- Leaves that say what they test ----------------------------------------------------------------------------------
class Stating(Surroundings):
    """Its evidence states a level, unless that is 0."""

    def read(self, evidence: Facts, attribute: Attribute) -> object:
        return (evidence.level or None) if attribute.name == "level" else super().read(evidence, attribute)


@dataclass(frozen=True, slots=True, repr=False)
class Exactly(Question[Facts]):
    levels: tuple[int, ...]
    looked_up: ClassVar[bool] = True

    def holds(self, evidence: Facts, now: float) -> bool | Reason:
        return evidence.level in self.levels if evidence.level else MISSING_CLAIM(expected="level")

    def facts(self) -> Fact:
        return OneOf(Attribute("level", optional=True), self.levels)

    def __repr__(self) -> str:
        return f"exactly{self.levels}"


@dataclass(frozen=True, slots=True, repr=False)
class Subject(Question[Facts]):
    name: str
    looked_up: ClassVar[bool] = True

    def holds(self, evidence: Facts, now: float) -> bool:
        return evidence.subject == self.name

    def facts(self) -> Fact:
        return OneOf(Attribute("subject"), (self.name,))

    def __repr__(self) -> str:
        return f"subject({self.name})"


@dataclass(frozen=True, slots=True, repr=False)
class Flags(Question[Facts]):
    flags: tuple[str, ...]
    looked_up: ClassVar[bool] = True

    def holds(self, evidence: Facts, now: float) -> bool:
        return evidence.flags.issuperset(self.flags)

    def facts(self) -> Fact:
        return Both(tuple(Includes(Attribute("flags"), flag) for flag in self.flags))

    def __repr__(self) -> str:
        return f"flags{self.flags}"


class Misreading(Surroundings):
    """Answers on its evidence rightly, and reads it wrongly."""

    def read(self, evidence: Facts, attribute: Attribute) -> object:
        said = super().read(evidence, attribute)
        return said + 1 if isinstance(said, int) else ["pay"] if attribute.name == "flags" else "bob"


@dataclass(frozen=True, slots=True, repr=False)
class Lying(Exactly):
    """Its facts speak of other levels, or of another attribute."""

    told: Fact
    looked_up: ClassVar[bool] = True

    def facts(self) -> Fact:
        return self.told

    def __repr__(self) -> str:
        return f"lying({self.levels}, {self.told})"


HERE = Stating("here")
SUBJECTS = ("ann", "bob", "eve")
FLAGS = ("pay", "root", "disk", "native")
TESTS: list[Policy] = [
    *(Exactly(levels).leaf(HERE) for levels in [(1,), (2,), (3,), (1, 2), (4,), (5, 6)]),
    *(Subject(name).leaf(place) for name in SUBJECTS for place in (HERE, PLACE)),
    *(Flags(flags).leaf(place) for flags in [("pay",), ("root", "disk"), ("disk",)] for place in (HERE, PLACE, TOKEN)),
    *(TOKEN.level(least) for least in (1, 2)),
]
FOUND: list[Finding[Facts]] = [Absent(NOT_PRESENTED())] * 20
FOUND += [
    Verified(facts(subject=subject, level=level, flags=flags, expires_at=expires_at))
    for subject in SUBJECTS
    for level in (0, 1, 2, 3, 5)
    for flags in (set[str](), {"pay"}, {"root", "disk"})
    for expires_at in (math.inf, math.inf, NOW)
]
tests = any_one(TESTS)
conjunctions = st.lists(tests, min_size=1, max_size=3).map(lambda parts: all_of(*parts))
members = st.one_of(
    tests,
    conjunctions,
    conjunctions.map(lambda policy: policy.named("x")),
    st.tuples(conjunctions, tests).map(lambda pair: all_of(pair[0].named("y"), ~pair[1])),
    st.tuples(tests, tests).map(lambda pair: pair[0] | pair[1]),
)
lists = st.lists(members, min_size=FEWEST, max_size=24).map(lambda parts: any_of(*parts))

MISREAD = Misreading("misread")
TOLD: list[Fact] = [
    OneOf(Attribute("level"), (4,)),
    OneOf(Attribute("level"), (1, 2)),
    Both((OneOf(Attribute("subject"), ("eve",)), Includes(Attribute("flags"), "native"))),
]
LIES: list[Policy] = [
    Lying(levels, told).leaf(place) for levels, told, place in product([(0, 1), (2, 3), (5,)], TOLD, (HERE, MISREAD))
]
LIES += [Subject(name).leaf(MISREAD) for name in SUBJECTS] + [Flags((flag,)).leaf(MISREAD) for flag in FLAGS]
lying = st.lists(st.one_of(any_one(LIES), members), min_size=FEWEST, max_size=16).map(lambda parts: any_of(*parts))


@st.composite
def sets(draw: st.DrawFn, lists: st.SearchStrategy[Policy] = lists) -> Policy:
    permit, forbid = draw(lists), draw(lists)
    return draw(st.sampled_from([permit, Not(permit), permit & ~forbid, any_of(permit, Not(forbid)).named("z")]))


def found_by(*verifiers: Toy) -> st.SearchStrategy[Findings]:
    return st.tuples(*(any_one(FOUND) for _ in verifiers)).map(lambda found: dict(zip(verifiers, found, strict=True)))


known = found_by(HERE, PLACE, TOKEN)


@times(2)
@given(sets(), known)
def test_what_is_looked_up_is_what_is_tried(policy: Policy, found: Findings) -> None:
    program = policy.program
    assert program.shortcut is not None
    wanted = reference.verdict(policy, found, NOW) is True
    assert (program.shortcut(found, NOW) is not None) is wanted
    assert (program.verdict(program.values(found, NOW)) is True) is wanted
    assert bool(judge(policy, found, NOW)) is wanted


@times(2)
@given(sets(lying), found_by(HERE, PLACE, TOKEN, MISREAD))
def test_what_is_said_wrongly_never_lets_anybody_in(policy: Policy, found: Findings) -> None:
    if judge(policy, found, NOW) or decide(policy, World(found)):
        assert reference.verdict(policy, found, NOW) is True


def test_alternatives_that_forbid_are_asked_each_for_itself() -> None:
    levels = [Lying((number,), OneOf(Attribute("level"), (number + 1,))).leaf(HERE) for number in range(1, 13)]
    misread = [Subject(f"subject {number}").leaf(MISREAD) for number in range(12)]
    found: Findings = {
        HERE: Verified(facts(level=5)),
        MISREAD: Verified(facts(subject="subject 3")),
        TOKEN: Verified(facts(level=1)),
    }
    for forbid in (levels, misread):
        for policy in (Not(any_of(*forbid)), PolicySet(permit=[TOKEN.level(1)], forbid=forbid)):
            assert reference.verdict(policy, found, NOW) is False
            assert not judge(policy, found, NOW)
            assert not decide(policy, World(found))


def test_every_alternative_is_found() -> None:
    place = HERE
    flag, levels = Flags(("pay",)).leaf(place), [(1,), (2,), (3, 4), (5,), (6,), (7,), (8,), (1, 9)]
    alternatives = [Exactly(several).leaf(place) & flag for several in levels]
    alternatives += [Exactly((1,)).leaf(place) & Flags(("root", "disk")).leaf(place)]
    anyhow = [Flags(("native",)).leaf(place) & Subject("bob").leaf(place)]
    for listed in (alternatives, [*alternatives, *anyhow], [*anyhow, *alternatives, TOKEN.level(5)]):
        either = any_of(*listed)
        assert Demanded(either.program.nodes, either.program.leaves).worthwhile()
        for level, flags, subject, until in product(
            range(11), [set[str](), {"pay"}, {"root", "disk"}, {"native"}], ("ann", "bob"), (math.inf, NOW)
        ):
            seen = facts(level=level, flags=flags, subject=subject, expires_at=until)
            found: Findings = {place: Verified(seen)}
            for policy in (either, Not(either)):
                wanted = reference.verdict(policy, found, NOW)
                left = policy.program.left(found, NOW)
                assert bool(judge(policy, found, NOW)) is (wanted is True)
                assert left.verdict(left.values(found, NOW)) is wanted
            if level == 0:
                assert not judge(either, {}, NOW)
                assert not judge(Not(either), {}, NOW)


@times(2)
@given(sets(), known, st.sets(st.sampled_from((HERE, PLACE, TOKEN))))
def test_what_is_left_is_decided_alike(policy: Policy, found: Findings, asked: set[Toy]) -> None:
    program = policy.program
    so_far: Findings = {verifier: finding for verifier, finding in found.items() if verifier in asked}
    left = program.left(so_far, NOW)
    few, all_values = left.values(so_far, NOW), program.values(so_far, NOW)
    assert left.verdict(few) is program.verdict(all_values)
    assert left.undecided(few, so_far) == program.undecided(all_values, so_far)
    assert left.can_be_yes(few, so_far) is program.can_be_yes(all_values, so_far)
    assert program.left(so_far, NOW) is left


@given(cases(plain_policies))
def test_pieces_answer_as_the_shortcut_does(case: tuple[Policy, Findings]) -> None:
    for policy in (case[0], Not(case[0])):
        program, found = policy.program, case[1]
        evaluate = pieces(program.nodes, program.helpful, program.leaves)
        assert evaluate is not None
        assert (evaluate(found, NOW) is True) is (reference.verdict(policy, found, NOW) is True)


@pytest.mark.parametrize("size", [63, 64, 65, 129, 1000])
def test_at_every_size_all_parts_count(size: int) -> None:
    low: Findings = {TOKEN: Verified(facts(level=1))}
    parts = [TOKEN.level(2 + number) for number in range(size)]
    for last in (TOKEN.level(1), TOKEN.level(0)):
        for policy, wanted in (
            (any_of(*parts), False),
            (any_of(*parts, last), True),
            (all_of(*(~part for part in parts), last), True),
            (all_of(*(~part for part in parts), ~last), False),
        ):
            assert bool(judge(policy, low, NOW)) is wanted
            assert bool(judge(policy, {}, NOW)) is False


def test_of_very_many_as_many_as_demanded_count() -> None:
    low: Findings = {TOKEN: Verified(facts(level=1))}
    parts = [*(TOKEN.level(2 + number) for number in range(300)), TOKEN.level(1)]
    assert not judge(at_least(2, *parts), low, NOW)
    assert judge(at_least(2, *parts, TOKEN.level(0)), low, NOW)
    assert judge(~at_least(2, *parts), low, NOW)
    assert not judge(~at_least(2, *parts, TOKEN.level(0)), low, NOW)


def test_depth_costs_nothing() -> None:
    known: Findings = {TOKEN: Verified(facts(level=1))}
    for depth in (100, 3000):
        deep: Policy = TOKEN.level(1)
        for _ in range(depth // 2):
            deep = all_of(any_of(deep, TOKEN.level(9)), TOKEN.level(1))
        assert judge(deep, known, NOW)
        assert not judge(Not(deep), known, NOW)
