"""Who the peer of a connection is, as a test has it: no TLS, no proxy."""

from __future__ import annotations

from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.testing.authority import Issued
from zerotrust.web.peers import Connection, Peers


class LocalPeers(Peers):
    """Says of every request that it came from `client`: `Guard(app, peers=peers)` with `peers = LocalPeers()`.

    Certificates are checked as ever; only where they come from is made up. Whoever uses this in production lets
    everybody be `client`.

    Args:
        client: what the client of the first requests presents.

    Attributes:
        client: what the client of the next requests presents: a certificate, all that a hop may tell, the reason why
            nothing is believed, or None for nothing. To be changed at any time.

    Raises:
        ConfigError: `client` is none of these, here or where it is changed.
    """

    __slots__ = ("_client",)

    def __init__(self, client: Issued | Peer | Reason | None = None) -> None:
        self.client = client

    @property
    def client(self) -> Issued | Peer | Reason | None:
        """What the client of the next requests presents."""
        return self._client

    @client.setter
    def client(self, client: Issued | Peer | Reason | None) -> None:
        if client is not None and not isinstance(client, Issued | Peer | Reason):  # callers are not all typed
            raise ConfigError(
                f"the client is of type {type(client).__name__}: give what it presents, "
                'LocalAuthority(now=...).issue("pc-1"), or Peer(hop="front", names=(...,)) for a name that a hop '
                "passes on"
            )
        self._client: Issued | Peer | Reason | None = client

    def peer(self, request: AccessRequest, connection: Connection) -> Peer | Reason | None:
        """See `Peers.peer`."""
        client = self._client
        return client.peer() if isinstance(client, Issued) else client
