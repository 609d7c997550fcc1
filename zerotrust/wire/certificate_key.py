"""The AlgorithmIdentifiers of public keys in certificates (RFC 3279, RFC 5480, RFC 8410), each in its one encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RSA: Final = bytes.fromhex("300d06092a864886f70d0101010500")
P256: Final = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
P384: Final = bytes.fromhex("301006072a8648ce3d020106052b81040022")
P521: Final = bytes.fromhex("301006072a8648ce3d020106052b81040023")
ED25519: Final = bytes.fromhex("300506032b6570")
ED448: Final = bytes.fromhex("300506032b6571")

# dhKeyAgreement of PKCS #3, and dhpublicnumber of X9.42: `cryptography` loads such keys, and warns.
_DIFFIE_HELLMAN: Final = (bytes.fromhex("06092a864886f70d010301"), bytes.fromhex("06072a8648ce3e0201"))


@dataclass(frozen=True, slots=True)
class _Curve:
    """y^2 = x^3 - 3x + b over the integers modulo p (NIST SP 800-186 section 3.2.1)."""

    p: int
    b: int
    octets: int


_CURVES: Final = {
    P256: _Curve(
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        32,
    ),
    P384: _Curve(
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        48,
    ),
    P521: _Curve(
        2**521 - 1,
        0x0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
        66,
    ),
}


def is_plain_point(algorithm: bytes, key: bytes) -> bool:
    """Whether a key is an uncompressed point that lies on the named curve of NIST: one that is sure to be readable.

    Args:
        algorithm: its AlgorithmIdentifier.
        key: the whole SubjectPublicKeyInfo.
    """
    curve = _CURVES.get(algorithm)
    if curve is None:
        return False
    size = curve.octets
    # Around the algorithm and the coordinates: two tags, two lengths of one or two octets each, no unused bits, form 4.
    if key[-2 * size - 2 : -2 * size] != b"\x00\x04" or len(key) - len(algorithm) - 2 * size not in {6, 8}:
        return False
    x, y = int.from_bytes(key[-2 * size : -size], "big"), int.from_bytes(key[-size:], "big")
    return x < curve.p and y < curve.p and (y * y - x * x * x + 3 * x - curve.b) % curve.p == 0


def is_diffie_hellman(algorithm: bytes) -> bool:
    """Whether a key is one of Diffie and Hellman's over finite fields, which signs nothing."""
    return any(one in algorithm for one in _DIFFIE_HELLMAN)
