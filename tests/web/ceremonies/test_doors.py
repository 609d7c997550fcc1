"""One suite of requests by every door: identical status, headers and body."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.web.ceremonies.doors import DOORS
from tests.web.ceremonies.world import Browser, Codes, Door, Reply, make

# What is random: ids, challenges, keys, cookies, codes and pictures of them.
_RANDOM = re.compile(
    r"<svg.*?</svg>|<span>[A-Z2-7]{4}</span>|[A-Za-z0-9_-]{16,}|(?:[a-z0-9]{4}-){3}[a-z0-9]{4}", re.DOTALL
)
_LENGTH = b"content-length"


def masked(reply: Reply) -> tuple[int, list[tuple[bytes, str]], str]:
    """What does not differ from one run to the next. The length of a QR code does."""
    headers = [(name, _RANDOM.sub("~", value.decode())) for name, value in reply.headers]
    varies = "<svg" in reply.text
    return (
        int(reply.status),
        [(name, "~" if varies and name == _LENGTH else value) for name, value in headers],
        _RANDOM.sub("~", reply.text),
    )


def passkeys(browser: Browser) -> list[Reply]:
    first = [browser.get("factors"), browser.enrol_passkey()]
    browser.world.later(400)
    return [*first, browser.post("totp/enrol/options"), browser.use_passkey(), browser.get("sessions")]


def codes(browser: Browser) -> list[Reply]:
    offer = browser.post("totp/enrol/options")
    secret = Codes.of(offer.json["secret"])
    done = browser.post("totp/enrol", {"code": secret.at(browser.world.now), "name": "\u00fc"})
    again = browser.post("totp/verify", {"code": secret.at(browser.world.now)})
    browser.world.later(60)
    good = browser.post("totp/verify", {"code": secret.at(browser.world.now)})
    return [offer, done, again, good, browser.post("recovery/regenerate"), browser.post("sign-out")]


def forms(browser: Browser) -> list[Reply]:
    return [
        browser.form("totp/enrol/options"),
        browser.form("totp/enrol", code="000000"),
        browser.form("recovery/regenerate"),
        browser.form("sign-out", next="/home"),
        browser.form("totp/verify", code="1", next="//evil.example"),
    ]


def pages(browser: Browser) -> list[Reply]:
    return [
        browser.get(""),
        browser.get("/auth"),
        browser.get("", "next=/pay%3Fa%3D1&for=totp,passkey"),
        browser.send("HEAD", ""),
        browser.get("zerotrust.js"),
        browser.get("page.js", headers=[("if-none-match", browser.get("page.js").header("etag") or "")]),
    ]


def refusals(browser: Browser) -> list[Reply]:
    def post(body: bytes, kind: str, **more: Any) -> Reply:
        return browser.send("POST", "totp/verify", body, headers=[("content-type", kind)], **more)

    return [
        browser.get("nothing"),
        browser.get("totp/verify"),
        browser.send("PUT", "factors"),
        browser.send("DELETE", "totp/enrol"),
        post(b"{}", "text/plain"),
        post(b"{", "application/json"),
        post(b"[]", "application/json"),
        post(b"a=%ff", "application/x-www-form-urlencoded"),
        post(b'{"code":"' + b"x" * 70_000 + b'"}', "application/json"),
        post(b"{}", "application/json", origin="https://evil.example"),
        post(b"{}", "application/json", origin=None),
        browser.post("factors/remove", {"method": "totp", "id": "x"}),
        Browser(browser.world, None).get("factors"),
        Browser(browser.world, None).post("totp/verify", {"code": "123456"}),
    ]


SUITES = [passkeys, codes, forms, pages, refusals]


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.__name__)
def test_every_door_answers_the_same(suite: Callable[[Browser], list[Reply]]) -> None:
    answers = {name: [masked(reply) for reply in suite(make(door=door).browser())] for name, door in DOORS.items()}
    for name, door_answers in answers.items():
        for number, (one, other) in enumerate(zip(answers["pure"], door_answers, strict=True)):
            assert one == other, (name, number)


@pytest.mark.parametrize("name", sorted(DOORS))
def test_a_path_that_is_not_utf_8_or_is_encoded_is_not_there(name: str) -> None:
    door: Door = DOORS[name]
    browser = make(door=door).browser()
    for path in ("/auth/\udcff", "/auth/totp%2fverify", "/auth/%00"):
        assert browser.post(path).status == 404
