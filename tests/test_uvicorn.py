"""uvicorn's protocols show what TLS connections tell; tests/e2e/test_tls_servers.py runs them in real servers."""

from __future__ import annotations

import asyncio
import logging
import ssl
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import zerotrust.uvicorn as module
from zerotrust.testing.authority import LocalAuthority
from zerotrust.uvicorn import tls_extension
from zerotrust.web.connection import asgi_connection

CHAIN = LocalAuthority(now=1_800_000_000.0).intermediate().issue("client").ders


class Told:
    """A TLS connection, as far as it is looked at."""

    def __init__(self, chain: tuple[bytes, ...] | Exception, version: str = "TLSv1.3") -> None:
        self._chain, self._version = chain, version

    def version(self) -> str:
        return self._version

    def getpeercert(self, binary_form: bool) -> bytes | None:
        if isinstance(self._chain, Exception):
            raise self._chain
        return self._chain[0] if self._chain else None

    def get_unverified_chain(self) -> list[bytes]:
        assert isinstance(self._chain, tuple)
        return list(self._chain)


def transport(tls: Told | None, mode: ssl.VerifyMode = ssl.CERT_OPTIONAL) -> asyncio.BaseTransport:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = mode
    return asyncio.BaseTransport({} if tls is None else {"ssl_object": tls, "sslcontext": context})


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    module._nobody_is_asked.cache_clear()
    yield
    module._nobody_is_asked.cache_clear()


def test_it_is_what_is_read() -> None:
    for chain in (CHAIN, CHAIN[:1], ()):
        told = asgi_connection({"type": "http", "extensions": {"tls": tls_extension(transport(Told(chain)))}})
        assert (told.chain, told.shown) == (chain, True)


def test_a_connection_without_tls_has_no_extension() -> None:
    """So says the specification, and so nobody is believed."""
    assert tls_extension(transport(None)) is None


def test_a_connection_that_cannot_tell_shows_nothing() -> None:
    extension = tls_extension(transport(Told(ValueError("no handshake yet"))))
    assert extension is not None
    assert "client_cert_chain" not in extension
    assert not asgi_connection({"type": "http", "extensions": {"tls": extension}}).shown


@pytest.mark.parametrize(("version", "number"), [("TLSv1.3", 0x0304), ("TLSv1.2", 0x0303), ("TLSv9", None)])
def test_the_version_is_a_number(version: str, number: int | None) -> None:
    extension = tls_extension(transport(Told(CHAIN, version)))
    assert extension is not None
    assert extension["tls_version"] == number


def test_a_server_that_asks_nobody_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """uvicorn's default, under which every client is one without a certificate."""
    for _ in range(3):
        tls_extension(transport(Told(()), ssl.CERT_NONE))
    [record] = caplog.records
    assert (record.name, record.levelno) == ("zerotrust.uvicorn", logging.WARNING)
    assert "--ssl-cert-reqs 2" in record.getMessage()


def test_a_server_that_asks_is_not(caplog: pytest.LogCaptureFixture) -> None:
    tls_extension(transport(Told(())))
    tls_extension(transport(Told(CHAIN)))
    tls_extension(transport(None))
    assert caplog.records == []


class Http:
    """As far as uvicorn's protocols are looked at."""

    def __init__(self, app: Any, websocket: Any) -> None:
        self.app = app
        self.ws_protocol_class = websocket


def run(app: Any, scope: dict[str, Any]) -> dict[str, Any]:
    asyncio.run(app(scope, None, None))
    return scope


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    pass


def test_other_extensions_stay() -> None:
    protocol = Http(nothing, None)
    module._show(protocol, transport(Told(CHAIN)))
    given: dict[str, Any] = {"websocket.http.response": {}}
    scope = run(protocol.app, {"extensions": given})
    assert set(scope["extensions"]) == {"websocket.http.response", "tls"}
    assert given == {"websocket.http.response": {}}
    assert set(run(protocol.app, {})["extensions"]) == {"tls"}
    assert protocol.ws_protocol_class is None


def test_a_websocket_protocol_of_another_make_shows_nothing() -> None:
    class Foreign:
        def __init__(self, config: object) -> None:
            self.config = config

    protocol = Http(nothing, Foreign)
    module._show(protocol, transport(Told(CHAIN)))
    made = protocol.ws_protocol_class(config=1)
    assert type(made) is Foreign
    assert vars(made) == {"config": 1}


def test_without_tls_uvicorn_is_as_it_was() -> None:
    protocol = Http(nothing, dict)
    module._show(protocol, transport(None))
    assert (protocol.app, protocol.ws_protocol_class) == (nothing, dict)


@pytest.mark.parametrize(
    ("missing", "code", "said"),
    [
        ("uvicorn", "import zerotrust.uvicorn", "zerotrust.uvicorn needs uvicorn: pip install 'zerotrust[uvicorn]'"),
        (
            "httptools",
            "from zerotrust.uvicorn import H11TlsProtocol; import zerotrust.uvicorn as it; it.HttpToolsTlsProtocol",
            "HttpToolsTlsProtocol needs httptools: pip install 'uvicorn[standard]', or use H11TlsProtocol",
        ),
        (
            "httptools",
            "import zerotrust.uvicorn as it; it.Http2TlsProtocol",
            "AttributeError: module 'zerotrust.uvicorn' has no attribute 'Http2TlsProtocol'",
        ),
    ],
)
def test_what_is_missing_is_named(missing: str, code: str, said: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules[{missing!r}] = None; {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert said in ran.stderr.splitlines()[-1]
