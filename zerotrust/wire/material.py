"""Key material out of JSON Web Keys (RFC 7518 section 6, RFC 8037 section 2), checked before it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from zerotrust.core.reason import UNSUITABLE_KEY, Reason
from zerotrust.wire.encoding import b64url_decode
from zerotrust.wire.header import shown
from zerotrust.wire.jwa import CURVES, PublicKey
from zerotrust.wire.weak import is_low_order, is_roca

MIN_RSA: Final = 2048
"""Bits of the shortest RSA modulus accepted (RFC 7518 sections 3.3 and 3.5)."""

MAX_RSA: Final = 8192
"""Bits of the longest: verifying costs the square of it."""

# FIPS 186-5 appendix A.1.1 sets the lower bound; the upper one bounds what a verification costs.
_MIN_EXPONENT: Final = 65537
_MAX_EXPONENT: Final = 2**64 - 1

JsonObject: TypeAlias = Mapping[str, object]


@dataclass(slots=True)
class Material:
    """What a JWK holds once its members are checked: something that verifies, and the curve it lives on."""

    key: PublicKey
    crv: str | None = None


def unsuitable(detail: str, *, presented: object = None) -> Reason:
    """Say why a key cannot be used. `presented` is shown only if it is a string; it must not be key material."""
    return UNSUITABLE_KEY(detail=detail, presented=shown(presented) if isinstance(presented, str) else None)


def read_material(jwk: JsonObject) -> Material | Reason:
    """The key in a JWK, by its `kty`, or the `unsuitable_key` reason why there is none."""
    kty = jwk.get("kty")
    read = _READERS.get(kty) if isinstance(kty, str) else None
    return unsuitable("its kty is not known", presented=kty) if read is None else read(jwk)


def _octets(jwk: JsonObject, member: str) -> bytes | Reason:
    value = jwk.get(member)
    octets = b64url_decode(value) if isinstance(value, str) else None
    if isinstance(octets, bytes) and octets:
        return octets
    return unsuitable(f"{member} is missing or not base64url")


def _number(jwk: JsonObject, member: str) -> int | Reason:
    octets = _octets(jwk, member)
    if isinstance(octets, Reason):
        return octets
    if octets[0] == 0:
        return unsuitable(f"{member} begins with a zero octet (RFC 7518 section 6.3.1)")
    return int.from_bytes(octets, "big")


def _read_rsa(jwk: JsonObject) -> Material | Reason:
    n, e = _number(jwk, "n"), _number(jwk, "e")
    if isinstance(n, Reason):
        return n
    if isinstance(e, Reason):
        return e
    if not MIN_RSA <= n.bit_length() <= MAX_RSA:
        return UNSUITABLE_KEY(
            expected=f"{MIN_RSA} to {MAX_RSA} bits", presented=f"{n.bit_length()} bits", detail="an RSA key"
        )
    if n % 2 == 0 or e % 2 == 0 or not _MIN_EXPONENT <= e <= _MAX_EXPONENT:
        return unsuitable("an even modulus, or an exponent that is even or not between 65537 and 2^64")
    if is_roca(n):
        return unsuitable("an RSA key that can be factored (CVE-2017-15361)")
    try:
        return Material(RSAPublicNumbers(e, n).public_key())
    except (ValueError, UnsupportedAlgorithm):
        return unsuitable("not an RSA key")


def _read_ec(jwk: JsonObject) -> Material | Reason:
    crv = jwk.get("crv")
    curve = CURVES.get(crv) if isinstance(crv, str) else None
    if curve is None:
        return unsuitable("its crv is not known", presented=crv)
    x, y = jwk.get("x"), jwk.get("y")
    x = b64url_decode(x) if type(x) is str else None
    y = b64url_decode(y) if type(y) is str else None
    if not isinstance(x, bytes) or not isinstance(y, bytes) or not x or not y:
        return unsuitable(f"{'y' if isinstance(x, bytes) and x else 'x'} is missing or not base64url")
    size = (curve.key_size + 7) // 8
    if len(x) != size or len(y) != size:
        return unsuitable(f"x and y must have {size} octets each (RFC 7518 section 6.2.1)")
    try:
        # Refuses what is not on the curve (RFC 8725 section 3.4).
        return Material(ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + x + y), str(crv))
    except (ValueError, UnsupportedAlgorithm):
        return unsuitable("its point is not on its curve", presented=crv)


_EDWARDS: Final[Mapping[str, tuple[int, Callable[[bytes], Ed25519PublicKey | Ed448PublicKey]]]] = {
    "Ed25519": (32, Ed25519PublicKey.from_public_bytes),
    "Ed448": (57, Ed448PublicKey.from_public_bytes),
}


def _read_okp(jwk: JsonObject) -> Material | Reason:
    crv = jwk.get("crv")
    size, load = _EDWARDS.get(crv, (0, None)) if isinstance(crv, str) else (0, None)
    if load is None:
        return unsuitable("its crv is not known, or not for signatures", presented=crv)
    x = _octets(jwk, "x")
    if isinstance(x, Reason):
        return x
    if len(x) != size:
        return unsuitable(f"x must have {size} octets (RFC 8037 section 2)")
    if is_low_order(str(crv), x):
        return unsuitable("a point of low order: anybody can sign for it")
    try:
        return Material(load(x), str(crv))
    except (ValueError, UnsupportedAlgorithm):
        return unsuitable("its point is not on its curve", presented=crv)


def _read_oct(jwk: JsonObject) -> Material | Reason:
    k = _octets(jwk, "k")
    return k if isinstance(k, Reason) else Material(k)


_READERS: Final[Mapping[str, Callable[[JsonObject], Material | Reason]]] = {
    "EC": _read_ec,
    "RSA": _read_rsa,
    "OKP": _read_okp,
    "oct": _read_oct,
}
