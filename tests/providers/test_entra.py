from __future__ import annotations

from typing import Any

import pytest

from tests.providers.asking import bearer_header, claims_of, clock, evidence, header_of, outcome, reason, verdict
from tests.verifiers.tokens import NOW, Web, code, found, mint, request, static
from zerotrust.core.decision import Allow
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import minutes
from zerotrust.core.policy import Policy
from zerotrust.core.request import AccessRequest
from zerotrust.core.verdict import Verdict
from zerotrust.engine import decide
from zerotrust.providers.entra import entra
from zerotrust.testing.issuer import OMIT
from zerotrust.testing.providers.entra import (
    API,
    CLIENT,
    CONSUMERS,
    GROUP,
    OTHER_TENANT,
    PRINCIPAL,
    TENANT,
    USER,
    FakeEntra,
)
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.profile import Dialect, Profile
from zerotrust.web.answer import answer

FAKE = FakeEntra(clock=clock)
URL = f"https://login.microsoftonline.com/{TENANT}/v2.0"
V1 = f"https://sts.windows.net/{TENANT}/"


def api(**options: Any) -> Bearer:
    return Bearer(entra(TENANT, **{"keys": FAKE.jwks(), **options}), audience={API, "api://payments"})


TOKEN = api()
WITH_APPS = api(app_only=True)


# --- Who --------------------------------------------------------------------------------------------------------------


def test_a_person_is_the_same_in_both_versions() -> None:
    second, first = (evidence(TOKEN, bearer_header(token)) for token in (FAKE.mint(), FAKE.mint_v1()))
    for seen in (second, first):
        assert (seen.source, seen.subject, seen.client_id) == (URL, USER, CLIENT)
        assert seen.scope == frozenset({"access_as_user", "pay"})
        assert seen.jti == "fqiBqXLPj0eQa82S-IYFAA"
        assert seen.claims["sub"] != USER
        assert seen.claims["idtyp"] == "user"
    assert first.claims["iss"] == V1
    for token in (FAKE.mint(), FAKE.mint_v1(audience="api://payments")):
        assert verdict(TOKEN.subject(USER), bearer_header(token)) is Verdict.YES
        assert verdict(TOKEN.issuer(URL), bearer_header(token)) is Verdict.YES


def test_an_application_that_acts_for_itself() -> None:
    token = bearer_header(FAKE.mint_app_only())
    seen = evidence(WITH_APPS, token)
    assert (seen.source, seen.subject, seen.client_id, seen.scope) == (URL, PRINCIPAL, CLIENT, None)
    assert verdict(WITH_APPS.claim("idtyp", "app"), token) is Verdict.YES
    assert verdict(WITH_APPS.role("Accounts.Read.All"), token) is Verdict.YES
    assert verdict(WITH_APPS.claim("idtyp", "user"), bearer_header(FAKE.mint())) is Verdict.YES
    assert outcome(WITH_APPS, bearer_header(FAKE.mint_app_only(idtyp="app"))) == "verified"


ROLES: list[Any] = [OMIT, [], None, "Accounts.Read.All", [7], {}]


@pytest.mark.parametrize("roles", ROLES)
def test_any_application_gets_a_token_without_a_role(roles: Any) -> None:
    token = bearer_header(FAKE.mint(roles=roles, scp=OMIT, acct=OMIT))
    assert outcome(WITH_APPS, token) == "rejected missing_claim"
    assert "any application gets such a token" in reason(WITH_APPS, token)


def test_an_application_has_no_scopes() -> None:
    both: dict[str, Any] = {"idtyp": "app", "roles": ["Accounts.Read.All"], "scp": "pay"}
    assert outcome(WITH_APPS, bearer_header(FAKE.mint(**both))) == "rejected wrong_claim"


def test_applications_alone() -> None:
    verifier = api(app_only=True, delegated=False)
    assert outcome(verifier, bearer_header(FAKE.mint_app_only())) == "verified"
    assert outcome(verifier, bearer_header(FAKE.mint())) == "rejected wrong_claim"
    assert outcome(verifier, bearer_header(FAKE.mint_guest())) == "rejected wrong_claim"


def test_roles_of_a_user() -> None:
    token = bearer_header(FAKE.mint(roles=["Teller"]))
    assert verdict(TOKEN.role("Teller"), token) is Verdict.YES
    assert verdict(TOKEN.claim("idtyp", "user"), token) is Verdict.YES


# --- The shapes -------------------------------------------------------------------------------------------------------

COMMON = {"iat", "exp", "nbf", "aio", "name", "oid", "rh", "scp", "sub", "tid", "uti", "aud", "iss", "ver", "acct"}


def test_the_fake_has_the_documented_shape() -> None:
    kid = FAKE.issuer.key("RS256").kid
    second, first = FAKE.mint(), FAKE.mint_v1()
    assert header_of(second) == {"typ": "JWT", "alg": "RS256", "kid": kid}
    assert header_of(first) == {"typ": "JWT", "alg": "RS256", "kid": kid, "x5t": kid}
    assert set(claims_of(second)) == COMMON | {"azp", "azpacr", "preferred_username"}
    assert set(claims_of(first)) == COMMON | {"acr", "amr", "appid", "appidacr", "ipaddr", "unique_name"}
    assert (claims_of(second)["iss"], claims_of(second)["ver"]) == (URL, "2.0")
    assert (claims_of(first)["iss"], claims_of(first)["ver"]) == (V1, "1.0")
    for token in (first, second):
        assert (claims_of(token)["tid"], claims_of(token)["oid"]) == (TENANT, USER)
        assert claims_of(token)["exp"] - NOW == 75 * 60
    of_app = claims_of(FAKE.mint_app_only())
    assert of_app["roles"] == ["Accounts.Read.All"]
    assert not {"scp", "name", "preferred_username", "acct"} & set(of_app)
    assert claims_of(FAKE.mint_guest())["idp"] == f"https://sts.windows.net/{OTHER_TENANT}/"
    assert claims_of(FAKE.mint_overage())["_claim_names"] == {"groups": "src1"}
    assert claims_of(FAKE.mint_overage(implicit=True))["hasgroups"] is True
    of_sign_in = claims_of(FAKE.mint_id_token())
    assert (of_sign_in["aud"], "nonce" in of_sign_in) == (CLIENT, True)
    assert not {"scp", "azp"} & set(of_sign_in)
    assert {key["issuer"] for key in FAKE.jwks()["keys"]} == {URL}  # type: ignore[union-attr,index,call-overload]


WRONG = {
    "another tenant": "unknown_issuer",
    "another tenant by tid alone": "wrong_claim",
    "another tenant by iss alone": "unknown_issuer",
    "a tid that is no GUID": "wrong_claim",
    "a tid in capitals": "wrong_claim",
    "a tid with a line feed": "wrong_claim",
    "no tid": "missing_claim",
    "no oid": "missing_claim",
    "an oid that is no GUID": "wrong_claim",
    "no sub": "missing_claim",
    "v1.0 from where v2.0 comes from": "wrong_claim",
    "v2.0 from where v1.0 comes from": "wrong_claim",
    "a version that is a number": "wrong_claim_type",
    "no version": "missing_claim",
    "v1.0 without its slash": "unknown_issuer",
    "the issuer of the metadata for all": "unknown_issuer",
    "a guest": "wrong_claim",
    "a guest by acct alone": "wrong_claim",
    "a guest by idp alone": "wrong_claim",
    "a guest with a personal account": "wrong_claim",
    "perhaps a guest": "missing_claim",
    "an acct that is false": "wrong_claim_type",
    "an application": "wrong_claim",
    "an application that says so": "wrong_claim",
    "a device": "wrong_claim",
    "a user without scopes": "missing_claim",
    "an application with scopes": "wrong_claim",
    "scopes in a list": "wrong_claim_type",
    "another scope under the standard name": "wrong_claim",
    "an ID token for its client": "wrong_type",
    "an ID token for the API": "wrong_type",
    "an ID token without nonce": "missing_claim",
    "no client": "missing_claim",
    "the client under the name of v1.0": "missing_claim",
    "a token for Microsoft Graph": "wrong_audience",
    "an elliptic curve": "algorithm",
    "an access token by RFC 9068": "wrong_type",
}


def test_every_wrong_token_is_expected_to_be_refused() -> None:
    assert FAKE.wrong().keys() == WRONG.keys()


@pytest.mark.parametrize("what", WRONG)
def test_refusals(what: str) -> None:
    assert outcome(TOKEN, bearer_header(FAKE.wrong()[what])) == f"rejected {WRONG[what]}"


@pytest.mark.parametrize("what", ["a device", "an application with scopes", "an ID token for the API", "no client"])
def test_refused_whoever_is_let_in(what: str) -> None:
    verifier = api(app_only=True, guests=True)
    assert outcome(verifier, bearer_header(FAKE.wrong()[what])).startswith("rejected ")


# --- Guests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [FAKE.mint_guest(), FAKE.mint_guest(acct=0), FAKE.mint(acct=OMIT), FAKE.mint()])
def test_guests_if_asked_for(token: str) -> None:
    assert outcome(api(guests=True), bearer_header(token)) == "verified"


@pytest.mark.parametrize("idp", [URL, V1])
def test_a_member_whose_home_is_named(idp: str) -> None:
    assert outcome(TOKEN, bearer_header(FAKE.mint(idp=idp))) == "verified"


IDPS: list[Any] = [None, 7, "", [URL], URL + "/", V1[:-1], f"https://sts.windows.net/{CONSUMERS}/", "live.com"]


@pytest.mark.parametrize("idp", IDPS)
def test_a_home_elsewhere_is_a_guest_whatever_acct_says(idp: Any) -> None:
    assert outcome(TOKEN, bearer_header(FAKE.mint(idp=idp))) == "rejected wrong_claim"


def test_what_to_do_about_acct_is_said() -> None:
    assert "add this optional claim" in reason(TOKEN, bearer_header(FAKE.mint(acct=OMIT)))


# --- Groups -----------------------------------------------------------------------------------------------------------


def test_groups() -> None:
    token = bearer_header(FAKE.mint(groups=[GROUP]))
    assert verdict(TOKEN.group(GROUP), token) is Verdict.YES
    assert verdict(~TOKEN.group("x"), token) is Verdict.YES
    without = bearer_header(FAKE.mint())
    assert verdict(~TOKEN.group("x"), without) is Verdict.UNKNOWN
    assert verdict(~api(absent_is_empty={"groups"}).group("x"), without) is Verdict.YES


OVERAGE = {
    "explicit": FAKE.mint_overage(),
    "implicit": FAKE.mint_overage(implicit=True),
    "as the claim itself": FAKE.mint(groups="src1"),
    "beside a part of them": FAKE.mint_overage(groups=[]),
    "implicit beside a part of them": FAKE.mint_overage(implicit=True, groups=["x"]),
    "said in another way": FAKE.mint(hasgroups="true"),
    "said in no way": FAKE.mint(_claim_names=None),
}


@pytest.mark.parametrize("what", OVERAGE)
def test_too_many_groups_are_unknown_and_never_none(what: str) -> None:
    token = bearer_header(OVERAGE[what])
    for verifier in (TOKEN, api(absent_is_empty={"groups"})):
        assert evidence(verifier, token).groups is None
        for leaf in (verifier.group(GROUP), verifier.claim("groups", GROUP)):
            assert verdict(leaf, token) is Verdict.UNKNOWN
            assert verdict(~leaf, token) is Verdict.UNKNOWN
        assert verdict(~verifier.has_claim("groups"), token) is Verdict.NO


# --- Step-up ----------------------------------------------------------------------------------------------------------


def test_acr_of_v1_is_no_ladder() -> None:
    profile = TOKEN.issuers[0].profile
    assert profile.ladder == ()
    assert profile.dialect is Dialect.ENTRA
    seen = evidence(TOKEN, bearer_header(FAKE.mint_v1()))
    assert (seen.acr, seen.amr) == ("1", frozenset({"pwd", "mfa"}))
    assert evidence(TOKEN, bearer_header(FAKE.mint())).acr is None


def test_authentication_contexts_are_kept() -> None:
    token = bearer_header(FAKE.mint(acrs=["c1", "p1"], xms_cc=["cp1"]))
    assert verdict(TOKEN.claim("acrs", "c1"), token) is Verdict.YES
    assert verdict(TOKEN.claim("acrs", "c2"), token) is Verdict.NO


# --- Versions ---------------------------------------------------------------------------------------------------------


def test_one_version_alone() -> None:
    second, first = bearer_header(FAKE.mint()), bearer_header(FAKE.mint_v1())
    assert outcome(api(versions={"2.0"}), second) == outcome(api(versions=["1.0"]), first) == "verified"
    assert outcome(api(versions={"2.0"}), first) == outcome(api(versions=["1.0"]), second) == "rejected unknown_issuer"
    assert evidence(api(versions={"1.0"}), first).source == URL


# --- Configuration ----------------------------------------------------------------------------------------------------


def test_several_tenants_each_with_its_keys() -> None:
    other = FakeEntra(OTHER_TENANT, clock=clock)
    one, two = entra(TENANT, keys=FAKE.jwks()), entra(OTHER_TENANT, keys=other.jwks())
    verifier = Bearer(one, two, audience=API)
    mine, theirs = bearer_header(FAKE.mint()), bearer_header(other.mint_v1())
    assert evidence(verifier, mine).source == URL
    assert evidence(verifier, theirs).source == URL.replace(TENANT, OTHER_TENANT)
    assert verdict(verifier.subject(USER, issuer=URL), theirs) is Verdict.NO
    # The tenants' keys share their kid, and neither signs for the other.
    assert outcome(verifier, bearer_header(other.mint(tenant=TENANT))) == "rejected bad_signature"
    assert [issuer.url for issuer in entra(TENANT, OTHER_TENANT)] == [URL, URL.replace(TENANT, OTHER_TENANT)]


def test_the_id_of_a_tenant_in_capitals_is_written_as_tokens_do() -> None:
    assert entra(TENANT.upper())[0].url == URL


def test_keys_are_found_by_discovery() -> None:
    keys = f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"
    web = Web({f"{URL}/.well-known/openid-configuration": {"issuer": URL, "jwks_uri": keys}, keys: FAKE.jwks()})
    verifier = Bearer(entra(TENANT), audience=API)
    for token in (FAKE.mint(), FAKE.mint_v1()):
        assert code(found(verifier, request(token), web.sources)) == "verified"


def test_another_cloud() -> None:
    authority = "https://login.microsoftonline.us"
    verifier = api(authority=authority, keys=FAKE.jwks(f"{authority}/{TENANT}/v2.0"))
    token = bearer_header(FAKE.mint(iss=f"{authority}/{TENANT}/v2.0"))
    assert evidence(verifier, token).source == f"{authority}/{TENANT}/v2.0"
    assert outcome(verifier, bearer_header(FAKE.mint())) == "rejected unknown_issuer"


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("contoso.onmicrosoft.com",), {}, "a GUID such as"),
        (("common",), {}, "a GUID such as"),
        (("organizations",), {}, "entra_any_tenant"),
        ((TENANT + "\n",), {}, "a GUID such as"),
        ((TENANT, "common"), {}, "a GUID such as"),
        ((7,), {}, "a GUID such as"),
        ((TENANT,), {"versions": "2.0"}, "versions="),
        ((TENANT,), {"versions": {"v2"}}, "versions="),
        ((TENANT,), {"versions": [2.0]}, "versions="),
        ((TENANT,), {"versions": []}, "versions="),
        ((TENANT,), {"versions": ["2.0", None]}, "versions="),
        ((TENANT,), {"delegated": False}, "no token could pass"),
        ((TENANT,), {"guests": "no"}, "guests='no'"),
        ((TENANT,), {"app_only": 1}, "app_only=1"),
        ((TENANT,), {"authority": "login.microsoftonline.com"}, "authority is"),
        ((TENANT,), {"authority": "https://login.microsoftonline.com/"}, "without a slash"),
        ((TENANT,), {"sts": "https://sts.windows.net/"}, "without a slash"),
        ((TENANT,), {"absent_is_empty": "groups"}, "a collection of names"),
    ],
)
def test_mistakes(arguments: tuple[Any, ...], options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        entra(*arguments, **options)


# --- What stands in for what -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "detail"),
    [({"scope": "admin"}, "scope"), ({"uti": OMIT, "jti": "7"}, "jti"), ({"scope": None}, "scope")],
)
def test_no_other_claim_stands_in_for_one_that_is_missing(claims: dict[str, Any], detail: str) -> None:
    app = bearer_header(FAKE.mint_app_only(**claims))
    assert outcome(WITH_APPS, app) == "rejected wrong_claim"
    assert detail in reason(WITH_APPS, app)


@pytest.mark.parametrize("scp", [" ", "   ", "\t", "\n", "\u2003"])
def test_scopes_that_name_none_are_no_scopes(scp: str) -> None:
    for token in (FAKE.mint(scp=scp), FAKE.mint_v1(scp=scp), FAKE.mint(scp=scp, idtyp="user")):
        assert outcome(TOKEN, bearer_header(token)) == "rejected wrong_claim_type"


@pytest.mark.parametrize("roles", [[""], [" ", ""]])
def test_roles_that_name_none_are_no_roles(roles: list[str]) -> None:
    assert outcome(WITH_APPS, bearer_header(FAKE.mint_app_only(roles=roles))) == "rejected missing_claim"


# --- When somebody signed in ------------------------------------------------------------------------------------------
FRESH = TOKEN.fresh(minutes(5))


def told(policy: Policy, token: str | None) -> tuple[int, str]:
    headers = [] if token is None else bearer_header(token)
    refusal = decide(policy, AccessRequest(now=NOW, headers=headers))
    assert not isinstance(refusal, Allow)
    made = answer(refusal)
    return made.status, dict(made.headers).get(b"www-authenticate", b"").decode()


def test_the_optional_claim_tells_when_somebody_signed_in() -> None:
    fake = FakeEntra(auth_time=True, clock=clock)
    fresh = api(keys=fake.jwks()).fresh(minutes(5))
    for token in (fake.mint(), fake.mint_v1()):
        assert verdict(fresh, bearer_header(token)) is Verdict.YES
    stale = fake.mint(auth_time=NOW - 301)
    assert told(fresh, stale) == (401, 'Bearer error="insufficient_user_authentication", max_age="300"')
    assert "auth_time" not in claims_of(fake.mint_app_only())
    assert "auth_time" not in claims_of(FAKE.mint())


@pytest.mark.parametrize("leaf", [FRESH, TOKEN.acr("1"), TOKEN.amr("mfa")], ids=str)
def test_nobody_is_sent_to_sign_in_for_a_claim_that_would_not_come(leaf: Policy) -> None:
    """A client that does what a challenge says would be told the same for ever."""
    assert told(leaf, FAKE.mint()) == (403, "")
    assert told(leaf & TOKEN.scope("pay"), FAKE.mint()) == (403, "")
    assert told(leaf, None)[0] == 401  # of a stranger nothing is known


def test_what_a_token_says_can_be_better_the_next_time() -> None:
    assert told(TOKEN.acr("2"), FAKE.mint_v1())[0] == 401
    assert told(TOKEN.amr("hwk"), FAKE.mint_v1())[0] == 401


def test_only_what_tells_of_a_sign_in_can_be_missing_for_ever() -> None:
    with pytest.raises(ConfigError, match=r"silent=.*: write some of acr, amr, auth_time"):
        Profile(silent=frozenset({"roles"}))


def test_of_another_issuer_nothing_is_said() -> None:
    talks = static()
    both = Bearer(entra(TENANT, keys=FAKE.jwks(), audience=API), talks, audience={API, "payments"})
    assert told(both.fresh(minutes(5)), mint())[0] == 401
    assert told(both.fresh(minutes(5)), FAKE.mint()) == (403, "")
