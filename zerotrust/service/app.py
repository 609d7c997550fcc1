"""The decision service: an ASGI application that answers whether a request that somebody else got may pass.

Nothing here says 2xx by accident: an answer that allows is made in one place, from an `Allow`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Final

from zerotrust.asgi.body import read_body
from zerotrust.asgi.types import Receive, Scope, Send
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import MALFORMED, UNTRUSTED_HOP, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.service import authzen, log
from zerotrust.service.callers import unproven
from zerotrust.service.forwarded import BY_HEADERS, ENVOY, NGINX, Dialect, forwarded, said
from zerotrust.service.metrics import CONTENT_TYPE, Metrics
from zerotrust.service.setup import Setup
from zerotrust.web.answer import Answer, problem_answer
from zerotrust.web.asgi_request import access_request
from zerotrust.web.clock import check_clock
from zerotrust.web.gate import NO_ROUTE, Passed
from zerotrust.web.log import Warnings
from zerotrust.web.peers.headers import collect

PROVEN: Final = "zerotrust.proven"
"""Stands in the scope of a request whose sender has proven to be a caller."""

_NOT_FOUND: Final = problem_answer(404, {"code": "not_found", "detail": "there is nothing here"})
_NO_METHOD: Final = {"code": "method_not_allowed", "detail": "this is asked with another method"}
_UNASKED: Final = ("not_found", "method_not_allowed")
_READING: Final = ("GET", "HEAD")
_BODY_SECONDS: Final = 10.0
_MAX_NAME: Final = 256  # characters of a request's name
_UNKNOWN: Final = "(unknown)"
_JSON: Final = b"application/json"
_PLAIN: Final = b"text/plain; charset=utf-8"
_NO_STORE: Final = (b"cache-control", b"no-store")


class Service:
    """Answers proxies and AuthZEN callers by the policies of one file, which can be replaced while it runs.

    A decision that has begun is finished with the policies it began with.

    Args:
        setup: the policies to begin with.
        private: whether it listens where nobody but callers can connect, on a Unix socket.
        clock: tells the time in POSIX seconds.
        timer: tells seconds from no particular moment, for how long decisions take.

    Attributes:
        metrics: what it has counted.
        draining: whether it is about to end; /readyz says so.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        private: bool = False,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._clock = check_clock(clock)
        self._timer = timer
        self._private = private
        self._warnings = Warnings()
        self.metrics: Metrics = Metrics()
        self.draining: bool = False
        self._setup = setup
        self.use(setup)

    @property
    def setup(self) -> Setup:
        """The policies in force."""
        return self._setup

    def use(self, setup: Setup) -> None:
        """Put `setup` in force, for all that is asked from now on."""
        if not setup.callers and not self._private:
            raise ConfigError("these policies name no callers, and anybody can connect; write callers = Caller(...)")
        setup.start()
        self._setup = setup
        self.metrics.loaded_at = self._clock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            ConfigError: it is none of `http`, `websocket` and `lifespan`.
        """
        kind = scope["type"]
        if kind == "lifespan":
            await _lifespan(receive, send)
            return
        if kind == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})  # before accept: 403
            return
        if kind != "http":
            raise ConfigError(f"a decision service answers http alone, not {str(kind)[:40]!r}")
        setup = self._setup
        setup.users += 1
        try:
            answer = await self._answer(setup, scope, receive)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must neither allow nor answer 500
            answer = setup.gate.failed(None, NO_ROUTE, error)
        finally:
            setup.users -= 1
        if answer.code in _UNASKED:  # by what is set up wrongly, else nobody comes here
            log.refused(_UNKNOWN, NO_ROUTE, answer.status, answer.code, log.request_id(None), {})
        body = b"" if scope.get("method") == "HEAD" else answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, setup: Setup, scope: Scope, receive: Receive) -> Answer:
        path, sent, method = scope["path"], scope.get("raw_path"), scope["method"]
        literal = sent is None or sent == path.encode("utf-8", "replace")  # else it was written with %xx
        if path.startswith(f"{ENVOY.mount}/"):
            return await self._asked(setup, scope, ENVOY)
        if not literal:
            return _NOT_FOUND
        if (dialect := BY_HEADERS.get(path)) is not None:
            answer = await self._asked(setup, scope, dialect) if method == "GET" else _not_allowed("GET")
            return for_nginx(answer) if dialect is NGINX else answer
        if path in (authzen.EVALUATION, authzen.EVALUATIONS):
            return await self._evaluate(setup, scope, receive) if method == "POST" else _not_allowed("POST")
        metadata = None if setup.pdp is None else authzen.well_known(setup.pdp)
        if path not in ("/healthz", "/readyz", "/metrics", metadata):
            return _NOT_FOUND
        if method not in _READING:
            return _not_allowed("GET, HEAD")
        if path == "/healthz":
            return _plain(200, "alive\n")
        if path == "/readyz":
            return self._ready()
        if path == "/metrics":
            return self._metrics(setup, scope)
        return _json(200, authzen.configuration(setup.pdp or ""))

    # --- Proxies -----------------------------------------------------------------------------------------------------
    async def _asked(self, setup: Setup, scope: Scope, dialect: Dialect) -> Answer:
        """The answer to a proxy."""
        began = self._timer()
        gate, route = setup.gate, NO_ROUTE
        asked = access_request(scope, self._clock(), gate.sources, gate.peers)
        try:
            refused = _unproven(setup, asked, scope)
            request = refused if refused is not None else forwarded(asked, scope, dialect, setup.hidden)
            wrong = _forged(asked, setup) if isinstance(request, AccessRequest) else None
            if refused is not None:
                self._warnings.tell(refused, dialect.mount, asked.now)
                answer = _refusal(403, refused)
            elif wrong is not None:
                answer = _refusal(400, wrong)
            elif isinstance(request, Reason):
                self._warnings.tell(request, dialect.mount, asked.now)
                answer = _refusal(400, request)
            else:
                place = setup.rules.find(request)
                if isinstance(place, Reason):
                    answer = gate.unreadable(place, request)
                else:
                    route = place.path
                    outcome = await gate.admit_async(place, request)
                    answer = self._let_in(setup, outcome) if isinstance(outcome, Passed) else outcome
        except Exception as error:  # noqa: BLE001 - as above; here the route is known
            answer = gate.failed(asked, route, error)
        self._count(dialect.name, route, answer.status, answer.code, began)
        if answer.status < 300:
            return answer
        proven = PROVEN in scope  # nobody else has a say in the log
        name = log.request_id(asked if proven else None)
        told = log.about(*said(asked, scope, dialect)) if proven else {}
        log.refused(dialect.name, route, answer.status, answer.code, name, told)
        return _named(answer, name)

    def _let_in(self, setup: Setup, passed: Passed) -> Answer:
        """The one answer that allows, with what the application is told."""
        headers = ((b"content-length", b"0"), _NO_STORE, *setup.identity.headers(passed.access), *passed.headers)
        return Answer(200, headers, b"", "")

    # --- AuthZEN -----------------------------------------------------------------------------------------------------
    async def _evaluate(self, setup: Setup, scope: Scope, receive: Receive) -> Answer:
        asked = access_request(scope, self._clock(), setup.sources)
        given, name, began = asked.header(log.REQUEST_ID), log.request_id(asked), self._timer()
        if isinstance(given, Reason) or (given is not None and len(given) > _MAX_NAME):
            given, answer = None, _refusal(400, MALFORMED(detail="the x-request-id header"))  # cannot be sent back
        else:
            answer = await self._evaluated(setup, asked, scope, receive, name)
        if answer.status >= 300:
            name = name if PROVEN in scope else log.request_id(None)
            self._count("authzen", _UNKNOWN, answer.status, answer.code, began)
            log.refused("authzen", _UNKNOWN, answer.status, answer.code, name, {})
        return _named(answer, name if given is None else given)

    async def _evaluated(self, setup: Setup, asked: AccessRequest, scope: Scope, receive: Receive, name: str) -> Answer:
        if (refused := _unproven(setup, asked, scope)) is not None:
            self._warnings.tell(refused, authzen.EVALUATION, asked.now)
            answer = _refusal(401, refused)
            challenge = (b"www-authenticate", b'Hop-Secret realm="decision service"')
            return Answer(answer.status, (*answer.headers, challenge), answer.body, answer.code)
        kind = asked.header("content-type")
        if not isinstance(kind, str) or kind.partition(";")[0].strip().lower() != "application/json":
            return _refusal(400, MALFORMED(expected="content-type: application/json", detail="the content-type header"))
        body = await read_body(scope, receive, authzen.MAX_BODY, _BODY_SECONDS)
        if isinstance(body, Answer):
            return body
        batch = authzen.read(body, asked, several=scope["path"] == authzen.EVALUATIONS)
        if isinstance(batch, Reason):
            return _refusal(400, batch)
        told: list[dict[str, object]] = []
        for one in batch.evaluations:
            decided = await self._decided(setup, one, name)
            told.append(decided)
            if (batch.semantic == "deny_on_first_deny" and decided["decision"] is not True) or (
                batch.semantic == "permit_on_first_permit" and decided["decision"] is True
            ):
                break
        return _json(200, told[0] if batch.single else {"evaluations": told})

    async def _decided(self, setup: Setup, one: authzen.Evaluation | Reason, name: str) -> dict[str, object]:
        began, gate = self._timer(), setup.gate
        place = setup.actions.get(one.action) if isinstance(one, authzen.Evaluation) else None
        status, code = 200, ""
        if isinstance(one, Reason):
            status, code = 400, one.code
            answered = authzen.denied(code, f"{one.kind.sentence}: {one.detail}", status)
        elif place is None:
            status, code = 403, "unknown_action"
            answered = authzen.denied(code, "no policy is about this action")
        else:
            try:
                outcome = await gate.admit_async(place, one.request)
                if not isinstance(outcome, Passed):
                    status, code = outcome.status, outcome.code
                    answered = authzen.refused(outcome)
                elif not authzen.is_about(outcome.access, one.subject):
                    status, code = 403, "wrong_subject"
                    answered = authzen.denied(code, "what was presented is about somebody else")
                else:
                    answered = authzen.permitted(outcome.access, setup.identity.headers(outcome.access))
            except Exception as error:  # noqa: BLE001 - as above
                failed = gate.failed(one.request, place.path, error)
                status, code, answered = failed.status, failed.code, authzen.refused(failed)
        route = _UNKNOWN if place is None else place.path
        self._count("authzen", route, status, code, began)
        if status >= 300:
            log.refused("authzen", route, status, code, name, {})
        return answered

    # --- About itself ------------------------------------------------------------------------------------------------
    def _ready(self) -> Answer:
        if self.draining:
            return _plain(503, "draining: no new connections\n")
        if self.metrics.reload_failed:
            return _plain(200, "ready, with old policies: the policy file as it is now cannot be used, see the log\n")
        return _plain(200, "ready\n")

    def _metrics(self, setup: Setup, scope: Scope) -> Answer:
        """The counters, for this machine itself and for callers: they name routes."""
        asked = access_request(scope, self._clock())
        address = asked.address
        if setup.callers and not (address is not None and address.is_loopback):
            refused = _unproven(setup, asked, scope)
            if refused is not None:
                return _refusal(403, refused)
        return _text(200, self.metrics.text(), CONTENT_TYPE)

    def _count(self, mount: str, route: str, status: int, code: str, began: float) -> None:
        self.metrics.decided(mount, route, status, code, self._timer() - began)


def for_nginx(answer: Answer) -> Answer:
    """`answer` as `auth_request` takes it: 401 and 403 are refusals to it, every other one is an error (500).

    What else it would be stands in `x-decision-status`, `x-decision-code` and `retry-after`, for `auth_request_set`.
    """
    more = ((b"x-decision-status", str(answer.status).encode()), (b"x-decision-code", answer.code.encode("ascii")))
    if answer.status == 200:
        return answer
    status = answer.status if answer.status in (401, 403) else 403
    return Answer(status, (*answer.headers, *more), answer.body, answer.code)


def _named(answer: Answer, name: str) -> Answer:
    """`answer` with the id of its request, so that whoever gets it can say which line of the log is about it."""
    named = (log.REQUEST_ID.encode(), name.encode("ascii"))
    return Answer(answer.status, (*answer.headers, named), answer.body, answer.code)


def _unproven(setup: Setup, asked: AccessRequest, scope: Scope) -> Reason | None:
    """Why what was sent comes from no caller; None if it does, which is noted in its scope."""
    refused = unproven(setup.callers, asked) if setup.callers else None
    if refused is None:
        scope[PROVEN] = True
    return refused


def _forged(asked: AccessRequest, setup: Setup) -> Reason | None:
    """A header that some server behind may take for an identity header: `X_Auth_Subject` for `X-Auth-Subject`.

    One of that very name is no matter: the proxy puts ours in its place.
    """
    _, wrong = collect([pair for pair in asked.headers if pair[0] not in setup.identity.names], setup.identity.names)
    return wrong


def _refusal(status: int, reason: Reason) -> Answer:
    kind = UNTRUSTED_HOP if status in (401, 403) else reason.kind
    detail = f"{kind.sentence}: {reason.detail}" if reason.detail and status == 400 else kind.sentence
    return problem_answer(status, {"code": kind.code, "detail": detail})


def _not_allowed(allow: str) -> Answer:
    return problem_answer(405, _NO_METHOD, ((b"allow", allow.encode()),))


def _plain(status: int, text: str) -> Answer:
    return _text(status, text, _PLAIN)


def _json(status: int, value: object) -> Answer:
    return _text(status, json.dumps(value), _JSON)


def _text(status: int, text: str, kind: bytes) -> Answer:
    body = text.encode()
    fixed = ((b"content-type", kind), (b"content-length", str(len(body)).encode()), _NO_STORE)
    return Answer(status, fixed, body, "")


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
