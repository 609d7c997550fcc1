"""Documents over https, for blocking and for async applications: keys and metadata, and what is asked in confidence.

Both fetchers share cache, rules and times (`cache`, `reply`, `freshness`, `address`, `posting`); what differs is in
here, and is only how to begin a request and how to wait for it.
"""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Collection, Generator, Mapping
from concurrent.futures import wait
from contextlib import contextmanager
from contextvars import Context
from datetime import timedelta
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, TypeAlias, TypeVar, cast

from zerotrust.core.ask import Ask, Document, Fetch, Post
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_DOWN, Reason
from zerotrust.stores.address import allowed_hosts
from zerotrust.stores.cache import DocumentCache, Fetched, Flight
from zerotrust.stores.certificates import ClientCertificate, client_contexts, verified
from zerotrust.stores.client import TROUBLE, Message, exchange, exchange_async, own_trust, system_trust, why
from zerotrust.stores.freshness import Terms
from zerotrust.stores.posting import Posting, Posts
from zerotrust.stores.reply import Reply, request_headers
from zerotrust.wire.url import Address

T = TypeVar("T")

_Outcome: TypeAlias = Fetched | bytes | Reason | BaseException


def _get(address: Address, ask: Fetch) -> Message:
    return Message("GET", request_headers(address, ask.signed))


class _Fetcher(ABC):
    """What both fetchers are; how they launch a fetch and wait for it is theirs."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Fetch, Post)

    def __init__(
        self,
        *,
        timeout: timedelta = timedelta(seconds=3),
        fresh_for: timedelta = timedelta(minutes=5),
        at_least: timedelta = timedelta(minutes=1),
        at_most: timedelta = timedelta(hours=24),
        stale_for: timedelta = timedelta(hours=1),
        cooldown: timedelta = timedelta(seconds=30),
        hosts: Collection[str] | None = None,
        tls: ssl.SSLContext | None = None,
        documents: int = 256,
        certificates: Mapping[str, ClientCertificate] | None = None,
        posts: int = 64,
    ) -> None:
        seconds = {
            "timeout": timeout,
            "fresh_for": fresh_for,
            "at_least": at_least,
            "at_most": at_most,
            "stale_for": stale_for,
            "cooldown": cooldown,
        }
        for name, length in seconds.items():
            if not isinstance(length, timedelta):
                raise ConfigError(f"{name}={length!r} is not a timedelta; write e.g. {name}=timedelta(seconds=5)")
            if length < timedelta(0) or (length == timedelta(0) and name != "stale_for"):
                raise ConfigError(f"{name}={length} must be longer than nothing")
        if not at_least <= fresh_for <= at_most:
            raise ConfigError(f"fresh_for={fresh_for} must lie between at_least={at_least} and at_most={at_most}")
        if timeout > timedelta(minutes=1):
            raise ConfigError(f"timeout={timeout} is longer than any request waits; write timedelta(seconds=3)")
        for name, number in (("documents", documents), ("posts", posts)):
            if type(number) is not int or number < 1:
                raise ConfigError(f"{name}={number!r} must be at least 1")
        terms = Terms(
            shortest=at_least.total_seconds(),
            longest=at_most.total_seconds(),
            usual=fresh_for.total_seconds(),
            stale_for=stale_for.total_seconds(),
            cooldown=cooldown.total_seconds(),
        )
        allowed, longest = allowed_hosts(hosts), timeout.total_seconds()
        self._cache = DocumentCache(terms, most=documents, hosts=allowed, timeout=longest)
        self._ready = self._cache.ready
        self._tls = system_trust() if tls is None else verified(tls, "tls")
        self._posts = Posts(
            type(self).__name__,
            most=posts,
            hosts=allowed,
            timeout=longest,
            tls=self._tls,
            certificates=client_contexts(certificates, own_trust if tls is None else None),
        )

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        """The document: at once from the cache, or after waiting at most `timeout` seconds for it to be fetched.

        What is posted is never cached: its answer is waited for.

        Raises:
            SourceFailed: `source_refused` (URL, status, type, size or content not acceptable), `source_down` or
                `source_timeout`, when there is no copy that may be used instead.
        """
        if not isinstance(ask, Fetch):
            return cast("T | Awaitable[T]", self._post(ask, timeout))
        copy = self._ready.get((ask.url, ask.limit, ask.unusable, ask.signed))
        if (
            copy is not None
            and ask.now < copy.now
            and ask.newer_than < copy.document.fetched_at
            and monotonic() < copy.tick
        ):
            return cast("T", copy.document)
        document, flight, launch = self._cache.consult(ask, monotonic())
        if launch and flight is not None:
            with self._landing(flight):
                self._launch(flight)
        if flight is None or document is not None:
            return cast("T", document)
        patience = self._cache.patience(flight, ask, timeout, monotonic())
        return cast("T | Awaitable[T]", self._wait(flight, ask, patience))

    def _post(self, ask: Ask[Any], timeout: float) -> Document | Awaitable[Document]:
        if not isinstance(ask, Post):
            raise TypeError(f"{type(self).__name__} cannot answer {type(ask).__name__}")
        posting, launch = self._posts.begin(ask, monotonic())
        if launch:
            with self._landing(posting):
                self._launch(posting)
        return self._wait(posting, ask, self._posts.patience(posting, timeout, monotonic()))

    @abstractmethod
    def _launch(self, flight: Flight | Posting) -> None:
        """Begin the request without waiting for it."""

    @abstractmethod
    def _wait(self, flight: Flight | Posting, ask: Fetch | Post, patience: float) -> Document | Awaitable[Document]:
        """The answer, when `flight` has landed or `patience` seconds are over."""

    def _reply(self, flight: Flight) -> Reply:
        return Reply(flight.address, flight.ask, self._cache.terms, self._cache.hosts)

    @contextmanager
    def _landing(self, flight: Flight | Posting) -> Generator[None]:
        """Whatever happens inside, nobody waits for a flight that has crashed."""
        try:
            yield
        except BaseException as end:
            self._land(flight, end)
            raise

    def _land(self, flight: Flight | Posting, outcome: _Outcome) -> None:
        if isinstance(flight, Posting):
            self._posts.land(flight, cast("bytes | Reason | BaseException", outcome))
        else:
            self._cache.land(flight, cast("Fetched | Reason | BaseException", outcome), monotonic())

    def _settle(self, flight: Flight | Posting, ask: Fetch | Post) -> Document:
        if isinstance(flight, Posting):
            return self._posts.settle(flight)
        return self._cache.settle(flight, cast("Fetch", ask), monotonic())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._ready)} documents)"


class HttpFetcher(_Fetcher):
    """Fetches public documents for blocking applications, and keeps them; posts what is asked in confidence.

    A copy is fresh for as long as `Cache-Control` says, within bounds. It is renewed in the background, on a thread of
    its own that lives no longer than the fetch, when a fifth of its time is left, so that nobody waits. When fetching
    fails it is kept in use for `stale_for`, while attempts to fetch grow rarer. However many ask at once, one fetch is
    made.

    https only, or http on a loopback host and for documents that carry a signature; no user information in URLs;
    certificates verified; at most three redirects, within the origin; status 200, a JSON media type and a JSON body, or
    the media type of what is signed; no larger than the question allows, no content encoding. Proxies of the
    environment are not used; `SSL_CERT_FILE` and `SSL_CERT_DIR` are, on systems where OpenSSL looks for them.

    What is posted (`Post`: token introspection) keeps to the same rules, except that it is never cached, and no
    redirect is followed. A host that fails five times in a row is not posted to for a while.

    Args:
        timeout: how long one fetch may take, from the name look-up to the last byte.
        fresh_for: how long a document is fresh whose server does not say.
        at_least: how long a document is fresh at least, even under `no-store`.
        at_most: how long a document is fresh at most.
        stale_for: how long beyond its freshness a copy is used while fetching fails.
        cooldown: the least time between two fetches that unknown keys cause; the longest pause after failures.
        hosts: the only hosts to fetch from, as `host` for port 443, or `host:port`; None for any.
        tls: to trust a private certification authority; it must verify certificates and names.
        documents: how many are kept.
        certificates: client certificates by name, for endpoints that want one (RFC 8705 section 2): the paths of the
            certificate and its key in PEM, or a context that has loaded both. They are read here, once; a context can
            be given new ones while it is in use, by `load_cert_chain`.
        posts: how many posts to one host may be under way at the same time; more fail at once with `source_down`.

    Raises:
        ConfigError: a time or a host makes no sense, `tls` does not verify, or a certificate cannot be loaded.
    """

    style: ClassVar[Literal["instant", "blocking", "async"]] = "blocking"

    def _launch(self, flight: Flight | Posting) -> None:
        thread = Thread(target=self._fly, args=(flight,), name="zerotrust-fetch", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._land(flight, SOURCE_DOWN(detail="no thread to fetch on"))

    def _wait(self, flight: Flight | Posting, ask: Fetch | Post, patience: float) -> Document:
        wait([flight.landed], patience)
        return self._settle(flight, ask)

    def _fly(self, flight: Flight | Posting) -> None:
        with self._landing(flight):
            outcome = self._send(flight) if isinstance(flight, Posting) else self._download(flight)
        self._land(flight, outcome)

    def _send(self, posting: Posting) -> bytes | Reason:
        reply = posting.reply()
        try:
            exchange(reply, posting.message, posting.address, posting.tls, posting.deadline)
        except TROUBLE as trouble:
            return why(trouble, posting.address)
        return reply.outcome()

    def _download(self, flight: Flight) -> Fetched | Reason:
        reply = self._reply(flight)
        try:
            while reply.address is not None:
                exchange(reply, _get(reply.address, flight.ask), reply.address, self._tls, flight.deadline)
        except TROUBLE as trouble:
            return why(trouble, flight.address)
        return reply.outcome()

    def close(self) -> None:
        """Begin no more fetches, and wait for those under way: no longer than `timeout`."""
        flights: list[Flight | Posting] = [*self._cache.close(), *self._posts.close()]
        wait([flight.landed for flight in flights], self._cache.timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncHttpFetcher(_Fetcher):
    """Fetches public documents for asyncio applications, and keeps them: the twin of `HttpFetcher`, with its arguments.

    A fetch is a task of its own on the loop that asked first: the request that caused it may go away, others that wait
    get the document all the same. One fetcher may serve several loops. A document that is in the cache is answered
    without a coroutine.
    """

    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def _launch(self, flight: Flight | Posting) -> None:
        # In an empty context: a fetch that many wait for belongs to no request's trace. The flight keeps it alive.
        task = asyncio.get_running_loop().create_task(self._fly(flight), context=Context())
        # A task that is cancelled before its first step lands nothing itself; all others have landed by then.
        task.add_done_callback(lambda _: self._land(flight, asyncio.CancelledError()))
        flight.task = task

    async def _wait(self, flight: Flight | Posting, ask: Fetch | Post, patience: float) -> Document:
        # Unlike `wait_for` this leaves alone what it waits for.
        await asyncio.wait([asyncio.wrap_future(flight.landed)], timeout=patience)
        return self._settle(flight, ask)

    async def _fly(self, flight: Flight | Posting) -> None:
        with self._landing(flight):
            outcome = await (self._send(flight) if isinstance(flight, Posting) else self._download(flight))
        self._land(flight, outcome)

    async def _send(self, posting: Posting) -> bytes | Reason:
        reply = posting.reply()
        try:
            async with asyncio.timeout(posting.deadline - monotonic()):
                await exchange_async(reply, posting.message, posting.address, posting.tls)
        except TROUBLE as trouble:
            return why(trouble, posting.address)
        return reply.outcome()

    async def _download(self, flight: Flight) -> Fetched | Reason:
        reply = self._reply(flight)
        try:
            async with asyncio.timeout(flight.deadline - monotonic()):
                while reply.address is not None:
                    await exchange_async(reply, _get(reply.address, flight.ask), reply.address, self._tls)
        except TROUBLE as trouble:
            return why(trouble, flight.address)
        return reply.outcome()

    async def aclose(self) -> None:
        """Begin no more fetches, and cancel those under way on this loop."""
        here = asyncio.get_running_loop()
        flights: list[Flight | Posting] = [*self._cache.close(), *self._posts.close()]
        tasks = [flight.task for flight in flights if flight.task and flight.task.get_loop() is here]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
