"""Time-based one-time passwords (RFC 6238), of an app or a token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Final

import attrs

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import seconds, span_in_seconds
from zerotrust.core.reason import Reason
from zerotrust.core.verifier import Verifier
from zerotrust.factors.attempt import Attempts
from zerotrust.factors.held import Records
from zerotrust.factors.otp_secret import totp_uri
from zerotrust.factors.proof import Method
from zerotrust.factors.throttle import Throttle
from zerotrust.factors.totp_state import MOST_DRIFT, TotpState, read_totp
from zerotrust.verifiers.code_config import (
    PENDING,
    THROTTLE,
    check_algorithm,
    check_count,
    check_issuer,
    check_session,
    check_takes,
    check_throttle,
)
from zerotrust.verifiers.one_time_password import OneTimePassword
from zerotrust.verifiers.token import check_name
from zerotrust.wire.otp import Algorithm, OtpKey

_PERIOD: Final = seconds(30)
_PERIODS: Final = (15, 120)  # SP 800-63B-4 section 3.1.4.1: the time changes at least every two minutes
_MOST_WINDOW: Final = 5


@attrs.frozen(eq=False, init=False, repr=False)
class Totp(OneTimePassword[TotpState]):
    """A factor: codes of an authenticator app or token that knows a key and the time (RFC 6238).

    An account has one. A new one takes its place once its first code was right. Every step counts once, in whichever
    process, and none counts after a later one. Proofs by it can be phished.

    Needs a store with a key to encrypt with, `StoreKeys(encrypt=[...])`.

    Args:
        issuer: what the application is called in authenticators.
        of: the session that remembers proofs.
        algorithm: the hash for those newly enrolled. Many apps know SHA1 only, whatever the provisioning URI says.
        digits: how many digits their codes have, 6 to 8.
        period: how long a step lasts, from 15 seconds to 2 minutes; many apps know 30 seconds only.
        window: how many steps before and after the one that is due count, for clocks that differ and people who type;
            at most 5. Each doubles, nearly, what a guess has to hit.
        drift: by how many steps an authenticator's clock may be off, as its codes have shown (RFC 6238 section 6). As
            many as `window` unless given, so that the step that is due always counts; more for tokens whose clocks are
            never set right.
        enrol_within: how long an enrolment may take.
        throttle: how many wrong codes are taken.
        name: what it is called in explanations.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    issuer: str
    of: Verifier[Any] | None
    name: str
    algorithm: Algorithm
    digits: int
    _throttle: Throttle
    _attempts: Attempts[TotpState]
    _takes: float
    period: int
    window: int
    _drift: int

    method: ClassVar[Method] = "totp"
    keeps_secrets: ClassVar[bool] = True
    called: ClassVar[str] = "Authenticator app"

    def __init__(
        self,
        issuer: str,
        *,
        of: Verifier[Any],
        algorithm: Algorithm = "SHA1",
        digits: int = 6,
        period: timedelta = _PERIOD,
        window: int = 1,
        drift: int | None = None,
        enrol_within: timedelta = PENDING,
        throttle: Throttle = THROTTLE,
        name: str = "totp",
    ) -> None:
        lasts = span_in_seconds(period, "period", least=_PERIODS[0], most=_PERIODS[1])
        if lasts != int(lasts):
            raise ConfigError(f"period={lasts:g} s: write whole seconds")
        algorithm, digits = check_algorithm(algorithm, digits)
        window = check_count("window", window, _MOST_WINDOW)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            issuer=check_issuer(issuer),
            of=check_session("Totp", of),
            name=check_name(name),
            algorithm=algorithm,
            digits=digits,
            throttle=check_throttle(throttle),
            attempts=Attempts(Records("totp.enrolled", read_totp), throttle),
            takes=check_takes(enrol_within),
            period=int(lasts),
            window=window,
            drift=window if drift is None else check_count("drift", drift, MOST_DRIFT),
        )

    def _begun(self) -> TotpState:
        return TotpState(self.algorithm, self.digits, self.period)

    def _uri(self, key: bytes, label: str) -> str:
        return totp_uri(key, self.issuer, label, self.algorithm, self.digits, self.period)

    def _find(self, state: TotpState, key: OtpKey, code: str, now: float) -> int | None:
        return state.find(key, code, now, self.window)

    def _used(self, state: TotpState, at: int, now: float) -> TotpState | Reason:
        return state.used(at, now, self._drift)
