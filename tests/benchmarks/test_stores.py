"""The groups about stores run, what they time is right, and where a server is missing they say so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import harness, marks, scaling, scaling_steady, sites, stores, stores_postgres, stores_redis
from benchmarks.harness import Group, measure
from tests.servers.postgres import need as need_postgres
from tests.servers.redis import need as need_redis
from zerotrust.core.ask import ConsumeOnce
from zerotrust.stores.memory import MemoryStore

NEEDS: dict[str, Callable[[], None]] = {"redis": need_redis, "postgres": need_postgres}


def need(name: str) -> None:
    """Skip, or fail where the run requires it, without the server that a group or a store needs."""
    NEEDS.get(name.partition("-")[0], lambda: None)()


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is two calls, where it would be as many as take a while: here nobody reads the figures."""
    monkeypatch.setattr(harness, "batch_size", lambda _: 2)


@pytest.mark.parametrize("name", stores.GROUPS)
def test_groups_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    need(name)
    monkeypatch.setattr(stores, "HELD", 1000)
    result = measure(stores.GROUPS[name](), rounds=1, attempts=1)
    assert len(result.rows) >= 3
    assert all(goal.measured is not None for goal in result.goals)


def test_a_mark_in_redis_is_one_command_and_one_round_trip() -> None:
    need_redis()
    group = stores.GROUPS["redis"]()
    result = measure(group, rounds=1, attempts=1)
    assert [goal.measured for goal in result.goals[1:]] == [1.0, 1.0]
    assert any("'set': 1000" in note for note in result.notes)


def test_two_commands_are_noticed() -> None:
    need_redis()
    import redis

    with sites.site("redis") as place, redis.Redis.from_url(place.url) as client:

        def twice(key: bytes) -> None:
            client.get(key)
            client.set(key, b"")

        seen = stores_redis.traffic(client, twice)
    assert seen == {"reads": 2000, "get": 1000, "set": 1000}


@pytest.mark.parametrize("name", ["redis", "redis-asyncio", "postgres", "postgres-durable"])
def test_a_group_without_its_server_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(_: str) -> str:
        return "no server is installed"

    for module in (stores_redis, stores_postgres):
        monkeypatch.setattr(module, "missing", nowhere)
    group: Group = stores.GROUPS[name]()
    result = measure(group, rounds=1)
    assert result.rows == []
    assert result.notes == ["no server is installed"]
    assert {goal.met for goal in result.goals} == {None}


def test_a_batch_in_which_somebody_lost_is_no_figure() -> None:
    store = MemoryStore()
    store.answer(ConsumeOnce(marks.SPACE, b"used", marks.UNTIL, marks.NOW), 1.0)
    case = marks.consuming("store", lambda _, timeout: store.answer(question, timeout))
    question = ConsumeOnce(marks.SPACE, b"used", marks.UNTIL, marks.NOW)
    with pytest.raises(AssertionError, match="0 of 3"):
        case.sample(3)
    with pytest.raises(AssertionError, match="not the expected outcome"):
        case.check()

    async def lost(_: bytes) -> bool:
        return False

    loop = asyncio.new_event_loop()
    try:
        with pytest.raises(AssertionError, match="0 of 3"):
            marks.consuming_async("store", loop, lost).sample(3)
    finally:
        loop.close()


def test_keys_are_fresh() -> None:
    keys = [*marks.fresh(100), *marks.fresh(100), *marks.digests(100)]
    assert len(set(keys)) == 300
    assert {len(key) for key in keys} == {32, 24}


@pytest.mark.parametrize(
    ("part", "store"),
    [
        *((part, store) for part in scaling.PARTS for store in ("memory", "redis")),
        ("bytes", "sqlite-fast"),
        ("bytes", "postgres-fast"),
        ("steady", "sqlite-fast"),
    ],
)
def test_scaling_runs(
    part: str, store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    need(store)
    monkeypatch.setattr(scaling_steady, "SECONDS", 500.0)
    assert scaling.main(["--part", part, "--store", store, "--scale", "0.001"]) == 0
    said = capsys.readouterr().out
    assert part in said
    assert "MISSED" not in said


def test_scaling_says_where_a_server_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling, "missing", lambda _: "no server is installed")
    assert scaling.main(["--part", "bytes", "--store", "redis"]) == 0
    assert "redis: not measured: no server is installed" in capsys.readouterr().out


def test_file_systems_are_told() -> None:
    assert sites.file_system(Path("/")) not in ("", "unknown")
