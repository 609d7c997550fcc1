"""Streaming responses are cut when their access ends: under ASGI whenever that is, under WSGI between their parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable
from contextlib import suppress
from typing import Any, Final

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from zerotrust.asgi.standing import Lasting, Watch
from zerotrust.asgi.types import Message
from zerotrust.web.access import Access
from zerotrust.web.ambient import acting
from zerotrust.web.gate import Checkpoint, Gate
from zerotrust.wsgi.standing import Lasting as LastingParts
from zerotrust.wsgi.standing import Parts, is_events

_PART: Final[Message] = {"type": "http.response.body", "more_body": True}


def stream(response: HttpResponseBase, access: Access, place: Checkpoint, gate: Gate, watch: Watch | None) -> None:
    """Have the parts of a streaming response, which are made after all else, be made under `access` while it lasts.

    Args:
        response: a streaming one.
        access: what the request was let in with.
        place: where.
        gate: of the door.
        watch: all that lasts under ASGI; None under WSGI.
    """
    streaming: Any = response
    events = is_events(response.items())
    # Whoever sends it takes parts of the other kind from Django, which makes all of them before the first is sent.
    made: Any = streaming.streaming_content
    made = made if streaming.is_async == (watch is not None) else StreamingHttpResponse(made)
    if watch is None:
        if not isinstance(response, FileResponse):  # a file is handed to the server as it is
            streaming.streaming_content = _between(made, access, LastingParts(gate, place, access), events)
        return
    streaming.streaming_content = _OnTime(made, streaming, watch, place, access, events)


def _between(parts: Iterable[bytes], access: Access, lasting: LastingParts, events: bool) -> Generator[bytes | str]:
    checked = Parts(parts, lasting, events=events)
    while True:
        with acting(access):
            part = next(checked, None)
        if part is None:
            return
        yield part


class _OnTime:
    """The parts of a response under ASGI.

    Args:
        parts: of the application, as Django makes them.
        streaming: the response.
        watch: all that lasts behind the door.
        place: where the request was let in.
        access: what it was let in with.
        events: whether they are server-sent events, which may end anywhere.
    """

    __slots__ = ("_access", "_ending", "_events", "_loop", "_parts", "_place", "_sent", "_stop", "_watch")

    def __init__(
        self, parts: AsyncIterable[bytes], streaming: Any, watch: Watch, place: Checkpoint, access: Access, events: bool
    ) -> None:
        self._parts = parts
        self._stop: Any = getattr(getattr(streaming, "_iterator", None), "aclose", None)  # of the application itself
        self._watch = watch
        self._place = place
        self._access = access
        self._events = events
        self._sent: AsyncGenerator[bytes] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Task[None] | None = None

    def __aiter__(self) -> AsyncGenerator[bytes]:
        self._sent = self._while_they_last()
        return self._sent

    def close(self) -> None:
        """Django calls this with the end of the response, in a thread; the parts may wait to be sent for ever."""
        loop, sent = self._loop, self._sent
        if loop is not None and sent is not None:  # else nobody has asked for any
            with suppress(RuntimeError):  # it is closed, and with it all that went on there
                loop.call_soon_threadsafe(self._end, loop, sent)

    def _end(self, loop: asyncio.AbstractEventLoop, sent: AsyncGenerator[bytes]) -> None:
        self._ending = loop.create_task(sent.aclose())

    async def _while_they_last(self) -> AsyncGenerator[bytes]:
        # Made here, in the task that takes the parts and sends them: that is the one to cancel.
        lasting = Lasting(self._watch, self._place, self._access, _nothing, _nowhere)
        self._loop = asyncio.get_running_loop()
        with lasting:
            try:
                await lasting.send(_PART)
                taken = aiter(self._parts)
                while True:
                    with acting(self._access):
                        part = await anext(taken, None)
                    if part is None:
                        break
                    await lasting.send(_PART)
                    yield part
            finally:
                if self._stop is not None:
                    await self._stop()  # else the application would hear of it from the garbage collector
        if lasting.closing is not None and not self._events:
            # As where the client has gone: Django sends no end, closes the response and ends without an error.
            raise asyncio.CancelledError


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _nowhere(message: Message) -> None:
    """It is Django that sends."""
