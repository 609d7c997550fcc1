"""The cookie by which a browser is known again in which somebody has proven a factor before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from math import inf
from secrets import token_bytes
from typing import Final

from zerotrust.core.ask import Advance, Gather, Lookup, Put, ask
from zerotrust.core.moments import days, span_in_seconds
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.factors.account import Account
from zerotrust.sessions.carrier import Headers
from zerotrust.sessions.cookie import HostCookie
from zerotrust.sessions.record import SKEW
from zerotrust.sessions.sealing import Sealer
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import JsonValue, parse

SPACE: Final = "device-epoch"

_LIFETIME: Final = days(180)
_MOST: Final = 8
_LIMIT: Final = 2048
_ID: Final = 12  # octets of an epoch, and of what tells one browser from another


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a cookie says about one account.

    Attributes:
        account: the digest of it.
        at: when it last proved a factor there, POSIX seconds.
        epoch: the epoch of the account then.
        id: tells this browser from the others that are known for it.
    """

    account: bytes
    at: float
    epoch: bytes = field(repr=False)
    id: str


class DeviceCookie:
    """Tells whether somebody has proven a factor of an account in this browser before.

    It is no factor and proves nothing about who is there. It keeps two things apart: wrong attempts from a browser that
    is known have a budget of their own, so that an attacker elsewhere, who has none of these cookies for the account,
    cannot use up the attempts of its owner (SP 800-63B-4 section 3.2.2).

    Sealed (AES-256-GCM): nobody else can make one, move one to another account, or read for whom it is. At most 8
    accounts share a browser; the one not seen for the longest time is forgotten first. For each account the store holds
    an epoch, 12 random bytes: what was made in another is worth nothing, so all browsers can be forgotten at once. A
    store that lost an epoch has forgotten them, not brought any back.

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
        keys: bytes | str | Sequence[bytes | str],
        *,
        name: str = "device",
        lifetime: timedelta = _LIFETIME,
        http_on_localhost: bool = False,
    ) -> None:
        self._cookie = HostCookie(name, same_site="Lax", http_on_localhost=http_on_localhost)
        self._sealer = Sealer(keys, "device")
        self._lifetime = span_in_seconds(lifetime, "lifetime", least=86400, most=2 * 366 * 86400.0)

    # Each of these gives steps for a driver: `run(devices.knowing(request, account), sources)`.

    def knowing(self, request: AccessRequest, account: Account) -> Gather[str]:
        """Whether a factor of `account` was proven in the browser of `request` before.

        Returns:
            What tells this browser from the others that are known, to be given as `known=` with a code; empty for one
            that is not, whatever it makes up. The store is asked only about those that show a cookie for `account`.
        """
        entry = _of(self._read(request), account)
        if entry is None:
            return ""
        epoch = yield from ask(Lookup(SPACE, entry.account, request.now))
        return entry.id if epoch is not None and compare_digest(epoch, entry.epoch) else ""

    def remembering(self, request: AccessRequest, account: Account) -> Gather[Headers]:
        """The header with which the browser is known for `account` from now on: a factor of it was just proven.

        It gets another id each time: whoever has copied the cookie before is told from it.
        """
        digest = _digest(account)
        epoch = yield from ask(Lookup(SPACE, digest, request.now))
        if epoch is None:
            first = token_bytes(_ID)
            done = yield from ask(Advance(SPACE, digest, None, first, inf, request.now))
            epoch = first if done else (yield from ask(Lookup(SPACE, digest, request.now)))
        if epoch is None:
            return ()
        new = _Entry(digest, request.now, epoch, b64url_encode(token_bytes(_ID)))
        others = [one for one in self._read(request) if not compare_digest(one.account, digest)]
        return self._write(request, [*others, new][-_MOST:])

    def forgetting(self, request: AccessRequest, account: Account) -> Headers:
        """The header with which the browser is not known for `account` any more."""
        gone = _digest(account)
        return self._write(request, [one for one in self._read(request) if not compare_digest(one.account, gone)])

    def forgetting_all(self, account: Account, now: float) -> Gather[None]:
        """Have no browser be known for `account`: once a factor was removed or replaced, or all sessions were ended.

        Args:
            account: whose browsers.
            now: POSIX seconds.

        Raises:
            SourceFailed: the store did not do it.
        """
        yield from ask(Put(SPACE, _digest(account), token_bytes(_ID), inf, now))

    def _read(self, request: AccessRequest) -> list[_Entry]:
        """Which accounts have proven a factor when, the latest last; none if the cookie is not one of ours."""
        value = self._cookie.find(request)
        octets = self._sealer.open(value, self._cookie.octets) if isinstance(value, str) else None
        said = parse(octets, limit=_LIMIT) if isinstance(octets, bytes) else None
        entries = [_entry(one) for one in said] if isinstance(said, list) else []
        found = [one for one in entries if one is not None]
        if len(found) < len(entries):
            return []
        current = [one for one in found if one.at - SKEW <= request.now < one.at + self._lifetime]
        return sorted(current, key=lambda one: one.at)

    def _write(self, request: AccessRequest, known: list[_Entry]) -> Headers:
        said = [[b64url_encode(one.account), one.at, b64url_encode(one.epoch), one.id] for one in known]
        octets = json.dumps(said, separators=(",", ":")).encode("ascii")
        value = self._sealer.seal(octets, self._cookie.octets) if known else ""
        headers = self._cookie.setting(request, value, self._lifetime if known else 0)
        return () if isinstance(headers, Reason) else headers

    def __repr__(self) -> str:
        return f"DeviceCookie(name={self._cookie.name!r})"


def _of(entries: list[_Entry], account: Account) -> _Entry | None:
    digest = _digest(account)
    return next((one for one in entries if compare_digest(one.account, digest)), None)


def _entry(value: JsonValue) -> _Entry | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    name, at, said, id_ = value
    digest = b64url_decode(name) if isinstance(name, str) else None
    epoch = b64url_decode(said) if isinstance(said, str) else None
    if not isinstance(digest, bytes) or not isinstance(epoch, bytes) or not isinstance(id_, str) or not id_:
        return None
    return _Entry(digest, at, epoch, id_) if isinstance(at, int | float) else None


def _digest(account: Account) -> bytes:
    return sha256(account.key).digest()[:16]
