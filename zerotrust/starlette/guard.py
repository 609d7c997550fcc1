"""The guard: it stands right around the router's dispatch and lets nothing through without a decision."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar

from starlette.applications import Starlette
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope

from zerotrust.asgi.body import ANSWERED, with_body
from zerotrust.asgi.standing import Watch
from zerotrust.core.errors import ConfigError, Denied
from zerotrust.core.policy import Policy, anyone
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.starlette.denied import answer_denied, route_of
from zerotrust.starlette.dispatch import Dispatch
from zerotrust.starlette.late import refused
from zerotrust.starlette.metadata import BECAUSE, publish
from zerotrust.starlette.protections import Area, Entry, Protections
from zerotrust.starlette.requirement import Requirement
from zerotrust.starlette.routes import UNMATCHED, Routing
from zerotrust.web.access import Access
from zerotrust.web.ambient import ACCESS, current_access
from zerotrust.web.answer import Answer, undecided
from zerotrust.web.asgi_request import access_request
from zerotrust.web.aside import Records
from zerotrust.web.gate import NO_ROUTE, Checkpoint, Gate, Passed
from zerotrust.web.log import LOG
from zerotrust.web.mistaken import no_application
from zerotrust.web.peers import Peers
from zerotrust.web.report import Protection, Report
from zerotrust.web.resource import ProtectedResource
from zerotrust.web.shadow import Shadow

if TYPE_CHECKING:
    from zerotrust.starlette.ceremonies import Mounted
    from zerotrust.web.ceremonies import Ceremonies

_AREA = "zerotrust.area"
P = ParamSpec("P")
R = TypeVar("R")

_TRIES = 3  # to find the same route before and after the decision; the third time nothing is decided any more


class Guard:
    """Protects every route of an application, those added later and those of mounted applications included.

    A route's policy is that of its `guard.require(...)` (all of them, if several), with `guard.protect(...)` added;
    without either, the `default`. What no route serves - unknown paths, redirects - is answered to those only who
    meet the `default`; a wrong method, to those who meet the route's policy. The decision falls before the body is
    read, unless the policy looks at it (`Approval`), and then it is read last. Whatever goes wrong in it ends in a
    refusal.

    Args:
        app: the application; routes and middleware may be added before and after. Middleware runs
            outside the guard and sees requests that will be refused.
        default: the policy of every route without its own.
        sources: what answers the verifiers' questions; instant or async ones.
        peers: says who the peer of a connection is, asked once for a request, and only where a policy looks at it:
            `TlsPeer()` where this server ends TLS itself, or what a proxy in front of it is configured to send.
        explain: put the explanation tree into refusals. For development: it tells the caller the policy.
        realm: the protection space that challenges name (RFC 9110 section 11.5); the verifier's own unless given.
        resource: has the metadata of this resource served, to everybody, and challenges point there (RFC 9728).
        ceremonies: has the ready ceremonies served at their path; refusals that a factor cures then say so and where,
            and browsers that were going somewhere are led there and back.
        recorder: has each decision recorded, a `zerotrust.replay.Recorder`, so that other policies can be tried on it.
        shadow: policies to try beside those that are enforced; what they come to is reported and changes nothing.
        clock: tells the time in POSIX seconds; it is asked once here, and for each request.
        recheck: how late a revocation may count on WebSockets and streaming responses, which are decided anew so often,
            from a second to a day; None to do so when `access.valid_until` has passed, and by `recheck()` alone.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    routing: ClassVar[Routing] = Routing()

    def __init__(
        self,
        app: Starlette,
        *,
        default: Policy,
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
    ) -> None:
        if not isinstance(app, Starlette):
            raise no_application(app)
        self._app = app
        self._gate = Gate(
            "async", default=default, sources=sources, peers=peers, explain=explain, realm=realm, resource=resource,
            ceremonies=ceremonies, recorder=recorder, shadow=shadow, clock=clock, answered=ANSWERED,
            recheck=recheck,
        )  # fmt: skip
        self.lasts: Watch = Watch(self._gate)
        self._protections = Protections(self.routing, self._gate.default, self._enter, self._other)
        self._reporting = False
        self._checked = False
        self._ceremonies: Mounted | None = None
        self._guard_root()
        build = app.build_middleware_stack

        def build_guarded() -> ASGIApp:
            self._guard_root()  # the router may have been replaced since
            return build()

        setattr(app, "build_middleware_stack", build_guarded)  # noqa: B010 - to mypy it is a method
        self._begin()
        if resource is not None:
            self.open_route(publish(app.router, resource, self._protections.policies), because=BECAUSE)
        if ceremonies is not None:
            from zerotrust.starlette.ceremonies import BECAUSE as READY  # and with them all factors: not for everybody
            from zerotrust.starlette.ceremonies import Mounted

            self._ceremonies = Mounted(app.router, ceremonies, self._gate)
            for route in self._ceremonies.routes:
                self.open_route(route, because=READY)

    def _begin(self) -> None:
        """What a framework on top of Starlette adds, before anything is served for this guard itself."""

    # --- What is required where --------------------------------------------------------------------------------------

    def require(self, policy: Policy) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """What requires `policy`: a decorator for endpoints, sync and async, and for functions that they call.

        At the function that a route was given it is read before anything of the route runs. A method of an
        `HTTPEndpoint`, a function further in, or an endpoint whose marker is hidden decides by itself when called.
        """
        requirement = self.requirement(policy)

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            return requirement.around(function)

        return decorate

    def requirement(self, policy: Policy) -> Requirement:
        """The one requirement of this guard for `policy`; a `ConfigError` if that cannot be decided here."""
        checked = self._gate.policy(policy, "guard.require(...)")
        return self._protections.requirement(checked, self._required)

    def _required(self, policy: Policy) -> Requirement:
        return Requirement(policy, self._decide_late, self._gate.clock, self._decorated)

    def _decorated(self, function: Callable[..., Any], made: Callable[..., Any]) -> None:
        self._protections.wrappers.note(function, made)
        self._checked = self._checked and not any(self._protections.above_their_routes(self._app.router))

    def open(self, path: str, *, because: str) -> None:
        """Let everybody in at the route declared as `path`, or at the mount and below, unless a route requires more.

        Args:
            path: as the report shows it, e.g. `/docs`, `/items/{id}`, `/static/*`.
            because: the reason, which the report shows.
        """
        self._protections.add_rule(path, Protection(anyone(because=because), "guard.open"))
        self._checked = False

    def open_route(self, route: Route, *, because: str) -> None:
        """Let everybody in at this very route, and not at others of the same path: for routes that come ready-made.

        Args:
            route: stands in the routes of the application, or of one mounted there.
            because: the reason, which the report shows.
        """
        if not isinstance(route, Route):
            raise ConfigError(f"open_route takes a Route, not {route!r}; or write guard.open(path, because=...)")
        self._protections.add_route(route, Protection(anyone(because=because), "guard.open"))
        self._checked = False

    def protect(self, path: str, policy: Policy) -> None:
        """Require `policy` at the route or mount declared as `path` and below, besides what routes there require.

        Args:
            path: as the report shows it, e.g. `/docs`, `/items/{id}`, `/static/*`.
            policy: takes the place of the default there; of several rules around a route the closest counts. Of what
                was declared below a route, and not in a mount, the default is required as well.
        """
        self._protections.add_rule(path, Protection(self._gate.policy(policy, "guard.protect(...)"), "guard.protect"))
        self._checked = False

    @property
    def access(self) -> Access:
        """The access of the request that is being handled: `guard.access[token]` is the evidence, with its type.

        Raises:
            ConfigError: none is, that was let in.
        """
        access = current_access()
        if access is None:
            raise ConfigError("no request is being handled here that was let in; guard.access is for handlers")
        return access

    def report(self) -> Report:
        """Every route with the policy that protects it, as things are now."""
        self._reporting = True
        try:
            report = self._protections.report(self._app.router)
            more = () if self._ceremonies is None else self._ceremonies.hidden(report.lines)
            return replace(report, problems=(*report.problems, *more))
        finally:
            self._reporting = False

    def check(self) -> None:
        """Log the report, the first time. Called at start-up; without that, the first request finds the problems.

        Raises:
            ConfigError: there are problems in the report: a rule that meets no route, a route that was opened and is
                never got to, policies that cannot be combined, a decorator that its route does not have.
        """
        self._gate.start(self.report(), self._protections.policies())
        self._checked = True

    def recheck(self) -> None:
        """Decide anew, now, about all WebSockets and streaming responses that go on; from any thread."""
        self._gate.rounds.call()

    # --- Standing in the way -----------------------------------------------------------------------------------------

    def _guard_root(self) -> None:
        router = self._app.router
        watch = self._watch(router)
        if watch is None:
            raise ConfigError(
                f"{type(router).__name__} dispatches in a way of its own, so that a guard cannot tell which route will "
                "run; use the router of FastAPI or Starlette, or subclass it without overriding `app` or `__call__`"
            )
        if watch.guard is not self:
            raise ConfigError("this application has a Guard already; one serves for all: guard.require, guard.protect")
        self._root = router

    def _enter(self, router: Router) -> bool:
        watch = self._watch(router)
        return watch is not None and watch.guard is self

    def _other(self, router: Router) -> Report | None:
        """The report of another guard that stands before `router`; None too if it is being made already."""
        watch = self._watch(router)
        return None if watch is None or watch.guard is self or watch.guard._reporting else watch.guard.report()

    def _watch(self, router: Router) -> Dispatch | None:
        return self.routing.wrap(router, Dispatch, lambda dispatch: Dispatch(self, router, dispatch))

    async def admit(self, router: Router, scope: Scope, receive: Receive) -> Answer | Passed | None:
        """Decide whether `router` may dispatch `scope`; the body is received only if the policy comes to ask for it.

        Returns:
            The answer to refuse with; what the request goes on with; or None where what is mounted there decides.
        """
        place: Checkpoint | None = None
        request: AccessRequest | None = None
        try:
            if not self._checked and not self._check_late():
                return undecided()
            scope.pop(ACCESS, None)  # of a router that was entered before this one
            gate = self._gate
            passed: Passed | None = None
            under: Checkpoint | None = None
            for _ in range(_TRIES):
                entry = self._find(router, scope)
                if not self._checked and not self._check_late():
                    return undecided()
                place = entry.place
                if place is None:
                    if entry.problem is not None:
                        LOG.error("refused, since what is required cannot be told: %s", entry.problem)
                        return undecided()
                    scope[_AREA] = entry.area
                    return None
                if passed is not None and place is under:
                    return self._let_in(scope, passed)
                request = access_request(scope, gate.clock(), gate.sources, gate.peers)
                sources = with_body(gate.sources, scope, receive) if place.looks_at_body else None
                root = None if self._ceremonies is None else self._root_of(scope)
                outcome = await gate.admit_async(place, request, sources, root)
                if isinstance(outcome, Answer):
                    return outcome
                if entry.target is UNMATCHED:
                    break
                if not outcome.waited:
                    return self._let_in(scope, outcome)
                passed, under = outcome, place  # routes and rules may have changed while it was waited for
            return undecided()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must neither allow nor answer 500
            return self._gate.failed(request, NO_ROUTE if place is None else place.path, error)

    def _let_in(self, scope: Scope, passed: Passed) -> Passed:
        scope[ACCESS] = passed.access
        answer_denied(scope, self.told, self._gate.desk)
        return passed

    def _find(self, router: Router, scope: Scope) -> Entry:
        if self._ceremonies is not None and router is self._root:
            self._ceremonies.entered(scope)
        protections = self._protections
        area: Area | None = scope.get(_AREA)
        if area is None or area.owner is not protections:
            area = protections.top
        if area is not protections.top or router is not self._root:
            area = area.of(router, self._root)
        target, owner = self.routing.pick(router, scope)
        entry = area.entries.get(id(target))
        if entry is not None and entry.inner is None:
            return entry  # what is mounted may have been replaced; of anything else what is known holds
        self._checked = self._checked and not protections.wrappers.has(getattr(target, "endpoint", None))  # come since
        return protections.entry(area, target, owner)

    def _check_late(self) -> bool:
        """Check at a request what was not checked at start-up, or has changed since; while it fails, at every one."""
        self._checked = self._gate.sound(self.report())
        return self._checked

    def _root_of(self, scope: Scope) -> str | None:
        """Where the application with the ceremonies is mounted; what is mounted further in has a root of its own."""
        return None if self._ceremonies is None else self._ceremonies.root_of(scope)

    async def told(self, scope: Scope, denied: Denied) -> Answer:
        """The answer to a refusal that was raised while a request was handled, as any refusal is answered."""
        gate, request = self._gate, None
        try:
            request = scope[ACCESS].request if ACCESS in scope else None
            if request is None:
                request = access_request(scope, gate.clock(), gate.sources, gate.peers)
            return await gate.denied_async(denied, request, route_of(scope), self._root_of(scope))
        except Exception as error:  # noqa: BLE001 - as in `admit`
            return gate.failed(request, route_of(scope), error)

    async def _decide_late(self, requirement: Requirement, scope: Scope) -> Access:
        """Decide inside FastAPI's dependencies, where the guard did not on the way in; raises the refusal."""
        route, gate, request = route_of(scope), self._gate, None
        if not requirement.told_late:
            requirement.told_late = True
            LOG.warning("at %s no Guard stands before a guard.require(...): put Guard(app, ...) on its app", route)
        try:
            request = access_request(scope, gate.clock(), gate.sources, gate.peers)
            place = Checkpoint(Protection(requirement.policy, "guard.require"), route, frozenset((requirement,)))
            outcome = await gate.admit_async(place, request, None, self._root_of(scope))
            if isinstance(outcome, Passed):
                answer_denied(scope, self.told, gate.desk)
                return outcome.access
        except Exception as error:  # noqa: BLE001 - as in `admit`
            outcome = gate.failed(request, route, error)
        raise refused(scope, outcome)
