"""CWE-444 and CVE-2026-35616: copies of a certificate header that a client slips through a hop, on real WSGI servers.

The hop here lets everything of the client's pass beside its own headers, as one whose configuration forgot to remove
them. WSGI has one name for `X-A` and `X_A` and joins duplicates, so what a server makes of them decides what is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from tests.attacks.smuggled import app
from tests.attacks.smuggling import ADA, EVE, NOBODY, OWN, Server
from tests.e2e.mtls.servers import started, thread
from tests.servers import need

pytestmark = pytest.mark.e2e

APP = "tests.attacks.smuggled:app"


# --- Servers ---------------------------------------------------------------------------------------------------------
@contextmanager
def wsgiref() -> Iterator[int]:
    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - theirs
            pass

    class Server(ThreadingMixIn, WSGIServer):
        pass

    with (
        make_server("127.0.0.1", 0, app, Server, Quiet) as server,
        thread(server.serve_forever, server.shutdown, "wsgiref"),
    ):
        yield server.server_port


@contextmanager
def werkzeug() -> Iterator[int]:
    server = import_module("werkzeug.serving").make_server("127.0.0.1", 0, app, threaded=True)
    with thread(server.serve_forever, server.shutdown, "werkzeug"):
        yield server.server_port
    server.server_close()


@contextmanager
def cheroot() -> Iterator[int]:
    server = import_module("cheroot.wsgi").Server(("127.0.0.1", 0), app, numthreads=2)
    server.prepare()
    with thread(server.serve, server.stop, "cheroot"):
        yield server.bind_addr[1]


@contextmanager
def waitress() -> Iterator[int]:
    server = import_module("waitress.server").create_server(app, listen="127.0.0.1:0", threads=2)

    def stop() -> None:
        server.task_dispatcher.shutdown()
        server.trigger.pull_trigger(server.close)  # in the thread that waits for its sockets

    with thread(server.run, stop, "waitress"):
        yield server.effective_port


@contextmanager
def process(arguments: str, ready: str) -> Iterator[int]:
    with started(arguments, ready=ready) as url:
        yield int(url.rpartition(":")[2])


def gunicorn(*arguments: str) -> AbstractContextManager[int]:
    return process(" ".join(["gunicorn", f"{APP} --bind 127.0.0.1:0", *arguments]), "Listening at:")


def granian() -> AbstractContextManager[int]:
    return process(f"granian {APP} --interface wsgi --port {{port}}", "Started worker")


SERVERS: dict[str, Callable[[], AbstractContextManager[int]]] = {
    "werkzeug": werkzeug,
    "waitress": waitress,
    "gunicorn": gunicorn,
    "gunicorn-dangerous": lambda: gunicorn("--header-map", "dangerous"),  # merges spellings, as its name warns
}
LOSSY: dict[str, Callable[[], AbstractContextManager[int]]] = {
    "wsgiref": wsgiref,
    "cheroot": cheroot,
    "granian": granian,
}
MERGES = {"gunicorn-dangerous"}  # `X_A` arrives as `X-A`


def served(name: str, start: Callable[[], AbstractContextManager[int]]) -> Iterator[Server]:
    package = name.partition("-")[0]
    need(None if find_spec(package) else f"this test needs {package}")
    with start() as port:
        yield Server(name, port)


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from served(request.param, SERVERS[request.param])


@pytest.fixture(scope="module", params=LOSSY)
def lossy(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from served(request.param, LOSSY[request.param])


@pytest.fixture(scope="module", params=SERVERS | LOSSY)
def any_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from served(request.param, (SERVERS | LOSSY)[request.param])


def test_what_the_hop_alone_says_is_believed(server: Server) -> None:
    assert server.peer(*OWN) == ADA.fingerprint
    assert server.peer(*NOBODY) is None
    assert server.peer() is None


# --- Beside what the hop says ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["X-SSL-Client-Cert", "x-ssl-client-cert", "X-ssl-CLIENT-cErT"])
def test_a_second_copy_is_refused(server: Server, name: str) -> None:
    forged = f"{name}: {EVE.header}"
    for headers in ((forged, *OWN), (*OWN, forged), (OWN[0], forged, OWN[1]), (*OWN, forged, forged)):
        assert server.peer(*headers) in ("malformed", "duplicate_header", "refused")


@pytest.mark.parametrize(
    "name", ["X_SSL_Client_Cert", "x_ssl_client_cert", "X-SSL_Client-Cert", "X_SSL-CLIENT-CERT", "X-SSL-Client_Cert"]
)
def test_another_spelling_is_dropped_or_refused(server: Server, name: str) -> None:
    forged = f"{name}: {EVE.header}"
    seen = {"malformed", "duplicate_header"} if server.name in MERGES else {ADA.fingerprint, "refused"}
    assert server.peer(forged, *OWN) in seen
    assert server.peer(*OWN, forged) in seen


@pytest.mark.parametrize("verify", ["X_SSL_Client_Verify", "X-SSL_Client-Verify"])
@pytest.mark.parametrize("cert", ["X_SSL_Client_Cert", "X-SSL-Client_Cert"])
def test_where_there_is_no_certificate_another_spelling_makes_none(server: Server, cert: str, verify: str) -> None:
    """A hop that says of each request what it found leaves no room: two verdicts are none."""
    forged = (f"{cert}: {EVE.header}", f"{verify}: SUCCESS")
    seen = {"malformed", "duplicate_header"} if server.name in MERGES else {None, "refused"}
    assert server.peer(*forged, *NOBODY) in seen
    assert server.peer(*NOBODY, *forged) in seen


def test_a_certificate_that_the_hop_did_not_see_is_refused(server: Server) -> None:
    """As on a location that sets one of the two headers and forgot the other."""
    assert server.peer(*NOBODY, f"X-SSL-Client-Cert: {EVE.header}") in ("malformed", "key_mismatch")
    assert server.peer("X-SSL-Client-Verify: SUCCESS", *NOBODY) in ("malformed", "duplicate_header")


def test_a_merging_gunicorn_cannot_be_told_from_another() -> None:
    """The limit: with `--header-map dangerous`, where a hop sets no header, a client sets it under another spelling."""
    need(None if find_spec("gunicorn") else "this test needs gunicorn")
    with gunicorn("--header-map", "dangerous") as port:
        forged = (f"X_SSL_Client_Cert: {EVE.header}", "X_SSL_Client_Verify: SUCCESS")
        assert Server("gunicorn-dangerous", port).peer(*forged) == EVE.fingerprint


# --- Servers where nobody can tell -----------------------------------------------------------------------------------
def test_on_servers_that_lose_headers_no_hop_is_believed(lossy: Server) -> None:
    """With a twin of each of the hop's headers a client would be whoever it likes: see the next test."""
    for headers in (OWN, NOBODY, (*OWN, "X_SSL_Client_Cert: x"), (f"X_SSL_Client_Cert: {EVE.header}",)):
        assert lossy.peer(*headers) == "untrusted_hop"
    assert lossy.peer() is None
    assert lossy.peer("X_Other: 1") is None


def test_they_do_lose_them(lossy: Server) -> None:
    """What `Connection.lossy` says of them is so. When this fails, they have learnt it, and may be believed again."""
    lossy.peer("X_SSL_Client_Cert: forged")
    assert ["x-ssl-client-cert", "forged"] in lossy.told["arrived"]
    lossy.peer("X-SSL-Client-Cert: own", "X_SSL_Client_Cert: forged")
    beside = [value for name, value in lossy.told["arrived"] if name == "x-ssl-client-cert"]
    assert beside == (["own,forged"] if lossy.name == "wsgiref" else ["forged"])


# --- What is no header, or another one -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "line",
    [
        f"X-Other: a\r\n X-SSL-Client-Cert: {EVE.header}",  # RFC 9112 section 5.2: a folded line
        f"X-Other: a\r\n\tX-SSL-Client-Cert: {EVE.header}",
        f"X-Other: a\rX-SSL-Client-Cert: {EVE.header}",
        f"X-Other: a\nX-SSL-Client-Cert: {EVE.header}",
        f"X-Other: a\x00X-SSL-Client-Cert: {EVE.header}",
        f"X-SSL-Client-Cert : {EVE.header}",  # RFC 9112 section 5.1
        f"X-SSL-Client-Cert\x00: {EVE.header}",
        f"X-SSL-Client-Cert\x0b: {EVE.header}",
        f"X-SSL-Client-Cert\xa0: {EVE.header}",
        f"X.SSL.Client.Cert: {EVE.header}",
        f"HTTP_X_SSL_CLIENT_CERT: {EVE.header}",
        f"SSL_CLIENT_CERT: {EVE.header}",
        f"SSL-Client-Cert: {EVE.header}",
        "gunicorn.socket: x",
        "REMOTE_ADDR: 192.0.2.7",
    ],
    ids=lambda line: line.encode("latin-1")[:24].decode("latin-1").encode("unicode_escape").decode(),
)
def test_nothing_else_becomes_the_header(any_server: Server, line: str) -> None:
    """Never Eve; and where the line is a header of its own to the server, the hop's stays what it is, or is refused."""
    for headers in ((line, *OWN), (*OWN, line), (line, *NOBODY), (*NOBODY, line), (line,)):
        assert any_server.peer(*headers) != EVE.fingerprint


@pytest.mark.parametrize("name", ["SSL_CLIENT_CERT", "SSL-Client-Cert", "gunicorn.socket", "werkzeug.socket"])
def test_a_client_cannot_set_a_variable_of_the_server(any_server: Server, name: str) -> None:
    """What `TlsPeer` reads has no prefix `HTTP_`, which every header of a client has (PEP 3333)."""
    if any_server.peer(f"{name}: {EVE.header}") != "refused":
        variables = set(any_server.told["variables"])
        assert not {"SSL_CLIENT_CERT", "SSL_CLIENT_VERIFY"} & variables
        own = f"{any_server.name.partition('-')[0]}.socket"
        assert {"gunicorn.socket", "werkzeug.socket"} & variables <= {own}
