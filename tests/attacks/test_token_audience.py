"""Tokens meant for others: substitution across audiences and issuers, RFC 8725 sections 2.7, 3.8 and 3.9."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.tokens import ISSUER, OMIT, URL, bearer, compact_json, evidence, mint, mint_json, outcome, static
from tests.verifiers.tokens import claims as good
from tests.wire.signing import signer
from zerotrust.core.errors import ConfigError
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Profile

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


# --- Audiences that mean something at one issuer only ----------------------------------------------------------------

OTHER_URL = "https://other.example"
OTHER = signer("ES256")


def both(ours: Any, theirs: Any, **options: Any) -> Any:
    return bearer(static(audience=ours), static(OTHER_URL, OTHER, audience=theirs), **options)


def test_rfc_8725_section_3_9_an_audience_of_one_issuer_is_none_of_another() -> None:
    # Whoever may choose an audience at one issuer would choose ours at the other.
    verifier = both("api://default", ["web", "app"], audience=None)
    assert outcome(verifier, mint(aud="api://default")) == "verified"
    assert outcome(verifier, mint(OTHER, iss=OTHER_URL, aud=["app"])) == "verified"
    for token in (mint(aud="web"), mint(aud=["web", "app"]), mint(OTHER, iss=OTHER_URL, aud="api://default")):
        assert outcome(verifier, token) == "rejected wrong_audience"
    assert verifier.audience == {"api://default", "web", "app"}


def test_that_of_the_verifier_is_for_issuers_without_their_own() -> None:
    verifier = both("api://default", None, audience=["web", "app"])
    assert outcome(verifier, mint(OTHER, iss=OTHER_URL, aud="app")) == "verified"
    assert outcome(verifier, mint(aud="api://default")) == "verified"
    assert outcome(verifier, mint(aud="app")) == "rejected wrong_audience"
    assert outcome(verifier, mint(OTHER, iss=OTHER_URL, aud="api://default")) == "rejected wrong_audience"


def test_several_audiences_for_several_issuers_do_not_say_which_is_whose() -> None:
    with pytest.raises(ConfigError, match=r"names a, b for several issuers: .*Issuer\(url, audience=\.\.\.\)"):
        both(None, None, audience={"a", "b"})
    assert outcome(both(None, None, audience={"a"}), mint(aud="a")) == "verified"
    assert outcome(bearer(static(), audience={"a", "b"}), mint(aud="b")) == "verified"


def test_an_audience_that_would_hold_for_nobody() -> None:
    with pytest.raises(ConfigError, match="every issuer has its own, so this would hold for none; leave it out"):
        both("a", "b", audience="c")


@pytest.mark.parametrize("audience", ["", [], [""], ["a", 5], 5, b"a"])
def test_an_issuers_audience_is_one_or_more_names(audience: Any) -> None:
    with pytest.raises(ConfigError, match="names"):
        static(audience=audience)


def test_what_a_profile_says_of_an_audience_holds_where_that_is_in_force() -> None:
    def only_a(audience: str) -> str | None:
        return None if audience == "a" else "write a"

    profile = Profile(name="Picky", audience=only_a)
    with pytest.raises(ConfigError, match=r"^audience='b' cannot be one of Picky: write a$"):
        static(profile=profile, audience={"a", "b"})
    with pytest.raises(ConfigError, match=r"^audience='b' cannot be one of Picky: write a$"):
        bearer(static(profile=profile), audience="b")
    with pytest.raises(ConfigError, match=r"write a; what is for another issuer, write there: audience=\.\.\."):
        bearer(static(profile=profile), static(OTHER_URL, OTHER), audience="b")
    assert outcome(bearer(static(profile=profile, audience="a"), static(OTHER_URL), audience="b"), mint(aud="a"))
