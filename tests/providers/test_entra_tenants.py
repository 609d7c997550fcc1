"""Whose keys sign for whom: the per-key `issuer`, personal accounts, and tokens of any tenant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.asking import bearer_header, claims_of, clock, evidence, header_of, outcome, verdict
from tests.verifiers.tokens import Web, code, found, request
from zerotrust.core.errors import ConfigError
from zerotrust.core.verdict import Verdict
from zerotrust.providers.entra import entra, entra_any_tenant
from zerotrust.testing.issuer import OMIT
from zerotrust.testing.providers.entra import API, CONSUMERS, OTHER_TENANT, TENANT, USER, FakeEntra
from zerotrust.verifiers.bearer import Bearer

FAKE = FakeEntra(clock=clock)
BASE = "https://login.microsoftonline.com"
COMMON = f"{BASE}/common/discovery/v2.0/keys"


def anyone(**options: Any) -> Bearer:
    return Bearer(entra_any_tenant(**{"keys": FAKE.common_jwks(), **options}), audience=API)


ANY = anyone()
WITH_CONSUMERS = anyone(consumers=True)


def naming(issuer: Any) -> dict[str, Any]:
    """The keys with another `issuer` each, or none."""
    keys: Any = FAKE.jwks()["keys"]
    return {"keys": [{k: v for k, v in {**key, "issuer": issuer}.items() if v is not OMIT} for key in keys]}


# --- Any tenant -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", [TENANT, OTHER_TENANT])
def test_every_tenant_is_a_source_of_its_own(tenant: str) -> None:
    for token in (FAKE.mint(tenant=tenant), FAKE.mint_v1(tenant=tenant)):
        seen = evidence(ANY, bearer_header(token))
        assert (seen.source, seen.subject) == (f"{BASE}/{tenant}/v2.0", USER)
        leaf = ANY.subject(USER, issuer=f"{BASE}/{TENANT}/v2.0")
        assert verdict(leaf, bearer_header(token)) is (Verdict.YES if tenant == TENANT else Verdict.NO)


@pytest.mark.parametrize(
    "what",
    [
        "another tenant by tid alone",
        "a tid that is no GUID",
        "no tid",
        "v1.0 from where v2.0 comes from",
        "v2.0 from where v1.0 comes from",
        "the issuer of the metadata for all",
        "a guest",
        "perhaps a guest",
        "an application",
        "an ID token for the API",
    ],
)
def test_what_one_tenant_refuses_all_refuse(what: str) -> None:
    assert outcome(ANY, bearer_header(FAKE.wrong()[what])).startswith("rejected ")


@pytest.mark.parametrize(
    "iss",
    [
        f"{BASE}/{TENANT.upper()}/v2.0",
        f"{BASE}/{TENANT}/v2.0/",
        f"{BASE}/{TENANT}/v2.0\n",
        f"{BASE}/{TENANT}",
        f"{BASE}/{TENANT}/v2x0",
        f"{BASE}/common/v2.0",
        f"{BASE}.evil.example/{TENANT}/v2.0",
        f"https://loginxmicrosoftonline.com/{TENANT}/v2.0",
        f"https://sts.windows.net/{TENANT}",
        f"https://sts.windows.net/{TENANT}/v2.0",
    ],
)
def test_issuers_that_only_look_like_one(iss: str) -> None:
    web = Web({COMMON: FAKE.common_jwks()})
    verifier = Bearer(entra_any_tenant(), audience=API)
    assert code(found(verifier, request(FAKE.mint(iss=iss)), web.sources)) == "rejected unknown_issuer"
    assert web.asked == []


def test_a_version_alone() -> None:
    second, first = bearer_header(FAKE.mint()), bearer_header(FAKE.mint_v1())
    verifier = anyone(versions={"1.0"})
    assert outcome(verifier, first) == "verified"
    assert outcome(verifier, second) == "rejected wrong_claim"
    assert verdict(verifier.issuer(f"{BASE}/{TENANT}/v2.0"), first) is Verdict.YES


def test_where_keys_are() -> None:
    web = Web({COMMON: FAKE.common_jwks()})
    verifier = Bearer(entra_any_tenant(), audience=API)
    for token in (FAKE.mint(), FAKE.mint_v1(), FAKE.mint(tenant=OTHER_TENANT)):
        assert code(found(verifier, request(token), web.sources)) == "verified"
    assert set(web.urls) == {COMMON}


# --- Whose keys -------------------------------------------------------------------------------------------------------

TEMPLATE = f"{BASE}/{{tenantid}}/v2.0"
NOT_OURS: list[Any] = [
    f"{BASE}/{OTHER_TENANT}/v2.0",
    f"{BASE}/{CONSUMERS}/v2.0",
    f"{BASE}/{TENANT}/v2.0/",
    f"{BASE}/{TENANT.upper()}/v2.0",
    f"{BASE}/{{tenantId}}/v2.0",
    "https://sts.windows.net/{tenantid}/",
    "{tenantid}",
    "",
]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("issuer", [TEMPLATE, f"{BASE}/{TENANT}/v2.0"])
def test_a_key_of_any_tenant_or_of_this_one(issuer: str, version: str) -> None:
    token = bearer_header(FAKE.mint() if version == "2.0" else FAKE.mint_v1())
    for verifier in (anyone(keys=naming(issuer)), Bearer(entra(TENANT, keys=naming(issuer)), audience=API)):
        assert outcome(verifier, token) == "verified"


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("issuer", NOT_OURS)
def test_a_key_of_somebody_else(issuer: Any, version: str) -> None:
    token = bearer_header(FAKE.mint() if version == "2.0" else FAKE.mint_v1())
    for verifier in (anyone(keys=naming(issuer)), Bearer(entra(TENANT, keys=naming(issuer)), audience=API)):
        assert outcome(verifier, token) == "rejected unsuitable_key"


@pytest.mark.parametrize("issuer", [None, 7, ["x"], {}])
def test_a_key_whose_issuer_is_no_text(issuer: Any) -> None:
    web = Web({COMMON: naming(issuer)})
    for believed in (entra_any_tenant(), entra(TENANT, jwks_uri=COMMON)):
        verifier = Bearer(believed, audience=API)
        assert code(found(verifier, request(FAKE.mint()), web.sources)) == "rejected unsuitable_key"


def test_a_key_that_does_not_say_whose_it_is() -> None:
    assert outcome(anyone(keys=naming(OMIT)), bearer_header(FAKE.mint())) == "rejected unsuitable_key"
    # The tenant's own key set need not.
    assert outcome(Bearer(entra(TENANT, keys=naming(OMIT)), audience=API), bearer_header(FAKE.mint())) == "verified"


def test_the_keys_of_all_serve_the_tenants_that_are_named() -> None:
    named = Bearer(entra(TENANT, keys=FAKE.common_jwks()), audience=API)
    assert outcome(named, bearer_header(FAKE.mint())) == "verified"
    assert outcome(named, bearer_header(FAKE.mint(tenant=OTHER_TENANT))) == "rejected unknown_issuer"
    assert outcome(named, bearer_header(FAKE.mint(by=FAKE.of_consumers))) == "rejected unsuitable_key"


# --- Personal accounts ------------------------------------------------------------------------------------------------


def test_personal_accounts_only_if_asked_for() -> None:
    token = bearer_header(FAKE.mint_consumer())
    assert outcome(ANY, token) == "rejected unknown_issuer"
    assert evidence(WITH_CONSUMERS, token).source == f"{BASE}/{CONSUMERS}/v2.0"
    named = Bearer(entra(CONSUMERS, keys=FAKE.common_jwks()), audience=API)
    assert outcome(named, token) == "verified"


def test_the_key_of_personal_accounts_signs_for_no_company() -> None:
    for verifier in (ANY, WITH_CONSUMERS):
        assert outcome(verifier, bearer_header(FAKE.mint(by=FAKE.of_consumers))) == "rejected unsuitable_key"


def test_personal_accounts_have_no_v1_tokens() -> None:
    token = FAKE.mint_v1(tenant=CONSUMERS, acct=OMIT)
    assert outcome(WITH_CONSUMERS, bearer_header(token)) == "rejected unknown_issuer"


def test_the_fake_has_the_documented_shape() -> None:
    keys: Any = FAKE.common_jwks()["keys"]
    assert {key["issuer"] for key in keys} == {TEMPLATE, f"{BASE}/{CONSUMERS}/v2.0"}
    assert len({key["kid"] for key in keys}) == len(keys)
    token = FAKE.mint_consumer()
    assert (claims_of(token)["tid"], claims_of(token)["iss"]) == (CONSUMERS, f"{BASE}/{CONSUMERS}/v2.0")
    of_consumers = {key["kid"] for key in keys if CONSUMERS in key["issuer"]}
    assert header_of(token)["kid"] in of_consumers


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"consumers": "yes"}, "consumers='yes'"),
        ({"delegated": False}, "no token could pass"),
        ({"versions": "1.0"}, "versions="),
    ],
)
def test_mistakes(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        entra_any_tenant(**options)
