"""What counts once is used up by the decision that allows with it, and by no other."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar, cast

from hypothesis import example, given
from hypothesis import strategies as st

from tests.laws import reference
from tests.laws.strategies import policies, times, worlds
from tests.laws.toys import CALLS, CODE, NOW, PASSKEY, PLACE, SESSION, TOKEN, TOYS, Toy, World, facts
from zerotrust.core.ask import Ask, ConsumeOnce, Lookup, SourceFailed
from zerotrust.core.decision import Allow
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Unspent, Verified
from zerotrust.core.policy import Policy, not_presented, unavailable
from zerotrust.core.reason import (
    BAD_SIGNATURE,
    LINK_MISSING,
    NO_SOURCE,
    NOT_PRESENTED,
    NOT_SPENT,
    REPLAYED,
    SOURCE_DOWN,
    SUBJECT_MISMATCH,
)
from zerotrust.core.verifier import Verifier
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.engine import decide, decide_async, judge

T = TypeVar("T")
Truth = Mapping[Verifier[Any], Finding[Any]]

marked = st.sets(st.sampled_from(TOYS))


@dataclass
class Marks:
    """Answers lookups with nothing, and consumes marks: some were used before, for some it is down."""

    used: Collection[str] = ()
    down: Collection[str] = ()
    consumed: list[str] = field(default_factory=list)
    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Lookup, ConsumeOnce)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def answer(self, ask: Ask[T], timeout: float) -> T:
        if isinstance(ask, Lookup):
            return cast("T", None)
        assert isinstance(ask, ConsumeOnce)
        if ask.space in self.down:
            raise SourceFailed(SOURCE_DOWN(), 3.0)
        first = ask.space not in self.used and ask.space not in self.consumed
        self.consumed.append(ask.space)
        return cast("T", first)


def with_marks(at: World, toys: Collection[Toy]) -> World:
    truth = dict(at.truth)
    for toy in toys:
        finding = truth[toy]
        if isinstance(finding, Verified):
            truth[toy] = Unspent(finding.evidence, ConsumeOnce(toy.name, b"key", NOW + 60, NOW))
    return World(truth, at.now)


def without(at: World, used: Collection[str], down: Collection[str]) -> Truth:
    """What is left to count when what was used, or cannot be told, does not."""
    truth = dict(at.truth)
    for toy in TOYS:
        if reference.usable(reference.find(toy, at.truth, NOW), NOW):  # others are rejected before they are used up
            if toy.name in down:
                truth[toy] = Unavailable(SOURCE_DOWN(), 3.0)
            elif toy.name in used:
                truth[toy] = Rejected(REPLAYED())
    return truth


def verdict(policy: Policy, truth: Truth) -> bool | None:
    return reference.verdict(policy, reference.everything(policy, truth, NOW), NOW)


OF_ANOTHER: dict[Verifier[Any], Finding[Any]] = {
    TOKEN: Verified(facts(subject="bob", level=1)),
    PASSKEY: Verified(facts()),
}


@times(4)
@given(policies, worlds, marked, marked, marked)
@example(
    ~(TOKEN.level(1) & not_presented(PASSKEY)),
    World({**dict.fromkeys(TOYS, Absent(NOT_PRESENTED())), **OF_ANOTHER}),
    {PASSKEY},
    set(),
    {PASSKEY},
)
def test_what_was_used_does_not_count(
    policy: Policy, at: World, toys: set[Toy], used: set[Toy], down: set[Toy]
) -> None:
    plain, at = at, with_marks(at, toys)
    bad_used = {toy.name for toy in toys & used}
    bad_down = {toy.name for toy in toys & down}
    store = Marks(bad_used, bad_down)
    decision = decide(policy, at, Sources(store))
    fresh, spent = verdict(policy, plain.truth), verdict(policy, without(plain, bad_used, bad_down))
    if decision:
        assert spent is True
    elif fresh is True:
        assert spent is not True
    for verifier, finding in decision.findings.items():
        if decision and isinstance(finding, Verified) and finding.evidence.expires_at > NOW:
            assert verifier not in toys or verifier.name in store.consumed, "it allowed with what was not used up"
    assert asyncio.run(decide_async(policy, World(at.truth), Sources(Marks(bad_used, bad_down)))).verdict is (
        decision.verdict
    )


@times(2)
@given(policies, worlds, marked)
def test_a_refusal_of_other_making_uses_nothing_up(policy: Policy, at: World, toys: set[Toy]) -> None:
    store = Marks()
    decision = decide(policy, with_marks(at, toys), Sources(store))
    if not decision:
        assert store.consumed == []
        for verifier, finding in decision.findings.items():
            assert verifier not in toys or not isinstance(finding, Verified), "what was not used up may count again"
    assert decision.verdict.value is verdict(policy, at.truth)


@times(2)
@given(policies, worlds, marked)
def test_what_is_not_used_up_is_nothing_to_judge_by(policy: Policy, at: World, toys: set[Toy]) -> None:
    at = with_marks(at, toys)
    unusable = {toy: Rejected(REPLAYED()) if isinstance(found, Unspent) else found for toy, found in at.truth.items()}
    assert bool(judge(policy, at.truth, NOW)) is (reference.verdict(policy, unusable, NOW) is True)


def test_a_refusal_tells_what_the_token_said_all_the_same() -> None:
    at = with_marks(World(dict.fromkeys(TOYS, Verified(facts(level=3)))), [TOKEN])
    refusal = decide(TOKEN.level(1) & TOKEN.has("pay"), at, Sources(Marks()))
    assert "yes  token.level(1)" in str(refusal)
    assert "level 3" in str(refusal)
    assert str(refusal).startswith("CHALLENGE")
    again = judge(TOKEN.level(1), refusal.findings, NOW)
    assert not again
    assert again.explanation.reason is not None
    assert again.explanation.reason.kind is NOT_SPENT


def test_a_mark_allows_once() -> None:
    at = with_marks(World(dict.fromkeys(TOYS, Verified(facts(level=3)))), [TOKEN, PLACE])
    store = Marks()
    policy = TOKEN.level(1) & PASSKEY.level(1)
    assert decide(policy, at, Sources(store))
    again = decide(policy, at, Sources(store))
    assert not again
    assert again.findings[TOKEN] == Rejected(REPLAYED())
    assert store.consumed == ["token", "token"], "and what the policy did not look at is not used up"


def test_a_request_that_is_decided_about_twice_uses_its_mark_up_once() -> None:
    at = with_marks(World(dict.fromkeys(TOYS, Verified(facts(level=3)))), [TOKEN])
    store, shared = Marks(), set[tuple[str, bytes]]()
    at.spent = shared
    assert decide(TOKEN.level(1), at, Sources(store))
    assert decide(TOKEN.level(1) & PASSKEY.level(1), at, Sources(store))
    assert not decide(TOKEN.level(9), at, Sources(store))
    assert store.consumed == ["token"]
    another = World(at.truth, at.now)
    another.spent = set()
    assert not decide(TOKEN.level(1), another, Sources(store)), "another request shares nothing with it"


def test_what_another_used_up_does_not_count_the_second_time_either() -> None:
    at = with_marks(World(dict.fromkeys(TOYS, Verified(facts(level=3)))), [TOKEN])
    at.spent = set()
    assert not decide(TOKEN.level(1), at, Sources(Marks(used=["token"])))
    assert not decide(TOKEN.level(1), at, Sources(Marks(used=["token"]))), "only what was consumed for it is shared"


def test_what_is_not_needed_comes_to_the_rescue() -> None:
    at = with_marks(World(dict.fromkeys(TOYS, Verified(facts(level=3)))), [TOKEN, PLACE])
    store = Marks(used=["place"])
    decision = decide(PLACE.level(1) | TOKEN.level(1), at, Sources(store))
    assert isinstance(decision, Allow)
    assert decision.findings[PLACE] == Rejected(REPLAYED())
    assert store.consumed == ["place", "token"]


def test_a_predicate_is_not_called_again() -> None:
    at = with_marks(World(dict.fromkeys(TOYS, Verified(facts(level=3, flags={"root"})))), [PLACE])
    CALLS.clear()
    decision = decide((PLACE.level(1) & TOKEN.that("root")) | TOKEN.level(3), at, Sources(Marks(used=["place"])))
    assert decision
    assert list(CALLS.values()) == [1]


def test_what_is_linked_to_what_was_used_does_not_count_either() -> None:
    at = with_marks(World(dict.fromkeys(TOYS, Verified(facts(level=3)))), [TOKEN])
    refusal = decide(CODE.level(1), at, Sources(Marks(used=["token"])))
    assert not refusal
    assert refusal.findings[PASSKEY] == Absent(LINK_MISSING(expected="token", detail="replayed"))
    assert refusal.findings[CODE] == Absent(LINK_MISSING(expected="passkey", detail="replayed"))
    outage = decide(CODE.level(1), at, Sources(Marks(down=["token"])))
    assert outage.findings[CODE] == Unavailable(SOURCE_DOWN(), 3.0)


def test_nobody_to_ask_is_an_outage() -> None:
    at = with_marks(World(dict.fromkeys(TOYS, Verified(facts(level=3)))), [TOKEN])
    refusal = decide(TOKEN.level(1), at, NO_SOURCES)
    finding = refusal.findings[TOKEN]
    assert isinstance(finding, Unavailable)
    assert finding.reason.kind is NO_SOURCE


def test_an_outage_may_be_tolerated_by_name_only() -> None:
    at = with_marks(World(dict.fromkeys(TOYS, Verified(facts(level=3)))), [TOKEN])
    assert not decide(TOKEN.level(1), at, Sources(Marks(down=["token"])))
    assert decide(TOKEN.level(1) | unavailable(TOKEN), at, Sources(Marks(down=["token"])))


def test_marks_of_what_is_not_good_are_left_alone() -> None:
    truth: dict[Verifier[Any], Finding[Any]] = dict.fromkeys(TOYS, Rejected(BAD_SIGNATURE()))
    truth[PLACE] = Verified(facts(level=3))
    expired = Unspent(facts(level=3, expires_at=NOW), ConsumeOnce("token", b"key", NOW + 60, NOW))
    store = Marks()
    assert decide(TOKEN.level(1) | PLACE.level(1), World({**truth, TOKEN: expired}), Sources(store))
    assert store.consumed == []


def test_marks_of_what_was_found_and_does_not_count_are_left_alone() -> None:
    mark = ConsumeOnce("passkey", b"key", NOW + 60, NOW)
    for proven in (facts(level=3, expires_at=NOW), facts(level=3, subject="bob")):
        at = World({TOKEN: Verified(facts()), PASSKEY: Unspent(proven, mark), SESSION: Verified(facts(level=3))})
        store = Marks()
        assert decide(PASSKEY.level(1) | SESSION.level(1), at, Sources(store))
        assert at.found == [TOKEN, PASSKEY, SESSION]
        assert store.consumed == []


def test_each_mark_is_consumed_for_itself() -> None:
    at = with_marks(World(dict.fromkeys(TOYS, Verified(facts(level=3)))), [PLACE, TOKEN])
    for spent, consumed in ((set[tuple[str, bytes]](), ["place", "token"]), ({("place", b"key")}, ["token"])):
        at.spent, store = spent, Marks()
        assert decide(PLACE.level(1) & TOKEN.level(1), at, Sources(store))
        assert store.consumed == consumed
        assert at.spent == {("place", b"key"), ("token", b"key")}


def test_a_mark_that_was_consumed_counts_when_another_is_lost() -> None:
    at = with_marks(World(dict.fromkeys(TOYS, Verified(facts(level=3)))), [PLACE, PASSKEY])
    store = Marks(used=["passkey"])
    assert decide(PLACE.level(1) & (PASSKEY.level(1) | SESSION.level(1)), at, Sources(store))
    assert store.consumed == ["place", "passkey"], "each once"


def test_what_is_of_another_subject_is_rejected_also_if_it_counts_once() -> None:
    once = Unspent(facts(level=3, subject="bob"), ConsumeOnce("passkey", b"key", NOW + 60, NOW))
    refusal = decide(PASSKEY.level(1), World({TOKEN: Verified(facts()), PASSKEY: once}), Sources(Marks()))
    assert refusal.findings[PASSKEY] == Rejected(SUBJECT_MISMATCH(expected="ann", presented="bob"))
