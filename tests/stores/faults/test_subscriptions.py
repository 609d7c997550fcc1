"""Subscribers through outages: they are told when they may have missed something, and when they no longer do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest

from tests.servers.proxy import Proxy
from tests.stores.faults.remote import Remote
from tests.stores.faults.world import PATIENCE, STYLES, Asker, Kind, Style, at_most, lookup, put
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.stores.notices import Changed, Listening, Lost, Notice, Subscription

NOTICED = 10.0
"""Seconds within which a connection on which nothing moves is noticed."""

NOTICING = 1.0
"""Seconds that the stores of these tests give one answer: so long a subscriber waits before it takes one for lost."""

BACK = 10.0
"""Seconds within which a subscriber is back, after a short outage."""


def hear(subscription: Subscription, within: float = PATIENCE) -> Notice:
    """The next notice, which there has to be."""
    with at_most(within + NOTICING):  # it may have to connect
        notice = subscription.get(within)
    assert notice is not None, f"nothing within {within:.1f} s"
    return notice


def hears_everything(subscription: Subscription, asker: Asker, teller: Asker, now: float, name: bytes) -> None:
    """What is announced from here on is heard, once and in order."""
    digests = []
    for number in range(5):
        key = b"%s/%d" % (name, number)
        teller.get(put(key, b"v", now, announce=True))
        digests.append(asker.store.digest("session", key))
    teller.get(put(name + b"/quiet", b"v", now))
    teller.get(put(name + b"/0", None, now, announce=True))
    heard = [hear(subscription) for _ in range(6)]
    assert heard == [Changed(digest) for digest in [*digests, digests[0]]]


@pytest.mark.parametrize("fault", ["cut", "refuse", "restart"])
def test_a_subscriber_through_an_outage(remote: Remote, fault: Literal["cut", "refuse", "restart"]) -> None:
    through_an_outage(remote, fault)


@pytest.mark.parametrize("kind", ["redis", "postgres"])
def test_subscribers_through_an_outage_that_nothing_tells_of(
    request: pytest.FixtureRequest, kind: Kind, namespace: str
) -> None:
    """A connection on which nothing moves any more. Both styles at once, since it takes some seconds to notice."""
    server = request.getfixturevalue(kind)

    def one(style: Style) -> None:
        with Proxy(server.port) as proxy:
            through_an_outage(Remote(kind, style, server, proxy, f"{namespace}-{style}"), "stall")

    with ThreadPoolExecutor(len(STYLES)) as pool:
        list(pool.map(one, STYLES))


def through_an_outage(remote: Remote, fault: Literal["cut", "refuse", "stall", "restart"]) -> None:
    """Hear everything, lose the connection, be told so, and hear everything again."""
    proxy = remote.proxy
    with remote.through(NOTICING) as asker, remote.direct() as teller, asker.store.subscribe("session") as subscription:
        now = 2_000_000_000.0
        assert hear(subscription) == Listening()
        hears_everything(subscription, asker, teller, now, b"before")
        assert subscription.get(0.02) is None
        if fault == "stall":
            proxy.stall(replies=0, requests=0)
        elif fault == "restart":
            remote.server.restart()
        else:
            getattr(proxy, fault)()
        lost = hear(subscription, NOTICED if fault == "stall" else 1.0)
        assert isinstance(lost, Lost), lost
        assert lost.reason.kind in (SOURCE_DOWN, SOURCE_TIMEOUT, SOURCE_REFUSED)
        if fault in ("refuse", "stall"):
            # Announced while nobody heard: found by who looks when told to.
            teller.get(put(b"meanwhile", b"missed", now, announce=True))
        proxy.heal()
        assert hear(subscription, BACK) == Listening()
        if fault in ("refuse", "stall"):
            assert teller.get(lookup(b"meanwhile", now)) == b"missed"
            assert asker.get(lookup(b"meanwhile", now)) == b"missed"
        hears_everything(subscription, asker, teller, now, b"after")
        assert subscription.get(0.02) is None


def test_a_subscriber_that_begins_in_an_outage(remote: Remote) -> None:
    remote.proxy.refuse()
    with remote.through(NOTICING) as asker, remote.direct() as teller, asker.store.subscribe("session") as subscription:
        first = subscription.get(0.3)
        assert first is None or isinstance(first, Lost), "nobody listens yet"
        remote.proxy.heal()
        notice = hear(subscription, BACK)
        while isinstance(notice, Lost):
            notice = hear(subscription, BACK)
        assert notice == Listening()
        hears_everything(subscription, asker, teller, 2_000_000_000.0, b"after")


def test_closing_does_not_wait_for_a_network_that_stalls(remote: Remote) -> None:
    with remote.through(NOTICING) as asker, asker.store.subscribe("session") as subscription:
        assert hear(subscription) == Listening()
        remote.proxy.stall(replies=0, requests=0)
        with at_most(0.0, "closing"):
            subscription.close()
        assert subscription.get(0.0) is None
