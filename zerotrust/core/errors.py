"""Exceptions. Expected outcomes are values; these are for mistakes in configuration, and for who prefers raising."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zerotrust.core.decision import Challenge, Deny


class ZeroTrustError(Exception):
    """The base of everything this library raises on purpose."""


class ConfigError(ZeroTrustError, ValueError):
    """A verifier, source or guard was configured wrongly; the message says what was seen and what to write instead."""


class PolicyError(ZeroTrustError, TypeError):
    """A policy expression makes no sense; raised where it is written, so a wrong policy fails at import."""


class Denied(ZeroTrustError):
    """A decision that is not an `Allow`, for code that prefers raising to returning."""

    def __init__(self, decision: Challenge | Deny) -> None:
        super().__init__(str(decision))
        self.decision = decision
