"""Tokens that their issuer has just called not active: whoever shows one again and again has it asked about once."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from threading import Lock
from typing import Final

LONGEST: Final = 5.0
"""Seconds for which "not active" counts, at most. So long may a token be refused that becomes active in between."""

_MOST: Final = 1024


class InactiveTokens:
    """A small memory of tokens, by digest, and of when their issuer was asked. The oldest makes room for the newest.

    Args:
        most: how many are remembered; no more than 1024 in any case, 0 for none.
        span: seconds for which an answer counts; no more than `LONGEST` in any case.
    """

    __slots__ = ("_asked_at", "_lock", "_most", "_span")

    def __init__(self, most: int, span: float) -> None:
        self._most = min(most, _MOST)
        self._span = min(span, LONGEST)
        self._asked_at: OrderedDict[bytes, float] = OrderedDict()
        self._lock = Lock()

    def has(self, token: str, now: float) -> bool:
        """Whether `token` was called not active so shortly before `now` that it still counts."""
        if not self._asked_at:
            return False
        asked_at = self._asked_at.get(_digest(token))
        # What was said later than now is of a clock that was set back: nobody knows how long ago that is.
        return asked_at is not None and asked_at <= now < asked_at + self._span

    def add(self, token: str, asked_at: float) -> None:
        """Remember that `token` was called not active, by an answer asked for at `asked_at`, POSIX seconds."""
        digest = _digest(token)
        with self._lock:
            self._asked_at[digest] = asked_at
            self._asked_at.move_to_end(digest)
            while len(self._asked_at) > self._most:
                self._asked_at.popitem(last=False)

    def __len__(self) -> int:
        return len(self._asked_at)

    def __repr__(self) -> str:
        return f"<InactiveTokens: {len(self)}>"


def _digest(token: str) -> bytes:
    return sha256(token.encode("ascii")).digest()
