"""The browser that a WebAuthn ceremony began in, named by a cookie: only there its challenge is good.

Where nobody is signed in yet there is no session to bind a challenge to, and where a session is `of` a token it begins
with the first proof. So every ceremony has a name of its own: 256 random bits in a `__Host-` cookie that lives as long
as a challenge. Whoever gets somebody else's browser to send an answer of their own (signing it in as themselves), or an
answer that was made in another browser to their own, lacks that cookie. The handle of the session goes into the binding
as well, so that a challenge does not outlive the session it was made in.
"""

from __future__ import annotations

import re
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

from zerotrust.core.reason import WRONG_CHALLENGE, Reason
from zerotrust.sessions.cookie import HostCookie
from zerotrust.web.ceremonies.setup import Known, Visit
from zerotrust.web.continuing import Headers

_OCTETS: Final = 32
_LENGTH: Final = len(token_urlsafe(_OCTETS))
_LIVES: Final = 3600.0  # the longest that a challenge may live
_UNNAMED: Final = WRONG_CHALLENGE(expected="the cookie of the ceremony, set with the challenge")


def ceremony_cookie(session: str, *, http_on_localhost: bool) -> HostCookie:
    """The cookie of ceremonies, called after what carries the session, so that two applications of a host have two."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", session.removeprefix("__Host-"))[:50]
    return HostCookie(f"{plain}-ceremony", same_site="Strict", http_on_localhost=http_on_localhost)


def naming(visit: Visit, known: Known | None) -> tuple[bytes, Headers] | Reason:
    """What a challenge is bound to that is made now, and the cookie that says so.

    A browser keeps the name it has: two tabs may each have a ceremony open.
    """
    name = visit.setup.cookie.find(visit.request)
    if not isinstance(name, str) or len(name) != _LENGTH:
        name = token_urlsafe(_OCTETS)
    headers = visit.setup.cookie.setting(visit.request, name, _LIVES)
    return headers if isinstance(headers, Reason) else (_binding(name, known), headers)


def named(visit: Visit, known: Known | None) -> bytes | Reason:
    """What the challenge that is answered now has to be bound to; `wrong_challenge` if no ceremony began here."""
    name = visit.setup.cookie.find(visit.request)
    if not isinstance(name, str) or len(name) != _LENGTH:
        return _UNNAMED
    return _binding(name, known)


def _binding(name: str, known: Known | None) -> bytes:
    handle = "" if known is None else known.evidence.handle
    return sha256(f"{name}\n{handle}".encode("utf-8", "surrogatepass")).digest()
