"""Nonces that a server gives out for DPoP proofs (RFC 9449 section 8), without remembering any of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hmac import compare_digest, digest
from typing import Final

import attrs

from zerotrust.core.moments import minutes, span_in_seconds
from zerotrust.core.secret import checked_secrets
from zerotrust.wire.encoding import b64url_encode

_LIFETIME: Final = minutes(5)
_LENGTH: Final = 16  # octets of a nonce: as hard to guess as a key


@attrs.frozen(eq=False, init=False)
class Nonces:
    """Makes and recognises nonces. All servers with the same secret and lifetime recognise each other's.

    Time is cut into slots of half a lifetime, and a nonce is the HMAC of its slot: good in its own slot and the next,
    and in the one before it, as the clock of the server that made it may be ahead. So a client that follows the
    `DPoP-Nonce` of each answer is never turned away, and one that made proofs ahead of time is, after a lifetime.

    Args:
        secret: at least 32 random bytes, or their base64url text as `zerotrust store key` prints it, the same on all
            servers. Of several the first makes nonces and all are accepted, so that a secret can be replaced: add the
            new one behind the old everywhere, then put it first, then drop the old.
        lifetime: after how long a nonce is no longer accepted; from half of it on, clients are given the next.

    Raises:
        ConfigError: a secret that is none, or a lifetime under 10 seconds or over a day.
    """

    lifetime: float
    _secrets: tuple[bytes, ...] = attrs.field(repr=False)
    _slots: dict[int, tuple[bytes, ...]] = attrs.field(repr=False)

    def __init__(self, secret: bytes | str | Sequence[bytes | str], lifetime: timedelta = _LIFETIME) -> None:
        span = span_in_seconds(lifetime, "lifetime", least=10, most=86400)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            lifetime=span, secrets=checked_secrets(secret), slots={}
        )

    def make(self, now: float) -> str:
        """The nonce that clients are given at `now` (POSIX seconds)."""
        return self._of(int(now * 2 // self.lifetime))[0].decode("ascii")

    def accepts(self, nonce: str, now: float) -> bool:
        """Whether `nonce` is one of ours that is good at `now` (POSIX seconds). Any text may be asked about."""
        try:
            shown = nonce.encode("ascii")
        except UnicodeEncodeError:
            return False
        slot = int(now * 2 // self.lifetime)
        found = False
        for good in (*self._of(slot), *self._of(slot - 1), *self._of(slot + 1)):
            found |= compare_digest(good, shown)
        return found

    def _of(self, slot: int) -> tuple[bytes, ...]:
        """The nonces of a slot, one for each secret."""
        made = self._slots.get(slot)
        if made is None:
            # What it is for, and how long the slot is: a secret that serves twice by mistake gives nothing away.
            message = b"DPoP nonce\0%d/2\0%d" % (round(self.lifetime * 1e6), slot)
            made = tuple(
                b64url_encode(digest(secret, message, "sha256")[:_LENGTH]).encode("ascii") for secret in self._secrets
            )
            if len(self._slots) > 8:  # three are in use
                self._slots.clear()
            self._slots[slot] = made
        return made
