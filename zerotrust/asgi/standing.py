"""Connections that last are cut when their access ends: WebSockets, and what is sent part by part, either way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from threading import Lock
from types import TracebackType
from typing import Final, Self

from zerotrust.asgi.cut import Cut, is_cut
from zerotrust.asgi.parts import goes_on, is_events, is_last, is_start, opens_events
from zerotrust.asgi.sending import refuse
from zerotrust.asgi.types import Message, Receive, Send
from zerotrust.core.decision import Allow
from zerotrust.core.errors import ConfigError
from zerotrust.web.access import Access
from zerotrust.web.answer import Answer
from zerotrust.web.gate import Checkpoint, Gate
from zerotrust.web.standing import Standing, close_code

_PATIENCE: Final = 1.0  # seconds for an application to end once its connection was cut
_MOST_CANCELS: Final = 5  # of an application that will not end
_LONGEST_WAIT: Final = 60.0  # seconds; timers do not hear of it when the clock is put forward, or a machine sleeps
_SOONEST: Final = 0.01
_AT_ONCE: Final = 64  # connections of a loop that are decided on at the same time; what is cheap for one is not for all


class Watch:
    """All that lasts behind one door.

    Args:
        gate: of the door.
    """

    def __init__(self, gate: Gate) -> None:
        self.gate: Gate = gate
        self._loops: dict[asyncio.AbstractEventLoop, _Loop] = {}
        self._lock = Lock()
        gate.rounds.tell(self._called)

    def add(self, lasting: Lasting, loop: asyncio.AbstractEventLoop) -> asyncio.Semaphore:
        """Count `lasting` among what goes on in `loop`; gives what limits how many are decided on at once."""
        with self._lock:
            here = self._loops.get(loop)
            if here is None:
                here = self._loops[loop] = _Loop()
        here.live.add(lasting)
        return here.room

    def discard(self, lasting: Lasting, loop: asyncio.AbstractEventLoop) -> None:
        """Forget `lasting`, which has ended, and with the last one the loop."""
        with self._lock:
            here = self._loops.get(loop)
            if here is not None:
                here.live.discard(lasting)
                if not here.live:
                    del self._loops[loop]

    def __len__(self) -> int:
        with self._lock:
            return sum(len(here.live) for here in self._loops.values())

    def _called(self) -> None:
        with self._lock:
            loops = list(self._loops)
        for loop in loops:
            with suppress(RuntimeError):  # it is closed, and nothing goes on in it
                loop.call_soon_threadsafe(self._wake, loop)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        here = self._loops.get(loop)
        for lasting in () if here is None else list(here.live):
            lasting.wake()


class _Loop:
    __slots__ = ("live", "room")

    def __init__(self) -> None:
        self.live: set[Lasting] = set()
        self.room = asyncio.Semaphore(_AT_ONCE)


class Lasting:
    """One request that was let in, between its application and the server; `with` it the application is called.

    It does nothing but look at the type of what is sent, until it turns out to last: a WebSocket is accepted, a stream
    of events or a part of a response is sent that is not the last, or such a part of a request comes. From then on
    nothing passes once the access has ended, in either direction, and a timer cuts what is idle.

    Args:
        watch: of the door.
        place: where it was decided.
        access: what it was let in with.
        receive: the server's.
        send: the server's.

    Attributes:
        closing: tells the other end that it was cut; None if it was not.
    """

    __slots__ = (
        "_access", "_asked", "_before", "_cancels", "_cut", "_held", "_lock", "_looking", "_loop", "_over", "_place",
        "_receive", "_receiving", "_room", "_send", "_standing", "_start", "_task", "_timer", "_told", "_upload",
        "_waiting", "_watch", "_websocket", "closing",
    )  # fmt: skip

    _cut: Answer | None
    _told: bool
    _timer: asyncio.Handle | None
    _looking: asyncio.Task[None] | None

    def __init__(self, watch: Watch, place: Checkpoint, access: Access, receive: Receive, send: Send) -> None:
        self._watch = watch
        self._place = place
        self._access = access
        self._receive = receive
        self._send = send
        self._standing: Standing | None = None  # whatever else there is, there is since then
        self._start: Message | None = None
        self._asked = False  # for what comes, once
        self.closing: asyncio.Task[None] | None = None
        try:
            self._task = asyncio.current_task()
        except RuntimeError:  # another kind of loop
            self._task = None

    # --- Messages ----------------------------------------------------------------------------------------------------

    def receive(self) -> Awaitable[Message]:
        """What the application receives by."""
        standing = self._standing
        if standing is not None:
            return self._received(standing)
        if self._asked:
            return self._more()
        self._asked = True
        return self._receive()

    def send(self, message: Message) -> Awaitable[None]:
        """What the application sends by; raises `Cut` once its access has ended."""
        standing = self._standing
        if standing is None:
            kind = message["type"]
            if kind == "http.response.start":
                self._start = message
                if not opens_events(message) or not self._place.protection.policy.verifiers:
                    return self._send(message)
            elif kind == "http.response.body":
                if not message.get("more_body") or not self._place.protection.policy.verifiers:
                    return self._send(message)
            elif kind != "websocket.accept" and not self._lasts(message):
                return self._send(message)
            standing = self._begin(kind)
        return self._sent(message, standing)

    def _lasts(self, message: Message) -> bool:
        """Whether a message, of one of the rarer types, shows that it lasts."""
        if is_start(message):
            self._start = message
        return goes_on(message) and bool(self._place.protection.policy.verifiers)

    async def _more(self) -> Message:
        """What comes later than the first message, while nothing lasts yet."""
        message = await self._receive()
        standing = self._standing  # it may have begun meanwhile
        if standing is None:
            if message["type"] != "http.request" or self._task is None or not self._lasts(message):
                return message
            standing = self._begin("http.request")
        return await self._passed(message, standing)

    async def _received(self, standing: Standing) -> Message:
        async with self._receiving:  # whoever asks at the same time gets the next one
            if self._held:
                return await self._passed(self._held.popleft(), standing)
            limit = asyncio.timeout(None)
            try:
                if not await self._may(standing):
                    return await self._gone()
                async with limit:
                    self._waiting.add(limit)
                    message = await self._receive()
            except TimeoutError:
                if not limit.expired():  # the server's own
                    raise
                return await self._gone()
            finally:
                self._waiting.discard(limit)
            return await self._passed(message, standing)

    async def _passed(self, message: Message, standing: Standing) -> Message:
        """`message`, if it may pass."""
        kind = message["type"]
        try:
            if kind.endswith(".disconnect"):
                self._end()
            elif not await self._may(standing):
                return await self._gone()
        except asyncio.CancelledError:  # whoever waited for it; it is still there for the next
            self._held.appendleft(message)
            raise
        if self._upload and kind == "http.request" and not goes_on(message):
            self._end()  # all of it came in time, and a response may take as long as any
            self._standing = None
        return message

    async def _sent(self, message: Message, standing: Standing) -> None:
        if not await self._may(standing):
            raise Cut("this connection was cut, since its access has ended")
        if is_start(message):
            self._start = message
            if opens_events(message):
                self._upload = False
        elif goes_on(message):
            self._upload = False
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._waiting.add(limit)
                await self._send(message)
        except TimeoutError:
            if not limit.expired():  # the server's own
                raise
            raise Cut("this connection was cut, since its access has ended") from None
        finally:
            self._waiting.discard(limit)
        if is_last(message, self._start):
            self._end()

    async def _gone(self) -> Message:
        """What an application is told whose caller is there no more."""
        # Whoever was told and did not listen must not keep everybody else from running. And an upload is cancelled
        # rather than told, since most would answer that, and this is answered already.
        if self._told or self._upload:
            await asyncio.sleep(_PATIENCE)
        self._told = True
        if not self._websocket or self._cut is None:
            return {"type": "http.disconnect"}
        return {"type": "websocket.disconnect", "code": close_code(self._cut), "reason": self._cut.code}

    # --- Lasting -----------------------------------------------------------------------------------------------------

    def _begin(self, kind: str) -> Standing:
        if self._task is None:
            raise ConfigError("WebSockets and streaming responses behind a guard need asyncio")
        self._websocket = kind.startswith("websocket.")
        self._upload = kind == "http.request"  # and no more than that lasts
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._receiving = asyncio.Lock()
        self._held: deque[Message] = deque()
        self._cut = None
        self._waiting: set[asyncio.Timeout] = set()
        self._timer = None
        self._looking = None
        self._over = False
        self._told = False
        self._cancels = 0
        self._before = self._task.cancelling()
        self._standing = standing = Standing(self._watch.gate, self._place, self._access)
        self._room = self._watch.add(self, self._loop)
        self._access.lasting(self._renew)
        self._set(standing.delay())
        return standing

    async def _may(self, standing: Standing) -> bool:
        """Whether one more message may pass; decides anew, once for all who wait, if that is due."""
        if self._cut is None and standing.due():
            async with self._lock:
                if self._cut is None and standing.due():
                    async with self._room:
                        answer = await standing.look_async()
                    if answer is None:
                        self._set(max(standing.delay(), _PATIENCE))
                    else:
                        self._cut_off(answer)
        return self._cut is None

    async def _renew(self, headers: Mapping[str, str]) -> Allow:
        standing = self._standing
        assert standing is not None, "it is what is renewed"  # noqa: S101
        async with self._lock:
            if self._cut is not None:
                raise Cut("this connection was cut, since its access has ended")
            async with self._room:
                allowed = await standing.renew(headers)
        self._set(standing.delay())
        return allowed

    def _set(self, wait: float) -> None:
        """Wake up in `wait` seconds, or somewhat sooner."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._over and self._cut is None and wait < float("inf"):
            self._timer = self._loop.call_later(min(max(wait, _SOONEST), _LONGEST_WAIT), self.wake)

    def wake(self) -> None:
        """Decide anew if that is due, though nothing is sent; in the loop."""
        if self._over or self._cut is not None:
            return
        if self._looking is None:
            self._looking = self._loop.create_task(self._look())
        self._set(_PATIENCE)  # whatever becomes of it

    async def _look(self) -> None:
        standing = self._standing
        assert standing is not None, "it is what is looked at"  # noqa: S101
        try:
            if await self._may(standing):
                self._set(_PATIENCE if standing.due() else standing.delay())
        finally:
            self._looking = None

    # --- Ending ------------------------------------------------------------------------------------------------------

    def _cut_off(self, answer: Answer) -> None:
        self._set(float("inf"))
        self._cut = answer
        if self._over:
            return
        for limit in self._waiting:
            with suppress(RuntimeError):  # it is just done
                limit.reschedule(self._loop.time())
        self.closing = self._loop.create_task(self._close(answer))
        if self._websocket:  # most applications end by what they receive
            self._timer = self._loop.call_later(_PATIENCE, self._cancel)
        else:
            self._timer = self._loop.call_soon(self._cancel)

    async def _close(self, answer: Answer) -> None:
        """Tell whoever is at the other end. What is no stream of events must not look complete, so it just stops."""
        with suppress(Exception):  # whatever a server says of somebody who has gone meanwhile
            if self._start is not None:
                if is_events(self._start):
                    kind = self._start["type"].removesuffix("start") + "body"
                    await self._send({"type": kind, "body": b"", "more_body": False})
            elif self._websocket:
                await self._send({"type": "websocket.close", "code": close_code(answer), "reason": answer.code})
            elif self._upload:
                await refuse(answer, {"type": "http"}, self._send)

    def _cancel(self) -> None:
        self._timer = None
        if not self._over and self._task is not None:
            self._cancels += 1
            self._task.cancel()
            if self._cancels < _MOST_CANCELS:
                self._timer = self._loop.call_later(_PATIENCE, self._cancel)

    def _end(self) -> None:
        """Nothing can be sent any more, or nobody wants to."""
        self._over = True
        if self._timer is not None and self._cut is None:
            self._timer.cancel()
            self._timer = None
        if self._looking is not None:
            self._looking.cancel()
        self._access.lasting(None)
        self._watch.discard(self, self._loop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """The application has ended; that it was cancelled from here, or could not send, is nobody's concern."""
        if self._standing is None:
            return False
        if not self._over:
            self._end()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        task = self._task
        if self._cut is None or task is None:
            return False
        for _ in range(self._cancels):
            task.uncancel()
        if isinstance(error, asyncio.CancelledError):
            return self._cancels > 0 and task.cancelling() <= self._before
        return error is not None and is_cut(error)

    async def closed(self) -> None:
        """Wait until the other end was told, if it was cut; call it last."""
        if self.closing is not None:
            try:
                await asyncio.wait({self.closing}, timeout=_PATIENCE)
            finally:
                self.closing.cancel()
