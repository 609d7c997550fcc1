"""CWE-176, CWE-863, CWE-400: letters that applications take for others, and what it costs to compare them."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from tests.attacks.test_middleware_requests import Calls
from tests.fastapi.world import GOOD, call, http_scope, raw, token
from tests.wsgi.test_guard import environ_of, serve
from zerotrust import ConfigError
from zerotrust.web.places import fold
from zerotrust.web.rules import Rules


def rules() -> Rules:
    made = Rules(default=token.valid)
    made.open("/f/{name}", because="a test")
    made.protect("/f/internal", token.role("staff"))
    return made


def statuses(segment: str, behind: Calls) -> set[int]:
    path = f"/f/{segment}"
    scope = http_scope(path, headers=raw(GOOD), raw_path=None)
    environ = environ_of(path.encode().decode("latin-1"), GOOD)
    return {call(behind.asgi, scope).status, serve(behind.wsgi, environ, strict=False).code}


@pytest.mark.parametrize(
    "segment",
    [
        "\u0130NTERNAL",
        "\u0130nternal",
        "i\u0307nternal",
        "I\u0307nternal",
        "\u0131nternal",
        "intern\u200bal",
        "\ufeffinternal",
        "internal\u200d",
        "internal\u00ad",
        "i\u200b\u0307nternal",
        "i\u034f\u0307nternal",
        "in\ufe0fternal\u2060",
        "internal\U000e0001",
        "\u202einternal\u202c",
        "internal\u200b .",
        "\uff49nternal",
        "internal" + "\u200b" * 200,
    ],
)
def test_what_may_be_taken_for_a_name_is_protected_as_the_name(segment: str) -> None:
    assert fold(segment) == "internal"
    behind = Calls(rules())
    assert statuses(segment, behind) == {403}
    assert behind.calls == []


@pytest.mark.parametrize("segment", ["external", "\u00efnternal", "internals", "\u5185\u90e8"])
def test_other_names_are_other_names(segment: str) -> None:
    assert statuses(segment, Calls(rules())) == {200}


@pytest.mark.parametrize("mark", ["\u0301\u0323", "\u200b", "\u00e9", "\ufdfa", "a\u0301"])
def test_comparing_has_a_bound(mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Normal forms cost the square of a run of marks."""
    longest = 0

    def measured(form: str, text: str) -> str:
        nonlocal longest
        longest = max(longest, len(text))
        return normalize(form, text)  # type: ignore[arg-type]

    monkeypatch.setattr("zerotrust.web.places.normalize", measured)
    behind = Calls(rules())
    for letters in (257, 2000, 8000):
        segment = "internal" + mark * (letters // len(mark))
        assert statuses(segment, behind) == {400}
        assert statuses(f"x/{segment}/y", behind) == {400}
    assert behind.calls == []
    assert longest <= 256 * 18, "what one character comes to at most"
    assert statuses("internal" + "/" + "\u00e9" * 256, behind) == {200}, "by the default"
    assert statuses("x" * 4000, behind) == {200}, "of ASCII as long as any path"


def test_a_rule_that_no_path_meets_is_none() -> None:
    made = Rules(default=token.valid)
    made.open("/f/" + "\u00e9" * 256, because="a test")
    with pytest.raises(ConfigError, match="256"):
        made.open("/f/" + "\u00e9" * 257, because="a test")
