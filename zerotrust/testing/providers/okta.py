"""Okta in a test: access tokens of a custom authorization server, and tokens that only look so.

The shape is that of Okta's API reference (OpenID Connect and OAuth 2.0, access token and ID token).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from zerotrust.testing.issuer import OMIT, LocalIssuer, Omit
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.testing.providers.shape import Changes, Shape, life, sign
from zerotrust.wire.json import JsonValue

CLIENT = "0oabzljih3rnr6aGt0h7"
USER = "00uid4BxXw6I6TV4m0g3"
LOGIN = "ada@example.com"


class FakeOkta:
    """Stands for a custom authorization server: `okta(fake.url, keys=fake.jwks())` believes what it signs.

    Args:
        url: its issuer.
        clock: tells POSIX seconds; one that stands still unless given.

    Attributes:
        issuer: what signs, and forges (`issuer.forge_foreign_key(token)`, ...).
    """

    def __init__(
        self, url: str = "https://acme.okta.com/oauth2/default", *, clock: Callable[[], float] | None = None
    ) -> None:
        self.url = url
        self.issuer: LocalIssuer = LocalIssuer(url, clock=clock, algorithms=("RS256", "ES256"))

    def jwks(self) -> dict[str, JsonValue]:
        """The keys as Okta publishes them."""
        return self.issuer.jwks()

    def mint(
        self,
        *,
        audience: str = "api://default",
        scopes: list[str] | None = None,
        header: Changes | None = None,
        alg: SigningAlgorithm | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """An access token: `ver`, `jti`, `iss`, `aud`, `iat`, `exp`, `cid`, `uid`, `scp`, `auth_time` and `sub`.

        Args:
            audience: the API.
            scopes: those granted.
            header: members to add to the header or to put in place of its own. Okta has no `typ`.
            alg: the algorithm; RS256 unless given.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        good: Shape = {
            "ver": 1,
            "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
            "iss": self.url,
            "aud": audience,
            **life(self.issuer, timedelta(hours=1)),
            "cid": CLIENT,
            "uid": USER,
            "scp": ["openid"] if scopes is None else [*scopes],
            "auth_time": int(self.issuer.clock()),
            "sub": LOGIN,
        }
        return sign(self.issuer, {**good, **claims}, header, typ=OMIT, alg=alg)

    def mint_service(self, *, audience: str = "api://default", scopes: list[str] | None = None) -> str:
        """An access token of a client that acts for itself (client credentials): its subject is the client."""
        return self.mint(audience=audience, scopes=scopes or ["pay"], uid=OMIT, auth_time=OMIT, sub=CLIENT)

    def mint_id_token(self, **claims: JsonValue | Omit) -> str:
        """An ID token, under the very same keys and without a `typ`, too."""
        shape: Shape = {
            "sub": USER,
            "name": "Ada Lovelace",
            "ver": 1,
            "iss": self.url,
            "aud": CLIENT,
            **life(self.issuer, timedelta(hours=1)),
            "jti": "ID.radCQMOQUmyvcTBmmIL0J6BaS60apUEiC7-vI7pOmkw",
            "amr": ["pwd"],
            "idp": "00ow41d8m2v9nsV4l0h7",
            "nonce": "n-0S6_WzA2Mj",
            "preferred_username": LOGIN,
            "auth_time": int(self.issuer.clock()),
            "at_hash": "fPlsvVszI29LU2UhDyJ9vg",
        }
        return sign(self.issuer, {**shape, **claims}, None, typ=OMIT)

    def wrong(self, *, audience: str = "api://default") -> dict[str, str]:
        """Tokens that `okta` must refuse, by what is wrong with them; all are signed by the right key."""
        return {
            "an ID token for its client": self.mint_id_token(),
            "an ID token for the API": self.mint_id_token(aud=audience),
            "an ID token that names a client and scopes": self.mint_id_token(aud=audience, cid=CLIENT, scp=["openid"]),
            "an ID token under the name of an access token": self.mint_id_token(
                aud=audience, cid=CLIENT, scp=["openid"], jti="AT.1"
            ),
            "a token of the org authorization server": self.mint(audience=audience, iss="https://acme.okta.com"),
            "a token of another authorization server": self.mint(
                audience=audience, iss="https://acme.okta.com/oauth2/aus1"
            ),
            "a token for the default audience of another": self.mint(audience="https://acme.okta.com"),
            "no client": self.mint(audience=audience, cid=OMIT),
            "no scopes": self.mint(audience=audience, scp=OMIT),
            "scopes in one text": self.mint(audience=audience, scp="openid pay"),
            "one scope that is two": self.mint(audience=audience, scopes=["openid pay"]),
            "another scope under the standard name": self.mint(audience=audience, scope="admin"),
            "another client under the standard name": self.mint(audience=audience, client_id="0oaother"),
            "another version": self.mint(audience=audience, ver=2),
            "a version that is true": self.mint(audience=audience, ver=True),
            "no version": self.mint(audience=audience, ver=OMIT),
            "no id": self.mint(audience=audience, jti=OMIT),
            "an id of no kind": self.mint(audience=audience, jti="0mP4JKAZX1iACIT4"),
            "a JWT by its type": self.mint(audience=audience, header={"typ": "JWT"}),
            "a token for Okta itself": self.mint(audience=audience, header={"typ": "application/okta-internal-at+jwt"}),
            "an elliptic curve": self.mint(audience=audience, alg="ES256"),
        }
