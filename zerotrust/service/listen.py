"""Runs the service on uvicorn: on a Unix socket or a port, until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Final, cast

try:
    import uvicorn
except ImportError as _missing:
    raise ImportError("the decision service needs uvicorn: pip install 'zerotrust[serve]'") from _missing

from zerotrust.core.errors import ConfigError
from zerotrust.service.app import Service
from zerotrust.service.connections import IDLE_SECONDS, connections, most_strangers
from zerotrust.service.reload import Reloader, close

_ACCESS: Final = 0o660  # for the owner and the group: the proxy is in the group
_MAX_HEADERS: Final = 64 * 1024
_BACKLOG: Final = 2048


def port_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on a port.

    Raises:
        OSError: it cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's algorithm off, which would delay each answer by 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def unix_socket(path: Path) -> socket.socket:
    """A Unix socket at `path` that its owner and group may open. One that nobody listens on any more is replaced.

    Raises:
        ConfigError: something else is there, or somebody listens on it.
        OSError: it cannot be made.
    """
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ConfigError(f"{path} is there, and is no socket; write another path")
        if not forget(path):
            raise ConfigError(f"somebody listens on {path} already")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~_ACCESS)  # nobody else, not for a moment
    try:
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def forget(path: Path) -> bool:
    """Remove the Unix socket at `path`, unless somebody listens on it: the next process may, while this one ends.

    Returns:
        Whether nobody did.

    Raises:
        OSError: it cannot be known, or cannot be removed.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # one whose queue is full would be waited for
        try:
            probe.connect(str(path))
        except FileNotFoundError:
            return True
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return True
        except BlockingIOError:
            return False
        return False


class _Server(uvicorn.Server):
    """uvicorn, which leaves signals to `serve`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve(
    service: Service, reloader: Reloader, listener: socket.socket, *, interval: float = 2.0, drain: float = 10.0
) -> None:
    """Answer until SIGTERM or SIGINT, then finish what has begun. SIGHUP loads the policies again at once.

    It is run in the main thread, which alone is told of signals.

    Args:
        service: what answers.
        reloader: looks at the policy files.
        listener: where; it is closed in the end.
        interval: seconds between two looks at the policy files.
        drain: seconds in which requests that have begun may be finished.
    """
    config = uvicorn.Config(
        # One parser, whatever else is installed: the one that bounds headers.
        service, http=cast("type[asyncio.Protocol]", connections(most_strangers())), lifespan="off", ws="none",
        log_config=None, access_log=False, proxy_headers=False,
        server_header=False, date_header=True, timeout_graceful_shutdown=max(1, round(drain)), backlog=_BACKLOG,
        h11_max_incomplete_event_size=_MAX_HEADERS, timeout_keep_alive=IDLE_SECONDS,
    )  # fmt: skip
    server = _Server(config)
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def end() -> None:
        server.force_exit = service.draining  # told twice
        service.draining = server.should_exit = True

    def again() -> None:
        task = loop.create_task(reloader.at_once())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    for number, handler in {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: again}.items():
        loop.add_signal_handler(number, handler)
    tasks.add(loop.create_task(reloader.run(interval)))
    try:
        await server.serve(sockets=[listener])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await reloader.close_retired()
        await close(service.setup.sources)
