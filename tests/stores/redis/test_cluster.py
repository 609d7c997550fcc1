"""A cluster: whoever keeps a key is asked for it, also while keys move and nodes fail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic

import pytest
from redis.crc import key_slot

from tests.servers.redis import Cluster, RedisServer, cluster
from tests.stores.redis.asking import LATER, NOW, Style, ask, both, every, once, opened, put, refusal, tally, trouble
from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.stores.codec import Codec
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.notices import Changed, Listening
from zerotrust.stores.redis import RedisStore
from zerotrust.stores.redis.commands import Commands


@pytest.fixture(scope="module")
def nodes(_needed: None) -> Iterator[Cluster]:
    with cluster() as running:
        yield running


def slot_of(namespace: str, key: bytes) -> int:
    return key_slot(Commands(Codec(namespace, None)).of(ConsumeOnce("jti", key, LATER, NOW)).key)


def owner(nodes: Cluster, slot: int) -> RedisServer:
    for node in nodes.nodes:
        for first, last, (_, port, *_), *_ in node.command("CLUSTER", "SLOTS", protocol=2):
            if first <= slot <= last and port == node.port:
                return node
    raise AssertionError(slot)


def emptied(nodes: Cluster) -> None:
    """A slot is handed over only while it holds no keys, and those of another test may be in any."""
    for node in nodes.nodes:
        node.command("FLUSHALL")


def identity(node: RedisServer) -> str:
    said = node.command("CLUSTER", "MYID", protocol=2)
    return said.decode() if isinstance(said, bytes) else str(said)


@both
def test_keys_are_spread_and_each_is_found(style: Style, nodes: Cluster, namespace: str) -> None:
    # One node suffices to find the others.
    one = f"redis+cluster://127.0.0.1:{nodes.nodes[1].port}"
    with opened(style, nodes.url, namespace=namespace) as store, opened(style, one, namespace=namespace) as other:
        for number in range(60):
            assert once(store, b"%d" % number) is True
            assert once(other, b"%d" % number) is False
        kept = [len(node.command("KEYS", f"{namespace}:m:*")) for node in nodes.nodes]
        assert sum(kept) == 60
        assert min(kept) > 5
        for question in every():
            ask(store, question)
        assert [tally(store, key=b"%d" % (number % 5)) for number in range(10)] == [1] * 5 + [2] * 5


@both
def test_a_key_that_has_moved_is_found_and_used_once(style: Style, nodes: Cluster, namespace: str) -> None:
    emptied(nodes)
    with opened(style, nodes.url, namespace=namespace) as store:
        assert once(store, b"first") is True
        slot = slot_of(namespace, b"moved")
        here = owner(nodes, slot)
        there = next(node for node in nodes.nodes if node is not here)
        for node in (there, *(node for node in nodes.nodes if node is not there)):
            node.command("CLUSTER", "SETSLOT", slot, "NODE", identity(there))
        assert once(store, b"moved") is True
        assert once(store, b"moved") is False
        assert there.command("CLUSTER", "COUNTKEYSINSLOT", slot) == 1


@both
def test_a_key_on_the_move_is_asked_for_where_it_goes(style: Style, nodes: Cluster, namespace: str) -> None:
    emptied(nodes)
    with opened(style, nodes.url, namespace=namespace) as store:
        assert once(store, b"first") is True
        slot = slot_of(namespace, b"moving")
        here = owner(nodes, slot)
        there = next(node for node in nodes.nodes if node is not here)
        there.command("CLUSTER", "SETSLOT", slot, "IMPORTING", identity(here))
        here.command("CLUSTER", "SETSLOT", slot, "MIGRATING", identity(there))
        try:
            assert once(store, b"moving") is True
            assert once(store, b"moving") is False
            assert there.command("CLUSTER", "COUNTKEYSINSLOT", slot) == 1
            assert here.command("CLUSTER", "COUNTKEYSINSLOT", slot) == 0
        finally:
            for node in (there, here):
                node.command("CLUSTER", "SETSLOT", slot, "NODE", identity(there))


@both
def test_scripts_are_taught_to_each_node(style: Style, nodes: Cluster, namespace: str) -> None:
    with opened(style, nodes.url, namespace=namespace) as store:
        assert tally(store) == 1
        for node in nodes.nodes:
            node.command("SCRIPT", "FLUSH")
        assert [tally(store, key=b"%d" % number) for number in range(20)] == [1] * 20
        assert tally(store) == 2


@both
def test_announcements_reach_every_node(style: Style, nodes: Cluster, namespace: str) -> None:
    with opened(style, nodes.url, namespace=namespace) as store, store.subscribe("session") as subscription:
        assert subscription.get(10) == Listening()
        keys = [b"%d" % number for number in range(12)]  # on all nodes
        for key in keys:
            put(store, b"v", key, announce=True)
        heard = {subscription.get(10) for _ in keys}
        assert heard == {Changed(store.digest("session", key)) for key in keys}


@both
def test_a_namespace_that_was_begun_with_another_index_key(style: Style, nodes: Cluster, namespace: str) -> None:
    with opened(style, nodes.url, namespace=namespace, keys=StoreKeys(index=bytes(range(105, 137)))) as store:
        assert once(store) is True
    with opened(style, nodes.url, namespace=namespace) as store:
        for _ in range(2):
            assert "another index key" in refusal(store)


def test_an_inspection_tells_of_each_node(nodes: Cluster) -> None:
    with RedisStore(nodes.url) as store:
        facts = store.inspect()
    for node in nodes.nodes:
        (fact,) = (fact for fact in facts if fact.name == f"role of 127.0.0.1:{node.port}")
        assert (fact.value, fact.verdict) == ("master", "good")


@both
def test_a_node_that_fails_takes_its_keys_along_and_no_others(style: Style) -> None:
    namespace = "failing"
    alone = Commands(Codec(namespace, None)).fingerprint_at
    # Of its own: nodes fail for good here. One that the store asks for the way, and one that keeps the fingerprint.
    with cluster() as nodes, opened(style, nodes.url, namespace=namespace, timeout=timedelta(seconds=1)) as store:
        for number in range(20):
            assert once(store, b"%d" % number) is True
        dead: set[int] = set()
        for node in (nodes.nodes[0], owner(nodes, key_slot(alone))):
            first, last = next(
                (first, last)
                for first, last, (_, port, *_), *_ in nodes.nodes[1].command("CLUSTER", "SLOTS", protocol=2)
                if port == node.port
            )
            node.kill()
            dead |= set(range(first, last + 1))
            began = monotonic()
            for number in range(20):
                key = b"%d" % number
                if slot_of(namespace, key) not in dead:
                    assert once(store, key) is False
                    assert once(store, key) is False
                else:
                    assert trouble(store, ConsumeOnce("jti", key, LATER, NOW)).kind is SOURCE_DOWN
            assert monotonic() - began < 5
