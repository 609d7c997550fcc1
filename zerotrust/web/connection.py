"""What a server tells of the TLS connection a request came over: from an ASGI scope, or from a WSGI environment."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from itertools import islice
from socket import AF_INET, AF_INET6
from typing import Any, Final, cast

from zerotrust.web.peers import Connection

_MOST_CERTIFICATES: Final = 32
_MOST_BYTES: Final = 256 * 1024  # OpenSSL itself takes 100 kB of certificates from a client, unless told otherwise
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"  # RFC 7468 section 5.1; what stands around it is not taken
_END: Final = "-----END CERTIFICATE-----"
_DER: Final = 2  # `_ssl.ENCODING_DER`
_ASGI: Final = "this server"
# To all of these `X_A` is `X-A`, alone and beside it; and of two copies cheroot has the second one, alone.
_LOSSY: Final = ("cheroot", "granian", "wsgiserver")


# --- ASGI ------------------------------------------------------------------------------------------------------------
def asgi_connection(scope: Mapping[str, Any]) -> Connection:
    """What an ASGI server tells, by the TLS extension of the specification (version 0.2).

    Args:
        scope: of a request or WebSocket.

    Returns:
        The connection. `shown` is False where the scope has no such extension, where it lacks `client_cert_chain`, and
        where that cannot be read to its last certificate. `client_cert_error` is not looked at: verifiers check the
        chain themselves, and the handshake has proven the key, whatever the server thinks of its certificate.
    """
    chain = _chain_of_scope(scope.get("extensions"))
    return Connection(
        () if chain is None else chain,
        chain is not None,
        _ASGI,
        _client_rewritten(scope),
        over_ip=_called_over_ip(scope.get("server")),
    )


def _called_over_ip(server: object) -> bool:
    """Whether `server` is an address and a port, as opposed to a socket's path, or nothing.

    uvicorn tells `(path, None)` of a Unix socket, Hypercorn and Granian nothing, gunicorn the path's first two letters.
    """
    if not isinstance(server, list | tuple):
        return False
    said = tuple(cast("Iterable[object]", server))
    if len(said) != 2:
        return False
    host, port = said
    if isinstance(port, int):
        return True
    try:
        return isinstance(host, str) and bool(ip_address(host))
    except ValueError:
        return False


def _chain_of_scope(extensions: object) -> tuple[bytes, ...] | None:
    tls = cast("Mapping[object, object]", extensions).get("tls") if isinstance(extensions, Mapping) else None
    shown = cast("Mapping[object, object]", tls).get("client_cert_chain") if isinstance(tls, Mapping) else None
    if isinstance(shown, str | bytes | Mapping) or not isinstance(shown, Iterable):
        return None
    try:
        texts = list(islice(cast("Iterable[object]", shown), _MOST_CERTIFICATES + 1))
    except Exception:  # noqa: BLE001 - it may be anybody's iterator
        return None
    return _ders(texts)


def _client_rewritten(scope: Mapping[str, Any]) -> bool:
    """Whether `client` is what a header says.

    No TCP connection comes from port 0, which is what uvicorn and Hypercorn put where a header names an address alone;
    Granian puts it where there is no address either, on a Unix socket. Where a header names a port as well, uvicorn
    takes both: so an address is suspected, too, whose port stands in the header.
    """
    client = scope.get("client")
    if not isinstance(client, list | tuple):
        return False
    address = tuple(cast("Iterable[object]", client))
    port = _port(address[1]) if len(address) == 2 and address[0] != "" else None
    if port is None or port == 0:
        return port == 0
    headers = scope.get("headers")
    named = _forwarded(cast("Iterable[object]", headers)) if isinstance(headers, list | tuple) else []
    return any(_port(one.rpartition(":")[2]) == port for one in named)


def _forwarded(headers: Iterable[object]) -> list[str]:
    entries: list[str] = []
    for header in headers:
        if isinstance(header, tuple | list):
            pair = tuple(cast("Iterable[object]", header))
            if len(pair) == 2 and pair[0] == b"x-forwarded-for" and isinstance(pair[1], bytes):
                entries += pair[1].decode("latin-1").split(",")
    return entries


def _port(said: object) -> int | None:
    """A port: a number, or text (of Granian, or in a header), read as leniently as by a server that believes it."""
    try:
        return int(said) if isinstance(said, int | str) else None
    except ValueError:
        return None


# --- WSGI ------------------------------------------------------------------------------------------------------------
def wsgi_connection(environ: Mapping[str, Any]) -> Connection:
    """What a WSGI server tells: its socket, where it hands it on, else mod_ssl's `SSL_CLIENT_CERT`.

    Args:
        environ: as the server made it. A client cannot set what is read here: its headers come as `HTTP_...`
            (PEP 3333), `Content-Type` and `Content-Length` apart. What stands before the server can, where server and
            frontend speak CGI, uwsgi or mod_wsgi, and is then the one that ended TLS.

    Returns:
        The connection. The socket tells the whole chain; `SSL_CLIENT_CERT` the client's certificate alone, unless
        `SSL_CLIENT_CERT_CHAIN_0` and so on follow it. `SSL_CLIENT_VERIFY` counts only as far as it says `NONE`:
        verifiers check the chain themselves. `known` are gunicorn, waitress and Werkzeug by what they put there, and
        no other: neither mod_wsgi and uWSGI, nor what runs WSGI inside of ASGI, nor a waitress with another `ident`.
    """
    said = environ.get("SERVER_SOFTWARE")
    software = said[:128] if isinstance(said, str) and said.isprintable() else ""
    server = software.partition("/")[0][:32]
    chain: tuple[bytes, ...] | None = None
    over_ip = False
    for name in ("gunicorn.socket", "werkzeug.socket"):
        socket = environ.get(name)
        if socket is not None and chain is None:
            chain = presented_chain(socket)
        over_ip |= getattr(socket, "family", None) in (AF_INET, AF_INET6)
    if chain is None:
        chain = _chain_of_environ(environ)
    return Connection(
        () if chain is None else chain,
        chain is not None,
        server or _ASGI,
        _address_rewritten(environ, server),
        any(one in software.lower() for one in _LOSSY),
        _known(environ, software),
        over_ip,
    )


def _known(environ: Mapping[str, Any], software: str) -> bool:
    """Whether this is a server that is known to hand on the address, and to let no spelling pass for another."""
    if software.startswith("gunicorn/"):
        return environ.get("gunicorn.socket") is not None
    if software.startswith("Werkzeug/"):
        return environ.get("werkzeug.socket") is not None
    return software == "waitress"


def _chain_of_environ(environ: Mapping[str, Any]) -> tuple[bytes, ...] | None:
    verify, leaf = environ.get("SSL_CLIENT_VERIFY"), environ.get("SSL_CLIENT_CERT")
    if verify == "NONE":
        return ()
    texts: list[object] = [leaf]
    while len(texts) <= _MOST_CERTIFICATES and (above := environ.get(f"SSL_CLIENT_CERT_CHAIN_{len(texts) - 1}")):
        texts.append(above)
    return _ders(texts)


def _address_rewritten(environ: Mapping[str, Any], server: str) -> bool:
    """Whether `REMOTE_ADDR` is what a header, or the PROXY protocol, says."""
    # What ProxyFix notes is what the one before it made of the address, where there are two: so it is not compared.
    if "werkzeug.proxy_fix.orig" in environ or "PROXY_PROTOCOL" in environ:
        return True
    # Waitress leaves these headers to the application only if it believes them, and then it takes the address from one.
    return server == "waitress" and ("HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ)


# --- Both ------------------------------------------------------------------------------------------------------------
def presented_chain(tls: object) -> tuple[bytes, ...] | None:
    """The certificates that the other side of a TLS connection presented, its own first, as DER.

    Args:
        tls: an `ssl.SSLSocket` or `ssl.SSLObject` after its handshake; anything else is taken, too.

    Returns:
        All that were sent; the peer's own alone after a resumed handshake (RFC 8446 section 2.2), in which none are
        sent, and where Python does not tell more; empty if none was presented; None if `tls` cannot tell.
    """
    try:
        leaf: object = cast("Any", tls).getpeercert(binary_form=True)
        if leaf is None:
            return ()
        if not isinstance(leaf, bytes):
            return None
        chain = _unverified_chain(tls)
    except Exception:  # noqa: BLE001 - no TLS, no handshake yet, closed, or a socket of somebody else's making
        return None
    # It is a private interface before Python 3.13: what it tells counts only beside the leaf that is known.
    whole = len(chain) <= _MOST_CERTIFICATES and chain[:1] == (leaf,) and sum(map(len, chain)) <= _MOST_BYTES
    return chain if whole else (leaf,)


def _unverified_chain(tls: object) -> tuple[bytes, ...]:
    public = getattr(tls, "get_unverified_chain", None)  # Python 3.13
    if public is not None:
        return tuple(public())
    private = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    return () if private is None else tuple(one.public_bytes(_DER) for one in private() or ())


def _ders(texts: list[object]) -> tuple[bytes, ...] | None:
    if len(texts) > _MOST_CERTIFICATES:
        return None
    ders: list[bytes] = []
    room = _MOST_BYTES
    for text in texts:
        der = _der(text) if isinstance(text, str) and len(text) < 2 * room else b""
        room -= len(der)
        if not der or room < 0:
            return None
        ders.append(der)
    return tuple(ders)


def _der(pem: str) -> bytes:
    """One certificate as it stands in PEM; empty if it is anything else, or several."""
    text = pem.strip()
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        return b""
    try:
        return b64decode("".join(text[len(_BEGIN) : -len(_END)].split()), validate=True)
    except ValueError:  # and what it is the base of
        return b""
