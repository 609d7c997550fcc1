"""Streaming responses of views are cut when their access ends, whatever kind of server they are sent by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import override_settings

from tests.asgi.lasting import NOW, shown, token
from tests.django.world import ISSUER, ZEROTRUST, get
from tests.fastapi.world import http_scope, raw
from zerotrust import Sources, anyone, seconds
from zerotrust.core.policy import Policy
from zerotrust.django import recheck
from zerotrust.django.door import door
from zerotrust.django.sending import stream
from zerotrust.stores.memory import MemoryStore
from zerotrust.web.asgi_request import access_request
from zerotrust.web.gate import Checkpoint, Gate, Passed, Style
from zerotrust.wsgi.standing import Cut


class World:
    """One response that was let in, and its clock."""

    def __init__(self, style: Style, kind: str = "text/csv", *, awaited: bool = False, policy: Policy = token.valid):
        self.now = NOW
        sources = Sources(MemoryStore())
        gate = Gate(style, default=policy, sources=sources, clock=lambda: self.now)
        place = Checkpoint(gate.default, "/")
        asked = access_request(http_scope("/", headers=raw(shown())), NOW, sources)
        passed = asyncio.run(gate.admit_async(place, asked)) if style == "async" else gate.admit(place, asked)
        assert isinstance(passed, Passed)
        self.response: Any = StreamingHttpResponse(self._awaited() if awaited else self._parts(), content_type=kind)
        stream(self.response, passed.access, place, gate)

    def _parts(self) -> Iterator[bytes]:
        for _ in range(5):
            yield b"x"
            self.now += 40

    async def _awaited(self) -> AsyncIterator[bytes]:
        for part in self._parts():
            yield part

    def sent(self) -> list[bytes]:
        """What is sent, and `cut` where it breaks off."""
        found: list[bytes] = []
        try:
            if self.response.is_async:
                asyncio.run(self._collect(found))
            else:
                found.extend(self.response.streaming_content)
        except Cut:
            found.append(b"cut")
        return found

    async def _collect(self, found: list[bytes]) -> None:
        async for part in self.response.streaming_content:
            found += [part]


@pytest.mark.parametrize("style", ["blocking", "async"])
@pytest.mark.parametrize("awaited", [False, True])
def test_a_stream_is_cut_when_its_token_expires(style: Style, awaited: bool) -> None:
    assert World(style, awaited=awaited).sent() == [b"x", b"x", b"x", b"cut"]
    assert World(style, "text/event-stream", awaited=awaited).sent() == [b"x", b"x", b"x"]
    assert World(style, awaited=awaited, policy=anyone(because="public")).sent() == [b"x"] * 5


def test_the_guard_looks_at_what_views_stream() -> None:
    now = [ISSUER.clock()]
    with override_settings(ZEROTRUST={**ZEROTRUST, "RECHECK": seconds(30), "CLOCK": lambda: now[0]}):
        assert door("blocking").gate.rounds.interval == 30
        recheck()
        assert door("blocking").gate.rounds.count == 1
        parts = iter(get("/streaming/", {"authorization": f"Bearer {ISSUER.mint()}"}).streaming_content)
        assert next(parts) == b"alice"
        now[0] += 10_000
        with pytest.raises(Cut, match="expired"):
            next(parts)
