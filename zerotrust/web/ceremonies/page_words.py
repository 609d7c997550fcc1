"""What the page says, in one place: plain words for a person who wants to get on."""

from __future__ import annotations

from math import ceil
from typing import Final

from zerotrust.factors.proof import Method
from zerotrust.web.ceremonies.view import Problem

NAMES: Final[dict[Method, str]] = {
    "passkey": "Passkey",
    "totp": "Authenticator app",
    "hotp": "Code token",
    "recovery_code": "Recovery codes",
    "password": "Password",
}
"""What people call each kind of factor."""

EXPLAINED: Final[dict[Method, str]] = {
    "passkey": "Your fingerprint, face, screen lock or a security key. Nothing to type, nothing to be tricked out of.",
    "totp": "A code from an app on your phone, a new one every half a minute.",
    "hotp": "A code from a token, the next one each time.",
    "recovery_code": "Codes to keep in a safe place, for the day you lose the others. Each works once.",
    "password": "",
}

ASKED: Final[dict[Method, str]] = {
    "passkey": "Use your fingerprint, face, screen lock or security key.",
    "totp": "Enter the code that your authenticator app shows.",
    "hotp": "Enter the next code of your token.",
    "recovery_code": "Enter one of your recovery codes. Each works once.",
    "password": "",
}
"""What to do to prove it."""

DONE: Final[dict[str, str]] = {
    "proven": "Thank you, that was you.",
    "enrolled": "Added. You can use it from now on.",
    "renamed": "Renamed.",
    "removed": "Removed. It does not work here any more.",
    "revoked": "Signed out there.",
    "signed_out": "You are signed out.",
}
"""What was done, by its name in `PageView.done`."""

_WRONG: Final[dict[str, str]] = {
    "wrong_code": "That code is not right. Check it, or wait for the next one.",
    "no_code": "Enter the code.",
    "code_used": "That code was used already.",
    "code_wrong_or_used": "That code is not right, or was used already. Enter another one.",
    "replayed": "That was used already. Try again.",
    "throttled": "Too many attempts.",
    "not_enrolled": "Nothing of this kind is set up any more.",
    "already_enrolled": "That one is set up already.",
    "cross_site": "Your browser sent this on behalf of another site. Open this page anew and try again.",
    "session_ended": "Your session has ended. Sign in again.",
    "wrong_challenge": "That took too long. Try again.",
    "source_down": "Something here does not answer. Try again in a moment.",
    "source_timeout": "Something here does not answer. Try again in a moment.",
}


CONFIRM: Final = "Confirm first that it is you: the last time was too long ago, or in another way."
SIGN_IN: Final = "Sign in first."

_MISSING: Final = frozenset({"not_satisfied", "not_presented", "link_missing"})


def wrong(problem: Problem, *, signed_in: bool = True) -> str:
    """What went wrong, and how long to wait.

    Args:
        problem: what the ceremonies say.
        signed_in: whether they know who is there.
    """
    if problem.code in _MISSING:
        return CONFIRM if signed_in else SIGN_IN
    said = _WRONG.get(problem.code) or f"{problem.detail[:1].upper()}{problem.detail[1:]}".rstrip(".") + "."
    if problem.retry_after is None:
        return said
    return f"{said} Try again in {_span(problem.retry_after)}."


def _span(seconds: int) -> str:
    count, unit = (seconds, "second") if seconds < 100 else (ceil(seconds / 60), "minute")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
