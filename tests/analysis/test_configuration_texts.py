"""How differences in the configuration are shown, and which never are."""

from __future__ import annotations

import re
from ipaddress import ip_network

import pytest

from zerotrust import Bearer, Issuer
from zerotrust.analysis.configuration import Change, _text, same


class Bare:
    """A class of an application."""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "'a'"),
        (5, "5"),
        (ip_network("10.0.0.0/8"), "10.0.0.0/8"),
        (re.compile("a+"), "'a+'"),
        (frozenset({"b", "a"}), "{'a', 'b'}"),
        (frozenset({"b", b"a"}), ""),
        (("a", 1), "('a', 1)"),
        (("a", b"secret"), ""),
        ({"b": b"secret", "a": 1}, "('a', 'b')"),
        (b"secret", ""),
        (len, ""),
        (Bare(), ""),
        (Issuer("https://login.example.com"), "Issuer"),
    ],
    ids=[
        "text", "number", "network", "pattern", "set", "set of bytes", "tuple", "tuple with bytes", "mapping", "bytes",
        "function", "thing", "own thing",
    ],
)  # fmt: skip
def test_what_is_shown_of_what_is_public(value: object, text: str) -> None:
    assert _text(value, shown=True) == text


@pytest.mark.parametrize("value", ["a", ("a",), {"a": 1}, ip_network("10.0.0.0/8")], ids=str)
def test_of_what_is_not_public_only_numbers_are_shown(value: object) -> None:
    assert _text(value, shown=False) == ""
    assert _text(5, shown=False) == "5"


def test_what_is_too_deep_is_not_taken_for_the_same() -> None:
    def nested(depth: int, core: object) -> object:
        for _ in range(depth):
            core = [core]
        return core

    assert same(nested(30, 1), nested(30, 1))
    assert not same(nested(30, 1), nested(30, 2))
    assert not same(nested(60, 1), nested(60, 1))


def test_what_does_not_show_what_it_holds_is_not_taken_for_the_same() -> None:
    assert not same([object()], [object()])


def test_changes_are_told_as_they_are() -> None:
    assert str(Change("token.audience", "'a'", "'b'")) == (
        "token.audience is configured differently: 'a' before, 'b' now"
    )
    assert str(Change("token.key", "", "")) == "token.key is configured differently"
    assert str(Change("token.key", "", "", unread=True)).startswith("token.key cannot be compared")


def test_verifiers_made_alike_are_the_same() -> None:
    one, other = (Bearer(Issuer("https://login.example.com"), audience="a") for _ in range(2))
    assert same(one, other)
