"""Which authorities stand behind an attestation, by their keys: what is reported of one concerns all below it.

Certificates are compared by key, never by their octets: an authority has its certificate renewed whenever it likes, and
whoever enrols chooses which one to send. Nothing is trusted for what is found here; it only speaks against somebody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zerotrust.core.reason import Reason
from zerotrust.pki.strength import is_signed_by, weak_signature
from zerotrust.wire.certificate import Certificate, read_certificate


def key_of(certificate: Certificate) -> bytes:
    """The certificate's public key, the same however the certificate spells it."""
    return certificate.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def line_of(
    path: tuple[Certificate, ...],
    others: Iterable[Certificate],
    named: Callable[[bytes], Iterable[Certificate]],
) -> tuple[Certificate, ...]:
    """The certificates of a path, and those that stand above its end: an anchor need not be a root.

    Args:
        path: a path that was validated, its anchor last.
        others: certificates that may stand above: those that were presented or configured.
        named: gives further ones by their subject, as DER.
    """
    known = tuple(others)
    line = list(path)
    keys = set(map(key_of, path))
    waiting = list(path[-1:])
    while waiting:
        below = waiting.pop()
        for one in (*known, *named(below.issuer_name)):
            if is_issuer(one, below) and key_of(one) not in keys:
                keys.add(key_of(one))
                line.append(one)
                waiting.append(one)
    return tuple(line)


def is_issuer(one: Certificate, below: Certificate) -> bool:
    """Whether `one` has issued `below`; where the signature is of a kind that proves nothing, the name decides."""
    if one.subject_name != below.issuer_name and (
        one.comparable_subject is None or one.comparable_subject != below.comparable_issuer
    ):
        return False
    return is_signed_by(below, one) or weak_signature(below) is not None


def concerns(reported: bytes, line: tuple[Certificate, ...]) -> bool:
    """Whether a report about a certificate is about one of `line`, or about who issued one of them.

    Args:
        reported: the certificate as DER; empty for a report about the whole model.
        line: what `line_of` found; empty where nobody trusted attests anything, so that nobody could tell.

    Returns:
        True also for a certificate that cannot be read.
    """
    read = read_certificate(reported) if reported and line else None
    if read is None or isinstance(read, Reason):
        return True
    key = key_of(read)
    return any(key_of(one) == key or is_issuer(read, one) for one in line)
