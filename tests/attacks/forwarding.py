"""What the attacks on forwarded certificates share: a guarded service behind a hop, and one word for who got in."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding

from tests.verifiers.peers import AUTHORITY, NOW, PROD, UNREVOKED
from zerotrust.core.decision import Allow
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES
from zerotrust.engine import decide
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.testing.authority import Issued
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.web.peers import Connection, Format, FromHops, Hop, Peers

HOP, ELSEWHERE = "10.1.2.3", "203.0.113.9"
BY = f"spiffe://{PROD}/ingress"
CART, LEDGER = f"spiffe://{PROD}/cart", f"spiffe://{PROD}/ledger"
XFCC = "x-forwarded-client-cert"

ATTACKER = AUTHORITY.issue("cart", uris=[CART], days=1)
"""What the attacker has the key of: a workload that may call, but is not the one that may do this."""

VICTIM = AUTHORITY.issue("ledger", uris=[LEDGER], days=1)
"""Whom the attacker wants to be; its certificate is no secret."""

_PEER = PeerCertificate(TrustBundle(PROD, AUTHORITY.pem), revocation=UNREVOKED, asserted_by=["edge"])


def behind(how: Format) -> FromHops:
    return FromHops(Hop("edge", how, addresses=[HOP]))


def pct(client: Issued) -> str:
    return quote(client.certificate.public_bytes(Encoding.PEM).decode(), safe="")


def told(client: Issued, *names: str, subject: str = "CN=cart", by: str = BY, cert: bool = True) -> str:
    """The element that Envoy writes: the names in a client's certificate bare, its subject in quotes."""
    pairs = [f"By={by}", f"Hash={sha256(client.der).hexdigest()}"]
    pairs += [f'Cert="{pct(client)}"'] if cert else []
    return ";".join([*pairs, f'Subject="{subject}"', *(f"URI={name}" for name in names)])


def outcome(
    peers: Peers,
    headers: Iterable[tuple[str, str]],
    *,
    client: str | None = HOP,
    connection: Connection | None = None,
) -> str:
    """`ledger` or `cart` if that is who is taken to call, else the code of the reason why nobody is."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    request = AccessRequest(now=NOW, headers=pairs, client=client)
    request.peer = peers.peer(request, connection or Connection())
    for name, uri in (("ledger", LEDGER), ("cart", CART)):
        if isinstance(decide(_PEER.spiffe(uri), request, NO_SOURCES), Allow):
            return name
    decision = decide(_PEER.valid, request, NO_SOURCES)
    return "somebody" if isinstance(decision, Allow) else decision.reason.code
