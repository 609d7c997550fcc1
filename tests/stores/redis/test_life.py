"""How long the server keeps what: at least as long as either clock says, and a minute more."""

from __future__ import annotations

import time
from math import inf

import pytest

from tests.servers.redis import RedisServer
from tests.stores.redis.asking import NOW, Style, ask, both, once, opened
from zerotrust.core.ask import Advance, ConsumeOnce, Count, Put
from zerotrust.stores.redis.commands import MARGIN, Command, pack


def life(server: RedisServer, namespace: str, what: str) -> float:
    """For how many seconds the one key of this kind is still kept; -1 for good."""
    (key,) = server.command("KEYS", f"{namespace}:{what}:*")
    left = int(server.command("PTTL", key))
    return left / 1000 if left >= 0 else left


@both
@pytest.mark.parametrize("ahead", [0.0, 3600.0, -3600.0])
def test_a_mark_outlives_both_clocks(style: Style, ahead: float, server: RedisServer, namespace: str) -> None:
    # An asker who is an hour ahead says "in 100 s" of what the server calls 3700 s; one who is behind is heard, too.
    now = time.time() + ahead
    with opened(style, server.url, namespace=namespace) as store:
        assert once(store, now=now, until=now + 100) is True
    left = max(100.0, 100.0 + ahead) + 60
    assert left - 10 < life(server, namespace, "m") <= left + 0.1


@both
def test_what_is_kept_for_good_is_not_given_a_life(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace) as store:
        ask(store, ConsumeOnce("jti", b"k", inf, NOW))
        assert life(server, namespace, "m") == -1
        ask(store, Put("session", b"k", b"v", inf, NOW))
        assert life(server, namespace, "r") == -1
        ask(store, Put("session", b"k", b"v", NOW + 9, NOW, announce=True))
        assert life(server, namespace, "r") > 0
        ask(store, Put("session", b"k", b"v", inf, NOW, announce=True))
        assert life(server, namespace, "r") == -1
        ask(store, Advance("session", b"k", b"v", b"w", NOW + 9, NOW))
        assert life(server, namespace, "r") > 0
        ask(store, Advance("session", b"k", b"w", b"x", inf, NOW))
        assert life(server, namespace, "r") == -1


@both
def test_the_life_of_a_counter_is_never_shortened(style: Style, server: RedisServer, namespace: str) -> None:
    now = time.time()
    with opened(style, server.url, namespace=namespace) as store:
        ask(store, Count("tries", b"k", 80.0, now + 1000))
        long = life(server, namespace, "c")
        assert long > 1000
        ask(store, Count("tries", b"k", 80.0, now))
        assert long - 10 < life(server, namespace, "c") <= long
        ask(store, Count("tries", b"k", 80.0, now + 2000))
        assert life(server, namespace, "c") > long + 900


@both
def test_to_look_at_a_counter_writes_nothing(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace) as store:
        assert ask(store, Count("tries", b"k", 80.0, NOW, 0)) == 0
        assert server.command("KEYS", f"{namespace}:c:*") == []


@pytest.mark.parametrize(
    ("server_now", "expected"), [(None, 100_000), (500_000, 100_000), (400_000, 200_000), (9_000_000, 100_000)]
)
def test_the_clock_that_gives_it_longer_counts(server_now: int | None, expected: int) -> None:
    command = Command(b"k", (b"SET", b"k", b"", b"NX"), bool, 500_000, 600_000)
    words = (b"SET", b"k", b"", b"NX", b"PX", b"%d" % (expected + MARGIN))
    assert command.packed(server_now) == pack(words)


def test_commands_are_arrays_of_bulk_strings() -> None:
    assert pack((b"SET", b"k\r\n", b"")) == b"*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n"
