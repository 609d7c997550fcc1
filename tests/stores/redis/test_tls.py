"""TLS: the server must prove who it is, whoever issued its certificate and whatever the URL says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.servers.redis import RedisServer, redis_server
from tests.stores.redis.asking import Style, both, every, look, once, opened, put, refusal, trouble
from tests.stores.redis.certificates import Authority
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_TIMEOUT
from zerotrust.stores.notices import Changed, Listening


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.issue("server")
    made.issue("client", "client.example")
    return made


@pytest.fixture(scope="module")
def secure(_needed: None, authority: Authority) -> Iterator[RedisServer]:
    with redis_server(tls=authority.folder) as server:
        yield server


def trusting(server: RedisServer, folder: Path) -> str:
    return f"{server.url}?ssl_ca_certs={folder}/ca.pem"


@both
def test_a_server_whose_certificate_is_good(style: Style, secure: RedisServer, authority: Authority) -> None:
    with opened(style, trusting(secure, authority.folder), namespace=style) as store:
        for question in every():
            store.answer(question, 10)
        assert once(store) is True
        assert [once(store) for _ in range(5)] == [False] * 5
        put(store, b"v" * 60_000)
        assert look(store) == b"v" * 60_000
        with store.subscribe("session") as subscription:
            assert subscription.get(10) == Listening()
            put(store, b"v", announce=True)
            assert subscription.get(10) == Changed(store.digest("session", b"k"))
            assert subscription.get(0.01) is None
    # The connection is used again, what TLS sends by itself (tickets for sessions) is not taken for an answer.
    assert secure.info("stats")["total_connections_received"] < 20


@both
def test_a_certificate_of_somebody_else(style: Style, secure: RedisServer, tmp_path: Path) -> None:
    Authority(tmp_path / "other")
    for url in (trusting(secure, tmp_path / "other"), secure.url):
        with opened(style, url) as store:
            assert "certificate" in refusal(store) or "issuer" in refusal(store)


@both
def test_a_certificate_for_somebody_else(style: Style, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "other")
    with redis_server(tls=authority.issue("server", "other.example")) as server:
        for url in (
            trusting(server, authority.folder),
            trusting(server, authority.folder).replace("127.0.0.1", "localhost"),
        ):
            with opened(style, url) as store:
                assert "mismatch" in refusal(store)


@both
def test_a_certificate_that_has_expired(style: Style, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "old")
    with (
        redis_server(tls=authority.issue("server", days=-1)) as server,
        opened(style, trusting(server, authority.folder)) as store,
    ):
        assert "expired" in refusal(store)


@both
def test_a_host_name_is_verified_as_a_name(style: Style, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "named")
    with redis_server(tls=authority.issue("server", "localhost")) as server:
        with opened(style, trusting(server, authority.folder).replace("127.0.0.1", "localhost")) as store:
            assert once(store) is True
        with opened(style, trusting(server, authority.folder)) as store:
            assert "mismatch" in refusal(store)


@both
def test_a_server_that_wants_to_know_who_asks(style: Style, authority: Authority) -> None:
    with redis_server("--tls-auth-clients", "yes", tls=authority.folder) as server:
        folder = authority.folder
        known = f"{trusting(server, folder)}&ssl_certfile={folder}/client.pem&ssl_keyfile={folder}/client.key"
        with opened(style, known) as store:
            assert once(store) is True
        with opened(style, trusting(server, folder)) as store:
            assert trouble(store).kind is SOURCE_DOWN


@both
def test_plain_and_tls_do_not_mix(style: Style, secure: RedisServer, server: RedisServer, authority: Authority) -> None:
    short = timedelta(seconds=0.5)
    with opened(style, secure.url.replace("rediss", "redis"), timeout=short) as store:
        assert trouble(store).kind in (SOURCE_DOWN, SOURCE_TIMEOUT)
    tls_to_plain = f"{server.url.replace('redis', 'rediss')}?ssl_ca_certs={authority.folder}/ca.pem"
    with opened(style, tls_to_plain, timeout=short) as store:
        assert trouble(store).kind in (SOURCE_DOWN, SOURCE_TIMEOUT)


@both
def test_a_socket_of_this_machine(style: Style) -> None:
    with redis_server("--unixsocket", "redis.sock", "--unixsocketperm", "777") as server:
        with opened(style, f"unix://{server.directory}/redis.sock?db=3") as store:
            assert once(store) is True
            assert once(store) is False
        with opened(style, f"unix://{server.directory}/redis.sock") as store:
            assert once(store) is True
        with opened(style, f"unix://{server.directory}/none.sock") as store:
            assert trouble(store).kind is SOURCE_DOWN
