"""An application behind an access proxy, from the request to the answer."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import json
from typing import Annotated, Any

from fastapi import FastAPI

from tests.fastapi.world import Sent, call, http_scope
from tests.providers.asking import Headers, clock
from tests.verifiers.tokens import NOW
from zerotrust import anyone
from zerotrust.fastapi import Access, Guard
from zerotrust.providers.cloudflare_access import cloudflare_access
from zerotrust.providers.google_iap import access_level, google_iap
from zerotrust.providers.zscaler import zscaler_private_access
from zerotrust.testing.providers.cloudflare_access import TAG, FakeCloudflareAccess
from zerotrust.testing.providers.google_iap import AUDIENCE, USER, FakeGoogleIap
from zerotrust.verifiers.bearer import Bearer

IAP = FakeGoogleIap(clock=clock)
MANAGED = "accessPolicies/1/accessLevels/managed"

edge = Bearer(google_iap(keys=IAP.jwks()), audience=AUDIENCE, name="edge")
zpa = zscaler_private_access(["192.0.2.0/28"])


def behind_iap() -> FastAPI:
    app = FastAPI(openapi_url=None)
    guard = Guard(app, default=edge.valid, clock=clock)

    @app.get("/me")
    async def me(access: Annotated[Access, guard.require(edge.valid)]) -> dict[str, Any]:
        return {"who": access[edge].subject, "until": access.valid_until}

    @app.get("/payroll", dependencies=[guard.require(edge.valid & access_level(edge, MANAGED))])
    async def payroll() -> str:
        return "payroll"

    @app.get("/inside", dependencies=[guard.require(edge.valid & zpa.via_connector)])
    async def inside() -> str:
        return "inside"

    @app.get("/healthz", dependencies=[guard.require(anyone(because="the load balancer's health check"))])
    async def healthz() -> str:
        return "up"

    return app


APP = behind_iap()


def get(path: str, headers: Headers = (), app: FastAPI = APP, **scope: Any) -> Sent:
    return call(app, http_scope(path, headers=headers, **scope))


def test_a_request_that_came_through_the_proxy() -> None:
    sent = get("/me", IAP.headers(IAP.mint()))
    assert (sent.status, sent.body) == (200, b'{"who":"%s","until":%d.0}' % (USER.encode(), NOW + 610))


def test_a_request_that_went_around_the_proxy() -> None:
    around = [
        get("/me"),
        get("/me", IAP.unsigned_headers(email="root@example.com")),
        get("/me", [(b"authorization", b"Bearer " + IAP.mint().encode())]),
        get("/me", IAP.headers(IAP.issuer.forge_foreign_key(IAP.mint()))),
    ]
    # There is no credential that its sender could add, so nothing to challenge for (RFC 9110 section 15.5.2).
    assert [sent.status for sent in around] == [403] * 4
    assert not any(b"www-authenticate" in sent.headers for sent in around)
    codes = [json.loads(sent.body)["code"] for sent in around]
    assert codes == ["not_presented", "not_presented", "not_presented", "bad_signature"]
    assert get("/me", IAP.headers(IAP.mint()) * 2).status == 400
    assert get("/healthz").status == 200


def test_the_answer_gives_nothing_away() -> None:
    token = IAP.issuer.forge_foreign_key(IAP.mint())
    sent = get("/me", IAP.headers(token))
    for secret in (token, "ada@example.com", USER, AUDIENCE):
        assert secret.encode() not in sent.body + b"".join(sent.headers.values())


def test_access_levels() -> None:
    assert get("/payroll", IAP.headers(IAP.mint(access_levels=[MANAGED]))).status == 200
    assert get("/payroll", IAP.headers(IAP.mint(access_levels=[]))).status == 403
    assert get("/payroll", IAP.headers(IAP.mint())).status == 403


def test_a_connector_narrows_what_an_assertion_allows() -> None:
    headers = IAP.headers(IAP.mint())
    assert get("/inside", headers, client=("192.0.2.7", 40000)).status == 200
    assert get("/inside", headers, client=("192.0.2.77", 40000)).status == 403
    assert get("/inside", headers, client=None).status == 403
    assert get("/inside", client=("192.0.2.7", 40000)).status == 403


def test_cookies_split_by_http_2() -> None:
    access = FakeCloudflareAccess(clock=clock)
    token = Bearer(cloudflare_access("acme", keys=access.jwks()), audience=TAG)
    app = FastAPI(openapi_url=None)
    guard = Guard(app, default=token.valid, clock=clock)

    @app.get("/me")
    async def me(seen: Annotated[Access, guard.require(token.valid)]) -> str:
        return seen[token].subject

    mine = (b"cookie", b"CF_Authorization=" + access.mint().encode())
    assert get("/me", [(b"cookie", b"theme=dark"), mine], app).status == 200
    assert get("/me", [mine, mine], app).status == 400
    assert get("/me", [(b"cookie", b"theme=dark")], app).status == 403
