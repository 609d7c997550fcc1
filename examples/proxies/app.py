"""An application that believes one proxy in front of it, and verifies what that says. `README.md` says how to start it.

`uvicorn --factory --no-proxy-headers examples.proxies.app:create_app`
"""
# No `from __future__ import annotations`: FastAPI reads the annotations of the handlers, which use the guard.

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI

from zerotrust import (
    Bearer,
    BundleFile,
    CrlFile,
    Crls,
    FromHops,
    Hop,
    HopSecret,
    Issuer,
    PeerCertificate,
    Sources,
    TrustBundle,
)
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.http import AsyncHttpFetcher
from zerotrust.web.peers import Format, apache, caddy, nginx, rfc9440, xfcc


@dataclass(frozen=True)
class Settings:
    """Where the application runs, and behind what.

    Attributes:
        proxy: which of the proxies is in front.
        secret: what it sends in X-Hop-Secret.
        authorities: a file with the certificates of all authorities that issue to clients, intermediate ones, too.
        lists: files with their revocation lists.
        any_certificate: whether the proxy lets every certificate pass, in the mode "any".
        trust_domain: of the clients' SPIFFE ids.
        edge: the URI in Envoy's own certificate, which it signs its header with.
        addresses: where the proxy connects from.
        issuer: who issues access tokens.
    """

    proxy: str
    secret: str = field(repr=False)
    authorities: Path
    lists: tuple[Path, ...]
    any_certificate: bool = False
    trust_domain: str = "prod.example"
    edge: str = "spiffe://prod.example/edge"
    addresses: tuple[str, ...] = ("127.0.0.1",)
    issuer: str = "https://login.example.com"

    @classmethod
    def from_environment(cls) -> "Settings":
        """PROXY, HOP_SECRET, CLIENT_CA and CRLS, and ANY_CERTIFICATE=1 in the mode "any"."""
        return cls(
            proxy=os.environ["PROXY"],
            secret=os.environ["HOP_SECRET"],
            authorities=Path(os.environ["CLIENT_CA"]),
            lists=tuple(map(Path, os.environ["CRLS"].split(":"))),
            any_certificate=os.environ.get("ANY_CERTIFICATE") == "1",
        )


def tells(settings: Settings) -> Format:
    """How the proxy tells of the certificate: the counterpart of its configuration here."""
    formats: dict[str, Callable[[], Format]] = {
        "nginx": lambda: nginx(unverified=settings.any_certificate),
        "haproxy": rfc9440,
        "apache": lambda: apache(encoding="base64", unverified=settings.any_certificate),
        "caddy": caddy,
        "envoy": lambda: xfcc(settings.edge),
    }
    return formats[settings.proxy]()


def create_app(
    settings: Settings | None = None, *, sources: Sources | None = None, clock: Callable[[], float] = time.time
) -> FastAPI:
    """The application. Tests pass their own settings, sources and clock."""
    settings = settings or Settings.from_environment()

    # Who may come: workloads of one trust domain, whose certificate nobody has revoked.
    peer = PeerCertificate(
        TrustBundle(settings.trust_domain, BundleFile(settings.authorities)),
        revocation=Crls(*map(CrlFile, settings.lists)),  # read again when they change
    )
    # A token that is bound to a certificate (RFC 8705) counts with that certificate alone.
    token = Bearer(Issuer(settings.issuer), audience="accounts")

    # Who is believed about it: whoever connects from there and knows the secret. On one machine with other things the
    # address says little, which `broad` admits; the secret says the rest.
    hop = Hop(
        settings.proxy,
        tells(settings),
        addresses=settings.addresses,
        broad=[address for address in settings.addresses if address.startswith("127.")],
        secret=HopSecret("x-hop-secret", settings.secret),
    )

    app = FastAPI(title="Behind a proxy")
    guard = Guard(
        app, default=peer.valid, peers=FromHops(hop), sources=sources or Sources(AsyncHttpFetcher()), clock=clock
    )

    @app.get("/whoami")
    async def whoami(access: Annotated[Access, guard.require(peer.valid)]) -> dict[str, str | None]:
        proven = access[peer]
        return {
            "id": str(proven.spiffe_id),
            "fingerprint": proven.fingerprint,
            "hop": proven.hop,  # whose word it is that the client has the key
            "asserted_by": proven.asserted_by,  # None: the certificate itself was seen and verified here
        }

    @app.get("/account")
    async def account(access: Annotated[Access, guard.require(token.valid)]) -> dict[str, str]:
        return {"subject": access[token].subject}

    return app
