"""Certificates as proxies squeeze them into a header: PEM with escapes or on one line, and base64 of DER or of PEM.

Every reader takes exactly one of these spellings and gives the DER of each certificate, or a reason. What stands in
the certificates is for whoever reads those to say.
"""

from __future__ import annotations

from binascii import a2b_qp
from typing import Final

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.client_cert import MAX_FORWARDED, MOST_FORWARDED, checked, too_large
from zerotrust.wire.encoding import b64_decode

_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_END: Final = b"-----END CERTIFICATE-----"
_LABELS: Final = MALFORMED(expected=f"{_BEGIN.decode()} ... {_END.decode()}", detail="forwarded PEM")
_BREAKS: Final = MALFORMED(detail="forwarded PEM: a marker stands on a line with something else")
_ESCAPE: Final = MALFORMED(expected="% and two hexadecimal digits", detail="forwarded PEM: an escape")
_RAW: Final = MALFORMED(detail="forwarded PEM: a blank or line break that is not escaped")


def read_escaped_pem(value: bytes) -> tuple[bytes, ...] | Reason:
    """Percent-encoded PEM (RFC 3986 section 2.1), one certificate or several, as nginx, Envoy and AWS send it.

    `+` stands for itself: what decodes forms makes a blank of it and breaks the base64.

    Returns:
        The DER of each certificate in order, at least one; or `malformed` or `too_large`.
    """
    if len(value) > MAX_FORWARDED:
        return too_large(value)
    if b" " in value or b"\n" in value or b"\r" in value or b"\t" in value:
        return _RAW
    plain = _unescaped(value)
    return plain if isinstance(plain, Reason) else _blocks(plain, b"\r\n")


def read_spaced_pem(value: bytes) -> tuple[bytes, ...] | Reason:
    """PEM on one line, a space for each line break, as Apache's `%{SSL_CLIENT_CERT}s` writes it; as above."""
    if len(value) > MAX_FORWARDED:
        return too_large(value)
    return _blocks(value, b" ")


def read_base64_pem(value: bytes) -> tuple[bytes, ...] | Reason:
    """Base64 of PEM, as Apache's `expr=%{base64:%{SSL_CLIENT_CERT}}` writes it; as above."""
    if len(value) > MAX_FORWARDED:
        return too_large(value)
    pem = b64_decode(value)
    return pem if isinstance(pem, Reason) else _blocks(pem, b"\r\n")


def read_base64_der(value: bytes) -> tuple[bytes, ...] | Reason:
    """Base64 of the DER of one certificate, as HAProxy, Azure and Cloudflare send it; as above."""
    if len(value) > MAX_FORWARDED:
        return too_large(value)
    der = checked(b64_decode(value))
    return der if isinstance(der, Reason) else (der,)


def read_base64_ders(value: bytes) -> tuple[bytes, ...] | Reason:
    """Base64 of the DER of each certificate with commas between them, as Traefik sends it; as above.

    Traefik 2 escaped the base64, Traefik 3 does not; since base64 holds no `%`, neither can be taken for the other.
    """
    if len(value) > MAX_FORWARDED:
        return too_large(value)
    plain = _unescaped(value) if b"%" in value else value
    if isinstance(plain, Reason):
        return plain
    members = plain.split(b",")
    if len(members) > MOST_FORWARDED:
        return TOO_LARGE(expected=f"at most {MOST_FORWARDED} certificates", presented=len(members))
    found: list[bytes] = []
    for member in members:
        der = checked(b64_decode(member))
        if isinstance(der, Reason):
            return der
        found.append(der)
    return tuple(found)


def _unescaped(value: bytes) -> bytes | Reason:
    """`value` without its escapes (RFC 3986 section 2.1), read once: what they stand for is not looked at again.

    Quoted-printable (RFC 2045 section 6.7) is the same with `=` for `%`, and is decoded in C.
    """
    if b"=" in value:
        value = value.replace(b"=", b"%3D")
    plain = a2b_qp(value.replace(b"%", b"="))
    # Each escape is two octets shorter as what it stands for; whatever is no escape does not shrink by as many.
    return plain if len(plain) == len(value) - 2 * value.count(b"%") else _ESCAPE


def _blocks(pem: bytes, breaks: bytes) -> tuple[bytes, ...] | Reason:
    """The certificates of a PEM that holds nothing else, not even the text that RFC 7468 section 5.2 lets pass."""
    before, *blocks = pem.split(_BEGIN)
    if before or not blocks:
        return _LABELS
    if len(blocks) > MOST_FORWARDED:
        return TOO_LARGE(expected=f"at most {MOST_FORWARDED} certificates", presented=len(blocks))
    found: list[bytes] = []
    for block in blocks:
        body, end, after = block.partition(_END)
        if not end or after.strip(breaks):
            return _LABELS
        if body[:1] not in breaks or body[-1:] not in breaks:
            return _BREAKS
        der = checked(b64_decode(body.translate(None, breaks)))
        if isinstance(der, Reason):
            return der
        found.append(der)
    return tuple(found)
