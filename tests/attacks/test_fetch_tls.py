"""Servers that are not who they should be: certificates and names are verified (RFC 9110 section 4.3.4)."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from tests.stores.fetching import Face, either
from tests.stores.tls import contexts
from tests.stores.web import PATIENCE, ScriptedServer
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_TIMEOUT
from zerotrust.stores.http import AsyncHttpFetcher, HttpFetcher


@either
def test_a_certificate_that_is_trusted(face: type[Face], tmp_path: Path) -> None:
    served, trusting = contexts(tmp_path)
    with ScriptedServer(tls=served) as server, face(tls=trusting) as fetcher:
        assert fetcher.get(server.url).body == b'{"keys":[]}'


@either
def test_a_self_made_certificate(face: type[Face], tmp_path: Path) -> None:
    served, _ = contexts(tmp_path)
    with ScriptedServer(tls=served) as server, face() as fetcher:
        reason = fetcher.refusal(server.url)
        assert reason.kind is SOURCE_DOWN
        assert "CERTIFICATE_VERIFY_FAILED" in reason.detail
        assert server.count == 0


@either
def test_a_certificate_for_another_host(face: type[Face], tmp_path: Path) -> None:
    served, trusting = contexts(tmp_path, address="127.0.0.2")
    with ScriptedServer(tls=served) as server, face(tls=trusting) as fetcher:
        assert fetcher.refusal(server.url).kind is SOURCE_DOWN
        assert server.count == 0


@either
def test_an_expired_certificate(face: type[Face], tmp_path: Path) -> None:
    served, trusting = contexts(tmp_path, expired=True)
    with ScriptedServer(tls=served) as server, face(tls=trusting) as fetcher:
        assert "expired" in fetcher.refusal(server.url).detail
        assert server.count == 0


@either
def test_a_handshake_that_never_ends(face: type[Face]) -> None:
    with ScriptedServer() as server, face(timeout=timedelta(milliseconds=100)) as fetcher:
        # Speaks plain HTTP, and waits for an end of what it takes for a request.
        assert fetcher.refusal(server.url.replace("http:", "https:")).kind is SOURCE_TIMEOUT
        fetcher.settle()
        assert server.cut.wait(PATIENCE)
        assert server.count == 0


@pytest.mark.parametrize("kind", [HttpFetcher, AsyncHttpFetcher])
def test_verification_cannot_be_switched_off(kind: type) -> None:
    blind = ssl.create_default_context()
    blind.check_hostname = False
    with pytest.raises(ConfigError, match="does not verify"):
        kind(tls=blind)
    blind.verify_mode = ssl.CERT_NONE
    with pytest.raises(ConfigError, match="does not verify"):
        kind(tls=blind)
