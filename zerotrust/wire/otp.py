"""One-time passwords as values: HOTP (RFC 4226) and the steps of TOTP (RFC 6238).

Codes are text of ASCII digits and nothing else: no blanks, no signs, no digits of other scripts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from hmac import compare_digest
from struct import Struct
from typing import Final, Literal, Protocol, Self, TypeAlias

Algorithm: TypeAlias = Literal["SHA1", "SHA256", "SHA512"]
"""The hash of the HMAC, by its name in provisioning URIs."""

KEY_SIZE: Final[dict[Algorithm, int]] = {"SHA1": 20, "SHA256": 32, "SHA512": 64}
"""Bytes of a key: as many as the hash has (RFC 4226 section 4, R6; RFC 6238 section 5.1)."""

MOST_COUNTER: Final = 2**64 - 1
"""A counter has eight bytes (RFC 4226 section 5.1)."""

DIGITS: Final = (6, 7, 8)
"""How many digits a code may have (RFC 4226 section 5.3)."""


class _State(Protocol):
    """A hash that has taken in the beginning of a message."""

    def copy(self) -> Self: ...
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


# HMAC with SHA-1 is not touched by what is known against SHA-1 (RFC 4226 appendix B), and it is what most apps know.
_HASHES: Final[dict[Algorithm, tuple[Callable[[bytes], _State], int]]] = {
    "SHA1": (hashlib.sha1, 64),
    "SHA256": (hashlib.sha256, 64),
    "SHA512": (hashlib.sha512, 128),
}
_INNER: Final = bytes(octet ^ 0x36 for octet in range(256))
_OUTER: Final = bytes(octet ^ 0x5C for octet in range(256))

_pack_counter: Final = Struct(">Q").pack
_truncated: Final = Struct(">I").unpack_from
_pack_code: Final = Struct(">I").pack


class OtpKey:
    """The key of an authenticator, made ready: what HMAC does with the key alone is done once (RFC 2104 section 4).

    Args:
        key: the shared secret, at least 16 bytes (RFC 4226 section 4, R6).
        algorithm: the hash of the HMAC.
        digits: how many digits a code has, 6 to 8.

    Raises:
        ValueError: a key that is too short, or another algorithm or number of digits.
    """

    __slots__ = ("_inner", "_modulus", "_outer", "algorithm", "digits")

    def __init__(self, key: bytes, algorithm: Algorithm = "SHA1", digits: int = 6) -> None:
        if algorithm not in _HASHES or digits not in DIGITS or not isinstance(key, bytes) or len(key) < 16:
            raise ValueError("a key of 16 bytes or more, SHA1, SHA256 or SHA512, and 6 to 8 digits are needed")
        make, block = _HASHES[algorithm]
        if len(key) > block:
            hashed = make(key)
            key = hashed.digest()
        padded = key.ljust(block, b"\0")
        self._inner = make(padded.translate(_INNER)).copy
        self._outer = make(padded.translate(_OUTER)).copy
        self._modulus = 10**digits
        self.algorithm: Algorithm = algorithm
        self.digits: int = digits

    def at(self, counter: int) -> str:
        """The code for `counter` (RFC 4226 section 5.3).

        Raises:
            ValueError: a counter that is negative or has more than 64 bits.
        """
        if not 0 <= counter <= MOST_COUNTER:
            raise ValueError("a counter has 64 bits and is not negative")
        inner = self._inner()
        inner.update(_pack_counter(counter))
        outer = self._outer()
        outer.update(inner.digest())
        mac = outer.digest()
        code = (_truncated(mac, mac[-1] & 15)[0] & 0x7FFFFFFF) % self._modulus
        return f"{code:0{self.digits}d}"

    def find(self, code: str, first: int, count: int) -> int | None:
        """The last of `count` counters from `first` on whose code is `code`; None if there is none.

        All of them are computed and compared, each in constant time, whether one matches or not and whichever does.
        Counters that do not exist, negative ones say, match nothing.

        Args:
            code: what was presented.
            first: the first counter.
            count: how many counters to look at.
        """
        if not is_code(code, self.digits):
            return None
        if first < 0:
            first, count = 0, count + first
        count = min(count, MOST_COUNTER + 1 - first)
        inner, outer, modulus = self._inner, self._outer, self._modulus
        given, found = _pack_code(int(code)), None
        for counter in range(first, first + count):
            # As in `at`, by hand: a call each would cost a third more.
            state = inner()
            state.update(_pack_counter(counter))
            last = outer()
            last.update(state.digest())
            mac = last.digest()
            value = (_truncated(mac, mac[-1] & 15)[0] & 0x7FFFFFFF) % modulus
            if compare_digest(_pack_code(value), given):
                found = counter
        return found

    def __repr__(self) -> str:
        return f"OtpKey({self.algorithm}, {self.digits} digits)"  # nothing of the key


def is_code(code: object, digits: int) -> bool:
    """Whether `code` is text of exactly so many ASCII digits."""
    return isinstance(code, str) and len(code) == digits and code.isascii() and code.isdigit()


def step_at(now: float, period: int) -> int:
    """The number of the time step at `now` (RFC 6238 section 4.2, T0 = 0).

    Args:
        now: POSIX seconds.
        period: seconds of a step.
    """
    return int(now // period)
