"""Access control lists: the least that is documented suffices, and what is missing is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.redis import RedisServer, redis_server
from tests.stores.redis.asking import NOW, Style, ask, both, every, once, opened, put, refusal
from zerotrust.core.ask import Ask, ConsumeOnce, Count, Put, SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores import redis as documented
from zerotrust.stores.codec import FOREVER
from zerotrust.stores.notices import Changed, Listening, Lost
from zerotrust.stores.redis import RedisStore

WORD = "a pass/word@%"


def least() -> list[str]:
    """The rules that the documentation gives, as they stand there."""
    text = re.search(r"ACL SETUSER payments (.*?)\n\n", documented.__doc__ or "", re.DOTALL)
    assert text is not None
    return text[1].replace(">PASSWORD", f">{WORD}").replace(WORD, "\0").split()


@pytest.fixture(scope="module")
def guarded(_needed: None) -> Iterator[RedisServer]:
    with redis_server() as server:
        server.command("ACL", "SETUSER", "payments", *(rule.replace("\0", WORD) for rule in least()))
        server.command("ACL", "SETUSER", "blind", *(rule.replace("\0", WORD) for rule in least()), "-info")
        server.command("ACL", "SETUSER", "deaf", *(rule.replace("\0", WORD) for rule in least()), "resetchannels")
        yield server


@both
def test_the_least_that_is_documented_suffices(style: Style, guarded: RedisServer) -> None:
    with opened(style, guarded.url_for("payments", WORD)) as store:
        for _ in range(2):
            for question in every():
                ask(store, question)
        guarded.command("SCRIPT", "FLUSH")
        with store.subscribe("session") as subscription:
            assert subscription.get(10) == Listening()
            put(store, b"v", announce=True)
            assert subscription.get(10) == Changed(store.digest("session", b"k"))
    with opened(style, guarded.url, username="payments", password=WORD) as store:
        assert once(store, b"every") is False


def test_an_inspection_needs_no_more_and_says_what_it_could_not_see(guarded: RedisServer) -> None:
    (fact,) = (fact for fact in RedisStore(guarded.url_for("payments", WORD)).inspect() if fact.name == "persistence")
    assert fact.verdict == "note"
    assert "+config|get" in fact.advice


def test_each_permission_is_needed(guarded: RedisServer) -> None:
    # A counter that lets go of what is old, and one without an end; one after the other, on an empty server.
    counts = [Count("tries", b"k", 80.0, now) for now in (NOW, NOW + 1000, NOW + 1000, FOREVER / 1000 - 1)]
    for name in {rule[1:] for rule in least() if rule.startswith("+")} - {"info", "ping", "subscribe"}:
        guarded.command("FLUSHALL")
        guarded.command("SCRIPT", "FLUSH")
        guarded.command("ACL", "SETUSER", "payments", f"-{name}")
        with RedisStore(guarded.url_for("payments", WORD)) as store:
            said = [told(store, question) for question in (*every(), *counts)]
        assert any("permission" in text for text in said), f"+{name} is documented and nothing needs it"
        guarded.command("ACL", "SETUSER", "payments", f"+{name}")


def told(store: RedisStore, question: Ask[Any]) -> str:
    try:
        return repr(ask(store, question))
    except SourceFailed as failure:
        return str(failure)


@both
def test_who_may_not_ask_the_server_about_itself_is_told_what_to_permit(style: Style, guarded: RedisServer) -> None:
    with opened(style, guarded.url_for("blind", WORD)) as store:
        assert "permit it +info" in refusal(store)


@both
def test_what_is_not_permitted_is_refused(style: Style, guarded: RedisServer) -> None:
    with opened(style, guarded.url_for("payments", WORD), namespace="another") as store:
        assert "permission" in refusal(store)
    with opened(style, guarded.url_for("deaf", WORD)) as store:
        assert once(store, b"deaf " + style.encode()) is True
        assert "permission" in refusal(store, Put("session", b"k", b"v", 9.0, 0.0, announce=True))
        with store.subscribe("session") as subscription:
            lost = subscription.get(10)
            assert isinstance(lost, Lost)
            assert lost.reason.kind is SOURCE_REFUSED


@both
def test_a_wrong_password_is_refused_and_not_repeated(style: Style, guarded: RedisServer) -> None:
    with opened(style, guarded.url_for("payments", "wr0ng-word")) as store:
        detail = refusal(store)
        assert detail == "the server does not accept user and password"
        assert "wr0ng-word" not in repr(store.metrics())
    with redis_server("--requirepass", WORD) as server:
        with opened(style, server.url) as store:
            assert "wants a password" in refusal(store)
        with opened(style, server.url, password=WORD) as store:
            assert once(store) is True
            server.command("CONFIG", "SET", "requirepass", "changed", password=WORD)
            # Who is in stays in; who connects anew does not.
            assert once(store) is False
        with opened(style, server.url, password=WORD) as store:
            assert "does not accept" in refusal(store)


@both
def test_a_user_that_is_removed_is_out(style: Style, guarded: RedisServer) -> None:
    guarded.command("ACL", "SETUSER", "leaver", "on", f">{WORD}", "~*", "+@all", "&*")
    with opened(style, guarded.url_for("leaver", WORD)) as store:
        assert ask(store, ConsumeOnce("jti", b"leaver " + style.encode(), 9.0, 0.0)) is True
        guarded.command("ACL", "DELUSER", "leaver")
        assert "does not accept" in refusal(store)
