"""Bodies that are not taken, whatever door they came to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from zerotrust.web.answer import Answer, problem_answer


def _refused(status: int, code: str, detail: str) -> Answer:
    headers = ((b"x-content-type-options", b"nosniff"), (b"cross-origin-resource-policy", b"same-origin"))
    return problem_answer(status, {"code": code, "detail": detail}, headers)


TOO_LARGE: Final = _refused(413, "too_large", "larger than allowed")
TOO_SLOW: Final = _refused(408, "too_slow", "the body did not arrive in time")
CUT_SHORT: Final = _refused(400, "malformed", "the body is not complete")

_ENDLESS: Final = 1 << 62


def declared(values: Iterable[bytes]) -> int:
    """The length that a request declares (RFC 9110 section 8.6); 0 if it declares none, more than any if it is none."""
    found = 0
    for value in values:
        found = max(found, int(value) if value.isdigit() and len(value) < 16 else _ENDLESS)
    return found
