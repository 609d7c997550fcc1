"""Each cause once through a Guard, from the request to what a client reads; nonces on every response; the metadata."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, HTTPException, Response, WebSocket
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse

from tests.fastapi.world import ISSUER, NOW, Sent, call, clock, http_scope, raw, shown, token
from tests.web.challenges import read
from zerotrust import Bearer, ConfigError, Issuer, Sources, anyone, minutes
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing.dpop import DPoPClient
from zerotrust.verifiers.carrier import Carrier
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.nonces import Nonces
from zerotrust.verifiers.profile import Dialect, Profile
from zerotrust.web.resource import ProtectedResource

NONCES = Nonces(bytes(range(32)))
NONCE = NONCES.make(NOW).encode()
CLIENT = DPoPClient(clock=clock)
ENTRA = "https://login.entra.example/v2.0"
WELL_KNOWN = "/.well-known/oauth-protected-resource/mcp"
METADATA = f"https://api.example{WELL_KNOWN}"

person = Bearer(
    Issuer(ISSUER.url, keys=ISSUER.jwks(), profile=Profile(ladder=("low", "phr", "phrh"))),
    Issuer(ENTRA, keys=ISSUER.jwks(), profile=Profile(dialect=Dialect.ENTRA)),
    audience="api",
    dpop=DPoP(algorithms={"ES256"}, nonces=NONCES),
)
edge = Bearer(
    Issuer(ISSUER.url, keys=ISSUER.jwks(), profile=Profile(carrier=Carrier(header="x-edge"), dialect=Dialect.NONE)),
    audience="api",
    name="edge",
)


def shop(**options: Any) -> FastAPI:
    app = FastAPI()
    guard = Guard(
        app,
        default=person.valid,
        sources=Sources(MemoryStore()),
        clock=clock,
        **{"resource": ProtectedResource("https://api.example/mcp", name="Shop"), **options},
    )

    @app.post("/pay", dependencies=[guard.require(person.scope("pay") & person.fresh(within=minutes(5)))])
    async def pay() -> str:
        return "paid"

    @app.post("/transfer", dependencies=[guard.require(person.acr_at_least("phr"))])
    async def transfer() -> str:
        return "transferred"

    @app.post("/context", dependencies=[guard.require(person.auth_context("c1"))])
    async def context() -> str:
        return "done"

    @app.post("/role", dependencies=[guard.require(person.role("boss"))])
    async def role() -> str:
        return "done"

    @app.post("/edge", dependencies=[guard.require(edge.valid)])
    async def behind() -> str:
        return "done"

    guard.protect("/edge", anyone(because="its own policy is enough"))
    return app


def post(path: str, headers: Any = (), app: Any = None) -> Sent:
    return call(app or shop(), http_scope(path, "POST", headers if isinstance(headers, list) else raw(dict(headers))))


def challenges(sent: Sent) -> dict[str, dict[str, str]]:
    return dict(read(value.decode()) for name, value in sent.messages[0]["headers"] if name == b"www-authenticate")


def bound(**claims: Any) -> str:
    return ISSUER.mint(cnf=CLIENT.cnf, **claims)


def proven(path: str, nonce: str | None = NONCE.decode(), **claims: Any) -> list[tuple[bytes, bytes]]:
    return CLIENT.headers("POST", f"https://api.example{path}", bound(**claims), nonce=nonce)


# --- Each cause once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers", "status", "code", "bearer", "dpop"),
    [
        ("/pay", {}, 401, "not_presented", {"scope": "pay", "max_age": "300"}, {"scope": "pay", "max_age": "300"}),
        ("/context", shown(exp=int(NOW) - 60), 401, "expired", {"error": "invalid_token"}, {}),
        ("/role", shown(roles=["staff"]), 403, "not_satisfied", None, None),
        (
            "/pay",
            shown("read", auth_time=int(NOW) - 10),
            403,
            "not_satisfied",
            {"error": "insufficient_scope", "scope": "pay", "max_age": "300"},
            {"scope": "pay", "max_age": "300"},
        ),
        (
            "/pay",
            shown("pay", auth_time=int(NOW) - 600),
            401,
            "not_satisfied",
            {"error": "insufficient_user_authentication", "scope": "pay", "max_age": "300"},
            {"scope": "pay", "max_age": "300"},
        ),
        (
            "/transfer",
            shown(acr="low"),
            401,
            "not_satisfied",
            {"error": "insufficient_user_authentication", "acr_values": "phr phrh"},
            {"acr_values": "phr phrh"},
        ),
        ("/context", shown(iss=ENTRA, acrs=[]), 403, "not_satisfied", None, None),
        ("/context", {"authorization": f"Bearer {bound()}"}, 401, "proof_required", {"error": "invalid_token"}, {}),
        ("/context", proven("/context", None), 401, "nonce_required", None, {"error": "use_dpop_nonce"}),
        ("/context", proven("/context", "old"), 401, "nonce_required", None, {"error": "use_dpop_nonce"}),
        ("/context", proven("/other"), 401, "bad_proof", None, {"error": "invalid_dpop_proof"}),
        ("/edge", {}, 403, "not_presented", None, None),
    ],
)
def test_each_cause_as_a_client_reads_it(
    path: str, headers: Any, status: int, code: str, bearer: dict[str, str] | None, dpop: dict[str, str] | None
) -> None:
    sent = post(path, headers)
    assert (sent.status, json.loads(sent.body)["code"]) == (status, code)
    expected = {
        scheme: {**parameters, **more, "resource_metadata": METADATA}
        for scheme, parameters, more in (("Bearer", bearer, {}), ("DPoP", dpop, {"algs": "ES256"}))
        if parameters is not None
    }
    assert challenges(sent) == expected
    assert sent.headers[b"cache-control"] == b"no-store"
    if path != "/edge":
        assert [value for name, value in sent.messages[0]["headers"] if name == b"dpop-nonce"] == [NONCE]


def test_the_claims_challenge_of_entra_and_what_follows() -> None:
    sent = post("/context", shown(iss=ENTRA, acrs=["c2"], xms_cc=["cp1"]))
    assert sent.status == 401
    found = challenges(sent)["Bearer"]
    assert found["error"] == "insufficient_claims"
    assert json.loads(b64decode(found["claims"])) == {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
    assert found["resource_metadata"] == METADATA
    assert post("/context", shown(iss=ENTRA, acrs=["c2", "c1"], xms_cc=["cp1"])).status == 200


def test_a_client_that_follows_a_challenge_is_let_in() -> None:
    asked = challenges(post("/transfer", shown(acr="low")))["Bearer"]["acr_values"].split()
    for value in asked:
        assert post("/transfer", shown(acr=value)).status == 200
    asked_for = challenges(post("/pay", shown("read")))["Bearer"]
    later = shown(asked_for["scope"], auth_time=int(NOW) - int(asked_for["max_age"]) + 1)
    assert post("/pay", later).status == 200


# --- The next nonce --------------------------------------------------------------------------------------------------


def test_a_round_trip_with_a_nonce() -> None:
    app = shop()
    first = post("/pay", proven("/pay", None, scope="pay", auth_time=int(NOW)), app)
    assert (first.status, challenges(first)["DPoP"]["error"]) == (401, "use_dpop_nonce")
    nonce = first.headers[b"dpop-nonce"].decode()
    second = post("/pay", proven("/pay", nonce, scope="pay", auth_time=int(NOW)), app)
    assert (second.status, second.headers[b"dpop-nonce"]) == (200, NONCE)


def nonces(sent: Sent) -> list[bytes]:
    return [value for name, value in sent.messages[0]["headers"] if name.lower() == b"dpop-nonce"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/docs", 200),
        ("/docs/", 307),
        ("/nowhere", 404),
        ("/pay", 405),
        ("/answers", 418),
        ("/missing", 404),
        ("/stream", 200),
    ],
)
def test_every_response_of_a_guarded_route_gives_the_next_nonce(path: str, status: int) -> None:
    app = shop()

    @app.get("/answers")
    async def answers() -> Response:
        return Response(status_code=418)

    @app.get("/missing")
    async def missing() -> None:
        raise HTTPException(404, headers={"x-own": "1"})

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for part in (b"a", b"b"):
                yield part

        return StreamingResponse(parts())

    payer = shown("pay", auth_time=int(NOW))
    sent = call(app, http_scope(path, headers=raw(payer)))
    assert (sent.status, nonces(sent)) == (status, [NONCE])


def test_one_that_stands_there_already_stays_alone() -> None:
    app = FastAPI()
    guard = Guard(app, default=person.valid, sources=Sources(MemoryStore()), clock=clock)

    @app.get("/own", dependencies=[guard.require(person.valid)])
    async def own() -> Response:
        return Response(headers={"DPoP-Nonce": "own"})

    inner = FastAPI()
    secret = Nonces(b"another secret of 32 octets is it")
    within = Bearer(
        Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api", dpop=DPoP(algorithms={"ES256"}, nonces=secret)
    )
    Guard(inner, default=within.valid, sources=Sources(MemoryStore()), clock=clock)
    app.mount("/inner", inner)
    assert nonces(call(app, http_scope("/own", headers=raw(shown())))) == [b"own"]
    assert nonces(call(app, http_scope("/inner/docs", headers=raw(shown())))) == [secret.make(NOW).encode()]


def test_a_websocket_gets_it_with_its_acceptance_and_with_its_refusal() -> None:
    app = FastAPI()
    guard = Guard(app, default=person.valid, sources=Sources(MemoryStore()), clock=clock)

    @app.websocket("/feed")
    async def feed(socket: WebSocket, access: Annotated[Access, guard.require(person.valid)]) -> None:
        await socket.accept()
        await socket.close()

    def handshake(headers: dict[str, str]) -> Sent:
        scope = {**http_scope("/feed", headers=raw(headers)), "type": "websocket", "scheme": "wss", "subprotocols": []}
        return call(app, {**scope, "extensions": {"websocket.http.response": {}}})

    accepted = handshake(shown())
    assert accepted.messages[0]["type"] == "websocket.accept"
    assert nonces(accepted) == [NONCE]
    refused = handshake({})
    assert refused.messages[0]["type"] == "websocket.http.response.start"
    assert nonces(refused) == [NONCE]


def test_a_refusal_decided_late_names_every_scheme_and_gives_the_nonce() -> None:
    guard = Guard(FastAPI(), default=person.valid, sources=Sources(MemoryStore()), clock=clock)

    def unguarded() -> FastAPI:
        other = FastAPI()

        @other.get("/late", dependencies=[guard.require(person.scope("pay"))])
        async def late() -> str:
            return "late"

        return other

    sent = call(unguarded(), http_scope("/late"))
    assert (sent.status, nonces(sent)) == (401, [NONCE])
    assert set(challenges(sent)) == {"Bearer", "DPoP"}
    other = unguarded()

    @other.exception_handler(401)
    async def mine(request: Any, error: Any) -> Response:
        return Response(status_code=401, headers=error.headers)

    sent = call(other, http_scope("/late"))
    assert sent.headers[b"www-authenticate"] == b'Bearer scope="pay", DPoP algs="ES256", scope="pay"'


# --- Metadata --------------------------------------------------------------------------------------------------------


def test_the_metadata_is_served_to_everybody() -> None:
    client = TestClient(shop())
    answer = client.get(WELL_KNOWN)
    assert answer.status_code == 200
    assert answer.json() == {
        "resource": "https://api.example/mcp",
        "authorization_servers": [ISSUER.url, ENTRA],
        "scopes_supported": ["pay"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "resource_name": "Shop",
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_head_is_answered_like_get_and_nothing_else_is() -> None:
    app = shop()
    got, headed = call(app, http_scope(WELL_KNOWN)), call(app, http_scope(WELL_KNOWN, "HEAD"))
    assert (headed.status, headed.body, headed.headers) == (200, b"", got.headers)
    assert int(headed.headers[b"content-length"]) == len(got.body)
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert call(app, http_scope(WELL_KNOWN, method)).status == 405
    for path in (WELL_KNOWN + "/", WELL_KNOWN + "x", "/.well-known/oauth-protected-resource"):
        assert call(app, http_scope(path)).status == 401


def test_challenges_point_where_it_is() -> None:
    client = TestClient(shop())
    pointed = read(client.post("/pay").headers.get_list("www-authenticate")[0])[1]["resource_metadata"]
    assert pointed == METADATA
    assert client.get(pointed.removeprefix("https://api.example")).json()["resource"] == "https://api.example/mcp"


def test_it_follows_the_policies() -> None:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock, resource=ProtectedResource("https://api.example/mcp"))
    client = TestClient(app)
    assert "scopes_supported" not in client.get(WELL_KNOWN).json()
    guard.require(token.scope("later"))
    assert client.get(WELL_KNOWN).json()["scopes_supported"] == ["later"]
    guard.protect("/docs", token.scope("docs"))
    assert client.get(WELL_KNOWN).json()["scopes_supported"] == ["docs", "later"]


def test_the_report_says_why_it_is_open() -> None:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock, resource=ProtectedResource("https://api.example/mcp"))
    (line,) = guard.report().open
    assert (line.path, line.methods) == (WELL_KNOWN, ("GET", "HEAD"))
    assert str(line) == "OPEN because clients read here where to get tokens (RFC 9728)"
    assert guard.report().problems == ()


def test_no_route_of_the_application_stands_before_it() -> None:
    app = FastAPI()

    @app.get("/{path:path}")
    async def everything(path: str) -> str:
        return path

    Guard(app, default=token.valid, clock=clock, resource=ProtectedResource("https://api.example/mcp"))
    assert TestClient(app).get(WELL_KNOWN).json()["resource"] == "https://api.example/mcp"
    assert TestClient(app).get("/other").status_code == 401


def test_it_is_not_in_the_applications_own_document() -> None:
    assert WELL_KNOWN not in shop().openapi()["paths"]


def test_without_a_resource_nothing_is_served_and_nothing_is_pointed_at() -> None:
    app = shop(resource=None)
    sent = call(app, http_scope(WELL_KNOWN))
    assert sent.status == 401
    assert "resource_metadata" not in challenges(sent)["Bearer"]


def test_what_is_no_resource_is_refused() -> None:
    for wrong in ("https://api.example", True):
        with pytest.raises(ConfigError, match="resource takes ProtectedResource"):
            Guard(FastAPI(), default=token.valid, resource=wrong)  # type: ignore[arg-type]
