"""Decisions inside a handler, about the very object it is about to work on (OWASP API1:2023).

They rest on what the request's own decision found, and on the object; what else a policy asks for is gathered then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final

from zerotrust.core.ask import Gather
from zerotrust.core.decision import Allow, Decision
from zerotrust.core.errors import ConfigError, Denied, PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Unavailable, Verified
from zerotrust.core.mistakes import no_policy
from zerotrust.core.policy import Policy, any_of, called
from zerotrust.core.reason import UNDECIDED, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.driver import Sources, run, run_async
from zerotrust.engine import deciding, gathering, judge
from zerotrust.verifiers.resource import NO_OBJECT, ResourceVerifier
from zerotrust.web import log

_LOG: Final = logging.getLogger("zerotrust.guard")


class NotGiven(Enum):
    """That a handler says nothing of a resource, which is not the same as that there is none: None."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "NOT_GIVEN"


@dataclass(frozen=True, slots=True)
class Desk:
    """What a door lends to the handlers it let requests in to.

    Attributes:
        sources: what answers.
        clock: tells the time, POSIX seconds.
        observe: is told of each decision, with the request that came in, for which the resource is named.
        blocks: whether handlers may be kept waiting where they do not await: those of a blocking framework.
    """

    sources: Sources
    clock: Callable[[], float]
    observe: Callable[[Decision, AccessRequest], None]
    blocks: bool = False


def check(desk: Desk, request: AccessRequest, allowed: Allow, policy: Policy, resource: object, hidden: bool) -> Allow:
    """The decision about `resource`; raises `Denied` unless it allows. Only at a desk that blocks it waits for answers.

    Args:
        desk: of the door.
        request: as it came in.
        allowed: what let it in.
        policy: what has to hold.
        resource: the object.
        hidden: for `Denied`.

    Raises:
        ConfigError: the policy needs an answer that has to be waited for, or it needs a resource and there is none, or
            the other way round.
    """
    named = _checked(policy, "check", resource)
    for verifier in _ungathered(policy, allowed):
        for kind in verifier.needs if not desk.blocks else ():
            if not desk.sources.answers(kind) or desk.sources.for_kind(kind).style != "instant":
                raise ConfigError(
                    f"access.check(...) waits for nobody, and {verifier!r} needs {kind.__name__}: write "
                    "await access.check_async(...), or require it on the route already"
                )
    sources = desk.sources if desk.blocks else desk.sources.instant
    try:
        now = request.naming(named, max(request.now, desk.clock()))
        decision = run(_deciding(policy, now, allowed), sources)
    except Exception as error:  # noqa: BLE001 - a verifier or source that fails ends in a refusal, here as at the door
        raise _undecided(desk, policy, request, "access.check", error) from None
    return _settled(desk, now, decision, hidden)


async def check_async(
    desk: Desk, request: AccessRequest, allowed: Allow, policy: Policy, resource: object, hidden: bool
) -> Allow:
    """`check` that waits for what the policy needs."""
    named = _checked(policy, "check_async", resource)
    for _ in _ungathered(policy, allowed):
        pass
    try:
        now = request.naming(named, max(request.now, desk.clock()))
        decision = await run_async(_deciding(policy, now, allowed), desk.sources)
    except Exception as error:  # noqa: BLE001 - as in `check`
        raise _undecided(desk, policy, request, "access.check_async", error) from None
    return _settled(desk, now, decision, hidden)


def _checked(policy: object, where: str, resource: object) -> object:
    """The `resource`, None if there is none; raises unless `policy` is one that looks at it, if and only if it does."""
    if not isinstance(policy, Policy):
        raise PolicyError(no_policy(policy, f"access.{where}(...)"))
    asked = next((leaf for leaf in policy.program.leaves if _looks_at_resource(leaf.verifier)), None)
    if resource is NotGiven.NOT_GIVEN:
        if asked is not None:
            raise ConfigError(
                f"access.{where} of {called(policy)} needs resource=, the object that was loaded: it asks {asked}; "
                "where there is no such object, write resource=None, which is refused"
            )
        return None
    if asked is None:
        raise ConfigError(
            f"access.{where} of {called(policy)} has a resource=, and asks nothing of it, so that every object would "
            "do; give a policy that compares its fields, or leave resource= out"
        )
    return resource


def _looks_at_resource(verifier: Verifier[Any]) -> bool:
    return any(one.needs_resource for one in _chain(verifier))


def _chain(verifier: Verifier[Any]) -> Iterator[Verifier[Any]]:
    one: Verifier[Any] | None = verifier
    while one is not None:
        yield one
        one = one.of


def _ungathered(policy: Policy, allowed: Allow) -> list[Verifier[Any]]:
    """The verifiers that `policy` may have to ask yet, those linked to included."""
    found: list[Verifier[Any]] = []
    todo = [*policy.program.verifiers]
    for verifier in todo:
        if verifier.of is not None and verifier.of not in todo:
            todo.append(verifier.of)
        if verifier not in allowed.findings:
            if verifier.reads_body:
                raise ConfigError(
                    f"{verifier!r} looks at the body of the request, which the handler has been given already: "
                    "require it on the route"
                )
            found.append(verifier)
    return found


def _deciding(policy: Policy, request: AccessRequest, allowed: Allow) -> Gather[Decision]:
    known: dict[Verifier[Any], Finding[Any]] = {
        verifier: finding for verifier, finding in allowed.findings.items() if not verifier.needs_resource
    }
    about = [verifier for verifier in policy.program.verifiers if isinstance(verifier, ResourceVerifier)]
    alone = dict.fromkeys(verifier.beside(None) for verifier in about)
    found: dict[Verifier[Any], Finding[Any]] = {
        verifier: Absent(NO_OBJECT) if request.resource is None else verifier.find(request) for verifier in alone
    }
    if found and not any(isinstance(finding, Verified) for finding in found.values()):
        if request.resource is not None:
            _LOG.warning(
                "access.check of %s expects %s, and was given %s: refused",
                called(policy), " or ".join(dict.fromkeys(one.kind.__name__ for one in alone)),
                type(request.resource).__name__,
            )  # fmt: skip
        # Whatever else would let the caller in: a handler that has no such object works on nothing, or on another.
        named = any_of(*(verifier.named_at_all for verifier in alone)).named(called(policy))
        return judge(named, found, request.now)
    # Whatever is asked first, so that what is recorded of a decision is enough to try another limit on it.
    known |= found
    for verifier in about:
        if verifier.of in known:
            yield from gathering(verifier, request, known)
    return (yield from deciding(policy, request, known))


@dataclass(frozen=True, slots=True)
class _Decided(Question[Any]):
    """Whether a check could be decided, asked where it could not."""

    opaque: ClassVar[bool] = True  # no function is worth generating for it

    def holds(self, evidence: Evidence, now: float) -> Reason:
        """`undecided`."""
        return UNDECIDED()

    def __str__(self) -> str:
        return "decided"


def _undecided(desk: Desk, policy: Policy, request: AccessRequest, way: str, error: Exception) -> Denied:
    """The refusal where deciding itself failed, logged: what a door answers where that happens to itself."""
    log.failure(way, called(policy), error)
    verifier = policy.program.verifiers[0]  # without one there is nothing that could fail
    refusal = judge(_Decided().leaf(verifier), {verifier: Unavailable(UNDECIDED())}, request.now)
    assert not isinstance(refusal, Allow), "nothing is known"  # noqa: S101
    return Denied(refusal, by=desk)


def _settled(desk: Desk, request: AccessRequest, decision: Decision, hidden: bool) -> Allow:
    desk.observe(decision, request)
    if isinstance(decision, Allow):
        return decision
    raise Denied(decision, hidden=hidden, by=desk)
