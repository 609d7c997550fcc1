"""The HTTP client: one request on one connection, blocking or async.

It is httpcore2, the layer that httpx2 stands on. It takes a URL in parts, so that what was judged is what is connected
to, and it has no redirects, cookies, proxies from the environment or content decoding that would have to be tamed.
Minutes lie between two fetches, so no connection is kept.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing, closing
from functools import cache
from time import monotonic
from typing import Any, Final, NamedTuple, Protocol, Self, cast

from zerotrust.core.reason import SOURCE_DOWN, SOURCE_TIMEOUT, Reason
from zerotrust.wire.url import Address

try:
    import httpcore2
except ImportError as _missing:
    raise ImportError("fetching documents needs an HTTP client: pip install 'zerotrust[http]'") from _missing

_TIMED_OUT: Final = (TimeoutError, httpcore2.TimeoutException)

TROUBLE: Final = (*_TIMED_OUT, OSError, httpcore2.NetworkError, httpcore2.ProtocolError)
"""What an exchange raises when it fails; anything else is a bug."""


class Message(NamedTuple):
    """What is sent. It shows nothing: it may hold secrets."""

    method: str
    headers: Sequence[tuple[bytes, bytes]]
    content: bytes = b""

    def __repr__(self) -> str:
        return f"<Message {self.method}>"


class Listener(Protocol):
    """What judges a response as it arrives."""

    def head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Judge status and header fields; whether the body is to be read."""
        ...

    def body(self, chunk: bytes) -> bool:
        """Take the next bytes of the body; whether more may come."""
        ...


def own_trust() -> ssl.SSLContext:
    """A context of its own that trusts the certification authorities the system trusts."""
    return httpcore2.default_ssl_context()


@cache
def system_trust() -> ssl.SSLContext:
    """A context that trusts the certification authorities the system trusts. Shared: to read them takes a while."""
    return own_trust()


def exchange(reply: Listener, message: Message, address: Address, tls: ssl.SSLContext, deadline: float) -> None:
    """Send `message` to `address`, and give what comes back to `reply`, until the tick `deadline`."""
    connection = httpcore2.HTTPConnection(_origin(address), tls, network_backend=_Network(deadline))
    with closing(connection), closing(connection.handle_request(_request(message, address))) as response:
        if reply.head(response.status, response.headers):
            for chunk in cast("Iterable[bytes]", response.stream):
                if not reply.body(chunk):
                    break


async def exchange_async(reply: Listener, message: Message, address: Address, tls: ssl.SSLContext) -> None:
    """The same for asyncio; to be cancelled at the deadline."""
    async with _AsyncNetwork() as network:
        connection = httpcore2.AsyncHTTPConnection(_origin(address), tls, network_backend=network)
        async with (
            aclosing(connection),
            aclosing(await connection.handle_async_request(_request(message, address))) as response,
        ):
            if reply.head(response.status, response.headers):
                stream = aiter(cast("AsyncGenerator[bytes]", response.stream))
                async with aclosing(cast("AsyncGenerator[bytes]", stream)):
                    async for chunk in stream:
                        if not reply.body(chunk):
                            break


def why(trouble: Exception, address: Address) -> Reason:
    """The reason for one of `TROUBLE`."""
    if isinstance(trouble, _TIMED_OUT):
        return SOURCE_TIMEOUT(detail=address.authority)
    # Why a connection could not be made is our system's text; of what a peer sent on one, only the kind of error.
    text = f": {trouble}"[:300] if isinstance(trouble, httpcore2.ConnectError) else ""
    return SOURCE_DOWN(detail=f"{address.authority}: {type(trouble).__name__}{text}")


def _origin(address: Address) -> httpcore2.Origin:
    return httpcore2.Origin(address.scheme.encode(), address.host.encode(), address.port)


def _request(message: Message, address: Address) -> httpcore2.Request:
    url = httpcore2.URL(
        scheme=address.scheme.encode(), host=address.host.encode(), port=address.port, target=address.target.encode()
    )
    return httpcore2.Request(message.method, url, headers=message.headers, content=message.content or None)


class _Stream(httpcore2.NetworkStream):
    """A connection on which every wait ends at one deadline, however little arrives at a time."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Network(httpcore2.SyncBackend):
    """Makes connections that end at one deadline."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        stream = super().connect_tcp(host, port, _left(self._deadline), local_address, socket_options or ())
        return _Stream(stream, self._deadline)


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout
    return left


class _AsyncNetwork(httpcore2.AsyncNetworkBackend):
    """Closes what it connected, also when cancelled in the middle of a TLS handshake, where the client does not."""

    def __init__(self) -> None:
        self._network = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())
        self._streams: list[httpcore2.AsyncNetworkStream] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the client's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        stream = await self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        self._streams.append(stream)
        return stream

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for stream in self._streams:
            await stream.aclose()
