"""Both fetchers behind one face, so that each test runs against either."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import wait
from inspect import iscoroutine
from time import monotonic
from types import TracebackType
from typing import Any, Self

import pytest

from tests.stores.web import PATIENCE
from zerotrust.core.ask import Document, Fetch, SourceFailed
from zerotrust.core.reason import Reason
from zerotrust.stores.cache import Flight
from zerotrust.stores.http import AsyncHttpFetcher, HttpFetcher

NOW = 1_800_000_000.0


class Face(ABC):
    """`get` asks; `failure` asks and wants to be refused; `settle` waits for what happens in the background."""

    fetcher: HttpFetcher | AsyncHttpFetcher

    @abstractmethod
    def __init__(self, **settings: Any) -> None: ...

    @abstractmethod
    def answer(self, ask: Fetch, timeout: float) -> Document: ...

    @abstractmethod
    def settle(self) -> None: ...

    def get(
        self,
        url: str,
        now: float = NOW,
        newer_than: float = float("-inf"),
        limit: int = 512 * 1024,
        timeout: float = PATIENCE,
        unusable: Callable[[bytes], Reason | None] | None = None,
    ) -> Document:
        return self.answer(Fetch(url, now, newer_than, limit, unusable), timeout)

    def failure(self, url: str, now: float = NOW, limit: int = 512 * 1024, timeout: float = PATIENCE) -> SourceFailed:
        with pytest.raises(SourceFailed) as caught:
            self.get(url, now, limit=limit, timeout=timeout)
        return caught.value

    def refusal(self, url: str, now: float = NOW, limit: int = 512 * 1024) -> Reason:
        return self.failure(url, now, limit).reason

    def flights(self) -> list[Flight]:
        entries = self.fetcher._cache._entries.values()
        return [entry.flight for entry in entries if entry.flight is not None]

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Blocking(Face):
    fetcher: HttpFetcher

    def __init__(self, **settings: Any) -> None:
        self.fetcher = HttpFetcher(**settings)

    def answer(self, ask: Fetch, timeout: float) -> Document:
        document = self.fetcher.answer(ask, timeout)
        assert isinstance(document, Document)
        return document

    def settle(self) -> None:
        assert not wait([flight.landed for flight in self.flights()], PATIENCE).not_done

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.fetcher.close()


class Async(Face):
    fetcher: AsyncHttpFetcher

    def __init__(self, **settings: Any) -> None:
        self.fetcher = AsyncHttpFetcher(**settings)
        self.runner = asyncio.Runner()

    def answer(self, ask: Fetch, timeout: float) -> Document:
        async def asked() -> Document:
            document = self.fetcher.answer(ask, timeout)
            if iscoroutine(document):
                document = await document
            assert isinstance(document, Document)
            return document

        return self.runner.run(asked())

    def settle(self) -> None:
        async def landed() -> None:
            tasks = [flight.task for flight in self.flights() if flight.task]
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=PATIENCE)
                assert not late

        self.runner.run(landed())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.runner.run(self.fetcher.aclose())
        self.runner.close()


either = pytest.mark.parametrize("face", [Blocking, Async])


class Ticks:
    """Makes the fetchers' monotonic clock jump ahead."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        for module in ("http", "client"):
            monkeypatch.setattr(f"zerotrust.stores.{module}.monotonic", lambda: monotonic() + self.ahead)


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    return Ticks(monkeypatch)
