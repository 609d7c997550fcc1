"""Bodies: what is posted to a door itself, bounded in size and time; and what policies look at on its way in.

The latter is read when a policy asks for it, and then handed on untouched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping, MutableMapping
from io import BytesIO
from time import monotonic
from typing import Any, ClassVar, Final, Literal, TypeVar, cast

from zerotrust.core.ask import Ask, ReadBody, SourceFailed
from zerotrust.core.reason import MALFORMED, SOURCE_TIMEOUT, Reason
from zerotrust.core.reason import TOO_LARGE as LARGER
from zerotrust.web.answer import Answer
from zerotrust.web.posted import CUT_SHORT, TOO_LARGE, TOO_SLOW, declared

T = TypeVar("T")

_INPUT: Final = "wsgi.input"
_ENDED: Final = MALFORMED(detail="the body ended before it was complete")
_PART: Final = 16 * 1024


def read_body(environ: Mapping[str, Any], most: int, patience: float) -> bytes | Answer:
    """The body of a request (PEP 3333); the refusal if it is too large, too slow or not complete.

    How long one part may take is the server's timeout; between parts this one counts.

    Args:
        environ: as the server made it.
        most: the most bytes. A request that declares more is refused before any of them is read.
        patience: the most seconds that all of it may take.
    """
    length, endless = _length(environ)
    if length > most:
        return TOO_LARGE
    body = bytearray()
    ends = monotonic() + patience
    wanted = most + 1 if endless else length
    while len(body) < wanted:
        try:
            part: bytes = environ["wsgi.input"].read(min(_PART, wanted - len(body)))
        except (OSError, ValueError):  # servers differ in what they raise for a connection that broke
            return CUT_SHORT
        if monotonic() > ends:
            return TOO_SLOW
        if not part:
            break
        body += part
    if len(body) > most:
        return TOO_LARGE
    return bytes(body) if endless or len(body) == length else CUT_SHORT


class Body:
    """The body of one request: a source that answers `ReadBody`.

    Nothing is read before somebody asks, and then no more than the limit and one byte. The `wsgi.input` of `environ`
    begins with what was read from then on, as if nobody had.

    Args:
        environ: of the request.
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ReadBody,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "blocking"

    def __init__(self, environ: MutableMapping[str, Any]) -> None:
        self._environ = environ

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        """The whole body, or why it cannot be had; how long one part may take is the server's timeout."""
        assert isinstance(ask, ReadBody), "it says what it answers"  # noqa: S101
        return cast("T", self._read(ask.limit, monotonic() + timeout))

    def _read(self, limit: int, ends: float) -> bytes | Reason:
        too_large = LARGER(expected=f"at most {limit} bytes", detail="the body")
        length, endless = _length(self._environ)
        if length > limit:
            return too_large  # without reading any of it
        wanted = limit + 1 if endless else length
        if not wanted:
            return b""
        rest: Any = self._environ[_INPUT]
        kept = bytearray()
        ended = False
        try:
            while len(kept) < wanted and not ended:
                part: bytes = rest.read(min(_PART, wanted - len(kept)))
                kept += part
                ended = not part
                if monotonic() > ends:
                    raise SourceFailed(SOURCE_TIMEOUT(detail="the body"))
        except (OSError, ValueError):  # servers differ in what they raise for a connection that broke
            return _ENDED
        finally:
            self._environ[_INPUT] = _Rejoined(bytes(kept), rest)
        if len(kept) > limit:
            return too_large
        return bytes(kept) if endless or len(kept) == length else _ENDED


class _Rejoined:
    """What was read of an input, and then the rest of it (PEP 3333, input and error streams)."""

    def __init__(self, first: bytes, rest: Any) -> None:
        self._first = BytesIO(first)
        self._rest = rest

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, as many as there are; all unless given."""
        first = self._first.read(size)
        if size is None or size < 0:
            size = None
        elif len(first) == size:
            return first
        more: bytes = self._rest.read() if size is None else self._rest.read(size - len(first))
        return first + more

    def readline(self, size: int | None = -1, /) -> bytes:
        """A line, or as much of it as there is, at most `size` bytes."""
        first = self._first.readline(size)
        if first.endswith(b"\n") or (size is not None and 0 <= size == len(first)):
            return first
        whole: bytes = self._rest.readline() if size is None or size < 0 else self._rest.readline(size - len(first))
        return first + whole

    def readlines(self, hint: int | None = -1, /) -> list[bytes]:
        """All lines; or as many as come to `hint` bytes."""
        lines: list[bytes] = []
        told = 0
        for line in self:
            lines.append(line)
            told += len(line)
            if hint is not None and 0 < hint <= told:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line


def _length(environ: Mapping[str, Any]) -> tuple[int, bool]:
    """How long the body says it is, 0 if it does not say; and whether the input ends by itself then.

    Without `CONTENT_LENGTH` there is no body, unless the server says that its input ends by itself.
    """
    told = environ.get("CONTENT_LENGTH") or ""
    length = declared([str(told).encode("latin-1", "replace")]) if told else 0
    return length, not told and bool(environ.get("wsgi.input_terminated"))
