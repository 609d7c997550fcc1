"""Shows the application what uvicorn's own TLS connections know of their clients, which uvicorn itself does not.

Run `uvicorn app:app --http zerotrust.uvicorn:H11TlsProtocol --ssl-certfile server.pem --ssl-keyfile server.key
--ssl-ca-certs clients-ca.pem --ssl-cert-reqs 2` (2 requires a certificate, 1 asks for one), or `HttpToolsTlsProtocol`
where httptools is installed. Scopes of requests and of WebSockets then carry the TLS extension of the ASGI
specification (version 0.2), which `TlsPeer()` reads.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from functools import cache
from typing import Any, Final, cast

from zerotrust.web.connection import presented_chain

try:
    from uvicorn.protocols.http.h11_impl import H11Protocol
except ImportError as _missing:
    raise ImportError("zerotrust.uvicorn needs uvicorn: pip install 'zerotrust[uvicorn]'") from _missing

_LOG: Final = logging.getLogger("zerotrust.uvicorn")
_VERSIONS: Final = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}


class H11TlsProtocol(H11Protocol):
    """uvicorn's `h11` protocol, with the TLS extension in each scope."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a connection after its handshake, with what the client presented in it."""
        super().connection_made(cast("asyncio.Transport", transport))
        _show(self, transport)


try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ImportError:  # httptools is an extra of uvicorn's

    def __getattr__(name: str) -> Any:
        if name == "HttpToolsTlsProtocol":
            raise ImportError(f"{name} needs httptools: pip install 'uvicorn[standard]', or use H11TlsProtocol")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

else:

    class HttpToolsTlsProtocol(HttpToolsProtocol):
        """uvicorn's `httptools` protocol, with the TLS extension in each scope."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            """Take over a connection after its handshake, with what the client presented in it."""
            super().connection_made(cast("asyncio.Transport", transport))
            _show(self, transport)


def tls_extension(transport: asyncio.BaseTransport) -> dict[str, Any] | None:
    """The TLS extension of the ASGI specification for a connection of this transport; None if it is not TLS.

    A server that is to show more of its connections can put it into `scope["extensions"]["tls"]`. Its own certificate,
    the client's name and the number of the cipher suite are None: the specification lets a server not tell them.
    """
    tls = transport.get_extra_info("ssl_object")
    if tls is None:
        return None
    extension: dict[str, Any] = {
        "server_cert": None,
        "client_cert_name": None,
        "client_cert_error": None,
        "tls_version": _VERSIONS.get(str(tls.version())),
        "cipher_suite": None,
    }
    chain = presented_chain(tls)
    if chain is not None:
        extension["client_cert_chain"] = tuple(map(ssl.DER_cert_to_PEM_cert, chain))
    if getattr(transport.get_extra_info("sslcontext"), "verify_mode", None) == ssl.CERT_NONE:
        _nobody_is_asked()
    return extension


def _show(protocol: Any, transport: asyncio.BaseTransport) -> None:
    """Have the application of `protocol`, and those of WebSockets that come over it, called with the extension."""
    extension = tls_extension(transport)
    if extension is None:
        return
    protocol.app = _shown(protocol.app, extension)
    upgraded = protocol.ws_protocol_class
    if upgraded is not None:

        def websocket(**given: Any) -> asyncio.Protocol:
            made = upgraded(**given)
            if hasattr(made, "app"):  # as uvicorn's own have; another one shows nothing, so nobody is believed there
                made.app = _shown(made.app, extension)
            return cast("asyncio.Protocol", made)

        protocol.ws_protocol_class = websocket


def _shown(app: Any, extension: dict[str, Any]) -> Any:
    async def shown(scope: Any, receive: Any, send: Any) -> Any:
        # A copy for each: one request's application must not change what the next one is told.
        scope["extensions"] = {**(scope.get("extensions") or {}), "tls": dict(extension)}
        return await app(scope, receive, send)

    return shown


@cache
def _nobody_is_asked() -> None:
    _LOG.warning(
        "this server asks no client for a certificate, so none is ever shown: give uvicorn --ssl-ca-certs and "
        "--ssl-cert-reqs 2 (to require one) or 1 (to ask for one)"
    )
