"""What a door sends: a refusal of its own, in place of whatever the application was about to send."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from zerotrust.web.answer import Answer
from zerotrust.web.continuing import Headers, beside

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from _typeshed import OptExcInfo


def refuse(
    answer: Answer, environ: WSGIEnvironment, start_response: StartResponse, instead: OptExcInfo | None = None
) -> list[bytes]:
    """Send `answer` in place of a response.

    Args:
        answer: what is sent; for HEAD without the body.
        environ: of the request.
        start_response: the server's.
        instead: the exception on account of which a response that was begun is not to be sent (PEP 3333); the server
            raises it again if some of that has been sent already.
    """
    status, headers = f"{answer.status} {HTTPStatus(answer.status).phrase}", text(answer.headers)
    if instead is None:
        start_response(status, headers)
    else:
        start_response(status, headers, instead)
    return [b"" if environ.get("REQUEST_METHOD") == "HEAD" else answer.body]


def with_headers(sent: list[tuple[str, str]], headers: Headers) -> list[tuple[str, str]]:
    """`sent`, and those of `headers` that a response with these needs yet."""
    octets = [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in sent]
    return [*sent, *text(beside(octets, headers))]


def text(headers: Headers | list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """`headers` as WSGI has them, each octet a character (PEP 3333, Unicode issues)."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
