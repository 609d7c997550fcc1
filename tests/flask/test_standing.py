"""Streaming responses of views are cut when their access ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask, Response

from tests.asgi.lasting import ISSUER, NOW, REVOCATION, shown, token
from zerotrust import Sources
from zerotrust.driver import run
from zerotrust.flask import Guard
from zerotrust.stores.memory import MemoryStore
from zerotrust.wsgi.standing import Cut


class World:
    """An application that streams, and its clock."""

    def __init__(self, kind: str) -> None:
        self.now = NOW
        self.store = MemoryStore()
        self.ended = False
        app = Flask(__name__)
        self.guard = Guard(app, default=token.valid, sources=Sources(self.store), clock=lambda: self.now)

        @app.get("/")
        def stream() -> Response:
            return Response(self.parts(), mimetype=kind)

        @app.get("/whole")
        def whole() -> str:
            self.now += 1000
            return "ok"

        self.client = app.test_client()

    def parts(self) -> Iterator[str]:
        try:
            for _ in range(5):
                yield "data: 1\n\n"
        finally:
            self.ended = True


def test_a_stream_is_cut_when_its_token_expires() -> None:
    world = World("text/csv")
    response = world.client.get("/", headers=shown(), buffered=False)
    parts = response.iter_encoded()
    assert next(parts) == b"data: 1\n\n"
    world.now += 100
    with pytest.raises(Cut, match="expired"):
        next(parts)
    response.close()
    assert world.ended


def test_a_stream_of_events_ends_when_its_token_is_revoked() -> None:
    world = World("text/event-stream")
    response = world.client.get("/", headers=shown(), buffered=False)
    parts = response.iter_encoded()
    assert next(parts) == b"data: 1\n\n"
    run(REVOCATION.revoke_subject(ISSUER.url, "alice", world.now), Sources(world.store))
    world.guard.recheck()
    assert list(parts) == []
    response.close()
    assert world.ended


def test_what_is_whole_is_sent_as_it_is() -> None:
    world = World("text/csv")
    assert world.client.get("/whole", headers=shown()).data == b"ok"
    assert world.client.get("/", headers=shown(3000)).data == b"data: 1\n\n" * 5
