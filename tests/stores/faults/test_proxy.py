"""The proxy does to connections what it says: else the tests that stand on it would pass for nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Thread
from time import monotonic

import pytest

from tests.servers.proxy import PATIENCE, Proxy


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(Thread(target=serve, args=(connection,), daemon=True))
            threads[-1].start()

    accepting = Thread(target=accept, daemon=True)
    accepting.start()
    yield int(listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in (accepting, *threads):
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    with Proxy(echo) as made:
        yield made


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with connect(proxy) as made:
        yield made


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), PATIENCE)


def say(client: socket.socket, data: bytes, length: int | None = None) -> bytes:
    client.sendall(data)
    return hear(client, len(data) if length is None else length)


def hear(client: socket.socket, length: int) -> bytes:
    heard = b""
    while len(heard) < length:
        part = client.recv(length - len(heard))
        assert part, "the connection ended"
        heard += part
    return heard


def silent(client: socket.socket) -> bool:
    """Whether there is nothing to be heard at this moment."""
    client.setblocking(False)
    try:
        return not client.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    finally:
        client.settimeout(PATIENCE)


def test_it_forwards_both_ways_and_the_end_too(proxy: Proxy, client: socket.socket) -> None:
    block = bytes(range(256)) * 2048
    sender = Thread(target=client.sendall, args=(block,))
    sender.start()
    assert hear(client, len(block)) == block
    sender.join(PATIENCE)
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
    assert (proxy.requests.seen, proxy.replies.seen) == (len(block), len(block))


def test_it_stalls_in_the_middle_of_a_reply_and_delivers_the_rest_late(proxy: Proxy, client: socket.socket) -> None:
    assert say(client, b"one") == b"one"
    proxy.stall(replies=2)
    assert say(client, b"two", 2) == b"tw"
    proxy.wait(lambda: proxy.replies.held == 1, "the rest is held back")
    assert silent(client)
    proxy.heal()
    assert hear(client, 1) == b"o"


def test_it_holds_requests_back(proxy: Proxy, client: socket.socket) -> None:
    proxy.stall(replies=None, requests=0)
    client.sendall(b"late")
    proxy.wait(lambda: proxy.requests.held == 4, "it is held back")
    assert proxy.replies.seen == 0
    proxy.heal()
    assert hear(client, 4) == b"late"


def test_who_is_cut_off_does_not_hear_the_other_side_hang_up(proxy: Proxy, client: socket.socket) -> None:
    proxy.stall(replies=0, requests=0)
    client.shutdown(socket.SHUT_WR)
    assert silent(client)
    proxy.heal()
    assert client.recv(1) == b""


def test_it_resets(proxy: Proxy, client: socket.socket) -> None:
    assert say(client, b"one") == b"one"
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with connect(proxy) as other:
        assert say(other, b"two") == b"two"


def test_it_resets_in_the_middle_of_a_reply(proxy: Proxy, client: socket.socket) -> None:
    proxy.cut_after(replies=2)
    client.sendall(b"three")
    with pytest.raises(ConnectionResetError):
        hear(client, 5)


def test_it_refuses_and_heals_on_the_same_port(proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.heal()
    with connect(proxy) as client:
        assert say(client, b"one") == b"one"


def test_it_is_mute_and_stays_so_for_who_came_then(proxy: Proxy) -> None:
    proxy.mute()
    with connect(proxy) as client:
        client.sendall(b"hello")
        proxy.wait(lambda: proxy.accepted == 1, "it takes the connection")
        proxy.heal()
        assert silent(client)
        with connect(proxy) as other:
            assert say(other, b"two") == b"two"


def test_it_drips(proxy: Proxy, client: socket.socket) -> None:
    proxy.drip(0.01)
    began = monotonic()
    assert say(client, b"0123456789") == b"0123456789"
    assert monotonic() - began >= 0.1


def test_a_server_that_is_not_there_resets() -> None:
    def talk() -> None:
        with connect(made) as client:
            client.recv(1)

    with socket.socket() as bound:  # and not listening
        bound.bind(("127.0.0.1", 0))
        with Proxy(bound.getsockname()[1]) as made, pytest.raises(ConnectionResetError):
            talk()
