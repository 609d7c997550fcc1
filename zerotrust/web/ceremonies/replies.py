"""What ceremonies answer with: JSON, problems, pages, files and ways on, each with the headers that keep it safe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Final

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import (
    ALREADY_ENROLLED,
    CROSS_SITE,
    MALFORMED,
    NOT_ENROLLED,
    SESSION_ENDED,
    THROTTLED,
    TOO_LARGE,
    Kind,
    Reason,
)
from zerotrust.web.answer import Answer, problem_answer
from zerotrust.web.continuing import Headers
from zerotrust.wire.json import JsonValue

_STATUS: Final[dict[Kind, int]] = {
    THROTTLED: 429,
    ALREADY_ENROLLED: 409,
    NOT_ENROLLED: 404,
    TOO_LARGE: 413,
    CROSS_SITE: 403,
    SESSION_ENDED: 401,
}
"""The status of each kind of reason; 400 for all others."""

SAFE: Final[Headers] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

_CSP: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'"
)

_PAGE: Final[Headers] = (
    (b"content-security-policy", _CSP),
    (b"x-frame-options", b"DENY"),
    # With `no-referrer` browsers would send `Origin: null` with the page's own forms (Fetch section 3.2).
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"publickey-credentials-get=(self), publickey-credentials-create=(self)"),
)

_CHALLENGE: Final = (b"www-authenticate", b'Bearer error="insufficient_user_authentication"')


def status_of(reason: Reason) -> int:
    """The HTTP status that tells of `reason`."""
    return _STATUS.get(reason.kind, 400)


def retry_after(reason: Reason) -> int | None:
    """Whole seconds to wait, from 1 to a day; None unless too many wrong attempts are the reason."""
    waiting = reason.expected if reason.kind is THROTTLED else None
    if not isinstance(waiting, int | float):
        return None
    return ceil(min(max(float(waiting), 1.0), 86400.0))


def told(members: Mapping[str, JsonValue], status: int, headers: Headers, code: str) -> Answer:
    """`members` as JSON."""
    body = json.dumps(members, separators=(",", ":")).encode("ascii")
    return _answer(status, b"application/json", body, (*SAFE, *headers), code)


def refused(reason: Reason) -> Answer:
    """The problem that tells of `reason`: its code and sentence, and what a body has to hold; nothing of what came."""
    status, wait = status_of(reason), retry_after(reason)
    members: dict[str, JsonValue] = {"code": reason.code, "detail": _said(reason)}
    headers: Headers = SAFE
    if wait is not None:
        members["retry_after"] = wait
        headers = (*headers, (b"retry-after", str(wait).encode()))
    if status == 401:
        headers = (*headers, _CHALLENGE)
    return problem_answer(status, members, headers)


def _said(reason: Reason) -> str:
    """The sentence of `reason`; of what cannot be read, with what is expected there, in our own words."""
    if not isinstance(reason.expected, str):
        return reason.kind.sentence
    if reason.kind is TOO_LARGE and reason.detail:
        return f"{reason.kind.sentence}: expected {reason.expected} ({reason.detail})"
    return f"{reason.kind.sentence}: expected {reason.expected}" if reason.kind is MALFORMED else reason.kind.sentence


def problem(status: int, code: str, detail: str, headers: Headers = ()) -> Answer:
    """A problem of HTTP itself: no such path, another method, a body of another kind."""
    return problem_answer(status, {"code": code, "detail": detail}, (*SAFE, *headers))


def outage(failure: SourceFailed) -> Answer:
    """A source that is needed did not answer: nothing was done, or it cannot be told."""
    wait = ceil(min(max(failure.retry_after, 1.0), 3600.0))
    members = {"code": failure.reason.code, "detail": failure.reason.kind.sentence, "retry_after": wait}
    return problem_answer(503, members, (*SAFE, (b"retry-after", str(wait).encode())))


def page_answer(html: str, status: int, headers: Headers, code: str) -> Answer:
    """A page. Whatever it holds: no script runs in it but those served beside it, and nobody frames it."""
    body = html.encode("utf-8", "replace")
    return _answer(status, b"text/html; charset=utf-8", body, (*SAFE, *_PAGE, *headers), code)


def onward(path: str, headers: Headers = (), code: str = "onward") -> Answer:
    """On to `path` of this origin, which has to be one that was checked, with GET (RFC 9110 section 15.4.4)."""
    return _answer(303, None, b"", (*SAFE, (b"location", path.encode("ascii")), *headers), code)


def file_answer(kind: bytes, body: bytes, tag: bytes, known: bool) -> Answer:
    """A file that is the same for everybody, or 304 if the browser has it already."""
    headers = (
        (b"cache-control", b"no-cache"),
        (b"etag", tag),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )
    if known:
        return Answer(304, headers, b"", "file")
    fixed = ((b"content-type", kind), (b"content-length", str(len(body)).encode()))
    return Answer(200, (*fixed, *headers), body, "file")


def without_body(answer: Answer) -> Answer:
    """The answer to HEAD: headers alone, as they would be (RFC 9110 section 9.3.2)."""
    return replace(answer, body=b"")


def _answer(status: int, kind: bytes | None, body: bytes, headers: Headers, code: str) -> Answer:
    fixed: Headers = ((b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store"))
    typed: Headers = () if kind is None else ((b"content-type", kind),)
    return Answer(status, (*typed, *fixed, *headers), body, code)
