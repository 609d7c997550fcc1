"""Tokens that were verified lately: their signature need not be verified with every request.

What is remembered is what the signature and the claims prove, and for how long; time, keys and whatever else can change
are checked at each use, so a remembered token is good exactly as long as it would be without.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final, TypeAlias

from zerotrust.core.finding import Verified
from zerotrust.verifiers.carrier import Presented
from zerotrust.verifiers.token_evidence import TokenEvidence

Clear: TypeAlias = tuple[bytes | None, float, float]
"""An epoch of revocations, the moment at which it was asked for, and the moment from which that no longer counts."""

_AVERAGE: Final = 2048  # characters of a token: so many for each that may be remembered, all together


@dataclass(slots=True, eq=False)
class Remembered:
    """A token that was verified.

    Attributes:
        finding: what it proves, if its key is proven where it is bound to one.
        latest: the latest moment that it speaks of as past, POSIX seconds; `now` plus leeway must have reached it.
        ends: the moment from which it no longer counts, POSIX seconds, leeway included.
        plain: whether nothing else has to be looked at but revocation: no key to be proven, no mark to be consumed.
        origin: whose keys have to be those of `keys` still, where they are fetched.
        keys: what it was verified with, where it is fetched.
        presented: how it came, without the token itself, and with its hash where proofs have to name it.
        length: its characters.
        cleared: under which epoch of revocations it was found clear, when, and until when that counts (POSIX seconds);
            None if it was not yet.
        used: whether it was shown again since its place was last thought of.
    """

    finding: Verified[TokenEvidence]
    latest: float
    ends: float
    plain: bool
    origin: object
    keys: object
    presented: Presented
    length: int
    cleared: Clear | None = None
    used: bool = False


class TokenCache:
    """A bounded memory of verified tokens, by digest. Tokens themselves are not kept.

    A token that was seen once waits among the fresh ones. Seen again, it moves to the known ones. When there is no more
    room, in number or in size, each newcomer takes the place of the oldest fresh one, as long as these have a quarter
    of it: so a flood of tokens that are seen once does not touch the others. Of the known ones, too, the oldest has to
    go, but is spared if it was seen since it came or was spared last: so a flood of tokens that are each seen twice
    pushes out its own.

    Args:
        tokens: the most that are remembered; in size, that many of 2 KiB.
    """

    __slots__ = ("_fresh", "_known", "_lock", "_room", "_size", "_taken", "_waiting")

    def __init__(self, tokens: int) -> None:
        self._room = tokens
        self._size = tokens * _AVERAGE
        # Ordered ones find their oldest at once, however many went before it.
        self._fresh: OrderedDict[bytes, Remembered] = OrderedDict()
        self._known: OrderedDict[bytes, Remembered] = OrderedDict()
        self._taken = 0  # characters of all
        self._waiting = 0  # of the fresh ones among them
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[TokenCache], tuple[int]]:
        return TokenCache, (self._room,)  # a copy in another process trusts nothing that was verified in this one

    def find(self, digest: bytes) -> Remembered | None:
        """What is remembered of the token with this digest."""
        known = self._known.get(digest)
        if known is not None:
            known.used = True
        elif (known := self._fresh.get(digest)) is not None:
            with self._lock:
                moved = self._fresh.pop(digest, None)
                if moved is not None:
                    self._waiting -= moved.length
                    self._known[digest] = moved
        return known

    def put(self, digest: bytes, remembered: Remembered) -> None:
        """Remember a token that was just verified."""
        with self._lock:
            place = self._known if digest in self._known else self._fresh
            before = place.pop(digest, None)
            place[digest] = remembered
            more = remembered.length - (0 if before is None else before.length)
            self._taken += more
            self._waiting += more if place is self._fresh else 0
            while self._taken > self._size or len(self) > self._room:
                self._drop()

    def __len__(self) -> int:
        return len(self._fresh) + len(self._known)

    def __repr__(self) -> str:
        return f"<TokenCache of {len(self)} tokens>"

    def _drop(self) -> None:
        fresh, known = self._fresh, self._known
        crowded = len(fresh) > 1 and (len(fresh) > self._room // 4 or self._waiting > self._size // 4)
        if crowded or not known:
            dropped = fresh.popitem(last=False)[1]
            self._waiting -= dropped.length
        else:
            for _ in range(len(known)):
                digest, oldest = next(iter(known.items()))
                if not oldest.used:
                    break
                oldest.used = False  # spared, once for each time that it was used
                known.move_to_end(digest)
            dropped = known.popitem(last=False)[1]
        self._taken -= dropped.length
