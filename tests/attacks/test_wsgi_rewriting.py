"""What a WSGI server or bridge makes of a request before the application sees it: the path, the address, the names.

CWE-436: gunicorn takes the mount from a header of the client's. CWE-348: others put an address of the client's choice
in the place of the one they were called from.
"""

from __future__ import annotations

import http.client
import json
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
import uvicorn

from tests.attacks.smuggled import app
from tests.attacks.smuggling import ADA, EVE, OWN, Server
from tests.e2e.mtls.servers import started, thread
from tests.servers import PATIENCE, need

pytestmark = pytest.mark.e2e


# --- The path --------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def gunicorn() -> Iterator[int]:
    need(None if find_spec("gunicorn") else "this test needs gunicorn")
    with started("gunicorn tests.attacks.smuggled:app --bind 127.0.0.1:0", ready="Listening at:") as url:
        yield int(url.rpartition(":")[2])


def told(port: int, path: str, headers: dict[str, str]) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers=headers)
        said: dict[str, Any] = json.loads(connection.getresponse().read())
        return said
    finally:
        connection.close()


def test_a_mount_that_a_client_names_leaves_no_path_to_decide_about(gunicorn: int) -> None:
    """CWE-436: `SCRIPT_NAME: /public` of a client on loopback, and the router sees `/admin` for `/public/admin`."""
    honest = told(gunicorn, "/public/admin", {})
    assert (honest["router"], honest["path"], honest["readable"]) == ("/public/admin", "/public/admin", True)
    forged = told(gunicorn, "/public/admin", {"SCRIPT_NAME": "/public"})
    assert forged["router"] == "/admin"  # so does gunicorn; when this fails, it no longer listens to the header
    assert (forged["path"], forged["readable"]) == ("", False)
    for headers in ({"SCRIPT_NAME": "/pub"}, {"SCRIPT_NAME": ""}, {"PATH_INFO": "/x"}, {"Script-Name": "/public"}):
        assert told(gunicorn, "/public/admin", headers)["readable"] is False


# --- The address and the names ---------------------------------------------------------------------------------------
@contextmanager
def bridged() -> Iterator[int]:
    """WSGI inside of ASGI: it has one name for `X-A` and `X_A`, and does not say what it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = import_module("starlette.middleware.wsgi").WSGIMiddleware(app)
    server = uvicorn.Server(uvicorn.Config(made, port=0, log_config=None, lifespan="off", proxy_headers=False))

    def stop() -> None:
        server.should_exit = True

    listener = socket.create_server(("127.0.0.1", 0))
    with listener, thread(lambda: server.run(sockets=[listener]), stop, "bridge"):
        yield listener.getsockname()[1]


def waitress(ident: str | None) -> Callable[[], AbstractContextManager[int]]:
    """waitress that believes `X-Forwarded-For`, under another name or none."""

    @contextmanager
    def serve() -> Iterator[int]:
        options = {"trusted_proxy": "127.0.0.1", "trusted_proxy_headers": {"x-forwarded-for"}, "ident": ident}
        create = import_module("waitress.server").create_server
        server = create(app, listen="127.0.0.1:0", threads=2, clear_untrusted_proxy_headers=True, **options)

        def stop() -> None:
            server.task_dispatcher.shutdown()
            server.trigger.pull_trigger(server.close)

        with thread(server.run, stop, "waitress"):
            yield server.effective_port

    return serve


@contextmanager
def fixed_twice() -> Iterator[int]:
    """Werkzeug below two ProxyFix, of which the inner one notes what the outer one made of the address."""
    fix = import_module("werkzeug.middleware.proxy_fix").ProxyFix
    made = fix(fix(app, x_for=0, x_proto=1), x_for=1)
    server = import_module("werkzeug.serving").make_server("127.0.0.1", 0, made, threaded=True)
    with thread(server.serve_forever, server.shutdown, "werkzeug"):
        yield server.server_port
    server.server_close()


SERVERS = {
    "starlette-wsgi": bridged,
    "waitress-nameless": waitress(None),
    "waitress-renamed": waitress("shop"),
    "waitress-trusting": waitress("waitress"),
    "werkzeug-fixed-twice": fixed_twice,
}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    package = request.param.partition("-")[0]
    need(None if find_spec(package) else f"this test needs {package}")
    with SERVERS[request.param]() as port:
        yield Server(request.param, port)


def test_no_hop_is_believed_on_a_server_that_is_not_known(server: Server) -> None:
    called = "X-Forwarded-For: 127.0.0.1"
    for headers in ((called, *OWN), (called, f"X_SSL_Client_Cert: {EVE.header}", "X_SSL_Client_Verify: SUCCESS")):
        assert server.peer(*headers) in ("untrusted_hop", None)
        assert server.peer(*headers) not in (ADA.fingerprint, EVE.fingerprint)
    assert server.peer(called, *OWN) == "untrusted_hop"


def test_such_a_bridge_does_merge_names() -> None:
    """Why it must not be believed: what a client spells with `_` arrives as the header itself."""
    with bridged() as port:
        forged = Server("bridge", port)
        forged.peer(f"X_SSL_Client_Cert: {EVE.header}")
        assert ["x-ssl-client-cert", EVE.header] in forged.told["arrived"]
