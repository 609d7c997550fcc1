"""The guard before any WSGI application."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from zerotrust.core.errors import ConfigError
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.web.answer import Answer
from zerotrust.web.aside import Records
from zerotrust.web.front import Front
from zerotrust.web.gate import NO_ROUTE, Checkpoint, Passed
from zerotrust.web.mistaken import check_called, takes_rules
from zerotrust.web.peers import Peers
from zerotrust.web.report import Report
from zerotrust.web.resource import ProtectedResource
from zerotrust.web.rules import Rules
from zerotrust.web.shadow import Shadow
from zerotrust.web.wsgi_request import spelling_of, wsgi_request
from zerotrust.wsgi.body import Body
from zerotrust.wsgi.ceremonies import CeremoniesApp
from zerotrust.wsgi.handling import Handling
from zerotrust.wsgi.sending import refuse

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from zerotrust.web.ceremonies import Ceremonies


class Guard:
    """Lets nothing through to an application without a decision: a WSGI application that stands before another.

    The decision falls before the application is called, and before the body is read, unless the policy looks at it.
    Who was let in is in `environ["zerotrust.access"]`, and `current_access()` gives it in whatever the application
    calls, also while its response is iterated over. `Denied`, raised by the application before any of its response was
    sent, is answered as any refusal. Whatever goes wrong in a decision ends in a refusal.

    Args:
        app: the application. What stands around this guard sees requests that will be refused.
        rules: what is required where.
        sources: what answers the verifiers' questions; instant or blocking ones.
        peers: says who the peer of a connection is: `TlsPeer()` where this server ends TLS itself, or what a proxy in
            front of it is configured to send.
        explain: put the explanation tree into refusals. For development: it tells the caller the policy.
        realm: the protection space that challenges name (RFC 9110 section 11.5); the verifier's own unless given.
        resource: has the metadata of this resource served, to everybody, and challenges point there (RFC 9728).
        ceremonies: has the ready ceremonies served at their path; refusals that a factor cures then lead there.
        recorder: has each decision recorded, a `zerotrust.replay.Recorder`, so that other policies can be tried on it.
        shadow: policies to try beside those that are enforced; what they come to is reported and changes nothing.
        clock: tells the time in POSIX seconds; it is asked once here, and for each request.
        recheck: how late a revocation may count on streaming responses, which are decided anew so often before a part
            is sent, from a second to a day; None to do so when `access.valid_until` has passed, and by `recheck()`
            alone.
        root: the only `SCRIPT_NAME` that may stand before the paths of the rules, such as `/shop`, or empty for none;
            any other is refused. None takes whatever the server says.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    @takes_rules
    def __init__(
        self,
        app: WSGIApplication,
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
        check_called(app, "WSGI")
        self._app = app
        self._front = Front(
            "blocking", rules, sources=sources, peers=peers, explain=explain, realm=realm, resource=resource,
            ceremonies=ceremonies, recorder=recorder, shadow=shadow, clock=clock, recheck=recheck, root=root,
        )  # fmt: skip
        self._gate = self._front.gate
        self._ceremonies = (
            None if ceremonies is None else CeremoniesApp(ceremonies, sources=sources, peers=peers, clock=clock)
        )

    def report(self) -> Report:
        """Every rule with the policy it requires, and what protects everything else."""
        return self._front.report()

    def check(self) -> None:
        """Log the report, the first time; else the first request does. Rules are checked before that."""
        self._front.start()

    def recheck(self) -> None:
        """Decide anew about all streaming responses that go on, each before its next part; from any thread."""
        self._gate.rounds.call()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let one request through, or answer it."""
        request: AccessRequest | None = None
        place: Checkpoint | Answer | None = None
        try:
            front, gate = self._front, self._gate
            if not front.started:
                front.start()
            request = wsgi_request(environ, gate.clock(), gate.sources, gate.peers)
            spelling = spelling_of(environ)
            place = (front.known.get(spelling) if spelling else None) or front.place(request, spelling)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must neither allow nor answer 500
            place = self._gate.failed(request, NO_ROUTE, error)
        if isinstance(place, Checkpoint) and request is not None:
            sources = self._gate.sources.beside(Body(environ)) if place.looks_at_body else None
            outcome = self._gate.admit(place, request, sources)
            if isinstance(outcome, Passed):
                return Handling(self._gate, place, request, outcome, environ, start_response).run(self._app)
            place = outcome
        if place is None and self._ceremonies is not None:
            return self._ceremonies(environ, start_response)
        assert isinstance(place, Answer), "there is nothing else left"  # noqa: S101
        return refuse(place, environ, start_response)
