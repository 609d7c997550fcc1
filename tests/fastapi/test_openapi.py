"""The OpenAPI document says who may call an operation and how a refusal looks; of open ones it says nothing."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Security
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyHeader
from pydantic import BaseModel

from tests.fastapi.world import ISSUER, can_pay, can_read, clock, token
from zerotrust import (
    AccessRequest,
    Bearer,
    Evidence,
    Finding,
    Issuer,
    Question,
    Sources,
    Verified,
    Verifier,
    anyone,
)
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.carrier import Carrier
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.nonces import Nonces
from zerotrust.verifiers.profile import Profile


class Order(BaseModel):
    amount: int


def documented() -> tuple[FastAPI, dict[str, Any]]:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock)

    @app.post("/pay")
    async def pay(order: Order, access: Annotated[Access, guard.require(can_pay)]) -> str:
        return "paid"

    @app.get("/default", responses={403: {"description": "my own words"}})
    async def default() -> str:
        return "default"

    @app.get("/open", dependencies=[guard.require(anyone(because="a test"))])
    async def free() -> str:
        return "open"

    router = APIRouter(dependencies=[guard.require(can_read)])

    @router.get("/read")
    async def read(access: Annotated[Access, guard.require(token.scope("list"))]) -> str:
        return "read"

    app.include_router(router, prefix="/v1")
    return app, app.openapi()


def test_an_operation_says_what_it_requires() -> None:
    _, schema = documented()
    assert schema["paths"]["/pay"]["post"]["security"] == [{"bearer": ["pay"]}]
    assert schema["paths"]["/v1/read"]["get"]["security"] == [{"bearer": ["read", "list"]}]
    assert schema["paths"]["/default"]["get"]["security"] == [{"bearer": []}]
    assert schema["components"]["securitySchemes"]["bearer"] == {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token (RFC 6750).",
    }


def test_an_operation_says_how_it_refuses() -> None:
    _, schema = documented()
    for path, method in (("/pay", "post"), ("/default", "get"), ("/v1/read", "get")):
        responses = schema["paths"][path][method]["responses"]
        for status in ("401", "403", "503"):
            if path == "/default" and status == "403":
                assert responses[status] == {"description": "my own words"}
                continue
            assert responses[status]["content"] == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/AccessProblem"}}
            }
        assert "WWW-Authenticate" in responses["401"]["headers"]
    assert "code" in schema["components"]["schemas"]["AccessProblem"]["required"]


def test_the_access_is_no_parameter() -> None:
    _, schema = documented()
    assert "parameters" not in schema["paths"]["/pay"]["post"]
    assert schema["paths"]["/pay"]["post"]["requestBody"]["content"] == {
        "application/json": {"schema": {"$ref": "#/components/schemas/Order"}}
    }


def test_an_open_operation_asks_for_nothing() -> None:
    _, schema = documented()
    operation = schema["paths"]["/open"]["get"]
    assert "security" not in operation
    assert set(operation["responses"]) == {"200"}


def test_a_policy_without_tokens_names_no_token() -> None:
    class Network(Verifier[Evidence]):
        name = "network"

        def find(self, request: AccessRequest) -> Finding[Evidence]:
            return Verified(self.blank(0.0))

        def blank(self, now: float) -> Evidence:
            return Evidence("network", "here", 0.0, float("inf"))

    class Inside(Question[Evidence]):
        def holds(self, evidence: Evidence, now: float) -> bool:
            return True

    app = FastAPI()
    guard = Guard(app, default=Inside().leaf(Network()), clock=clock)

    @app.get("/default")
    async def default() -> str:
        return "default"

    @app.get("/required", dependencies=[guard.require(Inside().leaf(Network()))])
    async def required() -> str:
        return "required"

    schema = app.openapi()
    for path in ("/default", "/required"):
        assert "security" not in schema["paths"][path]["get"]
        assert "401" in schema["paths"][path]["get"]["responses"]


def test_the_document_follows_the_routes() -> None:
    app, first = documented()
    assert app.openapi() == first

    @app.get("/later")
    async def later() -> str:
        return "later"

    assert app.openapi()["paths"]["/later"]["get"]["security"] == [{"bearer": []}]


def test_requirements_document_themselves_in_a_document_made_by_hand() -> None:
    app, _ = documented()
    schema = get_openapi(title="by hand", version="1", routes=app.routes)
    assert schema["paths"]["/pay"]["post"]["security"] == [{"bearer": ["pay"]}]


def test_the_ways_to_present_a_token_are_alternatives() -> None:
    app = FastAPI()
    issuer = Issuer(ISSUER.url, keys=ISSUER.jwks())
    either = Bearer(issuer, audience="api", dpop=DPoP())
    only = Bearer(issuer, audience="api", dpop=DPoP(required=True, nonces=Nonces(bytes(range(32)))))
    guard = Guard(app, default=either.scope("read"), sources=Sources(MemoryStore()), clock=clock)
    key = APIKeyHeader(name="x-key")

    @app.get("/either", dependencies=[guard.require(either.scope("pay"))])
    async def of_either() -> str:
        return "either"

    @app.get("/only", dependencies=[guard.require(only.scope("pay")), Security(key)])
    async def of_only() -> str:
        return "only"

    @app.get("/default")
    async def default() -> str:
        return "default"

    by_hand = get_openapi(title="by hand", version="1", routes=app.routes)
    assert by_hand["paths"]["/either"]["get"]["security"] == [{"bearer": ["pay"]}]
    assert {"dpop": ["pay"]} in by_hand["paths"]["/only"]["get"]["security"]
    schema = app.openapi()
    assert schema["paths"]["/either"]["get"]["security"] == [{"bearer": ["pay"]}, {"dpop": ["pay"]}]
    assert schema["paths"]["/only"]["get"]["security"] == [{"APIKeyHeader": []}, {"dpop": ["pay"]}]
    assert schema["paths"]["/default"]["get"]["security"] == [{"bearer": ["read"]}, {"dpop": ["read"]}]
    schemes = schema["components"]["securitySchemes"]
    assert (schemes["dpop"]["type"], schemes["dpop"]["scheme"]) == ("http", "dpop")
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert "DPoP-Nonce" in schema["paths"]["/only"]["get"]["responses"]["401"]["headers"]
    assert "DPoP-Nonce" not in documented()[1]["paths"]["/pay"]["post"]["responses"]["401"]["headers"]


def test_what_a_proxy_brings_is_not_asked_of_callers() -> None:
    app = FastAPI()
    profile = Profile(carrier=Carrier(header="x-edge"))
    edge = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks(), profile=profile), audience="api")
    guard = Guard(app, default=edge.valid, clock=clock)

    @app.get("/edge", dependencies=[guard.require(edge.scope("pay"))])
    async def behind() -> str:
        return "edge"

    schema = app.openapi()
    assert "security" not in schema["paths"]["/edge"]["get"]
    assert "401" in schema["paths"]["/edge"]["get"]["responses"]
