"""Audiences of one provider are none of another, wherever they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.providers.asking import bearer_header, clock, outcome
from zerotrust.core.errors import ConfigError
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
from zerotrust.testing.providers.entra import API, OTHER_TENANT, TENANT, FakeEntra
from zerotrust.testing.providers.okta import FakeOkta
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer

TAG = "0" * 64
MADE: dict[str, tuple[Callable[..., Issuer | tuple[Issuer, ...]], tuple[str, ...], str, dict[str, Any]]] = {
    "auth0": (auth0, ("acme.eu.auth0.com",), "https://api.example.com", {}),
    "cloudflare_access": (cloudflare_access, ("acme",), TAG, {}),
    "entra": (entra, (TENANT, OTHER_TENANT), "api://payments", {}),
    "entra_any_tenant": (entra_any_tenant, (), API, {}),
    "github_actions": (github_actions, (), "https://deploy.example.com", {"owner_id": 123456}),
    "google_iap": (google_iap, (), "/projects/123/apps/shop", {}),
    "google_workspace": (google_workspace, ("example.com",), "web", {}),
    "keycloak": (keycloak, ("https://sso.example.com", "staff"), "payments", {}),
    "kubernetes": (kubernetes, ("https://oidc.example.com/1",), "payments", {}),
    "oidc": (oidc, ("https://login.example.com",), "payments", {}),
    "okta": (okta, ("https://acme.okta.com/oauth2/default",), "api://default", {}),
    "pomerium": (pomerium, ("app.example.com",), "app.example.com", {}),
}


@pytest.mark.parametrize("name", MADE)
def test_every_provider_takes_an_audience_of_its_own(name: str) -> None:
    made, arguments, audience, options = MADE[name]
    believed = made(*arguments, audience=audience, **options)
    assert Bearer(believed).audience == {audience}
    for issuer in believed if isinstance(believed, tuple) else (believed,):
        assert issuer.audience == frozenset({audience})


@pytest.mark.parametrize(
    ("name", "audience"),
    [("cloudflare_access", "payments"), ("google_iap", "payments"), ("keycloak", "account"), ("pomerium", "b.example")],
)
def test_what_can_be_no_audience_is_refused_at_the_provider(name: str, audience: str) -> None:
    made, arguments, _, options = MADE[name]
    with pytest.raises(ConfigError, match=f"^audience='{audience}' cannot be one of "):
        made(*arguments, audience=audience, **options)


OKTA, ENTRA = FakeOkta(clock=clock), FakeEntra(clock=clock)


def test_an_audience_of_okta_is_none_of_entra_and_the_other_way_round() -> None:
    theirs = okta(OKTA.url, keys=OKTA.jwks(), audience="api://default")
    anyone = entra_any_tenant(keys=ENTRA.common_jwks(), audience=API)
    for verifier in (Bearer(theirs, anyone), Bearer(theirs, entra(TENANT, keys=ENTRA.jwks()), audience=API)):
        assert outcome(verifier, bearer_header(OKTA.mint(audience="api://default"))) == "verified"
        assert outcome(verifier, bearer_header(ENTRA.mint())) == "verified"
        assert outcome(verifier, bearer_header(OKTA.mint(audience=API))) == "rejected wrong_audience"
        assert outcome(verifier, bearer_header(ENTRA.mint_v1(audience="api://default"))) == "rejected wrong_audience"


def test_a_mixed_set_is_refused() -> None:
    for issuer in (entra_any_tenant(), entra(TENANT)):
        with pytest.raises(ConfigError, match=r"for several issuers: .* okta\(url, audience=\.\.\.\)"):
            Bearer(okta(OKTA.url), issuer, audience={"api://default", API})
    with pytest.raises(ConfigError, match=r"any tenant's API.*; what is for another issuer, write there: audience="):
        Bearer(okta(OKTA.url), entra_any_tenant(), audience="api://default")
