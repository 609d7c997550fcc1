"""CWE-444 on real ASGI servers: a client's copies of a certificate header, which a hop forgot to remove.

They hand on every header as it came, so each copy is seen, and nothing has to be guessed as in WSGI.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.smuggling import ADA, EVE, NOBODY, OWN, Server
from tests.e2e.mtls.servers import started

pytestmark = pytest.mark.e2e

APP = "tests.attacks.smuggled:asgi"
SERVERS = {
    "uvicorn-h11": (f"uvicorn {APP} --port 0 --http h11 --no-proxy-headers", "running on"),
    "uvicorn-httptools": (f"uvicorn {APP} --port 0 --http httptools --no-proxy-headers", "running on"),
    "hypercorn": (f"hypercorn {APP} --bind 127.0.0.1:0", "Running on"),
    "granian": (f"granian {APP} --interface asginl --port {{port}}", "Started worker"),
    "gunicorn": (f"gunicorn {APP} -k asgi --bind 127.0.0.1:0", "Listening at:"),
}
DROPS = {"gunicorn"}  # names with underscores


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    arguments, ready = SERVERS[request.param]
    with started(arguments, ready=ready) as url:
        yield Server(request.param, int(url.rpartition(":")[2]))


def test_what_the_hop_alone_says_is_believed(server: Server) -> None:
    assert server.peer(*OWN) == ADA.fingerprint
    assert server.peer(*NOBODY) is None
    assert server.peer() is None


@pytest.mark.parametrize("name", ["X-SSL-Client-Cert", "x-ssl-client-cert", "X-ssl-CLIENT-cErT"])
def test_a_second_copy_is_refused(server: Server, name: str) -> None:
    forged = f"{name}: {EVE.header}"
    assert server.peer(forged, *OWN) == "duplicate_header"
    assert server.peer(*OWN, forged) == "duplicate_header"
    assert server.peer(*NOBODY, forged) in ("malformed", "key_mismatch")


@pytest.mark.parametrize("name", ["X_SSL_Client_Cert", "x-ssl_client-cert"])
def test_another_spelling_is_dropped_or_refused(server: Server, name: str) -> None:
    forged = f"{name}: {EVE.header}"
    for own, dropped in ((OWN, ADA.fingerprint), (NOBODY, None)):
        seen = (dropped, "refused") if server.name in DROPS else ("stray_header",)
        assert server.peer(forged, *own) in seen
        assert server.peer(*own, forged) in seen
