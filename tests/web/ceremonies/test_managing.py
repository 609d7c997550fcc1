"""Factors listed, renamed and removed; sessions listed and ended."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.ceremonies.world import NOW, Browser, World, make, sign_in


def two_factors(world: World) -> tuple[Browser, dict[str, str]]:
    browser = world.browser()
    browser.enrol_passkey()
    browser.enrol_totp()
    return browser, {one["method"]: one["id"] for one in browser.read()["factors"]}


def test_a_person_sees_their_own_and_nothing_secret() -> None:
    world = make(person=lambda account: f"{account.subject}@example.com")
    browser, _ = two_factors(world)
    seen = browser.read()
    assert seen["account"] == {"name": "ada@example.com"}
    for one in seen["factors"]:
        assert set(one) == {"id", "method", "name", "enrolled_at", "used_at", "left", "detail"}
    assert world.browser("bob").read()["factors"] == []


def test_an_authenticator_is_renamed() -> None:
    browser, ids = two_factors(make())
    reply = browser.post("factors/rename", {"method": "totp", "id": ids["totp"], "name": "old phone"})
    assert (reply.status, reply.json) == (200, {})
    assert [one["name"] for one in browser.read()["factors"]] == ["my key", "old phone"]


@pytest.mark.parametrize(
    "name",
    ["", "  ", "x" * 65, "a\x00b", "a\nb", "\u202egnp", "a\u200bb", "\ue000", 7, None],
    ids=lambda name: ascii(name),
)
@pytest.mark.parametrize("path", ["factors/rename", "totp/enrol"])
def test_a_name_is_short_and_shows(path: str, name: Any) -> None:
    world = make()
    browser, ids = two_factors(world)
    members = {"method": "totp", "id": ids["totp"], "name": name, "code": "123456"}
    reply = browser.post(path, members)
    if path == "totp/enrol" and name in ("", "  "):
        assert reply.json["code"] == "not_enrolled"  # it may be left out: nothing is on offer, that is all
    else:
        assert reply.json["code"] in ("malformed", "too_large")


def test_a_removed_authenticator_is_gone_with_what_it_proved() -> None:
    world = make()
    browser, ids = two_factors(world)
    world.later(60)
    browser.use_passkey()
    other = world.browser()
    other.authenticator = browser.authenticator
    other.use_passkey()
    reply = browser.post("factors/remove", {"method": "passkey", "id": ids["passkey"]})
    assert reply.status == 200
    assert browser.enrolled == ["totp"]
    assert browser.proofs == ["totp"]  # of its own enrolment
    assert other.proofs == []


@pytest.mark.parametrize("path", ["factors/rename", "factors/remove"])
@pytest.mark.parametrize(
    ("method", "id_", "status"),
    [
        ("totp", "nobody", 404),
        ("password", "x", 400),
        ("", "x", 400),
        ("totp", "", 400),
        (None, "x", 400),
        ("totp", 1, 400),
    ],
)
def test_what_is_not_there_is_not_changed(path: str, method: Any, id_: Any, status: int) -> None:
    browser, _ = two_factors(make())
    assert browser.post(path, {"method": method, "id": id_, "name": "x"}).status == status
    assert browser.enrolled == ["passkey", "totp"]


@pytest.mark.parametrize("path", ["factors/rename", "factors/remove"])
def test_nobody_changes_what_is_somebody_elses(path: str) -> None:
    world = make()
    ada, ids = two_factors(world)
    bob = world.browser("bob")
    bob.enrol_passkey()
    for method, id_ in ids.items():
        assert bob.post(path, {"method": method, "id": id_, "name": "x"}).status == 404
    assert [one["name"] for one in ada.read()["factors"]] == ["my key", "phone"]


@pytest.mark.parametrize("path", ["factors/rename", "factors/remove"])
def test_changes_take_a_fresh_proof(path: str) -> None:
    world = make()
    browser, ids = two_factors(world)
    world.later(301)
    members = {"method": "totp", "id": ids["totp"], "name": "x"}
    refused = browser.post(path, members)
    assert refused.status == 401
    assert refused.header("www-authenticate") == 'Bearer error="insufficient_user_authentication"'
    assert refused.json["step_up"] == {"at": "/auth", "ways": [[{"method": "passkey", "within": 300}]]}
    browser.use_passkey()
    assert browser.post(path, members).status == 200


def test_sessions_are_listed_with_the_current_one_first() -> None:
    world = make()
    browser, _ = two_factors(world)
    world.later(100)
    other = world.browser()
    other.authenticator = browser.authenticator
    other.use_passkey()
    seen = browser.read("sessions")["sessions"]
    assert [one["current"] for one in seen] == [True, False]
    assert [one["started_at"] for one in seen] == [NOW, NOW + 100]
    assert set(seen[0]) == {"handle", "started_at", "seen_at", "ends_at", "current"}
    assert [one["current"] for one in other.read("sessions")["sessions"]] == [True, False]
    assert world.browser("bob").read("sessions") == {"sessions": []}


def three_sessions(world: World) -> list[Browser]:
    browser, _ = two_factors(world)
    browsers = [browser]
    for _ in range(2):
        other = world.browser()
        other.authenticator = browser.authenticator
        other.use_passkey()
        browsers.append(other)
    return browsers


def test_one_session_is_ended_and_no_other() -> None:
    first, second, third = three_sessions(make())
    handle = second.read()["session"]["handle"]
    assert first.post("sessions/revoke", {"handle": handle}).json == {"revoked": 1}
    assert [one.proofs != [] for one in (first, second, third)] == [True, False, True]


def test_all_others_are_ended() -> None:
    first, second, third = three_sessions(make())
    assert first.post("sessions/revoke", {"all": True}).json == {"revoked": 2}
    assert [one.proofs != [] for one in (first, second, third)] == [True, False, False]


def test_ending_ones_own_signs_out() -> None:
    first, second, _ = three_sessions(make())
    reply = first.post("sessions/revoke", {"handle": first.read()["session"]["handle"]})
    assert any("Max-Age=0" in cookie for cookie in reply.cookies)
    assert [one.proofs != [] for one in (first, second)] == [False, True]


@pytest.mark.parametrize(
    "members", [{}, {"all": False}, {"all": "yes"}, {"handle": ""}, {"all": True, "handle": "x"}, {"handle": 1}]
)
def test_which_sessions_is_said_clearly(members: dict[str, Any]) -> None:
    first, second, _ = three_sessions(make())
    assert first.post("sessions/revoke", members).status == 400
    assert second.proofs


def test_nobody_ends_somebody_elses_session() -> None:
    world = make()
    ada = three_sessions(world)[0]
    bob = world.browser("bob")
    bob.enrol_passkey()
    assert bob.post("sessions/revoke", {"handle": ada.read()["session"]["handle"]}).json == {"revoked": 0}
    assert ada.proofs


def test_signing_out_ends_the_session_and_takes_the_cookie() -> None:
    world = make(signs_in=True)
    browser = sign_in(world)
    kept = dict(browser.cookies)
    reply = browser.post("sign-out")
    assert (reply.status, reply.json) == (200, {})
    assert "__Host-session" not in browser.cookies
    browser.cookies = kept
    assert browser.get("factors").status == 401


def test_signing_out_works_with_whatever_cookie() -> None:
    world = make(signs_in=True)
    for value in ("", "x", "a.b", "=;=", "x" * 5000):
        browser = world.browser(None)
        browser.cookies["__Host-session"] = value
        assert browser.post("sign-out").status == 200
