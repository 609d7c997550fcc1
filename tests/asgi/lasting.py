"""Connections that last, in a loop whose time passes as soon as nothing else is left to do: nothing sleeps."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar, Literal, TypeVar

from tests.fastapi.world import http_scope, raw
from zerotrust import Bearer, DPoP, Issuer, Sources, hours, seconds
from zerotrust.asgi import Guard, Rules
from zerotrust.asgi.types import Message, Receive, Scope, Send
from zerotrust.core.ask import Ask, SourceFailed
from zerotrust.core.policy import Policy
from zerotrust.core.reason import SOURCE_TIMEOUT
from zerotrust.driver import run
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import LocalIssuer
from zerotrust.verifiers.revocation import Revocation

T = TypeVar("T")

ISSUER = LocalIssuer(algorithms=("EdDSA",))
NOW = ISSUER.clock()

REVOCATION = Revocation(longest_life=hours(1))
token = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api", leeway=seconds(0), revocation=REVOCATION)
bound = Bearer(
    Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api", leeway=seconds(0), dpop=DPoP(url="https://api.example")
)


class _Selector(selectors.DefaultSelector):
    """Waits for nobody: what would be waited for has passed."""

    def __init__(self, world: Loop) -> None:
        super().__init__()
        self._world = world

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            ready = super().select(1)  # another thread may call
            if not ready:
                raise RuntimeError("everything waits, and nothing will happen")
        elif not ready and timeout:
            self._world.passed += timeout
        return ready


class Loop(asyncio.SelectorEventLoop):
    """A loop with a time of its own.

    Attributes:
        passed: seconds since it began.
    """

    def __init__(self) -> None:
        self.passed = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.passed


class Shaky(MemoryStore):
    """A store that can be made to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.asked = 0

    def answer(self, ask: Ask[T], timeout: float) -> Any:
        self.asked += 1
        if self.down:
            raise SourceFailed(SOURCE_TIMEOUT())
        return super().answer(ask, timeout)


class _Slow:
    """The store of a world, asked over a network."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = MemoryStore.answers
    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, ask: Ask[T], timeout: float) -> Any:
        return self._answer(ask) if self._world.slow else self._world.store.answer(ask, timeout)

    async def _answer(self, ask: Ask[T]) -> Any:
        await asyncio.sleep(self._world.slow)
        return self._world.store.answer(ask, 1.0)


class World:
    """One guard, its clock and its store, and the connections to it."""

    def __init__(self, app: Any, policy: Policy | None = None, **options: Any) -> None:
        self.loop = Loop()
        self.ahead = 0.0  # by which the clock of the machine was put forward
        self.slow = 0.0  # seconds that the store takes to answer
        self.lines: list[Line] = []
        self.store = Shaky()
        self._options = {"sources": Sources(_Slow(self)), "clock": self.clock, **options}
        self._policy = token.valid if policy is None else policy
        self.guard = self.behind(app)

    def behind(self, app: Any) -> Guard:
        """A guard before `app`."""
        return Guard(app, Rules(default=self._policy), **self._options)

    def clock(self) -> float:
        return NOW + self.loop.passed + self.ahead

    def run(self, body: Callable[[World], Coroutine[Any, Any, T]]) -> T:
        """Run a test's own part, and see that nothing is left of it."""

        async def all_of_it() -> T:
            result = await body(self)
            await asyncio.sleep(0)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert not others, others
            assert len(self.guard._watch) == 0
            return result

        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            return runner.run(all_of_it())

    def revoke(self, subject: str = "alice") -> None:
        run(REVOCATION.revoke_subject(ISSUER.url, subject, self.clock()), Sources(self.store))

    def open(self, kind: str = "websocket", headers: dict[str, str] | None = None, **more: Any) -> Line:
        """A connection, under way."""
        scope = http_scope("/", headers=raw(shown() if headers is None else headers), **more)
        if kind == "websocket":
            scope |= {"type": "websocket", "scheme": "wss", "subprotocols": []}
            del scope["method"]
        self.lines.append(Line(self.guard, scope))
        return self.lines[-1]


class Line:
    """The server's and the client's end of one connection.

    Attributes:
        sent: what the application, or the guard, has sent, with the seconds since the loop began.
    """

    def __init__(self, app: Any, scope: Scope) -> None:
        self.scope = scope
        self.sent: list[tuple[float, Message]] = []
        self.hold: Awaitable[Any] | None = None
        self._queue: asyncio.Queue[Message] = asyncio.Queue()
        if scope["type"] == "websocket":
            self.say({"type": "websocket.connect"})
        else:
            self.say({"type": "http.request", "body": b"", "more_body": False})
        self.task = asyncio.create_task(app(scope, self._queue.get, self._send))

    async def _send(self, message: Message) -> None:
        self.sent.append((asyncio.get_running_loop().time(), message))
        if self.hold is not None:
            await self.hold

    def say(self, message: Message | str) -> None:
        """What the client sends."""
        if isinstance(message, str):
            message = {"type": "websocket.receive", "text": message}
        self._queue.put_nowait(message)

    def leave(self) -> None:
        self.say({"type": self.scope["type"] + ".disconnect"})

    async def begun(self) -> None:
        """The first part of a body is sent; until then no time passes, whatever an application does in threads."""
        while not (self.body or self.task.done()):  # noqa: ASYNC110 - of a loop that has something to do the time stands still
            await asyncio.sleep(0)

    async def end(self) -> None:
        """The application ends, and raises nothing."""
        await self.task

    @property
    def messages(self) -> list[Message]:
        return [message for _, message in self.sent]

    @property
    def closed(self) -> Any:
        """When, with what code and for what reason the WebSocket was closed."""
        for when, message in self.sent:
            if message["type"] == "websocket.close":
                return when, message.get("code", 1000), message.get("reason", "")
        return None

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages if message["type"] == "websocket.send"]

    @property
    def body(self) -> bytes:
        return b"".join(
            message.get("body", b"") for message in self.messages if message["type"] == "http.response.body"
        )

    @property
    def complete(self) -> bool:
        return any(
            message["type"] == "http.response.body" and not message.get("more_body") for message in self.messages
        )


def minted(lifetime: float = 100, *, now: float = NOW, subject: str = "alice", **claims: Any) -> str:
    return ISSUER.mint(now=now, lifetime=seconds(lifetime), subject=subject, **claims)


def shown(lifetime: float = 100, *, scheme: str = "Bearer", **claims: Any) -> dict[str, str]:
    return {"authorization": f"{scheme} {minted(lifetime, **claims)}"}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Accepts a WebSocket and says what it is told; `renew ...` renews, and says what came of it."""
    from zerotrust import Denied

    access = scope["zerotrust.access"]
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message["text"]
        if text.startswith("renew "):
            try:
                await access.renew({"authorization": f"Bearer {text[6:]}"})
                text = "renewed"
            except Denied as denied:
                text = denied.decision.reason.code
        await send({"type": "websocket.send", "text": text})


def streaming(kind: bytes = b"application/octet-stream", every: float = 10) -> Any:
    """An application that sends a part of a response every so often, without end."""

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", kind)]})
        while True:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(every)

    return stream
