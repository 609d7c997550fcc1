"""A TCP proxy on loopback that does to connections what networks do: stall, cut, drip, refuse, and heal.

It runs an event loop in a thread of its own. Each of its methods returns once what it says is so.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from threading import Thread
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds after which something that should have happened has not."""

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger: closing sends RST and drops what is unsent


class Flow:
    """What passes in one direction, over all connections.

    Attributes:
        passes: how many bytes may still pass; None for all.
        then: what happens to those that may not: they are held back until healing, or the connection is cut.
        pace: seconds that each byte takes.
        seen: bytes that came in so far.
        held: bytes that came in and wait to pass.
        touched: whether anything was held back or cut since the last change.
    """

    def __init__(self) -> None:
        self.passes: int | None = None
        self.then: Literal["hold", "cut"] = "hold"
        self.pace = 0.0
        self.seen = 0
        self.held = 0
        self.touched = False


def _close(client: socket.socket, task: asyncio.Task[None]) -> None:
    """Close what a task that was cancelled before it began has not closed."""
    client.close()


class _Cut(Exception):
    """This connection is to be reset."""


class Proxy:
    """Forwards connections to `port`, until it is told not to.

    Args:
        upstream: the port on loopback that connections are forwarded to.

    Attributes:
        port: its own port on loopback, the same for its whole life.
        requests: what passes from clients to the server.
        replies: what passes from the server to clients.
        accepted: how many connections it has taken.
    """

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.requests = Flow()
        self.replies = Flow()
        self.accepted = 0
        self._connections: set[asyncio.Task[None]] = set()
        self._telling: set[asyncio.Task[None]] = set()
        self._mute = False
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Condition()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener: socket.socket | None = None
        self.port = 0
        self._do(self._listen())

    @property
    def holding(self) -> bool:
        """Whether somebody may wait in vain: something is held back, or dripping, or nobody is answered."""
        flows = (self.requests, self.replies)
        return self._mute or any(flow.pace or (flow.passes is not None and flow.then == "hold") for flow in flows)

    # --- What it can do ----------------------------------------------------------------------------------------------
    def stall(self, *, replies: int | None = 0, requests: int | None = None) -> None:
        """Let so many more bytes of replies and requests pass (None: all), and hold back what comes then."""
        self._do(self._set(replies, requests, "hold", 0.0))

    def cut_after(self, *, replies: int | None = None, requests: int | None = None) -> None:
        """Let so many more bytes pass, and reset a connection on which more come."""
        self._do(self._set(replies, requests, "cut", 0.0))

    def drip(self, pace: float) -> None:
        """Let replies pass byte by byte, each taking `pace` seconds."""
        self._do(self._set(None, None, "hold", pace))

    def mute(self) -> None:
        """Take new connections and neither forward nor answer them, now or later."""

        async def change() -> None:
            self._mute = True

        self._do(change())

    def cut(self) -> None:
        """Reset every connection there is; new ones are taken as before."""
        self._do(self._cut())

    def refuse(self) -> None:
        """Reset every connection, and have new ones refused by the kernel."""
        self._do(self._refuse())

    def heal(self) -> None:
        """Forward again; what was held back on connections that are still there arrives now, late."""
        self._do(self._heal())

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until `condition` holds, e.g. `lambda: proxy.replies.held > 0`; an assertion fails if it never does."""

        async def holds() -> None:
            async with self._changed:
                await asyncio.wait_for(self._changed.wait_for(condition), PATIENCE)

        try:
            self._do(holds())
        except TimeoutError:
            raise AssertionError(f"{what}: not within {PATIENCE:.0f} s") from None

    def wait_for_request(self, seen: int) -> None:
        """Wait until clients have said more than these `seen` bytes, `requests.seen` as it was before."""
        self.wait(lambda: self.requests.seen > seen, "a request is under way")

    def close(self) -> None:
        """Reset every connection and end the thread."""
        self._do(self._refuse())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- In the loop -------------------------------------------------------------------------------------------------
    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE + 5)

    async def _set(self, replies: int | None, requests: int | None, then: Literal["hold", "cut"], pace: float) -> None:
        for flow, passes in ((self.replies, replies), (self.requests, requests)):
            flow.passes, flow.then, flow.touched = passes, then, False
        self.replies.pace = pace
        await self._tell()

    async def _heal(self) -> None:
        self._mute = False
        await self._set(None, None, "hold", 0.0)
        if self._listener is None:
            await self._listen()

    async def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._accept, self._listener)

    def _accept(self, listener: socket.socket) -> None:
        # At once and not in a task, which might be cancelled with a connection in its hands.
        try:
            client, _ = listener.accept()
        except OSError:  # it has hung up already
            return
        self.accepted += 1
        serving = self._loop.create_task(self._serve(client))
        self._connections.add(serving)
        serving.add_done_callback(self._connections.discard)
        serving.add_done_callback(partial(_close, client))
        telling = self._loop.create_task(self._tell())
        self._telling.add(telling)  # the loop keeps no task alive
        telling.add_done_callback(self._telling.discard)

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        await self._cut()

    async def _cut(self) -> None:
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, client: socket.socket) -> None:
        server = socket.socket()
        reset = True
        try:
            for side in (client, server):
                side.setblocking(False)
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._mute:
                await self._loop.create_future()
            try:
                await self._loop.sock_connect(server, ("127.0.0.1", self.upstream))
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(client, server, self.requests))
                    both.create_task(self._pump(server, client, self.replies))
                reset = False  # both sides have hung up
            except* (OSError, _Cut):
                pass  # as the server, or the client, went away: so does the other side
        finally:
            for side in (client, server):
                if reset:
                    with suppress(OSError):
                        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                side.close()

    async def _pump(self, source: socket.socket, target: socket.socket, flow: Flow) -> None:
        while data := await self._loop.sock_recv(source, 65536):
            flow.seen += len(data)
            flow.held += len(data)
            try:
                while data:
                    part = await self._share(flow, data)
                    await self._loop.sock_sendall(target, part)
                    flow.held -= len(part)
                    data = data[len(part) :]
                    await self._tell()
            finally:
                flow.held -= len(data)
        await self._share(flow, b"")  # who is cut off does not hear that the other side has hung up, either
        target.shutdown(socket.SHUT_WR)

    async def _share(self, flow: Flow, data: bytes) -> bytes:
        """As much of `data` as may pass, when it may."""
        if flow.passes == 0:
            flow.touched = flow.touched or bool(data)
            if flow.then == "cut" and data:
                raise _Cut
            async with self._changed:
                self._changed.notify_all()
                await self._changed.wait_for(lambda: flow.passes != 0)
        if flow.pace:
            await asyncio.sleep(flow.pace)
            return data[:1]
        if flow.passes is None:
            return data
        part = data[: flow.passes]
        flow.passes -= len(part)
        return part

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
