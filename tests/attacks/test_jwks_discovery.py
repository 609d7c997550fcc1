"""Attacks on where keys come from: key sets, metadata, floods and rotation; RFC 7517 section 5, RFC 8414 section 6."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.tokens import (
    ISSUER,
    JWKS,
    METADATA,
    NOW,
    URL,
    Web,
    b64,
    bearer,
    compact_json,
    drive,
    jwks,
    mint,
    outcome,
    page,
    published,
    request,
)
from tests.wire.signing import signer
from zerotrust.core.ask import Document, Gather
from zerotrust.core.finding import Finding, Rejected, Unavailable, Verified
from zerotrust.driver import Budget
from zerotrust.engine import decide
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token_evidence import TokenEvidence

OTHER = signer("ES256", kid="key-2")
ATTACKER = signer("ES256", kid="attacker")
GOOD_METADATA: dict[str, Any] = {"issuer": URL, "jwks_uri": JWKS}


def discovering(**options: Any) -> Bearer:
    return bearer(Issuer(URL, **options))


def serving(keys: object, **metadata: object) -> Web:
    return Web({METADATA: {**GOOD_METADATA, **metadata}, JWKS: keys})


# --- Key sets --------------------------------------------------------------------------------------------------------
def test_rfc_7517_section_4_5_the_same_kid_twice() -> None:
    # Whether the first or the last counts differs from parser to parser, so none does.
    impostor = signer("ES256")
    for keys in (jwks(ISSUER, impostor), jwks(impostor, ISSUER), jwks(ISSUER, OTHER, ISSUER)):
        assert outcome(discovering(), mint(), sources=serving(keys).sources) == "unavailable source_refused"


def test_a_set_that_mixes_shared_secrets_with_public_keys() -> None:
    shared = signer("HS256", kid="shared")
    for keys in (jwks(ISSUER, shared), jwks(shared), jwks(shared, signer("HS256", kid="other"))):
        assert outcome(discovering(), mint(), sources=serving(keys).sources) == "unavailable source_refused"
        assert outcome(discovering(), mint(shared), sources=serving(keys).sources) == "rejected algorithm"


def test_a_set_that_publishes_a_private_key() -> None:
    keys = {"keys": [ISSUER.jwk, {**OTHER.jwk, "d": b64(b"d" * 32)}]}
    decision = decide(discovering().valid, request(mint()), serving(keys).sources)
    assert not decision
    assert decision.reason.code == "source_refused"
    assert b64(b"d" * 32) not in str(decision)


def test_several_types_of_public_keys_in_one_set() -> None:
    many = [ISSUER, OTHER, signer("RS256", "rsa"), signer("EdDSA", "ed"), signer("ES384", "p384")]
    web, verifier = serving(jwks(*many)), discovering()
    for one in many:
        assert outcome(verifier, mint(one), sources=web.sources) == "verified"
        stolen_name = mint(one, {"kid": many[0].jwk["kid"] if one is not many[0] else "key-2"})
        assert outcome(verifier, stolen_name, sources=web.sources).startswith("rejected")


@pytest.mark.parametrize(
    "keys",
    [
        [],
        "keys",
        None,
        5,
        {"keys": None},
        {"keys": {"key-1": ISSUER.jwk}},
        {"keys": [[ISSUER.jwk]]},
        {"keys": ["https://attacker.example/key"]},
        {"Keys": [ISSUER.jwk]},
        ISSUER.jwk,
        b'{"keys":[],"keys":[' + compact_json(ISSUER.jwk) + b"]}",
        b'{"keys":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"\x1f\x8b\x08gzip",
        compact_json(jwks(ISSUER)).decode().encode("utf-16"),
        compact_json({"keys": [{**ISSUER.jwk, "kid": f"key-{number}"} for number in range(1000)]}),
        compact_json({**jwks(ISSUER), "pad": "x" * 1024 * 1024}),
    ],
    ids=range(16),
)
def test_documents_that_are_no_key_set(keys: object) -> None:
    web = serving(keys)
    assert outcome(discovering(), mint(), sources=web.sources) == "unavailable source_refused"
    assert len(web.asked) == 2


def test_keys_that_anybody_can_use_are_set_aside() -> None:
    weak = [
        {"kty": "OKP", "crv": "Ed25519", "kid": "key-1", "x": b64(bytes(32))},
        {"kty": "RSA", "kid": "key-1", "n": b64(b"\xff" * 128), "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "kid": "key-1", "x": b64(bytes(32)), "y": b64(bytes(32))},
        {**ISSUER.jwk, "use": "enc"},
        {**ISSUER.jwk, "key_ops": ["sign"]},
        {**ISSUER.jwk, "alg": "none"},
    ]
    for key in weak:
        assert outcome(discovering(), mint(), sources=serving({"keys": [key]}).sources) == "rejected unsuitable_key"
        # Nor does such a key make a second fetch worth while.
        web = serving({"keys": [key]})
        outcome(discovering(), mint(), sources=web.sources)
        assert web.urls == [METADATA, JWKS]


# --- Metadata --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("issuer", ["https://evil.example", URL + "/", "", None, [URL]])
def test_rfc_8414_section_6_2_metadata_that_speaks_for_somebody_else(issuer: object) -> None:
    web = serving(jwks(ATTACKER), issuer=issuer)
    assert outcome(discovering(), mint(ATTACKER), sources=web.sources) == "unavailable source_refused"
    assert web.urls == [METADATA]


@pytest.mark.parametrize(
    "jwks_uri",
    [
        "http://attacker.example/jwks",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:2375/keys",
        "http://localhost/keys",
        "file:///etc/passwd",
        "https://user:password@issuer.example/jwks",
        f"{URL}@attacker.example/jwks",
        "//attacker.example/jwks",
        "https://issuer.example/jwks\r\nHost: attacker.example",
        "",
        {"uri": JWKS},
    ],
)
def test_server_side_request_forgery_through_jwks_uri(jwks_uri: object) -> None:
    web = serving(jwks(ATTACKER), jwks_uri=jwks_uri)
    assert outcome(discovering(), mint(ATTACKER), sources=web.sources) == "unavailable source_refused"
    assert web.urls == [METADATA]


# --- Floods ----------------------------------------------------------------------------------------------------------
def test_a_flood_of_unknown_kids_asks_for_newer_keys_by_what_was_seen() -> None:
    # How often that leads to the network is for the source: every question says which keys have been seen.
    web, verifier = published(), discovering(jwks_uri=JWKS)
    for number in range(50):
        assert outcome(verifier, mint(ISSUER, {"kid": f"no-{number}"}), sources=web.sources) == "rejected unknown_key"
    assert len(web.asked) == 100
    assert {fetch.newer_than for fetch in web.asked} == {float("-inf"), NOW - 60.0}
    assert {fetch.url for fetch in web.asked} == {JWKS}
    assert outcome(verifier, mint(), sources=web.sources) == "verified"


def test_no_token_causes_more_than_two_looks_at_the_keys() -> None:
    web = published()
    budget = Budget(asks=4)
    for token in (mint(ISSUER, {"kid": "no"}), mint(ISSUER, {"kid": None}), mint(OTHER), mint(), mint()[:-4] + "AAAA"):
        web.asked.clear()
        decide(discovering().valid, request(token), web.sources, budget=budget)
        assert web.urls.count(JWKS) <= 2
        assert web.urls.count(METADATA) <= 2


@pytest.mark.parametrize(
    "token", ["a.b.c", "." * 100, "", "x" * 20_000, mint(iss="https://evil.example"), mint(iss=None), mint() + ".x.y"]
)
def test_a_flood_of_nonsense_asks_nothing(token: str) -> None:
    web = published()
    decide(discovering().valid, request(token), web.sources)
    assert web.asked == []


def test_a_spent_budget_is_no_access() -> None:
    for asks in range(4):
        decision = decide(discovering().valid, request(mint(OTHER)), published().sources, budget=Budget(asks=asks))
        assert not decision
        assert decision.reason.code == "budget_spent"


# --- Rotation --------------------------------------------------------------------------------------------------------
def steps(verifier: Bearer, token: str) -> Gather[Finding[TokenEvidence]]:
    found = verifier.find(request(token))
    assert not isinstance(found, Verified | Rejected | Unavailable)
    return found  # type: ignore[return-value]


def test_rotation_between_metadata_and_keys() -> None:
    metadata = page(METADATA, GOOD_METADATA)
    for keys, expected in ((jwks(OTHER), Verified), (jwks(ISSUER), Rejected)):
        answers: list[Document] = [metadata, page(JWKS, keys), metadata, page(JWKS, keys, NOW)]
        _, finding = drive(steps(discovering(), mint(OTHER)), answers)
        assert isinstance(finding, expected)


def test_rotation_between_the_first_look_and_the_second() -> None:
    metadata = page(METADATA, GOOD_METADATA)
    first, second = page(JWKS, jwks(ISSUER), NOW - 60), page(JWKS, jwks(OTHER), NOW)
    _, finding = drive(steps(discovering(), mint(OTHER)), [metadata, first, metadata, second])
    assert isinstance(finding, Verified)
    # What the first look found no key for must not pass on a key that the second look gives its name to.
    impostor = signer("ES256", kid="key-2")
    _, finding = drive(steps(discovering(), mint(impostor)), [metadata, first, metadata, second])
    assert isinstance(finding, Rejected)
    assert finding.reason.code == "bad_signature"


def test_a_withdrawn_key_is_withdrawn_for_every_header_it_had() -> None:
    # Headers under which a signature was good are remembered with the key set, and die with it.
    web, verifier = published(ISSUER), discovering()
    token = mint()
    assert outcome(verifier, token, sources=web.sources) == "verified"
    web.publish(JWKS, jwks(OTHER), NOW)
    assert outcome(verifier, token, sources=web.sources) == "rejected unknown_key"
    web.publish(JWKS, {"keys": []}, NOW + 1)
    assert outcome(verifier, token, sources=web.sources) == "rejected unknown_key"


def test_a_poisoned_answer_is_not_kept() -> None:
    web, verifier = published(), discovering()
    web.publish(JWKS, b"<html>captive portal</html>")
    assert outcome(verifier, mint(), sources=web.sources) == "unavailable source_refused"
    web.publish(JWKS, jwks(ISSUER))
    assert outcome(verifier, mint(), sources=web.sources) == "verified"
    web.publish(METADATA, {**GOOD_METADATA, "issuer": "https://evil.example"})
    assert outcome(verifier, mint(), sources=web.sources) == "unavailable source_refused"
    web.publish(METADATA, GOOD_METADATA)
    assert outcome(verifier, mint(), sources=web.sources) == "verified"


def test_keys_of_two_issuers_do_not_mix() -> None:
    other_url = "https://other.example"
    verifier = bearer(Issuer(URL), Issuer(other_url))
    web = published()
    web.pages.update(published(OTHER, url=other_url).pages)
    assert outcome(verifier, mint(OTHER, iss=other_url), sources=web.sources) == "verified"
    assert outcome(verifier, mint(OTHER), sources=web.sources) == "rejected unknown_key"
    assert outcome(verifier, mint(ISSUER, iss=other_url), sources=web.sources) == "rejected unknown_key"
