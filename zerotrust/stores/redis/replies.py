"""What a server replies (RESP2), taken as it arrives; whatever arrives, a reply stays small and costs little.

A server that is broken, hostile, or no Redis at all must neither make this process keep more than a reply can have nor
keep it busy: what announces too much is refused before any of it is read, and nothing is looked at twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

MOST_BYTES: Final = 1024 * 1024
"""The longest reply. Values and INFO are far shorter, and so is what a cluster of a thousand nodes says of itself."""
MOST_ITEMS: Final = 65536
"""The items of all lists of a reply, together."""
DEEPEST: Final = 8
"""How deep lists lie in each other; CLUSTER SLOTS needs four."""
_LINE: Final = 16384
_LENGTH: Final = re.compile(rb"-1|0|[1-9][0-9]{0,9}")
_NUMBER: Final = re.compile(rb"[+-]?[0-9]{1,19}")


class Garbled(Exception):
    """What arrived is no reply, or one that is larger than any reply has to be."""


class Partial:
    """A reply that has not arrived as a whole."""


PARTIAL: Final = Partial()


class Replies:
    """Makes replies of bytes: text, numbers, None, lists of these, and what `error` makes of errors.

    Args:
        error: makes a value of the text of an error.
    """

    __slots__ = ("_at", "_error", "_items", "_lists", "_text")

    def __init__(self, error: Callable[[str], object]) -> None:
        self._error = error
        self._text = bytearray()
        self._at = 0
        self._items = 0
        self._lists: list[tuple[list[object], int]] = []

    def feed(self, text: bytes) -> None:
        """Take what has arrived."""
        self._text += text

    def begun(self) -> bool:
        """Whether there is something that was not taken."""
        return bool(self._text)

    def take(self) -> object:
        """The next reply; `PARTIAL` until all of it has arrived.

        Raises:
            Garbled: there will be none; nothing that arrives later on makes sense.
        """
        while True:
            value = self._one()
            if value is PARTIAL:
                return PARTIAL
            if isinstance(value, _List):
                self._lists.append(([], value.size))
                continue
            while self._lists:
                items, size = self._lists[-1]
                items.append(value)
                if len(items) < size:
                    break
                self._lists.pop()
                value = items
            else:
                del self._text[: self._at]
                self._at = self._items = 0
                return value

    def _one(self) -> object:
        text, at = self._text, self._at
        end = text.find(b"\r\n", at, at + _LINE)
        if end < 0:
            if len(text) - at >= _LINE:
                raise Garbled
            return PARTIAL
        mark, line = text[at], bytes(text[at + 1 : end])
        at = end + 2
        value: object
        if mark == _BULK:
            value, at = self._bulk(_length(line), at)
            if value is PARTIAL:
                return PARTIAL
        elif mark == _LIST:
            value = self._list(_length(line))
        elif mark == _INTEGER and _NUMBER.fullmatch(line):
            value = int(line)
        elif mark == _SIMPLE:
            value = line
        elif mark == _ERROR:
            value = self._error(line.decode("utf-8", "replace"))
        else:
            raise Garbled
        if at > MOST_BYTES:
            raise Garbled
        self._at = at
        return value

    def _bulk(self, size: int, at: int) -> tuple[object, int]:
        """The text of so many bytes at this place, and where it ends."""
        if size < 0:
            return None, at
        end = at + size
        if end + 2 > MOST_BYTES:
            raise Garbled
        if len(self._text) < end + 2:
            return PARTIAL, at
        if self._text[end : end + 2] != b"\r\n":
            raise Garbled
        return bytes(self._text[at:end]), end + 2

    def _list(self, size: int) -> object:
        if size <= 0:
            return [] if size == 0 else None
        self._items += size
        if self._items > MOST_ITEMS or len(self._lists) >= DEEPEST:
            raise Garbled
        return _List(size)


class _List:
    """A list of so many items begins."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size


_SIMPLE, _ERROR, _INTEGER, _BULK, _LIST = b"+-:$*"


def _length(line: bytes) -> int:
    if _LENGTH.fullmatch(line) is None:
        raise Garbled
    return int(line)
