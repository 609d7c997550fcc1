"""Pomerium in a test: its assertions as they come to an application, and some that only look so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from zerotrust.testing.issuer import LocalIssuer, Omit
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.testing.providers.shape import Changes, Shape, life, listed, sign
from zerotrust.wire.json import JsonValue


class FakePomerium:
    """Stands for the proxy of one route: `pomerium("app.example.com", keys=fake.jwks())` believes what it signs.

    Args:
        host: the host of the route.
        issuer_format: what `iss` says, as for `pomerium`.
        clock: tells POSIX seconds; one that stands still unless given.

    Attributes:
        issuer: what signs, and forges (`issuer.forge_foreign_key(token)`, ...).
        host: the host of the route.
    """

    def __init__(
        self,
        host: str = "app.example.com",
        *,
        issuer_format: Literal["host", "uri"] = "host",
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.host = host
        name = host if issuer_format == "host" else f"https://{host}/"
        self.issuer: LocalIssuer = LocalIssuer(name, clock=clock, algorithms=("ES256", "RS256"))

    def jwks(self) -> dict[str, JsonValue]:
        """The answer of `/.well-known/pomerium/jwks.json`."""
        return self.issuer.jwks()

    def published(self) -> dict[str, dict[str, JsonValue]]:
        """The keys, where the profile fetches them."""
        return {f"https://{self.host}/.well-known/pomerium/jwks.json": self.jwks()}

    def mint(
        self,
        *,
        audience: str | list[str] | None = None,
        subject: str = "0a1b2c3d",
        email: str = "ada@example.com",
        groups: list[str] | None = None,
        lifetime: timedelta = timedelta(minutes=5),
        header: Changes | None = None,
        alg: SigningAlgorithm | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """An assertion.

        Args:
            audience: the host of the route unless given.
            subject: the user's id at the identity provider.
            email: the user's address.
            groups: ids and names of the user's groups; an empty list if there are none, as Pomerium has it.
            lifetime: from `iat` to `exp`.
            header: members to add to the header or to put in place of its own.
            alg: the algorithm; ES256 unless given.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        good: Shape = {
            "iss": self.issuer.url,
            "aud": listed(self.host if audience is None else audience),
            "jti": "0f0b8b1c-6d0f-4e4e-8f1c-2a8f2f6b7c11",
            **life(self.issuer, lifetime),
            "sub": subject,
            "user": subject,
            "email": email,
            "groups": listed(groups or []),
            "sid": "8c4f2a10-52b1-4d0e-9a52-6f1a2a1d8f11",
            "name": "Ada",
        }
        return sign(self.issuer, {**good, **claims}, header, typ="JWT", alg=alg)

    def headers(self, token: str, *, email: str = "ada@example.com") -> list[tuple[bytes, bytes]]:
        """What the proxy adds to a request: the assertion, and the unsigned headers that must not be believed."""
        return [(b"x-pomerium-jwt-assertion", token.encode()), *self.unsigned_headers(email=email)]

    def unsigned_headers(self, *, email: str = "ada@example.com") -> list[tuple[bytes, bytes]]:
        """The headers without a signature alone: all that somebody who gets around the proxy has to write."""
        return [(b"x-pomerium-claim-email", email.encode()), (b"x-pomerium-claim-groups", b"admins")]
