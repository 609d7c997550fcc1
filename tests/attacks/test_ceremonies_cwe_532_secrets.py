"""Codes, keys, credentials and cookies: in no log, no error, no redirect and no repr (CWE-532, CWE-209, CWE-598)."""

from __future__ import annotations

import logging

import pytest

from tests.web.ceremonies.doors import fastapi
from tests.web.ceremonies.world import Codes, make, pure
from zerotrust.core.request import AccessRequest
from zerotrust.driver import run
from zerotrust.web.ceremonies import BUDGET, recovery
from zerotrust.web.ceremonies.reading import Posted
from zerotrust.web.ceremonies.setup import Visit


def test_nothing_secret_is_logged_redirected_or_shown_in_a_repr(caplog: pytest.LogCaptureFixture) -> None:
    world = make(door=fastapi)
    browser = world.browser()
    with caplog.at_level(logging.DEBUG):
        offer = browser.post("totp/enrol/options").json
        codes = Codes.of(offer["secret"])
        first = codes.at(world.now)
        wrong = browser.post("totp/enrol", {"code": "424242"})
        done = browser.post("totp/enrol", {"code": first})
        recovery = browser.post("recovery/regenerate").json["codes"]
        refused = browser.form("recovery/verify", code=recovery[0][:-1] + "z", next="/x")
        used = browser.form("recovery/verify", code=recovery[1], next="/x")
        world.door = pure
        again = browser.form("totp/verify", code=first, next="/x")
    secrets = [offer["secret"], offer["secret"].replace(" ", ""), first, *recovery, *browser.cookies.values(), "424242"]
    told = [wrong.text, done.text, refused.text, again.text, used.header("location") or "", caplog.text]
    for secret in secrets:
        assert not any(secret in text for text in told), secret[:4]


def test_nothing_that_is_under_way_shows_a_secret() -> None:
    world = make()
    browser = world.browser()
    sent = browser.posting("recovery/regenerate")
    request = AccessRequest(
        now=world.now, method="POST", host="shop.example.com", headers=[(b"host", b"shop.example.com"), *sent.headers]
    )
    visit = Visit(
        world.ceremonies.setup, request, "/auth", "recovery/regenerate", Posted({"code": "424242"}, form=False)
    )
    assert "424242" not in repr(visit)
    outcome = run(recovery.regenerate(visit, world.codes), world.sources, BUDGET)
    codes = outcome.codes  # type: ignore[union-attr]
    assert codes
    assert not any(code in repr(outcome) for code in codes)
    assert not any(code in repr(outcome) for code in browser.cookies)
    assert "Bearer ey" not in repr(visit)
