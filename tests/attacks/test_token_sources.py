"""Tenants behind one issuer: each is a source of its own, and only what can be a source is asked for (RFC 8725 3.8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.providers.asking import bearer_header, clock, evidence, outcome, verdict
from tests.verifiers.introspecting import TOKEN as OPAQUE
from tests.verifiers.introspecting import Server, answered, introspection
from tests.verifiers.tokens import ISSUER, OMIT, URL, bearer, found, jwks, mint, request
from tests.verifiers.tokens import evidence as seen
from tests.verifiers.tokens import outcome as checked
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Rejected, Verified
from zerotrust.core.verdict import Verdict
from zerotrust.engine import decide
from zerotrust.providers.entra import entra_any_tenant
from zerotrust.testing.providers.entra import API, OTHER_TENANT, USER, FakeEntra
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import ACCESS_TOKENS, Profile

A, B = "https://login.example/a", "https://login.example/b"
TENANTS = re.compile(r"https://login\.example/[a-z]")
MANY = Profile(iss=TENANTS)


def tenants(profile: Profile = MANY) -> Bearer:
    return bearer(Issuer(URL, keys=jwks(ISSUER), profile=profile))


def asked(issuer: Issuer, **changes: object) -> str:
    """The source of an opaque token about which `issuer` says this, or why it is refused."""
    finding = found(introspection(issuer), request(OPAQUE), Server(answered(**changes)).sources)  # type: ignore[arg-type]
    if isinstance(finding, Verified):
        return finding.evidence.source
    assert isinstance(finding, Rejected)
    return finding.reason.code


PROFILES = {
    "no translate": MANY,
    "a translate that names no source": Profile(iss=TENANTS, translate=lambda claims: {}),
    "a profile that was changed": attrs.evolve(ACCESS_TOKENS, iss=TENANTS),
    "its own word": Profile(iss=TENANTS, sources=TENANTS),
}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_each_tenant_is_a_source_of_its_own(profile: Profile) -> None:
    verifier = tenants(profile)
    assert [seen(verifier, mint(iss=iss)).source for iss in (A, B)] == [A, B]
    leaf = verifier.subject("ada", issuer=A)
    assert decide(leaf, request(mint(iss=A)))
    assert not decide(leaf, request(mint(iss=B)))
    assert decide(~verifier.issuer(B), request(mint(iss=A)))
    assert not decide(~verifier.issuer(B), request(mint(iss=B)))


def test_a_token_from_a_source_that_nobody_can_ask_for_is_refused() -> None:
    def by_tid(claims: Any) -> Any:
        return {"iss": claims.get("tid")}

    for profile in (Profile(translate=by_tid), Profile(translate=by_tid, sources=TENANTS)):
        verifier = tenants(profile)
        for tid in (B + "/", "", None, 7, [A]):
            assert checked(verifier, mint(tid=tid)) == "rejected unknown_issuer"
        expected = "rejected unknown_issuer" if profile.sources is None else "verified"
        assert checked(verifier, mint(tid=A)) == expected
    assert seen(tenants(Profile(translate=by_tid, sources=TENANTS)), mint(tid=A)).source == A
    assert checked(tenants(Profile(translate=by_tid)), mint(tid=URL)) == "verified"
    # A pattern of names is one of sources, too, unless there is another.
    narrower = tenants(Profile(iss=TENANTS, sources=re.compile(re.escape(A))))
    assert [checked(narrower, mint(iss=iss)) for iss in (A, B)] == ["verified", "rejected unknown_issuer"]


def test_each_tenant_is_a_source_of_its_own_to_introspection_too() -> None:
    only_a = Profile(iss=TENANTS, sources=re.compile(re.escape(A)))
    assert [asked(Issuer(URL, profile=MANY), iss=iss) for iss in (A, B)] == [A, B]
    assert [asked(Issuer(URL, profile=only_a), iss=iss) for iss in (A, B)] == [A, "unknown_issuer"]
    assert [asked(Issuer(URL, profile=MANY), iss=iss) for iss in (URL, B + "/")] == ["unknown_issuer"] * 2
    assert asked(Issuer(URL, profile=MANY), iss=OMIT) == "missing_claim"
    assert asked(Issuer(URL), iss=OMIT) == URL


# --- Entra ID ---------------------------------------------------------------------------------------------------------

FAKE = FakeEntra(clock=clock)
BASE = "https://login.microsoftonline.com"
ANY = Bearer(entra_any_tenant(keys=FAKE.common_jwks(), audience=API))

NEVER_A_SOURCE = [
    f"https://sts.windows.net/{OTHER_TENANT}/",
    f"{BASE}/common/v2.0",
    f"{BASE}/{{tenantid}}/v2.0",
    f"{BASE}/{OTHER_TENANT.upper()}/v2.0",
    f"{BASE}/{OTHER_TENANT}/v2.0/",
    f"{BASE}/{OTHER_TENANT}/v2.0\n",
    ANY.issuers[0].name,
    ANY.issuers[0].sources,
]


@pytest.mark.parametrize("url", NEVER_A_SOURCE)
def test_a_name_that_is_never_a_source_is_refused_where_it_is_written(url: str) -> None:
    # `~token.issuer(blocked)` would hold for the blocked tenant.
    written: list[Callable[[], object]] = [
        lambda: ANY.issuer(url),
        lambda: ANY.subject(USER, issuer=url),
        lambda: ANY.actor("agent", issuer=url),
        lambda: ANY.may_act("agent", issuer=url),
        lambda: ANY.actor("agent", vouched_by=url),
    ]
    for write in written:
        with pytest.raises(ConfigError, match=r"can never hold; token believes https://login.*v2"):
            write()


def test_a_blocked_tenant_is_blocked_in_both_versions() -> None:
    policy = ~ANY.issuer(f"{BASE}/{OTHER_TENANT}/v2.0")
    for token in (FAKE.mint(tenant=OTHER_TENANT), FAKE.mint_v1(tenant=OTHER_TENANT)):
        assert verdict(policy, bearer_header(token)) is Verdict.NO
    for token in (FAKE.mint(), FAKE.mint_v1()):
        assert verdict(policy, bearer_header(token)) is Verdict.YES


def test_whose_evidence_it_is() -> None:
    token = evidence(ANY, bearer_header(FAKE.mint_v1(tenant=OTHER_TENANT)))
    assert ANY.issuer_of(token.source) is ANY.issuers[0]
    for url in NEVER_A_SOURCE:
        assert ANY.issuer_of(url) is None


@pytest.mark.parametrize("audience", ["api://payments", f"api://{API}", API.upper(), f"{API}\n", "https://a.example"])
def test_any_tenant_can_register_an_app_id_uri(audience: str) -> None:
    with pytest.raises(ConfigError, match="write the API's client id, a GUID in lower case"):
        entra_any_tenant(audience=audience)
    with pytest.raises(ConfigError, match="write the API's client id, a GUID in lower case"):
        Bearer(entra_any_tenant(), audience=audience)
    assert outcome(ANY, bearer_header(FAKE.mint_v1(audience=audience))) == "rejected wrong_audience"
