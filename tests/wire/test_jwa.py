"""RFC 7518 section 3: each algorithm bound to its type of key, its curve and its hash."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.signing import ALGORITHMS as NAMES
from tests.wire.signing import CURVES, rsa_private, signer, unb64
from zerotrust.core.reason import Reason
from zerotrust.wire.jwa import ALGORITHMS, PublicKey, verifier
from zerotrust.wire.jwk import VerificationKey, parse_key

MESSAGE = b"header.payload"

ORDERS = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": 2**384 - 1388124618062372383947042015309946732620727252194336364173,
    "ES512": 2**521 - 657877501894328237357444332315020117536923257219387276263472201219398408051703,
}


def key_of(alg: str) -> tuple[VerificationKey, bytes]:
    issuer = signer(alg)
    key = parse_key(issuer.jwk, symmetric=alg[:2] == "HS")
    assert not isinstance(key, Reason), key
    return key, issuer.sign(MESSAGE)


def test_the_table_is_complete() -> None:
    assert set(ALGORITHMS) == set(NAMES)
    assert all(name == algorithm.name for name, algorithm in ALGORITHMS.items())
    assert "none" not in ALGORITHMS


@pytest.mark.parametrize("alg", NAMES)
def test_a_good_signature_and_everything_beside_it(alg: str) -> None:
    key, signature = key_of(alg)
    assert key.verify(alg, MESSAGE, signature)
    assert not key.verify(alg, MESSAGE + b".", signature)
    assert not key.verify(alg, MESSAGE, b"")
    assert not key.verify(alg, MESSAGE, signature[:-1])
    assert not key.verify(alg, MESSAGE, signature + b"\0")
    assert not key.verify(alg, MESSAGE, b"\0" + signature)
    assert not key.verify(alg, MESSAGE, bytes(len(signature)))
    assert not key.verify(alg, MESSAGE, b"\xff" * len(signature))
    for place in (0, len(signature) // 2, -1):
        changed = bytearray(signature)
        changed[place] ^= 1
        assert not key.verify(alg, MESSAGE, bytes(changed))


@pytest.mark.parametrize("alg", CURVES)
def test_ecdsa_numbers_have_their_full_length(alg: str) -> None:
    issuer = signer(alg)
    key = parse_key(issuer.jwk)
    assert not isinstance(key, Reason)
    for count in range(20_000):  # one in 256 is enough, one in two for P-521
        message = str(count).encode()
        signature = issuer.sign(message)
        r, s = signature[: len(signature) // 2], signature[len(signature) // 2 :]
        if s[0] == 0:
            break
    assert s[0] == 0
    assert key.verify(alg, message, r + s)
    # The same two numbers, one of them in fewer or more octets.
    assert not key.verify(alg, message, r + s[1:])
    assert not key.verify(alg, message, r + b"\0" + s)
    assert not key.verify(alg, message, b"\0" + r + s)


@pytest.mark.parametrize("alg", NAMES)
def test_a_key_verifies_under_the_algorithm_it_is_bound_to_alone(alg: str) -> None:
    key, signature = key_of(alg)
    assert key.algorithms == {alg}
    for other in {*NAMES, "none", "", "ES256K"} - {alg}:
        assert not key.verify(other, MESSAGE, signature)


@pytest.mark.parametrize(
    ("alg", "fitting"),
    [
        ("ES256", {"ES256"}),
        ("ES384", {"ES384"}),
        ("ES512", {"ES512"}),
        ("RS256", {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        ("Ed25519", {"EdDSA", "Ed25519"}),
        ("Ed448", {"EdDSA", "Ed448"}),
        ("HS256", {"HS256"}),
        ("HS384", {"HS256", "HS384"}),
        ("HS512", {"HS256", "HS384", "HS512"}),
    ],
)
def test_a_key_without_alg_is_bound_by_its_type_curve_and_length(alg: str, fitting: set[str]) -> None:
    jwk = {name: value for name, value in signer(alg).jwk.items() if name != "alg"}
    key = parse_key(jwk, symmetric=alg[:2] == "HS")
    assert not isinstance(key, Reason)
    assert key.algorithms == fitting


@pytest.mark.parametrize("alg", CURVES)
@given(data=st.data())
def test_ecdsa_refuses_r_and_s_out_of_range(alg: str, data: st.DataObject) -> None:
    key, signature = key_of(alg)
    size, order = len(signature) // 2, ORDERS[alg]
    outside = st.just(0) | st.integers(order, 2 ** (8 * size) - 1)
    inside = st.integers(1, order - 1)
    r, s = data.draw(st.tuples(outside, inside) | st.tuples(inside, outside) | st.tuples(outside, outside))
    assert not key.verify(alg, MESSAGE, r.to_bytes(size, "big") + s.to_bytes(size, "big"))


@pytest.mark.parametrize("alg", CURVES)
def test_ecdsa_refuses_a_good_signature_moved_out_of_range(alg: str) -> None:
    # r + n is the same residue; only P-521 leaves room for it in as many octets, and then it must still be refused.
    key, signature = key_of(alg)
    size, order = len(signature) // 2, ORDERS[alg]
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    assert key.verify(alg, MESSAGE, signature)
    for moved in ((r + order, s), (r, s + order), (-r % order, s)):
        if max(moved) < 2 ** (8 * size):
            assert not key.verify(alg, MESSAGE, b"".join(part.to_bytes(size, "big") for part in moved))
    # The mirror image of s is as good as s itself (FIPS 186-5 has no rule against it).
    assert key.verify(alg, MESSAGE, r.to_bytes(size, "big") + (order - s).to_bytes(size, "big"))


@pytest.mark.parametrize("alg", CURVES)
def test_ecdsa_integers_of_every_length_become_der(alg: str) -> None:
    # Enough signatures that r or s begins with zero octets, or with the bit that DER takes for a sign.
    issuer = signer(alg)
    key = parse_key(issuer.jwk)
    assert not isinstance(key, Reason)
    for count in range(300):
        message = str(count).encode()
        assert key.verify(alg, message, issuer.sign(message))


def test_the_pss_salt_is_as_long_as_the_hash() -> None:
    key = parse_key(signer("PS256").jwk)
    assert not isinstance(key, Reason)
    for salt, good in ((32, True), (0, False), (20, False), (222, False)):
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
        assert key.verify("PS256", MESSAGE, rsa_private().sign(MESSAGE, scheme, hashes.SHA256())) is good


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ES256", rsa_private().public_key()),
        ("RS256", ec.generate_private_key(ec.SECP256R1()).public_key()),
        ("PS256", b"x" * 64),
        ("EdDSA", b"x" * 64),
        ("HS256", Ed25519PrivateKey.generate().public_key()),
        ("HS256", rsa_private().public_key()),
    ],
)
def test_an_algorithm_and_a_key_of_another_type_do_not_bind(name: str, key: PublicKey) -> None:
    with pytest.raises(TypeError, match="needs a key of type"):
        verifier(ALGORITHMS[name], key)


@given(st.binary(max_size=160), st.binary(max_size=140))
def test_verify_never_raises(message: bytes, signature: bytes) -> None:
    for key in KEYS:
        for alg in key.algorithms:
            assert key.verify(alg, message, signature) is False


KEYS = [key_of(alg)[0] for alg in NAMES]


def test_hmac_of_rfc_7515_appendix_a_1() -> None:
    octets = unb64("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
    token = (
        b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog"
        b"Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    assert verifier(ALGORITHMS["HS256"], octets)(token, unb64("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))


def test_ecdsa_of_rfc_7515_appendix_a_3() -> None:
    key = parse_key(
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    )
    assert not isinstance(key, Reason)
    token = (
        b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog"
        b"Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    assert key.verify("ES256", token, unb64(signature))
