"""Opaque tokens of `oidc-provider`, asked about over HTTP by every kind of client authentication."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI

from tests.e2e.servers import CLIENT_SECRET, METADATA, PATIENCE, VAULT, Provider, calling, providing, serving
from tests.e2e.test_certificate_bound import Identity
from tests.wire.signing import b64
from zerotrust import AccessRequest, Allow, Bearer, Issuer, Policy, Sources, decide, seconds
from zerotrust.core.finding import Verified
from zerotrust.core.peer import Peer
from zerotrust.fastapi import Guard
from zerotrust.stores.http import AsyncHttpFetcher, HttpFetcher
from zerotrust.verifiers.client_authentication import ClientAuthentication, ClientSecret, PrivateKeyJwt, TlsClient
from zerotrust.verifiers.introspection import Introspection
from zerotrust.verifiers.token_evidence import TokenEvidence

pytestmark = pytest.mark.e2e

INTROSPECTION = "/token/introspection"
CIBA = "urn:openid:params:grant-type:ciba"
ODD = "a:b c+d%e&f=g/h~i*"  # a secret that shows who encodes it well


@pytest.fixture
def sources() -> Iterator[Sources]:
    with HttpFetcher() as fetcher:
        yield Sources(fetcher)


def vault(provider: Provider, client: ClientAuthentication | None = None, **options: Any) -> Introspection:
    by_secret = ClientSecret("machine-RS256", CLIENT_SECRET)
    return Introspection(provider.issuer, audience=VAULT, client=client or by_secret, **{"clients": True, **options})


def asked(policy: Policy, token: str, sources: Sources, *chain: bytes) -> str:
    """`allowed`, or the code of the reason."""
    headers = [(b"authorization", f"Bearer {token}".encode())]
    decision = decide(policy, AccessRequest(now=time.time(), headers=headers, peer=Peer(tuple(chain))), sources)
    return "allowed" if isinstance(decision, Allow) else decision.reason.code


def opaque(provider: Provider, client: str = "machine-ES256") -> str:
    token = provider.token(client, resource=VAULT)
    assert "." not in token
    return token


def silent(client: str, **metadata: object) -> dict[str, object]:
    """Metadata of a client that does nothing but ask."""
    return {"client_id": client, "grant_types": [], "redirect_uris": [], "response_types": [], **metadata}


def test_a_token_that_says_nothing_is_let_in_by_what_its_issuer_says(provider: Provider, sources: Sources) -> None:
    token = vault(provider)
    presented = opaque(provider)
    for _ in range(3):
        assert asked(token.scope("pay"), presented, sources) == "allowed"
    assert asked(token.scope("read"), presented, sources) == "not_satisfied"
    counts = provider.counts()
    assert (counts[METADATA], counts[INTROSPECTION]) == (1, 1)


def test_a_person_is_known_by_sub(provider: Provider, sources: Sources) -> None:
    token = vault(provider, clients=False)
    access = provider.sign_in("mia", resource=VAULT).access
    headers = [(b"authorization", f"Bearer {access}".encode())]
    decision = decide(token.valid, AccessRequest(now=time.time(), headers=headers), sources)
    finding = decision.finding(token)
    assert isinstance(finding, Verified)
    evidence: TokenEvidence = finding.evidence
    assert (evidence.subject, evidence.source, evidence.client_id) == ("mia", provider.issuer, "counter")
    assert asked(token.valid, opaque(provider), sources) == "missing_claim"  # a machine has no sub


def test_made_up_and_revoked_tokens_are_refused(provider: Provider, sources: Sources) -> None:
    asking, keeping = vault(provider, cache_for=seconds(0)), vault(provider)
    presented = opaque(provider)
    assert asked(asking.valid, presented, sources) == asked(keeping.valid, presented, sources) == "allowed"
    assert asked(asking.valid, "2YotnFZFEjr1zCsicMWpAA", sources) == "not_active"
    provider.revoke(presented)
    assert asked(asking.valid, presented, sources) == "not_active"
    assert asked(keeping.valid, presented, sources) == "allowed"  # for as long as was configured
    later = AccessRequest(now=time.time() + 31, headers=[(b"authorization", f"Bearer {presented}".encode())])
    assert not decide(keeping.valid, later, sources)


def test_a_token_for_another_service_is_refused(provider: Provider, sources: Sources) -> None:
    other = Introspection(
        provider.issuer,
        audience="https://other.example",
        client=ClientSecret("machine-RS256", CLIENT_SECRET),
        clients=True,
    )
    assert asked(other.valid, opaque(provider), sources) == "wrong_audience"


def test_a_refresh_token_is_no_access_token(provider: Provider, sources: Sources) -> None:
    provider.add_client(
        client_id="keeper",
        client_secret=CLIENT_SECRET,
        grant_types=[CIBA, "refresh_token"],
        redirect_uris=[],
        response_types=[],
        backchannel_token_delivery_mode="poll",
    )
    begun = provider.post("/backchannel", "keeper", {"scope": "openid pay", "login_hint": "mia", "resource": VAULT})
    tokens = provider.post("/token", "keeper", {"grant_type": CIBA, "auth_req_id": str(begun["auth_req_id"])})
    token = vault(provider, audience_optional=True)
    assert asked(token.valid, str(tokens["access_token"]), sources) == "allowed"
    assert asked(token.valid, str(tokens["refresh_token"]), sources) == "missing_claim"


@pytest.mark.parametrize("method", ["basic", "post"])
def test_client_secrets(provider: Provider, sources: Sources, method: Any) -> None:
    name = f"asks by {method}:"
    provider.add_client(**silent(name, client_secret=ODD, token_endpoint_auth_method=f"client_secret_{method}"))
    assert asked(vault(provider, ClientSecret(name, ODD, method)).valid, opaque(provider), sources) == "allowed"
    wrong = ClientSecret(name, "another", method)
    assert asked(vault(provider, wrong).valid, opaque(provider), sources) == "source_refused"


def test_private_key_jwt(provider: Provider, sources: Sources) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = {**jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "k1"}
    provider.add_client(**silent("signer", token_endpoint_auth_method="private_key_jwt", jwks={"keys": [public]}))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    token = vault(provider, PrivateKeyJwt("signer", pem, kid="k1"), cache_for=seconds(0))
    for _ in range(3):  # each assertion is a new one, or the provider would take it for a replay
        assert asked(token.valid, opaque(provider), sources) == "allowed"
    for wrong in (
        PrivateKeyJwt("signer", pem, audience="https://other.example"),
        PrivateKeyJwt("signer", ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
    ):  # fmt: skip
        assert asked(vault(provider, wrong).valid, opaque(provider), sources) == "source_refused"


def test_rfc_8705_section_2_certificates_authenticate_a_client(node: str, tmp_path: Path) -> None:
    server, ada, eve = (Identity(tmp_path, name) for name in ("server", "ada", "eve"))
    with providing(node, pem=server.pem, tls=server.trusted, ca=ada.pem) as provider:
        x5c = {"kty": "EC", "crv": "P-256", "x5c": [b64encode(eve.der).decode()], **_coordinates(eve)}
        provider.add_client(
            **silent("ada", token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn="CN=ada")
        )
        provider.add_client(
            **silent("eve", token_endpoint_auth_method="self_signed_tls_client_auth", jwks={"keys": [x5c]})
        )
        certificates = {"ada": _context(server, ada), "eve": _context(server, eve)}
        with HttpFetcher(tls=server.trusted, certificates=certificates) as fetcher:
            sources = Sources(fetcher)
            for client, certificate, expected in (
                ("ada", "ada", "allowed"),
                ("eve", "eve", "allowed"),
                ("ada", "eve", "source_refused"),
                ("eve", "ada", "source_refused"),
            ):
                token = vault(provider, TlsClient(client, certificate=certificate))
                assert asked(token.valid, opaque(provider), sources) == expected, (client, certificate)


def test_an_opaque_token_bound_to_a_certificate(node: str, tmp_path: Path) -> None:
    server, ada, eve = (Identity(tmp_path, name) for name in ("server", "ada", "eve"))
    tls = _context(server, ada)
    with providing(node, pem=server.pem, tls=tls) as provider, HttpFetcher(tls=server.trusted) as fetcher:
        token, sources = vault(provider), Sources(fetcher)
        presented = opaque(provider, "certified")
        assert asked(token.valid, presented, sources, ada.der) == "allowed"
        assert asked(token.valid, presented, sources, eve.der) == "key_mismatch"
        assert asked(token.valid, presented, sources) == "proof_required"


def test_what_an_outage_is(own_provider: Provider, sources: Sources) -> None:
    token = vault(own_provider, cache_for=seconds(30))
    presented = opaque(own_provider)
    assert asked(token.valid, presented, sources) == "allowed"
    own_provider.stop()
    assert asked(token.valid, presented, sources) == "allowed"
    other = vault(own_provider, cache_for=seconds(0))
    assert asked(other.valid, presented, sources) == "source_down"


def test_a_fastapi_application_that_takes_both_kinds(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "never-in-any-log"
    provider.add_client(**silent("door", client_secret=secret))
    jwts = Bearer(Issuer(provider.issuer), audience=VAULT)
    token = vault(provider, ClientSecret("door", secret), jwts=jwts)
    other = vault(provider, ClientSecret("door", "wrong" + secret), name="other")
    app = FastAPI()
    guard = Guard(app, sources=Sources(AsyncHttpFetcher()), default=token.valid)

    @app.get("/plain")
    async def plain() -> str:
        return "in"

    @app.get("/misconfigured", dependencies=[guard.require(other.valid)])
    async def misconfigured() -> str:
        return "in"

    good, gone, jwt_token = opaque(provider), opaque(provider), provider.token()
    provider.revoke(gone)
    with serving(app) as url, calling(url) as client:
        bearing = {name: {"authorization": f"Bearer {name}"} for name in (good, gone, jwt_token)}
        assert client.get("/plain", headers=bearing[good]).status_code == 200
        refused = client.get("/plain", headers=bearing[gone])
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        # A JWT for another audience: verified by its signature, without asking.
        provider.count_anew()
        assert client.get("/plain", headers=bearing[jwt_token]).status_code == 401
        assert INTROSPECTION not in provider.counts()
        # What is wrong here is ours, and the caller is not blamed for it.
        assert client.get("/misconfigured", headers=bearing[good]).status_code == 503

        async def crowd() -> list[int]:
            async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as many:
                new = {"authorization": f"Bearer {opaque(provider)}"}
                provider.count_anew()
                answers = await asyncio.gather(*(many.get("/plain", headers=new) for _ in range(40)))
                return [answer.status_code for answer in answers]

        assert asyncio.run(crowd()) == [200] * 40
        # One for all who wait for it, and one more for those who came before its answer and got to ask only after it:
        # an answer counts for no request that is older than it.
        assert provider.counts()[INTROSPECTION] <= 2
    told = "\n".join(record.getMessage() for record in caplog.records)
    for hidden in (secret, good, gone, jwt_token):
        assert hidden not in told
    assert "does not accept us as a client" in told


def _context(server: Identity, client: Identity) -> ssl.SSLContext:
    context = server.trusted
    context.load_cert_chain(client.pem)
    return context


def _coordinates(identity: Identity) -> dict[str, str]:
    key = identity.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    numbers = key.public_numbers()
    return {name: b64(value.to_bytes(32, "big")) for name, value in (("x", numbers.x), ("y", numbers.y))}
