from __future__ import annotations

import pytest

from tests.providers.asking import bearer_header, claims_of, clock, evidence, header_of, outcome, verdict
from tests.verifiers.tokens import NOW, Web, code, found, request
from zerotrust.core.errors import ConfigError
from zerotrust.core.verdict import Verdict
from zerotrust.providers.google_workspace import google_workspace
from zerotrust.testing.issuer import OMIT
from zerotrust.testing.providers.google_workspace import CLIENT, USER, FakeGoogleWorkspace
from zerotrust.verifiers.bearer import Bearer

FAKE = FakeGoogleWorkspace(clock=clock)
TOKEN = Bearer(google_workspace("example.com", keys=FAKE.jwks()), audience=CLIENT)
URL = "https://accounts.google.com"


@pytest.mark.parametrize("iss", [URL, "accounts.google.com"])
def test_both_spellings_of_the_issuer_are_one_source(iss: str) -> None:
    seen = evidence(TOKEN, bearer_header(FAKE.mint(iss=iss)))
    assert (seen.source, seen.subject, seen.client_id) == (URL, USER, CLIENT)
    assert seen.claims["iss"] == iss
    assert verdict(TOKEN.subject(USER), bearer_header(FAKE.mint(iss=iss))) is Verdict.YES
    assert verdict(TOKEN.issuer(URL), bearer_header(FAKE.mint(iss=iss))) is Verdict.YES


def test_who_somebody_is_and_nothing_of_what_they_may() -> None:
    seen = evidence(TOKEN, bearer_header(FAKE.mint()))
    assert (seen.scope, seen.acr, seen.amr, seen.roles, seen.groups) == (None, None, None, None, None)
    assert seen.claims["email"] == "ada@example.com"


def test_the_fake_has_the_documented_shape() -> None:
    token = FAKE.mint()
    assert header_of(token) == {"alg": "RS256", "kid": FAKE.issuer.key("RS256").kid, "typ": "JWT"}
    assert claims_of(token) == {
        "iss": URL,
        "azp": CLIENT,
        "aud": CLIENT,
        "sub": USER,
        "hd": "example.com",
        "email": "ada@example.com",
        "email_verified": True,
        "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
        "nonce": "0394852-3190485-2490358",
        "name": "Ada Lovelace",
        "iat": NOW,
        "exp": NOW + 3600,
    }


WRONG = {
    "a personal account": "missing_claim",
    "a personal account with an address of the domain": "missing_claim",
    "another domain": "wrong_claim",
    "another domain with an address of ours": "wrong_claim",
    "a domain that ends like ours": "wrong_claim",
    "a domain below ours": "wrong_claim",
    "the domain in capitals": "wrong_claim",
    "the domain and a line feed": "wrong_claim",
    "domains in a list": "wrong_claim_type",
    "an address that nobody verified": "wrong_claim",
    "an address that is verified in text": "wrong_claim",
    "an address that is verified by one": "wrong_claim",
    "nothing about the address": "missing_claim",
    "no address": "missing_claim",
    "a service account": "missing_claim",
    "another client": "wrong_audience",
    "an issuer over http": "unknown_issuer",
    "an issuer with a slash": "unknown_issuer",
    "another client under the standard name": "wrong_claim",
    "a security event": "wrong_type",
    "an elliptic curve": "algorithm",
    "an access token by its type": "wrong_type",
    "no type": "wrong_type",
}


def test_every_wrong_token_is_expected_to_be_refused() -> None:
    assert FAKE.wrong().keys() == WRONG.keys()


@pytest.mark.parametrize("what", WRONG)
def test_refusals(what: str) -> None:
    assert outcome(TOKEN, bearer_header(FAKE.wrong()[what])) == f"rejected {WRONG[what]}"


def test_several_domains() -> None:
    both = Bearer(google_workspace("example.com", "example.org", keys=FAKE.jwks()), audience=CLIENT)
    assert outcome(both, bearer_header(FAKE.mint(hd="example.org"))) == "verified"
    assert outcome(both, bearer_header(FAKE.mint())) == "verified"
    assert outcome(both, bearer_header(FAKE.mint(hd="example.net"))) == "rejected wrong_claim"


def test_a_token_without_its_client() -> None:
    seen = evidence(TOKEN, bearer_header(FAKE.mint(azp=OMIT)))
    assert seen.client_id is None
    assert outcome(TOKEN, bearer_header(FAKE.mint(azp=7))) == "rejected wrong_claim_type"


def test_keys_are_found_by_discovery() -> None:
    keys = "https://www.googleapis.com/oauth2/v3/certs"
    web = Web({f"{URL}/.well-known/openid-configuration": {"issuer": URL, "jwks_uri": keys}, keys: FAKE.jwks()})
    verifier = Bearer(google_workspace("example.com"), audience=CLIENT)
    assert code(found(verifier, request(FAKE.mint(iss="accounts.google.com")), web.sources)) == "verified"


@pytest.mark.parametrize(
    "domain", ["", "example", "Example.com", "@example.com", "https://example.com", "example.com\n", 7]
)
def test_domains_that_are_none(domain: str) -> None:
    with pytest.raises(ConfigError, match="write the Workspace domain alone"):
        google_workspace(domain)
    with pytest.raises(ConfigError, match="write the Workspace domain alone"):
        google_workspace("example.com", domain)


def test_no_other_claim_stands_in_for_the_client() -> None:
    assert outcome(TOKEN, bearer_header(FAKE.mint(azp=OMIT, client_id="web"))) == "rejected wrong_claim"
    assert evidence(TOKEN, bearer_header(FAKE.mint(azp=OMIT))).client_id is None
