"""Stores that are broken in what is around the asks: announcements, limits, time, figures, discretion."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any, ClassVar, TypeVar, cast

from tests.stores.contract.naive import Heard, NaiveStore
from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.stores.notices import Changed, Lost

T = TypeVar("T")


class AnnouncesNothing(NaiveStore):
    def announce(self, kind: str, name: bytes) -> None:
        pass


class AnnouncesAll(NaiveStore):
    def put(self, ask: Put) -> None:
        super().put(replace(ask, announce=True))


class AnnouncesToAll(NaiveStore):
    def announce(self, kind: str, name: bytes) -> None:
        for heard in self.listeners:
            super().announce(heard, name)


class AnnouncesFirst(NaiveStore):
    """Who hears of it and looks finds what was there before."""

    def put(self, ask: Put) -> None:
        if not ask.announce:
            super().put(ask)
            return
        self.announce(ask.kind, self.codec.record(ask.kind, ask.key))
        self.late = replace(ask, announce=False)

    def lookup(self, ask: Lookup) -> bytes | None:
        found = super().lookup(ask)
        if hasattr(self, "late"):
            super().put(self.late)
        return found


class ForgetsQuietly(NaiveStore):
    def put(self, ask: Put) -> None:
        super().put(replace(ask, announce=ask.announce and ask.value is not None))


class AnnouncesAnotherName(NaiveStore):
    def announce(self, kind: str, name: bytes) -> None:
        super().announce(kind, name[::-1])


class HasShortDigests(NaiveStore):
    def digest(self, kind: str, key: bytes) -> bytes:
        return super().digest(kind, key)[:8]

    def announce(self, kind: str, name: bytes) -> None:
        super().announce(kind, name[:8])


class AnnouncesToOne(NaiveStore):
    def announce(self, kind: str, name: bytes) -> None:
        for queue in self.listeners.get(kind, [])[:1]:
            queue.put(Changed(name))


class AnnouncesTheLast(NaiveStore):
    """A mailbox with room for a few."""

    def announce(self, kind: str, name: bytes) -> None:
        for queue in self.listeners.get(kind, []):
            if queue.qsize() < 8:
                queue.put(Changed(name))


class NeverListens(NaiveStore):
    def subscribe(self, kind: str) -> Heard:
        heard = super().subscribe(kind)
        heard.queue.get()
        return heard


class TakesAnything(NaiveStore):
    def put(self, ask: Put) -> None:
        super().put(replace(ask, value=ask.value and ask.value[: 64 * 1024]))


class TakesAnyWindow(NaiveStore):
    def count(self, ask: Count) -> int:
        return super().count(ask) if 0 < ask.window < 1e6 else 0


class TakesWhatHasExpired(NaiveStore):
    def put(self, ask: Put) -> None:
        if ask.until > ask.now:
            super().put(ask)


class GivesTheLateAnswer(NaiveStore):
    """The connection is used again, and the answer that nobody waited for is still on its way."""

    late: list[Any] = []  # noqa: RUF012 - made anew below

    def __init__(self, *rest: Any) -> None:
        super().__init__(*rest)
        self.late = []

    def answer(self, ask: Ask[T], timeout: float) -> T:
        answer = super().answer(ask, 1.0)
        if timeout < 0.001:
            self.late.append(answer)
            raise SourceFailed(SOURCE_TIMEOUT())
        return cast("T", self.late.pop()) if self.late else answer


class TakesItsTime(NaiveStore):
    """Whatever it is given."""

    def answer(self, ask: Ask[T], timeout: float) -> T:
        if timeout < 0.001:
            threading.Event().wait(0.6)
        return super().answer(ask, timeout)


class CountsNothing(NaiveStore):
    def metrics(self) -> Any:
        return replace(super().metrics(), outcomes={})


class SaysItRests(NaiveStore):
    def metrics(self) -> Any:
        return replace(super().metrics(), breaker="open")


class ShowsKeys(NaiveStore):
    last = b""

    def consumeonce(self, ask: ConsumeOnce) -> bool:
        self.last = ask.key
        return super().consumeonce(ask)

    def __repr__(self) -> str:
        return f"ShowsKeys({self.last!r})"


class QuotesValues(NaiveStore):
    def put(self, ask: Put) -> None:
        if ask.value is not None and len(ask.value) > 64 * 1024:
            raise SourceFailed(SOURCE_REFUSED(presented=ask.value[:20]))
        super().put(ask)


class GivesAnAwaitable(NaiveStore):
    def answer(self, ask: Ask[T], timeout: float) -> Any:
        async def later() -> T:
            return NaiveStore.answer(self, ask, timeout)

        return later()


class Crashes(NaiveStore):
    def advance(self, ask: Advance) -> bool:
        raise OSError("the password is hunter2")


class MarksOnly(NaiveStore):
    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ConsumeOnce,)


class IsFull(NaiveStore):
    def consumeonce(self, ask: ConsumeOnce) -> bool:
        raise SourceFailed(SOURCE_REFUSED(detail="it is full"))


class IsDown(NaiveStore):
    def answer(self, ask: Ask[T], timeout: float) -> T:
        raise SourceFailed(SOURCE_DOWN(detail="nobody there"))


class GoesDown(NaiveStore):
    """After the first secret value; and with no time it is not late, but gone."""

    def answer(self, ask: Ask[T], timeout: float) -> T:
        if (isinstance(ask, Lookup) and ask.secret) or timeout < 0.001:
            raise SourceFailed(SOURCE_DOWN(detail="nobody there"))
        return super().answer(ask, timeout)


class IsDeaf(NaiveStore):
    def subscribe(self, kind: str) -> Heard:
        heard = super().subscribe(kind)
        heard.queue.get()
        heard.queue.put(Lost(SOURCE_DOWN(detail="nobody there")))
        return heard
