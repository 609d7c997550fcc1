"""The application of `examples/proxies` behind one of the proxies."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import ExitStack

from starlette.types import ASGIApp

from examples.proxies.app import Settings, create_app
from tests.e2e.proxies.pki import Identity, Pki
from tests.e2e.proxies.setup import MODES, Example, Mode
from tests.e2e.proxies.world import World
from zerotrust import Sources
from zerotrust.testing.issuer import LocalIssuer
from zerotrust.testing.source import IssuerSource


class Guarded(World):
    """The world with the guarded application in it."""

    def __init__(self, example: Example, pki: Pki, stack: ExitStack, modes: Sequence[Mode] = MODES) -> None:
        self._issuer = LocalIssuer("https://login.example.com", algorithms=["ES256"], clock=time.time)
        super().__init__(example, pki, stack, modes)

    def app(self, *, any_certificate: bool = False) -> ASGIApp:
        """See `World.app`."""
        authorities = self.pki.directory / "authorities.pem"
        if not authorities.exists():
            certificates = (self.pki.root.certificate, self.pki.issuing.certificate)
            authorities.write_text("".join(path.read_text() for path in certificates))
        settings = Settings(self.example.name, self.secret, authorities, self.pki.crls, any_certificate=any_certificate)
        return create_app(settings, sources=Sources(IssuerSource(self._issuer)), clock=time.time)

    def token(self, identity: Identity) -> str:
        """An access token of ada, bound to a certificate (RFC 8705 section 3.1)."""
        thumbprint = urlsafe_b64encode(bytes.fromhex(identity.fingerprint)).rstrip(b"=").decode()
        return self._issuer.mint(subject="ada", audience="accounts", cnf={"x5t#S256": thumbprint})
