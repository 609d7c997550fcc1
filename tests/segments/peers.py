"""Workloads with certificates, and requests they make."""

from __future__ import annotations

from functools import cache
from urllib.parse import unquote

from zerotrust.core.peer import Peer
from zerotrust.core.request import AccessRequest
from zerotrust.pki.short_lived import ShortLived
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.pki.trust_bundles import TrustBundles
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.verifiers.peer_certificate import PeerCertificate

NOW = 1_800_000_000.0
PROD = LocalAuthority("Prod", now=NOW)
PARTNER = LocalAuthority("Partner", now=NOW)


@cache
def workload(uri: str) -> Issued:
    """A certificate of the trust domain's authority; of another's for a domain that is not known."""
    authority = PARTNER if uri.startswith("spiffe://partner.example/") else PROD
    return authority.issue("workload", uris=[uri], days=0.25)


def peer_certificate() -> PeerCertificate:
    """A verifier of two trust domains; names without certificates it takes from the hop "mesh"."""
    return PeerCertificate(
        TrustBundles(TrustBundle("prod.example", PROD.pem), federated=[TrustBundle("partner.example", PARTNER.pem)]),
        revocation=ShortLived(),
        asserted_by=["mesh"],
    )


def sent(uri: str, method: str, target: str, *, hop: str | None = None, raw: bool = True) -> AccessRequest:
    """A request as a server that knows the path as sent makes it; through `hop`, which passes a name, if given."""
    path, _, query = target.partition("?")
    peer = Peer(workload(uri).ders) if hop is None else Peer(hop=hop, names=(uri,))
    return AccessRequest(
        now=NOW,
        method=method,
        path=unquote(path),
        query=query,
        raw_path=path if raw else None,
        peer=peer,
    )
