"""The example application, tested as its users would test theirs: a local issuer, no network, no real clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from examples.fastapi_app.app import create_app
from zerotrust import Sources
from zerotrust.testing import IssuerSource, LocalIssuer
from zerotrust.wire.json import JsonValue

ORDER = {"to": "bob", "cents": 1250}


@pytest.fixture(scope="module")
def issuer() -> LocalIssuer:
    return LocalIssuer("https://login.example.com", algorithms=["ES256"])


@pytest.fixture
def client(issuer: LocalIssuer) -> Iterator[TestClient]:
    with TestClient(create_app(Sources(IssuerSource(issuer)), clock=issuer.clock)) as client:
        yield client


def bearer(issuer: LocalIssuer, scope: str = "read pay", signed_in: int = 60, **claims: JsonValue) -> dict[str, str]:
    now = int(issuer.clock())
    defaults: dict[str, JsonValue] = {"roles": ["staff"], "groups": [], "auth_time": now - signed_in}
    token = issuer.mint(audience="payments", scope=scope, **{**defaults, **claims})  # type: ignore[arg-type]
    return {"Authorization": f"Bearer {token}"}


def test_a_payment_is_made_and_read_by_its_owner(client: TestClient, issuer: LocalIssuer) -> None:
    made = client.post("/payments", json=ORDER, headers=bearer(issuer))
    assert made.status_code == 200
    assert made.json() == {"id": 1, "by": "alice", "refunded_by": None, **ORDER}
    assert client.get("/payments", headers=bearer(issuer)).json() == [made.json()]
    assert client.get("/payments", headers=bearer(issuer, subject="bob")).json() == []


def test_a_payment_is_shown_to_whom_it_concerns_and_hidden_from_others(client: TestClient, issuer: LocalIssuer) -> None:
    made = client.post("/payments", json=ORDER, headers=bearer(issuer)).json()
    assert client.get("/payments/1", headers=bearer(issuer)).json() == made
    assert client.get("/payments/1", headers=bearer(issuer, subject="eve", groups=["finance"])).json() == made
    others, missing = (
        client.get(path, headers=bearer(issuer, subject="eve")) for path in ("/payments/1", "/payments/2")
    )
    assert (others.status_code, others.text) == (missing.status_code, missing.text) == (404, '{"detail":"Not Found"}')


@pytest.mark.parametrize("path", ["/payments", "/me", "/docs", "/openapi.json", "/no-such-route"])
def test_everything_is_closed_to_strangers(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "explanation" not in answer.json()


def test_but_for_what_is_open_on_purpose(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_route_without_a_policy_needs_a_good_token(client: TestClient, issuer: LocalIssuer) -> None:
    assert client.get("/me", headers=bearer(issuer)).status_code == 200
    assert client.get("/me", headers=bearer(issuer, aud="ledger")).status_code == 401


def test_what_is_missing_is_asked_for(client: TestClient, issuer: LocalIssuer) -> None:
    def refused(headers: dict[str, str]) -> tuple[int, str]:
        answer = client.post("/payments", json=ORDER, headers=headers)
        return answer.status_code, answer.headers.get("www-authenticate", "")

    status, challenge = refused(bearer(issuer, signed_in=301))
    assert status == 401
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'max_age="300"' in challenge
    status, challenge = refused(bearer(issuer, scope="read"))
    assert status == 403
    assert 'error="insufficient_scope"' in challenge
    assert refused(bearer(issuer, roles=["contractor"])) == (403, "")


def test_refunds_are_for_finance(client: TestClient, issuer: LocalIssuer) -> None:
    client.post("/payments", json=ORDER, headers=bearer(issuer))
    assert client.post("/payments/1/refund", headers=bearer(issuer)).status_code == 403
    finance = bearer(issuer, subject="carol", groups=["finance"])
    assert client.post("/payments/1/refund", headers=finance).json()["refunded_by"] == "carol"
    assert client.post("/payments/2/refund", headers=finance).status_code == 404
