"""Values sealed so that only this application reads and makes them: AES-256-GCM (NIST SP 800-38D), keys that rotate."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zerotrust.core.reason import BAD_SESSION, Reason
from zerotrust.core.secret import checked_secrets
from zerotrust.wire.encoding import b64url_decode, b64url_encode

OVERHEAD: Final = 4 + 12 + 16
"""Octets that sealing adds: which key, the nonce, the tag."""

_ID: Final = 4
_NONCE: Final = 12
_NOT_OURS: Final = BAD_SESSION(detail="not sealed here, or changed since")


class Sealer:
    """Seals values with the first of the application's keys, and opens what any of them sealed.

    Args:
        keys: each at least 32 random bytes, or their text as `zerotrust store key` prints it, the same on all servers.
            Of several the first seals and all open: to rotate, add the new one behind the old everywhere, then put it
            first, then drop the old one once what it sealed has expired.
        use: what for; what was sealed for another use does not open.

    Raises:
        ConfigError: keys that are none, or can be guessed.
    """

    __slots__ = ("_ciphers", "_first")

    def __init__(self, keys: bytes | str | Sequence[bytes | str], use: str) -> None:
        derived = [
            HKDF(SHA256(), _ID + 32, None, b"zerotrust sealed " + use.encode("ascii")).derive(key)
            for key in checked_secrets(keys, "keys")
        ]
        self._first = derived[0][:_ID]
        self._ciphers = {one[:_ID]: AESGCM(one[_ID:]) for one in derived}

    def seal(self, value: bytes, bound_to: bytes) -> str:
        """`value` as base64url text that opens again only together with the same `bound_to`."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._ciphers[self._first].encrypt(nonce, value, self._first + bound_to)
        return b64url_encode(self._first + nonce + sealed)

    def open(self, text: str, bound_to: bytes) -> bytes | Reason:
        """What `seal` made `text` of; `bad_session` if it was not `seal`, or not with `bound_to`. Bound its length."""
        octets = b64url_decode(text)
        if isinstance(octets, Reason) or len(octets) < OVERHEAD:
            return _NOT_OURS
        which = octets[:_ID]
        cipher = self._ciphers.get(which)
        if cipher is None:
            return BAD_SESSION(detail="sealed with a key that is not among those given")
        try:
            return cipher.decrypt(octets[_ID : _ID + _NONCE], octets[_ID + _NONCE :], which + bound_to)
        except InvalidTag:
            return _NOT_OURS

    def __repr__(self) -> str:
        return f"Sealer({len(self._ciphers)} keys)"
