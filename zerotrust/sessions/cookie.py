"""The cookie of a session: how it is set, and how strictly it is read (RFC 6265bis)."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from typing import Final, Literal

import attrs

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import BAD_SESSION, DUPLICATE_HEADER, TOO_LARGE, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.sessions.carrier import Carrier, Headers
from zerotrust.sessions.cross_site import check_origins, cross_site, is_loopback

MOST_COOKIE: Final = 4000
"""Octets of a cookie's name and value: browsers drop what is longer than 4096 (RFC 6265bis section 5.6)."""

MOST_HEADER: Final = 32 * 1024
"""Octets of all that a request carries in `Cookie`."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
_VALUE: Final = re.compile(rb"[A-Za-z0-9._-]+")
_PREFIX: Final = "__Host-"
_LOOPBACK_ONLY: Final = BAD_SESSION(
    expected="a request to localhost", detail="http_on_localhost=True is for development on this machine"
)


@attrs.frozen(init=False)
class SessionCookie(Carrier):
    """How the cookie of a session is called, set and read.

    It is `HttpOnly`, `Secure`, for `Path=/` of this very host alone, and its name begins with `__Host-`, so that no
    other host of the domain can set one (RFC 6265bis section 4.1.3.2).

    Args:
        name: what stands behind `__Host-`: letters, digits, `_` and `-`.
        same_site: `Lax`, so that links from other sites arrive signed in, or `Strict`, so that they do not.
        origins: further origins, such as `https://admin.example.com`, whose pages may send requests that change
            something; those of the host itself always may.
        http_on_localhost: for development alone: the cookie goes over plain http, which costs it `Secure` and the
            prefix, and counts for requests to localhost only.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    name: str
    same_site: Literal["Lax", "Strict"]
    origins: frozenset[str]
    http_on_localhost: bool
    _octets: bytes = attrs.field(repr=False)

    def __init__(
        self,
        name: str = "session",
        *,
        same_site: Literal["Lax", "Strict"] = "Lax",
        origins: Collection[str] = (),
        http_on_localhost: bool = False,
    ) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigError(f"name={name!r}: write a letter, then letters, digits, _ and -, such as session")
        if same_site not in ("Lax", "Strict"):
            raise ConfigError(f'same_site={same_site!r}: write "Lax" or "Strict"')
        if not isinstance(http_on_localhost, bool):
            raise ConfigError(f"http_on_localhost={http_on_localhost!r}: write True or False")
        full = name if http_on_localhost else _PREFIX + name
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            name=full,
            same_site=same_site,
            origins=check_origins(origins),
            http_on_localhost=http_on_localhost,
            octets=full.encode("ascii"),
        )

    def read(self, request: AccessRequest) -> str | Reason | None:
        """What the cookie of `request` holds; None if there is none.

        Returns:
            The value; or `duplicate_header` where there are several of the name, `too_large`, `bad_session` for a value
            that no session has, and `cross_site` where a page of another site sent it to change something.
        """
        value = find_cookie(request.headers, self._octets)
        if value is None or isinstance(value, Reason):
            return value
        if self.http_on_localhost and not is_loopback(request.host):
            return _LOOPBACK_ONLY
        forged = cross_site(request, self.origins, plain_http=self.http_on_localhost)
        return value if forged is None else forged

    def write(self, request: AccessRequest, value: str, ends_at: float) -> Headers | Reason:
        """What has the browser keep `value` until `ends_at` (POSIX seconds); `too_large` if no browser would."""
        if self.http_on_localhost and not is_loopback(request.host):
            return _LOOPBACK_ONLY
        if len(self.name) + 1 + len(value) > MOST_COOKIE:
            return TOO_LARGE(expected=f"at most {MOST_COOKIE} bytes", detail="a cookie")
        return self._set(value, max(1, math.ceil(ends_at - request.now)))

    def clear(self, request: AccessRequest) -> Headers:
        """What has the browser forget it."""
        return self._set("", 0)

    def _set(self, value: str, seconds: int) -> Headers:
        secure = "" if self.http_on_localhost else "; Secure"
        text = f"{self.name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={self.same_site}{secure}"
        return ((b"set-cookie", text.encode("ascii")),)


def find_cookie(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | Reason | None:
    """The one value of the cookie `name` (RFC 6265bis section 4.2.1).

    Several `Cookie` fields are one list, as HTTP/2 has it (RFC 9113 section 8.2.3). Names are compared octet by octet;
    nothing is unquoted, decoded or folded, so that nobody else's cookie reads as this one.

    Returns:
        The value, None if there is none; `too_large` for more than `MOST_HEADER`, `duplicate_header` for a second of
        the name, whatever it holds, and `bad_session` for a value with other characters than letters, digits, `.`, `_`
        and `-`.
    """
    found: bytes | None = None
    size = 0
    for field, sent in headers:
        if field != b"cookie":
            continue
        size += len(sent)
        if size > MOST_HEADER:
            return TOO_LARGE(expected=f"at most {MOST_HEADER} bytes", detail="Cookie")
        if name not in sent:
            continue
        for pair in sent.split(b";"):
            key, equals, value = pair.strip(b" \t").partition(b"=")
            if key == name and equals:
                if found is not None:
                    return DUPLICATE_HEADER(presented="several cookies of this name")
                found = value
    if found is None:
        return None
    if len(found) > MOST_COOKIE or not _VALUE.fullmatch(found):
        return BAD_SESSION(detail="its cookie")
    return found.decode("ascii")
