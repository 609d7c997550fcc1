"""A connection that goes on after it was let in: until when it may, deciding anew, and renewing by the caller.

Nothing here reads or writes a connection. A door asks `due` before each message, and `look` when it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from zerotrust.core.ask import Gather
from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.errors import ConfigError, Denied
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding
from zerotrust.core.moments import span_in_seconds
from zerotrust.core.policy import all_of
from zerotrust.core.reason import NOT_GATHERED, SUBJECT_MISMATCH, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.driver import run, run_async
from zerotrust.engine import deciding, gathering, judge
from zerotrust.web.answer import Answer

if TYPE_CHECKING:
    from zerotrust.web.access import Access
    from zerotrust.web.gate import Checkpoint, Gate

_LEAST: Final = 1.0
_MOST: Final = 86400.0
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")  # RFC 9110 section 5.6.2, lower case

UNAUTHORIZED: Final = 3000
"""The WebSocket close code for who may come back with other credentials (IANA registry): as 401."""

FORBIDDEN: Final = 3003
"""The WebSocket close code for who may not (IANA registry): as 403."""

TRY_AGAIN_LATER: Final = 1013
"""The WebSocket close code where it could not be decided (IANA registry): as 503."""


class Rounds:
    """How often all that lasts is decided anew: every so often, and whenever somebody says so.

    Args:
        recheck: how late a revocation may count on a connection that lasts; None: it may go on for as long as the
            evidence that let it in is good.
        clock: tells the time in POSIX seconds.

    Attributes:
        interval: seconds; infinite for None.
        count: how often somebody has said so.
        called_at: when that was last, POSIX seconds.

    Raises:
        ConfigError: `recheck` is no span of time, or not from a second to a day.
    """

    def __init__(self, recheck: timedelta | None, clock: Callable[[], float]) -> None:
        self.interval: float = (
            math.inf if recheck is None else span_in_seconds(recheck, "recheck", least=_LEAST, most=_MOST)
        )
        self.count: int = 0
        self.called_at: float = -math.inf
        self._clock = clock
        self._lock = Lock()
        self._told: set[Callable[[], None]] = set()

    def call(self) -> None:
        """Have all that lasts decided anew, now; from any thread."""
        with self._lock:
            self.called_at = self._clock()
            self.count += 1
            told = list(self._told)
        for tell in told:
            tell()

    def tell(self, listener: Callable[[], None]) -> None:
        """Call `listener` with each `call`, in whatever thread that is; it must not raise."""
        with self._lock:
            self._told.add(listener)

    def forget(self, listener: Callable[[], None]) -> None:
        """Call it no longer."""
        with self._lock:
            self._told.discard(listener)


@dataclass(frozen=True, slots=True)
class SameSubject(Question[Any]):
    """Whether evidence is still about whom a connection was let in for."""

    source: str
    subject: str

    opaque: ClassVar[bool] = True  # asked of one connection: no function is worth generating for it

    def holds(self, evidence: Evidence, now: float) -> bool | Reason:
        """True, or `subject_mismatch`."""
        if (evidence.source, evidence.subject) == (self.source, self.subject):
            return True
        return SUBJECT_MISMATCH(expected=self.subject, presented=evidence.subject)

    def __str__(self) -> str:
        return "same_subject"


class Standing:
    """The access of one connection, for as long as that lasts.

    Args:
        gate: of the door.
        place: where it was decided.
        access: what it was let in with; its decision is replaced by each later one that allows.

    Attributes:
        until: POSIX seconds, from which on the connection may not go on without another decision.
    """

    __slots__ = ("_access", "_gate", "_place", "_request", "_seen", "_since", "_whom", "until")

    def __init__(self, gate: Gate, place: Checkpoint, access: Access) -> None:
        request = access.request
        assert request is not None, "a door has given it"  # noqa: S101
        self._gate = gate
        self._place = place
        self._access = access
        self._request: AccessRequest = request
        self._whom: dict[Verifier[Any], tuple[str, str]] = {}
        self._since: float = access.decision.now
        rounds = gate.rounds
        # Who called while it was being decided, or since, is not known to have been heard.
        self._seen: int = rounds.count if rounds.called_at < self._since else rounds.count - 1
        self.until: float = math.inf
        self._note(access.decision)

    @property
    def ends(self) -> bool:
        """Whether there is anything to wait for."""
        rounds = self._gate.rounds
        return self.until < math.inf or rounds.interval < math.inf or self._seen != rounds.count

    def due(self) -> bool:
        """Whether it has to be decided anew before anything more may pass."""
        now, rounds = self._gate.clock(), self._gate.rounds
        return not (
            now < self.until and self._since <= now < self._since + rounds.interval and self._seen == rounds.count
        )

    def delay(self) -> float:
        """Seconds until it is due if nobody calls; infinite for never."""
        return max(0.0, min(self.until, self._since + self._gate.rounds.interval) - self._gate.clock())

    # --- Deciding anew -----------------------------------------------------------------------------------------------

    def look(self) -> Answer | None:
        """Decide anew, blocking: None to go on, else the answer to a refusal. It raises nothing, as `Gate.admit`."""
        gate = self._gate
        try:
            seen, since = self._moment()
            request = self._request.naming(None, max(self._request.now, since))
            decision = run(self._again(request), gate.sources)
            if isinstance(decision, Allow):
                self._go_on(decision, self._request, seen, since)
                return None
            return run(gate.refusing(decision, request, self._place.path), gate.sources, gate.budget)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must not go on
            return gate.failed(self._request, self._place.path, error)

    async def look_async(self) -> Answer | None:
        """`look` for doors of asynchronous frameworks."""
        gate = self._gate
        try:
            seen, since = self._moment()
            request = self._request.naming(None, max(self._request.now, since))
            decision = await run_async(self._again(request), gate.sources)
            if isinstance(decision, Allow):
                self._go_on(decision, self._request, seen, since)
                return None
            return await run_async(gate.refusing(decision, request, self._place.path), gate.sources, gate.budget)
        except Exception as error:  # noqa: BLE001 - as in `look`
            return gate.failed(self._request, self._place.path, error)

    async def renew(self, headers: Mapping[str, str]) -> Allow:
        """Decide anew by what the caller shows now.

        Args:
            headers: in place of those of these names in the request.

        Raises:
            Denied: it does not allow, or is about somebody else; everything stays as it was, and it is logged.
            ConfigError: these are no headers.
        """
        seen, since = self._moment()
        request = self._request.showing(_pairs(headers), max(self._request.now, since))
        decision = await run_async(self._again(request), self._gate.sources)
        if not isinstance(decision, Allow):
            denied = Denied(decision)
            await self._gate.denied_async(denied, request, self._place.path)
            raise denied
        self._go_on(decision, request, seen, since)
        return decision

    def _moment(self) -> tuple[int, float]:
        """What had been said when a decision began, and when that was."""
        seen, now = self._gate.rounds.count, self._gate.clock()
        if not math.isfinite(now):
            raise ConfigError(f"clock() told {now}, which is no moment")
        return seen, now

    def _again(self, request: AccessRequest) -> Gather[Decision]:
        gate, place = self._gate, self._place
        kept: dict[Verifier[Any], Finding[Any]] | None = None
        if place.looks_at_body:  # which has been read, or is the application's by now
            found = self._access.decision.findings
            kept = {
                verifier: found.get(verifier, Absent(NOT_GATHERED()))
                for verifier in place.protection.policy.verifiers
                if verifier.reads_body
            }
        decision = yield from deciding(place.protection.policy, request, kept=kept)
        gate.besides.observe(decision, request, place.path)
        if not isinstance(decision, Allow):
            return decision
        other = yield from self._somebody_else(decision, request)
        return decision if other is None else other

    def _somebody_else(self, decision: Allow, request: AccessRequest) -> Gather[Challenge | Deny | None]:
        """Why the connection would be another's from now on: one is nobody's but whose it was let in for."""
        findings: dict[Verifier[Any], Finding[Any]] = dict(decision.findings)
        for verifier in self._whom:
            yield from gathering(verifier, request, findings)
        if not self._whom:
            return None
        leaves = [SameSubject(*whom).leaf(verifier) for verifier, whom in self._whom.items()]
        same = judge(all_of(*leaves), findings, decision.now)
        return None if isinstance(same, Allow) else same

    def _go_on(self, decision: Allow, request: AccessRequest, seen: int, since: float) -> None:
        self._access.go_on(decision, request)
        self._request = request
        self._seen, self._since = seen, since
        self._note(decision)

    def _note(self, decision: Allow) -> None:
        self.until = decision.valid_until
        for verifier, finding in decision.findings.items():
            evidence = finding.evidence
            if evidence is not None and not verifier.contextual and decision.now < evidence.expires_at:
                self._whom.setdefault(verifier, (evidence.source, evidence.subject))


def close_code(answer: Answer) -> int:
    """The WebSocket close code that says what the status of `answer` does."""
    if answer.status == 503:
        return TRY_AGAIN_LATER
    return FORBIDDEN if answer.status in (403, 404) else UNAUTHORIZED  # no code says that there is nothing here


def _pairs(headers: object) -> list[tuple[bytes, bytes]]:
    """`headers` as a request has them. Names are the application's own; values are the caller's, whatever they hold."""
    if not isinstance(headers, Mapping) or not headers:
        raise ConfigError('renew takes the headers to replace, {"authorization": f"Bearer {token}"}')
    pairs: list[tuple[bytes, bytes]] = []
    for name, value in cast("Mapping[object, object]", headers).items():
        if not (isinstance(name, str) and name and _TOKEN.issuperset(name.lower())):
            raise ConfigError("renew takes names of headers, such as authorization or dpop, and their values")
        if not isinstance(value, str):
            raise ConfigError(f"renew takes text for the header {name}, not {type(value).__name__}")
        pairs.append((name.lower().encode(), value.encode("utf-8", "surrogatepass")))
    return pairs
