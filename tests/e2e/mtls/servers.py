"""Python's application servers, each ending TLS itself before the application of these tests, on a port of its own."""

from __future__ import annotations

import os
import pwd
import re
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn

from tests.e2e.mtls.app import asgi, wsgi
from tests.e2e.mtls.world import World
from tests.servers import PATIENCE, Process, free_port, need

ROOT = Path(__file__).parents[3]

Serve = Callable[..., AbstractContextManager[str]]
"""Takes the `World` and, by name, whether a certificate is `required` or only asked for; gives the base URL."""


@contextmanager
def thread(serve: Callable[[], object], stop: Callable[[], object], name: str) -> Iterator[None]:
    """Have a server run in a thread; gone afterwards."""
    running = Thread(target=serve, name=name)
    running.start()
    try:
        yield
    finally:
        stop()
        running.join(PATIENCE)
        assert not running.is_alive(), f"{name} did not stop"


def answers(port: int, process: Process) -> bool:
    """Wait until somebody listens there: for servers that say that they listen before they do. False if it ended."""
    deadline = time.monotonic() + PATIENCE
    while process.running and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return True
    return False


# --- In this process -------------------------------------------------------------------------------------------------
def uvicorn_with(http: str, ws: str = "websockets-sansio", **options: Any) -> Serve:
    """uvicorn with a protocol class."""

    @contextmanager
    def serve(world: World, *, required: bool) -> Iterator[str]:
        # The socket listens before the server runs, so the first request waits in its queue and nobody has to poll.
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            asgi(world.folder),
            http=http,
            ws=ws,
            log_config=None,
            ssl_certfile=world.server.certificate,
            ssl_keyfile=world.server.key,
            ssl_ca_certs=world.clients,
            ssl_cert_reqs=ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL,
            **options,
        )
        server = uvicorn.Server(config)

        def stop() -> None:
            server.should_exit = True

        with listener, thread(lambda: server.run(sockets=[listener]), stop, http):
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"

    return serve


@contextmanager
def werkzeug(world: World, *, required: bool) -> Iterator[str]:
    """Werkzeug's development server."""
    need(None if find_spec("werkzeug") else "this test needs werkzeug")
    from werkzeug.serving import make_server

    server = make_server(
        "127.0.0.1", 0, wsgi(world.folder), threaded=True, ssl_context=world.server_context(required=required)
    )
    with thread(server.serve_forever, server.shutdown, "werkzeug"):
        yield f"https://127.0.0.1:{server.server_port}"
    server.server_close()


@contextmanager
def cheroot(world: World, *, required: bool) -> Iterator[str]:
    """cheroot, CherryPy's server."""
    need(None if find_spec("cheroot") else "this test needs cheroot")
    from cheroot.ssl.builtin import BuiltinSSLAdapter
    from cheroot.wsgi import Server

    server = Server(("127.0.0.1", 0), wsgi(world.folder), numthreads=2)
    server.ssl_adapter = BuiltinSSLAdapter(str(world.server.certificate), str(world.server.key))
    server.ssl_adapter.context = world.server_context(required=required)
    server.prepare()
    with thread(server.serve, server.stop, "cheroot"):
        yield f"https://127.0.0.1:{server.bind_addr[1]}"


@contextmanager
def waitress(world: World, *, required: bool) -> Iterator[str]:
    """waitress, which speaks no TLS at all."""
    need(None if find_spec("waitress") else "this test needs waitress")
    server = import_module("waitress.server").create_server(wsgi(world.folder), listen="127.0.0.1:0", threads=2)

    def stop() -> None:
        server.task_dispatcher.shutdown()
        server.trigger.pull_trigger(server.close)  # in the thread that waits for its sockets

    with thread(server.run, stop, "waitress"):
        yield f"http://127.0.0.1:{server.effective_port}"


# --- In a process of their own ---------------------------------------------------------------------------------------
@contextmanager
def started(arguments: str, *, ready: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """A server by its own command; gives its base URL.

    Args:
        arguments: of Python after `-m`. `{port}` is filled in for one that cannot tell which port it was given.
        ready: what it says when it takes connections; where it listens it says by then, too.
        environment: variables it gets besides.
    """
    package = arguments.partition(" ")[0]
    need(None if find_spec(package) else f"this test needs {package}")
    said = ""
    for _ in range(5):  # a port was free a moment ago, and may be taken by now
        process = Process(
            [sys.executable, "-m", *arguments.format(port=free_port()).split()],
            user=pwd.getpwuid(os.geteuid()).pw_name,
            directory=ROOT,
            environment={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        )
        listens = process.wait_for(ready)
        said = process.said()
        found = re.search(r"https?://127\.0\.0\.1:(\d+)", said)
        if listens and found is not None and answers(int(found[1]), process):
            try:
                yield found[0]
            finally:
                process.stop()
            return
        process.kill()
    raise AssertionError(f"{package} did not start:\n{said}")


def command(arguments: str, *, ready: str) -> Serve:
    """`started` with the application of these tests; `{certificate}` and so on are filled in, `{reqs}` with 2 or 1."""

    @contextmanager
    def serve(world: World, *, required: bool) -> Iterator[str]:
        filled = arguments.format(
            certificate=world.server.certificate,
            key=world.server.key,
            clients=world.clients,
            reqs=2 if required else 1,
            port="{port}",
        )
        with started(filled, ready=ready, environment={"MTLS_FOLDER": str(world.folder)}) as url:
            yield url

    return serve


APP = "tests.e2e.mtls.app"
_FILES = "--certfile {certificate} --keyfile {key} --ca-certs {clients}"
_GUNICORN = f"--bind 127.0.0.1:0 {_FILES} --cert-reqs {{reqs}}"
_GRANIAN = "--port {port} --ssl-certificate {certificate} --ssl-keyfile {key} --ssl-ca {clients} --ssl-client-verify"

gunicorn = command(f"gunicorn {APP}:wsgi() {_GUNICORN}", ready="Listening at:")
gunicorn_threads = command(f"gunicorn {APP}:wsgi() {_GUNICORN} --threads 2", ready="Listening at:")
gunicorn_asgi = command(f"gunicorn {APP}:asgi() {_GUNICORN} -k asgi", ready="Listening at:")
uvicorn_command = command(
    f"uvicorn {APP}:asgi --factory --http zerotrust.uvicorn:H11TlsProtocol --port 0 --ssl-certfile {{certificate}} "
    "--ssl-keyfile {key} --ssl-ca-certs {clients} --ssl-cert-reqs {reqs}",
    ready="running on",
)
hypercorn = command(
    f"hypercorn {APP}:asgi() --bind 127.0.0.1:0 {_FILES} --verify-mode CERT_OPTIONAL", ready="Running on"
)
granian_asgi = command(f"granian {APP}:asgi --factory --interface asgi {_GRANIAN}", ready="Started worker")
granian_wsgi = command(f"granian {APP}:wsgi --factory --interface wsgi {_GRANIAN}", ready="Started worker")
