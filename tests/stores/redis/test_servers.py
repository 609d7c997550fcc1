"""Servers that cannot keep what is promised are refused, with advice and before anything is entrusted to them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer, cluster, redis_server, sentinel
from tests.stores.redis.asking import (
    LATER,
    NOW,
    Style,
    ask,
    both,
    every,
    look,
    once,
    opened,
    put,
    refusal,
    tally,
    trouble,
)
from zerotrust.core.ask import Advance, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.redis.server import check, clock, config_of, facts, read_info
from zerotrust.stores.store import Fact


@both
def test_a_server_that_evicts(style: Style) -> None:
    with (
        redis_server("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as server,
        opened(style, server.url) as store,
    ):
        for question in every():
            assert "set maxmemory-policy noeviction" in refusal(store, question)
        assert [key for key in server.command("KEYS", "*") if key != b"zerotrust:index"] == []


@both
def test_a_replica(style: Style, server: RedisServer) -> None:
    with redis_server("--replicaof", f"127.0.0.1 {server.port}") as replica:
        assert replica.process.wait_for("sync: Finished with success")
        with opened(style, replica.url) as store:
            assert "a replica; give the address of the master" in refusal(store)


@both
def test_a_master_that_becomes_a_replica_is_refused_and_left(style: Style, server: RedisServer) -> None:
    with redis_server() as other, opened(style, other.url) as store:
        assert once(store) is True
        other.command("REPLICAOF", "127.0.0.1", server.port)
        assert "replica" in refusal(store)
        other.command("REPLICAOF", "NO", "ONE")
        assert once(store, b"new") is True


@both
def test_a_name_that_leads_to_another_master_is_followed(style: Style, server: RedisServer) -> None:
    with (
        redis_server() as other,
        Proxy(other.port) as name,
        opened(style, f"redis://127.0.0.1:{name.port}") as store,
    ):
        assert once(store, b"moving " + style.encode()) is True
        other.command("REPLICAOF", "127.0.0.1", server.port)
        name.upstream = server.port
        # The connection that is there still leads to the one that is a master no more. It is not used again.
        assert "replica" in refusal(store)
        assert once(store, b"moving on " + style.encode()) is True
        assert server.command("EXISTS", "zerotrust:index") == 1


@both
def test_servers_of_another_kind_than_the_url_says(style: Style, server: RedisServer) -> None:
    plain = server.url.removesuffix("/0").replace("redis://", "redis+cluster://")
    with opened(style, plain) as store:
        assert trouble(store).kind is SOURCE_REFUSED
    with sentinel() as watched:
        alone = f"redis://127.0.0.1:{watched.sentinel.port}"
        with opened(style, alone) as store:
            assert "redis+sentinel://" in refusal(store)
    with cluster(masters=1) as nodes, opened(style, nodes.nodes[0].url) as store:
        assert "redis+cluster://" in refusal(store)


@both
def test_a_namespace_that_was_begun_with_another_index_key(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace, keys=StoreKeys(index=bytes(range(105, 137)))) as store:
        assert once(store) is True
    for keys in (None, StoreKeys(index=bytes(range(106, 138)))):
        with opened(style, server.url, namespace=namespace, keys=keys) as store:
            assert refusal(store) == "another index key than the one this namespace was begun with"
    with opened(style, server.url, namespace=namespace, keys=StoreKeys(index=bytes(range(105, 137)))) as store:
        assert once(store) is False


@both
def test_a_server_that_is_full_forgets_nothing_that_was_used(style: Style) -> None:
    with redis_server() as server, opened(style, server.url) as store:
        assert once(store, b"first") is True
        put(store, b"v")
        assert tally(store) == 1
        server.command("CONFIG", "SET", "maxmemory", "1")
        for question in every():
            if isinstance(question, Lookup | Advance) or (isinstance(question, Put) and question.value is None):
                ask(store, question)  # what writes nothing, or makes room, is possible all the same
            else:
                assert "memory is full" in refusal(store, question)
        assert "memory is full" in refusal(store, Advance("session", b"k", b"v", b"w", LATER, NOW))
        assert look(store) == b"v"
        server.command("CONFIG", "SET", "maxmemory", "0")
        assert once(store, b"first") is False
        assert once(store, b"new") is True
        assert tally(store) == 2


@both
def test_something_else_under_our_names(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace) as store:
        put(store, b"v")
        (key,) = server.command("KEYS", f"{namespace}:r:*")
        server.command("DEL", key)
        server.command("LPUSH", key, "x")
        question = Lookup("session", b"k", NOW)
        assert "something else is kept under a name of ours" in refusal(store, question)
        for foreign in (b"", b"short", b"12345678", b"\x7f" * 100):
            server.command("SET", key, foreign)
            assert refusal(store, question) == "a value that was not put there by this library"
        server.command("SET", key, b"\xff" * 100)  # which looks like a value that expired before 1970
        assert ask(store, question) is None


GOOD = {
    "redis_version": "7.0.15",
    "role": "master",
    "redis_mode": "standalone",
    "cluster_enabled": "0",
    "loading": "0",
    "maxmemory": "0",
    "maxmemory_policy": "noeviction",
    "used_memory": "1048576",
    "aof_enabled": "1",
    "connected_slaves": "0",
    "server_time_usec": "2000000000500000",
}


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"loading": "1"}, SOURCE_DOWN, "reading its data"),
        ({"role": "slave"}, SOURCE_REFUSED, "a replica"),
        ({"role": ""}, SOURCE_REFUSED, "a replica"),
        ({"redis_mode": "sentinel"}, SOURCE_REFUSED, "redis+sentinel://"),
        ({"cluster_enabled": "1"}, SOURCE_REFUSED, "redis+cluster://"),
        ({"maxmemory": "1", "maxmemory_policy": "volatile-lru"}, SOURCE_REFUSED, "noeviction"),
        ({"maxmemory": "", "maxmemory_policy": ""}, SOURCE_REFUSED, "noeviction"),
    ],
)
def test_what_a_server_says_of_itself_is_judged(change: dict[str, str], kind: object, says: str) -> None:
    check(GOOD, cluster=False, sentinel=False)
    check({**GOOD, "maxmemory_policy": "volatile-lru"}, cluster=False, sentinel=False)
    with pytest.raises(SourceFailed, match=says.replace("+", r"\+")) as caught:
        check({**GOOD, **change}, cluster=False, sentinel=False)
    assert caught.value.reason.kind is kind


def test_a_master_that_is_none_by_now_is_an_outage_where_sentinels_named_it() -> None:
    with pytest.raises(SourceFailed) as caught:
        check({**GOOD, "role": "slave"}, cluster=False, sentinel=True)
    assert caught.value.reason.kind is SOURCE_DOWN


def test_info_is_read_whatever_it_is() -> None:
    assert read_info(b"# Server\r\nrole:master\r\nodd\r\n\r\nx:a:b\r\n\xff:1") == {
        "role": "master",
        "x": "a:b",
        "�": "1",
    }
    for reply in (None, 3, [b"x"]):
        with pytest.raises(SourceFailed):
            read_info(reply)
    assert clock(GOOD) == 2_000_000_000.5
    for text in ("", "x", "-1", "٣", "9" * 20):
        assert clock({"server_time_usec": text}) is None
    assert config_of([[b"save", b"60 1"], [b"appendfsync", b"no"]]) == {"save": "60 1", "appendfsync": "no"}
    assert config_of([[b"save", None], 3]) is None


@pytest.mark.parametrize(
    ("change", "config", "name", "verdict", "says"),
    [
        ({}, {"appendfsync": "always"}, "persistence", "good", "before each answer"),
        ({}, {"appendfsync": "everysec"}, "persistence", "note", "the last 2 s"),
        ({}, {"appendfsync": "no"}, "persistence", "note", "30 s"),
        ({}, None, "persistence", "note", "2 s or more"),
        ({"aof_enabled": "0"}, {"save": "3600 1 300 100"}, "persistence", "note", "3600 s"),
        ({"aof_enabled": "0"}, {"save": ""}, "persistence", "note", "forgets everything"),
        ({"aof_enabled": "0"}, None, "persistence", "note", "no append-only file"),
        ({"maxmemory": "2097152"}, None, "memory", "good", "1.0 MiB of 2.0"),
        ({"maxmemory": "1100000"}, None, "memory", "note", "1.0 MiB of 1.0"),
        ({}, None, "memory", "note", "no limit"),
        ({}, None, "eviction", "good", "noeviction"),
        ({"maxmemory_policy": "volatile-lru"}, None, "eviction", "note", "volatile-lru"),
        ({"maxmemory_policy": "volatile-lru", "maxmemory": "9"}, None, "eviction", "bad", "volatile-lru"),
        ({}, None, "role", "good", "master"),
        ({"role": "slave"}, None, "role", "bad", "slave"),
        ({"connected_slaves": "2"}, None, "replicas", "note", "2"),
        ({}, None, "replicas", "good", "0"),
        ({"valkey_version": "8.0.1"}, None, "version", "good", "8.0.1"),
    ],
)
def test_what_an_operator_is_told(
    change: dict[str, str], config: dict[str, str] | None, name: str, verdict: str, says: str
) -> None:
    told = facts({**GOOD, **change}, config, mode="one", taken=0.001, offset=0.0, plain_to="")
    (fact,) = (fact for fact in told if fact.name == name)
    assert fact.verdict == verdict
    assert says in fact.value
    assert bool(fact.advice) is (verdict != "good")


def test_clocks_and_connections_that_an_operator_should_know_of() -> None:
    told = facts(GOOD, None, mode="one", taken=0.001, offset=-5.1, plain_to="redis.example:6379")
    assert {fact.name: fact.verdict for fact in told if fact.name in ("clock", "transport")} == {
        "clock": "note",
        "transport": "note",
    }
    unknown = facts(GOOD, None, mode="one", taken=0.001, offset=None, plain_to="")
    assert Fact("clock", "the server does not say") in unknown


def test_an_inspection_says_what_is_wrong_rather_than_failing(server: RedisServer) -> None:
    from zerotrust.stores.redis import RedisStore

    with redis_server("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as evicting:
        facts = {fact.name: fact for fact in RedisStore(evicting.url).inspect()}
        assert facts["eviction"].verdict == "bad"
        assert facts["role"].verdict == "good"
        assert facts["persistence"].value.startswith("none")
    with pytest.raises(SourceFailed) as caught:
        RedisStore(evicting.url).inspect()
    assert caught.value.reason.kind is SOURCE_DOWN
    assert RedisStore(server.url).migrate() == (0, 0)


def test_without_the_client_library_the_import_says_what_to_install() -> None:
    code = "import sys; sys.modules['redis'] = None; import zerotrust.stores.redis"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ})
    assert "pip install 'zerotrust[redis]'" in ran.stderr
