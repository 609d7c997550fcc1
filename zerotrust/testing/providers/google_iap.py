"""Google Identity-Aware Proxy in a test: its assertions as they come to an application, and some that only look so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from zerotrust.testing.issuer import OMIT, LocalIssuer, Omit
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.testing.providers.shape import Changes, Shape, life, listed, sign
from zerotrust.wire.json import JsonValue

AUDIENCE: Final = "/projects/123456789012/global/backendServices/4321"
"""An audience of a load balancer's backend."""

USER: Final = "accounts.google.com:114205816837812054321"
"""A user of Google, as `sub` names them."""


class FakeGoogleIap:
    """Stands for the proxy: `google_iap(keys=fake.jwks())` believes what it signs.

    Args:
        clock: tells POSIX seconds; one that stands still unless given.

    Attributes:
        issuer: what signs, and forges (`issuer.forge_foreign_key(token)`, ...).
    """

    def __init__(self, *, clock: Callable[[], float] | None = None) -> None:
        self.issuer: LocalIssuer = LocalIssuer(
            "https://cloud.google.com/iap", clock=clock, algorithms=("ES256", "RS256")
        )

    def jwks(self) -> dict[str, JsonValue]:
        """The keys as Google publishes them."""
        return self.issuer.jwks()

    def published(self) -> dict[str, dict[str, JsonValue]]:
        """The keys, where the profile fetches them."""
        return {"https://www.gstatic.com/iap/verify/public_key-jwk": self.jwks()}

    def mint(
        self,
        *,
        audience: str | list[str] = AUDIENCE,
        subject: str = USER,
        email: str = "ada@example.com",
        access_levels: list[str] | None = None,
        lifetime: timedelta = timedelta(minutes=10),
        header: Changes | None = None,
        alg: SigningAlgorithm | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """An assertion: `iss`, `sub`, `email`, `hd`, `aud`, `iat`, `exp`, and the access levels met, if any are told.

        Args:
            audience: the backend it is for.
            subject: the user, with the authority that knows them.
            email: the user's address.
            access_levels: names of access levels; None leaves `google` out.
            lifetime: from `iat` to `exp`.
            header: members to add to the header or to put in place of its own.
            alg: the algorithm; ES256 unless given.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        good: Shape = {
            "iss": self.issuer.url,
            "sub": subject,
            "aud": listed(audience),
            "email": email,
            "hd": email.rpartition("@")[2],
            "google": OMIT if access_levels is None else {"access_levels": listed(access_levels)},
            **life(self.issuer, lifetime),
        }
        return sign(self.issuer, {**good, **claims}, header, typ="JWT", alg=alg)

    def mint_external(self, *, tenant: str = "customers") -> str:
        """An assertion about a user of Identity Platform, where people may register themselves."""
        who = f"securetoken.google.com/my-project/{tenant}"
        person: JsonValue = {"email": "eve@example.net", "firebase": {"tenant": tenant}}
        return self.mint(subject=f"{who}:mVPmMJNGZMhAyUQH0YCA", email=f"{who}:eve@example.net", hd=OMIT, gcip=person)

    def headers(self, token: str, *, email: str = "ada@example.com") -> list[tuple[bytes, bytes]]:
        """What the proxy adds to a request: the assertion, and the unsigned headers that must not be believed."""
        return [(b"x-goog-iap-jwt-assertion", token.encode()), *self.unsigned_headers(email=email)]

    def unsigned_headers(self, *, email: str = "ada@example.com") -> list[tuple[bytes, bytes]]:
        """The headers without a signature alone: all that somebody who gets around the proxy has to write."""
        return [
            (b"x-goog-authenticated-user-email", f"accounts.google.com:{email}".encode()),
            (b"x-goog-authenticated-user-id", USER.encode()),
        ]
