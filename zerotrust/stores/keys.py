"""The application's keys: one for the digests of names, one or more that encrypt values.

AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces, under a key derived from the application's (RFC 5869). A value
is bound to the name it is kept under: moved to another place in the store it does not open.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zerotrust.core.ask import SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.core.secret import LEAST_SECRET, checked_key
from zerotrust.wire.encoding import b64url_encode

_MOST: Final = 64
_ID: Final = 4
_NONCE: Final = 12
_ADVICE: Final = "make one with `zerotrust store key`"


class StoreKeys:
    """Secrets of the application that its stores use; nothing of them ever shows.

    Args:
        encrypt: encrypts secret values, each key at least 32 random bytes, or their base64url text. Of several the
            first encrypts and all decrypt: to rotate, put the new one in front, and drop the old one once what it
            encrypted has expired or was put again.
        index: keys the digests under which everything is kept, 32 to 64 random bytes, or their base64url text. It
            does not rotate: under another one all that was kept is out of sight, used marks included. A store notices
            and refuses.

    Raises:
        ConfigError: no key at all, one that can be guessed or is given twice, or text that is not base64url.

    Example:
        keys = StoreKeys(encrypt=[os.environ["STORE_KEY"]], index=os.environ["STORE_INDEX_KEY"])
    """

    __slots__ = ("_ciphers", "_first", "index")

    def __init__(self, *, encrypt: Sequence[bytes | str] = (), index: bytes | str | None = None) -> None:
        if isinstance(encrypt, bytes | bytearray | str) or not isinstance(encrypt, Sequence):
            raise ConfigError(
                f"encrypt is {type(encrypt).__name__}, not a list of keys; write StoreKeys(encrypt=[key])"
            )
        keys = [_key(value, f"encrypt[{at}]") for at, value in enumerate(encrypt)]
        if not keys and index is None:
            raise ConfigError(f"StoreKeys() has no key; write StoreKeys(encrypt=[key]), and {_ADVICE}")
        self.index: bytes | None = None if index is None else _key(index, "index")
        self._ciphers: dict[bytes, AESGCM] = {}
        for key in keys:
            made = HKDF(SHA256(), _ID + 32, salt=None, info=b"zerotrust store encryption 1").derive(key)
            if made[:_ID] in self._ciphers:
                raise ConfigError("encrypt names the same key twice")
            self._ciphers[made[:_ID]] = AESGCM(made[_ID:])
        self._first = next(iter(self._ciphers), None)

    @property
    def encrypts(self) -> bool:
        """Whether there is a key to encrypt with."""
        return self._first is not None

    def seal(self, name: bytes, value: bytes) -> bytes:
        """`value` encrypted, bound to `name`; raises `SourceFailed` with `source_refused` without a key for it."""
        if self._first is None:
            raise _refused("no key to encrypt with: StoreKeys(encrypt=[...])")
        nonce = secrets.token_bytes(_NONCE)
        return self._first + nonce + self._ciphers[self._first].encrypt(nonce, value, name)

    def open(self, name: bytes, sealed: bytes) -> bytes:
        """What was sealed under `name`; raises `SourceFailed` with `source_refused` if it does not open."""
        cipher = self._ciphers.get(sealed[:_ID])
        if cipher is None:
            raise _refused("a value encrypted with a key that is not among those given")
        try:
            return cipher.decrypt(sealed[_ID : _ID + _NONCE], sealed[_ID + _NONCE :], name)
        except (InvalidTag, ValueError):
            raise _refused("an encrypted value that was changed or moved") from None

    def __repr__(self) -> str:
        return f"StoreKeys({len(self._ciphers)} to encrypt, {'an' if self.index else 'no'} index key)"


def new_key() -> str:
    """A new random key of 32 bytes, as text for an environment variable."""
    return b64url_encode(secrets.token_bytes(LEAST_SECRET))


def _key(value: bytes | str, where: str) -> bytes:
    key = checked_key(value, where)
    if len(key) > _MOST:
        raise ConfigError(f"{where} has {len(key)} bytes; 32 to {_MOST} random ones are needed: {_ADVICE}")
    return key


def _refused(detail: str) -> SourceFailed:
    return SourceFailed(SOURCE_REFUSED(detail=detail))
