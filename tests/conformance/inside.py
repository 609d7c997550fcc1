"""Requests handed to an application in process, as a server would, without one."""

from __future__ import annotations

import asyncio
import io
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from tests.conformance.wire import HOST, Answer, Request

ADDRESS = ("127.0.0.1", 40_000)
SERVER = (HOST.decode(), 80)


def answers_of(app: Any, requests: list[Request], *, is_asgi: bool) -> list[Answer]:
    """What `app` answers, one after the other."""
    if not is_asgi:
        return [through_wsgi(app, request) for request in requests]

    async def all_of_them() -> list[Answer]:
        return [await through_asgi(app, request) for request in requests]

    return asyncio.run(all_of_them())


def _path(target: bytes) -> tuple[bytes, bytes]:
    path, _, query = target.partition(b"?")
    return path, query


async def through_asgi(app: Any, request: Request) -> Answer:
    path, query = _path(request.target)
    scope: dict[str, Any] = {
        "type": "websocket" if request.upgrade else "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": request.version,
        "scheme": "ws" if request.upgrade else "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.all_headers],
        "client": ADDRESS,
        "server": SERVER,
        "state": {},
        "extensions": {"websocket.http.response": {}},
    }
    first: dict[str, Any] = {"type": "http.request", "body": request.body, "more_body": False}
    if request.upgrade:
        first = {"type": "websocket.connect"}
        scope["subprotocols"] = []
    else:
        scope["method"] = request.method
    waiting = [first]
    done = asyncio.Event()
    sent: list[Any] = []

    async def receive() -> Any:
        if waiting:
            return waiting.pop()
        await done.wait()
        return {"type": "websocket.disconnect", "code": 1006} if request.upgrade else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    with suppress(Exception):  # Starlette raises again what it has answered with 500, for servers to log
        async with asyncio.timeout(20):
            await app(scope, receive, send)
    done.set()
    start = next((one for one in sent if one["type"].endswith("response.start")), None)
    if start is None:
        closed = any(one["type"] == "websocket.accept" for one in sent)
        return Answer(101 if closed else 403 if request.upgrade else 0)
    body = b"".join(one.get("body", b"") for one in sent if one["type"].endswith("response.body"))
    headers = tuple((name.lower(), value) for name, value in start.get("headers", ()))
    return Answer(start["status"], headers, body)


def through_wsgi(app: Any, request: Request) -> Answer:
    path, query = _path(request.target)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "RAW_URI": request.target.decode("latin-1"),
        "SERVER_NAME": SERVER[0],
        "SERVER_PORT": str(SERVER[1]),
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "REMOTE_ADDR": ADDRESS[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.all_headers:
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        if b"_" in name:
            continue  # as servers do that know of this
        held = environ.get(key)
        text = value.decode("latin-1")
        environ[key] = text if held is None else f"{held},{text}"
    begun: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        begun[:] = [status, headers]
        return written.append

    written: list[bytes] = []
    chunks = app(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, headers = begun
    made = tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers)
    return Answer(int(status[:3]), made, b"".join(written) + body)
