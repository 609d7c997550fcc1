"""The server's own TLS connection tells who the peer is."""

from __future__ import annotations

from typing import Final

from zerotrust.core.peer import Peer
from zerotrust.core.reason import NO_SOURCE, STRAY_HEADER, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.web.peers.contract import Connection, Peers
from zerotrust.web.peers.headers import KNOWN, collect

_ADVICE: Final = (
    "use gunicorn, Werkzeug or cheroot, which show it, uvicorn with --http zerotrust.uvicorn:H11TlsProtocol, or a "
    "proxy that ends TLS and peers=FromHops(Hop(...))"
)


def presented(connection: Connection) -> Peer | Reason | None:
    """What the client of `connection` presented in the handshake; `no_source` where the server does not show it."""
    if not connection.shown:
        return NO_SOURCE(expected="the client's certificate", detail=f"{connection.server} does not show it; {_ADVICE}")
    return Peer(connection.chain) if connection.chain else None


class TlsPeer(Peers):
    """Takes the client's certificate from the TLS connection that ends in this very server, and from nowhere else.

    A header by which a proxy would tell of one has no business here: a request that carries one is refused, as it
    would be believed by whoever reads it further in.
    """

    __slots__ = ()

    def peer(self, request: AccessRequest, connection: Connection) -> Peer | Reason | None:
        """See `Peers.peer`; `stray_header` if there is such a header."""
        found, wrong = collect(request.headers, KNOWN)
        if wrong is not None:
            return STRAY_HEADER(presented=wrong.presented, detail="TLS ends here, and no proxy may speak for a client")
        if found is not None:
            return STRAY_HEADER(
                presented=min(found).decode("ascii"), detail="TLS ends here, and no proxy may speak for a client"
            )
        return presented(connection)

    def __repr__(self) -> str:
        return "TlsPeer()"
