"""Algorithm and key confusion, and keys brought along, through the whole decision: RFC 8725 sections 2 and 3."""

from __future__ import annotations

import hmac

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.verifiers.tokens import (
    ISSUER,
    JWKS,
    METADATA,
    NOW,
    URL,
    b64,
    bearer,
    claims,
    compact_json,
    jwks,
    mint,
    published,
    request,
    static,
)
from tests.wire.signing import signer
from zerotrust.core.decision import Allow, Challenge
from zerotrust.core.errors import ConfigError
from zerotrust.engine import decide
from zerotrust.testing.issuer import LocalIssuer
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer

LOCAL = LocalIssuer(URL, clock=lambda: NOW)
ATTACKER = signer("ES256", kid="attacker")


def refusal(token: str, verifier: Bearer) -> str:
    """The code for which `token` is refused; with keys at hand as with keys that were fetched."""
    web = published()
    web.publish(JWKS, LOCAL.jwks())
    decision = decide(verifier.valid, request(token), web.sources)
    assert isinstance(decision, Challenge)
    assert set(web.urls) <= {METADATA, JWKS}
    return decision.reason.code


VERIFIERS = [bearer(Issuer(URL, keys=LOCAL.jwks())), bearer(Issuer(URL))]
TOKEN = LOCAL.mint(audience="payments")


@pytest.fixture(params=VERIFIERS, ids=["static", "discovering"])
def verifier(request: pytest.FixtureRequest) -> Bearer:
    assert isinstance(request.param, Bearer)
    return request.param


def test_the_token_these_attacks_start_from_is_good(verifier: Bearer) -> None:
    web = published()
    web.publish(JWKS, LOCAL.jwks())
    assert isinstance(decide(verifier.valid, request(TOKEN), web.sources), Allow)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "none ", "", "null"])
def test_rfc_8725_section_3_2_alg_none(verifier: Bearer, alg: str) -> None:
    forged = LOCAL.forge_unsigned(TOKEN, alg=alg)
    assert refusal(forged, verifier) == "algorithm"
    header, payload, signature = TOKEN.split(".")
    assert refusal(f"{header}.{payload}.", verifier) == "bad_signature"
    assert refusal(f"{header}.{payload}", verifier) == "malformed"
    assert refusal(f"{forged.rpartition('.')[0]}.{signature}", verifier) == "algorithm"


def test_cve_2016_10555_public_key_as_shared_secret(verifier: Bearer) -> None:
    assert refusal(LOCAL.forge_key_confusion(TOKEN), verifier) == "algorithm"


def test_cve_2022_29217_public_key_as_shared_secret_in_other_spellings(verifier: Bearer) -> None:
    key = LOCAL.key("RS256")
    jwk = compact_json(dict(key.public))
    for secret in (key.pem, key.pem.strip(), key.pem.replace(b"\n", b"\r\n"), jwk, str(key.public["n"]).encode()):
        for alg in ("HS256", "HS384", "HS512"):
            try:
                forged = jwt.encode(claims(), secret, alg, {"kid": key.kid, "typ": "at+jwt"})
            except jwt.InvalidKeyError:  # PyJWT keeps its own users from some of these
                continue
            assert refusal(forged, verifier) == "algorithm"


def test_a_verifier_with_a_shared_secret_believes_no_public_key() -> None:
    shared = signer("HS256")
    secret = bearer(Issuer(URL, keys=jwks(shared), algorithms={"HS256"}))
    assert refusal(mint(), secret) == "algorithm"
    assert refusal(mint(ISSUER, {"alg": "HS256"}), secret) == "bad_signature"
    assert refusal(mint(signer("HS512"), {"kid": "key-1"}), secret) == "algorithm"
    # Secrets that others fall back to where they find none.
    head = mint(shared).rpartition(".")[0]
    for key in (b"", b"\0", b"secret", b"null", b"None", b"key-1", URL.encode()):
        guessed = hmac.digest(key, head.encode(), "sha256")
        assert refusal(f"{head}.{b64(guessed)}", secret) == "bad_signature"


def test_rfc_8725_section_3_1_a_key_serves_its_own_algorithm_only(verifier: Bearer) -> None:
    pairs: list[tuple[str, SigningAlgorithm]] = [("RS256", "ES256"), ("ES256", "RS256"), ("PS256", "RS256")]
    for said, used in [*pairs, ("EdDSA", "ES256"), ("ES384", "ES256"), ("ES256", "EdDSA")]:
        kid = LOCAL.key(used).kid
        forged = LOCAL.sign(compact_json(claims()), alg=used, header={"alg": said, "kid": kid})
        assert refusal(forged, verifier) == "unsuitable_key"


def test_cve_2018_0114_key_in_the_header(verifier: Bearer) -> None:
    assert refusal(LOCAL.forge_embedded_key(TOKEN), verifier) == "unknown_key"
    assert refusal(LOCAL.forge_foreign_key(TOKEN), verifier) == "bad_signature"
    assert refusal(LOCAL.forge_foreign_key(TOKEN, sub="admin", scope="admin"), verifier) == "bad_signature"
    assert refusal(LOCAL.forge_unknown_key(TOKEN), verifier) == "unknown_key"
    assert refusal(LOCAL.forge_claims(TOKEN, sub="admin"), verifier) == "bad_signature"


@pytest.mark.parametrize("kid", [None, LOCAL.key().kid, "attacker"])
@pytest.mark.parametrize(
    "parameter",
    [
        {"jwk": ATTACKER.jwk},
        {"jku": "https://attacker.example/jwks"},
        {"jku": f"{URL}@attacker.example/jwks"},
        {"jku": f"{URL}/../redirect?to=https://attacker.example"},
        {"jku": "http://169.254.169.254/latest/meta-data"},
        {"x5u": "https://attacker.example/chain.pem"},
        {"x5u": "file:///etc/passwd"},
        {"x5c": [b64(b"certificate")]},
        {"x5t": "AAAA"},
        {"x5t#S256": "AAAA"},
    ],
    ids=lambda parameter: next(iter(parameter)),
)
def test_rfc_8725_section_3_10_nothing_in_a_header_is_fetched_or_trusted(
    verifier: Bearer, parameter: dict[str, object], kid: str | None
) -> None:
    forged = mint(ATTACKER, {**parameter, "kid": kid})
    assert refusal(forged, verifier) in {"bad_signature", "unknown_key"}


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/dev/null",
        "https://attacker.example/key",
        "' OR '1'='1",
        "key\x00",
        "{{7*7}}",
        "__class__",
        "",
        "k" * 6000,
        "é",
    ],
)
def test_rfc_8725_section_3_10_kid_is_a_name_and_nothing_more(verifier: Bearer, kid: str) -> None:
    # An empty file or an unset variable would be the key b"".
    empty = signer("HS256", kid="x")
    assert refusal(mint(empty, {"kid": kid}), verifier) == "algorithm"
    assert refusal(mint(ATTACKER, {"kid": kid}), verifier) == "unknown_key"


def test_cve_2022_21449_psychic_signature(verifier: Bearer) -> None:
    head = TOKEN.rpartition(".")[0]
    for signature in (bytes(64), bytes(63), b"", b"\xff" * 64, bytes(31) + b"\1" + bytes(32)):
        assert refusal(f"{head}.{b64(signature)}", verifier) == "bad_signature"


def test_a_foreign_key_on_another_curve(verifier: Bearer) -> None:
    private = ec.generate_private_key(ec.SECP384R1())
    forged = jwt.encode(claims(), private, "ES384", {"kid": LOCAL.key().kid, "typ": "at+jwt"})
    assert refusal(forged, verifier) == "unsuitable_key"


def test_rfc_7516_an_encrypted_token(verifier: Bearer) -> None:
    assert refusal(f"{TOKEN}.{b64(b'iv')}.{b64(b'tag')}", verifier) == "encrypted"


def test_rfc_8725_section_3_8_key_of_one_issuer_under_the_name_of_another() -> None:
    other = LocalIssuer("https://other.example", clock=lambda: NOW)
    both = bearer(Issuer(URL, keys=LOCAL.jwks()), Issuer(other.url, keys=other.jwks()))
    impostor = other.mint(audience="payments", iss=URL)  # the kids of both are the same
    assert other.key().kid == LOCAL.key().kid
    assert refusal(impostor, both) == "bad_signature"
    assert decide(both.valid, request(other.mint(audience="payments")))


def test_rfc_8725_section_3_1_algorithms_of_one_issuer_do_not_serve_another() -> None:
    shared, public = signer("HS256"), signer("ES256")
    secretive, open_ = "https://secretive.example", "https://open.example"
    both = bearer(
        Issuer(secretive, keys=jwks(shared), algorithms={"HS256"}),
        Issuer(open_, keys=jwks(public), algorithms={"ES256"}),
    )
    assert decide(both.valid, request(mint(shared, iss=secretive)))
    assert decide(both.valid, request(mint(public, iss=open_)))
    assert refusal(mint(shared, iss=open_), both) == "algorithm"
    assert refusal(mint(public, iss=secretive), both) == "algorithm"
    # The public key of one as the shared secret of the other, whose names are the same.
    for secret in (compact_json(public.jwk), str(public.jwk["x"]).encode(), b""):
        forged = mint(ISSUER, {"alg": "HS256"}, iss=secretive).rpartition(".")[0]
        assert refusal(f"{forged}.{b64(hmac.digest(secret, forged.encode(), 'sha256'))}", both) == "bad_signature"
    # An issuer that changes its mind about what it signs with changes nobody else's.
    pinned = bearer(Issuer(URL, keys=jwks(ISSUER, signer("RS256", "rsa")), algorithms={"RS256"}))
    assert refusal(mint(), pinned) == "algorithm"
    assert decide(pinned.valid, request(mint(signer("RS256", "rsa"))))


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "ES384"},
        {"crv": "P-256K"},
        {"kty": "oct", "k": b64(bytes(31))},
        {"kty": "oct", "k": b64(bytes(8)), "alg": "HS256"},
        {"kty": "RSA", "alg": "RS256", "n": b64(b"\xff" * 128), "e": "AQAB"},
        {"kty": "RSA", "alg": "RS256", "n": b64(b"\xff" * 256), "e": "AQ"},
    ],
    ids=range(8),
)
def test_keys_too_weak_for_an_application_to_configure(change: dict[str, object]) -> None:
    for algorithms in ({"ES256", "RS256"}, {"HS256"}):
        with pytest.raises(ConfigError):
            Issuer(URL, keys={"keys": [{**ISSUER.jwk, **change}]}, algorithms=algorithms)


def test_what_was_proven_for_one_token_is_not_lent_to_the_next(verifier: Bearer) -> None:
    # A header seen under a good signature is remembered; the next signature under it is checked all the same.
    web = published()
    web.publish(JWKS, LOCAL.jwks())
    for _ in range(3):
        assert decide(verifier.valid, request(TOKEN), web.sources)
        assert refusal(LOCAL.forge_claims(TOKEN, sub="admin"), verifier) == "bad_signature"
        assert refusal(LOCAL.forge_foreign_key(TOKEN), verifier) == "bad_signature"
    assert static().static is not None
