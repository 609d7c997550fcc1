"""Both fetchers behind one face, so that each test runs against either."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import wait
from inspect import isawaitable, iscoroutine
from threading import Semaphore, Thread
from time import monotonic
from types import TracebackType
from typing import Any, Self, cast

import pytest

from tests.stores.web import PATIENCE
from zerotrust.core.ask import Document, Fetch, Post, SourceFailed
from zerotrust.core.reason import Reason
from zerotrust.stores.cache import Flight
from zerotrust.stores.http import AsyncHttpFetcher, HttpFetcher
from zerotrust.stores.posting import Begun, Posts

NOW = 1_800_000_000.0


class Face(ABC):
    """`get` asks; `failure` asks and wants to be refused; `settle` waits for what happens in the background."""

    fetcher: HttpFetcher | AsyncHttpFetcher

    @abstractmethod
    def __init__(self, **settings: Any) -> None: ...

    @abstractmethod
    def answer(self, ask: Fetch | Post, timeout: float) -> Document: ...

    @abstractmethod
    def together(self, asks: list[Post], then: Callable[[], None]) -> list[Document | SourceFailed]:
        """Ask all at the same time; `then` runs once all are under way."""

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

    def post(self, url: str, timeout: float = PATIENCE, **options: Any) -> Document:
        form = options.pop("form", (("token", "abc"),))
        return self.answer(Post(url, form, NOW, **options), timeout)

    def no_answer(self, url: str, timeout: float = PATIENCE, **options: Any) -> Reason:
        with pytest.raises(SourceFailed) as caught:
            self.post(url, timeout, **options)
        return caught.value.reason

    def flights(self) -> list[Flight]:
        entries = self.fetcher._cache._entries.values()
        return [entry.flight for entry in entries if entry.flight is not None]

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _Begins:
    """Posts, and a count of those that are begun or refused."""

    def __init__(self, posts: Posts) -> None:
        self._posts = posts
        self.begun = Semaphore(0)

    def begin(self, ask: Post, tick: float) -> Begun:
        try:
            return self._posts.begin(ask, tick)
        finally:
            self.begun.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._posts, name)


class Blocking(Face):
    fetcher: HttpFetcher

    def __init__(self, **settings: Any) -> None:
        self.fetcher = HttpFetcher(**settings)

    def answer(self, ask: Fetch | Post, timeout: float) -> Document:
        document = self.fetcher.answer(ask, timeout)
        assert isinstance(document, Document)
        return document

    def together(self, asks: list[Post], then: Callable[[], None]) -> list[Document | SourceFailed]:
        outcomes: list[Document | SourceFailed | None] = [None] * len(asks)

        def one(number: int) -> None:
            try:
                outcomes[number] = self.answer(asks[number], PATIENCE)
            except SourceFailed as failure:
                outcomes[number] = failure

        counted = _Begins(self.fetcher._posts)
        self.fetcher._posts = cast("Posts", counted)
        threads = [Thread(target=one, args=(number,)) for number in range(len(asks))]
        for thread in threads:
            thread.start()
        for _ in threads:  # a thread may start late, and would find that what it was to share is over
            assert counted.begun.acquire(timeout=PATIENCE)
        then()
        for thread in threads:
            thread.join(PATIENCE)
        assert None not in outcomes
        return [outcome for outcome in outcomes if outcome is not None]

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

    def answer(self, ask: Fetch | Post, timeout: float) -> Document:
        async def asked() -> Document:
            document = self.fetcher.answer(ask, timeout)
            if iscoroutine(document):
                document = await document
            assert isinstance(document, Document)
            return document

        return self.runner.run(asked())

    def together(self, asks: list[Post], then: Callable[[], None]) -> list[Document | SourceFailed]:
        async def one(ask: Post) -> Document | SourceFailed:
            try:
                answer = self.fetcher.answer(ask, PATIENCE)
                assert isawaitable(answer)
                return await answer
            except SourceFailed as failure:
                return failure

        async def all_of_them() -> list[Document | SourceFailed]:
            tasks = [asyncio.ensure_future(one(ask)) for ask in asks]
            await asyncio.to_thread(then)
            return list(await asyncio.gather(*tasks))

        return self.runner.run(all_of_them())

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
