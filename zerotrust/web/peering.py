"""Asks a resolver who the peer is, at most once for a request, and takes no harm from what it does."""

from __future__ import annotations

import logging
from typing import Final

from zerotrust.core.peer import Peer
from zerotrust.core.reason import NOT_GATHERED, SOURCE_REFUSED, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.web.fault import raised_at
from zerotrust.web.peers import Connection, Peers

_LOG: Final = logging.getLogger("zerotrust.guard")
ASKING: Final = SOURCE_REFUSED(expected="who the peer is", detail="peers= was still being asked")
"""What `request.peer` is while a resolver looks at that request."""


NOT_ASKED: Final = NOT_GATHERED(expected="who the peer is")
"""What `peer_if_asked` says where nobody has asked."""


def peer_if_asked(request: AccessRequest) -> Peer | Reason | None:
    """The peer of `request` if somebody wanted to know while it was decided; `NOT_ASKED` otherwise, and nobody is."""
    try:
        said: Peer | Reason | None = object.__getattribute__(request, "peer")
    except AttributeError:
        return NOT_ASKED
    return said


def peer_of(peers: Peers, request: AccessRequest, connection: Connection) -> Peer | Reason | None:
    """What `peers` says of `request`: a reason not to believe anything, if it raises or says nothing that is a peer.

    A resolver that raises is told on the logger `zerotrust.guard`, with the place and without the message, which may
    quote a caller.
    """
    try:
        said: object = peers.peer(request, connection)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must neither allow nor answer 500
        kind = type(error).__qualname__
        where = raised_at(error)[0]
        _LOG.error(
            "the peer of a request is not believed, since %s failed: %s at %s", type(peers).__name__, kind, where
        )
        return SOURCE_REFUSED(expected="who the peer is", presented=kind, detail="peers= failed")
    if said is None or isinstance(said, Peer | Reason):
        return said
    _LOG.error("%s says that the peer is a %s; Peer, Reason or None can be", type(peers).__name__, type(said).__name__)
    return SOURCE_REFUSED(expected="a Peer", presented=type(said).__name__, detail="peers= failed")
