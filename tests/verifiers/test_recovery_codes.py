"""Recovery codes: made as a set, each good once, the old void with the new."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.codes import ANN, BOB, NOW, Watched, World, recovery, told
from zerotrust.core.ask import Advance, Put
from zerotrust.core.finding import Absent, Verified
from zerotrust.core.moments import minutes
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.driver import run
from zerotrust.factors import recovery as hashing
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.proof import Proof
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.session_evidence import SessionEvidence

CODES = recovery()


def test_each_code_counts_once() -> None:
    world = World()
    made = world.regenerate(CODES)
    assert len(set(made)) == 10
    [listed] = world.listed(CODES)
    assert listed == Enrolled(listed.id, "recovery_code", "Recovery codes", NOW, None, 10)
    for number, code in enumerate(made, 1):
        proving = world.prove(CODES, code, NOW + number)
        assert proving == Proving(ANN, Proof("recovery_code", NOW + number, listed.id))
        assert world.listed(CODES)[0].left == 10 - number
        assert world.listed(CODES)[0].used_at == NOW + number
        assert world.said(CODES, code) == "wrong_code"
    assert world.listed(CODES)[0].left == 0


def test_a_new_set_voids_the_old_one() -> None:
    world = World()
    old = world.regenerate(CODES)
    assert world.said(CODES, old[0]) == "proven"
    new = world.regenerate(CODES)
    assert world.listed(CODES)[0].left == 10
    assert {world.said(CODES, code) for code in old[:5]} == {"wrong_code"}
    assert world.said(CODES, new[0]) == "proven"


def test_as_people_type_them() -> None:
    world = World()
    made = world.regenerate(CODES)
    spelled = [made[0].upper(), made[1].replace("-", ""), made[2].replace("-", " "), f"  {made[3]} "]
    assert {world.said(CODES, code) for code in spelled} == {"proven"}


def test_accounts_are_apart() -> None:
    world = World()
    ann, bob = world.regenerate(CODES), world.regenerate(CODES, account=BOB)
    assert world.said(CODES, ann[0], account=BOB) == "wrong_code"
    assert world.said(CODES, ann[0]) == "proven"
    assert world.said(CODES, bob[0], account=BOB) == "proven"


def test_who_has_none() -> None:
    world = World()
    assert world.listed(CODES) == ()
    assert world.said(CODES, "abcd-efgh-jkmn-2345") == "not_enrolled"


def test_renamed_and_removed() -> None:
    world = World()
    made = world.regenerate(CODES)
    id_ = world.listed(CODES)[0].id
    assert run(CODES.renaming(ANN, id_, "In the safe", NOW), world.sources) is None
    assert world.listed(CODES)[0].name == "In the safe"
    assert told(run(CODES.removing(ANN, "other", NOW), world.sources)) == "not_enrolled"
    assert run(CODES.removing(ANN, id_, NOW), world.sources) is None
    assert world.listed(CODES) == ()
    assert world.said(CODES, made[0]) == "not_enrolled"


def test_one_slow_hash_a_code_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = hashing.hashed
    costs: list[int] = []

    def counting(code: str, salt: bytes, cost: int) -> bytes:
        costs.append(cost)
        return hashed(code, salt, cost)

    monkeypatch.setattr(hashing, "hashed", counting)
    world, codes = World(), recovery(count=32)
    made = world.regenerate(codes)
    assert costs == [10] * 32
    costs.clear()
    assert world.said(codes, made[31]) == "proven"
    assert world.said(codes, "abcd-efgh-jkmn-2345") == "wrong_code"
    assert costs == [10, 10]
    # Of a set that was made at another cost.
    assert world.said(recovery(cost=11), made[0]) == "proven"
    assert costs == [10] * 3


def test_nothing_is_hashed_for_what_is_no_code_or_is_throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    made = world.regenerate(CODES)
    for _ in range(4):
        assert world.said(CODES, "abcd-efgh-jkmn-2345", known=True) == "wrong_code"
    monkeypatch.setattr(hashing, "hashed", lambda *_: pytest.fail("hashed"))
    refused = world.prove(CODES, made[0], known=True)
    assert isinstance(refused, Reason)
    assert (refused.code, refused.expected) == ("throttled", 30)
    assert world.said(CODES, "abcd-efgh") == "wrong_code"
    assert world.said(CODES, made[0], account=BOB) == "not_enrolled"


def test_sets_are_made_ten_times_an_hour_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    world, codes = World(), recovery(count=1)
    for _ in range(10):
        world.regenerate(codes)
    left = world.listed(codes)
    monkeypatch.setattr(hashing, "hashed", lambda *_: pytest.fail("hashed"))
    refused = run(codes.regenerating(ANN, NOW), world.sources)
    assert isinstance(refused, Reason)
    assert (refused.code, refused.expected) == ("throttled", 450)
    assert world.listed(codes) == left
    monkeypatch.undo()
    assert isinstance(run(codes.regenerating(ANN, NOW + 4200), world.sources), tuple)
    assert isinstance(run(codes.regenerating(BOB, NOW), world.sources), tuple)


def test_no_code_is_kept() -> None:
    world = World()
    made = world.regenerate(CODES)
    world.prove(CODES, made[0], address="192.0.2.1")
    kept = b"".join(
        ask.new if isinstance(ask, Advance) else ask.value or b""
        for ask in world.source.asked
        if isinstance(ask, Advance | Put)
    )
    assert len(kept) > 1000
    for code in made:
        for spelled in (code, code.replace("-", ""), code.upper()):
            assert spelled.encode() not in kept
            assert spelled not in repr(world.source.asked)


def test_who_makes_a_set_while_others_always_come_first() -> None:
    class Late(Watched):
        def answer(self, ask: Any, timeout: float) -> Any:
            return False if isinstance(ask, Advance) else super().answer(ask, timeout)

    refused = run(CODES.regenerating(ANN, NOW), World(Late()).sources)
    assert isinstance(refused, Reason)
    assert (refused.code, refused.expected) == ("throttled", 1)


def test_the_leaf() -> None:
    session = SessionEvidence("shop", "ann", NOW, NOW + 3600, "h", NOW, (Proof("recovery_code", NOW - 60, "id"),))
    found = CODES.find_about(AccessRequest(now=NOW), session)
    assert isinstance(found, Verified)
    assert CODES.within(minutes(2)).question.holds(found.evidence, NOW) is True
    other = SessionEvidence("shop", "ann", NOW, NOW + 3600, "h", NOW, (Proof("totp", NOW - 60, "id"),))
    assert isinstance(CODES.find_about(AccessRequest(now=NOW), other), Absent)
