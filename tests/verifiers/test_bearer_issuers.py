"""Several issuers behind one verifier, told apart by `iss` and by nothing else (RFC 8725 section 3.8)."""

from __future__ import annotations

import pytest

from tests.verifiers.tokens import (
    ISSUER,
    JWKS,
    METADATA,
    NOW,
    OMIT,
    URL,
    bearer,
    claims,
    compact_json,
    evidence,
    jwks,
    mint,
    mint_json,
    outcome,
    published,
    static,
)
from tests.wire.signing import signer
from zerotrust.core.finding import Rejected
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Profile

OTHER_URL = "https://other.example"
OTHER = signer("RS256")  # its kid is that of ISSUER, too
SHARED_URL = "https://shared.example"
SHARED = signer("HS256")

THREE = bearer(
    static(),
    static(OTHER_URL, OTHER, algorithms={"RS256"}),
    Issuer(SHARED_URL, keys=jwks(SHARED), algorithms={"HS256"}),
)


def test_each_with_its_own_keys() -> None:
    assert evidence(THREE, mint()).source == URL
    assert evidence(THREE, mint(OTHER, iss=OTHER_URL)).source == OTHER_URL
    assert evidence(THREE, mint(SHARED, iss=SHARED_URL)).source == SHARED_URL


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (mint(OTHER), "rejected algorithm"),
        (mint(iss=OTHER_URL), "rejected algorithm"),
        (mint(signer("ES256")), "rejected bad_signature"),
        (mint(SHARED), "rejected algorithm"),
        (mint(SHARED, iss=OTHER_URL), "rejected algorithm"),
        (mint(header={"alg": "RS256"}, iss=OTHER_URL), "rejected bad_signature"),
    ],
)
def test_no_issuer_speaks_for_another(token: str, expected: str) -> None:
    verifier = bearer(static(algorithms={"ES256"}), *THREE.issuers[1:])
    assert outcome(verifier, token) == expected


def test_a_good_signature_of_another_issuer_with_the_same_algorithm_and_kid() -> None:
    second = signer("ES256")
    verifier = bearer(static(), static(OTHER_URL, second))
    assert outcome(verifier, mint(second, iss=OTHER_URL)) == "verified"
    assert outcome(verifier, mint(second)) == "rejected bad_signature"
    assert outcome(verifier, mint(iss=OTHER_URL)) == "rejected bad_signature"


@pytest.mark.parametrize(
    ("iss", "expected"),
    [
        ("https://evil.example", "rejected unknown_issuer"),
        ("", "rejected unknown_issuer"),
        (URL + "/", "rejected unknown_issuer"),
        (OMIT, "rejected missing_claim"),
        (None, "rejected wrong_claim_type"),
        (5, "rejected wrong_claim_type"),
        ([URL], "rejected wrong_claim_type"),
        ({URL: URL}, "rejected wrong_claim_type"),
        (True, "rejected wrong_claim_type"),
    ],
)
def test_tokens_of_nobody_known(iss: object, expected: str) -> None:
    for verifier in (THREE, bearer(static()), bearer(Issuer(URL))):
        assert outcome(verifier, mint(iss=iss)) == expected


def test_the_issuers_believed_are_named() -> None:
    finding = THREE.verify(mint(iss="https://evil.example"), NOW)
    assert isinstance(finding, Rejected)
    assert finding.reason.expected == f"{URL} or {OTHER_URL} or {SHARED_URL}"
    assert finding.reason.presented == "https://evil.example"


def test_claims_are_read_first_where_they_tell_the_issuer() -> None:
    duplicate = compact_json(claims())[:-1] + f',"iss":"{OTHER_URL}"}}'.encode()
    for verifier in (THREE, bearer(static())):
        assert outcome(verifier, mint_json(duplicate)) == "rejected malformed"
        assert outcome(verifier, mint_json(b"[]")) == "rejected malformed"
        assert outcome(verifier, "e30.!.e30") == "rejected malformed"
    # With one issuer and its keys at hand, what is not signed is not read at all.
    forged = mint_json(b"[]", signer("ES256"))
    assert outcome(bearer(static()), forged) == "rejected bad_signature"
    assert outcome(THREE, forged) == "rejected malformed"


def test_an_unknown_issuer_costs_no_fetch() -> None:
    web = published()
    verifier = bearer(Issuer(URL), Issuer(OTHER_URL))
    assert outcome(verifier, mint(iss="https://evil.example"), sources=web.sources) == "rejected unknown_issuer"
    assert web.asked == []
    assert outcome(verifier, mint(), sources=web.sources) == "verified"
    assert web.urls == [METADATA, JWKS]  # nothing of the other issuer


def test_an_outage_of_one_issuer_is_nobody_elses() -> None:
    web = published()
    verifier = bearer(Issuer(URL), Issuer(OTHER_URL))
    assert outcome(verifier, mint(iss=OTHER_URL), sources=web.sources) == "unavailable source_down"
    assert outcome(verifier, mint(), sources=web.sources) == "verified"


def test_two_issuers_may_publish_their_keys_in_one_place() -> None:
    # Who may sign for whom is then between the two; `iss` still decides whose rules count.
    web = published()
    verifier = bearer(Issuer(URL, jwks_uri=JWKS), Issuer(OTHER_URL, jwks_uri=JWKS, algorithms={"RS256"}))
    assert outcome(verifier, mint(), sources=web.sources) == "verified"
    assert outcome(verifier, mint(iss=OTHER_URL), sources=web.sources) == "rejected algorithm"


def test_one_issuer_behind_two_verifiers() -> None:
    keys = static().static
    payments = bearer(Issuer(URL, keys=keys))
    ledger = bearer(Issuer(URL, keys=keys, profile=Profile(types={"JWT"})), audience="ledger")
    for _ in range(2):  # what one verifier has proven must not count for the other
        assert outcome(payments, mint()) == "verified"
        assert outcome(ledger, mint()) == "rejected wrong_type"
        assert outcome(ledger, mint(header={"typ": "JWT"}, aud="ledger")) == "verified"
        assert outcome(payments, mint(header={"typ": "JWT"}, aud="ledger")) == "rejected wrong_type"
    assert ISSUER.jwk["kid"] == OTHER.jwk["kid"]
