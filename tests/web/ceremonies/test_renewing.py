"""Sessions that are sealed into their cookie go on through the ceremonies, and what they set anew is not taken back."""

from __future__ import annotations

import json

import pytest

from tests.web.ceremonies.world import SECRET, Browser, Reply, World, make
from zerotrust.sessions.sealed import SealedSessions

NAME = "__Host-session="


def sealed() -> tuple[World, Browser]:
    world = make(keep=SealedSessions(SECRET))
    browser = world.browser()
    assert browser.enrol_passkey().status == 201
    return world, browser


def set_by(reply: Reply) -> list[str]:
    return [cookie for cookie in reply.cookies if cookie.startswith(NAME)]


@pytest.mark.parametrize(
    "path", ["factors", "sessions", "", "passkey/options", "totp/verify", "sign-out", "totp/enrol/options"]
)
def test_use_is_written_down_in_the_answer_to_whatever_was_asked(path: str) -> None:
    world, browser = sealed()
    world.later(400)  # more than a tenth of its idle time
    reply = browser.get(path) if path in ("factors", "sessions", "") else browser.post(path, {"code": "123456"})
    (cookie,) = set_by(reply)
    assert ("Max-Age=0" in cookie) is (path == "sign-out")
    assert not set_by(browser.get("factors"))


def test_a_new_id_is_set_once() -> None:
    world, browser = sealed()
    world.later(400)
    before = browser.cookies["__Host-session"]
    options = browser.post("passkey/options").json["publicKey"]
    world.later(200)  # its use is to be written down again, and a proof sets a new id
    reply = browser.post("passkey/verify", {"credential": json.loads(browser.authenticator.get(options))})
    assert reply.status == 200
    assert len(set_by(reply)) == 1
    assert browser.cookies["__Host-session"] != before
    assert browser.proofs == ["passkey"]


def test_a_session_goes_on_as_long_as_it_is_used() -> None:
    world, browser = sealed()
    for _ in range(8):
        world.later(900)
        assert browser.get("factors").status == 200
    assert browser.proofs == ["passkey"]
