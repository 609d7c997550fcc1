"""Who says who the peer of a connection is: the resolver's contract. Nobody does, unless a door is told to listen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from zerotrust.core.peer import Peer
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest


@dataclass(frozen=True, slots=True)
class Connection:
    """What a server tells the application about the connection that a request came over.

    Attributes:
        chain: what the client presented in the TLS handshake, as DER, its own certificate first; empty if none.
        shown: whether the server shows certificates at all; where it does not, an empty `chain` says nothing.
        server: what the server is called, for messages.
        rewritten: whether the server has replaced the peer's address by what a header says, so that it tells nothing.
        lossy: whether the server lets one header take the place of another without a trace: a second copy, or one that
            is spelled with `_`. What a hop says cannot be told there from what its client says.
        known: whether it is known of this server that it does neither. An ASGI server hands on each header as it came;
            WSGI has no place for that, so there it has to be a server that was tried.
        over_ip: whether the server says that it was called over IP, so that an address it does not tell was lost (with
            a connection that is reset at once), and is not that of a Unix socket.
    """

    chain: tuple[bytes, ...] = ()
    shown: bool = False
    server: str = "this server"
    rewritten: bool = False
    lossy: bool = False
    known: bool = True
    over_ip: bool = False


class Peers(ABC):
    """Says who the peer of a connection is."""

    __slots__ = ()

    @property
    def headers(self) -> frozenset[str]:
        """The headers that it looks at, in lower case: an application need not see them."""
        return frozenset()

    @property
    def hops(self) -> frozenset[str] | None:
        """The names of all hops that it may say a peer came by; None if it does not tell."""
        return None

    def why_nobody(self, request: AccessRequest, connection: Connection) -> str:
        """Why `peer` said None, for developers: words of the configuration, none of the caller's; empty if unknown."""
        return ""

    @abstractmethod
    def peer(self, request: AccessRequest, connection: Connection) -> Peer | Reason | None:
        """Who is at the other end.

        Args:
            request: the request, of which headers and the direct peer's address are looked at; its `peer` is not set.
            connection: what the server tells about the connection.

        Returns:
            What was presented; the reason, if something was that must not be believed; None if nothing was.
        """
