"""What the tests with DPoP share: an application that takes bound tokens, and OAuth clients from npm that have them."""
# No `from __future__ import annotations`: FastAPI reads annotations of names that are local here.

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, NamedTuple

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from tests.e2e.servers import CLIENT_SECRET, PAYMENTS, Provider, Script
from zerotrust import Bearer, Issuer, Sources
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.http import AsyncHttpFetcher
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.dpop import DPoP


class Answered(NamedTuple):
    """A request that reached the application: how it was answered, and whether it had a proof."""

    status: int
    proven: bool


class Proving:
    """The application: `GET /whoami` and `POST /payments` for who has a token of `issuer` and, if bound, its key.

    Attributes:
        answered: the requests so far.
        ahead: seconds by which its clock is ahead of everybody else's.
    """

    def __init__(self, issuer: str, dpop: DPoP) -> None:
        self.answered: list[Answered] = []
        self.ahead = 0.0
        token = Bearer(Issuer(issuer), audience=PAYMENTS, dpop=dpop)
        fetcher = AsyncHttpFetcher()

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with fetcher:
                yield

        app = FastAPI(lifespan=lifespan)
        guard = Guard(
            app,
            sources=Sources(fetcher, MemoryStore()),
            default=token.valid,
            clock=lambda: time.time() + self.ahead,
        )

        @app.get("/whoami")
        async def whoami(access: Annotated[Access, guard.require(token.valid)]) -> dict[str, str | None]:
            return {"subject": access[token].subject}

        @app.post("/payments")
        async def pay(access: Annotated[Access, guard.require(token.scope("pay"))]) -> dict[str, str]:
            return {"paid by": access[token].subject}

        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answered.append(Answered(message["status"], any(name == b"dpop" for name, _ in scope["headers"])))
            await send(message)

        await self._app(scope, receive, sending)


class Response(NamedTuple):
    """What a client got for a request in the end."""

    status: int
    body: str
    challenge: str | None
    nonce: str | None

    @property
    def code(self) -> str:
        """Why it was refused."""
        return str(json.loads(self.body)["code"])


class Client:
    """An OAuth client of a package, with a token that `provider` bound to its key.

    Attributes:
        token: the access token.
        jkt: the thumbprint of its key (RFC 9449 section 6.1).
    """

    def __init__(
        self, script: Script, library: str, provider: Provider, name: str = "ada", algorithm: str = "ES256"
    ) -> None:
        self._script = script
        self._name = name
        told = self._tell(
            command="start",
            library=library,
            issuer=provider.issuer,
            client="prover",
            secret=CLIENT_SECRET,
            resource=PAYMENTS,
            scope="pay",
            algorithm=algorithm,
        )
        self.token = str(told["token"])
        self.jkt = str(told["jkt"])

    def fetch(self, url: str, method: str = "GET") -> Response:
        """Have the client make a request, as often as it tries."""
        return Response(**self._tell(command="fetch", method=method, url=url))

    def prove(self, url: str, method: str = "GET", *, nonce: str | None = None, token: str | None = None) -> str:
        """A proof for a request with `token`, its own if None."""
        return str(self._tell(command="prove", method=method, url=url, nonce=nonce, token=token or self.token)["proof"])

    def sign(self, header: dict[str, object], claims: dict[str, object]) -> str:
        """What `jose` makes of this with the client's key; `header` takes the place of its `jwk`, where it has one."""
        return str(self._tell(command="sign", header=header, claims=claims)["proof"])

    def _tell(self, **what: object) -> dict[str, Any]:
        told = self._script.tell(json.dumps({"name": self._name, **what}))
        assert "error" not in told, told["error"]
        return told
