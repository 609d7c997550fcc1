"""Makes keys and tokens with `cryptography` and `json` alone, so that nothing under test vouches for itself."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from zerotrust.core.reason import Reason
from zerotrust.wire.header import HeaderRules
from zerotrust.wire.jwk import KeySet, read_key_set

CLAIMS: Mapping[str, object] = {"iss": "https://issuer.example", "sub": "ada", "aud": "payments", "exp": 1_800_000_000}

CURVES: Mapping[str, tuple[str, ec.EllipticCurve, hashes.HashAlgorithm]] = {
    "ES256": ("P-256", ec.SECP256R1(), hashes.SHA256()),
    "ES384": ("P-384", ec.SECP384R1(), hashes.SHA384()),
    "ES512": ("P-521", ec.SECP521R1(), hashes.SHA512()),
}
HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}

ALGORITHMS = (
    *("ES256", "ES384", "ES512"),
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("EdDSA", "Ed25519", "Ed448"),
    *("HS256", "HS384", "HS512"),
)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value: int, size: int | None = None) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def compact_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Signer:
    """An issuer with one key: `jwk` is what it publishes (or shares, for HMAC)."""

    alg: str
    jwk: dict[str, object]
    sign: Callable[[bytes], bytes]

    def seal(self, header: bytes, payload: bytes) -> str:
        """Sign any two sequences of bytes as header and payload."""
        signing_input = f"{b64(header)}.{b64(payload)}"
        return f"{signing_input}.{b64(self.sign(signing_input.encode()))}"

    def token(self, payload: bytes | Mapping[str, object] = CLAIMS, /, **parameters: object) -> str:
        """A signed token; `parameters` change its header, and None leaves one out."""
        fields = {"alg": self.alg, "kid": self.jwk.get("kid"), "typ": "at+jwt", **parameters}
        header = compact_json({name: value for name, value in fields.items() if value is not None})
        return self.seal(header, payload if isinstance(payload, bytes) else compact_json(payload))

    def keys(self, **members: object) -> KeySet:
        """The key set an application would hold, the key changed by `members`."""
        keys = read_key_set({"keys": [{**self.jwk, **members}]}, symmetric=self.jwk["kty"] == "oct")
        assert not isinstance(keys, Reason), keys
        return keys

    def rules(self, *algorithms: str) -> HeaderRules:
        return HeaderRules(frozenset(algorithms or (self.alg,)), frozenset({"at+jwt"}))


def signer(alg: str = "ES256", kid: str = "key-1") -> Signer:
    """A new issuer for any algorithm; RSA keys are shared, since making one takes long."""
    if alg in CURVES:
        return _elliptic(alg, kid)
    if alg[:2] in {"RS", "PS"}:
        return rsa_signer(alg, kid)
    if alg[:2] == "HS":
        secret = _secret(alg)
        jwk: dict[str, object] = {"kty": "oct", "kid": kid, "alg": alg, "k": b64(secret)}
        return Signer(alg, jwk, lambda data: hmac.digest(secret, data, HASHES[alg[2:]].name))
    private = Ed448PrivateKey.generate() if alg == "Ed448" else Ed25519PrivateKey.generate()
    okp = {"kty": "OKP", "kid": kid, "alg": alg, "crv": "Ed448" if alg == "Ed448" else "Ed25519"}
    return Signer(alg, {**okp, "x": b64(private.public_key().public_bytes_raw())}, private.sign)


def _secret(alg: str) -> bytes:
    return bytes(range(HASHES[alg[2:]].digest_size))


def _elliptic(alg: str, kid: str) -> Signer:
    crv, curve, digest = CURVES[alg]
    private = ec.generate_private_key(curve)
    size = (curve.key_size + 7) // 8
    public = private.public_key().public_numbers()

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    point = {"x": number(public.x, size), "y": number(public.y, size)}
    return Signer(alg, {"kty": "EC", "kid": kid, "alg": alg, "crv": crv, **point}, sign)


@cache
def _generated(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def rsa_private(bits: int = 2048) -> rsa.RSAPrivateKey:
    """The one RSA key of this size that all tests share."""
    return _generated(bits)


def rsa_signer(alg: str = "RS256", kid: str = "key-1", bits: int = 2048) -> Signer:
    private, digest = rsa_private(bits), HASHES[alg[2:]]
    public = private.public_key().public_numbers()
    scheme = padding.PSS(padding.MGF1(digest), digest.digest_size) if alg[0] == "P" else padding.PKCS1v15()
    jwk: dict[str, object] = {"kty": "RSA", "kid": kid, "alg": alg, "n": number(public.n), "e": number(public.e)}
    return Signer(alg, jwk, lambda data: private.sign(data, scheme, digest))
