"""uvicorn in a thread of its own: up when the `with` is entered, gone when it is left."""

from __future__ import annotations

import socket
from threading import Event, Thread
from types import TracebackType
from typing import Any, Final, Self

import uvicorn

_LOOPBACK: Final = "127.0.0.1"
_STARTS_WITHIN: Final = 15.0  # seconds


class _Server(uvicorn.Server):
    """Tells when it is ready, so that nobody has to poll."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.settled.set()


class AppServer:
    """Serves an ASGI application over HTTP on 127.0.0.1.

    Args:
        app: the application.
        port: 0 for any free one.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, app: Any, port: int = 0) -> None:
        self._socket = socket.create_server((_LOOPBACK, port))
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            # A caller must not choose its own address or scheme (X-Forwarded-For, -Proto): there is no proxy here.
            proxy_headers=False,
            server_header=False,
            http="h11",
            ws="none",
            loop="asyncio",
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=2,
        )
        self._server = _Server(config)
        self._thread = Thread(target=self._run, name="demo-app", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{_LOOPBACK}:{self.port}"

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._server.settled.set()  # also when it could not start, or nobody would ever know

    def __enter__(self) -> Self:
        self._thread.start()
        self._server.settled.wait(_STARTS_WITHIN)
        if not self._server.started:
            self._stop()
            raise RuntimeError("the demo's app did not start; what uvicorn logged says why")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
