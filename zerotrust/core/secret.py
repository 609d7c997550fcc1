"""Secrets that an application gives to sign what it hands out: whether they can be guessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from zerotrust.core.errors import ConfigError

_LEAST_SECRET: Final = 32
# Different octets in a secret: what has fewer was typed, not drawn. Of 32 digits of hexadecimal that were drawn, once
# in thirty million times fewer than 8 differ; of other text and of bytes many more do.
_FEWEST_DIFFERENT: Final = 12
_FEWEST_DIGITS: Final = 8
_HEXADECIMAL: Final = frozenset(b"0123456789abcdefABCDEF-")


def checked_secrets(secret: object) -> tuple[bytes, ...]:
    """`secret`, one or several, if nobody can guess any of them; else `ConfigError`, which shows none of them."""
    given = (secret,) if isinstance(secret, bytes | str) else secret
    listed = tuple(cast("Sequence[object]", given)) if isinstance(given, Sequence) else ()
    good = tuple(one for one in listed if isinstance(one, bytes))
    if not good or len(good) < len(listed):
        raise ConfigError("secret takes bytes, or a list of bytes, such as secrets.token_bytes(32)")  # never shown
    for one in good:
        different = set(one)
        fewest = _FEWEST_DIGITS if different <= _HEXADECIMAL else _FEWEST_DIFFERENT
        if len(one) < _LEAST_SECRET or len(different) < fewest:
            raise ConfigError(
                f"a secret of {len(one)} bytes, {len(different)} of them different, can be guessed; write at least "
                f"{_LEAST_SECRET} random ones: secrets.token_bytes({_LEAST_SECRET})"
            )
    if len(set(good)) < len(good):
        raise ConfigError("the same secret twice; give each once")
    return good
