"""The target URI of a request in one spelling, so that two can be compared (RFC 3986 sections 6.2.2 and 6.2.3).

Equal are spellings that every parser takes for the same: another case of scheme and host, the default port, an encoded
character that needs no encoding. Whatever two parsers might read differently has no spelling here, and is refused.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.url import MAX_URL

_TOO_LONG: Final = TOO_LARGE(expected=f"at most {MAX_URL} characters", detail="a URL")
_NOT_ABSOLUTE: Final = MALFORMED(detail="not an absolute http or https URL with a plain host and no user information")
_NO_ORIGIN: Final = MALFORMED(detail="no http or https scheme with a plain host")
_NO_PATH: Final = MALFORMED(detail="not a path of RFC 3986")
_DOTS: Final = MALFORMED(detail="a path with a dot segment")

# RFC 3986 section 3.2 without user information; host names as RFC 1123 section 2.1 has them, plus the underscore that
# container networks use; no port may be spelled in two ways, but it may be empty (section 6.2.3).
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_AUTHORITY: Final = rf"({_LABEL}(?:\.{_LABEL})*+|\[[0-9A-Fa-f:.]{{2,45}}\])(?::((?:[1-9][0-9]{{0,4}})?))?"
_HOST: Final = re.compile(_AUTHORITY)
# What follows a question mark or number sign is no part of the target; it still has to be visible ASCII.
_URL: Final = re.compile(rf"([A-Za-z]{{4,5}})://{_AUTHORITY}(/[^?#]*+)?(?:[?#][!-~]*+)?")
_PATH: Final = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*+")
# In lower case without a port, and no segment of the path begins with a dot.
_PLAIN: Final = re.compile(
    r"https://[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*+"
    r"(?:/(?:[A-Za-z0-9\-_~][A-Za-z0-9\-._~]*+)?)++"
)
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_DOT_SEGMENT: Final = re.compile(r"/\.\.?(?:/|\Z)")

_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_UNENCODED: Final = "/!$&'()*+,;=:@"  # with the unreserved ones, what a path may hold as it is

# The handshake of a WebSocket is an HTTP request (RFC 6455 section 4.1).
_SCHEMES: Final = {"https": "https", "http": "http", "wss": "https", "ws": "http"}
_DEFAULT_PORTS: Final = {"https": "443", "http": "80"}


def is_plain(url: str) -> bool:
    """Whether `normal_target` would give back `url` as it is; False, too, for some odd ones of which that is so."""
    return _PLAIN.fullmatch(url) is not None and len(url) <= MAX_URL


def normal_origin(scheme: str, host: str) -> str | Reason:
    """Scheme and authority of a request in their one spelling, e.g. `https://api.example` or `http://[::1]:8000`.

    Args:
        scheme: `https` or `http`; `wss` and `ws` count as these, whose requests their handshakes are.
        host: the name or address with an optional port, as in the `Host` header.

    Returns:
        The origin without the default port, or `malformed`.
    """
    meant = _SCHEMES.get(scheme.lower()) if scheme.isascii() else None
    parts = _HOST.fullmatch(host)
    if meant is None or parts is None or len(host) > MAX_URL:
        return _NO_ORIGIN
    return _origin(meant, parts[1], parts[2])


def normal_path(path: str) -> str | Reason:
    """A percent-encoded path in its one spelling.

    Args:
        path: as it was sent, without a query.

    Returns:
        The path, of which encoded unreserved characters are decoded and all other encodings are in upper case; the
        empty one is `/`. Or `malformed`: not a path of RFC 3986, or one with a dot segment, encoded or not, which
        servers resolve or do not; or `too_large`.
    """
    if len(path) > MAX_URL:
        return _TOO_LONG
    if not path:
        return "/"
    if _PATH.fullmatch(path) is None:
        return _NO_PATH
    if "%" in path:
        path = _ENCODED.sub(_reencoded, path)
    return _DOTS if "/." in path and _DOT_SEGMENT.search(path) else path


def encoded_path(path: str) -> str | Reason:
    """A decoded path in its one spelling, for servers that do not tell how it was sent.

    Which characters had been encoded is lost: a slash that was one of the data, say, looks like any other. What this
    gives is equal to `normal_path` of what was sent where nothing was encoded that need not be.
    """
    if len(path) > MAX_URL:
        return _TOO_LONG
    try:
        return normal_path(quote(path, safe=_UNENCODED))
    except UnicodeEncodeError:
        return _NO_PATH


def normal_target(url: str) -> str | Reason:
    """An absolute http or https URL in its one spelling, without query and fragment.

    Returns:
        The URL, or `malformed` (user information, another scheme, backslashes, control characters, dot segments...)
        or `too_large`.
    """
    if len(url) > MAX_URL:
        return _TOO_LONG
    parts = _URL.fullmatch(url)
    if parts is None:
        return _NOT_ABSOLUTE
    scheme, host, port, path = parts.groups()
    scheme = scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        return _NOT_ABSOLUTE
    origin = _origin(scheme, host, port)
    if isinstance(origin, Reason):
        return origin
    normal = normal_path(path or "/")
    return normal if isinstance(normal, Reason) else origin + normal


def _origin(scheme: str, host: str, port: str | None) -> str | Reason:
    if not port or port == _DEFAULT_PORTS[scheme]:
        return f"{scheme}://{host.lower()}"
    return f"{scheme}://{host.lower()}:{port}" if int(port) < 65536 else _NO_ORIGIN


def _reencoded(encoded: re.Match[str]) -> str:
    character = chr(int(encoded[0][1:], 16))
    return character if character in _UNRESERVED else encoded[0].upper()
