"""Views that stream, and note what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path

from tests.asgi.lasting import minted
from zerotrust.core.errors import Denied
from zerotrust.django import access
from zerotrust.web.ambient import current_access

ended: list[str] = []  # how each stream did
kept: list[object] = []  # so that no garbage collector ends them
pause: list[Callable[[], None]] = []  # what happens between the parts of one that blocks


async def _every(seconds: float) -> AsyncIterator[str]:
    try:
        while True:
            assert current_access() is not None
            yield "x"
            await asyncio.sleep(seconds)
    except BaseException as error:
        ended.append(type(error).__name__)
        raise
    finally:
        ended.append("closed")


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    parts = _every(float(request.GET.get("every", 10_000)))
    kept.append(parts)
    return StreamingHttpResponse(parts, content_type=request.GET.get("type", "text/csv"))


async def silent(request: HttpRequest) -> StreamingHttpResponse:
    async def never() -> AsyncIterator[str]:
        await asyncio.sleep(10_000)
        yield "x"

    return StreamingHttpResponse(never(), content_type="text/event-stream")


async def stubborn(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        for _ in range(9):
            try:
                yield "x"
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                ended.append("swallowed")

    return StreamingHttpResponse(parts())


async def renewing(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        yield "x"
        try:
            await access(request).renew({"authorization": f"Bearer {minted(300, subject=request.GET['as'])}"})
            yield "renewed"
        except Denied as denied:
            yield denied.decision.reason.code
        await asyncio.sleep(10_000)

    return StreamingHttpResponse(parts(), content_type="text/event-stream")


def blocking(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        for _ in range(5):
            yield b"x"
            pause[0]()

    return StreamingHttpResponse(parts(), content_type=request.GET.get("type", "text/csv"))


async def awaited(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x"
            pause[0]()

    return StreamingHttpResponse(parts(), content_type=request.GET.get("type", "text/csv"))


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"))


def behind(get_response: Any) -> Any:
    """Middleware that only blocks."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)
        return response

    return middleware


urlpatterns = [
    path("stream/", stream),
    path("silent/", silent),
    path("stubborn/", stubborn),
    path("renewing/", renewing),
    path("blocking/", blocking),
    path("awaited/", awaited),
    path("file/", file),
]
