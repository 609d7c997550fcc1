"""What factors that take codes are configured with, checked where it is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import minutes, span_in_seconds
from zerotrust.core.verifier import Verifier
from zerotrust.factors.throttle import Throttle
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.wire.otp import DIGITS, KEY_SIZE, Algorithm

PENDING: Final = minutes(10)
"""How long an enrolment that was begun may take."""

THROTTLE: Final = Throttle()

_MOST_ISSUER: Final = 64


def check_session(kind: str, of: object) -> Verifier[Any]:
    """`of` if it is a verifier; else `ConfigError`."""
    if not isinstance(of, Verifier):
        raise ConfigError(f"{kind} takes the session that remembers it, not {of!r}; write of=session")
    if not isinstance(of.blank(0.0), SessionEvidence):
        raise ConfigError(
            f"{kind}: of takes the session that remembers it, and {of!r} remembers nothing; write "
            f"session = Session(of={of!r}) and {kind}(..., of=session)"
        )
    return of  # pyright: ignore[reportUnknownVariableType] - of whatever evidence


def check_issuer(issuer: object) -> str:
    """`issuer` if authenticators can show it; else `ConfigError`."""
    if (
        not isinstance(issuer, str)
        or not 1 <= len(issuer.encode("utf-8", "replace")) <= _MOST_ISSUER
        or not issuer.isprintable()
    ):
        raise ConfigError(f"issuer={issuer!r}: write what the application is called, at most {_MOST_ISSUER} octets")
    if ":" in issuer or issuer != issuer.strip():
        raise ConfigError(f"issuer={issuer!r}: without a colon, which ends it in authenticators, or blanks around it")
    return issuer


def check_throttle(throttle: object) -> Throttle:
    """`throttle` if it is one; else `ConfigError`."""
    if not isinstance(throttle, Throttle):
        raise ConfigError(f"throttle takes Throttle(...), not {throttle!r}")
    return throttle


def check_algorithm(algorithm: object, digits: object) -> tuple[Algorithm, int]:
    """Both if codes can be made so; else `ConfigError`."""
    known: Algorithm | None = next((one for one in KEY_SIZE if one == algorithm), None)
    if known is None:
        raise ConfigError(f"algorithm={algorithm!r}: write one of {', '.join(map(repr, KEY_SIZE))}")
    if type(digits) is not int or digits not in DIGITS:
        raise ConfigError(f"digits={digits!r}: write 6, 7 or 8")
    return known, digits


def check_count(name: str, value: object, most: int) -> int:
    """`value` if it is a whole number from 0 to `most`; else `ConfigError`."""
    if type(value) is not int or not 0 <= value <= most:
        raise ConfigError(f"{name}={value!r}: write a whole number from 0 to {most}")
    return value


def check_takes(takes: timedelta) -> float:
    """The seconds an enrolment may take; `ConfigError` if that makes no sense."""
    return span_in_seconds(takes, "enrol_within", least=60, most=3600)
