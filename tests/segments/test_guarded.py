"""A table in front of a FastAPI application: the path decided on is the one that the router takes."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import pytest
from fastapi import FastAPI

from tests.fastapi.world import call, http_scope
from tests.segments.peers import NOW, peer_certificate, workload
from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.core.request import AccessRequest
from zerotrust.fastapi import Guard
from zerotrust.segments import Flow, Segments
from zerotrust.web.peers import Connection, Peers

WEB = "spiffe://prod.example/web"
TABLE = Segments([Flow(WEB, "ledger", "GET", ["/accounts/{id}", "/files/**"])], service="ledger")


class Named(Peers):
    """The peer is a workload, whose certificate the connection showed."""

    def __init__(self, uri: str | None) -> None:
        self.uri = uri

    def peer(self, request: AccessRequest, connection: Connection) -> Peer | None:
        return None if self.uri is None else Peer(workload(self.uri).ders)


def build(uri: str | None) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    Guard(app, default=TABLE.policy(peer_certificate()), clock=lambda: NOW, peers=Named(uri))

    @app.get("/accounts/{id}")
    @app.post("/accounts/{id}")
    async def account(id: str) -> str:  # noqa: A002 - a path's name
        return id

    @app.get("/files/{rest:path}")
    async def file(rest: str) -> str:
        return rest

    return app


@pytest.mark.parametrize(
    ("uri", "method", "path", "status"),
    [
        (WEB, "GET", "/accounts/7", 200),
        (WEB, "GET", "/accounts/a@b", 200),
        (WEB, "GET", "/files/", 200),
        (WEB, "GET", "/files/a/b", 200),
        (WEB, "POST", "/accounts/7", 403),
        (WEB, "GET", "/files//etc/passwd", 403),
        (WEB, "GET", "/files/../accounts/7", 403),
        (WEB, "GET", "/files/a;b", 403),
        ("spiffe://prod.example/other", "GET", "/accounts/7", 403),
    ],
)
def test_who_is_let_in(uri: str, method: str, path: str, status: int) -> None:
    assert call(build(uri), {**http_scope(path), "method": method}).status == status


def test_without_a_peer_nobody_is_let_in() -> None:
    assert call(build(None), http_scope("/accounts/7")).status in {401, 403}


def test_a_door_that_does_not_know_the_peer_is_told_so_where_it_is_made() -> None:
    with pytest.raises(ConfigError, match="nobody says who the peer of a connection is"):
        Guard(FastAPI(), default=TABLE.policy(peer_certificate()))
