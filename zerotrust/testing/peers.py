"""Who the peer of a connection is, as a test has it: no TLS, no proxy."""

from __future__ import annotations

from zerotrust.core.peer import Peer
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.testing.authority import Issued
from zerotrust.web.peers import Connection, Peers


class LocalPeers(Peers):
    """Says of every request that it came from `client`: `Guard(app, peers=peers)` with `peers = LocalPeers()`.

    Certificates are checked as ever; only where they come from is made up. Whoever uses this in production lets
    everybody be `client`.

    Attributes:
        client: what the client of the next requests presents: a certificate, all that a hop may tell, the reason why
            nothing is believed, or None for nothing. To be changed at any time.
    """

    __slots__ = ("client",)

    def __init__(self, client: Issued | Peer | Reason | None = None) -> None:
        self.client: Issued | Peer | Reason | None = client

    def peer(self, request: AccessRequest, connection: Connection) -> Peer | Reason | None:
        """See `Peers.peer`."""
        return self.client.peer() if isinstance(self.client, Issued) else self.client
