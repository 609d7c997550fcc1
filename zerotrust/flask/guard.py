"""The guard: it stands right around an application's dispatch and lets nothing through without a decision."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

import flask
from flask import Flask

from zerotrust.core.errors import ConfigError, Denied
from zerotrust.core.policy import Policy, anyone, called
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.flask.commands import commands
from zerotrust.flask.context import current
from zerotrust.flask.door import EXTENSION, Door
from zerotrust.flask.protections import Rules
from zerotrust.flask.requirement import Requirement
from zerotrust.flask.sending import refused
from zerotrust.flask.session import FlaskSession
from zerotrust.web.access import Access
from zerotrust.web.ambient import current_access
from zerotrust.web.answer import Answer
from zerotrust.web.aside import Records
from zerotrust.web.functions import for_nobody
from zerotrust.web.gate import Checkpoint, Gate
from zerotrust.web.mistaken import no_application
from zerotrust.web.peers import Peers
from zerotrust.web.report import Protection, Report
from zerotrust.web.resource import ProtectedResource
from zerotrust.web.shadow import Shadow
from zerotrust.web.wrapped import Wrappers, chain
from zerotrust.web.wsgi_request import wsgi_request

if TYPE_CHECKING:
    from zerotrust.web.ceremonies import Ceremonies

P = ParamSpec("P")
R = TypeVar("R")

_LOG: Final = logging.getLogger("zerotrust.guard")


class Guard:
    """Protects every route of an application, those added later included.

    A route's policy is that of its `guard.require(...)` (all of them, if several), with `guard.protect(...)` added;
    without either, the `default`. What no route serves - unknown paths, redirects - is answered to those only who
    meet the `default`; a wrong method, to those who meet the policies of that path's routes. The decision falls before
    any function of the application is called, and before the body is read, unless the policy looks at it (`Approval`).
    Whatever goes wrong in it ends in a refusal.

    Args:
        app: the application; None if `init_app` is to be called with it later. Routes may be added before and after.
        default: the policy of every route without its own.
        sources: what answers the verifiers' questions; instant or blocking ones.
        peers: says who the peer of a connection is, asked once for a request, and only where a policy looks at it.
        explain: put the explanation tree into refusals. For development: it tells the caller the policy.
        realm: the protection space that challenges name (RFC 9110 section 11.5); the verifier's own unless given.
        resource: has the metadata of this resource served, to everybody, and challenges point there (RFC 9728).
        ceremonies: has the ready ceremonies served at their path; refusals that a factor cures then say so and where,
            and browsers that were going somewhere are led there and back.
        recorder: has each decision recorded, a `zerotrust.replay.Recorder`, so that other policies can be tried on it.
        shadow: policies to try beside those that are enforced; what they come to is reported and changes nothing.
        clock: tells the time in POSIX seconds; it is asked once here, and for each request.
        recheck: how late a revocation may count on streaming responses, which are decided anew so often before a part
            is sent, from a second to a day; None to do so when `access.valid_until` has passed, and by `recheck()`
            alone.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(
        self,
        app: Flask | None = None,
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
        self._gate_with = partial(
            Gate, "blocking", default=default, peers=peers, explain=explain, realm=realm, resource=resource,
            ceremonies=ceremonies, recorder=recorder, shadow=shadow, recheck=recheck,
        )  # fmt: skip
        self.gate: Gate = self._gate_with(sources=sources, clock=clock)
        self.rules: Rules = Rules(self.gate.default)
        self._requirements: dict[Policy, Requirement] = {}
        self.wrappers: Wrappers = Wrappers()
        self._protected: list[weakref.ref[Flask]] = []
        if app is not None:
            self.init_app(app)

    def recheck(self) -> None:
        """Decide anew about all streaming responses that go on, each before its next part; from any thread."""
        for gate in {self.gate, *(door.gate for door in self._doors())}:
            gate.rounds.call()

    def init_app(self, app: Flask, *, sources: Sources | None = None, clock: Callable[[], float] | None = None) -> None:
        """Protect `app`; the same guard may protect several applications, such as those that a factory makes.

        Args:
            app: the application.
            sources: what answers for this application, as in a test; those of the guard unless given.
            clock: what tells the time for this application, POSIX seconds; that of the guard unless given.

        Raises:
            ConfigError: it has a guard already, dispatches in a way that is not known, or these sources do not answer
                what the policies need that were given so far.
        """
        if not isinstance(app, Flask):
            raise no_application(app)
        if EXTENSION in app.extensions:
            raise ConfigError("this application has a Guard already; one serves for all: guard.require, guard.protect")
        gate = self.gate
        if sources is not None or clock is not None:
            gate = self._gate_with(
                sources=gate.sources if sources is None else sources, clock=gate.clock if clock is None else clock
            )
            for policy in self.policies():
                gate.policy(policy, "init_app(...)")
        app.extensions[EXTENSION] = Door(app, self, gate)
        app.cli.add_command(commands())
        self._protected = [one for one in self._protected if one() is not None] + [weakref.ref(app)]

    # --- What is required where --------------------------------------------------------------------------------------

    def require(self, policy: Policy) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """What requires `policy`: a decorator for views, methods of class-based views, and functions that they call.

        Write it below `@app.route(...)`. At a view it is read before anything of the application runs. A function that
        a view calls decides by itself, with the request that is being handled, and raises `Denied`; so does a view
        whose marker another decorator hides. Outside of requests nobody is served: `Denied`, unless somebody is
        acting: `with zerotrust.functions.Guard(sources=...).acting(headers): ...`.
        """
        checked = self.gate.policy(policy, "guard.require(...)")
        known = self._requirements.get(checked)
        if known is None:
            known = self._requirements[checked] = Requirement(checked, self)
        return known

    def open(self, path: str, *, because: str) -> None:
        """Let everybody in at the routes declared as `path`, unless they require more.

        Args:
            path: as declared, with the prefixes of blueprints, e.g. `/docs`, `/items/<int:id>`, `/static/*`.
            because: the reason, which the report shows.
        """
        self.rules.add(path, Protection(anyone(because=because), "guard.open"))

    def protect(self, path: str, policy: Policy) -> None:
        """Require `policy` at the routes declared as `path` and below, besides what they require.

        Args:
            path: as declared, with the prefixes of blueprints, e.g. `/docs`, `/items/<int:id>`; `/admin/*` for all that
                is declared below `/admin/`.
            policy: takes the place of the default there; of several rules around a route the closest counts. Of what
                was declared below a path without `/*`, the default is required as well.
        """
        self.rules.add(path, Protection(self.gate.policy(policy, "guard.protect(...)"), "guard.protect"))

    @property
    def access(self) -> Access:
        """The access of the request that is being handled.

        Raises:
            ConfigError: none is, or this guard does not stand before it.
        """
        access = self._access()
        if access is None:
            raise ConfigError(
                "guard.access is for views and what they call: no request that it let in is being handled"
            )
        return access

    def report(self, app: Flask | None = None) -> Report:
        """Every route with the policy that protects it, as things are now.

        Args:
            app: the application; unless given, the current one, and without one all that the guard protects.

        Raises:
            ConfigError: the guard protects no application, or not this one.
        """
        reports = [door.report() for door in self._asked(app)]
        lines = dict.fromkeys(line for report in reports for line in report.lines)
        problems = dict.fromkeys(problem for report in reports for problem in report.problems)
        return Report(tuple(lines), self.gate.default, tuple(problems))

    def check(self, app: Flask | None = None) -> None:
        """Log the report, the first time. Call it once all routes are there; else the first request finds the problems.

        Args:
            app: as for `report`; give it in a factory, which answers for the application that it makes.

        Raises:
            ConfigError: a rule meets no route, a requirement stands where it cannot be seen, policies that meet at
                one route cannot be combined; or what `report` raises.
        """
        for door in self._asked(app):
            door.start()

    def policies(self) -> Iterator[Policy]:
        """All that were given, wherever they hold; what several of them combine to is not among them."""
        yield self.gate.default.policy
        yield from [rule.policy for rule in self.rules.by_path.values()]
        yield from list(self._requirements)

    # --- While a request is handled ----------------------------------------------------------------------------------

    def meet(self, requirement: Requirement) -> Access | None:
        """Have `requirement` met by who is being served. Called where something requires it.

        Returns:
            The access that is new here; None if there is one already that was given for it.

        Raises:
            Denied: it is not met, or nobody is being served.
            werkzeug.exceptions.HTTPException: it is not met, where no guard stands that would answer; or it could not
                be decided.
        """
        access = self._access()
        if access is None:
            return self._decide_late(requirement)
        gate = self._gate()
        if access.granted(requirement, gate.clock()):
            return None
        try:
            return access.under(access.check(requirement.policy))
        except Denied:
            raise
        except Exception as error:
            if not flask.has_request_context():
                raise
            raise refused(gate.failed(access.request, called(requirement.policy), error)) from None

    def marked(self, function: Callable[..., object], marked: Callable[..., object]) -> None:
        """Take note that `marked` stands for `function` from now on."""
        self.wrappers.note(function, marked)
        decorated = {id(one) for one in chain(function)}
        views = [view for door in self._doors() for view in list(door.app.view_functions.values())]
        if any(id(one) in decorated for view in views for one in chain(view)):
            self.rules.version += 1  # it stands above the decorator that made the route

    def _access(self) -> Access | None:
        access = current_access()
        if access is None and flask.has_request_context():  # in a stream, say, which outlives the view
            door = flask.current_app.extensions.get(EXTENSION)
            passed = door.passed(flask.request) if isinstance(door, Door) and door.guard is self else None
            access = None if passed is None else passed.access
        return access

    def _decide_late(self, requirement: Requirement) -> Access:
        """Decide where no guard did on the way in; raises the refusal."""
        if not flask.has_request_context():
            return Access(for_nobody(requirement.policy, self.gate.clock()), frozenset((requirement,)))
        gate, environ, route = self.gate, flask.request.environ, str(flask.request.url_rule or "a route")
        if not requirement.told_late:
            requirement.told_late = True
            _LOG.warning("at %s no Guard stands before a guard.require(...): write guard.init_app(app)", route)
        try:
            request = wsgi_request(environ, gate.clock(), gate.sources, gate.peers)
            request.session = FlaskSession(current())
            place = Checkpoint(Protection(requirement.policy, "guard.require"), route, frozenset((requirement,)))
            outcome = gate.admit(place, request)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must neither allow nor answer 500
            outcome = gate.failed(None, route, error)
        if isinstance(outcome, Answer):
            raise refused(outcome)
        return outcome.access

    def _gate(self) -> Gate:
        """That of the application that is running, if this guard protects it."""
        if flask.has_app_context():
            door = flask.current_app.extensions.get(EXTENSION)
            if isinstance(door, Door) and door.guard is self:
                return door.gate
        return self.gate

    def _doors(self) -> list[Door]:
        apps = [app for one in self._protected if (app := one()) is not None]
        return [cast("Door", app.extensions[EXTENSION]) for app in apps]

    def _asked(self, app: Flask | None) -> list[Door]:
        """The doors that somebody wants to know of."""
        doors = self._doors()
        if not doors:
            raise ConfigError("this guard protects no application: write guard.init_app(app)")
        if app is None and flask.has_app_context():
            here: object = cast("Any", flask.current_app)._get_current_object()
            return [door for door in doors if door.app is here] or doors
        if app is None:
            return doors
        if not (found := [door for door in doors if door.app is app]):
            raise ConfigError(f"this guard does not protect {app!r}: write guard.init_app(app)")
        return found
