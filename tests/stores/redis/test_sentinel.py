"""A master that Sentinels name: found, left when it fails, and found again after a failover."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from time import monotonic

import pytest

from tests.servers import PATIENCE, free_port
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer, sentinel
from tests.stores.redis.asking import Asked, Style, both, every, once, opened, put, refusal, trouble
from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_TIMEOUT
from zerotrust.stores.notices import Changed, Listening, Lost
from zerotrust.stores.redis import routes


def until_it_answers(store: Asked, key: bytes) -> object:
    """The first answer after an outage."""
    ends = monotonic() + PATIENCE
    while monotonic() < ends:
        with suppress(SourceFailed):
            return once(store, key)
    raise AssertionError("it never answered")


@both
def test_a_failover(style: Style) -> None:
    with sentinel() as watched, opened(style, watched.url, timeout=timedelta(seconds=1)) as store:
        for question in every():
            store.answer(question, 10)
        assert once(store, b"before") is True
        assert watched.master.command("WAIT", 1, 5000) == 1  # it is with the replica, too
        with store.subscribe("session") as subscription:
            assert subscription.get(10) == Listening()
            watched.master.kill()
            assert isinstance(subscription.get(10), Lost)
            assert trouble(store).kind is SOURCE_DOWN
            watched.wait_for_failover()
            assert until_it_answers(store, b"before") is False
            assert once(store, b"after") is True
            assert subscription.get(PATIENCE) == Listening()
            put(store, b"v", announce=True)
            assert subscription.get(10) == Changed(store.digest("session", b"k"))
            # The one that was master comes back as a replica: nobody is sent there.
            watched.master.start()
            assert once(store, b"after") is False


@both
def test_a_master_that_hangs_is_left_for_its_successor(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "ASK_AGAIN", 3600.0)
    with sentinel() as watched, opened(style, watched.url, timeout=timedelta(seconds=0.3)) as store:
        assert once(store) is True
        watched.master.pause()
        assert trouble(store).kind is SOURCE_TIMEOUT
        watched.wait_for_failover()
        assert until_it_answers(store, b"new") is True
        watched.master.resume()


@both
def test_sentinels_that_are_down_or_mute_are_passed_over(style: Style) -> None:
    with sentinel() as watched, Proxy(1) as mute:
        mute.mute()
        others = f"127.0.0.1:{free_port()},127.0.0.1:{mute.port},"
        url = watched.url.replace("://", f"://{others}")
        with opened(style, url, timeout=timedelta(seconds=2)) as store:
            assert once(store) is True
            began = monotonic()
            assert once(store) is False
            assert monotonic() - began < 0.5
        with opened(style, f"redis+sentinel://{others[:-1]}/main", timeout=timedelta(seconds=0.3)) as store:
            began = monotonic()
            assert trouble(store).code in ("source_down", "source_timeout")
            assert monotonic() - began < 1.0


@both
def test_a_master_that_was_cut_off_from_its_sentinels_is_left(
    style: Style, server: RedisServer, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It answers still, but another has taken its place: who goes on there would have marks used twice.
    with sentinel() as watched, opened(style, watched.url, namespace=namespace) as store:
        assert once(store) is True
        watched.sentinel.command("SENTINEL", "REMOVE", "main")
        watched.sentinel.command("SENTINEL", "MONITOR", "main", "127.0.0.1", server.port, 1)
        assert once(store) is False
        monkeypatch.setattr(routes, "ASK_AGAIN", -1.0)
        assert once(store) is True
        assert len(server.command("KEYS", f"{namespace}:m:*")) == 1
        watched.sentinel.kill()  # as long as nobody names another, this one it is
        assert once(store) is False
        assert once(store, b"new") is True


@both
def test_a_master_that_nobody_knows(style: Style) -> None:
    with sentinel() as watched, opened(style, watched.url.replace("/main", "/other")) as store:
        reason = trouble(store)
        assert reason.kind is SOURCE_DOWN
        assert "knows no master other" in reason.detail


@both
def test_logins_of_sentinels_and_of_servers_are_two(style: Style) -> None:
    settings = "user default off\nuser guard on >guard-word ~* &* +@all\nsentinel auth-pass main server-word\n"
    with sentinel("--requirepass", "server-word", "--masterauth", "server-word", settings=settings) as watched:
        place = watched.url.partition("://")[2]
        login = "sentinel_username=guard&sentinel_password=guard-word"
        with opened(style, f"redis+sentinel://:server-word@{place}?{login}") as store:
            assert once(store) is True
        with opened(style, f"redis+sentinel://{place}?{login}", password="server-word") as store:
            assert once(store) is False
        with opened(style, f"redis+sentinel://:server-word@{place}") as store:
            assert "wants a password" in refusal(store)
        with opened(style, f"redis+sentinel://{place}?{login}") as store:
            assert "wants a password" in refusal(store)


@pytest.mark.parametrize("answer", [b"*0\r\n", b"*2\r\n$1\r\nh\r\n$1\r\nx\r\n", b"+OK\r\n", b":1\r\n", b"*-1\r\n"])
def test_a_sentinel_that_answers_nonsense_names_no_master(answer: bytes) -> None:
    from tests.stores.redis.saying import saying

    with saying(answer) as port, opened("blocking", f"redis+sentinel://127.0.0.1:{port}/main") as store:
        assert trouble(store).kind is SOURCE_DOWN
