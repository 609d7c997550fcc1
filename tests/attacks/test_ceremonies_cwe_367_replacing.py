"""What happens while a factor is enrolled takes no factor away, and leaves none that its owner has ended (CWE-367)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import pytest

from tests.web.ceremonies.meanwhile import Scene, driven, kept, twin
from tests.web.ceremonies.world import Browser, Codes, Reply, World, make, sign_in
from zerotrust import minutes
from zerotrust.core.ask import Advance
from zerotrust.core.decision import Allow
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Finding, Unavailable, Verified
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.engine import decide
from zerotrust.wire.otp import OtpKey

METHODS = {"totp": "totp", "recovery": "recovery_code", "hotp": "hotp"}


def runs(what: str, meanwhile: Callable[[Scene], Any] | None) -> Iterator[tuple[Scene, Reply, int]]:
    """One run for each question, at which `meanwhile` happens, or the store fails."""
    for at in count():
        scene = Scene()
        sent = scene.sending(what)

        def hook(asked: int, question: Any, at: int = at, scene: Scene = scene) -> bool | None:
            if asked == at:
                if meanwhile is None:
                    return True
                meanwhile(scene)
            return None

        reply, asked = driven(scene.world, sent, hook)
        if asked <= at:
            return
        yield scene, reply, at


def revoke(scene: Scene) -> None:
    assert scene.other().post("sessions/revoke", {"all": True}).status == 200


def prove(scene: Scene) -> None:
    """In another tab, which gives the session another id."""
    twin(scene.owner).post("recovery/verify", {"code": scene.codes[0]})


@pytest.mark.parametrize("meanwhile", [revoke, prove, None], ids=["revoked", "id replaced", "outage"])
@pytest.mark.parametrize("what", ["totp", "recovery"])
def test_what_is_replaced_is_never_gone(what: str, meanwhile: Callable[[Scene], Any] | None) -> None:
    done = 0
    for scene, reply, at in runs(what, meanwhile):
        after = scene.after()
        assert after.keys() == scene.before.keys(), at
        replaced = after[METHODS[what]] != scene.before[METHODS[what]]
        assert reply.status in (201, 401, 503), at
        assert (reply.status == 201) == replaced, at  # codes that count were shown
        done += replaced
    assert done > 1


@pytest.mark.parametrize("meanwhile", [revoke, prove, None], ids=["revoked", "id replaced", "outage"])
def test_what_is_added_counts_just_where_its_owner_is_told(meanwhile: Callable[[Scene], Any] | None) -> None:
    added, taken_back = 0, 0
    for scene, reply, at in runs("hotp", meanwhile):
        after = scene.after()
        assert scene.before.items() <= after.items(), at
        assert (reply.status == 201) == ("hotp" in after), at
        added += "hotp" in after
        taken_back += reply.status == 401
    assert added > 1
    assert (taken_back > 1) == (meanwhile is not None)


def test_what_is_added_stays_when_another_tab_proves_a_factor_after_it_counts() -> None:
    scene, done = Scene(), list[int]()
    sent = scene.sending("hotp")

    def hook(asked: int, question: Any) -> None:
        if done == [1]:
            done.append(2)
            prove(scene)
        if isinstance(question, Advance) and question.kind == "hotp.enrolled" and not done:
            done.append(1)

    reply, _ = driven(scene.world, sent, hook)
    assert (reply.status, "hotp" in scene.after()) == (201, True)


def test_what_is_taken_back_is_so_however_often_somebody_gets_in_between() -> None:
    scene, at = Scene(), [0]
    sent = scene.sending("hotp")

    def hook(asked: int, question: Any) -> None:
        if not (isinstance(question, Advance) and question.kind == "hotp.enrolled"):
            if at[0] == 1:
                at[0] = 2
                revoke(scene)
            return
        at[0] += 1
        if at[0] > 1:  # wrong codes, from everywhere
            guesser = scene.other()
            guesser.client = f"203.0.113.{at[0]}"
            guesser.post("hotp/verify", {"code": "000000"})

    reply, _ = driven(scene.world, sent, hook)
    assert reply.status == 401
    assert at[0] > 6
    assert scene.after() == scene.before


def test_what_cannot_be_taken_back_is_told() -> None:
    scene, at = Scene(), [0]
    sent = scene.sending("hotp")

    def hook(asked: int, question: Any) -> bool:
        if isinstance(question, Advance) and question.kind == "hotp.enrolled":
            at[0] += 1
            return at[0] > 1
        if at[0] == 1:
            at[0] = 2
            revoke(scene)
        return False

    assert driven(scene.world, sent, hook)[0].status == 503


def test_of_recovery_codes_only_the_set_that_was_made_is_taken_back() -> None:
    """Those that the owner makes after a thief's stay."""
    world = make(signs_in=True)
    thief = sign_in(world)
    _, app = thief.enrol_totp()
    owner = sign_in(world)
    world.later(60)
    owner.post("totp/verify", {"code": app.at(world.now)})
    shown: list[Reply] = []
    at = [0]

    def hook(asked: int, question: Any) -> None:
        if at[0] == 1:
            at[0] = 2
            owner.post("sessions/revoke", {"all": True})
            shown.append(owner.post("recovery/regenerate"))
        if isinstance(question, Advance) and question.kind == "recovery_code.enrolled" and not at[0]:
            at[0] = 1

    reply, _ = driven(world, thief.posting("recovery/regenerate"), hook)
    assert (reply.status, shown[0].status) == (401, 201)
    assert owner.post("recovery/verify", {"code": shown[0].json["codes"][0]}).status == 200


def test_who_removes_everything_else_meanwhile_is_not_left_with_nothing() -> None:
    world = make(signs_in=True)
    one = sign_in(world)
    _, app = one.enrol_totp()
    other = sign_in(world)
    world.later(60)
    other.post("totp/verify", {"code": app.at(world.now)})
    key = OtpKey(Codes.of(one.post("hotp/enrol/options").json["secret"]).key)
    at = [0]

    def hook(asked: int, question: Any) -> None:
        if at[0] == 1:
            at[0] = 2
            removed = {"method": "totp", "id": kept(world, other)["totp"]}
            assert other.post("factors/remove", removed).status == 200
        if isinstance(question, Advance) and question.kind == "hotp.enrolled" and not at[0]:
            at[0] = 1

    reply, _ = driven(world, one.posting("hotp/enrol", {"code": key.at(0)}), hook)
    assert (reply.status, list(kept(world, sign_in(world)))) == (201, ["hotp"])


# --- Whoever has proven what is replaced ------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["totp", "recovery"])
def test_no_outage_leaves_a_session_that_has_proven_what_was_replaced(what: str) -> None:
    for at in count():
        scene = Scene()
        thief = scene.other()
        scene.world.later(30)
        proof = scene.codes[0] if what == "recovery" else scene.app.at(scene.world.now)
        assert thief.post(f"{what}/verify", {"code": proof}).status == 200

        def fails(asked: int, question: Any, at: int = at) -> bool:
            return asked == at

        reply, asked = driven(scene.world, scene.sending(what), fails)
        if asked <= at:
            break
        if reply.status == 201:
            assert thief.get("factors").status == 401, at
        scene.owner.take(reply)
        if what == "recovery":
            assert scene.owner.post("recovery/regenerate").status == 201, at
        elif reply.status == 503:
            code = {"code": scene.new.at(scene.world.now)}
            assert scene.owner.post("totp/enrol", code).status == 201, at
        assert thief.get("factors").status == 401, at


def test_who_proves_what_is_replaced_at_the_last_moment_is_out_as_well() -> None:
    scene, thieves = Scene(), list[Browser]()
    sent = scene.sending("totp")
    scene.world.later(30)
    sent = scene.owner.posting("totp/enrol", json.loads(sent.body))

    def hook(asked: int, question: Any) -> None:
        if isinstance(question, Advance) and question.kind == "totp.enrolled" and not thieves:
            thieves.append(scene.other())
            code = scene.app.at(scene.world.now)
            assert thieves[0].post("totp/verify", {"code": code}).status == 200

    reply, _ = driven(scene.world, sent, hook)
    assert reply.status == 201
    assert thieves[0].get("factors").status == 401


@pytest.mark.parametrize("what", ["totp", "recovery"])
def test_other_sessions_have_ended_when_the_new_one_counts_and_those_begun_just_then_end_after_it(what: str) -> None:
    for outage in (True, False):
        scene, later = Scene(), list[Browser]()
        earlier = scene.other()
        counts: list[bool] = []

        def hook(
            asked: int,
            question: Any,
            scene: Scene = scene,
            later: list[Browser] = later,
            counts: list[bool] = counts,
            outage: bool = outage,
        ) -> bool:
            if counts:
                return outage
            if isinstance(question, Advance) and question.kind == f"{METHODS[what]}.enrolled":
                counts.append(True)
                later.append(scene.other())
            return False

        reply, _ = driven(scene.world, scene.sending(what), hook)
        assert reply.status == 201
        assert earlier.get("factors").status == 401
        assert (later[0].get("factors").status == 401) == (not outage)


def test_an_enrolment_whose_answer_was_lost_is_completed_by_the_next_attempt() -> None:
    scene = Scene()
    sent = scene.sending("totp")
    lost: list[bool] = []

    def hook(asked: int, question: Any) -> bool:
        if isinstance(question, Advance) and question.kind == "totp.enrolled" and not lost:
            lost.append(scene.world.store.answer(question, 1.0))
            return True
        return False

    assert driven(scene.world, sent, hook)[0].status == 503
    assert lost == [True]
    thief = scene.other()
    again = scene.owner.posting("totp/enrol", json.loads(sent.body))
    assert driven(scene.world, again, lambda asked, question: None)[0].json["code"] == "replayed"
    assert thief.get("factors").status == 401


@pytest.mark.parametrize("what", ["totp", "recovery"])
def test_this_session_forgets_what_was_proven_by_what_is_replaced(what: str) -> None:
    scene = Scene()
    old = scene.before[METHODS[what]]
    reply, _ = driven(scene.world, scene.sending(what), lambda asked, question: None)
    assert reply.status == 201
    scene.owner.take(reply)
    request = decide_request(scene.world, scene.owner)
    decision = decide(scene.world.session.valid, request, scene.world.sources)
    assert isinstance(decision, Allow)
    evidence = decision[scene.world.session]
    assert all(proof.by != old for proof in evidence.proofs)
    assert evidence.proofs


def decide_request(world: World, browser: Browser) -> AccessRequest:
    return AccessRequest(now=world.now, method="GET", host="x", headers=browser.prepare("GET", "/").headers)


# --- Removing ---------------------------------------------------------------------------------------------------------


def test_no_proof_by_a_removed_factor_survives_an_id_that_changes_meanwhile() -> None:
    for at in count():
        scene = Scene()
        thief = twin(scene.owner)
        sent = scene.owner.posting("factors/remove", {"method": "totp", "id": scene.before["totp"]})

        def hook(asked: int, question: Any, at: int = at, scene: Scene = scene, thief: Browser = thief) -> None:
            if asked == at:
                thief.post("recovery/verify", {"code": scene.codes[0]})

        reply, asked = driven(scene.world, sent, hook)
        if asked <= at:
            break
        assert reply.status in (200, 401), at
        if reply.status == 200:
            policy = scene.world.totp.within(minutes(10))
            assert not decide(policy, decide_request(scene.world, thief), scene.world.sources), at


# --- A policy of the application's own that cannot be judged after all ------------------------------------------------


class Stumbling(Verifier[Evidence]):
    """What answers so many times, and is down then."""

    name = "stumbling"
    contextual = True

    def __init__(self, answers: int) -> None:
        self.answers = answers

    def find(self, request: AccessRequest) -> Finding[Evidence]:
        self.answers -= 1
        if self.answers < 0:
            return Unavailable(SOURCE_DOWN(), 3.0)
        return Verified(self.blank(request.now))

    def blank(self, now: float) -> Evidence:
        return Evidence("", "", now, now + 1)


@dataclass(frozen=True, slots=True)
class Up(Question[Evidence]):
    expression: ClassVar[str] = "True"


def test_what_cannot_be_told_any_more_takes_nothing_back() -> None:
    told: list[int] = []
    for answers in range(9):
        stumbling = Stumbling(10)
        world = make(first=Leaf(stumbling, Up()))
        person = world.browser()
        offer = Codes.of(person.post("totp/enrol/options").json["secret"])
        stumbling.answers = answers
        status = person.post("totp/enrol", {"code": offer.at(world.now)}).status
        assert (status == 201) == (person.enrolled == ["totp"]), answers
        told.append(status)
    assert told == [503, 503, 503, *[201] * 6]  # as it is begun, under the lease, before it counts; not after that
