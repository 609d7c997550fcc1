"""What all doors share: a request comes to a checkpoint, and is let in or answered. Nothing here knows a framework."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from zerotrust.core.ask import Ask, Gather, ReadBody
from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.errors import ConfigError, Denied
from zerotrust.core.policy import Policy
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.driver import NO_SOURCES, Budget, Sources, check_sources, run, run_async
from zerotrust.engine import deciding
from zerotrust.web import log
from zerotrust.web.access import Access
from zerotrust.web.answer import Answer, answer, problem_answer, undecided
from zerotrust.web.approving import approval_alone
from zerotrust.web.aside import Records
from zerotrust.web.besides import Besides
from zerotrust.web.challenge import check_realm
from zerotrust.web.checking import Desk
from zerotrust.web.clock import check_clock
from zerotrust.web.context import context_of, is_websocket
from zerotrust.web.continuing import Headers, continuing, renewers, renewing, speakers
from zerotrust.web.peers import Peers
from zerotrust.web.report import Protection, Report
from zerotrust.web.resource import ProtectedResource
from zerotrust.web.shadow import Shadow
from zerotrust.web.standing import Rounds
from zerotrust.web.wired import Given, check_peers, check_policy, looks_at_body, to_guard

if TYPE_CHECKING:
    from zerotrust.web.ceremonies import Ceremonies

Style: TypeAlias = Literal["blocking", "async"]

ROUTE: Final = "zerotrust.route"
"""Where the context of a request (scope, environment) names the route that let it in."""

NO_ROUTE: Final = "(no route)"
"""What stands for the path of what no route serves."""

_LOG: Final = logging.getLogger("zerotrust.guard")


@dataclass(slots=True)
class Checkpoint:
    """What is required at one place, worked out once and then remembered.

    Attributes:
        protection: the policy of the place, and where it comes from.
        path: as declared, with those of mounts; for the log, where what a caller asked for may hold anything.
        grants: the requirements that this policy covers; a door compares by identity.
        speakers: the verifiers of its policy that may have something to add to a response.
        renewers: those that may have something to renew in the response to who is let in.
        looks_at_body: whether its policy may ask for the body.
    """

    protection: Protection
    path: str
    grants: frozenset[object] = frozenset()
    speakers: tuple[Verifier[Any], ...] = field(init=False)
    renewers: tuple[Verifier[Any], ...] = field(init=False)
    looks_at_body: bool = field(init=False)

    def __post_init__(self) -> None:
        self.speakers = speakers(self.protection.policy)
        self.renewers = renewers(self.protection.policy)
        self.looks_at_body = looks_at_body(self.protection.policy)


@dataclass(slots=True)
class Passed:
    """A request that was let in.

    Attributes:
        access: for whoever handles it.
        headers: what its response gets besides its own (`zerotrust.web.continuing.beside`).
        waited: whether answers were waited for, so that routes and rules may have changed meanwhile.
        place: where it was.
    """

    access: Access
    headers: Headers
    waited: bool
    place: Checkpoint


class Gate:
    """The decisions of one door, how they are answered, and what goes on beside them.

    Args:
        style: how the door asks: `blocking` or `async`.
        default: the policy of everything that has none of its own.
        sources: what answers the verifiers' questions; instant ones, or such of this style.
        peers: says who the peer of a connection is.
        explain: put the explanation tree into refusals. For development: it tells the caller the policy.
        realm: the protection space that challenges name (RFC 9110 section 11.5); the verifier's own unless given.
        resource: what challenges point to (RFC 9728); the door serves its metadata.
        ceremonies: where factors can be proven; the door serves them.
        recorder: has each decision recorded.
        shadow: policies to try beside those that are enforced.
        clock: tells the time in POSIX seconds.
        answered: the kinds of ask that the door itself answers for each request.
        recheck: how late a revocation may count on connections that last.
        given: how users of the door write what they give it, for advice.

    Attributes:
        default: the policy of everything that has none of its own.
        desk: what handlers decide at.
        rounds: when connections that last are decided on anew.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(
        self,
        style: Style,
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
        clock: Callable[[], float],
        answered: tuple[type[Ask[Any]], ...] = (ReadBody,),
        recheck: timedelta | None = None,
        given: Given = to_guard,
    ) -> None:
        self.style: Style = style
        self.given: Given = given
        self.sources: Sources = check_sources(sources).require(style)
        self.peers: Peers | None = check_peers(peers)
        self.ceremonies: Ceremonies | None = None
        self._answered = answered
        checked = self.policy(default, "default")
        self.default: Protection = Protection(checked, "default")
        if not isinstance(explain, bool):  # a text of the environment, such as "False", would be true
            raise ConfigError(f"explain is True or False, not {explain!r}")
        self._explain = explain
        self._realm = check_realm(realm)
        if resource is not None and not isinstance(resource, ProtectedResource):
            raise ConfigError(f"resource takes ProtectedResource(url), not {resource!r}")
        self.resource: ProtectedResource | None = resource
        self._metadata = None if resource is None else resource.metadata_url
        self.clock: Callable[[], float] = check_clock(clock)
        self.rounds: Rounds = Rounds(recheck, self.clock)
        self.besides: Besides = Besides(style, recorder, shadow, self.sources, self._tried)
        self.desk: Desk = Desk(self.sources, self.clock, self._inside, style == "blocking")
        self._warnings = log.Warnings()
        self._reported = False
        self._problems = ""  # that were logged last
        if ceremonies is not None:
            from zerotrust.web.ceremonies.door import check_door  # and with them all factors: not for everybody

            check_door(ceremonies, self.sources, self.peers, style)
            self.ceremonies = ceremonies
            self.policy(checked, "default")

    # --- What is configured ------------------------------------------------------------------------------------------

    def policy(self, value: object, where: str) -> Policy:
        """`value`, if it is a policy that can be decided here; else a `ConfigError`.

        Args:
            value: what a user gave.
            where: what it was given as, for the message.
        """
        checked = check_policy(
            value, where, self.sources, self.peers, self._answered, style=self.style, given=self.given
        )
        if self.ceremonies is not None:
            from zerotrust.web.ceremonies.met import check_met

            check_met(checked, where, self.ceremonies.setup)
        return checked

    def _tried(self, candidate: Policy, where: str, sources: Sources, in_handler: bool) -> Policy:
        return check_policy(
            candidate, where, sources, self.peers, self._answered, in_handler=in_handler, style=self.style,
            given=self.given,
        )  # fmt: skip

    def start(self, report: Report, policies: Iterable[Policy]) -> None:
        """Log the report of the door, the first time. Called at start-up.

        Args:
            report: every route of the door, as it is now.
            policies: all that were given to it, wherever they hold.

        Raises:
            ConfigError: there are problems in the report.
        """
        if report.problems:
            raise ConfigError("the guard refuses to start: " + "; ".join(report.problems))
        if not self._reported:
            self._reported = True
            given = list(policies)
            if self._explain:
                _LOG.warning("explain=True tells every caller what the policy asks for; leave it out in production")
            log.proofs(given)
            self.besides.warn(given)
            _LOG.info("routes and the policies that protect them:\n%s", report)

    def sound(self, report: Report) -> bool:
        """Whether there are no problems in the report, at a request; what is new of them is logged."""
        problems = "; ".join(report.problems)
        if problems and problems != self._problems:
            _LOG.error("everything is refused, since a guard would not start like this: %s", problems)
        self._problems = problems
        return not problems

    # --- Deciding ----------------------------------------------------------------------------------------------------

    def admit(
        self, place: Checkpoint, request: AccessRequest, sources: Sources | None = None, mount: str | None = None
    ) -> Passed | Answer:
        """Decide whether `request` may pass, blocking. It raises nothing: whatever goes wrong ends in a refusal.

        Args:
            place: what is required.
            request: what came in.
            sources: the gate's own with what the door adds for this request, such as its body.
            mount: where the application with the ceremonies is mounted (`SCRIPT_NAME`, `root_path`); that of the
                request unless given.
        """
        try:
            decision: Decision = run(deciding(place.protection.policy, request), sources or self.sources)
            if not self.besides.idle:
                self.besides.observe(decision, request, place.path)
            if isinstance(decision, Allow):
                return self.passed(place, decision, request)
            return run(self.refusing(decision, request, place.path, mount), self.sources, self.budget)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must neither allow nor answer 500
            return self.failed(request, place.path, error)

    async def admit_async(
        self, place: Checkpoint, request: AccessRequest, sources: Sources | None = None, mount: str | None = None
    ) -> Passed | Answer:
        """`admit` for doors of asynchronous frameworks."""
        try:
            steps, question = deciding(place.protection.policy, request), None
            try:
                question = next(steps)
            except StopIteration as end:  # nobody had to be asked, so nothing was waited for
                decision: Decision = end.value
            else:
                decision = await run_async(steps, sources or self.sources, question=question)
            if not self.besides.idle:
                self.besides.observe(decision, request, place.path)
            if isinstance(decision, Allow):
                return self.passed(place, decision, request, waited=question is not None)
            return await run_async(self.refusing(decision, request, place.path, mount), self.sources, self.budget)
        except Exception as error:  # noqa: BLE001 - as in `admit`
            return self.failed(request, place.path, error)

    def passed(self, place: Checkpoint, allowed: Allow, request: AccessRequest, *, waited: bool = False) -> Passed:
        """What a request that was allowed goes on with."""
        headers: Headers = continuing(place.speakers, allowed.now) if place.speakers else ()
        if place.renewers:
            headers += renewing(place.renewers, allowed.findings, allowed.now)
        if not self.besides.idle and (context := context_of(request)) is not None:
            context[ROUTE] = place.path
        return Passed(Access(allowed, place.grants, request, self.desk), headers, waited, place)

    # --- Refusing ----------------------------------------------------------------------------------------------------

    @property
    def budget(self) -> Budget | None:
        """What it may cost to find out how a refused caller can be let in."""
        if self.ceremonies is None:
            return None
        from zerotrust.web.ceremonies import BUDGET

        return BUDGET

    def refusing(
        self,
        decision: Challenge | Deny,
        request: AccessRequest,
        route: str,
        mount: str | None = None,
        hidden: bool = False,
    ) -> Gather[Answer]:
        """The answer to a refusal, logged; as a generator of asks for a driver to run under `budget`.

        Args:
            decision: the refusal.
            request: what was refused.
            route: the path it was refused at, as declared.
            mount: as for `admit`.
            hidden: whether the door will answer 404 instead, for the log.
        """
        ways, ceremonies = None, self.ceremonies
        at = ""
        if ceremonies is None:
            ways = approval_alone(decision)
        else:
            from zerotrust.web.ceremonies.ways import narrowing, step_up

            at = ceremonies.below(request.root if mount is None else mount)
            ways = step_up(decision, ceremonies.setup, request, at)
            if ways is not None:
                ways = yield from narrowing(ways, decision, ceremonies.setup)
        told = answer(
            decision, request=request, realm=self._realm, explain=self._explain, resource_metadata=self._metadata,
            step_up=ways,
        )  # fmt: skip
        if ways is not None and ceremonies is not None and told.status == 401 and not is_websocket(request):
            from zerotrust.web.ceremonies.leading import leading

            told = leading(request, at, ways) or told
        log.refusal(route, decision, told, log.Asked(request, self.peers, self._warnings, hidden))
        return told

    def denied(self, denied: Denied, request: AccessRequest, route: str, mount: str | None = None) -> Answer:
        """The answer to a refusal that was raised while a request was handled, as any refusal is answered; blocking.

        What is hidden (`Denied.hidden`) is the door's to answer, with the application's own 404.
        """
        try:
            steps = self.refusing(denied.decision, request, route, mount, denied.hidden)
            return run(steps, self.sources, self.budget)
        except Exception as error:  # noqa: BLE001 - as in `admit`
            return self.failed(request, route, error)

    async def denied_async(
        self, denied: Denied, request: AccessRequest, route: str, mount: str | None = None
    ) -> Answer:
        """`denied` for doors of asynchronous frameworks."""
        try:
            steps = self.refusing(denied.decision, request, route, mount, denied.hidden)
            return await run_async(steps, self.sources, self.budget)
        except Exception as error:  # noqa: BLE001 - as in `admit`
            return self.failed(request, route, error)

    def unreadable(self, reason: Reason, request: AccessRequest) -> Answer:
        """The answer where `request` cannot be told to be for any place, logged: 400, with the code of the `reason`."""
        log.unreadable(reason, request)
        return problem_answer(400, {"code": reason.code, "detail": reason.kind.sentence})

    def failed(self, request: AccessRequest | None, route: str, error: Exception) -> Answer:
        """The answer where deciding itself failed, logged.

        Args:
            request: what could not be decided; None where it could not even be read.
            route: the path as declared, or `NO_ROUTE`.
            error: what was raised.
        """
        kind = "http"
        with suppress(Exception):  # of a request that cannot be read
            kind = "websocket" if request is not None and is_websocket(request) else kind
        log.failure(kind, route, error)
        return undecided()

    def _inside(self, decision: Decision, request: AccessRequest) -> None:
        """Take a decision that was made while a request is handled."""
        self.besides.observe(decision, request, self.route_of(request))

    def route_of(self, request: AccessRequest) -> str:
        """The path of the route that let `request` in, as declared."""
        context = context_of(request)
        return "a route" if context is None else str(context.get(ROUTE, "a route"))
