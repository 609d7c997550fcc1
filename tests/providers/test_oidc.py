from __future__ import annotations

from typing import Any

import pytest

from tests.providers.asking import bearer_header, claims_of, clock, evidence, header_of, outcome, verdict
from tests.verifiers.tokens import NOW, Web, code, found, request
from zerotrust.core.errors import ConfigError
from zerotrust.core.verdict import Verdict
from zerotrust.providers.oidc import oidc
from zerotrust.testing import LocalIssuer
from zerotrust.testing.issuer import OMIT
from zerotrust.testing.providers.oidc import FakeOidc
from zerotrust.verifiers.bearer import Bearer

FAKE = FakeOidc(clock=clock)
URL = FAKE.issuer.url


def api(**options: Any) -> Bearer:
    return Bearer(oidc(URL, keys=FAKE.jwks(), **{"types": {"JWT"}, "client_id": "azp", **options}), audience="payments")


TOKEN = api()


def test_an_access_token_is_believed() -> None:
    seen = evidence(TOKEN, bearer_header(FAKE.mint()))
    assert (seen.source, seen.subject, seen.client_id, seen.scope) == (URL, "248289761001", "web", frozenset({"pay"}))


def test_the_fake_has_the_documented_shape() -> None:
    token = FAKE.mint()
    assert header_of(token) == {"alg": "ES256", "kid": FAKE.issuer.key("ES256").kid, "typ": "JWT"}
    assert claims_of(token) == {
        "iss": URL,
        "sub": "248289761001",
        "aud": "payments",
        "azp": "web",
        "scope": "pay",
        "access": {"realm": ["teller"]},
        "iat": NOW,
        "exp": NOW + 600,
    }
    of_sign_in = claims_of(FAKE.mint_id_token())
    assert (of_sign_in["aud"], "nonce" in of_sign_in, "scope" in of_sign_in) == ("web", True, False)


WRONG = {
    "an ID token for its client": "wrong_audience",
    "an ID token for the API": "wrong_type",
    "an ID token of the implicit flow": "wrong_type",
    "an ID token of the hybrid flow": "wrong_type",
    "a logout token": "wrong_type",
    "two clients": "wrong_claim",
    "a client that is a number": "wrong_claim_type",
    "another issuer": "unknown_issuer",
    "another type": "wrong_type",
    "no type": "wrong_type",
    "no subject": "missing_claim",
}


def test_every_wrong_token_is_expected_to_be_refused() -> None:
    assert FAKE.wrong().keys() == WRONG.keys()


@pytest.mark.parametrize("what", WRONG)
def test_refusals(what: str) -> None:
    assert outcome(TOKEN, bearer_header(FAKE.wrong()[what])) == f"rejected {WRONG[what]}"


def test_unless_told_otherwise_it_is_rfc_9068() -> None:
    rfc = LocalIssuer(clock=clock)
    verifier = Bearer(oidc(rfc.url, keys=rfc.jwks()), audience="api")
    assert outcome(verifier, bearer_header(rfc.mint())) == "verified"
    # There the type tells, and a claim of an ID token's does not matter.
    assert outcome(verifier, bearer_header(rfc.mint(nonce="x"))) == "verified"
    assert outcome(verifier, bearer_header(rfc.mint_id_token(client="api"))) == "rejected wrong_type"


@pytest.mark.parametrize(
    "options",
    [{"types": {"at+jwt", "JWT"}}, {"types": {"at+jwt"}, "typ_optional": True}, {"types": {"application/jwt"}}],
)
def test_where_the_type_does_not_tell_the_claims_do(options: dict[str, Any]) -> None:
    verifier = api(**options)
    for typ in ("JWT", "at+jwt", OMIT):
        token = FAKE.mint(nonce="x", header={"typ": typ})
        assert outcome(verifier, bearer_header(token)) == "rejected wrong_type"


def test_roles_and_groups_deeper_down() -> None:
    verifier = api(roles=("access", "realm"), groups="https://example.com/groups")
    own: dict[str, Any] = {"https://example.com/groups": ["staff"]}
    token = bearer_header(FAKE.mint(**own))
    assert evidence(verifier, token).roles == frozenset({"teller"})
    assert evidence(verifier, token).groups == frozenset({"staff"})
    assert verdict(verifier.role("admin"), token) is Verdict.NO


@pytest.mark.parametrize("access", [OMIT, None, {}, [], {"realm": None}, {"realm": "teller"}, {"realm": [7]}, "realm"])
def test_roles_that_are_not_there(access: Any) -> None:
    verifier = api(roles=("access", "realm"))
    assert evidence(verifier, bearer_header(FAKE.mint(access=access))).roles is None
    # Another list of that name does not stand in for them.
    other = bearer_header(FAKE.mint(access=access, roles=["admin"]))
    assert evidence(verifier, other).roles is None
    assert verdict(verifier.role("admin"), other) is Verdict.UNKNOWN


def test_roles_that_are_left_out_when_there_are_none() -> None:
    verifier = api(roles=("access", "realm"), absent_is_empty={"roles"})
    assert verdict(~verifier.role("contractor"), bearer_header(FAKE.mint(access=OMIT))) is Verdict.YES
    assert verdict(~verifier.role("contractor"), bearer_header(FAKE.mint(access=OMIT, roles=[]))) is Verdict.UNKNOWN


def test_a_client_that_is_not_named() -> None:
    assert evidence(TOKEN, bearer_header(FAKE.mint(azp=OMIT))).client_id is None
    assert outcome(api(require={"client_id"}), bearer_header(FAKE.mint(azp=OMIT))) == "rejected missing_claim"
    assert outcome(api(require={"client_id"}), bearer_header(FAKE.mint())) == "verified"


def test_where_keys_are() -> None:
    web = Web({f"{URL}/keys": FAKE.jwks()})
    verifier = Bearer(oidc(URL, types={"JWT"}, jwks_uri=f"{URL}/keys"), audience="payments")
    assert code(found(verifier, request(FAKE.mint()), web.sources)) == "verified"
    web = Web({f"{URL}/meta": {"issuer": URL, "jwks_uri": f"{URL}/keys"}, f"{URL}/keys": FAKE.jwks()})
    verifier = Bearer(oidc(URL, types={"JWT"}, metadata=f"{URL}/meta"), audience="payments")
    assert code(found(verifier, request(FAKE.mint()), web.sources)) == "verified"


def test_a_ladder() -> None:
    assert api(ladder=("silver", "gold")).issuers[0].profile.ladder == ("silver", "gold")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"types": "JWT"}, "types takes a collection"),
        ({"require": "jti"}, "require takes a collection"),
        ({"client_id": ""}, "names the client"),
        ({"client_id": 7}, "names the client"),
        ({"roles": ""}, "the way to it"),
        ({"roles": ()}, "the way to it"),
        ({"roles": ("a", "")}, "the way to it"),
        ({"groups": ("a", 7)}, "the way to it"),
        ({"groups": {"a"}}, "the way to it"),
    ],
)
def test_mistakes(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        oidc(URL, **options)


@pytest.mark.parametrize("client", ["web", None, 7])
def test_no_other_claim_stands_in_for_the_client(client: Any) -> None:
    token = bearer_header(FAKE.mint(azp=OMIT, client_id=client))
    assert outcome(TOKEN, token) == "rejected wrong_claim"
    assert evidence(TOKEN, bearer_header(FAKE.mint(azp=OMIT))).client_id is None
