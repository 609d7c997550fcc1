"""Requests that a page of another site has a browser send, with the cookies of this one (RFC 6265bis section 8.8)."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import CROSS_SITE, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.wire.header import shown

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_ORIGIN: Final = re.compile(r"(https?)://([^/?#@\s]+)", re.ASCII)
_PORTS: Final = {"https": ":443", "http": ":80"}
_LOOPBACK: Final = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.ASCII)

_TRUSTED: Final = frozenset({b"same-origin", b"same-site", b"none"})
_SISTER: Final = CROSS_SITE(presented="same-site", detail="Sec-Fetch-Site without Origin")
_UNSAID: Final = CROSS_SITE(detail="a WebSocket without Origin")
_MANY: Final = CROSS_SITE(detail="more than one Origin or Sec-Fetch-Site")


def cross_site(request: AccessRequest, origins: Collection[str], *, plain_http: bool = False) -> Reason | None:
    """Why `request`, which carries a cookie, may not count as its owner's own; None if it may.

    Reading is not looked at: who may read an answer is decided by its reader's browser. What changes something must
    come from a page of this host, or one of `origins`, or from no page at all. So must the handshake of a WebSocket,
    which no such rule of browsers protects (RFC 6455 section 10.2): every browser says where it comes from (section
    4.1), so that one without `Origin` has lost it on the way.

    Args:
        request: what came in.
        origins: further origins, as `check_origins` gives them.
        plain_http: whether pages of this host may have come by http, in development.

    Returns:
        `cross_site`, or None.
    """
    handshake = _is_handshake(request)
    if request.method in _SAFE and not handshake:
        return None
    origin, site = request.field("origin"), request.field("sec-fetch-site")
    if isinstance(origin, Reason) or isinstance(site, Reason):
        return _MANY
    if origin == b"null" and site == b"same-origin":  # as pages with Referrer-Policy: no-referrer send their forms
        return None
    if origin is not None:
        said = _normal(origin.decode("latin-1"))
        if said is not None and said in origins:
            return None
        if said is None or not _is_own(said, request.host, plain_http=plain_http):
            return CROSS_SITE(expected=request.host, presented=shown(origin.decode("latin-1")), detail="Origin")
    elif handshake:
        return _UNSAID
    elif site == b"same-site":
        return _SISTER  # a browser that knows this sends an Origin with all that changes something
    if site is not None and site not in _TRUSTED:
        return CROSS_SITE(presented=shown(site.decode("latin-1")), detail="Sec-Fetch-Site")
    return None


def check_origins(origins: object) -> frozenset[str]:
    """`origins` in their one spelling; `ConfigError` if one of them is none, or without https."""
    if isinstance(origins, str) or not isinstance(origins, Collection):
        raise ConfigError(f'origins={origins!r}: write a list, such as ["https://admin.example.com"]')
    found: set[str] = set()
    for one in cast("Collection[object]", origins):
        normal = _normal(one) if isinstance(one, str) else None
        if normal is None or not (normal.startswith("https://") or is_loopback(normal.removeprefix("http://"))):
            raise ConfigError(
                f"origins: {one!r} is no origin; write scheme and host, such as https://admin.example.com"
            )
        found.add(normal)
    return frozenset(found)


def is_loopback(host: str) -> bool:
    """Whether `host`, with or without a port, is this machine by name or number."""
    return _LOOPBACK.fullmatch(host.lower()) is not None


def _is_handshake(request: AccessRequest) -> bool:
    """Whether `request` opens a WebSocket, if anybody answers it so (RFC 6455 section 4.2.1)."""
    if request.scheme in ("ws", "wss"):
        return True
    return any(name == b"upgrade" and b"websocket" in value.lower() for name, value in request.headers)


def _normal(origin: str) -> str | None:
    match = _ORIGIN.fullmatch(origin.lower())
    if match is None:
        return None
    scheme, host = match.groups()
    return f"{scheme}://{host.removesuffix(_PORTS[scheme])}"


def _is_own(origin: str, host: str, *, plain_http: bool) -> bool:
    """Whether `origin` is that of a page of `host`: by https, whatever comes from a proxy to here."""
    scheme, _, name = origin.partition("://")
    return bool(host) and (scheme == "https" or plain_http) and host.lower().removesuffix(_PORTS[scheme]) == name
