"""Exceptions. Expected outcomes are values; these are for mistakes in configuration, and for who prefers raising."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zerotrust.core.text import visible

if TYPE_CHECKING:
    from zerotrust.core.decision import Challenge, Deny


class ZeroTrustError(Exception):
    """The base of everything this library raises on purpose."""


class ConfigError(ZeroTrustError, ValueError):
    """A verifier, source or guard was configured wrongly; the message says what was seen and what to write instead."""


class PolicyError(ZeroTrustError, TypeError):
    """A policy expression makes no sense; raised where it is written, so a wrong policy fails at import."""


class NotVerified(ZeroTrustError, KeyError):
    """Evidence was asked for that the decision did not rest on."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would show the repr


class Denied(ZeroTrustError):
    """A decision that is not an `Allow`, for code that prefers raising to returning.

    A door answers one that a handler raises as it answers any refusal.

    Its text is one line: the policy, the reason's code and sentence, and what would help. It quotes neither claims nor
    credentials, since tracebacks are logged; `decision` and its `reasons` do.

    Args:
        why: what else to say instead of the reason's sentence and what would help, in words of the program.

    Attributes:
        decision: the refusal.
        hidden: whether the caller is told that there is nothing, rather than that it is not for them.
        by: what decided, if a door has to know it again as its own; None for any.
    """

    def __init__(self, decision: Challenge | Deny, *, hidden: bool = False, by: object = None, why: str = "") -> None:
        super().__init__(decision)
        self.decision: Challenge | Deny = decision
        self.hidden: bool = hidden
        self.by: object = by
        self._why = why

    def __str__(self) -> str:
        decision = self.decision
        reason = decision.reason
        said = self._why
        if not said:  # the kind alone: what was expected and presented, and the detail, may quote the caller
            offers = ", or ".join(dict.fromkeys(map(str, decision.remedies)))
            said = f"{reason.kind.sentence} -> {offers}" if offers else reason.kind.sentence
        return f"{visible(decision.name)}: {reason.code}: {said}"
