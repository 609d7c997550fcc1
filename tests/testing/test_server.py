from __future__ import annotations

import json
import threading
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from zerotrust.testing import Clock, LocalIssuerServer


def get(url: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), json.loads(answer.read())
    finally:
        connection.close()


def test_keys_are_found_through_metadata_and_verify_a_token() -> None:
    with LocalIssuerServer(clock=Clock(1_800_000_000), algorithms=["EdDSA"]) as server:
        status, headers, metadata = get(f"{server.url}/.well-known/openid-configuration")
        assert status == 200
        assert headers["Content-Type"] == "application/json"
        assert headers["Cache-Control"] == "public, max-age=300"
        assert metadata["issuer"] == server.url == server.issuer.url
        _, _, keys = get(metadata["jwks_uri"])
        token = server.issuer.mint(audience="payments")
        key = jwt.PyJWK(keys["keys"][0])
        skip = {"verify_exp": False, "verify_iat": False}
        assert jwt.decode(token, key, algorithms=["EdDSA"], audience="payments", issuer=server.url, options=skip)  # type: ignore[arg-type]
        assert get(f"{server.url}/.well-known/oauth-authorization-server")[2] == metadata


def test_requests_are_counted_by_path() -> None:
    with LocalIssuerServer(algorithms=["EdDSA"]) as server:
        get(f"{server.url}/jwks")
        get(f"{server.url}/jwks")
        assert get(f"{server.url}/elsewhere")[0] == 404
        assert server.requests == {"/jwks": 2, "/elsewhere": 1}


def test_freshness_can_be_changed_while_it_runs() -> None:
    with LocalIssuerServer(algorithms=["EdDSA"]) as server:
        server.cache_control = "no-store"
        assert get(f"{server.url}/jwks")[1]["Cache-Control"] == "no-store"


def test_an_outage_refuses_connections_and_ends_at_the_same_address() -> None:
    with LocalIssuerServer(algorithms=["EdDSA"]) as server:
        url, keys = server.url, get(f"{server.url}/jwks")[2]
        server.stop()
        assert not server.running
        assert repr(server) == f"LocalIssuerServer('{url}', stopped)"
        with pytest.raises(ConnectionRefusedError):
            get(f"{url}/jwks")
        server.stop()  # already stopped
        server.start()
        server.start()  # already running
        assert (server.running, server.url) == (True, url)
        assert get(f"{url}/jwks")[2] == keys
        assert server.requests == {"/jwks": 2}


def test_nothing_is_left_running() -> None:
    before = set(threading.enumerate())
    with LocalIssuerServer(algorithms=["EdDSA"]) as server:
        get(f"{server.url}/jwks")
        assert set(threading.enumerate()) - before
    assert set(threading.enumerate()) - before == set()
