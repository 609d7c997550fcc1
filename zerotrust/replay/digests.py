"""Keyed digests: who somebody is, kept so that it can be compared and not read."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import Final, cast

from zerotrust.core.secret import checked_key

_OCTETS: Final = 18  # of the digest that are kept: 24 characters, and no two values in a lifetime meet
_MARK: Final = "hmac:"


class Digests:
    """HMAC-SHA256 (RFC 2104) under one key.

    Equal values have equal digests, wherever they stand, so that an owner can be compared with a subject. Without the
    key nobody can try who it might be, which plain hashes of names would allow.

    Args:
        key: at least 32 random octets, or their base64url text, as `zerotrust store key` prints it.
        where: what the key was given as, for the message.

    Attributes:
        key_id: tells capsules of different keys apart, and nothing of the key.

    Raises:
        ConfigError: the key is none, or can be guessed.
    """

    __slots__ = ("_key", "key_id")

    def __init__(self, key: bytes | str, where: str = "Recorder(key=...)") -> None:
        self._key = checked_key(key, where)
        self.key_id: str = self._text(b"i")[:8]

    def of(self, value: object) -> object:
        """The digest of a text, a number or a truth value; of each item of a list; None of None."""
        if value is None:
            return None
        if isinstance(value, str):
            return _MARK + self._text(b"s" + value.encode("utf-8", "surrogatepass"))
        if isinstance(value, list | tuple | frozenset | set):
            return [self.of(item) for item in cast("Iterable[object]", value)]
        return _MARK + self._text(b"j" + json.dumps(value, sort_keys=True, default=repr).encode())

    def _text(self, message: bytes) -> str:
        digest = hmac.digest(self._key, message, "sha256")[:_OCTETS]
        return urlsafe_b64encode(digest).decode()

    def __repr__(self) -> str:
        return f"Digests(key {self.key_id})"
