"""The floor of the token groups: raw verification of the exact signing input, everything around it prepared."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.harness import Case, case
from benchmarks.material import Material, unb64url

FLOOR = "raw verification (floor)"


def raw(made: Material) -> Case:
    """One call into cryptography (for HS256 into hmac), with the key, signature and algorithm objects at hand."""
    signing_input, _, signature_text = made.good.rpartition(".")
    message, signature = signing_input.encode(), unb64url(signature_text)
    match made.public:
        case ec.EllipticCurvePublicKey() as on_curve:
            der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
            return case(FLOOR, on_curve.verify, der, message, ec.ECDSA(SHA256()), right=_no_exception)
        case rsa.RSAPublicKey() as modular:
            return case(FLOOR, modular.verify, signature, message, PKCS1v15(), SHA256(), right=_no_exception)
        case ed25519.Ed25519PublicKey() as edwards:
            return case(FLOOR, edwards.verify, signature, message, right=_no_exception)
        case secret:
            digest: Callable[..., object] = hmac.digest
            return case(FLOOR, digest, secret, message, "sha256", right=lambda seen: seen == signature)


def _no_exception(outcome: object) -> bool:
    return outcome is None
