"""Between what an ask says and what a store keeps.

Names become digests, times whole milliseconds, and values say whether they are plain or encrypted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zerotrust.core.ask import Count, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.names import Names

MAX_VALUE: Final = 64 * 1024
FOREVER: Final = 2**52
"""In milliseconds; a moment that no clock comes to. What is to be kept longer is kept for good."""

SLOTS: Final = 8
"""Into how many slots a window is divided, see `Count`."""

_END: Final = FOREVER / 1000
_PLAIN: Final = b"\0"
_SEALED: Final = b"\1"
_LONGEST: Final = 366 * 86400.0
_MOST: Final = 2**31


class Codec:
    """What every store does with an ask before it asks its server, and with what comes back.

    Args:
        namespace: keeps applications that share a store apart, see `Names`.
        keys: the application's keys; None for plain digests and no secret values.

    Raises:
        ConfigError: a namespace with other characters, or keys that are no `StoreKeys`.
    """

    __slots__ = ("_keys", "count", "mark", "names", "record")

    def __init__(self, namespace: str, keys: StoreKeys | None) -> None:
        if keys is not None and not isinstance(keys, StoreKeys):
            raise ConfigError(f"keys is {type(keys).__name__}; write keys=StoreKeys(encrypt=[...], index=...)")
        self._keys = keys
        self.names: Names = Names(namespace, None if keys is None else keys.index)
        self.mark: Callable[[str, bytes], bytes] = self.names.mark
        self.record: Callable[[str, bytes], bytes] = self.names.record
        self.count: Callable[[str, float, bytes], bytes] = self.names.count

    @property
    def keeps_secrets(self) -> bool:
        """Whether there is a key to encrypt secret values with."""
        return self._keys is not None and self._keys.encrypts

    def pack(self, name: bytes, value: bytes, *, secret: bool = False) -> bytes:
        """`value` as it is kept under the digest `name`.

        Raises:
            SourceFailed: `source_refused`: too large, or no key to encrypt it with.
        """
        if len(value) > MAX_VALUE:
            raise refused(f"a value longer than {MAX_VALUE} bytes")
        if not secret:
            return _PLAIN + value
        if self._keys is None:
            raise refused("no key to encrypt with: keys=StoreKeys(encrypt=[...])")
        return _SEALED + self._keys.seal(name, value)

    def unpack(self, name: bytes, kept: bytes, *, secret: bool = False) -> bytes:
        """The value that was kept under the digest `name`.

        Raises:
            SourceFailed: `source_refused`: it does not open, is not encrypted though `secret`, or is not of our making.
        """
        if kept[:1] == _SEALED:
            if self._keys is None:
                raise refused("an encrypted value, and no key: keys=StoreKeys(encrypt=[...])")
            return self._keys.open(name, kept[1:])
        if kept[:1] != _PLAIN:
            raise refused("a value that was not put there by this library")
        if secret:
            raise refused("a value that should be encrypted and is not")
        return kept[1:]


def expiry(until: float, now: float) -> int:
    """`until` in whole milliseconds, rounded up: nothing expires early.

    Raises:
        SourceFailed: `source_refused`: it would have expired already, or `now` is no time at all.
    """
    if not -_END < now < _END:
        raise refused("a moment that is no time")
    if not now < until:
        raise refused("a record that would have expired already")
    if until >= _END:
        return FOREVER
    # The product may be off by the least bit; the quotient tells whether it is.
    nearest = round(until * 1000)
    return nearest + 1 if nearest / 1000 < until else nearest


def moment(now: float) -> int:
    """`now` in whole milliseconds, rounded down.

    Raises:
        SourceFailed: `source_refused`: no time at all.
    """
    if not -_END < now < _END:
        raise refused("a moment that is no time")
    nearest = round(now * 1000)
    return nearest - 1 if nearest / 1000 > now else nearest


def slots(ask: Count) -> tuple[int, int, int]:
    """The slot that `ask` counts in, the first one it takes in, and when its own may be forgotten (milliseconds).

    Raises:
        SourceFailed: `source_refused`: a window or a number of events that makes no sense.
    """
    if not 0.001 <= ask.window <= _LONGEST or not 0 <= ask.add <= _MOST:
        raise refused("a window of less than a millisecond or more than a year, or events less than 0 or 2**31")
    moment(ask.now)
    width = ask.window / SLOTS
    slot = int(ask.now // width)
    # One slot later than it is taken in for the last time: the product is rounded, down at times.
    return slot, slot - SLOTS, expiry((slot + SLOTS + 2) * width, ask.now)


def refused(detail: str) -> SourceFailed:
    """`source_refused` with `detail`, to be raised."""
    return SourceFailed(SOURCE_REFUSED(detail=detail))
