from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.providers.asking import bearer_header, claims_of, clock, evidence, header_of, outcome, verdict
from tests.verifiers.tokens import NOW, Web, code, found, request
from zerotrust.core.errors import ConfigError
from zerotrust.core.request import AccessRequest
from zerotrust.core.verdict import Verdict
from zerotrust.providers.keycloak import keycloak, translate
from zerotrust.testing.dpop import DPoPClient
from zerotrust.testing.issuer import OMIT
from zerotrust.testing.providers.keycloak import CLIENT, USER, FakeKeycloak
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.dpop import DPoP

FAKE = FakeKeycloak(clock=clock)
BASE, URL = "https://sso.example.com", "https://sso.example.com/realms/staff"
JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def api(*, dpop: DPoP | None = None, **options: Any) -> Bearer:
    return Bearer(keycloak(BASE, "staff", keys=FAKE.jwks(), **options), audience="payments", dpop=dpop)


TOKEN = api()
WITH_CLIENT = api(client="payments")


def test_an_access_token_is_believed() -> None:
    seen = evidence(TOKEN, bearer_header(FAKE.mint(roles=["teller"])))
    assert (seen.source, seen.subject, seen.client_id) == (URL, USER, CLIENT)
    assert seen.scope == frozenset({"openid", "email", "profile"})
    assert seen.roles == frozenset({"offline_access", "default-roles-staff", "teller"})
    assert seen.acr == "1"


def test_with_the_type_of_rfc_9068() -> None:
    assert outcome(TOKEN, bearer_header(FAKE.mint(header={"typ": "at+jwt"}))) == "verified"


def test_the_fake_has_the_documented_shape() -> None:
    token = FAKE.mint()
    assert header_of(token) == {"alg": "RS256", "kid": FAKE.issuer.key("RS256").kid, "typ": "JWT"}
    said = claims_of(token)
    assert set(said) == {
        *("exp", "iat", "auth_time", "jti", "iss", "aud", "sub", "typ", "azp", "sid", "acr", "allowed-origins"),
        *("realm_access", "resource_access", "scope", "email_verified", "preferred_username"),
    }
    assert (said["typ"], said["iss"], said["azp"], said["exp"] - NOW) == ("Bearer", URL, CLIENT, 300)
    assert said["realm_access"] == {"roles": ["offline_access", "default-roles-staff"]}
    assert set(said["resource_access"]) == {"account"}
    assert claims_of(FAKE.mint(client_roles=["teller"]))["resource_access"]["payments"] == {"roles": ["teller"]}
    assert claims_of(FAKE.mint_id_token())["typ"] == "ID"
    bound = claims_of(FAKE.mint_dpop(JKT))
    assert (bound["typ"], bound["cnf"]) == ("DPoP", {"jkt": JKT, "kc-jkt-type": "dpop"})
    assert set(claims_of(FAKE.mint_lightweight())) == {"exp", "iat", "jti", "iss", "typ", "azp", "sid", "scope"}


WRONG = {
    "an ID token for its client": "wrong_type",
    "an ID token for the API": "wrong_type",
    "a refresh token": "wrong_type",
    "a refresh token for the API": "wrong_type",
    "an offline token": "wrong_type",
    "a logout token": "wrong_type",
    "a logout token by its header": "wrong_type",
    "a token of Keycloak's own": "wrong_type",
    "no kind": "missing_claim",
    "a kind in another case": "wrong_type",
    "kinds in a list": "wrong_type",
    "bound to a key that it does not name": "wrong_type",
    "bound to another kind of key": "wrong_type",
    "bound to a key, and nothing is proven": "proof_required",
    "no client": "missing_claim",
    "two clients": "wrong_claim",
    "another realm": "unknown_issuer",
    "the old address": "unknown_issuer",
    "for the account console alone": "wrong_audience",
    "lightweight": "missing_claim",
    "an elliptic curve": "algorithm",
    "no type": "wrong_type",
}


def test_every_wrong_token_is_expected_to_be_refused() -> None:
    assert FAKE.wrong().keys() == WRONG.keys()


@pytest.mark.parametrize("what", WRONG)
def test_refusals(what: str) -> None:
    for verifier in (TOKEN, WITH_CLIENT):
        assert outcome(verifier, bearer_header(FAKE.wrong()[what])) == f"rejected {WRONG[what]}"


# --- Roles ------------------------------------------------------------------------------------------------------------


def test_roles_of_the_realm_and_of_the_client_named() -> None:
    token = bearer_header(FAKE.mint(roles=["auditor"], client_roles=["teller"]))
    everybody = {"offline_access", "default-roles-staff"}
    assert evidence(TOKEN, token).roles == frozenset({*everybody, "auditor"})
    assert evidence(WITH_CLIENT, token).roles == frozenset({*everybody, "auditor", "teller"})
    assert verdict(WITH_CLIENT.role("manage-account"), token) is Verdict.NO  # a role in another client


LEFT_OUT: list[dict[str, Any]] = [
    {"realm_access": OMIT},
    {"resource_access": OMIT},
    {"resource_access": {"account": {"roles": []}}},
]


@pytest.mark.parametrize("change", LEFT_OUT)
def test_a_part_that_is_left_out_is_not_known_unless_told(change: dict[str, Any]) -> None:
    token = bearer_header(FAKE.mint(client_roles=["teller"], **change))
    assert evidence(WITH_CLIENT, token).roles is None
    assert verdict(~WITH_CLIENT.role("contractor"), token) is Verdict.UNKNOWN
    complete = api(client="payments", absent_is_empty={"roles"})
    assert verdict(~complete.role("contractor"), token) is Verdict.YES


def test_nothing_of_roles_at_all() -> None:
    token = bearer_header(FAKE.mint(realm_access=OMIT, resource_access=OMIT))
    assert evidence(TOKEN, token).roles is None
    assert evidence(api(absent_is_empty={"roles"}), token).roles == frozenset()
    assert evidence(api(client="payments", absent_is_empty={"roles"}), token).roles == frozenset()


ODD: list[Any] = [None, [], "teller", {}, {"roles": None}, {"roles": "teller"}, {"roles": ["teller", 7]}, {"roles": {}}]


@pytest.mark.parametrize("part", ODD)
@pytest.mark.parametrize("complete", [False, True])
def test_roles_in_another_shape_are_not_known(part: Any, complete: bool) -> None:
    options: dict[str, Any] = {"absent_is_empty": {"roles"}} if complete else {}
    realm = bearer_header(FAKE.mint(realm_access=part, client_roles=["teller"]))
    client = bearer_header(FAKE.mint(resource_access={"payments": part}))
    for token in (realm, client):
        verifier = api(client="payments", **options)
        assert evidence(verifier, token).roles is None
        assert verdict(~verifier.role("contractor"), token) is Verdict.UNKNOWN


def test_a_list_of_that_name_does_not_stand_in_for_what_is_not_known() -> None:
    given = translate({"typ": "Bearer", "azp": "web", "roles": ["admin"]})
    assert given == {"client_id": "web", "roles": None}


def test_the_profile_speaks_of_roles_by_their_place() -> None:
    given = translate({"typ": "Bearer", "azp": "web", "realm_access": {"roles": ["a"]}})
    assert given == {"client_id": "web", "roles": ["a"]}


# --- Bound to a key ---------------------------------------------------------------------------------------------------


def test_keycloaks_own_note_is_not_taken_for_a_second_key() -> None:
    given = translate({"typ": "DPoP", "azp": "web", "cnf": {"jkt": JKT, "kc-jkt-type": "dpop"}})
    assert isinstance(given, dict)
    assert given["cnf"] == {"jkt": JKT}
    others: list[Any] = [{"kc-jkt-type": "dpop"}, {"x5t#S256": JKT, "kc-jkt-type": "dpop"}, {"jkt": JKT, "x": "y"}]
    for other in others:
        kept = translate({"typ": "Bearer", "azp": "web", "cnf": other})
        assert isinstance(kept, dict)
        assert "cnf" not in kept


def test_a_bound_token_never_works_as_a_bearer_token() -> None:
    for token in (FAKE.mint_dpop(JKT), FAKE.mint_dpop(JKT, typ="Bearer"), FAKE.mint(cnf={"jkt": JKT})):
        assert outcome(TOKEN, bearer_header(token)) == "rejected proof_required"


@pytest.mark.parametrize("mint", [FAKE.mint_dpop, lambda jkt: FAKE.mint(cnf={"jkt": jkt})])
def test_a_bound_token_with_the_proof_of_its_key(mint: Callable[[str], str]) -> None:
    client, thief = DPoPClient(clock=clock), DPoPClient(clock=clock)
    url, verifier = "https://api.example.com/accounts", api(dpop=DPoP(url="https://api.example.com"))
    token = mint(client.jkt)
    for presenter, expected in ((client, "Unspent"), (thief, "Rejected")):
        headers = presenter.headers("GET", url, token)
        asked = AccessRequest(now=NOW, method="GET", path="/accounts", headers=headers)
        assert type(found(verifier, asked)).__name__ == expected


# --- Configuration ----------------------------------------------------------------------------------------------------


def test_the_ladder_is_the_realms_own() -> None:
    assert TOKEN.issuers[0].profile.ladder == ()
    assert api(ladder=("1", "2", "3")).issuers[0].profile.ladder == ("1", "2", "3")


def test_an_audience_that_everybody_has() -> None:
    with pytest.raises(ConfigError, match="audience mapper"):
        Bearer(keycloak(BASE, "staff"), audience="account")


def test_where_it_is() -> None:
    assert keycloak(f"{BASE}/", "staff").url == URL
    assert keycloak(f"{BASE}/auth", "staff").url == f"{BASE}/auth/realms/staff"
    assert keycloak(BASE, "our%20staff").url == f"{BASE}/realms/our%20staff"
    web = Web(
        {
            f"{URL}/.well-known/openid-configuration": {
                "issuer": URL,
                "jwks_uri": f"{URL}/protocol/openid-connect/certs",
            },
            f"{URL}/protocol/openid-connect/certs": FAKE.jwks(),
        }
    )
    verifier = Bearer(keycloak(BASE, "staff"), audience="payments")
    assert code(found(verifier, request(FAKE.mint()), web.sources)) == "verified"


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((URL, "staff"), {}, "before /realms"),
        (("sso.example.com", "staff"), {}, "where Keycloak is"),
        ((BASE, ""), {}, "as it stands in its URL"),
        ((BASE, "a/b"), {}, "as it stands in its URL"),
        ((BASE, "our staff"), {}, "as it stands in its URL"),
        ((BASE, "staff\n"), {}, "as it stands in its URL"),
        ((BASE, 7), {}, "as it stands in its URL"),
        ((BASE, "staff"), {"client": ""}, "the client's id"),
        ((BASE, "staff"), {"client": 7}, "the client's id"),
        ((BASE, "staff"), {"ladder": ("1", "1")}, "twice in the ladder"),
        ((BASE, "staff"), {"absent_is_empty": "roles"}, "a collection of names"),
        ((BASE, "staff"), {"algorithms": "RS256"}, "a collection of names"),
    ],
)
def test_mistakes(arguments: tuple[Any, ...], options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        keycloak(*arguments, **options)
