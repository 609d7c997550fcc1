"""Tokens of a foreign provider at a guarded application: HTTP on both sides, keys found through metadata."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import jwt
import pytest

from tests.e2e.app import STRONG, payments
from tests.e2e.servers import ALGORITHMS, LEDGER, METADATA, PAYMENTS, Provider, calling, serving

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def api(shared_provider: Provider) -> Iterator[httpx2.Client]:
    with serving(payments(shared_provider.issuer)) as url, calling(url) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def challenge(answer: httpx2.Response) -> str:
    """The one challenge of a refusal, which must not be stored anywhere and must not repeat the token."""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/problem+json"
    presented = answer.request.headers.get("authorization")
    if presented is not None:
        assert presented.removeprefix("Bearer ") not in answer.text + str(answer.headers)
    return str(answer.headers["www-authenticate"])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_token_is_let_in(api: httpx2.Client, provider: Provider, algorithm: str) -> None:
    token = provider.token(f"machine-{algorithm}")
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    who = api.get("/whoami", headers=bearer(token))
    assert who.status_code == 200
    assert who.json() == {
        "subject": f"machine-{algorithm}",
        "client": f"machine-{algorithm}",
        "issuer": provider.issuer,
    }
    paid = api.post("/payments", headers=bearer(token))
    assert (paid.status_code, paid.json()) == (200, {"paid by": f"machine-{algorithm}"})


def test_no_token_is_asked_for_one(api: httpx2.Client) -> None:
    for path in ("/whoami", "/plain", "/nowhere"):
        answer = api.get(path)
        assert answer.status_code == 401
        assert challenge(answer) == 'Bearer realm=""'  # RFC 6750 section 3.1: no error code where nothing was presented


def test_a_token_for_another_resource_is_refused(api: httpx2.Client, provider: Provider) -> None:
    answer = api.post("/payments", headers=bearer(provider.token(resource=LEDGER)))
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_audience")
    assert 'error="invalid_token"' in challenge(answer)


def test_a_missing_scope_is_refused_by_name(api: httpx2.Client, provider: Provider) -> None:
    token = provider.token(scope="read")
    assert api.get("/whoami", headers=bearer(token)).status_code == 200
    answer = api.post("/payments", headers=bearer(token))
    assert answer.status_code == 403
    assert challenge(answer) == 'Bearer error="insufficient_scope", scope="pay"'


def test_an_id_token_is_no_access_token(provider: Provider) -> None:
    """RFC 8725 section 2.8, RFC 9068 section 4: of the same issuer and key, and here even for our own audience."""
    tokens = provider.sign_in("mia")
    with (
        serving(payments(provider.issuer, audience=(PAYMENTS, "counter"))) as url,
        calling(url) as api,
    ):
        assert api.get("/whoami", headers=bearer(tokens.access)).status_code == 200
        answer = api.get("/whoami", headers=bearer(tokens.identity))
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_type")
    assert 'error="invalid_token"' in challenge(answer)


def test_a_changed_token_is_refused(api: httpx2.Client, provider: Provider) -> None:
    """Two genuine tokens, the signature of one under the claims of the other."""
    weak, strong = (provider.token(scope=scope).split(".") for scope in ("read", "pay"))
    answer = api.post("/payments", headers=bearer(".".join([*strong[:2], weak[2]])))
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


def test_another_provider_of_the_same_make_is_not_believed(
    api: httpx2.Client, provider: Provider, own_provider: Provider
) -> None:
    """Its keys have the same names; only its issuer identifier tells it apart."""
    ours, theirs = provider.token(), own_provider.token()
    assert jwt.get_unverified_header(ours) == jwt.get_unverified_header(theirs)
    answer = api.get("/whoami", headers=bearer(theirs))
    assert (answer.status_code, answer.json()["code"]) == (401, "unknown_issuer")
    assert own_provider.counts().get("/jwks") is None  # nobody asks a stranger for keys


def test_a_stale_sign_in_is_asked_to_step_up_and_then_let_in(provider: Provider) -> None:
    """RFC 9470 section 3, with the provider's own `auth_time` and `acr`."""
    with serving(payments(provider.issuer)) as url, calling(url) as api:
        provider.signed_in_ago(3600)
        stale = provider.sign_in("mia").access
        assert api.post("/payments", headers=bearer(stale)).status_code == 200
        answer = api.post("/payouts", headers=bearer(stale))
        assert answer.status_code == 401
        asked = challenge(answer)
        assert 'error="insufficient_user_authentication"' in asked
        assert 'max_age="300"' in asked
        provider.signed_in_ago(0)
        again = api.post("/payouts", headers=bearer(provider.sign_in("mia").access))
        assert (again.status_code, again.json()) == (200, {"paid out by": "mia"})


def test_a_machine_never_has_the_sign_in_that_a_payout_takes(api: httpx2.Client, provider: Provider) -> None:
    answer = api.post("/payouts", headers=bearer(provider.token()))
    assert answer.status_code == 401
    assert f'error="insufficient_user_authentication", scope="pay", max_age="300", acr_values="{STRONG}"' in challenge(
        answer
    )


def test_one_reading_of_metadata_and_keys_serves_them_all(provider: Provider) -> None:
    with serving(payments(provider.issuer)) as url, calling(url) as api:
        for algorithm in ALGORITHMS * 3:
            token = provider.token(f"machine-{algorithm}")
            assert api.get("/whoami", headers=bearer(token)).status_code == 200
    counts = provider.counts()
    assert (counts[METADATA], counts["/jwks"]) == (1, 1)
