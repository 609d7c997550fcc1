from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.providers import profiles as fakes
from tests.providers.asking import clock
from zerotrust import AccessRequest, Allow, Bearer, ConfigError, Issuer, Sources, decide, decide_async
from zerotrust.core.ask import Fetch, Lookup, SourceFailed
from zerotrust.providers.auth0 import auth0
from zerotrust.providers.cloudflare_access import cloudflare_access
from zerotrust.providers.entra import entra, entra_any_tenant
from zerotrust.providers.github_actions import github_actions
from zerotrust.providers.google_iap import google_iap
from zerotrust.providers.google_workspace import google_workspace
from zerotrust.providers.keycloak import keycloak
from zerotrust.providers.kubernetes import kubernetes
from zerotrust.providers.oidc import oidc
from zerotrust.providers.okta import okta
from zerotrust.providers.pomerium import pomerium
from zerotrust.testing import IssuerSource, LocalIssuer, LocalIssuerServer
from zerotrust.testing.providers.entra import TENANT
from zerotrust.testing.providers.okta import FakeOkta
from zerotrust.testing.providers.zscaler import FakeAppConnector

ISSUER = LocalIssuer("https://login.example.com/tenant", algorithms=["EdDSA"])


def request(token: str) -> AccessRequest:
    return AccessRequest(now=ISSUER.clock(), headers=[(b"authorization", f"Bearer {token}".encode())])


def test_a_verifier_finds_the_keys_through_it_in_both_drivers() -> None:
    sources = Sources(IssuerSource(ISSUER))
    token = Bearer(Issuer(ISSUER.url), audience="payments")
    good = request(ISSUER.mint(audience="payments"))
    assert decide(token.valid, good, sources)
    assert asyncio.run(decide_async(token.valid, good, sources.require("async")))


def test_several_issuers_are_told_apart() -> None:
    other = LocalIssuer("https://other.example", algorithms=["EdDSA"])
    source = IssuerSource(other, ISSUER)
    body = source.answer(Fetch(f"{ISSUER.url}/jwks", 5.0), 1.0).body
    assert json.loads(body) == ISSUER.jwks()
    assert json.loads(source.answer(Fetch("https://other.example/jwks", 5.0), 1.0).body) == other.jwks()


@pytest.mark.parametrize("url", ["https://login.example.com/elsewhere", "https://example.org/jwks"])
def test_what_nobody_publishes_is_down(url: str) -> None:
    with pytest.raises(SourceFailed) as failure:
        IssuerSource(ISSUER).answer(Fetch(url, 5.0), 1.0)
    assert failure.value.reason.code == "source_down"


def test_an_outage_and_its_end() -> None:
    source = IssuerSource(ISSUER)
    source.down = True
    with pytest.raises(SourceFailed):
        source.answer(Fetch(f"{ISSUER.url}/jwks", 5.0), 1.0)
    source.down = False
    assert source.answer(Fetch(f"{ISSUER.url}/jwks", 5.0), 1.0).fetched_at == 5.0


def test_it_answers_nothing_else() -> None:
    with pytest.raises(TypeError, match="Lookup"):
        IssuerSource(ISSUER).answer(Lookup("space", b"key", 5.0), 1.0)


# --- Fakes of providers: the profile as it is in production, without keys= -------------------------------------------
AS_IN_PRODUCTION: dict[str, Any] = {
    "okta": (okta(fakes.OKTA.url), fakes.OKTA),
    "entra v2.0": (entra(TENANT), fakes.ENTRA),
    "entra v1.0": (entra(TENANT), fakes.ENTRA),
    "entra application": (entra(TENANT, app_only=True), fakes.ENTRA),
    "entra any tenant": (entra_any_tenant(), fakes.ENTRA),
    "entra personal account": (entra_any_tenant(consumers=True), fakes.ENTRA),
    "google workspace": (google_workspace("example.com"), fakes.WORKSPACE),
    "auth0": (auth0(fakes.AUTH0.domain), fakes.AUTH0),
    "auth0 rfc 9068": (auth0(fakes.AUTH0.domain), fakes.AUTH0),
    "keycloak": (keycloak("https://sso.example.com", "staff"), fakes.KEYCLOAK),
    "oidc": (oidc(fakes.OIDC.issuer.url, types={"JWT"}, client_id="azp"), fakes.OIDC),
    "google iap": (google_iap(), fakes.IAP),
    "cloudflare access": (cloudflare_access("acme"), fakes.CLOUDFLARE),
    "pomerium": (pomerium("app.example.com"), fakes.POMERIUM),
    "kubernetes": (kubernetes(fakes.KUBERNETES.issuer.url), fakes.KUBERNETES),
    "github actions": (github_actions(owner="octo-org"), fakes.GITHUB),
}


@pytest.mark.parametrize("case", fakes.CASES, ids=str)
def test_every_profile_finds_the_keys_of_its_fake(case: fakes.Case) -> None:
    issuer, fake = AS_IN_PRODUCTION[case.name]
    verifier = Bearer(issuer, audience=case.audience)
    carrier = verifier.carrier.header
    sent = f"Bearer {case.token}" if carrier == "authorization" else case.token
    asked = AccessRequest(now=clock(), headers=[(carrier.encode(), sent.encode())])
    assert decide(verifier.valid, asked, Sources(IssuerSource(fake)))
    source = IssuerSource(fake)
    source.down = True
    refused = decide(verifier.valid, asked, Sources(source))
    assert not isinstance(refused, Allow)
    assert refused.reason.code == "source_down"


def test_a_fake_that_rotates_shows_its_new_keys() -> None:
    fake = FakeOkta()
    source = Sources(IssuerSource(fake))
    fake.issuer.rotate(keep=False)
    asked = AccessRequest(now=fake.issuer.clock(), headers=[(b"authorization", f"Bearer {fake.mint()}".encode())])
    assert decide(Bearer(okta(fake.url), audience="api://default").valid, asked, source)


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        (FakeOkta, r"FakeOkta is a class; .* fake = FakeOkta\(\)"),
        (LocalIssuer, "LocalIssuer is a class"),
        (okta("https://acme.okta.com/oauth2/default"), "fakes of zerotrust.testing.providers, not Issuer"),
        (entra(TENANT), "not tuple"),
        ("https://login.example.com", "not str"),
        (FakeAppConnector(), "not FakeAppConnector"),
    ],
)
def test_what_publishes_nothing_is_refused(mistake: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        IssuerSource(ISSUER, mistake)


def test_a_server_is_asked_over_http() -> None:
    with LocalIssuerServer(algorithms=["EdDSA"]) as server, pytest.raises(ConfigError, match=r"server\.issuer"):
        IssuerSource(server)  # type: ignore[arg-type]  # that is the mistake
