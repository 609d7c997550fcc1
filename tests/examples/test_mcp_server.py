"""The MCP example over HTTP: called by the Model Context Protocol's own client, and by hand where no client goes."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import uvicorn
from mcp import Client, MCPError
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from examples.mcp_server.gate import MOST, ToolGate
from examples.mcp_server.policies import READ, WRITE, Policies
from examples.mcp_server.server import create_app
from tests.examples.login import Login
from zerotrust import Sources
from zerotrust.testing import IssuerSource, LocalIssuer, act_chain
from zerotrust.verifiers.delegation import Actor
from zerotrust.web.resource import ProtectedResource

pytestmark = pytest.mark.e2e

BOTH = f"{READ} {WRITE}"
PATIENCE = 30.0
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading the trusted authorities for each client takes a while
CALLBACK = AnyUrl("http://127.0.0.1:9/callback")  # nobody listens there, and nobody goes there


class World(NamedTuple):
    """A running MCP server, and whom it takes tokens from."""

    url: str
    login: Login

    @property
    def metadata(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path}"


@contextmanager
def serving(make: Callable[[str], ASGIApp]) -> Iterator[str]:
    """Serve what `make` makes of its own base URL, on a free port, until the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(make(url), log_level="warning", ws="none"))
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="uvicorn")
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()
        assert not thread.is_alive(), "uvicorn did not stop"


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    logins: list[Login] = []

    def log_in(url: str) -> ASGIApp:
        logins.append(Login(url))
        return logins[0].app

    with serving(log_in) as issuer:
        clock = logins[0].issuer.clock  # it stands still, and so does the server's
        sources = Sources(IssuerSource(logins[0].issuer))
        with serving(lambda url: create_app(issuer, f"{url}/mcp", sources, clock)) as url:
            yield World(f"{url}/mcp", logins[0])


@pytest.fixture
def world(running: World) -> World:
    """The servers of this file, with a user who was never there before."""
    running.login.begin_anew()
    return running


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def within() -> None:
        async with asyncio.timeout(PATIENCE):
            await test()

    asyncio.run(within())


@asynccontextmanager
async def connected(world: World, auth: httpx2.Auth | str, mode: Any = "auto") -> AsyncIterator[Client]:
    """The Model Context Protocol's own client, with a token or with a way to get one."""
    headers = {"Authorization": f"Bearer {auth}"} if isinstance(auth, str) else {}
    async with (
        httpx2.AsyncClient(
            auth=None if isinstance(auth, str) else auth,
            headers=headers,
            timeout=PATIENCE,
            trust_env=False,
            verify=NO_TLS,
        ) as http,
        Client(streamable_http_client(world.url, http_client=http), mode=mode) as client,
    ):
        yield client


def said(result: Any) -> Any:
    assert not result.is_error, result
    return result.structured_content["result"]


def post(world: World, token: str | None, body: object, **headers: str) -> httpx2.Response:
    with httpx2.Client(timeout=PATIENCE, trust_env=False, verify=NO_TLS) as http:
        sent = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **({} if token is None else {"Authorization": f"Bearer {token}"}),
            **headers,
        }
        return http.post(world.url, headers=sent, content=body if isinstance(body, bytes) else json.dumps(body))


def call(name: object, **arguments: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


LIST = call("list_notes")


def challenge(answer: httpx2.Response) -> dict[str, str]:
    """The parameters of the only challenge of `answer`."""
    (value,) = answer.headers.get_list("www-authenticate")
    scheme, _, parameters = value.partition(" ")
    assert scheme == "Bearer"
    return dict(re.findall(r'(\w+)="([^"]*)"', parameters))


# --- The client of the protocol's authors ----------------------------------------------------------------------------
class Keyring:
    """Where a client keeps what it has; the client was registered before."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = OAuthClientInformationFull(
            client_id="desk", redirect_uris=[CALLBACK], token_endpoint_auth_method="none"
        )

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def signing_in(world: World) -> OAuthClientProvider:
    """A client that knows the server's URL and nothing else, and a browser that goes where it is sent."""
    landed: list[dict[str, list[str]]] = []

    async def browse(url: str) -> None:
        async with httpx2.AsyncClient(timeout=PATIENCE, trust_env=False, verify=NO_TLS) as browser:
            answer = await browser.get(url)
        landed.append(parse_qs(urlsplit(answer.headers["location"]).query))

    async def landing() -> AuthorizationCodeResult:
        found = landed.pop()
        return AuthorizationCodeResult(code=found["code"][0], state=found["state"][0], iss=found["iss"][0])

    metadata = OAuthClientMetadata(redirect_uris=[CALLBACK], token_endpoint_auth_method="none", client_name="desk")
    return OAuthClientProvider(world.url, metadata, Keyring(), browse, landing)


def test_a_client_finds_its_way_in_and_up_by_the_challenges_alone(world: World) -> None:
    async def test() -> None:
        async with connected(world, signing_in(world)) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == {"list_notes", "add_note"}
            assert world.login.asked == [(READ, world.url)]  # no more than the 401 asked for, for this server alone
            assert said(await client.call_tool("list_notes")) == []
            assert len(world.login.asked) == 1
            # 403 insufficient_scope: it goes and asks for what is missing, once, and calls again.
            assert said(await client.call_tool("add_note", {"text": "milk"})) == "noted"
            assert [set(scope.split()) for scope, _ in world.login.asked[1:]] == [{READ, WRITE}]
            assert said(await client.call_tool("list_notes")) == ["milk"]
            assert len(world.login.asked) == 2

    run(test)


@pytest.mark.parametrize("mode", ["auto", "legacy"])  # the revision without sessions, and those before it
def test_an_agent_reads_for_its_user_and_does_not_write(world: World, mode: str) -> None:
    user = world.login.mint(world.url, BOTH)
    agent = world.login.mint(world.url, BOTH, "agent")

    async def test() -> None:
        async with connected(world, user, mode) as client:
            assert said(await client.call_tool("add_note", {"text": "milk"})) == "noted"
        async with connected(world, agent, mode) as client:
            assert said(await client.call_tool("list_notes")) == ["milk"]  # ada's, since it is for ada that it asks
            with pytest.raises(MCPError):
                await client.call_tool("add_note", {"text": "champagne"})
            assert said(await client.call_tool("list_notes")) == ["milk"]

    run(test)


def test_an_agent_is_not_sent_for_scopes_that_would_not_help_it(world: World) -> None:
    """Nobody stops being an agent by signing in again: 403 without a challenge, so that no client goes in circles."""
    world.login.actors = ("agent",)

    async def test() -> None:
        async with connected(world, signing_in(world)) as client:
            assert said(await client.call_tool("list_notes")) == []
            with pytest.raises(MCPError):
                await client.call_tool("add_note", {"text": "champagne"})
            assert len(world.login.asked) == 1

    run(test)


# --- By hand ---------------------------------------------------------------------------------------------------------
def test_no_token(world: World) -> None:
    for body in (LIST, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, b"\xff", b""):
        answer = post(world, None, body)
        assert answer.status_code == 401
        assert challenge(answer) == {"scope": READ, "resource_metadata": world.metadata}


def test_the_metadata_is_where_the_challenge_says(world: World) -> None:
    with httpx2.Client(timeout=PATIENCE, trust_env=False, verify=NO_TLS) as http:
        answer = http.get(challenge(post(world, None, LIST))["resource_metadata"])
    assert answer.status_code == 200
    assert answer.json() == {
        "resource": world.url,
        "authorization_servers": [world.login.issuer.url],
        "scopes_supported": [READ],
        "bearer_methods_supported": ["header"],
        "resource_name": "Notes",
    }


@pytest.mark.parametrize("audience", ["https://notes.example/mcp", "api", "{url}/", "{origin}", "{url}/admin"])
def test_a_token_for_anybody_else(world: World, audience: str) -> None:
    origin = world.url.removesuffix("/mcp")
    token = world.login.mint(audience.format(url=world.url, origin=origin), BOTH)
    answer = post(world, token, LIST)
    assert answer.status_code == 401
    assert challenge(answer)["error"] == "invalid_token"
    assert challenge(answer)["resource_metadata"] == world.metadata


def test_an_expired_token(world: World) -> None:
    issuer = world.login.issuer
    answer = post(world, issuer.mint(audience=world.url, scope=BOTH, now=issuer.clock() - 3600), LIST)
    assert (answer.status_code, challenge(answer)["error"]) == (401, "invalid_token")


def test_a_token_in_the_url(world: World) -> None:
    url = f"{world.url}?access_token={world.login.mint(world.url, BOTH)}"
    assert post(world._replace(url=url), None, LIST).status_code == 401


@pytest.mark.parametrize("body", [LIST, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}])
def test_no_scope_to_connect(world: World, body: object) -> None:
    answer = post(world, world.login.mint(world.url, WRITE), body)
    assert answer.status_code == 403
    assert challenge(answer) == {"error": "insufficient_scope", "scope": READ, "resource_metadata": world.metadata}


def test_no_scope_for_the_tool(world: World) -> None:
    answer = post(world, world.login.mint(world.url, READ), call("add_note", text="milk"))
    assert answer.status_code == 403
    assert answer.headers["cache-control"] == "no-store"
    told = challenge(answer)
    assert (told["error"], told["resource_metadata"]) == ("insufficient_scope", world.metadata)
    assert set(told["scope"].split()) == {READ, WRITE}  # all at once, not one after the other


@pytest.mark.parametrize(
    ("actors", "tool", "status"),
    [
        ((), "add_note", 200),
        (("agent",), "list_notes", 200),
        (("agent",), "add_note", 403),
        (("importer",), "add_note", 200),
        (("importer", "agent"), "list_notes", 200),
        (("importer", "agent"), "add_note", 403),  # it may for users, not because an agent asked it to
        (("agent", "importer"), "add_note", 403),  # who acted before lends nothing
        (("importer", "importer"), "add_note", 403),
        (("importer", "agent", "other"), "list_notes", 401),  # longer than any chain that is believed here
    ],
)
def test_who_acts(world: World, actors: tuple[str, ...], tool: str, status: int) -> None:
    answer = post(
        world, world.login.mint(world.url, BOTH, *actors), call(tool, **({"text": "x"} if "add" in tool else {}))
    )
    assert answer.status_code == status, answer.text
    if status == 403:
        assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"{", b'"tools/call"', b"\xef\xbb\xbf{}",
        json.dumps([call("add_note", text="x")]).encode(),  # a batch
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"add_note"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_notes","name":"add_note"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_notes"},"params":{"name":"add_note"}}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_body_that_two_readers_could_read_in_two_ways(world: World, body: bytes) -> None:
    answer = post(world, world.login.mint(world.url, READ), body)
    assert answer.status_code == 400
    assert said_nothing(world)


@pytest.mark.parametrize("name", ["", "Add_note", "add_note ", "delete_everything", None, 7, ["add_note"], {"a": 1}])
def test_a_tool_without_a_policy_cannot_be_called(world: World, name: object) -> None:
    assert post(world, world.login.mint(world.url, BOTH), call(name, text="x")).status_code == 400
    assert said_nothing(world)


def test_a_body_too_large(world: World) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"x":"' + b"x" * MOST + b'"}}'
    assert post(world, world.login.mint(world.url, READ), body).status_code == 413


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_one_method(world: World, method: str) -> None:
    token = world.login.mint(world.url, READ)
    with httpx2.Client(timeout=PATIENCE, trust_env=False, verify=NO_TLS) as http:
        assert http.request(method, world.url).status_code == 401
        assert http.request(method, world.url, headers={"Authorization": f"Bearer {token}"}).status_code == 405


def test_another_host_or_origin(world: World) -> None:
    token = world.login.mint(world.url, BOTH)
    assert post(world, token, LIST, Host="evil.example").status_code == 421
    assert post(world, token, LIST, Origin="https://evil.example").status_code == 403


def said_nothing(world: World) -> bool:
    answer = post(world, world.login.mint(world.url, READ), LIST)
    return bool(answer.json()["result"]["structuredContent"]["result"] == [])


# --- The gate alone --------------------------------------------------------------------------------------------------
def test_what_tools_get_to_see() -> None:
    """The evidence, and nothing that could be passed on to an API behind them."""
    issuer = LocalIssuer(algorithms=["ES256"])
    policies = Policies(issuer.url, "https://notes.example/mcp")
    seen: list[Scope] = []
    bodies: list[bytes] = []

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        bodies.append((await receive())["body"])
        await JSONResponse({})(scope, receive, send)

    gate = ToolGate(
        server,
        tools=policies.tools,
        resource=ProtectedResource("https://notes.example/mcp"),
        sources=Sources(IssuerSource(issuer)),
        clock=issuer.clock,
    )
    token = issuer.mint(subject="ada", audience="https://notes.example/mcp", scope=BOTH, act=act_chain("agent"))
    headers = {"Authorization": f"Bearer {token}", "Cookie": "a=b", "DPoP": "proof", "Mcp-Method": "x"}
    client = TestClient(gate)
    assert client.post("/mcp", json=LIST, headers=headers).status_code == 200
    assert client.post("/mcp", json={"jsonrpc": "2.0", "method": "ping"}, headers=headers).status_code == 200
    called, pinged = seen
    assert json.loads(bodies[0]) == LIST
    assert token not in repr(called)
    assert b"mcp-method" in dict(called["headers"])
    assert not {b"authorization", b"cookie", b"dpop"} & set(dict(called["headers"]))
    assert called["state"]["access"][policies.token].actor == Actor("agent")
    assert pinged["state"]["access"] is None
    assert client.post("/mcp", json=call("add_note"), headers=headers).status_code == 403
    assert len(seen) == 2
