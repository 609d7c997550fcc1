"""What stands around one application's dispatch, inside all WSGI middleware, and lets nothing through undecided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Request, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import MapAdapter, Rule

from zerotrust.core.errors import Denied
from zerotrust.flask.context import check_dispatch, current
from zerotrust.flask.protections import Protections
from zerotrust.flask.ready import WSGI, Ready
from zerotrust.flask.routes import answers_options, path_of, rules
from zerotrust.flask.sending import add, sent
from zerotrust.flask.session import FlaskSession
from zerotrust.web.ambient import enter, leave
from zerotrust.web.answer import Answer, undecided
from zerotrust.web.gate import NO_ROUTE, Checkpoint, Gate, Passed
from zerotrust.web.raised import denied_in
from zerotrust.web.report import Report
from zerotrust.web.wsgi_request import wsgi_request
from zerotrust.wsgi.body import Body
from zerotrust.wsgi.standing import Lasting, Parts, is_events

if TYPE_CHECKING:
    from zerotrust.flask.guard import Guard

EXTENSION: Final = "zerotrust"
"""Where an application has its door, as Flask's extensions have it."""

_PASSED: Final = "_zerotrust_passed"  # of the request object: in the environment it would be a circle
_TARGET: Final = "_zerotrust_target"  # and what it was let in to


class _Refused(BaseException):
    """Brings a refusal past what the application handles, its `after_request` functions among it, to the door."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Door:
    """The guard of one application.

    Args:
        app: the application.
        guard: whose rules and requirements count.
        gate: decides here; that of the guard, or one for this application alone.
    """

    def __init__(self, app: Flask, guard: Guard, gate: Gate) -> None:
        check_dispatch(app)
        self.app: Flask = app
        self.guard: Guard = guard
        self.gate: Gate = gate
        self._ready = Ready(app, gate, guard.policies)
        self._protections = Protections(app, guard.rules, guard, self._ready.reasons)
        self._checked = -1  # the version of the guard's rules that was
        self._dispatch: Callable[..., Response] = app.full_dispatch_request
        self._to_view: Callable[..., Any] = app.dispatch_request
        self._on_user_error: Callable[..., Any] = app.handle_user_exception
        self._on_error: Callable[..., Response] = app.handle_exception
        for name, mine in (
            ("full_dispatch_request", self.dispatch),
            ("dispatch_request", self.to_view),
            ("handle_user_exception", self.handle_user_exception),
            ("handle_exception", self.handle_exception),
        ):
            setattr(app, name, mine)

    # --- Standing in the way -----------------------------------------------------------------------------------------

    def dispatch(self, *given: Any) -> Response:
        """Takes the place of the application's `full_dispatch_request`."""
        context = given[0] if given else current()
        request: Request = context.request
        target = self._target(request)
        outcome = self._admit(request, context)
        if isinstance(outcome, Answer):
            return sent(outcome)
        ready = self._ready.app_of(request.url_rule) if self._ready else None
        if ready is not None:
            return self._ready_response(ready, request)
        setattr(request, _PASSED, outcome)
        setattr(request, _TARGET, target)
        token = enter(outcome.access)
        try:
            response = self._dispatch(*given)
            return self._continued(response, self._passed(request) or outcome)  # as `to_view` may have decided last
        except _Refused as refused:
            return sent(refused.answer)
        except Exception as error:
            denied = denied_in(error)
            if denied is None:
                raise
            passed = self._passed(request) or outcome
            return self._continued(self._refusal(denied, passed, request, given), passed)
        finally:
            leave(token)

    def to_view(self, *given: Any) -> Any:
        """Takes the place of the application's `dispatch_request`, which reads anew what to run.

        What a `before_request` function has put in the place of what was decided on is decided on here, and so is what
        the application dispatches itself, in a request context of its own making.
        """
        context = given[0] if given else current()
        request: Request = context.request
        target = self._target(request)
        before = getattr(request, _TARGET, None)
        if before is not None and all(map(is_, before, target)):
            return self._to_view(*given)
        outcome = self._admit(request, context)
        if isinstance(outcome, Answer):
            if before is None:
                return sent(outcome)
            raise _Refused(outcome)
        setattr(request, _PASSED, outcome)
        if before is not None:  # else no door stands around it that a refusal could be brought to
            setattr(request, _TARGET, target)
        token = enter(outcome.access)
        try:
            return self._to_view(*given)
        finally:
            leave(token)

    def _target(self, request: Request) -> tuple[object, ...]:
        """What a request leads to: all that a decision goes by and the application may change."""
        rule = request.url_rule
        view = None if rule is None else self.app.view_functions.get(rule.endpoint)
        return rule, view, request.method

    def _ready_response(self, ready: WSGI, request: Request) -> Response:
        try:
            return self._ready.response(ready, request)
        except Exception as error:  # noqa: BLE001 - what is ours must not end in the application's 500
            return sent(self.gate.failed(None, path_of(request.url_rule) if request.url_rule else NO_ROUTE, error))

    def handle_exception(self, *given: Any) -> Response:
        """Takes the place of the application's own: what failed before it was dispatched was not decided on yet."""
        context = given[0] if len(given) > 1 else current()
        request: Request = context.request
        passed = self._passed(request)
        if passed is None:
            outcome = self._admit(request, context)
            if isinstance(outcome, Answer):
                return sent(outcome)
            passed = outcome
        token = enter(passed.access)
        try:
            return self._continued(self._on_error(*given), passed)
        finally:
            leave(token)

    def handle_user_exception(self, *given: Any) -> Any:
        """Takes the place of the application's own: `Denied` is answered as any refusal, unless it is handled there."""
        error: Exception = given[-1]
        denied = denied_in(error)
        request: Request = (given[0] if len(given) > 1 else current()).request
        passed = self._passed(request)
        if denied is None or passed is None or self._handles(error, request):
            return self._on_user_error(*given)
        if not denied.hidden:
            raise error  # to `dispatch`
        self._told(denied, passed, request)
        return self._on_user_error(*given[:-1], NotFound())

    def passed(self, request: Request) -> Passed | None:
        """What let `request` in, of this application; None if nothing has yet."""
        return self._passed(request)

    @staticmethod
    def _passed(request: Request) -> Passed | None:
        found: object = getattr(request, _PASSED, None)
        return found if isinstance(found, Passed) else None

    def _continued(self, response: Response, passed: Passed) -> Response:
        if response.is_streamed and not response.direct_passthrough:
            lasting = Lasting(self.gate, passed.place, passed.access)
            parts: Any = Parts(response.response, lasting, events=is_events(response.headers))
            response.response = parts
        if passed.headers:
            add(response, passed.headers)
        return response

    def _refusal(self, denied: Denied, passed: Passed, request: Request, given: tuple[Any, ...]) -> Response:
        told = self._told(denied, passed, request)
        if not denied.hidden:
            return sent(told)
        finalize: Callable[..., Response] = self.app.finalize_request
        return finalize(*given, self._on_user_error(*given, NotFound()), from_error_handler=True)

    def _told(self, denied: Denied, passed: Passed, request: Request) -> Answer:
        path = NO_ROUTE if request.url_rule is None else path_of(request.url_rule)
        asked = passed.access.request
        assert asked is not None, "what a gate lets in has its request"  # noqa: S101
        return self.gate.denied(denied, asked, path)

    def _handles(self, error: Exception, request: Request) -> bool:
        """Whether the application has a handler of its own for just this."""
        kinds = Denied if isinstance(error, Denied) else BaseExceptionGroup
        for name in (*request.blueprints, None):
            for kind in self.app.error_handler_spec[name][None]:
                if issubclass(kind, kinds) and isinstance(error, kind):
                    return True
        return False

    # --- Deciding ----------------------------------------------------------------------------------------------------

    def _admit(self, request: Request, context: Any) -> Passed | Answer:
        asked, path = None, NO_ROUTE
        try:
            rule, version = request.url_rule, self.guard.rules.version
            known = None if rule is None else self._protections.known(rule)
            if self._checked != version or (known is None and rule is not None):
                if not self._check():
                    return undecided()
                known = None if rule is None else self._protections.known(rule)
            place = known.checkpoint if known is not None else None
            if place is None or request.method == "OPTIONS" or request.routing_exception is not None:
                place = self._place(request, rule, context.url_adapter)
            path = place.path
            environ = request.environ
            gate = self.gate
            asked = wsgi_request(environ, gate.clock(), gate.sources, gate.peers)
            asked.session = FlaskSession(context)
            sources = gate.sources.beside(Body(environ)) if place.looks_at_body else None
            outcome = gate.admit(place, asked, sources)
            if self.guard.rules.version != version:  # while answers were waited for
                return undecided()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must neither allow nor answer 500
            return self.gate.failed(asked, path, error)
        return outcome

    def _place(self, request: Request, rule: Rule | None, adapter: MapAdapter | None) -> Checkpoint:
        """What a request has to meet; the default if no route serves it."""
        stopped = request.routing_exception
        protections = self._protections
        if adapter is not None and isinstance(stopped, MethodNotAllowed):
            return self._of_methods(adapter, set(stopped.valid_methods or ()), "(wrong method)")
        if rule is None or stopped is not None or adapter is None:
            return protections.fallback
        if request.method == "OPTIONS" and answers_options(rule):
            methods = set(adapter.allowed_methods()) - {"OPTIONS"}
            return self._of_methods(adapter, methods or {"OPTIONS"}, path_of(rule))
        return protections.checkpoint(rule, request.method)

    def _of_methods(self, adapter: MapAdapter, methods: set[str], path: str) -> Checkpoint:
        """What meets the policies of all routes of a path."""
        found: list[Checkpoint] = []
        for method in sorted(methods):
            try:
                rule: Rule = adapter.match(method=method, return_rule=True)[0]
            except HTTPException:  # it leads elsewhere by this method
                found.append(self._protections.fallback)
            else:
                found.append(self._protections.checkpoint(rule, method))
        return self._protections.all_of(found, path)

    # --- Looking at all of them --------------------------------------------------------------------------------------

    def report(self) -> Report:
        """Every route with the policy that protects it, as things are now."""
        protections = Protections(self.app, self.guard.rules, self.guard, self._ready.reasons)
        report = protections.report()
        self._protections = protections
        more = (*self._above_their_routes(), *self._ready.problems(line.path for line in report.lines))
        return replace(report, problems=(*report.problems, *more))

    def start(self) -> None:
        """Log the report, the first time; raises `ConfigError` if there are problems in it."""
        version = self.guard.rules.version
        self.gate.start(self.report(), self.guard.policies())
        self._checked = version

    def _check(self) -> bool:
        """Whether all is well, as things are now; while it is not, looked at with each request."""
        version = self.guard.rules.version
        report = self.report()
        sound = self.gate.sound(report)
        self._checked = version if sound else -1
        if sound:
            self.gate.start(report, self.guard.policies())
        return sound

    def _above_their_routes(self) -> Iterator[str]:
        """A problem for each view that is required something only after it became a view."""
        return self.guard.wrappers.problems(self.app.view_functions.get(rule.endpoint) for rule in rules(self.app))
