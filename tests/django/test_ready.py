"""The ready ceremonies are served at their path, before anything of the application, and refusals lead there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from tests.django.world import BOTH, code
from tests.web.ceremonies.world import make
from zerotrust.core.reason import MALFORMED
from zerotrust.django import report
from zerotrust.web.ceremonies.reading import MOST_BODY

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])


def given(world: Any, **more: Any) -> Any:
    settings = {
        "DEFAULT": world.session.valid,
        "SOURCES": world.sources,
        "CLOCK": world.clock,
        "CEREMONIES": world.ceremonies,
        **more,
    }
    return override_settings(ZEROTRUST=settings, ROOT_URLCONF="tests.django.few_urls")


@both
def test_they_are_served_at_their_path(ask: Any) -> None:
    world = make()
    at = world.ceremonies.at
    with given(world):
        assert any(line.path == f"{at}/*" and line.is_open for line in report().lines)
        assert ask(f"{at}/nowhere").status_code == 404
        verified = ask(f"{at}/totp/verify", method="POST", data=b'{"code": "1"}', content_type="application/json")
        assert verified.status_code in (400, 401, 403)
        large = ask(f"{at}/totp/verify", method="POST", data=b"x" * (MOST_BODY + 1))
        assert code(large) == (413, "too_large")
        assert ask("/plain/").status_code == 401
        assert ask(f"{at}x/").status_code == 401


@both
def test_whatever_goes_wrong_is_503(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make()

    def broken(*_: Any) -> None:
        raise RuntimeError("a secret")

    with given(world):
        monkeypatch.setattr(type(world.ceremonies), "answering", broken)
        answer = ask(f"{world.ceremonies.at}/totp/verify", method="POST", data=b"{}")
    assert code(answer) == (503, "undecided")


@both
def test_a_body_that_breaks_off_is_malformed(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make()
    monkeypatch.setattr("zerotrust.django.ready.Body.read", lambda self, limit: MALFORMED())
    with given(world):
        answer = ask(f"{world.ceremonies.at}/totp/verify", method="POST", data=b"{}")
    assert code(answer) == (400, "malformed")
