"""The application of the one-time load test: a guarded FastAPI app that accepts each token or DPoP proof once.

Started by `benchmarks.one_time`, a process for each worker; its store and its issuer stand in the environment.

    python -m benchmarks.one_time_app FD                                  serve on a listening socket that was inherited
    uvicorn --factory benchmarks.one_time_app:create_app --workers 4      the usual way, all workers on one port
"""

# No `from __future__ import annotations`: FastAPI could not resolve a requirement that is local to a function.
import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import uvicorn
from fastapi import FastAPI

from benchmarks.material import AUDIENCE, ISSUER
from benchmarks.one_time_client import PATH
from benchmarks.sites import async_store
from zerotrust import Bearer, Issuer, Sources
from zerotrust.fastapi import Access, Guard
from zerotrust.verifiers.dpop import DPoP

STORE: Final = "ONE_TIME_STORE"
DURABLE: Final = "ONE_TIME_DURABLE"
KEYS: Final = "ONE_TIME_KEYS"
WHAT: Final = "ONE_TIME_WHAT"
"""Names of environment variables: the store's URL, `1` or `0`, the path of the issuer's key set, what counts once."""

TOKENS: Final = "tokens"
PROOFS: Final = "proofs"

_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG, prctl(2)


def create_app() -> FastAPI:
    """One route; the answer says which worker gave it."""
    keys = json.loads(Path(os.environ[KEYS]).read_text())
    proofs = os.environ[WHAT] == PROOFS
    token = Bearer(
        Issuer(ISSUER, keys=keys, algorithms={"ES256"}),
        audience=AUDIENCE,
        one_time=not proofs,
        dpop=DPoP(required=True) if proofs else None,
    )
    store = async_store(os.environ[STORE], durable=os.environ[DURABLE] == "1")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with store:
            yield

    app = FastAPI(openapi_url=None, lifespan=lifespan)
    guard = Guard(app, sources=Sources(store), default=token.valid)
    guard.open("/ready", because="whoever starts the workers asks whether they are up")

    @app.get("/ready")
    async def ready() -> dict[str, int]:
        return {"worker": os.getpid()}

    @app.get(PATH)
    async def once(access: Annotated[Access, guard.require(token.valid)]) -> dict[str, str | int]:
        return {"subject": access[token].subject, "worker": os.getpid()}

    return app


def serve(descriptor: int) -> None:
    """Serve on an inherited socket that listens already, so that nobody has to wait for the port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    config = uvicorn.Config(create_app, factory=True, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    serve(int(sys.argv[1]))
