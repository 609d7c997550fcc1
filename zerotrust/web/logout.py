"""The endpoint that an OpenID provider posts logout tokens to, as HTTP, written once for all doors.

OpenID Connect Back-Channel Logout 1.0 sections 2.5 and 2.8.
"""

from __future__ import annotations

import json
from math import ceil
from typing import Final
from urllib.parse import parse_qsl

from zerotrust.core.ask import Gather, SourceFailed
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.logout import BackChannelLogout
from zerotrust.web.answer import Answer

MOST_BODY: Final = 32 * 1024
"""Bytes of a logout request: twice the longest token."""

_FORM: Final = b"application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 32


def logout_answer(logout: BackChannelLogout, request: AccessRequest, body: bytes) -> Gather[Answer]:
    """The answer to a logout request, as a generator of asks for a driver to run.

    Args:
        logout: checks the token, and revokes what it names.
        request: what came in.
        body: its body, of at most `MOST_BODY` bytes; with more it is refused.

    Returns:
        200 once what the token names is revoked; 400 with a JSON error where it is not good; 405 for another method
        than POST; 413 for a body that is too large; 503 where a store or the provider's keys do not answer, so that
        the provider may send it again. None of them may be kept by a cache.
    """
    if request.method != "POST":
        return refused(405, "method", "logout tokens are posted", ((b"allow", b"POST"),))
    if len(body) > MOST_BODY:
        return refused(413, "too_large", f"a body of more than {MOST_BODY} bytes")
    token = _token(request, body)
    if token is None:
        return refused(400, "malformed", "a form with exactly one logout_token is expected")
    try:
        outcome = yield from logout.logging_out(token, request.now)
    except SourceFailed as failure:
        seconds = ceil(min(max(failure.retry_after, 1.0), 3600.0))
        return refused(
            503, failure.reason.code, "not done: try again", ((b"retry-after", str(seconds).encode()),), "server_error"
        )
    if isinstance(outcome, Reason):
        return refused(400, outcome.code, outcome.kind.sentence)
    return Answer(200, ((b"content-length", b"0"), (b"cache-control", b"no-store")), b"", "logged_out")


def refused(
    status: int, code: str, text: str, headers: tuple[tuple[bytes, bytes], ...] = (), error: str = "invalid_request"
) -> Answer:
    """A refusal with a JSON body as RFC 6749 section 5.2 has it (section 2.8).

    Args:
        status: of HTTP.
        code: why, as a stable name.
        text: the same for people. Nothing of what was sent is in it.
        headers: more than those that every refusal has.
        error: the OAuth error.
    """
    body = json.dumps({"error": error, "error_description": f"{code}: {text}"}).encode("ascii")
    fixed = (
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    )
    return Answer(status, (*fixed, *headers), body, code)


def _token(request: AccessRequest, body: bytes) -> str | None:
    kind = request.field("content-type")
    if not isinstance(kind, bytes) or kind.partition(b";")[0].strip(b" \t").lower() != _FORM:
        return None
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict",
            max_num_fields=_MOST_FIELDS,
        )  # fmt: skip
    except ValueError:  # what is no form, too many fields, or not UTF-8 once unquoted
        return None
    tokens = [value for name, value in fields if name == "logout_token"]
    return tokens[0] if len(tokens) == 1 else None
