"""Workers of the one-time load test, forked off a process that has imported what they run: that takes each a second.

python -m tests.e2e.forked FD       what `Forker` starts: it takes orders on an inherited socket until that is shut
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.servers import PATIENCE

ROOT = Path(__file__).parents[2]
_READY: Final = b"."
_END: Final = b"end"
_ONCE_FOR_ALL: Final = (
    *("benchmarks.one_time_app", "zerotrust.stores.redis.asynchronous", "zerotrust.stores.sqlite.asynchronous"),
    *("pydantic.v1", "uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.protocols.http.auto"),
)

Way = Callable[[Mapping[str, str]], AbstractContextManager[list[int]]]


# --- In the tests ----------------------------------------------------------------------------------------------------
class Forker:
    """Has workers forked; `own_ports` and `one_port` stand in for the ways of `benchmarks.one_time`.

    Args:
        workers: how many.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.e2e.forked", str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
        self._orders.settimeout(PATIENCE)

    @contextmanager
    def own_ports(self, environment: Mapping[str, str]) -> Iterator[list[int]]:
        """Each worker on a port of its own."""
        with self._running(environment, self._workers) as ports:
            yield ports

    @contextmanager
    def one_port(self, environment: Mapping[str, str]) -> Iterator[list[int]]:
        """All workers on one listening socket, as those of `uvicorn --workers` are."""
        with self._running(environment, 1) as ports:
            yield ports * self._workers

    @contextmanager
    def _running(self, environment: Mapping[str, str], ports: int) -> Iterator[list[int]]:
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(ports)]
        given = [listener.fileno() for listener in listeners * (self._workers // ports)]
        socket.send_fds(self._orders, [json.dumps(dict(environment)).encode()], given)
        found = [int(listener.getsockname()[1]) for listener in listeners]
        for listener in listeners:
            listener.close()
        try:
            assert self._orders.recv(1) == _READY, "the workers did not start; their own words are beside this"
            yield found
        finally:
            self._orders.send(_END)
            assert self._orders.recv(1) == _READY

    def close(self) -> None:
        """Have them all end."""
        self._orders.close()
        self._process.wait(PATIENCE)


# --- In the process that forks ---------------------------------------------------------------------------------------
def obey(orders: socket.socket) -> None:
    """Fork a worker for each listening socket that comes with an environment, and end all when told to."""
    running: list[int] = []
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, 2**17, 16)
        if order == _END or not order:
            for worker in running:
                os.kill(worker, signal.SIGTERM)
            while running:
                os.waitpid(running.pop(), 0)
            if not order:
                return
            orders.send(_READY)
            continue
        told, tell = os.pipe()
        for descriptor in descriptors:
            worker = os.fork()
            if not worker:
                orders.close()
                work(json.loads(order), descriptor, tell)
            running.append(worker)
        for descriptor in (*descriptors, tell):
            os.close(descriptor)
        ready = sum(len(os.read(told, 1)) for _ in descriptors)  # nothing more comes when one has ended instead
        os.close(told)
        orders.send(_READY if ready == len(descriptors) else b"!")


def work(environment: Mapping[str, str], descriptor: int, tell: int) -> None:
    """Be a worker, and never return."""
    import uvicorn

    from benchmarks import one_time_app, sites
    from zerotrust.stores.store import AsyncStore

    def patient(url: str, *, durable: bool) -> AsyncStore:
        """Waits long: here nobody asks how many are answered within the time that is usual."""
        from zerotrust.stores.redis import AsyncRedisStore
        from zerotrust.stores.sqlite import AsyncSqliteStore

        long = timedelta(seconds=PATIENCE / 3)
        if url.startswith("redis:"):
            return AsyncRedisStore(url, timeout=long)
        if url.startswith("memory:"):
            return sites.async_store(url, durable=durable)
        return AsyncSqliteStore(url, timeout=long, durable=durable)

    class Telling(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            os.write(tell, _READY)

    try:
        os.environ.update(environment)
        vars(one_time_app)["async_store"] = patient
        config = uvicorn.Config(one_time_app.create_app, factory=True, log_level="warning", access_log=False)
        Telling(config).run(sockets=[socket.socket(fileno=descriptor)])
    finally:
        os._exit(0)


if __name__ == "__main__":
    for name in _ONCE_FOR_ALL:
        import_module(name)
    obey(socket.socket(fileno=int(sys.argv[1])))
