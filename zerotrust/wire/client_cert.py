"""`Client-Cert` and `Client-Cert-Chain` (RFC 9440): certificates as byte sequences of structured fields."""

from __future__ import annotations

from typing import Final

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.certificate import MAX_CERTIFICATE
from zerotrust.wire.encoding import b64_decode

MOST_FORWARDED: Final = 10
"""Certificates that a hop may pass on for one client, its own included."""

MAX_FORWARDED: Final = 64 * 1024
"""Octets of one header that carries certificates; servers rarely allow as many."""

_ITEM: Final = MALFORMED(expected=":base64 of DER:", detail="a byte sequence (RFC 9651 section 3.3.5)")
_EMPTY: Final = MALFORMED(expected="a certificate", presented="nothing", detail="a byte sequence")


def read_byte_sequence(value: bytes) -> bytes | Reason:
    """The one byte sequence that a structured field's `value` is (RFC 9651 section 4.2.7, RFC 8941 likewise).

    Strict where the standard leaves a choice: padding must be there and stray bits must be zero. Parameters are
    refused, since RFC 9440 defines none: no hop that writes these fields sends any.

    Args:
        value: the field's value; blanks around it are cut off by whoever parses HTTP. The caller bounds its length.

    Returns:
        The bytes, or a `malformed` reason.
    """
    if len(value) < 2 or value[:1] != b":" or value[-1:] != b":":
        return _ITEM
    return b64_decode(value[1:-1])


def read_client_cert(value: bytes) -> bytes | Reason:
    """The DER that a `Client-Cert` header carries (RFC 9440 section 2.2); `malformed` or `too_large` if none."""
    if len(value) > MAX_FORWARDED:
        return too_large(value)
    return checked(read_byte_sequence(value))


def read_client_cert_chain(value: bytes) -> tuple[bytes, ...] | Reason:
    """The DER of each certificate in a `Client-Cert-Chain` header, which leaves out the client's own (section 2.3).

    Returns:
        The certificates in the order of the handshake, at least one; or `malformed` or `too_large`.
    """
    if len(value) > MAX_FORWARDED:
        return too_large(value)
    # Base64 holds no comma, so those that separate the members of the list are the only ones.
    members = value.split(b",")
    if len(members) >= MOST_FORWARDED:
        return TOO_LARGE(expected=f"at most {MOST_FORWARDED} certificates with the client's own")
    found: list[bytes] = []
    for member in members:
        der = checked(read_byte_sequence(member.strip(b" \t")))
        if isinstance(der, Reason):
            return der
        found.append(der)
    return tuple(found)


def checked(der: bytes | Reason) -> bytes | Reason:
    """`der` if it can be a certificate by its size; whoever reads certificates says whether it is one."""
    if isinstance(der, Reason):
        return der
    if not der:
        return _EMPTY
    if len(der) > MAX_CERTIFICATE:
        return TOO_LARGE(expected=f"at most {MAX_CERTIFICATE} octets", presented=len(der), detail="a certificate")
    return der


def too_large(value: bytes) -> Reason:
    """That a header is longer than any may be that carries certificates."""
    return TOO_LARGE(expected=f"at most {MAX_FORWARDED} octets", presented=len(value), detail="a forwarded header")
