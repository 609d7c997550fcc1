"""CWE-400 and CWE-789: a server, or who stands between, must not make a Redis store keep, wait or work without bound.

Nor must anything that it says, at whatever moment, end in other than a reason.
"""

from __future__ import annotations

from datetime import timedelta
from time import monotonic

import pytest

from tests.servers import redis
from tests.stores.redis.asking import Style, both, opened, trouble
from tests.stores.redis.saying import saying
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.stores.notices import Listening, Lost
from zerotrust.stores.redis import RedisStore

TIMEOUT = timedelta(seconds=0.5)
OUTAGES = (SOURCE_REFUSED, SOURCE_DOWN, SOURCE_TIMEOUT)

# Each asks for something before the first exchange, and of the last two what they are told is an address.
WAYS = {
    "password": "redis://:pw@127.0.0.1:{}/0",
    "user": "redis://user:pw@127.0.0.1:{}/0",
    "database": "redis://127.0.0.1:{}/1",
    "sentinel": "redis+sentinel://127.0.0.1:{}/m",
    "sentinel password": "redis+sentinel://127.0.0.1:{}/m?sentinel_password=x",
    "cluster": "redis+cluster://127.0.0.1:{}",
}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


@pytest.fixture(autouse=True)
def _needed() -> None:
    redis.need()


def address(host: bytes) -> bytes:
    """As Sentinels and clusters tell it, for both of them."""
    told = b"$%d\r\n%b\r\n" % (len(host), host)
    return b"*3\r\n:0\r\n:16383\r\n*2\r\n" + told + b":5\r\n"


GARBAGE = {
    "number": b":abc\r\n",
    "length": b"$abc\r\n",
    "negative length": b"$-7\r\n",
    "list": b"*x\r\n",
    "nested": b"*1\r\n" * 3000,
    "push": b">1\r\n+x\r\n",
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "redirection": b"-MOVED x\r\n",
    "wrong kind": b"*2\r\n:1\r\n*0\r\n",
}


@ways
@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE.keys())
@both
def test_garbage_in_a_handshake_is_a_reason(style: Style, said: bytes, way: str) -> None:
    with saying(said, always=True) as port, opened(style, way.format(port), timeout=TIMEOUT) as store:
        assert trouble(store).kind in OUTAGES


@pytest.mark.parametrize("host", [b"a..", b".a", b"a" * 70, b"a\0b", b"\xff\xfe", b"fe80::1%a b", b"-" * 64, b":"])
@both
def test_a_host_that_is_none_is_a_reason(style: Style, host: bytes) -> None:
    sentinel = b"*2\r\n$%d\r\n%b\r\n$1\r\n5\r\n" % (len(host), host)
    for way, said in (("sentinel", sentinel), ("cluster", b"*1\r\n" + address(host))):
        with saying(said, always=True) as port, opened(style, WAYS[way].format(port), timeout=TIMEOUT) as store:
            assert trouble(store).kind in OUTAGES


@pytest.mark.parametrize("announced", [b"$2000000000\r\n", b"*1000000000\r\n", b"*2\r\n$2000000000\r\n"])
@both
def test_what_announces_too_much_is_refused_at_once(style: Style, announced: bytes) -> None:
    way = "redis://127.0.0.1:{}"
    with (
        saying(announced, b"x" * 65536) as port,
        opened(style, way.format(port), timeout=timedelta(seconds=30)) as store,
    ):
        began = monotonic()
        assert trouble(store).kind is SOURCE_REFUSED
        assert monotonic() - began < 10


@pytest.mark.parametrize(
    ("said", "then"),
    [
        (b"*65536\r\n", b"*0\r\n" * 4096),
        (b"", b"+x\r\n" * 4096),
        (b"+", b"x" * 65536),
        (b"$1000000\r\n", b""),
        (b"$1000000\r\n", b"x"),
    ],
    ids=["list", "replies", "line", "silence", "drip"],
)
@both
def test_a_flood_ends(style: Style, said: bytes, then: bytes) -> None:
    with saying(said, then) as port, opened(style, f"redis://127.0.0.1:{port}", timeout=TIMEOUT) as store:
        began = monotonic()
        assert trouble(store).kind in OUTAGES
        assert monotonic() - began < 5


@both
def test_a_flood_that_means_nothing_does_not_keep_a_subscriber(style: Style) -> None:
    with RedisStore("redis://127.0.0.1:1") as shape:
        topic = shape._commands.topic("session")
    confirmed = b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%b\r\n:1\r\n" % (len(topic), topic)
    pongs = b"*2\r\n$4\r\npong\r\n$0\r\n\r\n" * 4096
    with (
        saying(confirmed, pongs) as port,
        opened(style, f"redis://127.0.0.1:{port}") as store,
        store.subscribe("session") as subscription,
    ):
        assert subscription.get(10) == Listening()
        began = monotonic()
        assert subscription.get(0.2) is None
        assert subscription.get(0.0) is None
        assert monotonic() - began < 5


@both
def test_garbage_loses_a_subscription_and_nothing_else(style: Style) -> None:
    with (
        saying(b"*1\r\n" * 3000) as port,
        opened(style, f"redis://127.0.0.1:{port}") as store,
        store.subscribe("session") as subscription,
    ):
        lost = subscription.get(10)
        assert isinstance(lost, Lost)
        assert lost.reason.kind is SOURCE_REFUSED


def test_a_map_with_too_many_ranges_is_not_entered() -> None:
    ranges = address(b"127.0.0.1") * 8000
    with saying(b"*8000\r\n" + ranges) as port, opened("blocking", f"redis+cluster://127.0.0.1:{port}") as store:
        began = monotonic()
        reason = trouble(store)
        assert (reason.kind, reason.detail) == (SOURCE_REFUSED, "a map of the cluster that cannot be read")
        assert monotonic() - began < 1
