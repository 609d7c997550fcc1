"""Asks are values: equal, hashable, frozen, however they are made."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Fetch, Lookup, Post, Put, ReadBody, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN

ASKS = [
    (ConsumeOnce("jti", b"k", 2.0, 1.0), ConsumeOnce("jti", b"k", 2.0, 1.5)),
    (Advance("step", b"k", None, b"1", 2.0, 1.0), Advance("step", b"k", b"", b"1", 2.0, 1.0)),
    (Lookup("step", b"k", 1.0), Lookup("step", b"k", 1.0, secret=True)),
    (Put("step", b"k", b"1", 2.0, 1.0), Put("step", b"k", None, 2.0, 1.0)),
    (Count("tries", b"k", 60.0, 1.0), Count("tries", b"k", 60.0, 1.0, add=0)),
    (Fetch("https://login.example.com/", 1.0), Fetch("https://login.example.com/", 2.0)),
    (Post("https://login.example.com/", (("a", "b"),), 1.0), Post("https://login.example.com/", (("a", "c"),), 1.0)),
]


@pytest.mark.parametrize(("ask", "other"), ASKS, ids=lambda ask: type(ask).__name__)
def test_asks_are_values(ask: Ask[object], other: Ask[object]) -> None:
    for same in (copy.deepcopy(ask), pickle.loads(pickle.dumps(ask)), replace(ask)):
        assert same == ask
        assert hash(same) == hash(ask)
        assert repr(same) == repr(ask)
    assert ask != other
    for field in fields(ask):
        with pytest.raises(FrozenInstanceError):
            setattr(ask, field.name, getattr(other, field.name))
    assert not hasattr(ask, "__dict__")


def test_the_constructor_made_by_hand_takes_what_a_generated_one_would() -> None:
    made = ConsumeOnce(space="jti", key=b"k", until=2.0, now=1.0)
    assert made == ConsumeOnce("jti", b"k", 2.0, 1.0)
    assert (made.space, made.key, made.until, made.now) == ("jti", b"k", 2.0, 1.0)
    assert [field.name for field in fields(made)] == ["space", "key", "until", "now"]
    assert ConsumeOnce.__match_args__ == ("space", "key", "until", "now")
    assert repr(made) == "ConsumeOnce(space='jti', key=b'k', until=2.0, now=1.0)"


@pytest.mark.parametrize(
    "ask",
    [
        Put("seed", b"k", b"gold digger", 2.0, 1.0, secret=True),
        Advance("step", b"k", b"gold digger", b"gold digger", 2.0, 1.0),
        Post(
            "https://login.example.com/", (("client_secret", "gold digger"),), 1.0, (("authorization", "gold digger"),)
        ),
    ],
    ids=lambda ask: type(ask).__name__,
)
def test_what_is_kept_or_sent_never_shows(ask: Ask[object]) -> None:
    assert "gold" not in repr(ask)
    assert "gold" not in str(ask)


# --- What they say where nobody says otherwise, and what of a post shows ---------------------------------------------
FORM = (("token", "of-ann"),)


def test_what_nobody_said() -> None:
    put = Put("kind", b"key", b"value", 2.0, 1.0)
    assert (put.secret, put.announce, Lookup("kind", b"key", 1.0).secret) == (False, False, False)
    assert Count("space", b"key", 60.0, 1.0).add == 1
    limits = Fetch("https://a.example", 1.0).limit, Post("https://a.example", FORM, 1.0).limit, ReadBody().limit
    assert limits == (524_288, 65_536, 65_536)
    assert SourceFailed(SOURCE_DOWN()).retry_after == 5.0


def test_what_is_signed_is_sent_with_the_form_and_neither_shown_nor_compared() -> None:
    plain = Post("https://a.example", FORM, 1.0, shared=b"of-ann-too")
    signed = Post("https://a.example", FORM, 1.0, shared=b"of-ann-too", sign=lambda: (("assertion", "signed"),))
    assert plain.content() == FORM
    assert signed.content() == (*FORM, ("assertion", "signed"))
    assert signed == plain
    assert repr(signed) == repr(plain)
    assert "of-ann" not in repr(plain)
