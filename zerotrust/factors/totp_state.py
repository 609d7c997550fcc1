"""What is remembered of one-time password authenticators besides their keys: the step or counter, and the drift."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from zerotrust.core.reason import REPLAYED, Reason
from zerotrust.factors.held import whole
from zerotrust.wire.json import JsonValue
from zerotrust.wire.otp import DIGITS, KEY_SIZE, MOST_COUNTER, Algorithm, OtpKey, step_at

MOST_DRIFT: Final = 120
"""Steps by which the clock of an authenticator may ever be off."""

_USED: Final = REPLAYED(detail="this code or a later one; wait for the next")
_USED_COUNTER: Final = REPLAYED(detail="this code or a later one; make another")


@dataclass(frozen=True, slots=True)
class TotpState:
    """What is remembered of a time-based authenticator.

    Attributes:
        algorithm: the hash of its HMAC.
        digits: how many digits its codes have.
        period: seconds of a step.
        step: the last step whose code was used; -1 if none was.
        drift: by how many steps its clock is ahead, as the last code showed.
    """

    algorithm: Algorithm
    digits: int
    period: int
    step: int = -1
    drift: int = 0

    def find(self, key: OtpKey, code: str, now: float, window: int) -> int | None:
        """The step whose code is `code`, among those due at `now` and `window` before and after; None if there is none.

        All of them are looked at, always (RFC 6238 sections 5.2 and 6).
        """
        return key.find(code, step_at(now, self.period) + self.drift - window, 2 * window + 1)

    def used(self, step: int, now: float, most_drift: int) -> TotpState | Reason:
        """The state once the code of `step` is used; `replayed` if it was, or that of a later step was."""
        if step <= self.step:
            return _USED
        drift = step - step_at(now, self.period)
        return replace(self, step=step, drift=max(-most_drift, min(drift, most_drift)))

    def fields(self) -> dict[str, JsonValue]:
        """The state as the members of a JSON object."""
        return {
            "algorithm": self.algorithm,
            "digits": self.digits,
            "period": self.period,
            "step": self.step,
            "drift": self.drift,
        }


@dataclass(frozen=True, slots=True)
class HotpState:
    """What is remembered of a counter-based authenticator.

    Attributes:
        algorithm: the hash of its HMAC.
        digits: how many digits its codes have.
        counter: the next counter that is accepted.
    """

    algorithm: Algorithm
    digits: int
    counter: int = 0

    def find(self, key: OtpKey, code: str, look_ahead: int) -> int | None:
        """The counter whose code is `code`, from the next one to `look_ahead` after it; None if there is none.

        All of them are looked at, always (RFC 4226 section 7.4).
        """
        return key.find(code, self.counter, look_ahead + 1)

    def find_pair(self, key: OtpKey, first: str, second: str, look_ahead: int) -> int | None:
        """The counter whose code is `second` where the one before it is `first`, the latest such.

        All up to `look_ahead` after the next one are looked at, always.
        """
        found, before = None, False
        for counter in range(self.counter, min(self.counter + look_ahead + 1, MOST_COUNTER) + 1):
            fits = key.find(second, counter, 1) is not None
            if before & fits:
                found = counter
            before = key.find(first, counter, 1) is not None
        return found

    def used(self, counter: int) -> HotpState | Reason:
        """The state once the code of `counter` is used; `replayed` if it was, or that of a later counter was."""
        return replace(self, counter=counter + 1) if counter >= self.counter else _USED_COUNTER

    def fields(self) -> dict[str, JsonValue]:
        """The state as the members of a JSON object."""
        return {"algorithm": self.algorithm, "digits": self.digits, "counter": self.counter}


def read_totp(fields: dict[str, JsonValue]) -> TotpState | None:
    """What `TotpState.fields` made; None if it is something else."""
    code = _code(fields)
    period, step, drift = whole(fields.get("period"), 3600), fields.get("step"), fields.get("drift")
    if code is None or not period or type(step) is not int or type(drift) is not int:
        return None
    if not -1 <= step <= MOST_COUNTER or abs(drift) > MOST_DRIFT:
        return None
    return TotpState(*code, period, step, drift)


def read_hotp(fields: dict[str, JsonValue]) -> HotpState | None:
    """What `HotpState.fields` made; None if it is something else."""
    code, counter = _code(fields), whole(fields.get("counter"), MOST_COUNTER + 1)
    return None if code is None or counter is None else HotpState(*code, counter)


def _code(fields: dict[str, JsonValue]) -> tuple[Algorithm, int] | None:
    algorithm, digits = fields.get("algorithm"), fields.get("digits")
    if not isinstance(algorithm, str) or algorithm not in KEY_SIZE or type(digits) is not int or digits not in DIGITS:
        return None
    return algorithm, digits
