"""Which sessions an account has: a list in the store, so that they can be shown, limited and ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from zerotrust.core.ask import Advance, Gather, Lookup, SourceFailed, ask
from zerotrust.core.reason import SOURCE_REFUSED, Reason
from zerotrust.factors.account import Account
from zerotrust.wire.json import JsonValue, parse

SPACE: Final = "sessions"
TRIES: Final = 8
CONTENDED: Final = SOURCE_REFUSED(detail="others keep changing the sessions of this account")

_LIMIT: Final = 32 * 1024
# A clock that was ahead for a while must not take out of sight what goes on once it is right again.
_SPARE: Final = 3600.0
_FOREIGN: Final = SOURCE_REFUSED(detail="a list of sessions that was not written here")


@dataclass(frozen=True, slots=True)
class Listed:
    """One session in the list of its account.

    Attributes:
        handle: its name.
        started_at: when it began, POSIX seconds.
        ends_at: when it ends whatever happens, POSIX seconds.
    """

    handle: str
    started_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class Seen:
    """A list as it was looked at.

    Attributes:
        key: where it is kept.
        raw: what was there, to be compared when it is replaced.
        listed: the sessions, the oldest first.
    """

    key: bytes
    raw: bytes | None
    listed: tuple[Listed, ...]


def looking(account: Account, purpose: str, now: float) -> Gather[Seen]:
    """The list of `account` for sessions of one purpose; some on it may have ended."""
    key = sha256(purpose.encode() + b"\0" + account.key).digest()
    raw = yield from ask(Lookup(SPACE, key, now))
    return Seen(key, raw, () if raw is None else _read(raw, now))


def replacing(seen: Seen, after: Sequence[Listed], now: float) -> Gather[bool]:
    """Replace a list by `after`; False if it is not what was seen any more."""
    written = json.dumps([[one.handle, one.started_at, one.ends_at] for one in after], separators=(",", ":"))
    # Where nothing is left to keep it for, it still must not be born expired.
    until = max((one.ends_at + _SPARE for one in after), default=now + 1)
    return (yield from ask(Advance(SPACE, seen.key, seen.raw, written.encode("ascii"), until, now)))


def _read(raw: bytes, now: float) -> tuple[Listed, ...]:
    value = parse(raw, limit=_LIMIT)
    if isinstance(value, Reason) or not isinstance(value, list):
        raise SourceFailed(_FOREIGN)
    listed = [_one(item) for item in value]
    alive = [one for one in listed if now < one.ends_at + _SPARE]
    return tuple(sorted(alive, key=lambda one: (one.started_at, one.handle)))


def _one(item: JsonValue) -> Listed:
    if isinstance(item, list) and len(item) == 3:
        handle, started, ends = item
        if isinstance(handle, str) and isinstance(started, int | float) and isinstance(ends, int | float):
            return Listed(handle, started, ends)
    raise SourceFailed(_FOREIGN)
