"""The same applications over HTTP: one uvicorn process for each, a few kept connections that send one after another.

Answers for P16: requests per second beside the PyJWT dependency's and the open application's. Client and server share
the machine's cores, and loopback is noisy, so the goals are coarse; the whole of a request is what is measured.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Final

import uvicorn

from benchmarks import web
from benchmarks.harness import Case, Goal, Group, total, wall
from benchmarks.material import AUDIENCE, material
from benchmarks.one_time_client import Connection, Tally
from benchmarks.runner import Groups, main
from benchmarks.web_calls import App

LANES: Final = 8
BATCH: Final = 400
ROUNDS: Final = 31
_PATIENCE: Final = 30.0

VARIANTS: Final = (web.OPEN, web.PYJWT, web.OURS_SEEN, web.DEFAULT_SEEN, web.MIDDLEWARE_SEEN)


def serve(app: App, listener: socket.socket) -> None:
    """Serve `app` until this process is ended."""
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


def start(app: App, stack: ExitStack) -> int:
    """Serve `app` in a process of its own, which ends with `stack`; its port, which listens already."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
    # A fork has the application and its keys; a daemon ends with this process, whatever happens.
    process = multiprocessing.get_context("fork").Process(target=serve, args=(app, listener), daemon=True)
    process.start()
    stack.callback(partial(_end, process))
    return int(listener.getsockname()[1])


def _end(process: multiprocessing.process.BaseProcess) -> None:
    process.kill()
    process.join(_PATIENCE)


class Client:
    """A few connections to one port that are kept, and the loop they live in."""

    def __init__(self, port: int, token: str, loop: asyncio.AbstractEventLoop) -> None:
        self._port = port
        self._loop = loop
        self._tally = Tally()
        self._connections: list[Connection] = []
        self._request = (
            f"GET /accounts HTTP/1.1\r\nHost: {AUDIENCE}\r\nUser-Agent: benchmark\r\nAccept: application/json\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode()

    def seconds(self, number: int) -> float:
        """Send `number` requests; the seconds that passed until all were answered, each with 200."""
        return self._loop.run_until_complete(self._send(number))

    def once(self) -> bool:
        """Send one request; whether it was let in."""
        return self.seconds(1) > 0

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _send(self, number: int) -> float:
        while len(self._connections) < LANES:
            made = await self._loop.create_connection(lambda: Connection(self._tally), "127.0.0.1", self._port)
            self._connections.append(made[1])
        left = iter(range(number))
        began = wall()
        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(*(self._lane(connection, left) for connection in self._connections))
        taken = wall() - began
        self._tally.latencies = self._tally.latencies[:0]
        return taken

    async def _lane(self, connection: Connection, left: Iterator[int]) -> None:
        for _ in left:
            status, body = await connection.send(self._request)
            if status != 200:
                raise AssertionError(f"{status}: {body!r:.200}")


def http() -> Group:
    """Every variant with a good RS256 token, over loopback."""
    made = material("RS256")
    apps = web.apps(made)
    with ExitStack() as starting:
        ports = {name: start(apps[name], starting) for name in VARIANTS}
        running = starting.pop_all()
    loop = asyncio.new_event_loop()
    running.callback(loop.close)
    cases = []
    for name, port in ports.items():
        client = Client(port, made.good, loop)
        running.callback(client.close)
        cases.append(Case(name, client.once, client.seconds, bool, batch=BATCH))
    goals = [
        Goal(
            "P16",
            "requirement, token seen before: time, x PyJWT dependency's",
            1 / 2.1,
            total(web.OURS_SEEN, web.PYJWT),
        ),
        Goal(
            "P16", "guard, token seen before: time, x PyJWT dependency's", 1 / 2.1, total(web.DEFAULT_SEEN, web.PYJWT)
        ),
        Goal("P16", "guard, token seen before: time, x the open application's", 1 / 0.85, total(web.DEFAULT_SEEN)),
        Goal("P16", "middleware, token seen before: time, x the open one's", 1 / 0.85, total(web.MIDDLEWARE_SEEN)),
    ]
    notes = [f"{LANES} connections, each with one request under way; by the wall, client included"]
    about = "one FastAPI request over uvicorn, RS256 token; floor: open app"
    return Group("web over HTTP", about, cases, goals, notes, running.close)


GROUPS: Final[Groups] = {"http": http}

if __name__ == "__main__":
    sys.exit(main("benchmarks.web_http", GROUPS, rounds=ROUNDS))
