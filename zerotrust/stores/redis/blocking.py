"""The Redis store of blocking applications."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Generator
from time import monotonic, time
from types import TracebackType
from typing import ClassVar, Literal, Self, TypeVar, cast

from zerotrust.core.ask import Ask
from zerotrust.stores.notices import Subscription
from zerotrust.stores.redis.base import RedisBase, refusal
from zerotrust.stores.redis.commands import pack
from zerotrust.stores.redis.failures import demoted
from zerotrust.stores.redis.links import Link
from zerotrust.stores.redis.listening import RedisSubscription, attend
from zerotrust.stores.redis.pool import NEVER, Pool
from zerotrust.stores.redis.routes import Exchange, Step
from zerotrust.stores.redis.server import CHECK_EACH, CHECK_EVERY, clock, config_of, facts, read_info
from zerotrust.stores.redis.url import Place
from zerotrust.stores.store import Fact
from zerotrust.wire.url import is_loopback

T = TypeVar("T")
R = TypeVar("R")

_INSPECTION = 5.0


class RedisStore(RedisBase):
    """Keeps marks, values and counters in Redis or Valkey, for blocking applications.

    What it promises beyond `zerotrust.stores.store`, and what not, is said in `zerotrust.stores.redis`.

    Args:
        url: `redis://`, `rediss://` (TLS), `unix://`, `redis+sentinel://`, `redis+cluster://`; see
            `zerotrust.stores.redis.url`.
        namespace: keeps applications that share a server apart; lower case letters, digits, `.`, `_` and `-`.
        keys: the application's keys, for secret values and for digests that cannot be guessed.
        timeout: the longest that one ask takes, all in all.
        username: the user of the server's access control list, if it is not in the URL.
        password: the password, if it is not in the URL.
        connections: how many may be open at once, to each server; who finds all in use waits for one.
        heartbeat: how long a subscription hears nothing before it asks whether the server is still there.

    Raises:
        ConfigError: a URL that cannot be read, or an option that makes no sense.

    Example:
        store = RedisStore("rediss://redis.example:6379/0", username="payments", password=os.environ["REDIS_PASSWORD"])
    """

    style: ClassVar[Literal["instant", "blocking", "async"]] = "blocking"

    def _begin(self) -> None:
        self._pools: dict[Place, Pool[Link]] = {}

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        """Answer within `timeout` seconds and within the store's own timeout.

        Raises:
            SourceFailed: `source_refused` (full, read-only, not permitted, evicting, ...), `source_down` or
                `source_timeout`.
        """
        command = self._commands.of(ask)
        with self._health.attempt(ask):
            deadline = monotonic() + min(timeout, self._timeout)
            return cast("T", command.read(self.run(self._route.carry(command), deadline)))

    def subscribe(self, kind: str) -> Subscription:
        """Hear what is put with `announce` into the space `kind`."""
        attending = attend(self._route, self._commands.topic(kind), self._beat, self._timeout)
        return RedisSubscription(self, attending, self._timeout)

    def migrate(self) -> tuple[int, int]:
        """There is no schema: (0, 0)."""
        return 0, 0

    def inspect(self) -> tuple[Fact, ...]:
        """What an operator should know about the servers.

        Raises:
            SourceFailed: they could not be asked.
        """
        try:
            places = self.run(self._route.servers(), monotonic() + _INSPECTION)
            found = [(place, self._inspect(place)) for place in places]
        except Exception as trouble:  # noqa: BLE001 - a bug rises from `refusal`
            raise refusal(trouble) from None
        if len(found) == 1:
            return found[0][1]
        return tuple(
            Fact(f"{fact.name} of {place}", fact.value, fact.verdict, fact.advice)
            for place, these in found
            for fact in these
        )

    def close(self) -> None:
        """Close the connections. The store may be used again, and opens new ones then."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, journey: Generator[Step, list[object] | None, R], deadline: float) -> R:
        """Make all exchanges of a journey until the tick `deadline`, and give what it returns."""
        if self._pid != os.getpid():
            # The parent's connections are the parent's. Closed here, they stay open there.
            self._begin()  # before other threads take it for done
            self._pid = os.getpid()
        try:
            step = next(journey)
            while True:
                try:
                    replies = self._make(step, deadline)
                except Exception as trouble:  # noqa: BLE001 - the journey may know another way; else it rises
                    step = journey.throw(trouble)
                else:
                    step = journey.send(replies)
        except StopIteration as end:
            return cast("R", end.value)

    def connect(self, place: Place, deadline: float, *, sentinel: bool = False) -> Link:
        """A new connection, of which nothing is known yet."""
        target = self._target
        login, database = (target.guide_login, 0) if sentinel else (target.login, target.database)
        link = Link(place, login, database, target.tls)
        try:
            link.open(deadline)
        except BaseException:
            link.drop()
            raise
        return link

    def _make(self, step: Step, deadline: float) -> list[object] | None:
        if not isinstance(step, Exchange):
            # Several threads may be told so at once, while others ask.
            for place in [place for place in list(self._pools) if place not in step.places]:
                left = self._pools.pop(place, None)
                if left is not None:
                    left.close()
            return None
        if step.share < 1:
            now = monotonic()
            deadline = now + (deadline - now) * step.share
        if step.asked != "server":
            link = self.connect(step.place, deadline, sentinel=step.asked == "sentinel")
            try:
                return link.exchange(step.payload(None), step.replies, deadline)
            finally:
                link.drop()
        pool = self._pools.get(step.place)
        if pool is None:
            pool = self._pools.setdefault(step.place, Pool(self._connections))
        kept = pool.take(deadline)
        try:
            if kept is None or kept.stale():
                kept = self._fresh(step.place, kept, deadline)
                pool.checked = max(pool.checked, kept.checked)
            replies = self._talk(pool, kept, step, deadline)
        except BaseException:
            if kept is not None:
                kept.drop()
            pool.give(None)
            raise
        pool.give(kept)
        if demoted(replies[-1]):
            pool.clear()
        return replies

    def _fresh(self, place: Place, stale: Link | None, deadline: float) -> Link:
        if stale is not None:
            stale.drop()
        link = self.connect(place, deadline)
        try:
            replies = link.exchange(self._greeting.payload, self._greeting.replies, deadline)
            self._greeting.read(replies, link, monotonic())
        except BaseException:
            link.drop()
            raise
        return link

    def _talk(self, pool: Pool[Link], link: Link, step: Exchange, deadline: float) -> list[object]:
        now = monotonic()
        payload = step.payload(None if link.ahead is None else int((now + link.ahead) * 1000))
        if now - pool.checked < CHECK_EVERY and now - link.checked < CHECK_EACH:
            return link.exchange(payload, step.replies, deadline)
        pool.checked = now  # others need not ask the same
        try:
            replies = link.exchange(self._greeting.again + payload, step.replies + 1, deadline)
            self._greeting.read(replies[:1], link, monotonic())
        except BaseException:
            pool.checked = NEVER  # the next one, on whichever connection, is not spared the question
            raise
        return replies[1:]

    def _inspect(self, place: Place) -> tuple[Fact, ...]:
        deadline = monotonic() + _INSPECTION
        link = self.connect(place, deadline)
        try:
            (info,) = link.exchange(pack((b"INFO",)), 1, deadline)
            now = time()
            began = monotonic()
            link.exchange(pack((b"PING",)), 1, deadline)
            taken = monotonic() - began
            words = [(b"CONFIG", b"GET", name) for name in (b"save", b"appendfsync")]
            config = link.exchange(b"".join(map(pack, words)), len(words), deadline)
        finally:
            link.drop()
        fields = read_info(info)
        shown = clock(fields)
        plain = self._target.tls is None and not place.path and not is_loopback(place.host)
        return facts(
            fields,
            config_of(config),
            taken=taken,
            offset=None if shown is None else shown - now,
            plain_to=str(place) if plain else "",
            mode=self._target.mode,
        )
