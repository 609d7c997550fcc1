"""A store in an application of the other style: refused before anything is asked, with what to use instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.stores.contract.places import STYLES
from zerotrust import AccessRequest, Bearer, Issuer, Policy, decide, decide_async
from zerotrust.core.ask import ConsumeOnce, ask
from zerotrust.core.errors import ConfigError
from zerotrust.driver import Sources, run, run_async
from zerotrust.fastapi import Guard
from zerotrust.stores.memory import MemoryStore
from zerotrust.stores.open import open_async_store, open_store
from zerotrust.testing import LocalIssuer

NOW = 1_800_000_000.0

# Nobody listens there, and nobody is asked.
URLS = {
    "Sqlite": "sqlite://{folder}/store.db",
    "Redis": "redis://127.0.0.1:1/0",
    "Postgres": "postgresql://zerotrust@127.0.0.1:1/zerotrust",
}
Opened = Callable[[str], Any]


@pytest.fixture(params=URLS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(kind: str, tmp_path: Path) -> Opened:
    def opened(style: str) -> Any:
        url = URLS[kind].format(folder=tmp_path)
        return (open_store if style == "blocking" else open_async_store)(url)

    return opened


@pytest.fixture
def issuer() -> LocalIssuer:
    return LocalIssuer(clock=lambda: NOW)


@pytest.fixture
def one_time(issuer: LocalIssuer) -> Policy:
    return Bearer(Issuer(issuer.url, keys=issuer.jwks()), audience="payments", one_time=True).valid


def consuming() -> Any:
    return ask(ConsumeOnce("jti", b"k", NOW + 60, NOW))


def test_the_async_driver_takes_no_blocking_store(kind: str, opened: Opened) -> None:
    advice = (
        f"{kind}Store is blocking and would not work in an async application; use its async twin, Async{kind}Store$"
    )
    with pytest.raises(ConfigError, match=advice):
        Sources(opened("blocking")).require("async")
    with pytest.raises(
        ConfigError, match=rf"{kind}Store is blocking and cannot serve run_async\(\) and decide_async\(\)"
    ):
        asyncio.run(run_async(consuming(), Sources(opened("blocking"))))


def test_the_blocking_driver_takes_no_async_store(kind: str, opened: Opened) -> None:
    advice = (
        f"Async{kind}Store is async and would not work in a blocking application; use its blocking twin, {kind}Store$"
    )
    with pytest.raises(ConfigError, match=advice):
        Sources(opened("async")).require("blocking")
    with pytest.raises(ConfigError, match=rf"Async{kind}Store is async and cannot serve run\(\) and decide\(\)"):
        run(consuming(), Sources(opened("async")))


def test_each_serves_its_own(opened: Opened) -> None:
    for style in STYLES:
        sources = Sources(opened(style))
        assert sources.require(style) is sources
        assert sources.answers(ConsumeOnce)


def test_the_memory_serves_both() -> None:
    for store in (MemoryStore(), open_store("memory:"), open_async_store("memory:")):
        sources = Sources(store)
        assert sources.require("async") is sources.require("blocking") is sources
        assert run(consuming(), sources) is True
        assert asyncio.run(run_async(consuming(), sources)) is False


def test_a_guard_takes_no_blocking_store(kind: str, opened: Opened, one_time: Policy) -> None:
    with pytest.raises(ConfigError, match=f"{kind}Store is blocking and would not work in an async application"):
        Guard(FastAPI(), default=one_time, sources=Sources(opened("blocking")))
    Guard(FastAPI(), default=one_time, sources=Sources(opened("async")))


def test_a_guard_needs_a_store_for_one_time_tokens(one_time: Policy) -> None:
    with pytest.raises(ConfigError, match=r"no source answers ConsumeOnce.*AsyncRedisStore\(url\)"):
        Guard(FastAPI(), default=one_time)


def test_decisions_with_a_store_of_the_other_style_are_mistakes_and_no_access(
    opened: Opened, issuer: LocalIssuer, one_time: Policy
) -> None:
    bearer = f"Bearer {issuer.mint(audience='payments')}".encode()
    request = AccessRequest(now=NOW, headers=[(b"authorization", bearer)])
    with pytest.raises(ConfigError, match="its blocking twin"):
        decide(one_time, request, Sources(opened("async")))
    with pytest.raises(ConfigError, match="use its async twin"):
        asyncio.run(decide_async(one_time, request, Sources(opened("blocking"))))
    assert decide(one_time, request, Sources(MemoryStore()))


def test_two_stores_are_one_too_many(opened: Opened) -> None:
    with pytest.raises(ConfigError, match="both answer ConsumeOnce"):
        Sources(MemoryStore(), opened("blocking"))


def test_a_store_by_itself_is_no_sources(kind: str, opened: Opened) -> None:
    with pytest.raises(ConfigError, match=f"write Sources\\({kind}Store"):
        decide(object(), object(), opened("blocking"))  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [0, -1, 61])
@pytest.mark.parametrize("style", ["blocking", "async"])
def test_a_timeout_that_makes_no_sense_is_refused(kind: str, style: str, seconds: int, tmp_path: Path) -> None:
    open_it = open_store if style == "blocking" else open_async_store
    with pytest.raises(ConfigError, match="timeout"):
        open_it(URLS[kind].format(folder=tmp_path), timeout=timedelta(seconds=seconds))


@pytest.mark.parametrize("style", ["blocking", "async"])
def test_a_namespace_and_keys_that_make_no_sense_are_refused(kind: str, style: str, tmp_path: Path) -> None:
    open_it: Any = open_store if style == "blocking" else open_async_store
    url = URLS[kind].format(folder=tmp_path)
    with pytest.raises(ConfigError, match="namespace="):
        open_it(url, namespace="With Spaces")
    with pytest.raises(ConfigError, match="keys is str; write keys=StoreKeys"):
        open_it(url, keys="secret")
