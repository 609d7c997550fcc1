"""Real servers that end TLS themselves, curl in front: some show the client's certificate, the others say how to."""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from tests.e2e.mtls import servers
from tests.e2e.mtls.servers import Serve
from tests.e2e.mtls.world import ADA, BEA, Answer, Identity, World, curl
from tests.servers import PATIENCE, need

pytestmark = pytest.mark.e2e

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # that of RFC 6455 section 1.3
H11 = "zerotrust.uvicorn:H11TlsProtocol"
HTTPTOOLS = "zerotrust.uvicorn:HttpToolsTlsProtocol"

SHOWING: dict[str, Serve] = {
    "uvicorn-h11": servers.uvicorn_with(H11),
    "uvicorn-httptools": servers.uvicorn_with(HTTPTOOLS),
    "uvicorn-command": servers.uvicorn_command,
    "gunicorn": servers.gunicorn,
    "gunicorn-threads": servers.gunicorn_threads,
    "werkzeug": servers.werkzeug,
    "cheroot": servers.cheroot,
}
HIDING: dict[str, Serve] = {
    "uvicorn-plain": servers.uvicorn_with("h11"),
    "gunicorn-asgi": servers.gunicorn_asgi,
    "hypercorn": servers.hypercorn,
    "granian-asgi": servers.granian_asgi,
    "granian-wsgi": servers.granian_wsgi,
    "waitress": servers.waitress,
}
LEAF_ONLY = {"cheroot"}
FRESH_TICKETS = {"gunicorn", "gunicorn-threads"}  # a context for each connection, so that nothing is ever resumed
ONE_EACH = {"gunicorn", "werkzeug"}  # a connection carries one request


class Running:
    """A server of one kind: it is started in a mode when somebody asks for it."""

    def __init__(self, name: str, serve: Serve, world: World, stack: ExitStack) -> None:
        self.name = name
        self._serve, self._world, self._stack = serve, world, stack
        self._urls: dict[bool, str] = {}

    def url(self, *, required: bool = False) -> str:
        """Where it is; a certificate is `required`, or asked for."""
        if required not in self._urls:
            self._urls[required] = self._stack.enter_context(self._serve(self._world, required=required))
        return self._urls[required]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("mtls"))


@pytest.fixture(scope="module", params=SHOWING)
def showing(request: pytest.FixtureRequest, world: World) -> Iterator[Running]:
    with ExitStack() as stack:
        yield Running(request.param, SHOWING[request.param], world, stack)


@pytest.fixture(scope="module", params=HIDING)
def hiding(request: pytest.FixtureRequest, world: World) -> Iterator[Running]:
    with ExitStack() as stack:
        yield Running(request.param, HIDING[request.param], world, stack)


def bearer(token: str) -> tuple[str, str]:
    return "--header", f"Authorization: Bearer {token}"


UPGRADE = tuple(
    argument
    for header in (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
    )
    for argument in ("--header", header)
)


def why(answer: Answer) -> str:
    return json.dumps(answer.body.get("explanation"))


# --- Servers that show it --------------------------------------------------------------------------------------------
def test_where_a_certificate_is_required(showing: Running, world: World) -> None:
    url = showing.url(required=True)
    answer = curl(world, f"{url}/", identity=world.ada)
    assert (answer.status, answer.body) == (200, {"subject": ADA})
    assert curl(world, f"{url}/", identity=None).status is None  # no handshake, no request
    assert curl(world, f"{url}/", identity=world.evil).status is None


def test_where_a_certificate_is_asked_for(showing: Running, world: World) -> None:
    url = showing.url()
    assert curl(world, f"{url}/", identity=world.ada).body == {"subject": ADA}
    answer = curl(world, f"{url}/")
    assert (answer.status, answer.body["code"]) == (403, "not_presented")
    assert curl(world, f"{url}/", identity=world.evil).status is None


def test_the_whole_chain_is_shown(showing: Running, world: World) -> None:
    told = curl(world, f"{showing.url()}/shown", identity=world.bea).body
    assert len(world.bea.fingerprints) == 2
    assert told["chain"] == world.bea.fingerprints[: 1 if showing.name in LEAF_ONLY else 2]
    assert (told["shown"], told["rewritten"]) == (True, False)
    nobody = curl(world, f"{showing.url()}/shown").body
    assert (nobody["shown"], nobody["chain"]) == (True, [])


@pytest.mark.parametrize("name", ["Client-Cert", "SSL_CLIENT_CERT", "X-SSL-Client-Cert"])
def test_a_header_shows_nothing(showing: Running, world: World, name: str) -> None:
    """CVE-2026-35616: a header that a client sends stands for no certificate, with one of its own or without."""
    pem = ssl.DER_cert_to_PEM_cert(world.ada.issued.der).replace("\n", "%0A")
    forged = ("--header", f"{name}: {pem}", "--header", f"{name.replace('CERT', 'VERIFY')}: SUCCESS")
    answer = curl(world, f"{showing.url()}/", *forged)
    assert answer.status in (400, 403)  # gunicorn refuses names with underscores itself, or drops them
    assert answer.body.get("code") in ("stray_header", "not_presented", None)
    assert curl(world, f"{showing.url()}/shown", *forged).body.get("chain", []) == []


def test_a_certificate_bound_token_needs_its_certificate(showing: Running, world: World) -> None:
    """RFC 8705 section 3: a token that somebody took is worth nothing without the key of its certificate."""
    url, stolen = f"{showing.url()}/bound", world.token(world.ada)
    assert curl(world, url, *bearer(stolen), identity=world.ada).body == {"subject": "alice"}
    without = curl(world, url, *bearer(stolen))
    assert (without.status, without.body["code"]) == (401, "proof_required")
    other = curl(world, url, *bearer(stolen), identity=world.bea)
    assert (other.status, other.body["code"]) == (401, "key_mismatch")
    assert curl(world, url, *bearer(world.token())).status == 200  # bound to nothing, so everybody's


def test_a_token_may_have_to_be_bound_to_a_good_certificate(showing: Running, world: World) -> None:
    url = f"{showing.url()}/held"
    assert curl(world, url, *bearer(world.token(world.ada)), identity=world.ada).body == {"subject": ADA}
    for token, identity in ((world.token(), world.ada), (world.token(world.bea), world.ada), (world.token(), None)):
        assert curl(world, url, *bearer(token), identity=identity).status in (401, 403)


def test_a_connection_is_told_of_with_each_of_its_requests(showing: Running, world: World) -> None:
    with connected(world, showing.url(), world.ada) as ask:
        for _ in range(3):
            assert ask("/shown")["chain"] == world.ada.fingerprints
            assert ask.closed is (showing.name in ONE_EACH)
            if ask.closed:
                break


# --- Resumption and renegotiation ------------------------------------------------------------------------------------
class connected:
    """A connection kept open: called with a path, it gives the JSON that is there."""

    def __init__(
        self,
        world: World,
        url: str,
        identity: Identity | None,
        *,
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._http = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
        self._http.connect()
        context = context or world.client_context(identity)
        self.tls: ssl.SSLSocket = context.wrap_socket(self._http.sock, server_hostname=parts.hostname, session=session)
        self._open = self.tls.makefile("rb")  # keeps it open, with its session, though an answer is the last one
        self._http.sock = self.tls
        self.closed = False

    def __call__(self, path: str) -> Any:
        self._http.request("GET", path)
        answer = self._http.getresponse()
        self.closed = answer.will_close
        return json.loads(answer.read())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()
        self._open.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_resumed_session_shows_the_leaf(showing: Running, world: World, version: ssl.TLSVersion) -> None:
    """RFC 8446 section 2.2: nothing is sent again, and OpenSSL keeps of the chain the client's certificate alone."""
    context = world.client_context(world.bea)
    context.minimum_version = context.maximum_version = version
    with connected(world, showing.url(), world.bea, context=context) as ask:
        assert ask("/shown")["chain"][:1] == world.bea.fingerprints[:1]
        session = ask.tls.session  # after an answer, since TLS 1.3 sends tickets with it
        assert session is not None
    with connected(world, showing.url(), world.bea, context=context, session=session) as ask:
        assert ask.tls.session_reused is (showing.name not in FRESH_TICKETS)
        whole = not ask.tls.session_reused and showing.name not in LEAF_ONLY
        assert ask("/shown")["chain"] == world.bea.fingerprints[: 2 if whole else 1]


def test_where_intermediates_are_known_a_resumed_session_is_as_good(showing: Running, world: World) -> None:
    context = world.client_context(world.bea)
    with connected(world, showing.url(required=True), world.bea, context=context) as ask:
        assert ask("/") == {"subject": BEA}
        session = ask.tls.session
    with connected(world, showing.url(required=True), world.bea, context=context, session=session) as ask:
        assert ask("/") == {"subject": BEA}


def test_nobody_changes_certificates_by_renegotiating(showing: Running, world: World) -> None:
    """CVE-2009-3555: what was told of a connection stays true, since OpenSSL 3 renegotiates at no client's wish."""
    need(None if shutil.which("openssl") else "this test needs openssl")
    host = showing.url().removeprefix("https://")
    ran = subprocess.run(
        [
            *("openssl", "s_client", "-connect", host, "-tls1_2", "-legacy_renegotiation"),
            *("-cert", str(world.ada.certificate), "-key", str(world.ada.key), "-CAfile", str(world.servers)),
        ],
        input="R\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert "RENEGOTIATING" in ran.stdout + ran.stderr
    assert "no renegotiation" in ran.stdout + ran.stderr


# --- uvicorn's own ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("http", [H11, HTTPTOOLS], ids=["h11", "httptools"])
@pytest.mark.parametrize("ws", ["websockets-sansio", "wsproto", "websockets"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::uvicorn.config.UvicornDeprecationWarning")
def test_websockets_are_told_as_well(world: World, http: str, ws: str) -> None:
    from websockets.sync.client import connect

    with servers.uvicorn_with(http, ws)(world, required=False) as url:
        target = f"wss{url.removeprefix('https')}/rates"
        with connect(target, ssl=world.client_context(world.ada), proxy=None) as socket:
            assert socket.recv(PATIENCE) == ADA
        assert curl(world, f"{url}/rates", "--http1.1", *UPGRADE).status == 403


def test_uvloop_tells_as_much(world: World) -> None:
    need(None if find_spec("uvloop") else "this test needs uvloop")
    with servers.uvicorn_with(HTTPTOOLS, loop="uvloop")(world, required=True) as url:
        assert curl(world, f"{url}/shown", identity=world.bea).body["chain"] == world.bea.fingerprints


@pytest.mark.parametrize("http", [H11, HTTPTOOLS], ids=["h11", "httptools"])
def test_the_extension_is_the_one_of_the_specification(world: World, http: str) -> None:
    with servers.uvicorn_with(http)(world, required=True) as url, connected(world, url, world.bea) as ask:
        for _ in range(2):  # the application empties what it got
            assert ask("/extension") == {
                "server_cert": None,
                "client_cert_chain": [ssl.DER_cert_to_PEM_cert(one) for one in world.bea.issued.ders],
                "client_cert_name": None,
                "client_cert_error": None,
                "tls_version": 0x0304,
                "cipher_suite": None,
            }


def test_uvicorn_believes_a_header_about_the_address(world: World) -> None:
    """So `Connection.rewritten` is set: by an address alone (port 0), and by one with a port, which a client chose."""
    with servers.uvicorn_with(H11)(world, required=False) as url:
        for header, client in (("10.9.9.9", ["10.9.9.9", 0]), ("10.9.9.9:5678", ["10.9.9.9", 5678])):
            told = curl(world, f"{url}/shown", "--header", f"X-Forwarded-For: {header}").body
            assert (told["client"], told["rewritten"]) == (client, True)
    with servers.uvicorn_with(H11, proxy_headers=False)(world, required=False) as url:
        told = curl(world, f"{url}/shown", "--header", "X-Forwarded-For: 10.9.9.9").body
        assert (told["client"][0], told["rewritten"]) == ("127.0.0.1", False)


# --- Servers that hide it --------------------------------------------------------------------------------------------
def test_a_server_that_hides_it_is_told_apart_from_a_client_without_one(hiding: Running, world: World) -> None:
    answer = curl(world, f"{hiding.url()}/", identity=world.ada)
    assert (answer.status, answer.body["code"]) == (403, "no_source")
    for alternative in ("does not show it", "gunicorn", "zerotrust.uvicorn", "proxy"):
        assert alternative in why(answer)
    told = curl(world, f"{hiding.url()}/shown", identity=world.ada).body
    assert (told["shown"], told["chain"], told["rewritten"]) == (False, [], False)


def test_a_bound_token_is_worth_nothing_there(hiding: Running, world: World) -> None:
    url = f"{hiding.url()}/bound"
    refused = curl(world, url, *bearer(world.token(world.ada)), identity=world.ada)
    assert (refused.status, refused.body["code"]) == (401, "no_source")
    # Others are as good as ever.
    assert curl(world, url, *bearer(world.token()), identity=world.ada).status == 200
