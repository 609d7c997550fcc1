"""Responses that are sent part by part are cut when their access ends; between the parts, since nothing runs beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zerotrust.web.access import Access
from zerotrust.web.answer import Answer
from zerotrust.web.gate import Checkpoint, Gate
from zerotrust.web.standing import Standing


class Cut(OSError):
    """A response was cut, as the access it was given under has ended; its connection is to be closed.

    Attributes:
        answer: what the next request would be told.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"this response was cut, since its access has ended: {answer.code}")
        self.answer: Answer = answer


class Lasting:
    """A response that lasts.

    Args:
        gate: of the door.
        place: where the request was let in.
        access: what it was let in with.
    """

    __slots__ = ("_access", "_gate", "_place", "_standing")

    def __init__(self, gate: Gate, place: Checkpoint, access: Access) -> None:
        self._gate = gate
        self._place = place
        self._access = access
        self._standing: Standing | None = None  # once it turns out to last

    def due(self) -> Standing | None:
        """What has to be looked at before anything more is sent; None if nothing has."""
        standing = self._standing
        if standing is None:
            if not self._place.protection.policy.verifiers:
                return None  # it is for everybody
            standing = self._standing = Standing(self._gate, self._place, self._access)
        return standing if standing.due() else None

    def check(self) -> None:
        """Raise `Cut` unless the access still lasts: before a part of a response is made, and before it is sent."""
        standing = self.due()
        if standing is not None and (answer := standing.look()) is not None:
            raise Cut(answer)


class Parts:
    """The parts of a response whose head was sent.

    Args:
        parts: of the application.
        lasting: what cuts them.
        events: whether they are server-sent events, which may end anywhere.
    """

    __slots__ = ("_events", "_iterator", "_lasting", "_parts")

    def __init__(self, parts: Iterable[bytes | str], lasting: Lasting, *, events: bool) -> None:
        self._parts = parts
        self._lasting = lasting
        self._events = events
        self._iterator: Iterator[bytes | str] | None = None

    def __iter__(self) -> Iterator[bytes | str]:
        return self

    def __next__(self) -> bytes | str:
        try:
            self._lasting.check()
            if self._iterator is None:
                self._iterator = iter(self._parts)
            part = next(self._iterator)
            self._lasting.check()  # making it may have taken long
        except Cut:
            if self._events:
                raise StopIteration from None  # whoever comes back is told why
            raise
        return part

    def close(self) -> None:
        """Tell the application that nobody wants more."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()


def is_events(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a response is a stream of server-sent events, which may end anywhere (HTML section 9.2)."""
    said = {name.lower(): value for name, value in headers}
    kind = said.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "text/event-stream" and "content-length" not in said
