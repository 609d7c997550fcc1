"""Tokens meant for others: substitution across audiences and issuers, RFC 8725 sections 2.7, 3.8 and 3.9."""

from __future__ import annotations

import pytest

from tests.verifiers.tokens import ISSUER, OMIT, URL, bearer, compact_json, evidence, mint, mint_json, outcome, static
from tests.verifiers.tokens import claims as good
from tests.wire.signing import signer
from zerotrust.verifiers.issuer import Issuer

TOKEN = bearer()


@pytest.mark.parametrize(
    "aud",
    [
        "ledger",
        "https://payments",
        "payments.example",
        "PAYMENTS",
        "payments\u0000",
        "payments\n",
        " payments",
        "p\u0430yments",  # a Cyrillic letter
        "pa\u00ffyments",
        "pay",
        "payments ledger",
        "payments,ledger",
        '["payments"]',
        "*",
        ".*",
        "",
        [],
        [""],
        ["ledger", "Payments"],
    ],
)
def test_rfc_8725_section_3_9_another_audience(aud: object) -> None:
    assert outcome(TOKEN, mint(aud=aud)) == "rejected wrong_audience"


@pytest.mark.parametrize(
    "aud",
    [None, True, 0, 1.5, {"payments": True}, [["payments"]], ["payments", 1], ["payments", {}], [None, "payments"]],
)
def test_rfc_7519_section_4_1_3_aud_of_another_type_is_not_searched(aud: object) -> None:
    assert outcome(TOKEN, mint(aud=aud)) == "rejected wrong_claim_type"


def test_no_audience_is_not_every_audience() -> None:
    assert outcome(TOKEN, mint(aud=OMIT)) == "rejected missing_claim"
    assert outcome(TOKEN, mint(aud=OMIT, azp="payments", client_id="payments")) == "rejected missing_claim"


@pytest.mark.parametrize("audience", [["payments"], ["payments", "ledger"]])
def test_one_of_ours_among_thousands(audience: list[str]) -> None:
    verifier = bearer(audience=audience)
    others = [f"a{number}" for number in range(1500)]
    assert outcome(verifier, mint(aud=others)) == "rejected wrong_audience"
    assert outcome(verifier, mint(aud=[*others, "payments"])) == "verified"


def test_two_audiences_in_one_token_by_a_duplicate_member() -> None:
    for order in (
        b'"aud":"payments","aud":"ledger"',
        b'"aud":"ledger","aud":"payments"',
        b'"aud":"payments","\\u0061ud":1',
    ):
        payload = compact_json(good(aud=OMIT))[:-1] + b"," + order + b"}"
        assert outcome(TOKEN, mint_json(payload)) == "rejected malformed"


def test_rfc_8725_section_2_7_a_token_for_a_sibling_service() -> None:
    payments, ledger = bearer(), bearer(audience="ledger")
    assert outcome(payments, mint(aud="ledger")) == "rejected wrong_audience"
    assert outcome(ledger, mint()) == "rejected wrong_audience"
    assert outcome(ledger, mint(aud=["payments", "ledger"])) == "verified"


@pytest.mark.parametrize(
    "iss",
    [
        URL + "/",
        URL + "/.",
        URL + ":443",
        URL.replace("https", "http"),
        URL.replace("issuer", "ISSUER"),
        URL.replace("issuer", "xn--issuer"),
        URL + "\u0000",
        URL + "#",
        URL + "?",
        f"{URL}@evil.example",
        f"https://evil.example/{URL}",
        "https://issuer%2eexample",
        " " + URL,
    ],
)
def test_rfc_8725_section_3_8_names_that_are_nearly_the_issuers(iss: str) -> None:
    for verifier in (TOKEN, bearer(static(), Issuer("https://other.example")), bearer(Issuer(URL))):
        assert outcome(verifier, mint(iss=iss)) == "rejected unknown_issuer"


def test_rfc_8725_section_3_8_another_tenant_of_the_same_provider() -> None:
    # One provider, one key set, an issuer for each tenant: the signature is good, the tenant is not ours.
    tenant = "https://login.example/tenant-a"
    verifier = bearer(static(tenant))
    assert outcome(verifier, mint(iss=tenant)) == "verified"
    for other in ("https://login.example/tenant-b", "https://login.example/common", "https://login.example/{tenant}"):
        assert outcome(verifier, mint(iss=other)) == "rejected unknown_issuer"


def test_the_same_subject_of_two_issuers_is_two_people() -> None:
    other = signer("ES256")
    verifier = bearer(static(), static("https://other.example", other))
    ours, theirs = evidence(verifier, mint()), evidence(verifier, mint(other, iss="https://other.example"))
    assert ours.subject == theirs.subject
    assert ours.source != theirs.source
    assert ISSUER.jwk["kid"] == other.jwk["kid"]
