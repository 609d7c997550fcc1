"""From a refusal to the factors that would cure it, found by trying them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from tests.verifiers.kept import Kept
from tests.web.ceremonies.bodies import without_body
from tests.web.ceremonies.world import HOST, Browser, World, make, sign_in
from zerotrust import minutes
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question
from zerotrust.driver import run
from zerotrust.engine import decide
from zerotrust.verifiers.approval import Approval
from zerotrust.verifiers.assurance import aal2, aal3
from zerotrust.verifiers.factor_questions import ProvenWithin
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.web.ceremonies.ways import MOST_WAYS, methods_of, narrowing, step_up


def request_of(browser: Browser) -> AccessRequest:
    sent = browser.prepare("GET", "/pay")
    headers = [(b"host", HOST.encode()), *sent.headers]
    return AccessRequest(now=browser.world.now, host=HOST, path="/pay", headers=headers)


def ways(browser: Browser, policy: Policy, *, narrowed: bool = False) -> Any:
    world, request = browser.world, request_of(browser)
    refusal = decide(policy, request, world.sources)
    assert not refusal
    found = step_up(refusal, world.ceremonies.setup, request, "/auth")
    if found is None:
        return None
    assert found["at"] == "/auth"
    if narrowed:
        found = run(narrowing(found, refusal, world.ceremonies.setup), world.sources)
    return found["ways"]


def world_of(**options: Any) -> tuple[World, Browser]:
    world = make(**options)
    return world, world.browser(scope="pay")


def test_alternatives_are_told_with_what_each_must_show() -> None:
    world, browser = world_of()
    recent = world.passkey.within(minutes(10), user_verified=True) | world.totp.within(minutes(5))
    assert ways(browser, world.token.scope("pay") & recent) == [
        [{"method": "passkey", "within": 600, "user_verified": True}],
        [{"method": "totp", "within": 300}],
    ]


def test_what_a_session_asks_is_tried_with_every_factor() -> None:
    world, browser = world_of()
    session = world.session
    assert ways(browser, session.phishing_resistant) == [[{"method": "passkey"}]]
    assert ways(browser, session.factors(at_least=2)) == [[{"method": "passkey", "user_verified": True}]]
    assert ways(browser, session.factors(at_least=1)) == [
        [{"method": "passkey"}], [{"method": "totp"}], [{"method": "hotp"}], [{"method": "recovery_code"}]
    ]  # fmt: skip
    assert ways(browser, session.valid)[0] == [{"method": "passkey"}]


def test_named_levels_of_assurance_are_cured_like_any_policy() -> None:
    world, browser = world_of()
    for policy in (aal2(world.session), aal3(world.session)):
        (step, *more), *_ = ways(browser, policy)
        assert (step["method"], step["user_verified"], more) == ("passkey", True, [])
    assert ways(browser, aal3(world.session))[0][0]["hardware_bound"] is True


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({}, {}),
        ({"user_verified": True}, {"user_verified": True}),
        ({"device_bound": True}, {"device_bound": True}),
        ({"user_verified": True, "device_bound": True}, {"user_verified": True, "device_bound": True}),
        ({"hardware_bound": True}, {"device_bound": True, "hardware_bound": True}),
    ],
    ids=str,
)
def test_no_more_strength_is_asked_for_than_is_needed(flags: dict[str, bool], told: dict[str, bool]) -> None:
    world, browser = world_of()
    verified, device, hardware = (
        flags.get(name, False) for name in ("user_verified", "device_bound", "hardware_bound")
    )
    found = ways(browser, Leaf(world.passkey, ProvenWithin(60.0, verified, device, hardware)))
    assert found == [[{"method": "passkey", "within": 60, **told}]]


def test_two_factors_are_one_way() -> None:
    world, browser = world_of()
    both = world.totp.within(minutes(1)) & world.codes.within(minutes(2))
    assert ways(browser, both) == [[{"method": "totp", "within": 60}, {"method": "recovery_code", "within": 120}]]


def test_two_together_are_told_beside_one_that_is_enough() -> None:
    world, browser = world_of()
    two = world.totp.within(minutes(1)) & world.codes.within(minutes(1))
    assert [[step["method"] for step in way] for way in ways(browser, world.passkey.within(minutes(1)) | two)] == [
        ["passkey"], ["totp", "recovery_code"]
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guess(Question[SessionEvidence]):
    """Somebody's predicate over sessions."""

    opaque: ClassVar[bool] = True

    def holds(self, evidence: SessionEvidence, now: float) -> bool:
        return bool(evidence.proofs)


def test_nothing_is_promised_for_a_predicate_over_the_session() -> None:
    world, browser = world_of()
    assert ways(browser, Leaf(world.session, Guess())) is None


def test_the_shortest_span_is_told() -> None:
    world, browser = world_of()
    policy = world.totp.within(minutes(10)) & world.totp.within(minutes(3))
    assert ways(browser, policy) == [[{"method": "totp", "within": 180}]]


def test_what_no_factor_cures_has_no_ways() -> None:
    world, browser = world_of()
    passkey = world.passkey.within(minutes(1))
    assert ways(browser, world.token.scope("admin") & passkey) is None
    assert ways(browser, world.token.scope("admin")) is None
    assert ways(browser, world.token.that(lambda evidence: False, "never") & passkey) is None
    assert ways(world.browser(None), passkey) is None  # no token: a factor is no help yet


def test_a_predicate_of_the_session_promises_nothing_and_is_called_once() -> None:
    calls = []

    def predicate(evidence: Any) -> bool:
        calls.append(evidence)
        return False

    world, browser = world_of()
    policy = world.token.that(predicate, "asked once") | world.totp.within(minutes(1))
    assert ways(browser, policy) == [[{"method": "totp", "within": 60}]]
    assert len(calls) == 1


def test_who_can_sign_in_with_a_passkey_is_told_so() -> None:
    world = make(signs_in=True)
    nobody = world.browser(None)
    assert ways(nobody, world.session.valid) == [[{"method": "passkey"}]]
    assert ways(nobody, world.session.valid & world.totp.within(minutes(1))) is None  # nobody knows whose codes
    assert ways(sign_in(world), world.totp.within(minutes(1))) == [[{"method": "totp", "within": 60}]]


def test_an_approval_is_a_step_that_says_what_is_to_be_approved() -> None:
    world, browser = world_of()
    browser.enrol_passkey()
    approval = Approval(world.passkey)
    request = request_of(browser)
    refusal = without_body(approval.given, request, world)
    found = step_up(refusal, world.ceremonies.setup, request, "/auth")
    assert found is not None
    told: Any = found["ways"]
    ((step,),) = told
    assert step["method"] == "approval"
    assert {"approval", "operation", "document", "publicKey"} <= set(step)
    assert methods_of(found) == ()
    world.later(400)
    refusal = without_body(approval.given & world.passkey.within(minutes(5)), request_of(browser), world)
    found = step_up(refusal, world.ceremonies.setup, request_of(browser), "/auth")
    assert found is not None
    told = found["ways"]
    assert [[one["method"] for one in way] for way in told] == [["passkey", "approval"]]


def test_who_has_nothing_to_approve_with_is_led_to_where_it_can_be_enrolled() -> None:
    world, browser = world_of()  # no passkey to approve with
    request = request_of(browser)
    given = Approval(world.passkey).given
    refusal = without_body(given, request, world)
    told = step_up(refusal, world.ceremonies.setup, request, "/auth")
    assert told == {"at": "/auth", "ways": [[{"method": "passkey"}]]}
    narrowed = run(narrowing(told, refusal, world.ceremonies.setup), world.sources)
    assert narrowed == {**told, "enrol": ["passkey"]}
    refusal = without_body(given & world.token.scope("other"), request, world)
    assert step_up(refusal, world.ceremonies.setup, request, "/auth") is None, "an approval alone would not let them in"


def test_ways_are_few() -> None:
    world, browser = world_of()
    assert len(ways(browser, world.session.valid)) <= MOST_WAYS


# --- What the person has ----------------------------------------------------------------------------------------------


def test_only_what_is_enrolled_is_left() -> None:
    world, browser = world_of()
    browser.enrol_totp()
    world.later(600)
    either = world.passkey.within(minutes(1)) | world.totp.within(minutes(1))
    assert len(ways(browser, either)) == 2
    assert ways(browser, either, narrowed=True) == [[{"method": "totp", "within": 60}]]


def test_who_has_nothing_that_helps_is_told_all() -> None:
    world, browser = world_of()
    either = world.passkey.within(minutes(1)) | world.totp.within(minutes(1))
    assert len(ways(browser, either, narrowed=True)) == 2
    nobody = make(signs_in=True).browser(None)
    assert ways(nobody, nobody.world.session.valid, narrowed=True) == [[{"method": "passkey"}]]


def test_a_store_that_fails_then_changes_nothing() -> None:
    world, browser = world_of()
    request = request_of(browser)
    refusal = decide(world.totp.within(minutes(1)) | world.passkey.within(minutes(1)), request, world.sources)
    assert not refusal
    found = step_up(refusal, world.ceremonies.setup, request, "/auth")
    assert found is not None
    down = Kept()
    down.fails_after = 0
    assert run(narrowing(found, refusal, world.ceremonies.setup), down.sources) == found
