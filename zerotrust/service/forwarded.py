"""The request that a proxy asks about, from the request it asks with: nginx, Traefik, Caddy and Envoy."""

from __future__ import annotations

import re
from collections.abc import Collection, MutableMapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import unquote

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.web.peers.headers import collect

MAX_URI: Final = 16_384
"""Octets of a forwarded URI; more is refused."""

_MAX_VALUE: Final = 1024  # octets of any other forwarded header
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}")  # RFC 9110 section 5.6.2
_URI: Final = re.compile(r"/[!-~]*")
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_SCHEMES: Final = ("http", "https")
# What is said of the connection between proxy and service, and of the body that does not come along.
_OF_THE_QUESTION: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"te", b"expect"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a proxy tells what it asks about.

    Attributes:
        name: of the proxy, as it stands in logs and metrics.
        mount: the path that it asks at.
        method: the header with the method; None where the question has the method itself.
        uri: the header with path and query as the client sent them; None where they follow the mount.
        host: the header with the authority the client asked for; None where the question has it itself.
        proto: the header with the scheme.
        client: the header with the address of the client; of several the last one, which the proxy itself has seen.
    """

    name: str
    mount: str
    method: str | None
    uri: str | None
    host: str | None
    proto: str = "x-forwarded-proto"
    client: str = "x-forwarded-for"

    @property
    def headers(self) -> frozenset[bytes]:
        """The headers that it is told by, in lower case."""
        named = (self.method, self.uri, self.host, self.proto, self.client)
        return frozenset(name.encode() for name in named if name is not None)


NGINX: Final = Dialect("nginx", "/nginx", "x-original-method", "x-original-uri", "x-forwarded-host")
"""`auth_request`: nothing is sent by itself, the documented configuration sets all five."""

TRAEFIK: Final = Dialect("traefik", "/traefik", "x-forwarded-method", "x-forwarded-uri", "x-forwarded-host")
"""ForwardAuth, without `trustForwardHeader`."""

CADDY: Final = Dialect("caddy", "/caddy", "x-forwarded-method", "x-forwarded-uri", "x-forwarded-host")
"""`forward_auth`."""

ENVOY: Final = Dialect("envoy", "/envoy", None, None, None, client="x-client-address")
"""`ext_authz` over HTTP: the question is the request itself, with another path before its own and without its body."""

BY_HEADERS: Final = {dialect.mount: dialect for dialect in (NGINX, TRAEFIK, CADDY)}

_ALL: Final = frozenset[bytes]().union(*(dialect.headers for dialect in (*BY_HEADERS.values(), ENVOY)))


def forwarded(
    asked: AccessRequest, scope: MutableMapping[str, Any], dialect: Dialect, hidden: Collection[bytes] = ()
) -> AccessRequest | Reason:
    """The request that a proxy asks about.

    Args:
        asked: the request it asks with.
        scope: the ASGI scope of that.
        dialect: how it tells.
        hidden: further headers that are not shown to policies: those that prove who asks, and identity headers, which
            a client has no business to send.

    Returns:
        The request, whose headers are those of the client as far as the proxy passes them on. Or `duplicate_header`,
        `stray_header` (another spelling), `malformed` or `too_large`: it is not certain what is asked about.
    """
    found, wrong = collect(asked.headers, dialect.headers)
    if wrong is not None:
        return wrong
    read = _Reader({} if found is None else found)
    method = asked.method if dialect.method is None else read.text(dialect.method, _TOKEN)
    uri = _after(dialect, scope) if dialect.uri is None else read.text(dialect.uri, _URI, MAX_URI)
    host = asked.host if dialect.host is None else read.text(dialect.host, _HOST)
    proto = read.text(dialect.proto, _TOKEN)
    client = read.client(dialect.client)
    for one in (method, uri, host, proto, client):
        if isinstance(one, Reason):
            return one
    assert isinstance(uri, str) and isinstance(host, str) and isinstance(proto, str)  # noqa: S101, PT018 - just seen
    if proto not in _SCHEMES:
        return MALFORMED(expected="http or https", detail=f"the {dialect.proto} header")
    if _HOST.fullmatch(host) is None:
        return MALFORMED(expected="one host", detail="the authority of the request")
    if _URI.fullmatch(uri) is None or "#" in uri:
        return MALFORMED(expected="a path and a query", detail="the URI of the request")
    raw, _, query = uri.partition("?")
    drop = {*_OF_THE_QUESTION, *_ALL, *hidden}
    headers = [pair for pair in asked.headers if pair[0] not in drop]
    return _Forwarded(
        asked, str(method), proto, host, raw, query, [(b"host", host.encode("ascii")), *headers], str(client)
    )


def said(asked: AccessRequest, scope: MutableMapping[str, Any], dialect: Dialect) -> tuple[bytes | None, bytes | None]:
    """The method and URI that a proxy asks about, as it says them, even where `forwarded` cannot read all of it.

    Args:
        asked: the request it asks with.
        scope: the ASGI scope of that.
        dialect: how it tells.

    Returns:
        Each of them, or None if it was not said once.
    """
    if dialect.method is None or dialect.uri is None:
        uri = _after(dialect, scope)
        return asked.method.encode("latin-1", "replace"), None if isinstance(uri, Reason) else uri.encode("latin-1")
    method, target = asked.field(dialect.method), asked.field(dialect.uri)
    return method if isinstance(method, bytes) else None, target if isinstance(target, bytes) else None


class _Forwarded(AccessRequest):
    """What a proxy asks about. Who the peer is, is asked of the connection that the proxy asks over, if ever."""

    __slots__ = ("_asked",)

    def __init__(
        self,
        asked: AccessRequest,
        method: str,
        scheme: str,
        host: str,
        raw_path: str,
        query: str,
        headers: list[tuple[bytes, bytes]],
        client: str,
    ) -> None:
        # As servers decode it; where the octets are no UTF-8, rules refuse the path.
        path = unquote(raw_path)
        super().__init__(
            now=asked.now, method=method, scheme=scheme, host=host, path=path, query=query, headers=headers,
            client=client, raw_path=raw_path, spent=asked.spent,
        )  # fmt: skip
        self._asked = asked
        del self.peer

    def __getattr__(self, name: str) -> Any:
        if name == "peer":
            self.peer = self._asked.peer
        return object.__getattribute__(self, name)


class _Reader:
    """The forwarded headers, each of which came at most once."""

    def __init__(self, found: dict[bytes, bytes]) -> None:
        self._found = found

    def text(self, name: str, pattern: re.Pattern[str], most: int = _MAX_VALUE) -> str | Reason:
        value = self._found.get(name.encode())
        if value is None:
            return MALFORMED(expected=f"the {name} header", presented="none", detail="the proxy did not say")
        if len(value) > most:
            return TOO_LARGE(expected=f"at most {most} octets", presented=len(value), detail=f"the {name} header")
        if not value.isascii() or pattern.fullmatch(text := value.decode("ascii")) is None:
            return MALFORMED(detail=f"the {name} header")
        return text

    def client(self, name: str) -> str | Reason:
        said = self.text(name, _LISTED)
        if isinstance(said, Reason):
            return said
        last = said.rpartition(",")[2].strip(" ")
        try:
            return str(ip_address(last))
        except ValueError:
            return MALFORMED(expected="an address", detail=f"the {name} header")


_LISTED: Final = re.compile(r"[0-9A-Fa-f:., ]+")


def _after(dialect: Dialect, scope: MutableMapping[str, Any]) -> str | Reason:
    """The URI that stands in the question's own path, after the mount."""
    sent: object = scope.get("raw_path")
    query: object = scope.get("query_string", b"")
    mount = dialect.mount.encode()
    if not isinstance(sent, bytes) or not isinstance(query, bytes) or not sent.startswith(mount + b"/"):
        return MALFORMED(expected="a path after the mount", detail="the path of the request")
    uri = sent[len(mount) :] + (b"?" + query if query else b"")
    if len(uri) > MAX_URI:
        return TOO_LARGE(expected=f"at most {MAX_URI} octets", presented=len(uri), detail="the URI")
    return uri.decode("latin-1")
