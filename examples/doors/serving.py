"""The applications by name, and the servers they are shown on."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from examples.doors.setting import Setting


@dataclass(frozen=True)
class Door:
    """One application.

    Attributes:
        module: where it is, in this package.
        servers: by which it can be served; the first unless told otherwise.
        factory: what makes it.
    """

    module: str
    servers: tuple[str, ...]
    factory: str = "create_app"

    @property
    def is_asgi(self) -> bool:
        return "uvicorn" in self.servers

    def app(self, setting: Setting) -> Any:
        return getattr(import_module(f"examples.doors.{self.module}"), self.factory)(setting)


DOORS: Mapping[str, Door] = {
    "fastapi": Door("fastapi_app", ("uvicorn", "hypercorn")),
    "starlette": Door("starlette_app", ("uvicorn", "hypercorn")),
    "flask": Door("flask_app", ("gunicorn",)),
    "django": Door("django_app", ("runserver", "gunicorn")),
    "django-asgi": Door("django_app", ("uvicorn", "hypercorn"), "create_asgi_app"),
    "drf": Door("drf_app", ("gunicorn", "runserver")),
    "asgi": Door("asgi_app", ("uvicorn", "hypercorn")),
    "wsgi": Door("wsgi_app", ("gunicorn",)),
}


def uvicorn(app: Any, listener: socket.socket) -> None:
    import uvicorn

    # Nobody stands in front, so what a caller says of proxies is not believed.
    config = uvicorn.Config(app, log_level="warning", proxy_headers=False)
    uvicorn.Server(config).run(sockets=[listener])


def hypercorn(app: Any, listener: socket.socket) -> None:
    import asyncio

    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    asyncio.run(serve(app, config))


def gunicorn(app: Any, listener: socket.socket) -> None:
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            # One worker, since the books are in its memory.
            for name, value in {"bind": f"fd://{listener.fileno()}", "workers": 1, "loglevel": "warning"}.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return app

    Server().run()


def runserver(app: Any, listener: socket.socket) -> None:
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    # What `manage.py runserver` runs, on a socket that listens already.
    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class named it
            """Say nothing of each request."""

    server = ThreadedWSGIServer(listener.getsockname(), Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_name, server.server_port = listener.getsockname()[:2]
    server.setup_environ()
    server.set_app(app)
    server.serve_forever()


SERVERS: Mapping[str, Callable[[Any, socket.socket], None]] = {
    "uvicorn": uvicorn, "hypercorn": hypercorn, "gunicorn": gunicorn, "runserver": runserver,
}  # fmt: skip
