"""COSE public keys (RFC 9052 section 7, RFC 9053, RFC 8230) as WebAuthn Level 3 has them, ready to verify."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from zerotrust.core.reason import UNSUITABLE_KEY, Reason
from zerotrust.wire.cbor import CborMap, decode
from zerotrust.wire.jwa import CURVES
from zerotrust.wire.material import MAX_RSA, MIN_RSA
from zerotrust.wire.weak import is_low_order, is_roca

CosePublicKey: TypeAlias = ec.EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey | Ed448PublicKey

Verify: TypeAlias = Callable[[bytes, bytes], bool]
"""Says whether the second argument is a signature over the first, as WebAuthn Level 3 section 6.5.5 writes it: ECDSA in
DER. Never raises.
"""

MAX_COSE_KEY: Final = 2048
"""Bytes of one key: RSA with 8192 bits fits."""

MAX_KEPT_KEYS: Final = 1024
"""Keys that `kept_key` remembers."""


@dataclass(frozen=True, slots=True)
class CoseAlgorithm:
    """One algorithm of the IANA registry "COSE Algorithms", bound to one type of key.

    Attributes:
        name: its name here; that of JOSE where JOSE has the same algorithm.
        id: its COSE identifier.
        kty: the type of its keys: 1 OKP, 2 EC2, 3 RSA.
        crv: its curve, by name; empty for RSA.
        digest: the hash inside it; None for Edwards curves.
        probabilistic: whether it is RSASSA-PSS.
    """

    name: str
    id: int
    kty: int
    crv: str = ""
    digest: hashes.HashAlgorithm | None = field(default=None, repr=False)
    probabilistic: bool = False


_OKP, _EC2, _RSA = 1, 2, 3
# As for JSON Web Keys: FIPS 186-5 appendix A.1.1, and a bound on what a verification costs.
_MIN_EXPONENT, _MAX_EXPONENT = 65537, 2**64 - 1
_SHA256, _SHA384, _SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()

COSE_ALGORITHMS: Final[Mapping[str, CoseAlgorithm]] = MappingProxyType(
    {
        one.name: one
        for one in (
            CoseAlgorithm("ES256", -7, _EC2, "P-256", _SHA256),
            # WebAuthn Level 3 section 5.8.5: with it, keys are on Ed25519.
            CoseAlgorithm("EdDSA", -8, _OKP, "Ed25519"),
            CoseAlgorithm("ES384", -35, _EC2, "P-384", _SHA384),
            CoseAlgorithm("ES512", -36, _EC2, "P-521", _SHA512),
            CoseAlgorithm("PS256", -37, _RSA, "", _SHA256, probabilistic=True),
            CoseAlgorithm("PS384", -38, _RSA, "", _SHA384, probabilistic=True),
            CoseAlgorithm("PS512", -39, _RSA, "", _SHA512, probabilistic=True),
            CoseAlgorithm("RS256", -257, _RSA, "", _SHA256),
            CoseAlgorithm("RS384", -258, _RSA, "", _SHA384),
            CoseAlgorithm("RS512", -259, _RSA, "", _SHA512),
            # RFC 9864 section 2: each names its curve.
            CoseAlgorithm("ESP256", -9, _EC2, "P-256", _SHA256),
            CoseAlgorithm("Ed25519", -19, _OKP, "Ed25519"),
            CoseAlgorithm("ESP384", -51, _EC2, "P-384", _SHA384),
            CoseAlgorithm("ESP512", -52, _EC2, "P-521", _SHA512),
            CoseAlgorithm("Ed448", -53, _OKP, "Ed448"),
        )
    }
)
"""Every algorithm that a credential here may have, by name. RS1 (SHA-1) and ES256K are not among them."""

_BY_ID: Final[Mapping[int, CoseAlgorithm]] = {one.id: one for one in COSE_ALGORITHMS.values()}

_KTY, _ALG = 1, 3
_CRV, _X, _Y = -1, -2, -3
_N, _E = -1, -2

# RFC 9053 section 7.1.
_CURVE_IDS: Final[Mapping[str, int]] = {"P-256": 1, "P-384": 2, "P-521": 3, "Ed25519": 6, "Ed448": 7}


@dataclass(frozen=True, slots=True, eq=False)
class CoseKey:
    """A credential's public key, checked once.

    Attributes:
        algorithm: the one algorithm that it is for.
        key: the key itself, to be compared with that of a certificate.
        verify: says whether its second argument is a signature over the first.
    """

    algorithm: CoseAlgorithm
    key: CosePublicKey = field(repr=False)
    verify: Verify = field(repr=False)


def _unsuitable(detail: str) -> Reason:
    return UNSUITABLE_KEY(detail=detail)


_MEMBERS: Final = _unsuitable("a COSE key that lacks a member, or has one beside those that it needs")
_UNKNOWN: Final = _unsuitable("a COSE key for an algorithm that is not known")
_OTHER_TYPE: Final = _unsuitable("a COSE key whose type or curve is not that of its algorithm")
_COORDINATES: Final = _unsuitable("a COSE key with coordinates of another length than its curve has")
_COMPRESSED: Final = _unsuitable("a COSE key with a compressed point")
_OFF_CURVE: Final = _unsuitable("a COSE key whose point is not on its curve")
_LOW_ORDER: Final = _unsuitable("a point of low order: anybody can sign for it")
_RSA_NUMBERS: Final = _unsuitable("an RSA key whose numbers are not octets without leading zeros")
_RSA_EXPONENT: Final = _unsuitable(
    "an RSA key with an even modulus, or an exponent that is even or not between 65537 and 2^64"
)
_ROCA: Final = _unsuitable("an RSA key that can be factored (CVE-2017-15361)")


def parse_cose_key(data: bytes) -> CoseKey | Reason:
    """Read a credential public key (WebAuthn Level 3 section 6.5.1.1).

    Args:
        data: the COSE_Key, and nothing behind it.

    Returns:
        The key, or a reason: as `cbor.decode` gives them, or `unsuitable_key` where a member is missing or one too many
        (section 6.5.1.1 allows `alg` and what the type needs, nothing else), where type, curve and algorithm do not
        belong together (section 5.8.5), the point is compressed, off its curve or of low order, or the RSA key is
        shorter than 2048 bits, longer than 8192, or weak.
    """
    if len(data) == _ES256_LENGTH and data.startswith(_ES256_HEAD) and data.startswith(_ES256_MIDDLE, _ES256_Y - 3):
        return _es256(data)
    members = decode(data, limit=MAX_COSE_KEY)
    if isinstance(members, Reason):
        return members
    return read_cose_key(members) if isinstance(members, dict) else _MEMBERS


# Most keys are for ES256, and there is one way to spell these: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
_ES256_HEAD: Final = bytes.fromhex("a5010203262001215820")
_ES256_MIDDLE: Final = bytes.fromhex("225820")
_ES256_X: Final = len(_ES256_HEAD)
_ES256_Y: Final = _ES256_X + 32 + len(_ES256_MIDDLE)
_ES256_LENGTH: Final = _ES256_Y + 32
_ES256: Final = COSE_ALGORITHMS["ES256"]
_P256: Final = CURVES["P-256"]
_ES256_SCHEME: Final = ec.ECDSA(_SHA256)


def _es256(data: bytes) -> CoseKey | Reason:
    """What `read_cose_key` gives for such a key, at a third of the cost."""
    x, y = data[_ES256_X : _ES256_X + 32], data[_ES256_Y:]
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(_P256, b"\x04" + x + y)
    except (ValueError, UnsupportedAlgorithm):
        return _OFF_CURVE
    return CoseKey(_ES256, key, _ecdsa(key, _ES256_SCHEME))


def read_cose_key(members: CborMap) -> CoseKey | Reason:
    """Read a credential public key that is already decoded; `parse_cose_key` says what comes back."""
    alg = members.get(_ALG)
    algorithm = _BY_ID.get(alg) if isinstance(alg, int) else None
    if algorithm is None:
        return _UNKNOWN
    kty = members.get(_KTY)
    if type(kty) is not int or kty != algorithm.kty:  # not isinstance: `True` is 1
        return _OTHER_TYPE
    if members.keys() != _NEEDED[kty]:
        return _MEMBERS
    key = _READERS[kty](members, algorithm)
    return key if isinstance(key, Reason) else CoseKey(algorithm, key, _verifier(algorithm, key))


@lru_cache(maxsize=MAX_KEPT_KEYS)
def kept_key(data: bytes) -> CoseKey | Reason:
    """`parse_cose_key` with a memory of the last keys, for those that were accepted once and come back.

    What somebody merely presents goes to `parse_cose_key`, so that nobody can fill this memory from outside.
    """
    return parse_cose_key(data)


def _read_ec2(members: CborMap, algorithm: CoseAlgorithm) -> CosePublicKey | Reason:
    x, y = members[_X], members[_Y]
    if isinstance(y, bool):
        return _COMPRESSED  # section 5.8.5 forbids it
    curve = CURVES[algorithm.crv]
    if members[_CRV] != _CURVE_IDS[algorithm.crv] or type(members[_CRV]) is not int:
        return _OTHER_TYPE
    size = (curve.key_size + 7) // 8
    if type(x) is not bytes or type(y) is not bytes or len(x) != size or len(y) != size:
        return _COORDINATES
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + x + y)
    except (ValueError, UnsupportedAlgorithm):
        return _OFF_CURVE


_EDWARDS: Final[Mapping[str, tuple[int, Callable[[bytes], Ed25519PublicKey | Ed448PublicKey]]]] = {
    "Ed25519": (32, Ed25519PublicKey.from_public_bytes),
    "Ed448": (57, Ed448PublicKey.from_public_bytes),
}


def _read_okp(members: CborMap, algorithm: CoseAlgorithm) -> CosePublicKey | Reason:
    x = members[_X]
    if members[_CRV] != _CURVE_IDS[algorithm.crv] or type(members[_CRV]) is not int:
        return _OTHER_TYPE
    size, load = _EDWARDS[algorithm.crv]
    if type(x) is not bytes or len(x) != size:
        return _COORDINATES
    if is_low_order(algorithm.crv, x):
        return _LOW_ORDER
    try:
        return load(x)
    except (ValueError, UnsupportedAlgorithm):
        return _OFF_CURVE


_ZERO: Final = (b"", b"\0")


def _read_rsa(members: CborMap, _algorithm: CoseAlgorithm) -> CosePublicKey | Reason:
    modulus, exponent = members[_N], members[_E]
    if type(modulus) is not bytes or type(exponent) is not bytes:
        return _RSA_NUMBERS
    if modulus[:1] in _ZERO or exponent[:1] in _ZERO:  # RFC 8230 section 4: no more octets than the number needs
        return _RSA_NUMBERS
    n, e = int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    if not MIN_RSA <= n.bit_length() <= MAX_RSA:
        return UNSUITABLE_KEY(
            expected=f"{MIN_RSA} to {MAX_RSA} bits", presented=f"{n.bit_length()} bits", detail="an RSA key"
        )
    if n % 2 == 0 or e % 2 == 0 or not _MIN_EXPONENT <= e <= _MAX_EXPONENT:
        return _RSA_EXPONENT
    if is_roca(n):
        return _ROCA
    try:
        return RSAPublicNumbers(e, n).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return _RSA_NUMBERS


_READERS: Final[Mapping[int, Callable[[CborMap, CoseAlgorithm], CosePublicKey | Reason]]] = {
    _OKP: _read_okp,
    _EC2: _read_ec2,
    _RSA: _read_rsa,
}
_NEEDED: Final[Mapping[int, frozenset[int]]] = {
    _OKP: frozenset({_KTY, _ALG, _CRV, _X}),
    _EC2: frozenset({_KTY, _ALG, _CRV, _X, _Y}),
    _RSA: frozenset({_KTY, _ALG, _N, _E}),
}


def _verifier(algorithm: CoseAlgorithm, key: CosePublicKey) -> Verify:
    """Bind an algorithm to a key once, so that a signature costs one call and builds nothing."""
    digest = algorithm.digest
    if isinstance(key, Ed25519PublicKey | Ed448PublicKey):
        edwards = key.verify
        return lambda data, signature: _holds(lambda: edwards(signature, data))
    assert digest is not None  # noqa: S101 - the table has one for all but Edwards curves
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _ecdsa(key, ec.ECDSA(digest))
    check = key.verify
    scheme = padding.PSS(padding.MGF1(digest), digest.digest_size) if algorithm.probabilistic else padding.PKCS1v15()
    return lambda data, signature: _holds(lambda: check(signature, data, scheme, digest))


def _ecdsa(key: ec.EllipticCurvePublicKey, scheme: ec.ECDSA) -> Verify:
    check = key.verify

    def verify(data: bytes, signature: bytes) -> bool:
        try:
            check(signature, data, scheme)
        except InvalidSignature:
            return False
        return True

    return verify


def _holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except InvalidSignature:
        return False
    return True
