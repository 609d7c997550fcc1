"""The issuer over real HTTP on loopback: metadata and keys to fetch, an outage to survive, requests to count."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Final, Self

from zerotrust.testing.issuer import LocalIssuer
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.testing.source import document_at
from zerotrust.wire.json import JsonValue

_LOOPBACK: Final = "127.0.0.1"


class LocalIssuerServer:
    """Serves a `LocalIssuer` over HTTP on 127.0.0.1 from its construction until `stop`, or the end of its `with`.

    Args:
        clock: the issuer's clock, POSIX seconds.
        algorithms: the issuer's algorithms.
        cache_control: the `Cache-Control` header of every answer.
        port: 0 for any free one.

    Attributes:
        issuer: what it serves; its `url` is this server's.
        cache_control: may be changed while it runs.

    Example:
        with LocalIssuerServer() as server:
            token = server.issuer.mint(audience="payments")
            server.stop()  # an outage
            server.start()  # and its end, at the same address
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] | None = None,
        algorithms: Iterable[SigningAlgorithm] = ("ES256", "RS256", "EdDSA"),
        cache_control: str = "public, max-age=300",
        port: int = 0,
    ) -> None:
        self.cache_control = cache_control
        self._lock = Lock()
        self._requests: Counter[str] = Counter()
        self._server: ThreadingHTTPServer | None = None
        self._thread: Thread | None = None
        server = self._bind(port)  # before the issuer, whose name holds the port
        self._port = server.server_address[1]
        self.issuer: LocalIssuer = LocalIssuer(f"http://{_LOOPBACK}:{self._port}", clock=clock, algorithms=algorithms)
        self._run(server)

    @property
    def url(self) -> str:
        """Where it listens, which is also the issuer identifier."""
        return self.issuer.url

    @property
    def requests(self) -> dict[str, int]:
        """How often each path was asked for since the server was made."""
        with self._lock:
            return dict(self._requests)

    @property
    def running(self) -> bool:
        """Whether it answers at present."""
        return self._server is not None

    def start(self) -> None:
        """Listen again at the same address after `stop`; nothing happens if it runs."""
        if self._server is None:
            self._run(self._bind(self._port))

    def _bind(self, port: int) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer((_LOOPBACK, port), self._handler())
        server.daemon_threads = False  # so that stopping waits for the answers under way and leaves no thread behind
        return server

    def _run(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        # The poll bounds how long `stop` waits.
        self._thread = Thread(target=server.serve_forever, args=(0.01,), name="local-issuer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port, so that connections are refused as in an outage; nothing happens if it is stopped."""
        server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        self._server = self._thread = None
        server.shutdown()
        thread.join()
        server.server_close()

    def answer(self, path: str) -> tuple[int, dict[str, JsonValue]]:
        """The status and document for `path`; counts it."""
        with self._lock:
            self._requests[path] += 1
        document = document_at(self.issuer, path)
        return (404, {"error": "not_found"}) if document is None else (200, document)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"LocalIssuerServer({self.url!r}, {'running' if self.running else 'stopped'})"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            # HTTP/1.0, the default: no connection outlives its answer, so none survives an outage.
            timeout = 5

            def do_GET(self) -> None:
                status, document = outer.answer(self.path.partition("?")[0])
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", outer.cache_control)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class named it
                """Say nothing: a test's output is the test's."""

        return Handler
