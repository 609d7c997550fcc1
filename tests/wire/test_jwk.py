"""RFC 7517 and RFC 7518 section 6: keys are checked once, before anything is verified with them."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.signing import ALGORITHMS, b64, number, rsa_private, rsa_signer, signer
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import UNSUITABLE_KEY, Reason
from zerotrust.wire.jwk import MAX_KEYS, KeySet, VerificationKey, parse_key, parse_key_set, read_key_set

EC = signer("ES256")
RSA = signer("RS256")
OKP = signer("Ed25519")
OCT = signer("HS256")


def key_set(*jwks: Mapping[str, object], symmetric: bool = False) -> KeySet | Reason:
    return parse_key_set(json.dumps({"keys": jwks}).encode(), symmetric=symmetric)


def good_set(*jwks: Mapping[str, object], symmetric: bool = False) -> KeySet:
    keys = key_set(*jwks, symmetric=symmetric)
    assert isinstance(keys, KeySet), keys
    return keys


def refused(jwk: Mapping[str, object], *, symmetric: bool = False) -> Reason:
    key = parse_key(jwk, symmetric=symmetric)
    assert isinstance(key, Reason), jwk
    assert key.code == "unsuitable_key"
    return key


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_of_each_kind(alg: str) -> None:
    issuer = signer(alg, kid="k")
    key = parse_key({**issuer.jwk, "use": "sig", "key_ops": ["verify"]}, symmetric=alg[:2] == "HS")
    assert isinstance(key, VerificationKey)
    assert (key.kid, key.kty, key.alg, key.crv) == ("k", issuer.jwk["kty"], alg, issuer.jwk.get("crv"))
    assert key.verify(alg, b"m", issuer.sign(b"m"))
    assert key.issuer is None


def test_whose_tokens_a_key_signs() -> None:
    key = parse_key({**signer("ES256").jwk, "issuer": "https://issuer.example/{tenantid}"})
    assert isinstance(key, VerificationKey)
    assert key.issuer == "https://issuer.example/{tenantid}"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"use": "enc"}, "use"),
        ({"use": None}, "use"),
        ({"use": ["sig"]}, "use"),
        ({"use": "SIG"}, "use"),
        ({"key_ops": ["encrypt"]}, "key_ops"),
        ({"key_ops": ["sign"]}, "key_ops"),
        ({"key_ops": []}, "key_ops"),
        ({"key_ops": "verify"}, "key_ops"),
        ({"key_ops": None}, "key_ops"),
        ({"key_ops": ["verify", "verify"]}, "key_ops"),
        ({"key_ops": ["verify", 1]}, "key_ops"),
        ({"key_ops": [["verify"]]}, "key_ops"),
        ({"issuer": 1}, "issuer"),
        ({"issuer": None}, "issuer"),
        ({"issuer": ["https://issuer.example"]}, "issuer"),
        ({"kid": 1}, "kid"),
        ({"kid": None}, "kid"),
        ({"alg": None}, "alg"),
        ({"alg": ["ES256"]}, "alg"),
        ({"alg": "ES384"}, "alg"),
        ({"alg": "RS256"}, "alg"),
        ({"alg": "HS256"}, "alg"),
        ({"alg": "none"}, "alg"),
        ({"alg": "ES521"}, "alg"),
        ({"alg": "ECDH-ES"}, "alg"),
        ({"kty": "RSA"}, "n is missing"),
        ({"kty": "oct"}, "symmetric"),
        ({"kty": "AKP"}, "kty"),
        ({"kty": None}, "kty"),
        ({"kty": ["EC"]}, "kty"),
        ({"kty": "ec"}, "kty"),
        ({"crv": "P-384"}, "octets"),
        ({"crv": "secp256k1"}, "crv"),
        ({"crv": None}, "crv"),
        ({"crv": ["P-256"]}, "crv"),
        ({"x": b64(bytes(32))}, "curve"),
        ({"x": EC.jwk["y"]}, "curve"),
        ({"x": b64(b"\xff" * 32)}, "curve"),
        ({"x": b64(b"\0" + bytes(32))}, "octets"),
        ({"x": b64(bytes(31))}, "octets"),
        ({"x": f"{EC.jwk['x']}="}, "base64url"),
        ({"x": 1}, "x is missing"),
        ({"y": ""}, "y is missing"),
        ({"y": None}, "y is missing"),
        ({"d": b64(bytes(32))}, "private"),
        ({"k": b64(bytes(32))}, "private"),
    ],
)
def test_a_key_that_must_not_verify(change: dict[str, object], word: str) -> None:
    assert isinstance(parse_key(EC.jwk), VerificationKey)
    assert word in str(refused({**EC.jwk, **change}))


@pytest.mark.parametrize(("bits", "good"), [(2047, False), (2048, True), (8192, True), (8193, False)])
def test_rsa_sizes(bits: int, good: bool) -> None:
    # Odd and with enough randomness not to be flawed; nothing here needs it to be a product of two primes.
    modulus = (rsa_private().public_key().public_numbers().n ** 5 >> 2048) % 2 ** (bits - 1) | 2 ** (bits - 1) | 1
    assert modulus.bit_length() == bits
    assert isinstance(parse_key({**RSA.jwk, "n": number(modulus)}), VerificationKey) is good


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 17, 65535, 65536, 65538, 2**64, 2**64 + 1])
def test_rsa_exponents(exponent: int) -> None:
    refused({**RSA.jwk, "e": number(exponent, 9)})
    refused({**RSA.jwk, "e": number(exponent, max(1, (exponent.bit_length() + 7) // 8))})


def test_rsa_members() -> None:
    n = rsa_private().public_key().public_numbers().n
    assert "zero octet" in str(refused({**RSA.jwk, "n": number(n, 257)}))
    assert "zero octet" in str(refused({**RSA.jwk, "e": "AAEAAQ"}))
    assert "even" in str(refused({**RSA.jwk, "n": number(n - 1)}))
    for private in ("d", "p", "q", "dp", "dq", "qi", "oth"):
        assert "private" in str(refused({**RSA.jwk, private: "AQAB"}))
    refused({**RSA.jwk, "e": 65537})
    refused({name: value for name, value in RSA.jwk.items() if name != "e"})


@pytest.mark.parametrize(
    "change",
    [
        {"crv": "Ed448"},
        {"crv": "X25519"},
        {"crv": "P-256"},
        {"x": b64(bytes(31))},
        {"x": b64(bytes(33))},
        {"x": ""},
        {"crv": 1},
    ],
)
def test_edwards_members(change: dict[str, object]) -> None:
    refused({**OKP.jwk, **change})
    assert "low order" in str(refused({**OKP.jwk, "x": b64(bytes(32))}))


@pytest.mark.parametrize(("alg", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_shared_secrets_are_as_long_as_the_hash(alg: str, least: int) -> None:
    jwk = {"kty": "oct", "alg": alg}
    assert isinstance(parse_key({**jwk, "k": b64(bytes(least))}, symmetric=True), VerificationKey)
    refused({**jwk, "k": b64(bytes(least - 1))}, symmetric=True)
    refused({**jwk, "k": ""}, symmetric=True)
    refused({"kty": "oct", "k": b64(bytes(31))}, symmetric=True)
    refused({**jwk, "k": b64(bytes(least))})
    refused(EC.jwk, symmetric=True)


def test_nothing_shows_key_material() -> None:
    secret = str(OCT.jwk["k"])
    for shown in (
        repr(parse_key(OCT.jwk, symmetric=True)),
        repr(parse_key({**OCT.jwk, "alg": "HS512"}, symmetric=True)),
        repr(parse_key(OCT.jwk)),
        repr(good_set(OCT.jwk, symmetric=True)),
    ):
        assert secret[:8] not in shown
        assert "000102" not in shown
        assert "x00" not in shown
    assert repr(parse_key(EC.jwk)) == "VerificationKey(kid='key-1', kty='EC', alg='ES256')"


def test_a_set_finds_keys_by_kid() -> None:
    first, second = signer("ES256", kid="a"), signer("ES256", kid="b")
    keys = good_set(first.jwk, second.jwk)
    assert len(keys) == 2
    assert [key.kid for key in keys] == ["a", "b"]
    for kid, issuer in (("a", first), ("b", second)):
        found = keys.find(kid, "ES256")
        assert not isinstance(found, Reason)
        key, verify = found
        assert key.kid == kid
        assert verify(b"m", issuer.sign(b"m"))
    unknown = keys.find("c", "ES256")
    assert isinstance(unknown, Reason)
    assert (unknown.code, unknown.presented) == ("unknown_key", "c")
    wrong = keys.find("a", "RS256")
    assert isinstance(wrong, Reason)
    assert wrong.code == "unsuitable_key"


def test_without_kid_only_the_one_key_that_fits_will_do() -> None:
    keys = good_set({**EC.jwk, "kid": "e"}, {**RSA.jwk, "kid": "r"})
    found = keys.find(None, "ES256")
    assert not isinstance(found, Reason)
    assert found[0].kid == "e"
    for set_, alg in ((keys, "ES384"), (good_set(signer(kid="a").jwk, signer(kid="b").jwk), "ES256")):
        missing = set_.find(None, alg)
        assert isinstance(missing, Reason)
        assert missing.code == "unknown_key"


def test_a_key_without_kid_is_not_found_by_one() -> None:
    keys = good_set({name: value for name, value in EC.jwk.items() if name != "kid"})
    assert not isinstance(keys.find(None, "ES256"), Reason)
    assert isinstance(keys.find("key-1", "ES256"), Reason)
    assert isinstance(keys.find("", "ES256"), Reason)


def test_keys_that_cannot_be_used_are_set_aside_and_remembered() -> None:
    keys = good_set(
        EC.jwk,
        {**EC.jwk, "kid": "enc", "use": "enc"},
        {"kty": "AKP", "kid": "ml-dsa", "alg": "ML-DSA-65", "pub": "AA"},
        {**EC.jwk, "kid": "k1", "crv": "secp256k1"},
        {"kty": "unheard of"},
        {},
    )
    assert [key.kid for key in keys] == ["key-1"]
    assert sorted(keys.unsuitable) == ["enc", "k1", "ml-dsa"]
    found = keys.find("enc", "ES256")
    assert isinstance(found, Reason)
    assert (found.code, found.presented) == ("unsuitable_key", "enc")
    assert not isinstance(keys.find("key-1", "ES256"), Reason)


def test_a_set_may_be_empty() -> None:
    assert len(good_set()) == 0
    assert len(good_set({**EC.jwk, "use": "enc"})) == 0


@pytest.mark.parametrize(
    "jwks",
    [
        [EC.jwk, EC.jwk],
        [EC.jwk, RSA.jwk],  # both `key-1`
        [EC.jwk, {**EC.jwk, "use": "enc"}],
        [EC.jwk, {"kty": "AKP", "kid": "key-1"}],
        [EC.jwk, {**OCT.jwk, "kid": "other"}],
        [OCT.jwk],
    ],
)
def test_a_set_that_is_refused_as_a_whole(jwks: list[dict[str, object]]) -> None:
    keys = key_set(*jwks)
    assert isinstance(keys, Reason)
    assert keys.code == "unsuitable_key"


@pytest.mark.parametrize(
    "jwks",
    [
        [EC.jwk, {**RSA.jwk, "kid": "other", "d": "AQ"}],
        [EC.jwk, {"kty": "AKP", "kid": "other", "priv": "AQ"}],
        [EC.jwk, {"kty": "EC", "kid": "other", "use": "enc", "d": "AQ"}],
    ],
)
def test_a_set_that_gives_private_keys_away(jwks: list[dict[str, object]]) -> None:
    keys = key_set(*jwks)
    assert isinstance(keys, Reason)
    assert keys.code == "compromised_key"


def test_a_symmetric_set_holds_nothing_else() -> None:
    assert len(good_set(OCT.jwk, {**OCT.jwk, "kid": "2"}, symmetric=True)) == 2
    for jwks in ([EC.jwk], [EC.jwk, {**OCT.jwk, "kid": "2"}], [OCT.jwk, OCT.jwk]):
        assert isinstance(key_set(*jwks, symmetric=True), Reason)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b"{}", "malformed"),
        (b'{"keys":{}}', "malformed"),
        (b'{"keys":null}', "malformed"),
        (b'{"keys":[1]}', "malformed"),
        (b'{"keys":[null]}', "malformed"),
        (b'{"keys":[[]]}', "malformed"),
        (b'{"keys":[],"keys":[]}', "malformed"),
        (b'{"keys":[{"kty":"EC","kty":"RSA"}]}', "malformed"),
        (b'\xef\xbb\xbf{"keys":[]}', "malformed"),
        (b"<html>", "malformed"),
        (b'{"keys":' + b"[" * 100 + b"]" * 100 + b"}", "too_large"),
        (b'{"keys":[]}' + b" " * 600_000, "too_large"),
        (b'{"keys":[' + b",".join([b"{}"] * (MAX_KEYS + 1)) + b"]}", "too_large"),
    ],
)
def test_what_is_not_a_set(data: bytes, code: str) -> None:
    keys = parse_key_set(data)
    assert isinstance(keys, Reason)
    assert keys.code == code


def test_the_largest_set() -> None:
    assert len(good_set(*({**EC.jwk, "kid": str(kid)} for kid in range(MAX_KEYS)))) == MAX_KEYS
    assert isinstance(parse_key_set(b'{"keys":[]}', limit=10), Reason)


def test_a_set_made_by_hand_is_held_to_the_same_rules() -> None:
    key = parse_key(EC.jwk)
    shared = parse_key({**OCT.jwk, "kid": "other"}, symmetric=True)
    assert isinstance(key, VerificationKey)
    assert isinstance(shared, VerificationKey)
    assert len(KeySet([key])) == 1
    with pytest.raises(ConfigError, match="share a kid"):
        KeySet([key, key])
    with pytest.raises(ConfigError, match="share a kid"):
        KeySet([key], {"key-1": UNSUITABLE_KEY()})
    with pytest.raises(ConfigError, match="symmetric"):
        KeySet([key, shared])


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "k", "d", "alg", "use", "kid", "key_ops", "x5c"]),
        st.sampled_from(
            ["EC", "RSA", "OKP", "oct", "P-256", "P-521", "Ed25519", "Ed448", "ES256", "sig", "verify", "AQAB"]
        )
        | st.text(max_size=50)
        | st.none()
        | st.integers()
        | st.lists(st.text(max_size=6), max_size=2)
        | st.binary(max_size=70).map(b64),
    ),
    st.booleans(),
)
def test_any_members_give_a_key_or_a_reason(jwk: dict[str, object], symmetric: bool) -> None:
    key = parse_key(jwk, symmetric=symmetric)
    assert isinstance(key, VerificationKey | Reason)
    keys = read_key_set({"keys": [jwk]}, symmetric=symmetric)
    assert isinstance(keys, KeySet | Reason)
    assert isinstance(parse_key_set(json.dumps({"keys": [jwk]}).encode()), KeySet | Reason)


@given(st.sampled_from(["x", "y", "n", "e"]), st.binary(max_size=300))
def test_any_octets_give_a_key_or_a_reason(member: str, octets: bytes) -> None:
    for issuer in (EC, RSA, OKP):
        assert isinstance(parse_key({**issuer.jwk, member: b64(octets)}), VerificationKey | Reason)


@given(st.binary(max_size=100))
def test_any_bytes_give_a_set_or_a_reason(data: bytes) -> None:
    assert isinstance(parse_key_set(data), KeySet | Reason)


def test_short_rsa_keys_are_refused_however_good_the_signature() -> None:
    assert "1024 bits" in str(refused(rsa_signer(bits=1024).jwk))
