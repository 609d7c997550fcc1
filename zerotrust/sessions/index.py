"""Which sessions an account has: a list in the store, so that they can be shown, limited and ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from zerotrust.core.ask import Advance, Gather, Lookup, SourceFailed, ask
from zerotrust.core.reason import SOURCE_REFUSED, Reason
from zerotrust.factors.account import Account
from zerotrust.wire.json import parse

SPACE: Final = "sessions"
_TRIES: Final = 8
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


def reading(account: Account, purpose: str, now: float) -> Gather[tuple[Listed, ...]]:
    """The sessions of `account` that have not ended as far as the list knows, the oldest first."""
    raw = yield from ask(Lookup(SPACE, _key(account, purpose), now))
    return _read(raw, now)


def changing(
    account: Account, purpose: str, now: float, *, add: Listed | None = None, drop: frozenset[str] = frozenset()
) -> Gather[None]:
    """Put `add` into the list of `account`, and take what is in `drop` out of it."""
    key = _key(account, purpose)
    for _ in range(_TRIES):
        raw = yield from ask(Lookup(SPACE, key, now))
        before = _read(raw, now)
        after = [one for one in before if one.handle not in drop and (add is None or one.handle != add.handle)]
        if add is not None:
            after.append(add)
        if raw is None and not after:
            return
        # Where nothing is left to keep it for, it still must not be born expired.
        until = max((one.ends_at + _SPARE for one in after), default=now + 1)
        written = json.dumps([[one.handle, one.started_at, one.ends_at] for one in after], separators=(",", ":"))
        if (yield from ask(Advance(SPACE, key, raw, written.encode(), until, now))):
            return
    raise SourceFailed(SOURCE_REFUSED(detail="others keep changing the sessions of this account"))


def _key(account: Account, purpose: str) -> bytes:
    return sha256(f"{purpose}\0".encode() + account.key).digest()


def _read(raw: bytes | None, now: float) -> tuple[Listed, ...]:
    value = None if raw is None else parse(raw, limit=_LIMIT)
    if value is None:
        return ()
    if isinstance(value, Reason) or not isinstance(value, list):
        raise SourceFailed(_FOREIGN)
    found: list[Listed] = []
    for one in value:
        if not (isinstance(one, list) and len(one) == 3):
            raise SourceFailed(_FOREIGN)
        handle, started, ends = one
        if not (isinstance(handle, str) and isinstance(started, int | float) and isinstance(ends, int | float)):
            raise SourceFailed(_FOREIGN)
        if now < ends + _SPARE:
            found.append(Listed(handle, started, ends))
    return tuple(sorted(found, key=lambda listed: (listed.started_at, listed.handle)))
