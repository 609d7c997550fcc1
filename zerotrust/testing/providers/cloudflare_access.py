"""Cloudflare Access in a test: its tokens as they come to an application, and some that only look so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from zerotrust.testing.issuer import LocalIssuer, Omit
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.testing.providers.shape import Changes, Shape, life, listed, sign
from zerotrust.wire.json import JsonValue

TAG: Final = "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228"
"""The AUD tag of an application."""

SERVICE: Final = "e367826f93b8d71185e03fe518aff3b4.access"
"""The client id of a service token."""


class FakeCloudflareAccess:
    """Stands for Access: `cloudflare_access("acme", keys=fake.jwks())` believes what it signs.

    Args:
        team: the team's name.
        clock: tells POSIX seconds; one that stands still unless given.

    Attributes:
        issuer: what signs, and forges (`issuer.forge_foreign_key(token)`, ...).
    """

    def __init__(self, team: str = "acme", *, clock: Callable[[], float] | None = None) -> None:
        self.issuer: LocalIssuer = LocalIssuer(
            f"https://{team}.cloudflareaccess.com", clock=clock, algorithms=("RS256", "ES256")
        )

    def jwks(self) -> dict[str, JsonValue]:
        """The answer of `/cdn-cgi/access/certs`: a key set, with the certificates beside it that others read."""
        return {**self.issuer.jwks(), "public_cert": {"kid": "", "cert": ""}, "public_certs": []}

    def published(self) -> dict[str, dict[str, JsonValue]]:
        """The keys, where the profile fetches them."""
        return {f"{self.issuer.url}/cdn-cgi/access/certs": self.jwks()}

    def mint(
        self,
        *,
        audience: str | list[str] | None = None,
        subject: str = "7335d417-61da-459d-899c-0a01c76a2f94",
        email: str = "ada@example.com",
        lifetime: timedelta = timedelta(hours=24),
        header: Changes | None = None,
        alg: SigningAlgorithm | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """The application token of a user.

        Args:
            audience: AUD tags; the one of `TAG` unless given.
            subject: the user's id.
            email: the user's address.
            lifetime: from `iat` to `exp`, which is the application's session duration.
            header: members to add to the header or to put in place of its own.
            alg: the algorithm; RS256 unless given.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        of_user: Shape = {
            "email": email,
            "nbf": int(self.issuer.clock()),
            "identity_nonce": "6ei69kawdKzMIAPF",
            "country": "DE",
        }
        good = {**self._common(audience, lifetime), "sub": subject, **of_user}
        return sign(self.issuer, {**good, **claims}, header, typ="JWT", alg=alg)

    def mint_service_token(
        self,
        *,
        common_name: JsonValue = SERVICE,
        audience: str | list[str] | None = None,
        lifetime: timedelta = timedelta(hours=24),
        **claims: JsonValue | Omit,
    ) -> str:
        """The application token of a service: nobody's `sub`, and the client id in `common_name`."""
        good: Shape = {**self._common(audience, lifetime), "sub": "", "common_name": common_name}
        return sign(self.issuer, {**good, **claims}, None, typ="JWT")

    def mint_session(self) -> str:
        """The global session token, under the very same keys: good for Access itself, and for no application."""
        return self.mint(type="org")

    def _common(self, audience: str | list[str] | None, lifetime: timedelta) -> Shape:
        aud = listed([TAG] if audience is None else audience)
        return {"type": "app", "aud": aud, "iss": self.issuer.url, **life(self.issuer, lifetime)}

    def headers(self, token: str, *, cookie: bool = True) -> list[tuple[bytes, bytes]]:
        """What a request has that came through: the header, and the cookie where the browser has one."""
        also = [(b"cookie", f"theme=dark; CF_Authorization={token}".encode())] if cookie else []
        return [(b"cf-access-jwt-assertion", token.encode()), *also]
