"""Secrets and keys that an application gives: read from bytes or text, and whether they can be guessed."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Final, cast

from zerotrust.core.errors import ConfigError

LEAST_SECRET: Final = 32
"""Octets of a secret, drawn at random."""

# Different octets in a secret: what has fewer was typed, not drawn. Of 32 digits of hexadecimal that were drawn, once
# in thirty million times fewer than 8 differ; of other text and of bytes many more do.
_FEWEST_DIFFERENT: Final = 12
_FEWEST_DIGITS: Final = 8
_HEXADECIMAL: Final = frozenset(b"0123456789abcdefABCDEF-")
_PRINTED: Final = 43  # characters that 32 octets take, as they are printed

_ADVICE: Final = "make one with `zerotrust store key` or secrets.token_bytes(32)"
_SHARED: Final = "all servers and all their workers are given the same"


def checked_key(value: object, where: str) -> bytes:
    """The octets of `value`, if they are a key that nobody can guess.

    Args:
        value: at least 32 random octets, or their base64url text without padding, as `zerotrust store key` prints it.
        where: what it was given as, for the message.

    Raises:
        ConfigError: with its type and length, never with any of it.
    """
    if value is None:
        raise ConfigError(f"{where} is None: nothing is set where it is read from; {_ADVICE}; {_SHARED}")
    key = _decoded(value) if isinstance(value, str) else value
    if not isinstance(key, bytes):
        seen = "text of another kind" if isinstance(value, str) else type(value).__name__
        raise ConfigError(
            f"{where} is neither bytes nor base64url text without padding, but {seen}; {_ADVICE}; {_SHARED}"
        )
    if key is value and len(key) == _PRINTED and _decoded(key.decode("latin-1")) is not None:
        # Elsewhere the very text may be given as text, and be another key.
        raise ConfigError(f"{where} is a key as text, but encoded into bytes; give the text itself, without .encode()")
    different = set(key)
    fewest = _FEWEST_DIGITS if different <= _HEXADECIMAL else _FEWEST_DIFFERENT
    if len(key) < LEAST_SECRET or len(different) < fewest:
        raise ConfigError(
            f"{where} has {len(key)} bytes, {len(different)} of them different, and can be guessed; at least "
            f"{LEAST_SECRET} random ones are needed: {_ADVICE}; {_SHARED}"
        )
    return key


def checked_secrets(secret: object, name: str = "secret") -> tuple[bytes, ...]:
    """`secret`, one or several as `checked_key` takes them; else `ConfigError`, which shows none of them."""
    if secret is None or isinstance(secret, bytes | bytearray | str) or not isinstance(secret, Sequence):
        return (checked_key(secret, name),)
    good = tuple(checked_key(one, f"{name}[{at}]") for at, one in enumerate(cast("Sequence[object]", secret)))
    if not good:
        raise ConfigError(f"{name} is an empty list; {_ADVICE}; {_SHARED}")
    if len(set(good)) < len(good):
        raise ConfigError(f"{name} names the same one twice; give each once")
    return good


def _decoded(text: str) -> bytes | None:
    """The octets that base64url spells so and no other way; None if `text` is not that."""
    try:
        octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return octets if urlsafe_b64encode(octets).rstrip(b"=") == text.encode("ascii") else None
