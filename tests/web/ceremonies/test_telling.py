"""What the log, problems and pages tell of a ceremony: enough to help, and no code."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.applications import Starlette

from tests.web.ceremonies.world import Sending, make, through
from zerotrust.asgi import CeremoniesApp


def lines(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "zerotrust.ceremonies" and one.levelno == level]


def test_what_was_changed_is_told_with_the_account(caplog: pytest.LogCaptureFixture) -> None:
    world = make()
    browser = world.browser("ada\nroot")
    with caplog.at_level(logging.INFO, "zerotrust.ceremonies"):
        _, codes = browser.enrol_totp()
        recovery = browser.post("recovery/regenerate").json["codes"]
        browser.post("recovery/verify", {"code": recovery[0]})
        listed = {one["method"]: one["id"] for one in browser.read()["factors"]}
        browser.post("factors/rename", {"method": "totp", "id": listed["totp"], "name": "my phone"})
        browser.post("factors/remove", {"method": "totp", "id": listed["totp"]})
    told = lines(caplog, logging.INFO)
    whose = r" (ada\nroot of https://"
    said = ["totp/enrol: enrolled", "recovery/regenerate: enrolled", "recovery/verify: proven"]
    said += ["factors/rename totp: renamed", "factors/remove totp: removed"]
    for line in said:
        assert any(one.startswith(line + whose) for one in told), line
    assert not any(secret in caplog.text for secret in (recovery[0], "my phone", codes.at(world.now)))


def test_whoever_signs_in_with_a_passkey_is_told(caplog: pytest.LogCaptureFixture) -> None:
    browser = make().browser()
    browser.enrol_passkey()
    with caplog.at_level(logging.INFO, "zerotrust.ceremonies"):
        browser.use_passkey()
    assert any(one.startswith("passkey/verify: proven (ada of ") for one in lines(caplog, logging.INFO))


def test_refusals_are_told_in_full_and_only_when_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    browser = make().browser()
    browser.enrol_totp()
    with caplog.at_level(logging.INFO, "zerotrust.ceremonies"):
        browser.post("totp/verify", {"code": "12 34"})
    assert not lines(caplog, logging.DEBUG)
    with caplog.at_level(logging.DEBUG, "zerotrust.ceremonies"):
        browser.post("totp/verify", {"code": "12 34"})
        browser.post("totp/verify", {"code": "123456"}, origin="https://evil.example")
        browser.send("POST", "totp/verify", b"{", headers=[("content-type", "application/json")])
        make().browser(None).post("totp/verify", {"code": "123456"})
    code, forged, unread, nobody = lines(caplog, logging.DEBUG)
    assert code.startswith("refused POST totp/verify (ada of ")
    assert "wrong_code: " in code
    assert "expected 6 to 8 digits" in code
    assert forged.startswith("refused POST totp/verify: cross_site: ")
    assert "expected shop.example.com, presented https://evil.example" in forged
    assert unread.startswith("refused POST totp/verify: malformed: ")
    assert "session.signed_in" in nobody
    assert "12 34" not in caplog.text
    assert "123456" not in caplog.text


@pytest.mark.parametrize(
    ("path", "members", "said"),
    [
        ("totp/verify", {}, "expected a text called code"),
        ("passkey/verify", {"credential": "x"}, "expected an object called credential"),
        (
            "factors/remove",
            {"method": "sms", "id": "1"},
            "expected a method that is served here: passkey, totp, hotp, r",
        ),
        ("factors/remove", {"method": "totp"}, "expected a text called id"),
        ("totp/verify", {"code": "1" * 65}, "expected at most 64 characters (code)"),
    ],
)
def test_a_body_is_told_which_member_is_wrong(path: str, members: dict[str, Any], said: str) -> None:
    browser = make().browser()
    browser.enrol_totp()
    browser.enrol_passkey()
    reply = browser.post(path, members)
    assert reply.status in (400, 413)
    assert said in reply.json["detail"]


def test_the_page_has_words_for_no_code_and_for_one_that_was_used() -> None:
    browser = make().browser()
    _, codes = browser.enrol_totp()
    recovery = browser.post("recovery/regenerate").json["codes"]
    assert "Enter the code." in browser.form("totp/verify", code="", next="/x").text
    assert "That code was used already." in browser.form("totp/verify", code=codes.at(browser.world.now)).text
    assert browser.form("recovery/verify", code=recovery[0], next="/x").status == 303
    assert "or was used already" in browser.form("recovery/verify", code=recovery[0], next="/x").text


def test_a_mount_that_is_not_theirs_is_told_with_both_paths(caplog: pytest.LogCaptureFixture) -> None:
    world = make()
    outer = Starlette()
    outer.mount("/mfa", CeremoniesApp(world.ceremonies, sources=world.sources, clock=world.clock))
    with caplog.at_level(logging.INFO, "zerotrust.ceremonies"):
        reply = through(outer, Sending("GET", "/mfa/factors"))
    assert reply.status == 404
    assert reply.json["detail"] == "there is no such ceremony: all of them are below /auth"
    assert "nothing here: ceremonies are served at /auth, and mounted at /mfa: give both the same" in caplog.text
