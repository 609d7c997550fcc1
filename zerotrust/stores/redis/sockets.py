"""Sockets, connected within a deadline: blocking ones, on which all waiting ends at it, and those of asyncio."""

from __future__ import annotations

import socket
import ssl
from asyncio import StreamReader, StreamWriter, open_connection, open_unix_connection
from time import monotonic
from typing import cast

from zerotrust.stores.redis.url import Place
from zerotrust.stores.resolving import addresses, addresses_async


class TimedSocket:
    """A connected socket; however little arrives at a time, its deadline stays.

    Args:
        plain: the socket, with TLS or without.
        deadline: the tick at which all waiting ends; set anew for each exchange.
    """

    __slots__ = ("_socket", "deadline")

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._socket = plain
        self.deadline: float = deadline

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end."""
        self._socket.settimeout(left(self.deadline))
        return self._socket.recv(size)

    def disturbed(self) -> bool:
        """Whether it has ended, or something has arrived; what that is is not kept."""
        try:
            self._socket.settimeout(0)
            self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            return True
        return True

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        self._socket.settimeout(left(self.deadline))
        self._socket.sendall(data)

    def shutdown(self, how: int) -> None:
        """End the connection, also for who waits on it; without the farewell of TLS, which would wait."""
        socket.socket.shutdown(self._socket, how)

    def close(self) -> None:
        """Give back the descriptor."""
        self._socket.close()


def dial(place: Place, tls: ssl.SSLContext | None, deadline: float) -> TimedSocket:
    """A connection to `place`, verified if `tls` says how, until the tick `deadline`."""
    plain = _reached(place, deadline)
    try:
        if tls is not None:
            plain.settimeout(left(deadline))
            plain = tls.wrap_socket(plain, server_hostname=place.host)
    except UnicodeError:
        plain.close()
        raise _unnamed(place) from None
    except BaseException:
        plain.close()
        raise
    return TimedSocket(plain, deadline)


async def dial_async(place: Place, tls: ssl.SSLContext | None) -> tuple[StreamReader, StreamWriter]:
    """The same for asyncio; the deadline is that of whoever waits."""
    if place.path:
        return await open_unix_connection(place.path)
    try:
        reader, writer = await _reached_async(place, tls)
    except UnicodeError:
        raise _unnamed(place) from None
    plain = cast("socket.socket", writer.get_extra_info("socket"))
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return reader, writer


def left(deadline: float) -> float:
    """Seconds until `deadline`; raises `TimeoutError` when there are none."""
    seconds = deadline - monotonic()
    if seconds <= 0:
        raise TimeoutError("out of time")
    return seconds


def _unnamed(place: Place) -> OSError:
    return OSError(f"{place.host} cannot be the name of a host")


def _reached(place: Place, deadline: float) -> socket.socket:
    if place.path:
        return _connected(socket.AF_UNIX, place.path, deadline)
    trouble: OSError | None = None
    for address in addresses(place.host, deadline):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            plain = _connected(family, (address, place.port), deadline)
        except TimeoutError:
            raise
        except OSError as this:
            trouble = this
            continue
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return plain
    raise trouble or OSError(f"no address of {place.host}")


def _connected(family: int, address: tuple[str, int] | str, deadline: float) -> socket.socket:
    plain = socket.socket(family, socket.SOCK_STREAM)
    try:
        plain.settimeout(left(deadline))
        plain.connect(address)
    except BaseException:
        plain.close()
        raise
    return plain


async def _reached_async(place: Place, tls: ssl.SSLContext | None) -> tuple[StreamReader, StreamWriter]:
    trouble: OSError | None = None
    for address in await addresses_async(place.host):
        try:
            return await open_connection(address, place.port, ssl=tls, server_hostname=place.host if tls else None)
        except ssl.SSLError:
            raise
        except OSError as this:
            trouble = this
    raise trouble or OSError(f"no address of {place.host}")
