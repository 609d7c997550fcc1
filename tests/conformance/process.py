"""The process that each door is forked from, so that what all of them import is imported once.

`python -m tests.conformance.process FD`. By standard input comes what issuers have published. By the socket FD comes a
line for each door, `DOOR SERVER`, with the sockets it is given; back goes its process id.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any

from examples.doors.serving import DOORS, SERVERS
from tests.conformance.clients import answers_of
from tests.conformance.wire import Request, plain
from tests.conformance.world import setting

IMPORTED = (
    *(f"examples.doors.{door.module}" for door in DOORS.values()),
    "uvicorn", "uvicorn.protocols.http.httptools_impl", "uvicorn.protocols.websockets.auto", "uvicorn.lifespan.on",
    "hypercorn.asyncio", "gunicorn.app.base", "gunicorn.workers.sync", "django.core.wsgi", "django.core.asgi",
    "django.core.servers.basehttp", "django.test", "starlette.testclient", "httpx", "werkzeug.test",
)  # fmt: skip


def main() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.CRITICAL)
    published: dict[str, Any] = json.loads(sys.stdin.readline())
    for name in IMPORTED:
        import_module(name)
    children: list[int] = []
    with socket.socket(fileno=int(sys.argv[1])) as control:
        while (received := socket.recv_fds(control, 100, 2))[0]:
            door, server = received[0].decode().split()
            pid = os.fork()
            if pid == 0:
                control.close()
                _be(door, server, published, [socket.socket(fileno=fd) for fd in received[1]])
            for fd in received[1]:
                os.close(fd)
            children.append(pid)
            control.sendall(str(pid).encode())
    for pid in children:  # which have ended, unless whoever asked them was stopped
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _be(door: str, server: str, published: dict[str, Any], given: list[socket.socket]) -> None:
    """Be one door, to the end of this process: on a server, or asked by its client over the first socket."""
    os.setsid()
    try:
        app = DOORS[door].app(setting(published))
        if server == "client":
            with given[0].makefile("rw") as talk:
                requests = [_request(one) for one in json.loads(talk.readline())]
                talk.write(json.dumps(plain(answers_of(door, app, requests))))
        else:
            SERVERS[server](app, given[1])
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(0)


def _request(said: dict[str, Any]) -> Request:
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in said["headers"])
    host = None if said["host"] is None else said["host"].encode("latin-1")
    return Request(
        said["method"], said["target"].encode("latin-1"), headers, said["body"].encode("latin-1"), host,
        said["version"], said["upgrade"],
    )  # fmt: skip


def told_to(request: Request) -> dict[str, Any]:
    """`request` for `_request`."""
    return {
        "method": request.method,
        "target": request.target.decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers],
        "body": request.body.decode("latin-1"),
        "host": None if request.host is None else request.host.decode("latin-1"),
        "version": request.version,
        "upgrade": request.upgrade,
    }


if __name__ == "__main__":
    main()
