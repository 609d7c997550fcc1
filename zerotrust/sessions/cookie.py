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


class HostCookie:
    """A cookie of this very host: `__Host-`, `HttpOnly`, `Secure`, `Path=/` (RFC 6265bis section 4.1.3.2).

    Args:
        name: what stands behind `__Host-`: letters, digits, `_` and `-`.
        same_site: `Lax` or `Strict`.
        http_on_localhost: for development alone: over plain http, without `Secure` and the prefix, to localhost only.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    __slots__ = ("http_on_localhost", "name", "octets", "same_site")

    def __init__(self, name: str, *, same_site: Literal["Lax", "Strict"], http_on_localhost: bool) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigError(f"name={name!r}: write a letter, then letters, digits, _ and -, such as session")
        if same_site not in ("Lax", "Strict"):
            raise ConfigError(f'same_site={same_site!r}: write "Lax" or "Strict"')
        if not isinstance(http_on_localhost, bool):
            raise ConfigError(f"http_on_localhost={http_on_localhost!r}: write True or False")
        self.name: str = name if http_on_localhost else _PREFIX + name
        self.octets: bytes = self.name.encode("ascii")
        self.same_site: str = same_site
        self.http_on_localhost: bool = http_on_localhost

    def find(self, request: AccessRequest) -> str | Reason | None:
        """What `find_cookie` gives, and `bad_session` for plain http from elsewhere than localhost."""
        value = find_cookie(request.headers, self.octets)
        return _LOOPBACK_ONLY if isinstance(value, str) and not self._serves(request) else value

    def setting(self, request: AccessRequest, value: str, seconds: float) -> Headers | Reason:
        """What has the browser keep `value` for so many seconds, 0 to forget it; `too_large` if no browser would."""
        if not self._serves(request):
            return _LOOPBACK_ONLY
        if len(self.name) + 1 + len(value) > MOST_COOKIE:
            return TOO_LARGE(expected=f"at most {MOST_COOKIE} bytes", detail="a cookie")
        secure = "" if self.http_on_localhost else "; Secure"
        age = max(0, math.ceil(seconds))
        text = f"{self.name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite={self.same_site}{secure}"
        return ((b"set-cookie", text.encode("ascii")),)

    def _serves(self, request: AccessRequest) -> bool:
        return not self.http_on_localhost or is_loopback(request.host)


@attrs.frozen(init=False)
class SessionCookie(Carrier):
    """How the cookie of a session is called, set and read (SP 800-63B-4 section 5.1.1).

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
    same_site: str
    origins: frozenset[str]
    http_on_localhost: bool
    _cookie: HostCookie = attrs.field(repr=False, eq=False)

    def __init__(
        self,
        name: str = "session",
        *,
        same_site: Literal["Lax", "Strict"] = "Lax",
        origins: Collection[str] = (),
        http_on_localhost: bool = False,
    ) -> None:
        cookie = HostCookie(name, same_site=same_site, http_on_localhost=http_on_localhost)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            name=cookie.name,
            same_site=same_site,
            origins=check_origins(origins),
            http_on_localhost=http_on_localhost,
            cookie=cookie,
        )

    @property
    def room(self) -> int:
        """How many characters a value may have beside its name."""
        return MOST_COOKIE - len(self.name) - 1

    def read(self, request: AccessRequest) -> str | Reason | None:
        """What the cookie of `request` holds; None if there is none.

        Returns:
            The value; or `duplicate_header` where there are several of the name, `too_large`, `bad_session` for a value
            that no session has, and `cross_site` where a page of another site sent it to change something.
        """
        value = self._cookie.find(request)
        if not isinstance(value, str):
            return value
        forged = cross_site(request, self.origins, plain_http=self.http_on_localhost)
        return value if forged is None else forged

    def write(self, request: AccessRequest, value: str, ends_at: float) -> Headers | Reason:
        """What has the browser keep `value` until `ends_at` (POSIX seconds); `too_large` if no browser would."""
        return self._cookie.setting(request, value, ends_at - request.now)

    def clear(self, request: AccessRequest) -> Headers:
        """What has the browser forget it; nothing where it never was set."""
        headers = self._cookie.setting(request, "", 0)
        return () if isinstance(headers, Reason) else headers


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
