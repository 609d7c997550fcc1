"""What a policy can ask of a session, as the methods of its verifier, and what a caller can do about the answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from zerotrust.core.errors import ConfigError
from zerotrust.core.facts import Attribute
from zerotrust.core.finding import Absent, Rejected, Unavailable
from zerotrust.core.moments import show_span, span_in_seconds
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import CROSS_SITE
from zerotrust.core.remedy import Action, Step
from zerotrust.core.verifier import Verifier
from zerotrust.sessions.registry import Registry
from zerotrust.verifiers import session_questions as ask_for
from zerotrust.verifiers.operand import Said
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.verifiers.session_facts import exhibit_session, read_session
from zerotrust.verifiers.token import TokenVerifier
from zerotrust.verifiers.token_operands import SubjectOf


class SessionLeaves(Verifier[SessionEvidence]):
    """Gives the leaves that ask about a session."""

    _sessions: Registry

    @property
    def valid(self) -> Leaf[SessionEvidence]:
        """YES if a session has begun that still counts."""
        return Leaf(self, ask_for.Valid())

    @property
    def subject(self) -> Said:
        """Whose session it is, to compare with a field of a resource: `invoice.owner == session.subject`."""
        base = self.of
        several = isinstance(base, TokenVerifier) and base._several  # pyright: ignore[reportPrivateUsage]
        unclear = f"{self.name}.subject is of several issuers; write {base!r}.subject.of(url)" if several else ""
        return Said(self, SubjectOf(f"{self.name}.subject"), unclear=unclear)

    def age(self, at_most: timedelta) -> Leaf[SessionEvidence]:
        """YES if it began less than `at_most` ago."""
        return Leaf(self, ask_for.Age(span_in_seconds(at_most, "at_most", least=1)))

    def factors(
        self,
        at_least: int,
        within: timedelta | None = None,
        *,
        idle: timedelta | None = None,
        hardware_bound: bool = False,
    ) -> Leaf[SessionEvidence]:
        """YES if factors of so many different kinds were proven in it (SP 800-63B-4 section 2.2.1).

        Args:
            at_least: 1 or 2. Something one has is a kind, something one knows is one, and that an authenticator
                verified its user is one unless something one knows was proven, too: it may be the very same.
            within: how long ago at most; None for as long as the session lasts.
            idle: what was proven before the session was not used for so long does not count; None if it does.
            hardware_bound: whether of what one has only a passkey counts whose key is attested to be kept in hardware
                and cannot leave it; its user being verified counts with it, and what one knows does.
        """
        if type(at_least) is not int or at_least not in (1, 2):
            raise ConfigError(f"at_least={at_least!r}: write 1 or 2; three kinds cannot be told apart")
        if _flag(hardware_bound) and at_least == 1:
            raise ConfigError("one factor bound to hardware: write phishing_resistant_with(hardware_bound=True)")
        return Leaf(self, ask_for.Factors(at_least, _span(within, "within"), self._idle(idle), hardware_bound))

    @property
    def phishing_resistant(self) -> Leaf[SessionEvidence]:
        """YES if a factor was proven in it that an impostor's site could not have relayed: a passkey."""
        return Leaf(self, ask_for.PhishingResistant())

    def phishing_resistant_with(
        self, *, within: timedelta | None = None, idle: timedelta | None = None, hardware_bound: bool = False
    ) -> Leaf[SessionEvidence]:
        """YES if such a factor was proven, with more asked of it.

        Args:
            within: how long ago at most; None for as long as the session lasts.
            idle: what was proven before the session was not used for so long does not count; None if it does.
            hardware_bound: whether by a key that is attested to be kept in hardware and cannot leave it.
        """
        limits = _span(within, "within"), self._idle(idle)
        return Leaf(self, ask_for.PhishingResistant(*limits, _flag(hardware_bound)))

    def _idle(self, idle: timedelta | None) -> float | None:
        """`idle` in seconds, if the use of sessions is written down often enough to tell."""
        span, interval = _span(idle, "idle"), self._sessions.interval
        if span is not None and span < 2 * interval:
            raise ConfigError(
                f"idle={show_span(span)}: sessions that idle for {show_span(self._sessions.purpose.idle)} have their "
                f"use written down every {show_span(interval)} only; write Session(idle=...) of at most "
                f"{show_span(5 * span)}"
            )
        return span

    # --- Remedies ----------------------------------------------------------------------------------------------------

    def blank(self, now: float) -> SessionEvidence:
        """A session in which nothing was proven yet; whether it has begun, the leaves promise."""
        return SessionEvidence("", "", now, float("inf"), started_at=now)

    def read(self, evidence: SessionEvidence, attribute: Attribute) -> object:
        """What the session says of `attribute`; of proofs, those that no copy made, each with its longest pause."""
        return read_session(evidence, attribute.name)

    def exhibit(self, values: Mapping[str, object], now: float) -> SessionEvidence:
        """A session that says `values`; it has begun if they say when."""
        return exhibit_session(self.blank(now), values, self.name)

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """To sign in, or to prove a factor where it is `of` something; nothing about a request of another site."""
        if isinstance(finding, Unavailable):
            return Action.RETRY
        if isinstance(finding, Rejected) and finding.reason.kind is CROSS_SITE:
            return None
        return Action.SIGN_IN if self.of is None else Action.PRESENT_FACTOR

    def describe(self, step: Step) -> str:
        """`sign in`, `use your passkey`, `prove a factor`."""
        if step.action is Action.SIGN_IN:
            return "sign in again" if step.again else "sign in"
        if step.action is not Action.PRESENT_FACTOR:
            return super().describe(step)
        wanted = [demand.leaf.question for demand in step.demands if demand.wanted and isinstance(demand.leaf, Leaf)]
        passkey = any(isinstance(question, ask_for.PhishingResistant) for question in wanted)
        two = any(isinstance(question, ask_for.Factors) and question.at_least == 2 for question in wanted)
        if passkey:
            return "use your passkey, and have it verify you" if two else "use your passkey"
        return "prove two different factors" if two else "prove a factor"


def _span(span: timedelta | None, name: str) -> float | None:
    return None if span is None else span_in_seconds(span, name, least=1)


def _flag(hardware_bound: object) -> bool:
    if not isinstance(hardware_bound, bool):
        raise ConfigError(f"hardware_bound={hardware_bound!r}: write True or False")
    return hardware_bound
