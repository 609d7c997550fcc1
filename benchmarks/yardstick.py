"""A minimal strict check, written by hand: what P1 measures our overhead against.

No hooks, one issuer, one algorithm, no typed results, no reasons worth the name: straight-line code that does every
check that the library must do on a plain access token, the way somebody would write it who wants only that. It exists
to say how fast strict can be in pure Python, so it is as fast as we could make it.
"""

from __future__ import annotations

import hmac
import json
from binascii import a2b_base64
from collections.abc import Callable
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.material import AUDIENCE, ISSUER, Material, PublicKey

LONGEST: Final = 16_384
LEEWAY: Final = 30.0
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_PADDING: Final = (b"", b"", b"==", b"=")
# RFC 4648 section 3.5: the unused low bits of the last character are zero.
_CANONICAL: Final = (
    frozenset(_ALPHABET),
    frozenset(b""),
    frozenset(b"AQgw"),
    frozenset(b"AEIMQUYcgkosw048"),
)
# What is not base64url becomes a character that the decoder refuses: the alphabet is checked by the decoding itself.
_TO_STANDARD: Final = bytes(
    b"+/"[b"-_".index(octet)] if octet in b"-_" else octet if octet in _ALPHABET else ord("!") for octet in range(256)
)

Check = Callable[[bytes, bytes], bool]
Verify = Callable[[str, float], "dict[str, Any] | str"]


class _NotStrict(ValueError):
    """A duplicate member or a number that JSON does not have."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotStrict
    return members


def _no_constant(name: str) -> float:
    raise _NotStrict(name)


_decode_json: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).decode


def _segment(text: bytes) -> bytes | None:
    left = len(text) % 4
    if not text or text[-1] not in _CANONICAL[left]:
        return None
    try:
        return a2b_base64(text.translate(_TO_STANDARD) + _PADDING[left], strict_mode=True)
    except ValueError:
        return None


def signature_check(public: PublicKey | bytes) -> Check:
    """One function from (signature, message) to yes or no, for the algorithm that the key is for."""
    match public:
        case ec.EllipticCurvePublicKey() as on_curve:
            ecdsa = ec.ECDSA(SHA256())

            def es256(signature: bytes, message: bytes) -> bool:
                if len(signature) != 64:
                    return False
                r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
                try:
                    on_curve.verify(encode_dss_signature(r, s), message, ecdsa)
                except InvalidSignature:
                    return False
                return True

            return es256
        case rsa.RSAPublicKey() as modular:
            padding, digest = PKCS1v15(), SHA256()

            def rs256(signature: bytes, message: bytes) -> bool:
                try:
                    modular.verify(signature, message, padding, digest)
                except InvalidSignature:
                    return False
                return True

            return rs256
        case ed25519.Ed25519PublicKey() as edwards:

            def eddsa(signature: bytes, message: bytes) -> bool:
                try:
                    edwards.verify(signature, message)
                except InvalidSignature:
                    return False
                return True

            return eddsa
        case secret:
            return lambda signature, message: hmac.compare_digest(hmac.digest(secret, message, "sha256"), signature)


def verifier(made: Material, known_headers: bool) -> Verify:
    """The check: token and time in, claims or the name of what is wrong out.

    `known_headers` keeps the key of each header text whose signature has passed once, so that the header of a token
    from the same key is not read again.
    """
    algorithm = made.algorithm
    check_of: dict[str, Check] = {made.kid: signature_check(made.public)}
    known: dict[bytes, Check] = {}

    def verify(token: str, now: float) -> dict[str, Any] | str:
        if len(token) > LONGEST:
            return "too large"
        if not token.isascii():
            return "malformed"
        data = token.encode()
        segments = data.split(b".")
        if len(segments) != 3:
            return "malformed"
        header_text, payload_text, signature_text = segments
        check = known.get(header_text)
        if check is None:
            raw = _segment(header_text)
            if raw is None:
                return "malformed"
            try:
                header = _decode_json(raw.decode())
            except (ValueError, RecursionError):
                return "malformed"
            if type(header) is not dict:
                return "malformed"
            if header.get("alg") != algorithm:
                return "algorithm"
            if "crit" in header:
                return "critical"
            if header.get("typ") not in ("at+jwt", "application/at+jwt"):
                return "wrong type"
            kid = header.get("kid")
            if type(kid) is not str or (check := check_of.get(kid)) is None:
                return "unknown key"
        signature = _segment(signature_text)
        if signature is None:
            return "malformed"
        if not check(signature, data[: -len(signature_text) - 1]):
            return "bad signature"
        if known_headers and len(known) < 64:
            known[header_text] = check
        raw = _segment(payload_text)
        if raw is None:
            return "malformed"
        try:
            claims = _decode_json(raw.decode())
        except (ValueError, RecursionError):
            return "malformed"
        if type(claims) is not dict:
            return "malformed"
        if claims.get("iss") != ISSUER:
            return "wrong issuer"
        audience = claims.get("aud")
        if audience != AUDIENCE and not (type(audience) is list and AUDIENCE in audience):
            return "wrong audience"
        expires, issued, starts = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
        if type(expires) is not int or type(issued) is not int or type(starts) is not int:
            return "malformed"
        if now >= expires + LEEWAY:
            return "expired"
        if issued > now + LEEWAY or starts > now + LEEWAY:
            return "not yet valid"
        if type(claims.get("sub")) is not str:
            return "no subject"
        return claims

    return verify
