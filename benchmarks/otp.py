"""One-time passwords: one code against the three steps of a window, right and wrong, beside pyotp and cryptography.

Answers for P8. The floor is three `hmac.digest` with SHA-1, in C, and nothing around them.
"""

from __future__ import annotations

import hmac
import sys
from base64 import b32encode
from typing import Final

import pyotp
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from benchmarks.harness import Case, Goal, Group, case, total
from benchmarks.runner import Groups, main
from zerotrust.factors.totp_state import TotpState
from zerotrust.wire.otp import OtpKey

FLOOR: Final = "3 x hmac.digest(sha1)"
OURS: Final = "zerotrust, wrong code"
OURS_RIGHT: Final = "zerotrust, right code"
OURS_RAW: Final = "zerotrust, key made ready each time"
PYOTP: Final = "pyotp, wrong code"
PYOTP_RIGHT: Final = "pyotp, right code"
CRYPTOGRAPHY: Final = "cryptography x 3, wrong code"

NOW: Final = 1_800_000_015
KEY: Final = bytes(range(20))

_MESSAGES: Final = [(NOW // 30 + off).to_bytes(8, "big") for off in (-1, 0, 1)]
_PYOTP: Final = pyotp.TOTP(b32encode(KEY).decode())
_CRYPTOGRAPHY: Final = TOTP(KEY, 6, SHA1(), 30, enforce_key_length=False)
_STATE: Final = TotpState("SHA1", 6, 30)


def right() -> str:
    """The code that is due."""
    return _PYOTP.at(NOW)


def wrong() -> str:
    """A code that none of the three steps has."""
    due = {_PYOTP.at(NOW, counter_offset=off) for off in (-1, 0, 1)}
    return next(code for number in range(4) if (code := f"{number:06d}") not in due)


def three_macs(key: bytes) -> bytes:
    """The least that has to be computed."""
    first, second, third = _MESSAGES
    hmac.digest(key, first, "sha1")
    hmac.digest(key, second, "sha1")
    return hmac.digest(key, third, "sha1")


def ours(key: OtpKey, code: str) -> int | None:
    """The step whose code it is, of a key that is ready."""
    return _STATE.find(key, code, NOW, 1)


def ours_from_bytes(key: bytes, code: str) -> int | None:
    """The same from the bytes of a key, as they come out of a store."""
    return _STATE.find(OtpKey(key), code, NOW, 1)


def theirs(code: str) -> bool:
    """pyotp's own check with its window."""
    return _PYOTP.verify(code, for_time=NOW, valid_window=1)


def theirs_in_c(code: bytes) -> bool:
    """cryptography's check, which knows no window."""
    for off in (-30, 0, 30):
        try:
            _CRYPTOGRAPHY.verify(code, NOW + off)
        except InvalidToken:
            continue
        return True
    return False


def codes() -> Group:
    """One code and a window of one step either way."""
    key, good, bad = OtpKey(KEY), right(), wrong()
    cases: list[Case] = [
        case(FLOOR, three_macs, KEY),
        case(OURS, ours, key, bad, right=lambda found: found is None),
        case(OURS_RIGHT, ours, key, good, right=lambda found: found == NOW // 30),
        case(OURS_RAW, ours_from_bytes, KEY, bad, right=lambda found: found is None),
        case(PYOTP, theirs, bad, right=lambda said: said is False),
        case(PYOTP_RIGHT, theirs, good),
        case(CRYPTOGRAPHY, theirs_in_c, bad.encode(), right=lambda said: said is False),
    ]
    goals = [
        Goal("P8", "TOTP, wrong code: x 3 hmac.digest", 1.0, total(OURS)),
        Goal("P8", "TOTP, right code: x 3 hmac.digest", 1.0, total(OURS_RIGHT)),
        Goal("P8", "TOTP, wrong code: x pyotp", 1 / 4, total(OURS, PYOTP)),
    ]
    notes = ["ours computes and compares all three steps, whether one matches or not; pyotp stops at the first match"]
    return Group("TOTP", "one code, window 1, SHA-1, 6 digits; floor: three MACs", cases, goals, notes)


GROUPS: Final[Groups] = {"codes": codes}

if __name__ == "__main__":
    sys.exit(main("benchmarks.otp", GROUPS))
