"""The secrets of one-time password authenticators: made, handed to their owner once, kept encrypted."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b32encode
from dataclasses import dataclass, field
from typing import Final

from zerotrust.factors import qr
from zerotrust.wire.otp import KEY_SIZE, Algorithm

MOST_LABEL: Final = 128
"""Octets of an account's name in an authenticator; what is longer is cut, so that any fits into a QR code."""


@dataclass(frozen=True, slots=True)
class OtpOffer:
    """What its owner puts into an authenticator. Secret: shown once, to them alone, and in no repr.

    Attributes:
        secret: the key in base32, to be typed in.
        uri: the provisioning URI (`otpauth://`), to be scanned.
        expires_at: before when a code has to prove that it was taken in, POSIX seconds.
    """

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    expires_at: float

    def svg(self) -> str:
        """The URI as a QR code, an `<svg>` element.

        Raises:
            ConfigError: the extra `qr` is not installed.
        """
        return qr.svg(self.uri)

    def terminal(self) -> str:
        """The URI as a QR code for a terminal.

        Raises:
            ConfigError: the extra `qr` is not installed.
        """
        return qr.terminal(self.uri)


def new_key(algorithm: Algorithm) -> bytes:
    """A random key as long as the hash (RFC 4226 section 4, R6; RFC 6238 section 5.1)."""
    return secrets.token_bytes(KEY_SIZE[algorithm])


def new_id() -> str:
    """A random id of an authenticator."""
    return secrets.token_urlsafe(12)


def shown_secret(key: bytes) -> str:
    """`key` as a person types it: base32 without padding (RFC 4648 section 6)."""
    return b32encode(key).decode("ascii").rstrip("=")


def totp_uri(key: bytes, issuer: str, label: str, algorithm: Algorithm, digits: int, period: int) -> str:
    """The provisioning URI of a time-based authenticator."""
    from pyotp.totp import TOTP  # 20 ms that nobody but who enrols has a use for

    made = TOTP(shown_secret(key), digits=digits, digest=_DIGESTS[algorithm], interval=period)
    return made.provisioning_uri(name=_label(label), issuer_name=issuer)


def hotp_uri(key: bytes, issuer: str, label: str, algorithm: Algorithm, digits: int) -> str:
    """The provisioning URI of a counter-based authenticator whose counter is 0."""
    from pyotp.hotp import HOTP

    made = HOTP(shown_secret(key), digits=digits, digest=_DIGESTS[algorithm])
    return made.provisioning_uri(name=_label(label), initial_count=0, issuer_name=issuer)


_DIGESTS: Final = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}  # as pyotp wants them


def _label(label: str) -> str:
    # Half a surrogate pair has no octets to be percent-encoded.
    return label.encode("utf-8", "replace")[:MOST_LABEL].decode("utf-8", "ignore") or "account"
