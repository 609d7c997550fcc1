"""Where in a request a token is: after a scheme in `Authorization`, or alone in a header or cookie of its own."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import attrs

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import DUPLICATE_HEADER, MALFORMED, NOT_PRESENTED, TOO_LARGE, Reason
from zerotrust.core.request import AccessRequest

_NAME: Final = re.compile(r"[a-z0-9-]+")
_COOKIE: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]++=*+")

# RFC 6750 section 2.1 and RFC 9449 section 7.1; the scheme's case does not count (RFC 9110 section 11.1).
_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] ++([A-Za-z0-9\-._~+/]++=*+)")
_DPOP: Final = re.compile(r"[Dd][Pp][Oo][Pp] ++([A-Za-z0-9\-._~+/]++=*+)")
_SCHEMES: Final = re.compile(r"(?:[Bb][Ee][Aa][Rr][Ee][Rr]|[Dd][Pp][Oo][Pp])(?: |$)")

_NOT_CREDENTIALS: Final = MALFORMED(detail="the authorization header is not a scheme and one token")
_MAX_COOKIES: Final = 64 * 1024

# Schemes that are told by their name (most are registered: RFC 9110 section 16.4.1). Other words may be a credential.
_NAMED: Final = {
    name.lower().encode(): name
    for name in ("DPoP", "Basic", "Digest", "Token", "ApiKey", "Negotiate", "NTLM", "GNAP", "JWT", "OAuth", "Signature")
}
_LONGEST_NAME: Final = 16
_ADVICE: Final = {False: "this verifier takes Bearer alone", True: "this verifier takes Bearer and DPoP"}
_ELSE: Final = {
    (scheme, dpop): NOT_PRESENTED(detail=f"no token; the scheme that came is {name}, and {taken}")
    for scheme, name in _NAMED.items()
    for dpop, taken in _ADVICE.items()
} | {(b"dpop", False): NOT_PRESENTED(detail="no token; the scheme that came is DPoP: to take it, give dpop=DPoP(...)")}
_UNNAMED: Final = {
    dpop: NOT_PRESENTED(detail=f"no token; the scheme that came is another, or none, and {taken}")
    for dpop, taken in _ADVICE.items()
}


@cache
def _cookies_called(name: str) -> re.Pattern[bytes]:
    """Finds the values of cookies of this name.

    RFC 6265 section 5.4 joins cookies with "; "; their names are compared as they are, and quotes hide nothing.
    """
    return re.compile(rb"(?:\A|;)[ \t]*+" + re.escape(name.encode("ascii")) + rb"=([^;]*+)")


@attrs.frozen
class Presented:
    """A token as it came.

    Attributes:
        token: the token alone.
        dpop: whether the scheme was `DPoP` (RFC 9449 section 7.1).
        ath: the hash of the token (RFC 9449 section 4.2), if it was computed before.
    """

    token: str = attrs.field(repr=False)
    dpop: bool = False
    ath: bytes | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Carrier:
    """Where a token is. Never the URL or the body.

    Args:
        header: the name of the header, in lower case. `authorization` holds a scheme and the token, any other header
            the token alone.
        cookie: the name of the cookie to look into where that header was not sent; None for none. A header that was
            sent is never passed over for it, whatever it holds.
    """

    header: str = "authorization"
    cookie: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.header in ("cookie", "set-cookie"):
            raise ConfigError(f"header={self.header!r} holds more than a token; write cookie= and the cookie's name")
        if not (isinstance(self.header, str) and _NAME.fullmatch(self.header)):
            raise ConfigError(f"header={self.header!r}: write its name in lower case, such as x-goog-iap-jwt-assertion")
        if self.cookie is not None and not (isinstance(self.cookie, str) and _COOKIE.fullmatch(self.cookie)):
            raise ConfigError(f"cookie={self.cookie!r}: write its name, such as CF_Authorization")
        if self.cookie is not None and self.header == "authorization":
            raise ConfigError(f"cookie={self.cookie!r} holds a token without a scheme; name a header of its own, too")

    def field(self, request: AccessRequest) -> bytes | Reason | None:
        """What `request` carries, not looked at yet; None if nothing, a reason if more than one."""
        found = request.field(self.header)
        return self._cookie(request) if found is None and self.cookie is not None else found

    def read(self, sent: bytes) -> Presented | Reason | None:
        """The token in what `field` gave; None if it is a credential of another kind, a reason if it is none."""
        if not (sent.isascii() and (text := sent.decode("ascii")).isprintable()):
            return MALFORMED(detail=f"{self} holds more than visible ASCII")
        if self.header != "authorization":
            return Presented(text) if _TOKEN.fullmatch(text) else MALFORMED(detail=f"{self} is not one token")
        bearer = _BEARER.fullmatch(text)
        if bearer is not None:
            return Presented(bearer[1])
        dpop = _DPOP.fullmatch(text)
        if dpop is not None:
            return Presented(dpop[1], dpop=True)
        return _NOT_CREDENTIALS if _SCHEMES.match(text) else None

    def instead(self, sent: bytes, *, dpop: bool) -> Reason:
        """What came in place of a token, where `read` gave None or DPoP is not taken; never the credential itself.

        Args:
            sent: what `field` gave.
            dpop: whether DPoP is taken.
        """
        scheme = sent[:_LONGEST_NAME].lower().partition(b" ")[0]
        return _ELSE.get((scheme, dpop), _UNNAMED[dpop])

    def token(self, sent: bytes) -> str:
        """The token in what `read` has found one in before, at a fraction of the cost."""
        text = sent.decode("ascii")
        return text.rpartition(" ")[2] if self.header == "authorization" else text

    def _cookie(self, request: AccessRequest) -> bytes | Reason | None:
        # HTTP/2 and HTTP/3 may split the cookies over several fields, which are one (RFC 9113 section 8.2.3).
        sent = b"; ".join([value for key, value in request.headers if key == b"cookie"])
        if len(sent) > _MAX_COOKIES:
            return TOO_LARGE(expected=f"at most {_MAX_COOKIES} bytes", detail="the cookies")
        found = _cookies_called(str(self.cookie)).findall(sent)
        if len(found) > 1:
            return DUPLICATE_HEADER(presented=f"{len(found)} cookies called {self.cookie}")
        return found[0].rstrip(b" \t") if found else None

    def __str__(self) -> str:
        return self.header if self.cookie is None else f"{self.header} or the cookie {self.cookie}"


AUTHORIZATION: Final = Carrier()
"""`Authorization: Bearer` or `Authorization: DPoP` (RFC 6750 section 2.1, RFC 9449 section 7.1)."""
