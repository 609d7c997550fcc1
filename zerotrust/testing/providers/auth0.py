"""Auth0 in a test: access tokens of both profiles, and tokens that only look so.

The shapes are those of Auth0's documentation: access token profiles, ID token structure.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from zerotrust.testing.issuer import OMIT, LocalIssuer, Omit
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.testing.providers.shape import Changes, Shape, life, sign
from zerotrust.wire.json import JsonValue

AUDIENCE: Final = "https://api.example.com"
CLIENT: Final = "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja"
USER: Final = "auth0|6553da60a54af58e29493993"


class FakeAuth0:
    """Stands for a tenant: `auth0("acme.eu.auth0.com", keys=fake.jwks())` believes what it signs.

    Args:
        domain: the tenant's domain.
        clock: tells POSIX seconds; one that stands still unless given.

    Attributes:
        domain: that domain.
        issuer: what signs, and forges (`issuer.forge_foreign_key(token)`, ...).
    """

    def __init__(self, domain: str = "acme.eu.auth0.com", *, clock: Callable[[], float] | None = None) -> None:
        self.domain = domain
        self.issuer: LocalIssuer = LocalIssuer(f"https://{domain}/", clock=clock, algorithms=("RS256", "ES256"))

    def jwks(self) -> dict[str, JsonValue]:
        """The keys as Auth0 publishes them."""
        return self.issuer.jwks()

    def mint(
        self,
        *,
        audience: str = AUDIENCE,
        scope: str = "openid profile read:accounts",
        header: Changes | None = None,
        alg: SigningAlgorithm | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """An access token in Auth0's own profile (dialect `access_token`) of a user.

        Args:
            audience: the API; the user info endpoint stands beside it, as with the scope `openid`.
            scope: those granted.
            header: members to add to the header or to put in place of its own.
            alg: the algorithm; RS256 unless given.
            claims: claims to add or to put in place of its own, e.g. `permissions`; `OMIT` leaves one out.
        """
        return sign(self.issuer, {**self._of_user(audience, scope), **claims}, header, typ="JWT", alg=alg)

    def mint_rfc9068(self, *, header: Changes | None = None, **claims: JsonValue | Omit) -> str:
        """An access token in the RFC 9068 profile (dialect `rfc9068_profile`) of a user."""
        of_profile: Shape = {"azp": OMIT, "client_id": CLIENT, "jti": "73WakrfVbNJBaAmhQtEeDv"}
        return sign(self.issuer, {**self._of_user(), **of_profile, **claims}, header, typ="at+jwt")

    def mint_service(self, *, audience: str = AUDIENCE, scope: str = "read:accounts") -> str:
        """An access token of a client that acts for itself, in Auth0's own profile."""
        return self.mint(scope=scope, aud=audience, sub=f"{CLIENT}@clients", gty="client-credentials")

    def mint_id_token(self, **claims: JsonValue | Omit) -> str:
        """An ID token, under the very same keys and with the same `typ` as access tokens in Auth0's own profile."""
        shape: Shape = {
            "azp": OMIT,
            "scope": OMIT,
            "aud": CLIENT,
            "nickname": "ada",
            "email": "ada@example.com",
            "email_verified": True,
            "sid": "Ncu0wXhQq1pG0Zk0",
            "nonce": "9Uf7bE5s",
        }
        return sign(self.issuer, {**self._of_user(), **shape, **claims}, None, typ="JWT")

    def wrong(self, *, audience: str = AUDIENCE) -> dict[str, str]:
        """Tokens that `auth0` must refuse, by what is wrong with them; all are signed by the right key."""
        return {
            "an ID token for its client": self.mint_id_token(),
            "an ID token for the API": self.mint_id_token(aud=audience),
            "an ID token without nonce": self.mint_id_token(aud=audience, nonce=OMIT),
            "an ID token for the API and its client": self.mint_id_token(
                aud=[audience, CLIENT], nonce=OMIT, azp=CLIENT
            ),
            "an ID token of the hybrid flow": self.mint_id_token(aud=audience, nonce=OMIT, azp=CLIENT, c_hash="x"),
            "a token for the user info endpoint": self.mint(aud=f"https://{self.domain}/userinfo"),
            "another tenant": self.mint(iss="https://evil.eu.auth0.com/"),
            "the issuer without its slash": self.mint(iss=f"https://{self.domain}"),
            "no client": self.mint(azp=OMIT),
            "a client that is a list": self.mint(azp=[CLIENT]),
            "two clients": self.mint(client_id="other"),
            "a logout token": self.mint(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
            "an elliptic curve": self.mint(alg="ES256"),
            "no type": self.mint(header={"typ": OMIT}),
        }

    def _of_user(self, audience: str = AUDIENCE, scope: str = "openid profile read:accounts") -> Shape:
        return {
            "iss": self.issuer.url,
            "sub": USER,
            "aud": [audience, f"https://{self.domain}/userinfo"],
            **life(self.issuer, timedelta(hours=24)),
            "scope": scope,
            "azp": CLIENT,
        }
