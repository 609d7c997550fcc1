"""Tokens bound by DPoP (RFC 9449): issued by `oidc-provider`, proven by three clients nobody here wrote, over HTTP."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from uuid import uuid4

import httpx2
import jwt
import pytest

from tests.e2e.proving import Answered, Client, Proving
from tests.e2e.servers import Provider, Script, calling, running, serving
from zerotrust.verifiers.dpop import DPoP

pytestmark = pytest.mark.e2e

LIBRARIES = ("openid-client", "oauth4webapi", "dpop")


@pytest.fixture(scope="module")
def clients(node: str) -> Iterator[Script]:
    with running(node, "clients.mjs") as script:
        yield script


@pytest.fixture(scope="module")
def application(shared_provider: Provider) -> Proving:
    return Proving(shared_provider.issuer, DPoP())


@pytest.fixture(scope="module")
def url(application: Proving) -> Iterator[str]:
    with serving(application) as url:
        yield url


@pytest.fixture
def api(url: str, application: Proving) -> Iterator[httpx2.Client]:
    application.answered.clear()
    with calling(url) as client:
        yield client


@pytest.fixture
def ada(clients: Script, provider: Provider) -> Client:
    """A client that leaves sending to us."""
    return Client(clients, "dpop", provider)


def proven(token: str, proof: str, scheme: str = "DPoP") -> dict[str, str]:
    return {"Authorization": f"{scheme} {token}", "DPoP": proof}


def refused(answer: httpx2.Response) -> str:
    assert answer.status_code == 401, answer.text
    return str(answer.json()["code"])


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "Ed25519"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_proof_of_every_client_and_algorithm_is_let_in(
    clients: Script, provider: Provider, application: Proving, url: str, library: str, algorithm: str
) -> None:
    application.answered.clear()
    client = Client(clients, library, provider, f"{library} {algorithm}", algorithm)
    assert jwt.decode(client.token, options={"verify_signature": False})["cnf"] == {"jkt": client.jkt}
    for method, path, body in (
        ("GET", "/whoami", '{"subject":"prover"}'),
        ("GET", "/whoami?q=a%20b#top", '{"subject":"prover"}'),
        ("POST", "/payments", '{"paid by":"prover"}'),
    ):
        response = client.fetch(url + path, method)
        assert (response.status, response.body) == (200, body)
    assert application.answered == [Answered(200, proven=True)] * 3


def test_what_each_library_says_of_the_token_is_what_is_bound(clients: Script, provider: Provider, url: str) -> None:
    ada, eve = (Client(clients, "dpop", provider, name) for name in ("ada", "eve"))
    assert ada.jkt != eve.jkt
    assert (ada.fetch(url + "/whoami").status, eve.fetch(url + "/whoami").status) == (200, 200)


def test_section_7_1_a_bound_token_is_no_bearer_token(api: httpx2.Client, url: str, ada: Client) -> None:
    for headers in (
        {"Authorization": f"Bearer {ada.token}"},
        proven(ada.token, ada.prove(url + "/whoami"), "Bearer"),
        {"Authorization": f"DPoP {ada.token}"},
    ):
        assert refused(api.get("/whoami", headers=headers)) == "proof_required"


def test_section_7_1_a_token_that_is_not_bound_is_none_for_dpop(
    api: httpx2.Client, url: str, provider: Provider, ada: Client
) -> None:
    loose = provider.token()
    assert api.get("/whoami", headers={"Authorization": f"Bearer {loose}"}).status_code == 200
    proof = ada.prove(url + "/whoami", token=loose)
    assert refused(api.get("/whoami", headers=proven(loose, proof))) == "proof_required"


def test_section_11_1_a_proof_counts_once(api: httpx2.Client, url: str, ada: Client) -> None:
    headers = proven(ada.token, ada.prove(url + "/whoami"))
    assert api.get("/whoami", headers=headers).status_code == 200
    for _ in range(2):
        assert refused(api.get("/whoami", headers=headers)) == "replayed"
    assert api.get("/whoami", headers=proven(ada.token, ada.prove(url + "/whoami"))).status_code == 200


def test_section_4_3_a_proof_is_for_one_key_token_method_and_url(
    api: httpx2.Client, url: str, clients: Script, provider: Provider, ada: Client
) -> None:
    eve = Client(clients, "dpop", provider, "eve")
    here = url + "/whoami"
    wrong = {
        "key_mismatch": [eve.prove(here, token=ada.token)],
        "bad_proof": [
            ada.prove(here, token=eve.token),
            ada.prove(here, "POST"),
            ada.prove(url + "/payments"),
            ada.prove("http://127.0.0.1:1/whoami"),
            ada.prove(here.replace("http:", "https:")),
        ],
    }
    for code, proofs in wrong.items():
        for proof in proofs:
            assert refused(api.get("/whoami", headers=proven(ada.token, proof))) == code


def test_what_jose_can_be_made_to_sign(api: httpx2.Client, url: str, ada: Client) -> None:
    now = int(time.time())
    ath = urlsafe_b64encode(sha256(ada.token.encode()).digest()).rstrip(b"=").decode()

    def send(header: dict[str, object], **changes: object) -> httpx2.Response:
        good = {"jti": str(uuid4()), "htm": "GET", "htu": url + "/whoami", "iat": now, "ath": ath}
        claims = {name: value for name, value in {**good, **changes}.items() if value is not None}
        proof = ada.sign({"alg": "ES256", "typ": "dpop+jwt", **header}, claims)
        return api.get("/whoami", headers=proven(ada.token, proof))

    assert send({}).status_code == 200
    for header in ({"typ": "JWT"}, {"typ": "at+jwt"}, {"jwk": {"kty": "oct", "k": "AAAA"}}):
        assert refused(send(dict(header))) in {"bad_proof", "key_mismatch"}
    for change in (
        {"jti": None},
        {"ath": None},
        {"htm": "get"},
        {"htu": None},
        {"iat": now - 3600},
        {"iat": now + 3600},
        {"iat": f"{now}"},
    ):
        assert refused(send({}, **change)) == "bad_proof"
