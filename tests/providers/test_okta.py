from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from tests.providers.asking import bearer_header, claims_of, clock, evidence, header_of, outcome, verdict
from tests.verifiers.tokens import NOW, Web, code, found, request
from zerotrust.core.errors import ConfigError
from zerotrust.core.verdict import Verdict
from zerotrust.providers.okta import LADDER, okta
from zerotrust.testing.issuer import OMIT
from zerotrust.testing.providers.okta import CLIENT, LOGIN, USER, FakeOkta
from zerotrust.verifiers.bearer import Bearer

FAKE = FakeOkta(clock=clock)
TOKEN = Bearer(okta(FAKE.url, keys=FAKE.jwks()), audience="api://default")


def test_an_access_token_is_believed() -> None:
    seen = evidence(TOKEN, bearer_header(FAKE.mint(scopes=["openid", "pay"])))
    assert (seen.source, seen.subject, seen.client_id) == (FAKE.url, LOGIN, CLIENT)
    assert seen.scope == frozenset({"openid", "pay"})
    assert seen.auth_time == NOW
    assert seen.claims["uid"] == USER
    assert seen.claims["scp"] == ["openid", "pay"]


def test_a_client_that_acts_for_itself() -> None:
    service = bearer_header(FAKE.mint_service(scopes=["pay"]))
    assert evidence(TOKEN, service).subject == CLIENT
    assert verdict(TOKEN.has_claim("uid"), service) is Verdict.NO
    assert verdict(TOKEN.scope("pay"), service) is Verdict.YES
    assert verdict(TOKEN.has_claim("uid"), bearer_header(FAKE.mint())) is Verdict.YES


def test_the_fake_has_the_documented_shape() -> None:
    token = FAKE.mint()
    assert header_of(token) == {"alg": "RS256", "kid": FAKE.issuer.key("RS256").kid}
    said = claims_of(token)
    assert set(said) == {"ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "auth_time", "sub"}
    assert said["jti"].startswith("AT.")
    assert (said["ver"], said["scp"], said["exp"] - said["iat"]) == (1, ["openid"], 3600)
    of_sign_in = claims_of(FAKE.mint_id_token())
    assert of_sign_in["jti"].startswith("ID.")
    assert of_sign_in["aud"] == CLIENT
    assert not {"cid", "uid", "scp"} & set(of_sign_in)
    assert header_of(FAKE.mint_id_token()) == header_of(token)
    service = claims_of(FAKE.mint_service())
    assert service["sub"] == service["cid"]
    assert not {"uid", "auth_time"} & set(service)


WRONG = {
    "an ID token for its client": "wrong_type",
    "an ID token for the API": "wrong_type",
    "an ID token that names a client and scopes": "wrong_type",
    "an ID token under the name of an access token": "wrong_type",
    "a token of the org authorization server": "unknown_issuer",
    "a token of another authorization server": "unknown_issuer",
    "a token for the default audience of another": "wrong_audience",
    "no client": "missing_claim",
    "no scopes": "missing_claim",
    "scopes in one text": "wrong_claim_type",
    "one scope that is two": "wrong_claim_type",
    "another scope under the standard name": "wrong_claim",
    "another client under the standard name": "wrong_claim",
    "another version": "wrong_claim",
    "a version that is true": "wrong_claim",
    "no version": "missing_claim",
    "no id": "missing_claim",
    "an id of no kind": "wrong_type",
    "a JWT by its type": "wrong_type",
    "a token for Okta itself": "wrong_type",
    "an elliptic curve": "algorithm",
}


def test_every_wrong_token_is_expected_to_be_refused() -> None:
    assert FAKE.wrong().keys() == WRONG.keys()


@pytest.mark.parametrize("what", WRONG)
def test_refusals(what: str) -> None:
    assert outcome(TOKEN, bearer_header(FAKE.wrong()[what])) == f"rejected {WRONG[what]}"


@pytest.mark.parametrize("what", WRONG)
def test_every_wrong_token_is_signed_by_the_right_key(what: str) -> None:
    token = FAKE.wrong()[what]
    header = jwt.get_unverified_header(token)
    key = next(key for key in jwt.PyJWKSet.from_dict(FAKE.jwks()).keys if key.key_id == header["kid"])
    assert jwt.PyJWS().decode(token, key, algorithms=[header["alg"]])


@pytest.mark.parametrize("claims", [{"scp": ["a", 1]}, {"scp": ["a", ""]}, {"scp": None}, {"scp": {}}, {"cid": ""}])
def test_claims_of_the_wrong_type(claims: dict[str, object]) -> None:
    assert outcome(TOKEN, bearer_header(FAKE.mint(**claims))) == "rejected wrong_claim_type"  # type: ignore[arg-type]


def test_the_same_said_twice_is_no_contradiction() -> None:
    assert outcome(TOKEN, bearer_header(FAKE.mint(scope="openid", client_id=CLIENT))) == "verified"


def test_an_access_token_by_its_type_is_none_the_worse() -> None:
    assert outcome(TOKEN, bearer_header(FAKE.mint(header={"typ": "at+jwt"}))) == "verified"


def test_the_ladder_is_in_order_and_without_what_was_not_possible() -> None:
    assert TOKEN.issuers[0].profile.ladder == LADDER
    assert LADDER.index("urn:okta:loa:1fa:any") < LADDER.index("urn:okta:loa:2fa:any") < LADDER.index("phr")
    assert LADDER[-1] == "phrh"
    assert not any("ifpossible" in step for step in LADDER)
    assert okta(FAKE.url, ladder=("phr", "phrh")).profile.ladder == ("phr", "phrh")
    token = bearer_header(FAKE.mint(acr="phr"))
    assert evidence(TOKEN, token).acr == "phr"


def test_groups_that_are_left_out() -> None:
    token = bearer_header(FAKE.mint())
    assert verdict(~TOKEN.group("contractors"), token) is Verdict.UNKNOWN
    known = Bearer(okta(FAKE.url, keys=FAKE.jwks(), absent_is_empty={"groups"}), audience="api://default")
    assert verdict(~known.group("contractors"), token) is Verdict.YES
    assert verdict(known.group("staff"), bearer_header(FAKE.mint(groups=["staff"]))) is Verdict.YES


def test_keys_are_found_by_discovery() -> None:
    web = Web(
        {
            f"{FAKE.url}/.well-known/openid-configuration": {"issuer": FAKE.url, "jwks_uri": f"{FAKE.url}/v1/keys"},
            f"{FAKE.url}/v1/keys": FAKE.jwks(),
        }
    )
    assert (
        code(found(Bearer(okta(FAKE.url), audience="api://default"), request(FAKE.mint()), web.sources)) == "verified"
    )
    assert web.urls == [f"{FAKE.url}/.well-known/openid-configuration", f"{FAKE.url}/v1/keys"]
    given_away = Web({f"{FAKE.url}/v1/keys": FAKE.jwks()})
    verifier = Bearer(okta(FAKE.url, jwks_uri=f"{FAKE.url}/v1/keys"), audience="api://default")
    assert code(found(verifier, request(FAKE.mint()), given_away.sources)) == "verified"


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.okta.com",
        "https://acme.okta.com/",
        "https://acme.okta.com/oauth2",
        "https://acme.okta.com/oauth2/",
        "https://acme.okta.com/oauth2/v1",
        "https://acme.okta.com/oauth2/default\n",
        "https://acme.okta.com/oauth2/default/other",
    ],
)
def test_the_org_server_is_to_be_introspected(url: str) -> None:
    with pytest.raises(ConfigError, match=r"introspect|Write an absolute URL"):
        okta(url)


@pytest.mark.parametrize(
    "more", ["/", "/v1", "/v1/token", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
)
def test_more_than_the_issuer_is_too_much(more: str) -> None:
    with pytest.raises(ConfigError, match=rf"more than the issuer; write it without {re.escape(more)}$"):
        okta(f"https://acme.okta.com/oauth2/default{more}")


@pytest.mark.parametrize("host", ["acme-admin.okta.com", "acme-admin.oktapreview.com", "acme-admin.okta-emea.com"])
def test_where_okta_is_administered_no_tokens_come_from(host: str) -> None:
    for path in ("/oauth2/default", "", "/oauth2/default/"):
        with pytest.raises(ConfigError, match="without -admin"):
            okta(f"https://{host}{path}")
    assert okta("https://my-admin.example.com/oauth2/default").url == "https://my-admin.example.com/oauth2/default"


@pytest.mark.parametrize(
    "wrong",
    [lambda: okta("acme.okta.com/oauth2/default"), lambda: okta(None)],  # type: ignore[arg-type]
)
def test_what_is_no_url(wrong: Callable[[], object]) -> None:
    with pytest.raises(ConfigError, match="an Okta authorization server"):
        wrong()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ladder": "phr"}, "acr values in order"),
        ({"ladder": ("phr", 7)}, "acr values in order"),
        ({"ladder": {"phr"}}, "acr values in order"),
        ({"ladder": ("phr", "phr")}, "twice in the ladder"),
        ({"absent_is_empty": "groups"}, "a collection of names"),
    ],
)
def test_mistakes(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        okta(FAKE.url, **options)


def test_custom_domains_and_ids() -> None:
    for url in ("https://login.example.com/oauth2/aus9o8wvkhockw9TL0h7", "https://acme.okta.com/oauth2/default"):
        assert okta(url).url == url


def test_a_claim_that_is_left_out_of_the_fake() -> None:
    assert "auth_time" not in claims_of(FAKE.mint(auth_time=OMIT))
