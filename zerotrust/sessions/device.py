"""The cookie by which a browser is known again in which somebody has proven a factor before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from zerotrust.core.moments import days, span_in_seconds
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.factors.account import Account
from zerotrust.sessions.carrier import Headers
from zerotrust.sessions.cookie import HostCookie
from zerotrust.sessions.record import SKEW
from zerotrust.sessions.sealing import Sealer
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import parse

_LIFETIME: Final = days(180)
_MOST: Final = 8
_LIMIT: Final = 2048


class DeviceCookie:
    """Tells whether somebody has proven a factor of an account in this browser before.

    It is no factor and proves nothing about who is there. It keeps two things apart: wrong attempts from a browser that
    is known have a budget of their own, so that an attacker elsewhere, who has none of these cookies for the account,
    cannot use up the attempts of its owner (SP 800-63B-4 section 3.2.2).

    Sealed (AES-256-GCM): nobody else can make one, move one to another account, or read for whom it is. At most 8
    accounts share a browser; the one not seen for the longest time is forgotten first.

    Args:
        keys: seal with the first and open with all, each at least 32 random bytes, the same on all servers.
        name: what stands behind `__Host-`.
        lifetime: for how long an account is known after it last proved a factor; from a day to two years.
        http_on_localhost: for development alone: over plain http, to localhost only.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    __slots__ = ("_cookie", "_lifetime", "_sealer")

    def __init__(
        self,
        keys: bytes | Sequence[bytes],
        *,
        name: str = "device",
        lifetime: timedelta = _LIFETIME,
        http_on_localhost: bool = False,
    ) -> None:
        self._cookie = HostCookie(name, same_site="Lax", http_on_localhost=http_on_localhost)
        self._sealer = Sealer(keys, "device")
        self._lifetime = span_in_seconds(lifetime, "lifetime", least=86400, most=2 * 366 * 86400.0)

    def knows(self, request: AccessRequest, account: Account) -> bool:
        """Whether a factor of `account` was proven in the browser of `request` before; False for all it makes up."""
        wanted, found = _digest(account), False
        for digest, _ in self._read(request):
            found |= compare_digest(digest, wanted)
        return found

    def remembering(self, request: AccessRequest, account: Account) -> Headers:
        """The header with which the browser is known for `account` from now on: a factor of it was just proven."""
        new = _digest(account)
        others = [one for one in self._read(request) if not compare_digest(one[0], new)]
        return self._write(request, [*others, (new, request.now)][-_MOST:])

    def forgetting(self, request: AccessRequest, account: Account) -> Headers:
        """The header with which the browser is not known for `account` any more."""
        gone = _digest(account)
        return self._write(request, [one for one in self._read(request) if not compare_digest(one[0], gone)])

    def _read(self, request: AccessRequest) -> list[tuple[bytes, float]]:
        """Which accounts have proven a factor when, the latest last; none if the cookie is not one of ours."""
        value = self._cookie.find(request)
        octets = self._sealer.open(value, self._cookie.octets) if isinstance(value, str) else None
        said = parse(octets, limit=_LIMIT) if isinstance(octets, bytes) else None
        found: list[tuple[bytes, float]] = []
        for one in said if isinstance(said, list) else []:
            name, at = one if isinstance(one, list) and len(one) == 2 else (None, None)
            digest = b64url_decode(name) if isinstance(name, str) else None
            if not isinstance(digest, bytes) or not isinstance(at, int | float):
                return []
            if at - SKEW <= request.now < at + self._lifetime:
                found.append((digest, at))
        return sorted(found, key=lambda pair: pair[1])

    def _write(self, request: AccessRequest, known: list[tuple[bytes, float]]) -> Headers:
        said = json.dumps([[b64url_encode(digest), at] for digest, at in known], separators=(",", ":"))
        value = self._sealer.seal(said.encode("ascii"), self._cookie.octets) if known else ""
        headers = self._cookie.setting(request, value, self._lifetime if known else 0)
        return () if isinstance(headers, Reason) else headers

    def __repr__(self) -> str:
        return f"DeviceCookie(name={self._cookie.name!r})"


def _digest(account: Account) -> bytes:
    return sha256(account.key).digest()
