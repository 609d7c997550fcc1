"""Any issuer in a test: access tokens that are marked `JWT` only, and tokens that only look so.

The shapes are those of OpenID Connect Core section 2, OpenID Connect Back-Channel Logout section 2.4 and RFC 9068.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from zerotrust.testing.issuer import OMIT, LocalIssuer, Omit
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.testing.providers.shape import Changes, Shape, life, sign
from zerotrust.wire.json import JsonValue

AUDIENCE: Final = "payments"
CLIENT: Final = "web"


class FakeOidc:
    """Stands for an issuer: `oidc(fake.issuer.url, types={"JWT"}, keys=fake.jwks())` believes what it signs.

    Args:
        url: its issuer identifier.
        clock: tells POSIX seconds; one that stands still unless given.

    Attributes:
        issuer: what signs, and forges (`issuer.forge_foreign_key(token)`, ...).
    """

    def __init__(self, url: str = "https://login.example.com", *, clock: Callable[[], float] | None = None) -> None:
        self.issuer: LocalIssuer = LocalIssuer(url, clock=clock, algorithms=("ES256", "RS256"))

    def jwks(self) -> dict[str, JsonValue]:
        """The keys it publishes."""
        return self.issuer.jwks()

    def mint(
        self,
        *,
        audience: str = AUDIENCE,
        scope: str = "pay",
        header: Changes | None = None,
        alg: SigningAlgorithm | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """An access token with `azp` for its client, and roles in `realm` below `access`.

        Args:
            audience: the API.
            scope: those granted.
            header: members to add to the header or to put in place of its own.
            alg: the algorithm; ES256 unless given.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        return sign(self.issuer, {**self._of_user(audience, scope), **claims}, header, typ="JWT", alg=alg)

    def mint_id_token(self, **claims: JsonValue | Omit) -> str:
        """An ID token, under the very same keys and with the same `typ`."""
        changed: Shape = {"aud": CLIENT, "scope": OMIT, "access": OMIT, "nonce": "n-0S6_WzA2Mj"}
        return sign(self.issuer, {**self._of_user(AUDIENCE, "pay"), **changed, **claims}, None, typ="JWT")

    def wrong(self, *, audience: str = AUDIENCE) -> dict[str, str]:
        """Tokens that `oidc` must refuse, by what is wrong with them; all are signed by the right key."""
        logout: JsonValue = {"http://schemas.openid.net/event/backchannel-logout": {}}
        return {
            "an ID token for its client": self.mint_id_token(nonce=OMIT),
            "an ID token for the API": self.mint_id_token(aud=audience),
            "an ID token of the implicit flow": self.mint_id_token(aud=audience, nonce=OMIT, at_hash="x"),
            "an ID token of the hybrid flow": self.mint_id_token(aud=audience, nonce=OMIT, c_hash="x"),
            "a logout token": self.mint(events=logout),
            "two clients": self.mint(client_id="other"),
            "a client that is a number": self.mint(azp=7),
            "another issuer": self.mint(iss=f"{self.issuer.url}/"),
            "another type": self.mint(header={"typ": "secevent+jwt"}),
            "no type": self.mint(header={"typ": OMIT}),
            "no subject": self.mint(sub=OMIT),
        }

    def _of_user(self, audience: str, scope: str) -> Shape:
        return {
            "iss": self.issuer.url,
            "sub": "248289761001",
            "aud": audience,
            "azp": CLIENT,
            "scope": scope,
            "access": {"realm": ["teller"]},
            **life(self.issuer, timedelta(minutes=10)),
        }
