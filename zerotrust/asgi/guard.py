"""The guard before any ASGI application."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from zerotrust.asgi.body import handed_on, with_body
from zerotrust.asgi.ceremonies import CeremoniesApp
from zerotrust.asgi.sending import Sending, close, refuse
from zerotrust.asgi.standing import Lasting, Watch
from zerotrust.asgi.types import Receive, Scope, Send
from zerotrust.core.errors import ConfigError, Denied
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.web.ambient import ACCESS, ended, enter, leave
from zerotrust.web.answer import Answer
from zerotrust.web.asgi_request import access_request, spelling_of
from zerotrust.web.aside import Records
from zerotrust.web.context import is_websocket
from zerotrust.web.front import Front
from zerotrust.web.gate import NO_ROUTE, Checkpoint, Passed
from zerotrust.web.mistaken import check_called, takes_rules
from zerotrust.web.peers import Peers
from zerotrust.web.raised import NOT_FOUND, denied_in
from zerotrust.web.report import Report
from zerotrust.web.resource import ProtectedResource
from zerotrust.web.rules import Rules
from zerotrust.web.shadow import Shadow

if TYPE_CHECKING:
    from zerotrust.web.ceremonies import Ceremonies

Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application (specification 3.0)."""


class Guard:
    """Lets nothing through to an application without a decision: an ASGI application that stands before another.

    The decision falls before the application is called, and before the body is read, unless the policy looks at it.
    Who was let in is in `scope["zerotrust.access"]`, and `current_access()` gives it in whatever the application calls.
    `Denied`, raised by the application before its response has begun, is answered as any refusal. Whatever goes wrong
    in a decision ends in a refusal.

    Args:
        app: the application. What stands around this guard sees requests that will be refused.
        rules: what is required where.
        sources: what answers the verifiers' questions; instant or async ones.
        peers: says who the peer of a connection is: `TlsPeer()` where this server ends TLS itself, or what a proxy in
            front of it is configured to send.
        explain: put the explanation tree into refusals. For development: it tells the caller the policy.
        realm: the protection space that challenges name (RFC 9110 section 11.5); the verifier's own unless given.
        resource: has the metadata of this resource served, to everybody, and challenges point there (RFC 9728).
        ceremonies: has the ready ceremonies served at their path; refusals that a factor cures then lead there.
        recorder: has each decision recorded, a `zerotrust.replay.Recorder`, so that other policies can be tried on it.
        shadow: policies to try beside those that are enforced; what they come to is reported and changes nothing.
        clock: tells the time in POSIX seconds; it is asked once here, and for each request.
        recheck: how late a revocation may count on WebSockets and streaming responses, which are decided anew so often,
            from a second to a day; None to do so when `access.valid_until` has passed, and by `recheck()` alone.
        root: the only `root_path` that may stand before the paths of the rules, such as `/shop`, or empty for none; any
            other is refused. None takes whatever the server says: do not leave it so where that is what a header of
            the client says (Daphne).

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    @takes_rules
    def __init__(
        self,
        app: Application,
        rules: Rules,
        *,
        sources: Sources = NO_SOURCES,
        peers: Peers | None = None,
        explain: bool = False,
        realm: str | None = None,
        resource: ProtectedResource | None = None,
        ceremonies: Ceremonies | None = None,
        recorder: Records | None = None,
        shadow: Shadow | None = None,
        clock: Callable[[], float] = time.time,
        recheck: timedelta | None = None,
        root: str | None = None,
    ) -> None:
        if isinstance(app, Guard):
            raise ConfigError("this application has a Guard already; one serves for all: give it all rules")
        check_called(app, "ASGI")
        self._app = app
        self._front = Front(
            "async", rules, sources=sources, peers=peers, explain=explain, realm=realm, resource=resource,
            ceremonies=ceremonies, recorder=recorder, shadow=shadow, clock=clock, recheck=recheck, root=root,
        )  # fmt: skip
        self._gate = self._front.gate
        self._watch = Watch(self._gate)
        self._ceremonies = (
            None if ceremonies is None else CeremoniesApp(ceremonies, sources=sources, peers=peers, clock=clock)
        )

    def report(self) -> Report:
        """Every rule with the policy it requires, and what protects everything else."""
        return self._front.report()

    def check(self) -> None:
        """Log the report, the first time; at start-up, else the first request does. Rules are checked before that."""
        self._front.start()

    def recheck(self) -> None:
        """Decide anew, now, about all WebSockets and streaming responses that go on; from any thread."""
        self._gate.rounds.call()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer it; a lifespan is the application's.

        Raises:
            ConfigError: it is none of `http`, `websocket` and `lifespan`, so that nobody can say what it needs.
        """
        kind = scope["type"]
        if kind == "lifespan":
            self._front.start()
            await self._app(scope, receive, send)
            return
        if kind != "http" and kind != "websocket":
            raise ConfigError(f"a guard lets nothing through that is neither http nor websocket: {str(kind)[:40]!r}")
        request: AccessRequest | None = None
        place: Checkpoint | Answer | None = None
        try:
            front, gate = self._front, self._gate
            if not front.started:
                front.start()
            request = access_request(scope, gate.clock(), gate.sources, gate.peers)
            spelling = spelling_of(scope)
            place = front.known.get(spelling) or front.place(request, spelling)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must neither allow nor answer 500
            place = self._gate.failed(request, NO_ROUTE, error)
        if isinstance(place, Checkpoint) and request is not None:
            sources = with_body(self._gate.sources, scope, receive) if place.looks_at_body else None
            outcome = await self._gate.admit_async(place, request, sources)
            receive = handed_on(scope, receive) if place.looks_at_body else receive
            if isinstance(outcome, Passed):
                await self._go_on(outcome, place, request, scope, receive, send)
                return
            place = outcome
        if isinstance(place, Answer):
            await refuse(place, scope, send)
        elif self._ceremonies is not None:
            await self._ceremonies(scope, receive, send)

    async def _go_on(
        self, passed: Passed, place: Checkpoint, request: AccessRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Have the application handle a request that was let in."""
        scope[ACCESS] = passed.access
        token = enter(passed.access)
        lasting = Lasting(self._watch, place, passed.access, receive, send)
        sending = Sending(lasting.send, passed.headers)
        try:
            with lasting:
                try:
                    await self._app(scope, lasting.receive, sending)
                except Exception as error:
                    denied = denied_in(error)
                    if denied is None or sending.begun:
                        await sending.release()
                        raise
                    sending.drop()
                    await self._tell(denied, place, request, sending)
                else:
                    if sending.held:  # hardly ever: on the path of every request, a coroutine less
                        await sending.release()
            if lasting.closing is not None:
                await lasting.closed()
        finally:
            leave(token)
        ended(scope, passed.access)

    async def _tell(self, denied: Denied, place: Checkpoint, request: AccessRequest, sending: Sending) -> None:
        answer = await self._gate.denied_async(denied, request, place.path)
        answer = NOT_FOUND if denied.hidden else answer
        if is_websocket(request):
            await close(sending, answer)
        else:
            await refuse(answer, {"type": "http", "method": request.method}, sending)
