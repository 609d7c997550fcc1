"""The ledger as a plain ASGI application, behind `zerotrust.asgi.Guard`."""

from __future__ import annotations

import asyncio
import json

from examples.doors.ledger import Ledger
from examples.doors.plain import reply
from examples.doors.policies import token
from examples.doors.rules import rules_of
from examples.doors.setting import Setting
from zerotrust.asgi import Guard
from zerotrust.asgi.types import Receive, Scope, Send
from zerotrust.web.ambient import current_access

_MOST = 100_000  # bytes of an order


def create_app(setting: Setting) -> Guard:
    ledger, pages = setting.ledger, frozenset(setting.pages)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "websocket":
            await rates(scope["path"], receive, send)
        else:
            method, path = scope["method"], scope["path"]
            order = await body(receive) if method == "POST" else b""
            if path == "/feed" and method == "GET":
                await feed(ledger, receive, send)
                return
            made = reply(ledger, pages, method, path, order)
            headers = [(name.encode(), value.encode()) for name, value in made.headers]
            await send({"type": "http.response.start", "status": made.status, "headers": headers})
            for chunk in () if method == "HEAD" else made.body:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    return Guard(app, rules_of(setting), sources=setting.sources, recorder=setting.recorder, clock=setting.clock)


async def feed(ledger: Ledger, receive: Receive, send: Send) -> None:
    access = current_access()
    assert access is not None, "a guard stands before this"
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def events(subject: str) -> None:
        async for event in ledger.feed(subject):
            await send({"type": "http.response.body", "body": event, "more_body": True})

    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(events(access[token].subject))
        while (await receive())["type"] != "http.disconnect":
            pass
        sending.cancel()


async def rates(path: str, receive: Receive, send: Send) -> None:
    await receive()
    access = current_access()
    if path != "/rates" or access is None:
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps({"for": access[token].subject, "EUR": 100})})
    await send({"type": "websocket.close"})


async def body(receive: Receive) -> bytes:
    read = b""
    while len(read) <= _MOST:
        message = await receive()
        read += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return read
