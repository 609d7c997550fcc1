"""Nonces of our own (RFC 9449 sections 8 and 9): real clients are told to use one, do, and go on using the newest."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.e2e.proving import Answered, Client, Proving
from tests.e2e.servers import Provider, Script, calling, running, serving
from zerotrust import minutes, seconds
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.nonces import Nonces

pytestmark = pytest.mark.e2e

LIBRARIES = ("openid-client", "oauth4webapi", "dpop")
TOLD = Answered(401, proven=True)
LET_IN = Answered(200, proven=True)


@pytest.fixture(scope="module")
def clients(node: str) -> Iterator[Script]:
    with running(node, "clients.mjs") as script:
        yield script


@pytest.fixture(scope="module")
def shared_application(shared_provider: Provider) -> Proving:
    return Proving(
        shared_provider.issuer, DPoP(max_age=minutes(5), nonces=Nonces(secrets.token_bytes(32), lifetime=seconds(20)))
    )


@pytest.fixture(scope="module")
def url(shared_application: Proving) -> Iterator[str]:
    with serving(shared_application) as url:
        yield url


@pytest.fixture
def application(shared_application: Proving) -> Proving:
    shared_application.answered.clear()
    shared_application.ahead = 0.0
    return shared_application


@pytest.mark.parametrize("library", LIBRARIES)
def test_section_9_a_client_is_told_the_nonce_and_comes_back_with_it(
    clients: Script, provider: Provider, application: Proving, url: str, library: str
) -> None:
    client = Client(clients, library, provider, library)
    # It has a nonce of the provider by now, which is not for us.
    response = client.fetch(url + "/whoami")
    assert (response.status, response.body) == (200, '{"subject":"prover"}')
    assert application.answered == [TOLD, LET_IN]
    # And keeps it: from now on no request is sent twice.
    assert [client.fetch(url + "/whoami").status for _ in range(3)] == [200] * 3
    assert client.fetch(url + "/payments", "POST").status == 200
    assert application.answered == [TOLD, *[LET_IN] * 5]


@pytest.mark.parametrize("library", LIBRARIES)
def test_section_8_2_a_client_that_calls_often_is_never_turned_away_and_one_that_slept_is_told_anew(
    clients: Script, provider: Provider, application: Proving, url: str, library: str
) -> None:
    client = Client(clients, library, provider, library)
    assert client.fetch(url + "/whoami").status == 200
    for _ in range(5):
        application.ahead += 8.0  # the nonce it was given last is no longer the newest, but still good
        assert client.fetch(url + "/whoami").status == 200
    assert application.answered == [TOLD, *[LET_IN] * 6]
    application.ahead += 60.0
    assert client.fetch(url + "/whoami").status == 200
    assert application.answered[7:] == [TOLD, LET_IN]


def test_section_8_1_what_the_challenge_says(clients: Script, provider: Provider, url: str) -> None:
    client = Client(clients, "dpop", provider)
    where = url + "/whoami"
    with calling(url) as api:

        def send(nonce: str | None) -> tuple[int, str, str | None]:
            headers = {"Authorization": f"DPoP {client.token}", "DPoP": client.prove(where, nonce=nonce)}
            answer = api.get("/whoami", headers=headers)
            return answer.status_code, answer.headers.get("www-authenticate", ""), answer.headers.get("dpop-nonce")

        nonce = None
        for wrong in (None, "", "a", "A" * 22):
            status, challenge, nonce = send(wrong)
            assert status == 401
            assert challenge.startswith("DPoP ")
            assert 'error="use_dpop_nonce"' in challenge
            assert nonce is not None
            assert nonce != wrong
        status, _, following = send(nonce)
        # Section 8.2: a nonce may serve several proofs, and the answer names the one to use next.
        assert (status, following is not None) == (200, True)
        assert send(following)[0] == 200


def test_a_nonce_of_another_server_is_not_ours(clients: Script, provider: Provider, url: str) -> None:
    client = Client(clients, "dpop", provider)
    theirs = Nonces(secrets.token_bytes(32)).make(0.0)
    with calling(url) as api:
        proof = client.prove(url + "/whoami", nonce=theirs)
        answer = api.get("/whoami", headers={"Authorization": f"DPoP {client.token}", "DPoP": proof})
        assert (answer.status_code, answer.json()["code"]) == (401, "nonce_required")
