"""Google Workspace in a test: ID tokens of members, and tokens that only look so.

The shape is that of Google's documentation of its ID tokens (OpenID Connect, payload; verifying on a server).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from zerotrust.testing.issuer import OMIT, LocalIssuer, Omit
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.testing.providers.shape import Changes, Shape, life, sign
from zerotrust.wire.json import JsonValue

CLIENT: Final = "1234987819200-abc.apps.googleusercontent.com"
USER: Final = "10769150350006150715113082367"


class FakeGoogleWorkspace:
    """Stands for Google: `google_workspace("example.com", keys=fake.jwks())` believes what it signs.

    Args:
        domain: the Workspace domain of its users.
        clock: tells POSIX seconds; one that stands still unless given.

    Attributes:
        domain: that domain.
        issuer: what signs, and forges (`issuer.forge_foreign_key(token)`, ...).
    """

    def __init__(self, domain: str = "example.com", *, clock: Callable[[], float] | None = None) -> None:
        self.domain = domain
        self.issuer: LocalIssuer = LocalIssuer(
            "https://accounts.google.com", clock=clock, algorithms=("RS256", "ES256")
        )

    def jwks(self) -> dict[str, JsonValue]:
        """The keys as Google publishes them."""
        return self.issuer.jwks()

    def mint(
        self,
        *,
        audience: str = CLIENT,
        header: Changes | None = None,
        alg: SigningAlgorithm | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """An ID token of a member of the domain.

        Args:
            audience: the client id.
            header: members to add to the header or to put in place of its own.
            alg: the algorithm; RS256 unless given.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        good: Shape = {
            "iss": self.issuer.url,
            "azp": CLIENT,
            "aud": audience,
            "sub": USER,
            "hd": self.domain,
            "email": f"ada@{self.domain}",
            "email_verified": True,
            "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
            "nonce": "0394852-3190485-2490358",
            "name": "Ada Lovelace",
            **life(self.issuer, timedelta(hours=1)),
        }
        return sign(self.issuer, {**good, **claims}, header, typ="JWT", alg=alg)

    def wrong(self) -> dict[str, str]:
        """Tokens that `google_workspace` must refuse, by what is wrong with them; all are signed by the right key."""
        service = "shop@project.iam.gserviceaccount.com"
        return {
            "a personal account": self.mint(hd=OMIT, email="ada@gmail.com"),
            "a personal account with an address of the domain": self.mint(hd=OMIT),
            "another domain": self.mint(hd="example.net"),
            "another domain with an address of ours": self.mint(hd="example.net", email=f"eve@{self.domain}"),
            "a domain that ends like ours": self.mint(hd=f"not{self.domain}"),
            "a domain below ours": self.mint(hd=f"lab.{self.domain}"),
            "the domain in capitals": self.mint(hd=self.domain.upper()),
            "the domain and a line feed": self.mint(hd=self.domain + "\n"),
            "domains in a list": self.mint(hd=[self.domain]),
            "an address that nobody verified": self.mint(email_verified=False),
            "an address that is verified in text": self.mint(email_verified="true"),
            "an address that is verified by one": self.mint(email_verified=1),
            "nothing about the address": self.mint(email_verified=OMIT),
            "no address": self.mint(email=OMIT),
            "a service account": self.mint(hd=OMIT, email=service, azp=USER, at_hash=OMIT, nonce=OMIT),
            "another client": self.mint(audience="407408718192.apps.googleusercontent.com"),
            "an issuer over http": self.mint(iss="http://accounts.google.com"),
            "an issuer with a slash": self.mint(iss="https://accounts.google.com/"),
            "another client under the standard name": self.mint(client_id="web"),
            "a security event": self.mint(events={"https://schemas.openid.net/secevent/risc/event-type/x": {}}),
            "an elliptic curve": self.mint(alg="ES256"),
            "an access token by its type": self.mint(header={"typ": "at+jwt"}),
            "no type": self.mint(header={"typ": OMIT}),
        }
