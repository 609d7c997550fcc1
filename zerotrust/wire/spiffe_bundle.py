"""Trust bundles: the authorities of one trust domain (SPIFFE Trust Domain and Bundle section 4), whatever the bytes."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from zerotrust.core.reason import COMPROMISED_KEY, MALFORMED, TOO_LARGE, WRONG_SVID, Reason
from zerotrust.wire.certificate import MAX_CERTIFICATE, Certificate, read_certificate
from zerotrust.wire.json import JsonValue, parse_object
from zerotrust.wire.jwk import MAX_KEY_SET, MAX_KEYS, KeySet, read_key_set
from zerotrust.wire.pem import read_pem
from zerotrust.wire.spiffe import TrustDomain, parse_spiffe_id

MAX_BUNDLE: Final = MAX_KEY_SET
"""Octets of a bundle."""

_KNOWN_TYPES: Final = frozenset({"RSA", "EC", "OKP"})
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
_X509: Final = "x509-svid"
_JWT: Final = "jwt-svid"
_LAST: Final = 2**64 - 1

_DER: Final = b"\x30\x82"  # a SEQUENCE of 256 octets or more; a text may well begin with 0

_NO_KEYS: Final = KeySet(())


@dataclass(frozen=True, slots=True)
class SpiffeBundle:
    """The authorities of one trust domain.

    Attributes:
        certificates: those that issue X.509-SVIDs; none if the trust domain has no such.
        keys: those that sign JWT-SVIDs; none if the trust domain has no such.
        sequence: the number of this edition, which only grows (section 4.1.1); None if it has none.
        refresh_hint: after how many seconds to look for a new one (section 4.1.2); None if it does not say.
        published: whether it is a JWK Set, of which what cannot be used does not count; a list of certificates that
            somebody wrote is used whole or not at all.
    """

    certificates: tuple[Certificate, ...] = field(repr=False)
    keys: KeySet = field(default=_NO_KEYS, repr=False)
    sequence: int | None = None
    refresh_hint: int | None = None
    published: bool = False


def read_bundle(data: bytes, trust_domain: TrustDomain) -> SpiffeBundle | Reason:
    """Read a trust bundle: a JWK Set as the standard has it, or certificates alone, as PEM or one as DER.

    Args:
        data: the bytes; what they are is told by how they begin.
        trust_domain: whose bundle it is, which it does not say itself.

    Returns:
        The bundle. Or `malformed` or `too_large`; `compromised_key` where private keys are in it; `wrong_svid` where
        an authority says that it is one of another trust domain; or `malformed` where nothing in it can be used.
    """
    start = data[:64].lstrip()
    if start.startswith(b"{"):
        bundle = _read_jwks(data)
    elif data.startswith(_DER):
        one = read_certificate(data)
        bundle = one if isinstance(one, Reason) else SpiffeBundle((one,))
    else:
        several = read_pem(data)
        bundle = several if isinstance(several, Reason) else SpiffeBundle(several)
    if isinstance(bundle, Reason):
        return bundle
    for certificate in bundle.certificates:
        wrong = foreign_authority(certificate, trust_domain)
        if wrong is not None:
            return wrong
    return bundle


def foreign_authority(certificate: Certificate, trust_domain: TrustDomain) -> Reason | None:
    """Why a signing certificate must not issue for `trust_domain`, by its own SPIFFE id; None if nothing is wrong.

    X.509-SVID section 3.2: it need not have one. If it has, it has no path, and here it is of this very trust domain
    (section 3.2 recommends that), so that what two domains share in their hierarchies lets neither speak for the other.
    """
    if not certificate.names.uris:
        return None
    uri, *more = certificate.names.uris
    if more:  # section 2
        return WRONG_SVID(expected="one URI", presented=certificate.label, detail="an authority with several URIs")
    said = parse_spiffe_id(uri)
    if isinstance(said, Reason):
        return WRONG_SVID(presented=certificate.label, detail=f"an authority: {said.detail}")
    if said.path:
        return WRONG_SVID(
            expected="an authority's certificate, whose id has no path",
            presented=certificate.label,
            detail="a workload's certificate, or an authority whose id has a path",
        )
    if said.trust_domain != trust_domain:
        return WRONG_SVID(
            expected=trust_domain, presented=certificate.label, detail=f"an authority of {said.trust_domain}"
        )
    return None


def _read_jwks(data: bytes) -> SpiffeBundle | Reason:
    document = parse_object(data, limit=MAX_BUNDLE)
    if isinstance(document, Reason):
        return document
    listed = document.get("keys")  # section 4.1.3
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        return MALFORMED(expected="a list of keys", detail="a trust bundle")
    if len(listed) > MAX_KEYS:
        return TOO_LARGE(expected=f"at most {MAX_KEYS} keys", presented=len(listed), detail="a trust bundle")
    entries = cast("list[dict[str, JsonValue]]", listed)
    if not all(_PRIVATE.isdisjoint(entry) for entry in entries):
        return COMPROMISED_KEY(detail="a trust bundle")
    # Sections 4.2.1 and 4.2.2: of an unknown type or for an unknown use, an entry is as if it were not there.
    known = [entry for entry in entries if str(entry.get("kty")) in _KNOWN_TYPES]
    certificates = [one for entry in known if entry.get("use") == _X509 and (one := _authority(entry)) is not None]
    keys = _jwt_keys([entry for entry in known if entry.get("use") == _JWT])
    if isinstance(keys, Reason):
        return keys
    if not certificates and not len(keys):
        return MALFORMED(detail=_passed_over(entries))
    sequence = _count(document, "spiffe_sequence")
    hint = _count(document, "spiffe_refresh_hint")
    if isinstance(sequence, Reason):
        return sequence
    if isinstance(hint, Reason):
        return hint
    return SpiffeBundle(tuple(dict.fromkeys(certificates)), keys, sequence, hint, published=True)


def _passed_over(entries: list[dict[str, JsonValue]]) -> str:
    """Why none of `entries` counts, for whoever published them."""
    what = "a trust bundle without an authority that can be used"
    if not entries:
        return f"{what}: it has no keys"
    without = sum(entry.get("use") not in (_X509, _JWT) for entry in entries)
    passed = f"{len(entries)} key{'s' * (len(entries) > 1)} passed over"
    if without:
        return f"{what}: {passed}, {without} without use={_X509} or {_JWT}"
    return f"{what}: {passed}: {_X509} takes x5c with a certificate, {_JWT} a kid, and both a known kty"


def _authority(entry: Mapping[str, JsonValue]) -> Certificate | None:
    """X.509-SVID section 6.2: the first certificate of `x5c` and no other; without one the entry does not count.

    Nor does it with one that cannot be read: what is not trusted lets nobody in.
    """
    x5c = entry.get("x5c")
    first = next(iter(x5c), None) if isinstance(x5c, list) else None
    if not isinstance(first, str) or len(first) > 2 * MAX_CERTIFICATE:
        return None
    try:
        der = b64decode(first.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    read = read_certificate(der)
    return None if isinstance(read, Reason) else read


def _jwt_keys(entries: list[dict[str, JsonValue]]) -> KeySet | Reason:
    """JWT-SVID section 6: `use` tells these keys from others, and each has a `kid`."""
    jwks = [
        {name: value for name, value in entry.items() if name != "use"}
        for entry in entries
        if isinstance(entry.get("kid"), str)
    ]
    return read_key_set({"keys": jwks})


def _count(document: Mapping[str, JsonValue], name: str) -> int | Reason | None:
    value = document.get(name)
    if value is None and name not in document:
        return None
    if type(value) is not int or not 0 <= value <= _LAST:
        return MALFORMED(expected="a whole number from 0 on", detail=f"{name} of a trust bundle")
    return value
