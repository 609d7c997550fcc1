"""Counter-based one-time passwords (RFC 4226), of a token with a button."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Final

import attrs

from zerotrust.core.ask import Gather
from zerotrust.core.reason import Reason
from zerotrust.core.verifier import Verifier
from zerotrust.factors.account import Account
from zerotrust.factors.attempt import Attempts
from zerotrust.factors.held import Records
from zerotrust.factors.otp_secret import hotp_uri
from zerotrust.factors.proof import Method
from zerotrust.factors.throttle import Throttle
from zerotrust.factors.totp_state import HotpState, read_hotp
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
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.one_time_password import UNREADABLE, OneTimePassword, is_readable
from zerotrust.verifiers.token import check_name
from zerotrust.wire.otp import Algorithm, OtpKey

_LOOK_AHEAD: Final = 5
_MOST_LOOK_AHEAD: Final = 20
_RESYNCHRONISE: Final = 100
_MOST_RESYNCHRONISE: Final = 1000


@attrs.frozen(eq=False, init=False, repr=False)
class Hotp(OneTimePassword[HotpState]):
    """A factor: codes of an authenticator that knows a key and counts (RFC 4226).

    An account has one. A new one takes its place once its first code was right. Every counter counts once, in whichever
    process, and none after a later one. A code stays good until it or a later one is used, so prefer `Totp`, or
    passkeys. Proofs by it can be phished.

    Needs a store with a key to encrypt with, `StoreKeys(encrypt=[...])`.

    Args:
        issuer: what the application is called in authenticators.
        of: the session that remembers proofs.
        algorithm: the hash for those newly enrolled; tokens mostly know SHA1.
        digits: how many digits their codes have, 6 to 8.
        look_ahead: how many codes may have been made and not presented (RFC 4226 section 7.4); at most 20. Each is one
            more that a guess can hit.
        resynchronise: how many may when two codes are presented that follow each other; at most 1000.
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
    _attempts: Attempts[HotpState]
    _takes: float
    look_ahead: int
    resynchronise: int

    method: ClassVar[Method] = "hotp"
    keeps_secrets: ClassVar[bool] = True
    called: ClassVar[str] = "Token"

    def __init__(
        self,
        issuer: str,
        *,
        of: Verifier[Any],
        algorithm: Algorithm = "SHA1",
        digits: int = 6,
        look_ahead: int = _LOOK_AHEAD,
        resynchronise: int = _RESYNCHRONISE,
        enrol_within: timedelta = PENDING,
        throttle: Throttle = THROTTLE,
        name: str = "hotp",
    ) -> None:
        algorithm, digits = check_algorithm(algorithm, digits)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            issuer=check_issuer(issuer),
            of=check_session("Hotp", of),
            name=check_name(name),
            algorithm=algorithm,
            digits=digits,
            throttle=check_throttle(throttle),
            attempts=Attempts(Records("hotp.enrolled", read_hotp), throttle),
            takes=check_takes(enrol_within),
            look_ahead=check_count("look_ahead", look_ahead, _MOST_LOOK_AHEAD),
            resynchronise=check_count("resynchronise", resynchronise, _MOST_RESYNCHRONISE),
        )

    def resynchronising(
        self,
        account: Account,
        first: str,
        second: str,
        now: float,
        address: str | None = None,
        known: bool | str = False,
    ) -> Gather[Proving | Reason]:
        """Take two codes that follow each other, of an authenticator that is further ahead than `look_ahead`.

        Both count as used (RFC 4226 section 7.4). Counts as one attempt; the rest is as for `proving`.
        """
        if not is_readable(first) or not is_readable(second):
            return UNREADABLE

        def find(state: HotpState, key: OtpKey) -> int | None:
            return state.find_pair(key, first, second, self.resynchronise)

        return (yield from self._proving(account, find, now, address, known))

    def _begun(self) -> HotpState:
        return HotpState(self.algorithm, self.digits)

    def _uri(self, key: bytes, label: str) -> str:
        return hotp_uri(key, self.issuer, label, self.algorithm, self.digits)

    def _find(self, state: HotpState, key: OtpKey, code: str, now: float) -> int | None:
        return state.find(key, code, self.look_ahead)

    def _used(self, state: HotpState, at: int, now: float) -> HotpState | Reason:
        return state.used(at)
