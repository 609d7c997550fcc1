"""Every profile with a good token of its fake: what the laws that hold for all of them are tested on."""

from __future__ import annotations

from dataclasses import dataclass

from tests.providers.asking import clock
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
from zerotrust.testing.issuer import LocalIssuer
from zerotrust.testing.providers.auth0 import AUDIENCE as AUTH0_AUDIENCE
from zerotrust.testing.providers.auth0 import FakeAuth0
from zerotrust.testing.providers.cloudflare_access import TAG, FakeCloudflareAccess
from zerotrust.testing.providers.entra import API, TENANT, FakeEntra
from zerotrust.testing.providers.github_actions import FakeGitHubActions
from zerotrust.testing.providers.google_iap import AUDIENCE as IAP_AUDIENCE
from zerotrust.testing.providers.google_iap import FakeGoogleIap
from zerotrust.testing.providers.google_workspace import CLIENT, FakeGoogleWorkspace
from zerotrust.testing.providers.keycloak import FakeKeycloak
from zerotrust.testing.providers.kubernetes import FakeKubernetes
from zerotrust.testing.providers.oidc import FakeOidc
from zerotrust.testing.providers.okta import FakeOkta
from zerotrust.testing.providers.pomerium import FakePomerium
from zerotrust.verifiers.issuer import Issuer


@dataclass(frozen=True)
class Case:
    """A configured issuer, and one good token of it at `NOW`, with what signs others."""

    name: str
    issuer: Issuer
    audience: str
    token: str
    by: LocalIssuer

    def __str__(self) -> str:
        return self.name


OKTA, ENTRA, WORKSPACE = FakeOkta(clock=clock), FakeEntra(clock=clock), FakeGoogleWorkspace(clock=clock)
AUTH0, KEYCLOAK, OIDC = FakeAuth0(clock=clock), FakeKeycloak(clock=clock), FakeOidc(clock=clock)
IAP, CLOUDFLARE, POMERIUM = FakeGoogleIap(clock=clock), FakeCloudflareAccess(clock=clock), FakePomerium(clock=clock)
KUBERNETES, GITHUB = FakeKubernetes(clock=clock), FakeGitHubActions(clock=clock)

_ENTRA = entra(TENANT, keys=ENTRA.jwks())[0]
_APPS = entra(TENANT, keys=ENTRA.jwks(), app_only=True)[0]
_ANY = entra_any_tenant(keys=ENTRA.common_jwks(), consumers=True)
_KEYCLOAK = keycloak("https://sso.example.com", "staff", client="payments", keys=KEYCLOAK.jwks())
_OIDC = oidc(
    OIDC.issuer.url, types={"JWT"}, client_id="azp", roles=("access", "realm"), groups="groups", keys=OIDC.jwks()
)

CASES = [
    Case("okta", okta(OKTA.url, keys=OKTA.jwks()), "api://default", OKTA.mint(), OKTA.issuer),
    Case("entra v2.0", _ENTRA, API, ENTRA.mint(), ENTRA.issuer),
    Case("entra v1.0", _ENTRA, API, ENTRA.mint_v1(), ENTRA.issuer),
    Case("entra application", _APPS, API, ENTRA.mint_app_only(), ENTRA.issuer),
    Case("entra any tenant", _ANY, API, ENTRA.mint(), ENTRA.issuer),
    Case("entra personal account", _ANY, API, ENTRA.mint_consumer(), ENTRA.of_consumers),
    Case(
        "google workspace",
        google_workspace("example.com", keys=WORKSPACE.jwks()),
        CLIENT,
        WORKSPACE.mint(),
        WORKSPACE.issuer,
    ),
    Case("auth0", auth0(AUTH0.domain, keys=AUTH0.jwks()), AUTH0_AUDIENCE, AUTH0.mint(), AUTH0.issuer),
    Case("auth0 rfc 9068", auth0(AUTH0.domain, keys=AUTH0.jwks()), AUTH0_AUDIENCE, AUTH0.mint_rfc9068(), AUTH0.issuer),
    Case("keycloak", _KEYCLOAK, "payments", KEYCLOAK.mint(client_roles=["teller"]), KEYCLOAK.issuer),
    Case("oidc", _OIDC, "payments", OIDC.mint(), OIDC.issuer),
    Case("google iap", google_iap(keys=IAP.jwks()), IAP_AUDIENCE, IAP.mint(), IAP.issuer),
    Case(
        "cloudflare access",
        cloudflare_access("acme", keys=CLOUDFLARE.jwks()),
        TAG,
        CLOUDFLARE.mint(),
        CLOUDFLARE.issuer,
    ),
    Case(
        "pomerium",
        pomerium("app.example.com", keys=POMERIUM.jwks()),
        "app.example.com",
        POMERIUM.mint(),
        POMERIUM.issuer,
    ),
    Case(
        "kubernetes",
        kubernetes(KUBERNETES.issuer.url, keys=KUBERNETES.jwks()),
        "ledger",
        KUBERNETES.mint(),
        KUBERNETES.issuer,
    ),
    Case(
        "github actions",
        github_actions(owner="octo-org", keys=GITHUB.jwks()),
        "https://deploy.example.com",
        GITHUB.mint(),
        GITHUB.issuer,
    ),
]
