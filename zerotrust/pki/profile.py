"""What each certificate on a path has to be by itself, whoever issued it (RFC 5280 section 4.2, and our own floors)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from cryptography import x509

from zerotrust.core.reason import (
    CA_AS_PEER,
    CRITICAL_EXTENSION,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    MALFORMED,
    NOT_A_CA,
    Reason,
)
from zerotrust.pki.strength import weak_key, weak_signature
from zerotrust.wire.certificate import Certificate

_ANY_PURPOSE: Final = x509.oid.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
_POLICIES: Final = (x509.oid.ExtensionOID.CERTIFICATE_POLICIES.dotted_string,)


def peer_fault(
    one: Certificate,
    purposes: tuple[x509.ObjectIdentifier, ...],
    *,
    authority: bool = False,
    because: str = "",
    any_policy: bool = False,
) -> Reason | None:
    """Why `one` cannot be a peer's own certificate, if so.

    Args:
        one: the certificate.
        purposes: what its extended key usage has to name, each by itself: `anyExtendedKeyUsage` names none of them.
        authority: whether it may be an authority's certificate.
        because: who demands the purposes; told where one lacks.
        any_policy: whether it may mark its certificate policies critical.
    """
    for weak in (weak_key(one), weak_signature(one)):  # not `or`: a reason is falsy
        if weak is not None:
            return weak
    if one.not_understood and not (any_policy and one.not_understood == _POLICIES):
        return _critical(one)
    constraints = one.extension(x509.BasicConstraints)
    is_authority = constraints is not None and constraints.ca
    if is_authority and not authority:
        return CA_AS_PEER(presented=one.label)
    usage = one.extension(x509.KeyUsage)
    if usage is not None and not is_authority:
        if usage.key_cert_sign:
            return CA_AS_PEER(presented=one.label, detail="its key usage holds keyCertSign (section 4.2.1.3)")
        if not usage.digital_signature:
            return KEY_USAGE(expected="digitalSignature", presented=one.label)
    held = one.extension(x509.ExtendedKeyUsage)
    lacking = [purpose for purpose in purposes if held is None or purpose not in held]
    if lacking:
        return EXTENDED_KEY_USAGE(expected=_called(lacking), presented=one.label, detail=because)
    return None


class Standing(NamedTuple):
    """What an authority's certificate is by itself, whatever is below it.

    Attributes:
        weak: why its key proves nothing, if so.
        weakly_signed: why the signature on it proves nothing, if so; of no concern with an anchor.
        unfit: why it must not issue certificates, if so.
        most: how many authorities may stand below it, None for any number (section 4.2.1.9).
        constrains: whether it constrains names.
    """

    weak: Reason | None
    weakly_signed: Reason | None
    unfit: Reason | None
    most: int | None
    constrains: bool


def standing_of(one: Certificate, purposes: tuple[x509.ObjectIdentifier, ...]) -> Standing:
    """How an authority's certificate stands. Its signature and its dates are somebody else's matter.

    Args:
        one: the certificate.
        purposes: what its extended key usage, if it has one, must not exclude.
    """
    # An authority stands above many peers, and never changes.
    known = one.notes.get(purposes)
    if isinstance(known, Standing):
        return known
    constraints = one.extension(x509.BasicConstraints)
    standing = Standing(
        weak_key(one),
        weak_signature(one),
        _unfit(one, purposes),
        None if constraints is None else constraints.path_length,
        one.extension(x509.NameConstraints) is not None,
    )
    one.notes[purposes] = standing
    return standing


def _unfit(one: Certificate, purposes: tuple[x509.ObjectIdentifier, ...]) -> Reason | None:
    if not one.subject_name[2:]:
        return MALFORMED(presented=one.label, detail="an authority without a name (RFC 5280 section 4.1.2.6)")
    if one.not_understood:
        return _critical(one)
    constraints = one.extension(x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        return NOT_A_CA(presented=one.label)
    usage = one.extension(x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        return KEY_USAGE(expected="keyCertSign", presented=one.label)
    held = one.extension(x509.ExtendedKeyUsage)
    if held is not None and _ANY_PURPOSE not in held:
        lacking = [purpose for purpose in purposes if purpose not in held]
        if lacking:
            return EXTENDED_KEY_USAGE(expected=_called(lacking), presented=one.label)
    return None


def _critical(one: Certificate) -> Reason:
    return CRITICAL_EXTENSION(presented=one.label, detail=", ".join(one.not_understood))


def _called(purposes: Sequence[x509.ObjectIdentifier]) -> str:
    known = {
        x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
        x509.oid.ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    }
    return ", ".join(known.get(purpose, purpose.dotted_string) for purpose in purposes)
