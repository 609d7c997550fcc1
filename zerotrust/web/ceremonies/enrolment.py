"""Enrolling, by whoever may, and whoever may still when it counts.

Whoever was let in must still be in when it is done: their session may have been ended meanwhile, by the owner removing
the stolen factor say. So it is looked at twice more:

- Right before what is enrolled begins to count. What takes the place of something is never taken back after that: the
  account would have lost a factor, and with its last one everything but the sign-in. Whoever could make the look
  afterwards go wrong, by ending sessions say, could have that with the sign-in alone.
- Once it counts, if it was added to what there is. It is taken back then, by its own id and nothing else, if it is
  sure that whoever enrolled it was not let in any more: not while a store does not answer, nor because another tab of
  theirs has proven a factor, which gives the session another id. And not if nothing else would be left to an account
  that had a factor.

Sessions in which what is replaced may have been proven end before its successor counts, so that nothing that fails
later leaves them, and once more after it, for those that began in between.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final, Generic, TypeAlias, TypeVar

from zerotrust.core.ask import Advance, Gather, SourceFailed, ask
from zerotrust.core.finding import Unavailable
from zerotrust.core.policy import Policy
from zerotrust.core.reason import NOT_ENROLLED, NOT_SATISFIED, SOURCE_REFUSED, THROTTLED, Reason
from zerotrust.factors.proof import Method
from zerotrust.sessions.kept import KeptSessions
from zerotrust.verifiers.factor import Sure
from zerotrust.web.ceremonies.requirements import good, knowing, listing, meeting, policy_for
from zerotrust.web.ceremonies.setup import Known, Refused, Visit

T = TypeVar("T")

LEASES: Final = "ceremonies_first"
"""The space in which the first enrolment of an account is one at a time."""

# Longer than any run of steps may take; a process that dies keeps others waiting for as long.
_LEASE: Final = 60.0
_FREE: Final = b"-"
_BUSY: Final = THROTTLED(expected=1, detail="another enrolment of this account is under way")

_PATIENCE: Final = 3  # for what is done once it counts
_TAKING_BACK: Final = 16  # each try is several of the factor's own: who makes it fail has to guess codes meanwhile
_STAYS: Final = SOURCE_REFUSED(detail="what was enrolled without a right to could not be taken back")


@dataclass(frozen=True, slots=True)
class Way(Generic[T]):
    """How one kind of factor is enrolled.

    Attributes:
        method: of the factor.
        enrol: does it, and asks right before it counts whether it may; or says why not.
        id_of: names what was enrolled.
        remove: takes what was enrolled back; the reason if that was not done.
        ends: whether other sessions end when it takes the place of something.
    """

    method: Method
    enrol: Callable[[Known, Sure], Gather[T | Reason]]
    id_of: Callable[[T], str]
    remove: Callable[[Known, T], Gather[Reason | None]]
    ends: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """What was enrolled.

    Attributes:
        known: by whom.
        one: what.
        replaced: the id of what it took the place of; None if of nothing.
    """

    known: Known
    one: T
    replaced: str | None


Enrolling: TypeAlias = Gather[Made[T] | Refused | Reason]


def enrolling(visit: Visit, way: Way[T]) -> Enrolling[T]:
    """Enrol something, if whoever is there may.

    Args:
        visit: the visit.
        way: how.

    Returns:
        What was enrolled, whatever fails once it counts; else what is asked for before, or why it was not done.

    Raises:
        SourceFailed: a store did not answer before it counted, or it could not be taken back.
    """
    known = yield from knowing(visit)
    if isinstance(known, Refused):
        return known
    enrolled = good((yield from listing(visit, known.account)))
    if enrolled:
        return (yield from _Enrolment(visit, way, policy_for(visit.setup, enrolled), first=False).running())
    known = yield from meeting(visit, visit.setup.first)
    if isinstance(known, Refused):
        return known
    key, lease, now = known.account.key, token_bytes(16), visit.now
    for before in (None, _FREE):
        if (yield from ask(Advance(LEASES, key, before, lease, now + _LEASE, now))):
            break
    else:
        return _BUSY
    # Nobody else enrols a first factor of this account before the lease ends; whoever did, did it before.
    policy = policy_for(visit.setup, good((yield from listing(visit, known.account))))
    outcome = yield from _Enrolment(visit, way, policy, first=policy is visit.setup.first).running()
    with suppress(SourceFailed):  # it ends by itself
        yield from ask(Advance(LEASES, key, lease, _FREE, now + _LEASE, now))
    return outcome


def ending_others(visit: Visit, known: Known) -> Gather[int]:
    """End the sessions of `known` but this one, and forget all browsers that are known; how many sessions ended."""
    count = yield from visit.setup.session.revoking(known.account, visit.now, but=known.evidence.handle or None)
    if visit.setup.devices is not None:
        yield from visit.setup.devices.forgetting_all(known.account, visit.now)
    return count


def insisting(steps: Callable[[], Gather[object]]) -> Gather[None]:
    """What is to be done once something counts, which is not undone if it fails."""
    for _ in range(_PATIENCE):
        with suppress(SourceFailed):
            yield from steps()
            return


class _Enrolment(Generic[T]):
    """One enrolment, under way."""

    def __init__(self, visit: Visit, way: Way[T], policy: Policy, *, first: bool) -> None:
        self.visit, self.way, self.policy, self.first = visit, way, policy, first
        self.known: Known | None = None
        self.refused: Refused | None = None
        self.replaced: str | None = None
        self.ended = False

    def running(self) -> Enrolling[T]:
        known = yield from meeting(self.visit, self.policy)
        if isinstance(known, Refused):
            return known
        self.known = known
        one = yield from self.way.enrol(known, self._sure)
        if isinstance(one, Reason):
            return one if self.refused is None else self.refused
        if self.replaced is not None:
            if self.ended:
                yield from insisting(lambda: ending_others(self.visit, self.known or known))
        else:
            refused = yield from self._let_in_no_more()
            if refused is not None and not (yield from self._is_last(one)):
                yield from self._taking_back(one)
                return refused
        return Made(self.known, one, self.replaced)

    def _sure(self, replaced: str | None) -> Gather[Reason | None]:
        """Look again, right before it counts."""
        known = self.known
        assert known is not None  # noqa: S101 - it is asked while it runs
        self.replaced, self.ended = replaced, replaced is not None and self.way.ends()
        if self.ended:
            yield from ending_others(self.visit, known)
        enrolled = good((yield from listing(self.visit, known.account)))
        if enrolled or not self.first:
            # Where all was removed meanwhile, the sign-in is enough for who begins anew, not in the middle.
            self.policy = policy_for(self.visit.setup, enrolled) if enrolled else self.visit.setup.guarded
        again = yield from meeting(self.visit, self.policy)
        if isinstance(again, Refused):
            self.refused = again
            return NOT_SATISFIED()
        self.known = again
        return None

    def _let_in_no_more(self) -> Gather[Refused | None]:
        """Why whoever enrolled it would not be let in now; None if they would be, or if that cannot be told."""
        try:
            again = yield from meeting(self.visit, self.policy)
            if not isinstance(again, Refused):
                return None
            if any(isinstance(found, Unavailable) for found in again.decision.findings.values()):
                return None
            return None if (yield from self._goes_on()) else again
        except SourceFailed:
            return None

    def _goes_on(self) -> Gather[bool]:
        """Whether the session is there, with all that it had proven, under whatever id."""
        known, session = self.known, self.visit.setup.session
        if known is None or not known.evidence.handle:
            return False
        for record in (yield from session.listing(known.account, self.visit.now)):
            if record.handle == known.evidence.handle:
                # Of sealed sessions nobody but their browser knows more than that they are there.
                told = isinstance(session.keep, KeptSessions)
                have = {(proof.method, proof.by) for proof in record.proofs}
                return not told or all((proof.method, proof.by) in have for proof in known.evidence.proofs)
        return False

    def _is_last(self, one: T) -> Gather[bool]:
        """Whether the account had a factor, and has none any more but this."""
        if self.first or self.known is None:
            return False
        made = self.way.method, self.way.id_of(one)
        try:
            enrolled = good((yield from listing(self.visit, self.known.account)))
        except SourceFailed:
            return True
        return all((other.method, other.id) == made for other in enrolled)

    def _taking_back(self, one: T) -> Gather[None]:
        assert self.known is not None  # noqa: S101 - it ran
        failure = SourceFailed(_STAYS, 1.0)
        for _ in range(_TAKING_BACK):
            try:
                refused = yield from self.way.remove(self.known, one)
            except SourceFailed:
                continue
            if refused is None or refused.kind is NOT_ENROLLED:
                return
        raise failure
