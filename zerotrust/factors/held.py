"""What is kept of an authenticator besides its secret: one record for an account and a method, changed as a whole.

The record says which authenticator counts. Everything that must happen once, a step used, a code used up, an attempt
counted, an authenticator replaced, is one comparison of the record with what was read, so nothing comes in between.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final, Generic, Protocol, TypeVar

from zerotrust.core.ask import Advance, Gather, Lookup, SourceFailed, ask
from zerotrust.core.reason import MALFORMED, NOT_ENROLLED, SOURCE_REFUSED, THROTTLED, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.throttle import Lane, Tries
from zerotrust.wire.json import JsonValue, parse_object

MOST_NAME: Final = 64
"""Characters of the name that an owner gives an authenticator."""

RETRIES: Final = 4
"""How often a change is tried again because something else was changed in between."""

# A removed record is kept as this for a while: who read what was there before cannot put it back.
_REMOVED: Final = b"-"
_REMEMBERED: Final = 3600.0
_FOREVER: Final = math.inf
_UNTRIED: Final = Tries()
_LIMIT: Final = 64 * 1024

BUSY: Final = THROTTLED(expected=1, detail="too many attempts at the same time")
_GONE: Final = NOT_ENROLLED()


class State(Protocol):
    """What one kind of authenticator remembers, in a form for JSON."""

    def fields(self) -> dict[str, JsonValue]:
        """The state as the members of a JSON object."""
        ...


S = TypeVar("S", bound=State)


@dataclass(frozen=True, slots=True)
class Held(Generic[S]):
    """An authenticator that counts.

    Attributes:
        id: names it; random, so that one enrolled anew has nothing in common with its predecessor.
        name: what its owner calls it.
        enrolled_at: when, POSIX seconds.
        state: what its kind remembers.
        used_at: when it proved something last, POSIX seconds.
        tries: what was counted of attempts.
    """

    id: str
    name: str
    enrolled_at: float
    state: S
    used_at: float | None = None
    tries: Tries = _UNTRIED

    def to_bytes(self) -> bytes:
        """As it is kept, on one line."""
        lanes: list[JsonValue] = [[lane.failures, lane.until] for lane in (self.tries.known, self.tries.unknown)]
        members: dict[str, JsonValue] = {
            "id": self.id,
            "name": self.name,
            "at": self.enrolled_at,
            "used": self.used_at,
            "tries": lanes,
            "state": self.state.fields(),
        }
        return json.dumps(members, separators=(",", ":")).encode("ascii")


@dataclass(frozen=True, slots=True)
class Found(Generic[S]):
    """What was read.

    Attributes:
        kept: the record as it was; None if there was none.
        held: what it says; None if there was none, or it was removed.
    """

    kept: bytes | None
    held: Held[S] | None


@dataclass(frozen=True, slots=True)
class Records(Generic[S]):
    """Where the authenticators of one kind are kept.

    Attributes:
        space: the name of the space in the store.
        read: makes a state of its fields; None if it cannot.
    """

    space: str
    read: Callable[[dict[str, JsonValue]], S | None]

    def reading(self, account: Account, now: float) -> Gather[Found[S]]:
        """What is kept for `account`.

        Raises:
            SourceFailed: a record that cannot be read; it is not taken for one that is not there.
        """
        kept = yield from ask(Lookup(self.space, place(account), now))
        if kept is None or kept == _REMOVED:
            return Found(kept, None)
        held = self.parse(kept)
        if held is None:
            raise SourceFailed(SOURCE_REFUSED(detail=f"a record in {self.space} that cannot be read"))
        return Found(kept, held)

    def parse(self, kept: bytes) -> Held[S] | None:
        """A record as `Held.to_bytes` makes it; None if it is none."""
        members = parse_object(kept, limit=_LIMIT)
        if isinstance(members, Reason):
            return None
        id_, name, fields = members.get("id"), members.get("name"), members.get("state")
        at, used, tries = _moment(members.get("at")), members.get("used"), _tries(members.get("tries"))
        used_at = None if used is None else _moment(used)
        state = self.read(fields) if isinstance(fields, dict) else None
        if not isinstance(id_, str) or not isinstance(name, str) or at is None or tries is None or state is None:
            return None
        if used is not None and used_at is None:
            return None
        return Held(id_, name, at, state, used_at, tries)

    def replacing(self, account: Account, found: Found[S], held: Held[S], now: float) -> Gather[Found[S] | None]:
        """Keep `held` in the place of what was `found`; None if that is not there any more, and nothing was changed."""
        kept = held.to_bytes()
        done = yield from ask(Advance(self.space, place(account), found.kept, kept, _FOREVER, now))
        return Found(kept, held) if done else None

    def renaming(self, account: Account, id_: str, name: str, now: float) -> Gather[Reason | None]:
        """Call the authenticator `id_` `name`; the reason if that was not done."""
        called = check_name(name)
        if isinstance(called, Reason):
            return called
        for _ in range(RETRIES):
            found = yield from self.reading(account, now)
            if found.held is None or found.held.id != id_:
                return _GONE
            if (yield from self.replacing(account, found, replace(found.held, name=called), now)) is not None:
                return None
        return BUSY

    def removing(self, account: Account, id_: str, now: float) -> Gather[Reason | None]:
        """Let the authenticator `id_` count no more; the reason if that was not done."""
        for _ in range(RETRIES):
            found = yield from self.reading(account, now)
            if found.held is None or found.held.id != id_:
                return _GONE
            gone = Advance(self.space, place(account), found.kept, _REMOVED, now + _REMEMBERED, now)
            if (yield from ask(gone)):
                return None
        return BUSY


def place(account: Account, id_: str = "") -> bytes:
    """What something of `account` is kept under: short, however long its subject."""
    return blake2b(account.key + b"\n" + id_.encode(), digest_size=32).digest()


def check_name(name: str) -> str | Reason:
    """`name` if an authenticator may be called so: 1 to 64 characters that print."""
    if isinstance(name, str) and 1 <= len(name) <= MOST_NAME and name.isprintable() and name.strip():
        return name
    return MALFORMED(expected=f"1 to {MOST_NAME} characters that print", detail="the name of an authenticator")


def whole(value: JsonValue, most: int) -> int | None:
    """`value` if it is a whole number from 0 to `most`."""
    return value if type(value) is int and 0 <= value <= most else None


def _moment(value: JsonValue) -> float | None:
    return float(value) if type(value) is float or type(value) is int else None


def _tries(value: JsonValue) -> Tries | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    lanes: list[Lane] = []
    for lane in value:
        if not isinstance(lane, list) or len(lane) != 2:
            return None
        failures, until = whole(lane[0], 1000), _moment(lane[1])
        if failures is None or until is None:
            return None
        lanes.append(Lane(failures, until))
    return Tries(*lanes)
