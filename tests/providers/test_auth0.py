from __future__ import annotations

from typing import Any

import pytest

from tests.providers.asking import bearer_header, claims_of, clock, evidence, header_of, outcome, verdict
from tests.verifiers.tokens import NOW, Web, code, found, request
from zerotrust.core.errors import ConfigError
from zerotrust.core.verdict import Verdict
from zerotrust.providers.auth0 import Dialect, auth0
from zerotrust.testing.providers.auth0 import AUDIENCE, CLIENT, USER, FakeAuth0
from zerotrust.verifiers.bearer import Bearer

FAKE = FakeAuth0(clock=clock)
URL = "https://acme.eu.auth0.com/"


def api(*dialects: Dialect) -> Bearer:
    spoken: dict[str, Any] = {"dialects": dialects} if dialects else {}
    return Bearer(auth0("acme.eu.auth0.com", keys=FAKE.jwks(), **spoken), audience=AUDIENCE)


TOKEN = api()


@pytest.mark.parametrize("token", [FAKE.mint(), FAKE.mint_rfc9068()], ids=["access_token", "rfc9068_profile"])
def test_access_tokens_of_both_profiles_are_believed(token: str) -> None:
    seen = evidence(TOKEN, bearer_header(token))
    assert (seen.source, seen.subject, seen.client_id) == (URL, USER, CLIENT)
    assert seen.scope == frozenset({"openid", "profile", "read:accounts"})


def test_one_dialect_alone() -> None:
    old, new = bearer_header(FAKE.mint()), bearer_header(FAKE.mint_rfc9068())
    assert outcome(api("access_token"), old) == outcome(api("rfc9068_profile"), new) == "verified"
    assert outcome(api("access_token"), new) == outcome(api("rfc9068_profile"), old) == "rejected wrong_type"
    # The type of one and the claims of the other.
    mixed = bearer_header(FAKE.mint(header={"typ": "at+jwt"}))
    assert outcome(api("rfc9068_profile"), mixed) == "rejected missing_claim"


def test_the_fake_has_the_documented_shape() -> None:
    token = FAKE.mint()
    assert header_of(token) == {"alg": "RS256", "kid": FAKE.issuer.key("RS256").kid, "typ": "JWT"}
    common = {
        "iss": URL,
        "sub": USER,
        "aud": [AUDIENCE, "https://acme.eu.auth0.com/userinfo"],
        "iat": NOW,
        "exp": NOW + 86400,
        "scope": "openid profile read:accounts",
    }
    assert claims_of(token) == {**common, "azp": CLIENT}
    rfc = FAKE.mint_rfc9068()
    assert header_of(rfc)["typ"] == "at+jwt"
    assert claims_of(rfc) == {**common, "client_id": CLIENT, "jti": "73WakrfVbNJBaAmhQtEeDv"}
    of_sign_in = claims_of(FAKE.mint_id_token())
    assert (of_sign_in["aud"], "azp" in of_sign_in, "scope" in of_sign_in) == (CLIENT, False, False)
    service = claims_of(FAKE.mint_service())
    assert (service["gty"], service["sub"]) == ("client-credentials", f"{CLIENT}@clients")


WRONG = {
    "an ID token for its client": "wrong_type",
    "an ID token for the API": "wrong_type",
    "an ID token without nonce": "missing_claim",
    "an ID token for the API and its client": "wrong_type",
    "an ID token of the hybrid flow": "wrong_type",
    "a token for the user info endpoint": "wrong_audience",
    "another tenant": "unknown_issuer",
    "the issuer without its slash": "unknown_issuer",
    "no client": "missing_claim",
    "a client that is a list": "wrong_claim_type",
    "two clients": "wrong_claim",
    "a logout token": "wrong_type",
    "an elliptic curve": "algorithm",
    "no type": "wrong_type",
}


def test_every_wrong_token_is_expected_to_be_refused() -> None:
    assert FAKE.wrong().keys() == WRONG.keys()


@pytest.mark.parametrize("what", WRONG)
def test_refusals(what: str) -> None:
    assert outcome(TOKEN, bearer_header(FAKE.wrong()[what])) == f"rejected {WRONG[what]}"


def test_an_id_token_at_an_api_that_has_the_name_of_its_client() -> None:
    """The mistake that the audience alone would not catch."""
    careless = Bearer(auth0("acme.eu.auth0.com", keys=FAKE.jwks()), audience=CLIENT)
    assert outcome(careless, bearer_header(FAKE.mint_id_token())) == "rejected wrong_type"
    assert outcome(careless, bearer_header(FAKE.mint_id_token(nonce="x", azp=CLIENT))) == "rejected wrong_type"
    assert outcome(careless, bearer_header(FAKE.mint(aud=CLIENT))) == "rejected wrong_type"


def test_permissions_are_no_roles() -> None:
    token = bearer_header(FAKE.mint(permissions=["read:accounts"]))
    assert evidence(TOKEN, token).roles is None
    assert verdict(TOKEN.claim("permissions", "read:accounts"), token) is Verdict.YES
    assert verdict(TOKEN.claim("permissions", "delete:accounts"), token) is Verdict.NO
    assert verdict(~TOKEN.claim("permissions", "delete:accounts"), bearer_header(FAKE.mint())) is Verdict.UNKNOWN


def test_roles_in_a_claim_of_ones_own() -> None:
    name = "https://example.com/roles"
    verifier = Bearer(auth0("acme.eu.auth0.com", keys=FAKE.jwks()), audience=AUDIENCE, roles=name)
    assert verdict(verifier.role("teller"), bearer_header(FAKE.mint(**{name: ["teller"]}))) is Verdict.YES  # type: ignore[arg-type]


def test_a_client_that_acts_for_itself() -> None:
    service = bearer_header(FAKE.mint_service())
    assert verdict(TOKEN.claim("gty", "client-credentials"), service) is Verdict.YES
    assert evidence(TOKEN, service).subject == f"{CLIENT}@clients"


def test_keys_are_found_by_discovery() -> None:
    keys = f"{URL}.well-known/jwks.json"
    web = Web({f"{URL}.well-known/openid-configuration": {"issuer": URL, "jwks_uri": keys}, keys: FAKE.jwks()})
    verifier = Bearer(auth0("acme.eu.auth0.com"), audience=AUDIENCE)
    assert code(found(verifier, request(FAKE.mint()), web.sources)) == "verified"


@pytest.mark.parametrize(
    "domain", ["", "acme", "https://acme.eu.auth0.com", "acme.eu.auth0.com/", "Acme.eu.auth0.com", "a.b\n", 7]
)
def test_domains_that_are_none(domain: str) -> None:
    with pytest.raises(ConfigError, match="write it without https://"):
        auth0(domain)


@pytest.mark.parametrize("dialects", [(), ("jwt",), "jwt", ("access_token", 7)])
def test_dialects_that_are_none(dialects: tuple[Dialect, ...]) -> None:
    with pytest.raises(ConfigError, match="write one or both of access_token, rfc9068_profile"):
        auth0("acme.eu.auth0.com", dialects=dialects)


def test_other_algorithms() -> None:
    verifier = Bearer(auth0("acme.eu.auth0.com", keys=FAKE.jwks(), algorithms={"ES256"}), audience=AUDIENCE)
    assert outcome(verifier, bearer_header(FAKE.mint(alg="ES256"))) == "verified"
    assert outcome(verifier, bearer_header(FAKE.mint())) == "rejected algorithm"
