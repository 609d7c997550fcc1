"""A client that sends what it is told, also what a decent client would not: two Authorization headers, say."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Final, cast
from urllib.parse import urlsplit

_TIMEOUT: Final = 10.0  # seconds
_PARAMETER: Final = re.compile(r'([a-z_]+)="([^"]*)"')

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What to send: method, path, header fields in order (repeated ones stay repeated), body."""

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `document` is the JSON body, an empty object if the body is something else."""

    status: int
    headers: Headers
    document: dict[str, object]

    def header(self, name: str) -> str | None:
        """The first header field `name`, in lower case; None if there is none."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def code(self) -> str:
        """The `code` of the problem body; empty if there is none."""
        return str(self.document.get("code", ""))

    @property
    def challenge(self) -> str:
        """`WWW-Authenticate` in brief: its error code, or the scheme if there is none, and what it asks for."""
        header = self.header("www-authenticate") or ""
        asked = dict(_PARAMETER.findall(header))
        asked.pop("realm", None)
        error = asked.pop("error", header.partition(" ")[0])
        return " ".join([error, *(f'{name}="{value}"' for name, value in asked.items())])


def send(base: str, request: Request) -> Answer:
    """Send `request` to the server at `base` over a connection of its own, and read the whole answer."""
    connection = HTTPConnection(urlsplit(base).netloc, timeout=_TIMEOUT)
    try:
        connection.putrequest(request.method, request.path, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value)
        if request.body:
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)
        response = connection.getresponse()
        headers = tuple((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, headers, _document(response.read()))
    finally:
        connection.close()


def _document(body: bytes) -> dict[str, object]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return cast("dict[str, object]", document) if isinstance(document, dict) else {}
