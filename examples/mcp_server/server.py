"""Notes over the Model Context Protocol. Every user has their own; agents may look at them.

With an identity provider of your own, on port 8900:

    ISSUER=https://login.example.com RESOURCE=https://notes.example.com/mcp \
        uvicorn --factory --no-proxy-headers --port 8900 examples.mcp_server.server:create_app

`python -m examples.mcp_server` brings an issuer along instead, and tokens to try.
"""

import os
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route

from examples.mcp_server.gate import ToolGate
from examples.mcp_server.policies import Policies
from zerotrust import Sources
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.http import AsyncHttpFetcher
from zerotrust.web.resource import ProtectedResource


def create_mcp(policies: Policies) -> MCPServer:
    """The tools. They get the evidence that let their caller in, and never a token."""
    mcp = MCPServer("notes")
    notes: defaultdict[str, list[str]] = defaultdict(list)
    token = policies.token

    @mcp.tool()
    def list_notes(context: Context) -> list[str]:
        """The user's notes, oldest first."""
        return notes[access_of(context)[token].subject]

    @mcp.tool()
    def add_note(text: str, context: Context) -> str:
        """Write a note down for the user."""
        said = access_of(context)[token]
        by = "" if said.actor is None else f" (by {said.actor.subject})"
        notes[said.subject].append(text + by)
        return f"noted{by}"

    return mcp


def access_of(context: Context) -> Access:
    """What let the caller of a tool in; the gate put it into the request."""
    request: Any = context.request_context.request
    access: object = request.state.access
    assert isinstance(access, Access)  # the gate lets no call of a tool pass without
    return access


def create_app(
    issuer: str | None = None,
    resource: str | None = None,
    sources: Sources | None = None,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The application. Tests pass their own issuer, sources and clock."""
    issuer = issuer or os.environ["ISSUER"]
    resource = resource or os.environ["RESOURCE"]
    policies = Policies(issuer, resource)
    mcp = create_mcp(policies)
    fetcher = AsyncHttpFetcher()
    sources = sources or Sources(fetcher)
    protected = ProtectedResource(resource, name="Notes")

    parts = urlsplit(resource)
    # No sessions: each request carries its token and is decided about. The specification forbids to take a session for
    # an authentication. `Host` and `Origin` are checked against DNS rebinding.
    inner = mcp.streamable_http_app(
        stateless_http=True,
        json_response=True,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[parts.netloc], allowed_origins=[f"{parts.scheme}://{parts.netloc}"]
        ),
        streamable_http_path=parts.path,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with fetcher, mcp.session_manager.run():
            yield

    gate = ToolGate(inner, tools=policies.tools, resource=protected, sources=sources, clock=clock)
    app = Starlette(routes=[Route(parts.path, gate, methods=["POST"])], lifespan=lifespan)
    Guard(app, default=policies.connect, sources=sources, resource=protected, clock=clock)
    return app
