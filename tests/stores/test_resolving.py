"""Names are looked up without making anybody wait longer than wanted, whatever the system's resolver does."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, active_count
from time import monotonic

import pytest

from tests.servers import PATIENCE
from tests.stores.forking import leave
from zerotrust.stores import resolving
from zerotrust.stores.resolving import addresses, addresses_async


class Resolver:
    """A resolver of the system that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answering = Event()
        self.answer: list[tuple[object, ...]] | BaseException = [(2, 1, 6, "", ("127.0.0.9", 0))]

    def look_up(self, host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        assert self.answering.wait(PATIENCE)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made.look_up)
    monkeypatch.setattr(resolving, "_state", resolving._State())
    yield made
    made.answering.set()


def soon() -> float:
    return monotonic() + 0.05


def late() -> float:
    return monotonic() + PATIENCE


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%eth0"])
def test_an_address_is_its_own(host: str, resolver: Resolver) -> None:
    assert addresses(host, late()) == asyncio.run(addresses_async(host)) == (host,)
    assert resolver.asked == []


def test_each_address_once_and_in_order(resolver: Resolver) -> None:
    resolver.answer = [
        (10, 1, 6, "", ("fe80::1", 0, 0, 3)),
        (10, 1, 6, "", ("::1", 0, 0, 0)),
        (2, 1, 6, "", ("127.0.0.1", 0)),
        (2, 1, 6, "", ("127.0.0.1", 0)),
    ]
    resolver.answering.set()
    assert addresses("db", late()) == asyncio.run(addresses_async("db")) == ("fe80::1%3", "::1", "127.0.0.1")


@pytest.mark.parametrize("trouble", [socket.gaierror(-2, "not known"), UnicodeError("label too long")])
def test_a_name_without_an_address(resolver: Resolver, trouble: Exception) -> None:
    resolver.answering.set()
    for answer in (trouble, list[tuple[object, ...]]()):
        resolver.answer = answer
        with pytest.raises(OSError, match="no address of db"):
            addresses("db", late())
        with pytest.raises(OSError, match="no address of db"):
            asyncio.run(addresses_async("db"))


def test_a_bug_rises(resolver: Resolver) -> None:
    resolver.answering.set()
    resolver.answer = KeyError("bug")
    with pytest.raises(KeyError):
        addresses("db", late())


def test_who_waits_does_so_no_longer_than_wanted_and_one_lookup_is_under_way(resolver: Resolver) -> None:
    before = active_count()
    for _ in range(5):
        with pytest.raises(TimeoutError):
            addresses("db", soon())

    async def impatient() -> None:
        async with asyncio.timeout(0.05):
            await addresses_async("db")

    for _ in range(5):
        with pytest.raises(TimeoutError):
            asyncio.run(impatient())
    assert active_count() == before + 1
    assert resolver.asked == ["db"]
    assert resolving._state.under_way["db"].turns == set()  # nobody who went away is remembered
    resolver.answering.set()
    assert addresses("db", late()) == ("127.0.0.9",)


def test_all_who_wait_are_told(resolver: Resolver) -> None:
    async def several() -> list[tuple[str, ...]]:
        waiting = [asyncio.create_task(addresses_async("db")) for _ in range(3)]
        await asyncio.sleep(0)  # now all wait
        resolver.answering.set()
        return await asyncio.gather(*waiting)

    with ThreadPoolExecutor(3) as pool:
        blocking = [pool.submit(addresses, "db", late()) for _ in range(3)]
        assert asyncio.run(several()) == [("127.0.0.9",)] * 3
        assert [one.result() for one in blocking] == [("127.0.0.9",)] * 3


def test_the_threads_of_the_application_are_its_own(resolver: Resolver) -> None:
    async def application() -> int:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        waiting = [asyncio.create_task(addresses_async(f"db{number}")) for number in range(4)]
        await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE / 2):
            done = await asyncio.to_thread(lambda: 1)
        resolver.answering.set()
        await asyncio.gather(*waiting)
        return done

    assert asyncio.run(application()) == 1


def test_lookups_under_way_are_bounded(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "MOST", 3)
    for host in ("a", "b", "c"):
        with pytest.raises(TimeoutError):
            addresses(host, soon())
    with pytest.raises(OSError, match="too many names are being looked up"):
        addresses("d", late())
    with pytest.raises(OSError, match="too many names are being looked up"):
        asyncio.run(addresses_async("d"))
    resolver.answering.set()
    assert addresses("a", late()) == ("127.0.0.9",)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # that is what is tested
def test_a_child_process_looks_up_by_itself() -> None:
    state = resolving._state
    with state.lock:  # as if a thread that is not there in the child held it
        state.under_way["localhost"] = resolving._Lookup("localhost")
        child = os.fork()
        if child == 0:
            found = False
            try:
                found = bool(addresses("localhost", late()))
            finally:
                leave(0 if found else 1)
        del state.under_way["localhost"]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
