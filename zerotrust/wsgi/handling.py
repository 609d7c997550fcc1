"""An application that handles a request that was let in: its response, from the first call to the last chunk."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from zerotrust.core.request import AccessRequest
from zerotrust.web.ambient import ACCESS, acting, ended
from zerotrust.web.continuing import beside
from zerotrust.web.gate import Checkpoint, Gate, Passed
from zerotrust.web.raised import NOT_FOUND, denied_in
from zerotrust.wsgi.sending import refuse, with_headers
from zerotrust.wsgi.standing import Cut, Lasting, is_events

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo


class Handling:
    """One request that was let in.

    Args:
        gate: of the door.
        place: where it was decided.
        request: what was let in.
        passed: that it was.
        environ: for the application.
        start_response: the server's.
    """

    __slots__ = (
        "_answered",
        "_environ",
        "_gate",
        "_held",
        "_lasting",
        "_passed",
        "_place",
        "_request",
        "_sent",
        "_start",
        "_write",
    )

    def __init__(
        self,
        gate: Gate,
        place: Checkpoint,
        request: AccessRequest,
        passed: Passed,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> None:
        self._gate = gate
        self._place = place
        self._request = request
        self._passed = passed
        self._environ = environ
        self._start = start_response
        self._held: tuple[str, list[tuple[str, str]]] | None = None  # what the application begins its response with
        self._write: Callable[[bytes], object] | None = None  # the server's, once it was told that
        self._sent = False  # whether some of its response was sent
        self._answered = False  # whether it was answered for the application
        self._lasting = Lasting(gate, place, passed.access)

    def run(self, app: WSGIApplication) -> Iterable[bytes]:
        """The response of `app`, or the answer to what it refuses."""
        self._environ[ACCESS] = self._passed.access
        try:
            with acting(self._passed.access):
                chunks = app(self._environ, self._start_response)
        except Exception as error:  # noqa: BLE001 - what is no refusal is raised again
            return self._instead(error)
        if isinstance(chunks, list | tuple) or self._is_file(chunks):
            self._begin()
            ended(self._environ, self._passed.access)
            return chunks  # nothing runs any more while the server sends it, which it does faster as it is
        return _Chunks(self, chunks)

    def _is_file(self, chunks: object) -> bool:
        wrapper = self._environ.get("wsgi.file_wrapper")
        return isinstance(wrapper, type) and isinstance(chunks, wrapper)

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """Take what a response begins with, but tell the server no sooner than with the first chunk.

        Until then a refusal can still take its place, and many a server does not let go of what it was told.
        """
        given = with_headers(headers, self._passed.headers) if self._passed.headers else headers
        if exc_info is None and self._held is not None:
            self._begin()
            self._write = self._start(status, given)  # a second time: the server's to refuse
        elif self._write is not None:
            self._write = self._start(status, given, exc_info)
        else:
            self._held = status, given
        return self._writing

    def _begin(self) -> Callable[[bytes], object] | None:
        if self._write is None and self._held is not None:
            self._write = self._start(*self._held)
        return self._write

    def _writing(self, chunk: bytes) -> object:
        self._lasting.check()
        write = self._begin()
        assert write is not None, "the application has this from its call"  # noqa: S101
        self._sent = self._sent or bool(chunk)
        return write(chunk)

    def next_of(self, chunks: _Chunks) -> bytes:
        """The next chunk; in place of the first the answer to what the application refuses, and nothing after that."""
        if self._answered:
            raise StopIteration
        try:
            self._lasting.check()
            with acting(self._passed.access):
                chunk = next(chunks.iterator)
            self._lasting.check()  # making it may have taken long
        except StopIteration:
            self._begin()
            raise
        except Cut as cut:
            if not self._sent:
                self._answered = True
                return refuse(cut.answer, self._environ, self._start, None if self._write is None else sys.exc_info())[
                    0
                ]
            if self._held is not None and is_events(self._held[1]):
                self._answered = True
                raise StopIteration from None  # which may end anywhere; whoever comes back is told why
            raise
        except Exception as error:  # noqa: BLE001 - as above
            return self._instead(error)[0]
        self._begin()
        self._sent = self._sent or bool(chunk)
        return chunk

    def close(self, chunks: object) -> None:
        """Tell the application that nobody wants more of its response."""
        close = getattr(chunks, "close", None)
        if close is not None:
            with acting(self._passed.access):
                close()
        ended(self._environ, self._passed.access)

    def _instead(self, error: Exception) -> list[bytes]:
        """The answer to what the application refuses; raises `error` if it is something else, or too late for one."""
        denied = denied_in(error)
        if denied is None or self._sent:
            raise error
        answer = self._gate.denied(denied, self._request, self._place.path)
        self._answered = True
        told = NOT_FOUND if denied.hidden else answer
        told = replace(told, headers=(*told.headers, *beside(told.headers, self._passed.headers)))
        return refuse(told, self._environ, self._start, None if self._write is None else sys.exc_info())


class _Chunks:
    """The chunks of a response, each made while the access is the current one."""

    __slots__ = ("_chunks", "_handling", "_iterator")

    def __init__(self, handling: Handling, chunks: Iterable[bytes]) -> None:
        self._handling = handling
        self._chunks = chunks
        self._iterator: Iterator[bytes] | None = None

    @property
    def iterator(self) -> Iterator[bytes]:
        """What the application gave, begun when the first chunk is wanted: to begin may run something of it."""
        if self._iterator is None:
            self._iterator = iter(self._chunks)
        return self._iterator

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._handling.next_of(self)

    def close(self) -> None:
        """Called by the server, however the response ended (PEP 3333)."""
        self._handling.close(self._chunks)
