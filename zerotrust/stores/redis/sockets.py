"""Blocking sockets on which all waiting ends at one deadline: for a name, a connection, TLS, each read and write."""

from __future__ import annotations

import socket
import ssl
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TypeAlias

from zerotrust.stores.redis.url import Place

_Address: TypeAlias = "tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes] | str"


class TimedSocket:
    """A connected socket; however little arrives at a time, its deadline stays.

    Args:
        plain: the socket, with TLS or without.
        deadline: the tick at which all waiting ends; set anew for each exchange.
    """

    __slots__ = ("_glance", "_socket", "deadline")

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._socket = plain
        self._glance = False
        self.deadline = deadline

    def settimeout(self, seconds: float | None) -> None:
        """To wait for no time at all is how redis-py looks whether anything is there; other times are ours."""
        self._glance = seconds == 0

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Up to `size` bytes; none at the end."""
        self._arm()
        return self._socket.recv(size, flags)

    def recv_into(self, buffer: bytearray) -> int:
        """The same, into a buffer."""
        self._arm()
        return self._socket.recv_into(buffer)

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        self._arm()
        self._socket.sendall(data)

    def pending(self) -> int:
        """How many bytes TLS has decrypted and nobody has read."""
        return self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0

    def fileno(self) -> int:
        """The descriptor, to poll it."""
        return self._socket.fileno()

    def shutdown(self, how: int) -> None:
        """End the connection, also for who waits on it; without the farewell of TLS, which would wait."""
        socket.socket.shutdown(self._socket, how)

    def close(self) -> None:
        """Give back the descriptor."""
        self._socket.close()

    def _arm(self) -> None:
        self._socket.settimeout(0 if self._glance else left(self.deadline))


def dial(place: Place, tls: ssl.SSLContext | None, deadline: float) -> TimedSocket:
    """A connection to `place`, verified if `tls` says how, until the tick `deadline`."""
    plain = _reached(place, deadline)
    try:
        if tls is not None:
            plain.settimeout(left(deadline))
            plain = tls.wrap_socket(plain, server_hostname=place.host)
    except BaseException:
        plain.close()
        raise
    return TimedSocket(plain, deadline)


def left(deadline: float) -> float:
    """Seconds until `deadline`; raises `TimeoutError` when there are none."""
    seconds = deadline - monotonic()
    if seconds <= 0:
        raise TimeoutError("out of time")
    return seconds


def _reached(place: Place, deadline: float) -> socket.socket:
    if place.path:
        return _connected(socket.AF_UNIX, place.path, deadline)
    trouble = OSError(f"no address is known for {place.host}")
    for family, address in _addresses(place, deadline):
        try:
            plain = _connected(family, address, deadline)
        except TimeoutError:
            raise
        except OSError as this:
            trouble = this
            continue
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return plain
    raise trouble


def _connected(family: int, address: _Address, deadline: float) -> socket.socket:
    plain = socket.socket(family, socket.SOCK_STREAM)
    try:
        plain.settimeout(left(deadline))
        plain.connect(address)
    except BaseException:
        plain.close()
        raise
    return plain


def _addresses(place: Place, deadline: float) -> list[tuple[int, _Address]]:
    """The addresses of a host. A name is looked up by a thread: the system's resolver knows no deadline."""
    try:
        ip_address(place.host)
    except ValueError:
        pass
    else:
        return _resolve(place)
    answers: SimpleQueue[list[tuple[int, _Address]] | BaseException] = SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(_resolve(place))
        except BaseException as trouble:  # noqa: BLE001 - it is raised where the answer is awaited
            answers.put(trouble)

    Thread(target=look_up, name="zerotrust-resolve", daemon=True).start()
    try:
        found = answers.get(timeout=left(deadline))
    except Empty:
        raise TimeoutError(f"looking up {place.host} took too long") from None
    if isinstance(found, BaseException):
        raise found
    return found


def _resolve(place: Place) -> list[tuple[int, _Address]]:
    found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]
