"""Authentication Assurance Levels as policies over the factors proven in a session (SP 800-63B-4 section 2).

What the level asks of the application and its authenticators besides cannot be read from a session: that there is a
phishing-resistant option (section 2.2.2), which cryptographic modules are validated (FIPS 140), how good a biometric
sensor is. Where attestations are verified, an authenticator policy sees to the second.
"""

from __future__ import annotations

from typing import Final

from zerotrust.core.errors import PolicyError
from zerotrust.core.moments import hours, minutes
from zerotrust.core.policy import Policy, all_of
from zerotrust.verifiers.session import Session

_AAL2_OVERALL: Final = hours(24)
_AAL2_IDLE: Final = hours(1)
_AAL3_OVERALL: Final = hours(12)
_AAL3_IDLE: Final = minutes(15)


def aal2(session: Session) -> Policy:
    """AAL2 (SP 800-63B-4 section 2.2): two different factors, not long ago, in a session that was not left alone.

    A passkey whose user was verified is two; so are a password and a code, or a password and any passkey. After an hour
    without use both are asked for again, where the standard would let a password or a biometric alone do.

    Args:
        session: remembers the factors.

    Raises:
        PolicyError: it is no `Session`.
        ConfigError: its use is not written down often enough to tell; the message says what to write.
    """
    checked = _session(session, "aal2")
    return all_of(
        checked.factors(at_least=2).named("SP 800-63B-4 section 2.2.1, two different factors"),
        checked.factors(at_least=2, within=_AAL2_OVERALL).named("SP 800-63B-4 section 2.2.3, within 24 hours"),
        checked.factors(at_least=2, idle=_AAL2_IDLE).named("SP 800-63B-4 section 2.2.3, not idle for 1 hour since"),
    ).named("AAL2")


def aal3(session: Session) -> Policy:
    """AAL3 (SP 800-63B-4 section 2.3): a hardware-based key that resists phishing, and a second factor.

    That is a passkey whose key is attested to be kept in hardware and cannot leave it, with its user verified, or with
    a password beside it. After a quarter of an hour without use everything is asked for again.

    Args:
        session: remembers the factors.

    Raises:
        PolicyError: it is no `Session`.
        ConfigError: its use is not written down often enough to tell; the message says what to write.
    """
    checked = _session(session, "aal3")
    return all_of(
        checked.factors(at_least=2, hardware_bound=True).named(
            "SP 800-63B-4 section 2.3.1, a cryptographic authenticator and an activation factor or password"
        ),
        checked.phishing_resistant_with(hardware_bound=True).named(
            "SP 800-63B-4 section 2.3.2, hardware-based and phishing-resistant"
        ),
        checked.factors(at_least=2, within=_AAL3_OVERALL, hardware_bound=True).named(
            "SP 800-63B-4 section 2.3.3, within 12 hours"
        ),
        checked.factors(at_least=2, idle=_AAL3_IDLE, hardware_bound=True).named(
            "SP 800-63B-4 section 2.3.3, not idle for 15 minutes since"
        ),
    ).named("AAL3")


def _session(session: object, level: str) -> Session:
    if not isinstance(session, Session):  # callers are not all typed
        raise PolicyError(f"{level}() takes the Session that remembers the factors, not {session!r}")
    return session
