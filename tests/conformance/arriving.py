"""What of a request reaches an application: a client has to send what the table says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from tests.conformance.wire import Request

# What clients add or leave out by themselves, of no account to any door.
_UNSEEN = frozenset({"connection", "content-length", "content-type"})
# What must not come unless it was sent.
_WATCHED = frozenset({"authorization", "proxy-authorization", "dpop", "cookie", "host", "origin"})


@dataclass(frozen=True)
class Arrived:
    """A request as an application has it.

    Attributes:
        method: as sent.
        path: decoded, in octets.
        query: as sent.
        version: of HTTP.
        headers: those of account, by name; of one name joined with a comma.
    """

    method: str
    path: bytes
    query: bytes
    version: str
    headers: dict[str, bytes]


def sent(request: Request) -> Arrived:
    """What has to reach the application."""
    path, _, query = request.target.partition(b"?")
    headers = ((name.decode("latin-1"), value) for name, value in request.all_headers)
    return Arrived(request.method, unquote_to_bytes(path), query, request.version, _joined(headers, request))


def by_scope(scope: dict[str, Any], request: Request) -> Arrived:
    """What reached an application of ASGI when `request` was sent."""
    query: object = scope["query_string"]
    octets = query if isinstance(query, bytes) else str(query).encode("latin-1")  # Django's client has text there
    headers = ((name.decode("latin-1"), value) for name, value in scope["headers"])
    version, path = str(scope.get("http_version", request.version)), str(scope["path"])
    return Arrived(scope.get("method", "GET"), path.encode(), octets, version, _joined(headers, request))


def by_environ(environ: dict[str, Any], request: Request) -> Arrived:
    """What reached an application of WSGI when `request` was sent."""
    named = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers = ((name, str(value).encode("latin-1")) for name, value in named.items())
    path, query = environ["PATH_INFO"].encode("latin-1"), environ["QUERY_STRING"].encode("latin-1")
    version = environ["SERVER_PROTOCOL"].removeprefix("HTTP/")
    return Arrived(environ["REQUEST_METHOD"], path, query, version, _joined(headers, request))


def _joined(headers: Iterable[tuple[str, bytes]], request: Request) -> dict[str, bytes]:
    counted = _WATCHED | {name.decode("latin-1").lower() for name, _ in request.all_headers}
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for name, value in headers:
        if name.lower() in counted - _UNSEEN and (value or name.lower() != "cookie"):  # Django's says so of having none
            found[name.lower()].append(value)
    return {name: b",".join(values).replace(b", ", b",") for name, values in found.items()}
