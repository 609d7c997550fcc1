"""Protected resource metadata (RFC 9728): where it is, and that it says what the policies say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.verifiers.tokens import ISSUER, URL, bearer, jwks
from tests.web.sample import NOWHERE
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import minutes
from zerotrust.core.policy import anyone
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.carrier import Carrier
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Dialect, Profile
from zerotrust.web.resource import ProtectedResource

HERE = "https://api.example.com"
OTHER = "https://other.example"


@pytest.mark.parametrize(
    ("url", "path", "metadata"),
    [
        # RFC 9728 section 3.1: between the host and the path; the slash after the host is not kept.
        (HERE, "/.well-known/oauth-protected-resource", None),
        (f"{HERE}/", "/.well-known/oauth-protected-resource", None),
        (f"{HERE}/mcp", "/.well-known/oauth-protected-resource/mcp", None),
        (f"{HERE}/v1/mcp/", "/.well-known/oauth-protected-resource/v1/mcp/", None),
        (
            "http://127.0.0.1:8000/mcp",
            "/.well-known/oauth-protected-resource/mcp",
            "http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp",
        ),
    ],
)
def test_where_it_is(url: str, path: str, metadata: str | None) -> None:
    resource = ProtectedResource(url)
    assert resource.path == path
    assert resource.metadata_url == (metadata or HERE + path)
    assert resource.metadata([])["resource"] == url  # section 3.3: to the character


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "api.example.com/mcp",
        f"{HERE}/mcp?tenant=a",
        f"{HERE}/mcp#a",
        f"{HERE}?a",
        f"{HERE}/{{tenant}}",
        f"{HERE}/a%20b",
        f"{HERE}/a/../b",
        f"{HERE}/.",
        "https://user@api.example.com/",
        f'{HERE}/"',
        f"{HERE}/ä",
        f"{HERE}/a b",
        f"{HERE}/mcp\n",
        "",
        None,
        7,
    ],
)
def test_what_no_resource_can_be(url: Any) -> None:
    with pytest.raises(ConfigError, match="a protected resource"):
        ProtectedResource(url)


@pytest.mark.parametrize(
    "options",
    [
        {"name": ""},
        {"name": 3},
        {"documentation": "not a url"},
        {"policy_uri": "http://example.com/policy"},
        {"tos_uri": "javascript:alert(1)"},
        {"certificate_bound": "yes"},
        {"unlisted": "admin"},
    ],
)
def test_other_mistakes(options: Any) -> None:
    with pytest.raises(ConfigError):
        ProtectedResource(HERE, **options)


def test_it_says_what_the_policies_ask() -> None:
    token = bearer(Issuer(URL, keys=jwks(ISSUER)), Issuer(OTHER, keys=jwks(ISSUER)))
    policies = [
        anyone(because="a test"),
        token.valid,
        (token.scope("pay", "read") & token.fresh(minutes(5))) | token.scope("admin") & ~token.scope("robot"),
        token.scope("read"),
        NOWHERE,
    ]
    resource = ProtectedResource(
        f"{HERE}/mcp",
        name="Payments",
        documentation=f"{HERE}/docs",
        policy_uri=f"{HERE}/policy",
        tos_uri=f"{HERE}/tos",
        unlisted={"admin"},
        certificate_bound=True,
    )
    assert json.loads(resource.document(policies)) == {
        "resource": f"{HERE}/mcp",
        "authorization_servers": [URL, OTHER],
        "scopes_supported": ["pay", "read"],
        "bearer_methods_supported": ["header"],
        "tls_client_certificate_bound_access_tokens": True,
        "resource_name": "Payments",
        "resource_documentation": f"{HERE}/docs",
        "resource_policy_uri": f"{HERE}/policy",
        "resource_tos_uri": f"{HERE}/tos",
    }


def test_what_has_no_values_is_left_out() -> None:
    """Section 2: parameters with no values must be omitted."""
    assert ProtectedResource(HERE).metadata([]) == {"resource": HERE, "bearer_methods_supported": ["header"]}


def test_workloads_and_proxies_are_no_authorization_servers() -> None:
    workload = Issuer(OTHER, keys=jwks(ISSUER), profile=Profile(dialect=Dialect.NONE))
    edge = Bearer(
        Issuer("https://edge.example", keys=jwks(ISSUER), profile=Profile(carrier=Carrier(header="x-edge"))),
        audience="payments",
        name="edge",
    )
    token = bearer(Issuer(URL, keys=jwks(ISSUER)), workload)
    found = ProtectedResource(HERE).metadata([token.scope("pay"), edge.scope("edge")])
    assert (found["authorization_servers"], found["scopes_supported"]) == ([URL], ["pay"])


def test_what_a_policy_rests_on_counts_although_it_asks_nothing_of_it() -> None:
    base = bearer(Issuer(OTHER, keys=jwks(ISSUER)), name="base")

    class Linked(Bearer):
        of = base

    linked = Linked(Issuer(URL, keys=jwks(ISSUER)), audience="payments")
    assert ProtectedResource(HERE).metadata([linked.valid])["authorization_servers"] == [URL, OTHER]


@pytest.mark.parametrize(
    ("proofs", "algorithms", "required"),
    [
        ([None], None, None),
        ([DPoP(algorithms={"ES256", "EdDSA"})], ["ES256", "EdDSA"], None),
        ([DPoP(algorithms={"ES256"}, required=True)], ["ES256"], True),
        ([DPoP(algorithms={"ES256", "EdDSA"}, required=True), DPoP(algorithms={"ES256"})], ["ES256"], None),
        ([DPoP(algorithms={"ES256"}, required=True), None], ["ES256"], None),
        ([DPoP(algorithms={"ES256"}), DPoP(algorithms={"EdDSA"})], None, None),
    ],
)
def test_proofs_are_announced_as_every_policy_takes_them(
    proofs: list[DPoP | None], algorithms: list[str] | None, required: bool | None
) -> None:
    found = ProtectedResource(HERE).metadata([bearer(dpop=proof).valid for proof in proofs])
    assert found.get("dpop_signing_alg_values_supported") == algorithms
    assert found.get("dpop_bound_access_tokens_required") is required
