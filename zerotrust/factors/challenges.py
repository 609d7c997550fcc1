"""Challenges of WebAuthn ceremonies that nobody has to remember: each says itself, signed, what it is good for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hmac import compare_digest, digest
from secrets import token_bytes
from typing import Final, Literal, TypeAlias

import attrs

from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import minutes, span_in_seconds
from zerotrust.core.reason import WRONG_CHALLENGE, Reason
from zerotrust.core.secret import checked_secrets
from zerotrust.factors.account import Account

Purpose: TypeAlias = Literal["enrol", "step-up", "sign-in", "approval"]
"""What a challenge was made for; an answer to it is good for nothing else."""

SKEW: Final = 60.0
"""Seconds by which the clocks of two servers may differ."""

_SPACE: Final = "passkey_challenge"
_LIFETIME: Final = minutes(5)
_VERSION: Final = b"\x01"
_MOMENT: Final = 8  # octets: when it ends, in milliseconds
_RANDOM: Final = 16  # octets; section 13.4.3 asks for at least so many
_LATEST: Final = 1e12  # POSIX seconds of the year 33658
_HEAD: Final = len(_VERSION) + _MOMENT + _RANDOM
_LENGTH: Final = _HEAD + 32

_FOREIGN: Final = WRONG_CHALLENGE(expected="a challenge that was made here, for this and for this browser")
_EXPIRED: Final = WRONG_CHALLENGE(detail="it has expired; begin again")
_TIMELESS: Final = WRONG_CHALLENGE(detail="nobody knows what time it is")
_AHEAD: Final = WRONG_CHALLENGE(detail="it would live longer than challenges do here")


@attrs.frozen(eq=False, init=False)
class Challenges:
    """Makes and recognises challenges (WebAuthn Level 3 section 13.4.3). Making one writes nothing anywhere.

    A challenge is 16 random octets and the moment it ends, with an HMAC over these and over all it is bound to: the
    relying party, the purpose, the browser's session and the account. All servers with the same secret recognise each
    other's. It is good once: whoever accepts an answer to it has to consume its mark, after every other check.

    Args:
        secret: at least 32 random bytes, e.g. `secrets.token_bytes(32)`, or their base64url text, the same on all
            servers. Of several the first makes challenges and all are accepted, so that a secret can be replaced: add
            the new one behind the old everywhere, then put it first, then drop the old.
        rp_id: the RP id they are for.
        lifetime: for how long an answer is accepted, from 10 seconds to an hour.

    Raises:
        ConfigError: a secret that is none, or such a lifetime.
    """

    rp_id: str
    lifetime: float
    _secrets: tuple[bytes, ...] = attrs.field(repr=False)

    def __init__(
        self, secret: bytes | str | Sequence[bytes | str], rp_id: str, lifetime: timedelta = _LIFETIME
    ) -> None:
        span = span_in_seconds(lifetime, "lifetime", least=10, most=3600)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            rp_id=rp_id, lifetime=span, secrets=checked_secrets(secret)
        )

    def lasting(self, lifetime: timedelta) -> Challenges:
        """Challenges of the same secrets and relying party for which an answer is accepted for another time."""
        return Challenges(self._secrets, self.rp_id, lifetime)

    def make(self, purpose: Purpose, binding: bytes, account: Account | None, now: float) -> bytes:
        """A new challenge.

        Args:
            purpose: what an answer to it is to be good for.
            binding: what names this browser's session and cannot be guessed; not empty.
            account: whose credentials may answer; None if any may.
            now: the moment of the request, POSIX seconds.

        Raises:
            ConfigError: nothing to bind it to, so that it would be good in any browser; or `now` is no moment.
        """
        if not 0 <= now <= _LATEST:  # nor what is not a number
            raise ConfigError(f"now={now!r} is no moment in POSIX seconds; write one such as time.time()")
        head = _VERSION + round((now + self.lifetime) * 1000).to_bytes(_MOMENT, "big") + token_bytes(_RANDOM)
        return head + self._signed(self._secrets[0], head, purpose, binding, account)

    def check(
        self, challenge: bytes, purpose: Purpose, binding: bytes, account: Account | None, now: float
    ) -> ConsumeOnce | Reason:
        """Whether an answer to `challenge` is good for this; any octets may be asked about.

        Args:
            challenge: the challenge that was answered.
            purpose: what the answer is to be good for.
            binding: what names the session of the browser that answered; not empty.
            account: whose credentials may answer; None if any may.
            now: the moment of the request, POSIX seconds.

        Returns:
            The mark by which it is used up: to be consumed when every other check has passed, or the answer does not
            count. Else `wrong_challenge`: one that was not made here, not for this, or is too old; any, where `now` is
            no moment.

        Raises:
            ConfigError: nothing it could be bound to.
        """
        head, shown = challenge[:_HEAD], challenge[_HEAD:]
        found = False
        for secret in self._secrets:
            found |= compare_digest(self._signed(secret, head, purpose, binding, account), shown)
        if not found or len(challenge) != _LENGTH:
            return _FOREIGN
        if not 0 <= now <= _LATEST:  # what is not a number is not later than anything
            return _TIMELESS
        ends = int.from_bytes(head[1 : 1 + _MOMENT], "big") / 1000
        if ends <= now:
            return _EXPIRED
        if ends > now + self.lifetime + SKEW:  # a clock was set back, or the lifetime was made shorter
            return _AHEAD
        # The head alone: whatever secret signed it, it is the same challenge.
        return ConsumeOnce(_SPACE, head, ends + SKEW, now)

    def made_at(self, mark: ConsumeOnce) -> float:
        """When the challenge was made that `check` gave `mark` for, POSIX seconds by the clock of whoever made it."""
        return mark.until - SKEW - self.lifetime

    def imaginary(self, account: Account, what: bytes) -> bytes:
        """32 octets about `account` that are always the same and look random to whoever does not know the secret."""
        return digest(
            self._secrets[0], _framed(b"zerotrust imaginary", self.rp_id.encode(), account.key, what), "sha256"
        )

    def _signed(self, secret: bytes, head: bytes, purpose: Purpose, binding: bytes, account: Account | None) -> bytes:
        if not binding:
            raise ConfigError("binding is empty: give what names the browser's session, and cannot be guessed")
        whose = b"" if account is None else account.key
        said = _framed(b"zerotrust challenge", head, self.rp_id.encode(), purpose.encode(), binding, whose)
        return digest(secret, said, "sha256")


def _framed(*parts: bytes) -> bytes:
    """`parts` such that no others read the same."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
