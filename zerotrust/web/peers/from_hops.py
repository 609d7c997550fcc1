"""Takes the client's certificate from headers, if they come from a hop that was named, and from nobody else."""

from __future__ import annotations

from ipaddress import IPv6Address
from itertools import combinations
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.core.reason import STRAY_HEADER, TOO_LARGE, UNTRUSTED_HOP, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.web.peers.contract import Connection, Peers
from zerotrust.web.peers.headers import KNOWN, collect
from zerotrust.web.peers.hop import Hop
from zerotrust.web.peers.memo import Memo, key_of
from zerotrust.web.peers.tls import presented
from zerotrust.wire.client_cert import MAX_FORWARDED

_MOST_PLACES: Final = 1024
_NO_ADDRESS: Final = "the server tells no address that it was called from, so nobody knows whether that was a hop's"

_REWRITTEN: Final = (
    "the server has put what a header says in the place of the address it was called from; start it with "
    "--no-proxy-headers, or take the middleware away that does it"
)
_LOSSY: Final = (
    "lets a client's X_Client_Cert take the place of the hop's X-Client-Cert, and nobody can tell; use a server that "
    "does not: gunicorn, waitress, or one that speaks ASGI"
)
_UNKNOWN: Final = (
    "is not known to hand on the address it was called from, and each header under its own name; use gunicorn, "
    "waitress with its own ident, or one that speaks ASGI, and call wsgi_request outside of what rewrites environ; or "
    "try yours (docs/client-certificates.md), and write FromHops(..., any_server=True)"
)


class _Placed:
    """A hop, and what is worked out for it once."""

    __slots__ = ("expects", "hop", "memo", "reads")

    def __init__(self, hop: Hop, remember: int) -> None:
        self.hop = hop
        self.expects = frozenset(name.encode() for name in hop.expects)
        self.reads = tuple(name.encode() for name in hop.format.reads)
        self.memo = Memo(remember)


class FromHops(Peers):
    """Takes the client's certificate from the headers of hops in front of this server.

    Whether a certificate is good, its verifiers say: what a hop has checked is not counted on, and its word alone only
    where no more is to be had (Linkerd, Istio), in which case evidence says whose word it is.

    A request is refused with a reason if any header by which proxies tell of client certificates

    - comes from somebody who is no such hop, or from one that does not show what it must (`untrusted_hop`);
    - comes twice (`duplicate_header`), under another spelling, or is one that this hop does not set (`stray_header`);
    - cannot be read to its last character (`malformed`, `too_large`), or contradicts another (`key_mismatch`).

    Args:
        hops: the hops; those with an address in common must each have a secret or a certificate.
        direct: whether clients may come without a hop, too, and present their certificate to this server itself.
        any_server: whether a WSGI server is believed that is not known here, such as uWSGI and mod_wsgi. Only if you
            have tried that it tells the address it was called from, and lets `X_A` neither pass for `X-A` nor replace
            it.
        remember: how many headers of each hop are remembered with the certificates they gave, four megabytes at the
            most; 0 for none. Secrets are not among them.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    __slots__ = ("_any_server", "_direct", "_hops", "_known", "_places")

    def __init__(self, *hops: Hop, direct: bool = False, any_server: bool = False, remember: int = 1024) -> None:
        for hop in hops:
            if not isinstance(hop, Hop):
                raise ConfigError(f"FromHops takes Hop('ingress', nginx(), addresses=[...]), not {hop!r}")
        if not hops:
            raise ConfigError("FromHops() believes nobody; write FromHops(Hop('ingress', nginx(), addresses=[...]))")
        if type(remember) is not int or remember < 0:
            raise ConfigError(f"remember={remember!r}: write how many headers are remembered, 0 for none")
        for one, other in combinations(hops, 2):
            _check_apart(one, other)
        self._hops: tuple[_Placed, ...] = tuple(_Placed(hop, remember) for hop in hops)
        self._known: frozenset[bytes] = KNOWN.union(*(placed.expects for placed in self._hops))
        self._direct: bool = direct
        self._any_server: bool = any_server
        self._places: dict[str, tuple[_Placed, ...]] = {}

    @property
    def headers(self) -> frozenset[str]:
        """See `Peers.headers`: those of its hops, their secrets among them."""
        return frozenset[str]().union(*(placed.hop.expects for placed in self._hops))

    @property
    def hops(self) -> frozenset[str]:
        """See `Peers.hops`."""
        return frozenset(placed.hop.name for placed in self._hops)

    def why_nobody(self, request: AccessRequest, connection: Connection) -> str:
        """See `Peers.why_nobody`."""
        there = self._at(request, connection)
        if isinstance(there, Reason):
            return there.detail
        if not there:
            return "called from no hop's address"
        told = "the address is that of " + " or ".join(placed.hop.name for placed in there)
        if any(name in placed.expects for name, _ in request.headers for placed in there):
            return f"{told}, which says that its client has none"
        secrets = [placed.hop.secret.header for placed in there if placed.hop.secret is not None]
        return f"{told}, but it sent no {' or '.join(secrets)}" if secrets else f"{told}, which told of none"

    def peer(self, request: AccessRequest, connection: Connection) -> Peer | Reason | None:
        """See `Peers.peer`."""
        found, wrong = collect(request.headers, self._known)
        if found is None and wrong is None:
            return self._directly(request, connection) if self._direct else None
        found = found or {}
        placed = self._source(request, connection, found)
        if isinstance(placed, Reason):
            return placed
        if wrong is not None:
            return wrong
        if not found.keys() <= placed.expects:
            strays = sorted(name.decode("ascii") for name in found.keys() - placed.expects)
            return STRAY_HEADER(
                expected=f"what {placed.hop.format!r} sets", presented=", ".join(strays), detail=f"by {placed.hop.name}"
            )
        return _told(placed, found)

    def _source(self, request: AccessRequest, connection: Connection, found: dict[bytes, bytes]) -> _Placed | Reason:
        """Which hop the request comes from, as its address and what it shows tell; why it comes from none."""
        if connection.rewritten:
            return UNTRUSTED_HOP(detail=_REWRITTEN)
        if connection.lossy:
            return UNTRUSTED_HOP(detail=f"{connection.server} {_LOSSY}")
        if not (connection.known or self._any_server):
            return UNTRUSTED_HOP(detail=f"{connection.server} {_UNKNOWN}")
        there = self._at(request, connection)
        if isinstance(there, Reason):
            return there
        if not there:
            return UNTRUSTED_HOP(
                expected=" or ".join(placed.hop.name for placed in self._hops), presented=request.client or "no address"
            )
        refused: Reason | None = None
        for placed in there:
            refused = placed.hop.refusal(found, connection, request.now)
            if refused is None:
                return placed
        return refused if refused is not None else UNTRUSTED_HOP()

    def _at(self, request: AccessRequest, connection: Connection) -> tuple[_Placed, ...] | Reason:
        """The hops at the address that the request comes from, none if it is nobody's; why that cannot be told."""
        client = request.client
        known = self._places.get(client) if client else None
        if known is not None:
            return known
        address = request.address
        if isinstance(address, IPv6Address) and (address.ipv4_mapped is not None or address.scope_id is not None):
            return UNTRUSTED_HOP(
                presented=client,
                detail="an IPv4 address mapped into IPv6, or one with a zone; listen on IPv4 and IPv6 separately",
            )
        if address is None:
            if client or connection.over_ip:
                return UNTRUSTED_HOP(presented=client or "no address", detail=_NO_ADDRESS)
            return tuple(placed for placed in self._hops if placed.hop.unix_socket)
        there = tuple(placed for placed in self._hops if any(address in network for network in placed.hop.addresses))
        if client and there:
            if len(self._places) >= _MOST_PLACES:
                self._places.clear()
            self._places[client] = there
        return there

    def _directly(self, request: AccessRequest, connection: Connection) -> Peer | Reason | None:
        """What a client presented that came without a hop. What a hop presents is its own, and says nothing of it."""
        if connection.rewritten:
            return UNTRUSTED_HOP(detail=_REWRITTEN)
        there = self._at(request, connection)
        if there and not isinstance(there, Reason):
            return None
        said = presented(connection)
        if not isinstance(said, Peer):
            return said
        if isinstance(there, Reason):
            return there
        if not request.client:
            return UNTRUSTED_HOP(presented="no address", detail=_NO_ADDRESS)
        for placed in self._hops:
            if placed.hop.certificate is not None and placed.hop.certificate.names(connection):
                return UNTRUSTED_HOP(
                    presented=f"the certificate of {placed.hop.name}", detail="from an address that is none of its own"
                )
        return said

    def __repr__(self) -> str:
        hops = ", ".join(repr(placed.hop) for placed in self._hops)
        more = [f", {word}=True" for word, on in (("direct", self._direct), ("any_server", self._any_server)) if on]
        return f"FromHops({hops}{''.join(more)})"


def _told(placed: _Placed, found: dict[bytes, bytes]) -> Peer | Reason | None:
    for value in found.values():
        if len(value) > MAX_FORWARDED:
            return TOO_LARGE(
                expected=f"at most {MAX_FORWARDED} octets", presented=len(value), detail="a forwarded header"
            )
    key = key_of(found, placed.reads)
    peer = placed.memo.find(key)
    if peer is not None:
        return peer
    said = placed.hop.format.read(found, placed.hop.name)
    if isinstance(said, Peer):
        placed.memo.keep(key, said)
    return said


def _check_apart(one: Hop, other: Hop) -> None:
    if one.name == other.name:
        raise ConfigError(f"two hops are called {one.name!r}; evidence names the hop, so give each its own name")
    shared = (one.unix_socket and other.unix_socket) or any(
        left.version == right.version and left.overlaps(right) for left in one.addresses for right in other.addresses
    )
    if shared and not all(hop.secret or hop.certificate for hop in (one, other)):
        raise ConfigError(
            f"the hops {one.name!r} and {other.name!r} share addresses; give each of them secret=HopSecret(...)"
        )
