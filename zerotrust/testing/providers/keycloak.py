"""Keycloak in a test: access tokens of a realm, and the realm's other tokens.

The shape is that of tokens of Keycloak 26 and of the token types in its source (`TokenUtil`).
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
USER: Final = "cf8ab8a3-9d1a-4b33-8d5c-5f2b6c8b1f7e"
SESSION: Final = "ae1ef58a-6c3d-4ff4-9dc8-0f9b2b1a7f61"


class FakeKeycloak:
    """Stands for a realm: `keycloak("https://sso.example.com", "staff", keys=fake.jwks())` believes what it signs.

    Args:
        base_url: where Keycloak is.
        realm: the realm.
        clock: tells POSIX seconds; one that stands still unless given.

    Attributes:
        issuer: what signs, and forges (`issuer.forge_foreign_key(token)`, ...).
    """

    def __init__(
        self,
        base_url: str = "https://sso.example.com",
        realm: str = "staff",
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.issuer: LocalIssuer = LocalIssuer(f"{base_url}/realms/{realm}", clock=clock, algorithms=("RS256", "ES256"))

    def jwks(self) -> dict[str, JsonValue]:
        """The keys as the realm publishes them."""
        return self.issuer.jwks()

    def mint(
        self,
        *,
        audience: str = AUDIENCE,
        roles: list[str] | None = None,
        client_roles: list[str] | None = None,
        header: Changes | None = None,
        alg: SigningAlgorithm | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """An access token of a user.

        Args:
            audience: the API; `account` stands beside it, as in most tokens.
            roles: roles of the realm beside those that everybody has.
            client_roles: roles in the client that is the API; none leaves that client out.
            header: members to add to the header or to put in place of its own.
            alg: the algorithm; RS256 unless given.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        good = self._of_user(audience, roles, client_roles)
        return sign(self.issuer, {**good, **claims}, header, typ="JWT", alg=alg)

    def mint_dpop(self, jkt: str, **claims: JsonValue | Omit) -> str:
        """An access token that is bound to the key with the thumbprint `jkt`, with Keycloak's own note beside it."""
        cnf: JsonValue = {"jkt": jkt, "kc-jkt-type": "dpop"}
        return self._another({"typ": "DPoP", "cnf": cnf, **claims})

    def mint_lightweight(self) -> str:
        """A lightweight access token, which names neither subject nor audience: Keycloak is to be asked about it."""
        left_out = ("sub", "aud", "realm_access", "resource_access", "allowed-origins", "email_verified", "auth_time")
        return self._another(dict.fromkeys((*left_out, "preferred_username", "acr"), OMIT))

    def mint_id_token(self, **claims: JsonValue | Omit) -> str:
        """An ID token, under the very same keys and with the same `typ` in its header."""
        left_out = dict.fromkeys(("allowed-origins", "realm_access", "resource_access", "scope"), OMIT)
        of_sign_in: Shape = {"typ": "ID", "aud": CLIENT, "nonce": "uvw", "at_hash": "MYVmkVDihFu5cignwASQQ"}
        return self._another({**of_sign_in, **left_out, **claims})

    def wrong(self, *, audience: str = AUDIENCE) -> dict[str, str]:
        """Tokens that `keycloak` must refuse, by what is wrong with them; all are signed by the right key."""
        logout: JsonValue = {"http://schemas.openid.net/event/backchannel-logout": {}}
        return {
            "an ID token for its client": self.mint_id_token(),
            "an ID token for the API": self.mint_id_token(aud=audience),
            "a refresh token": self.mint(typ="Refresh", aud=self.issuer.url),
            "a refresh token for the API": self.mint(typ="Refresh"),
            "an offline token": self.mint(typ="Offline"),
            "a logout token": self.mint(typ="Logout", events=logout),
            "a logout token by its header": self.mint(typ="Logout", events=logout, header={"typ": "logout+jwt"}),
            "a token of Keycloak's own": self.mint(typ="Serialized-ID"),
            "no kind": self.mint(typ=OMIT),
            "a kind in another case": self.mint(typ="bearer"),
            "kinds in a list": self.mint(typ=["Bearer"]),
            "bound to a key that it does not name": self.mint(typ="DPoP"),
            "bound to another kind of key": self.mint(typ="DPoP", cnf={"x5t#S256": "x"}),
            "bound to a key, and nothing is proven": self.mint_dpop("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
            "no client": self.mint(azp=OMIT),
            "two clients": self.mint(client_id="other"),
            "another realm": self.mint(iss="https://sso.example.com/realms/master"),
            "the old address": self.mint(iss="https://sso.example.com/auth/realms/staff"),
            "for the account console alone": self.mint(aud="account"),
            "lightweight": self.mint_lightweight(),
            "an elliptic curve": self.mint(alg="ES256"),
            "no type": self.mint(header={"typ": OMIT}),
        }

    def _another(self, changes: Changes) -> str:
        """An access token of a user, changed."""
        return sign(self.issuer, {**self._of_user(), **changes}, None, typ="JWT")

    def _of_user(
        self, audience: str = AUDIENCE, roles: list[str] | None = None, client_roles: list[str] | None = None
    ) -> Shape:
        of_clients: dict[str, JsonValue] = {"account": {"roles": ["manage-account", "view-profile"]}}
        if client_roles:
            of_clients[audience] = {"roles": [*client_roles]}
        return {
            **life(self.issuer, timedelta(minutes=5)),
            "auth_time": int(self.issuer.clock()),
            "jti": "onrtac:b390e0bc-292f-423d-9eb9-8eeced0b5272",
            "iss": self.issuer.url,
            "aud": [audience, "account"],
            "sub": USER,
            "typ": "Bearer",
            "azp": CLIENT,
            "sid": SESSION,
            "acr": "1",
            "allowed-origins": ["https://app.example.com"],
            "realm_access": {"roles": ["offline_access", "default-roles-staff", *(roles or [])]},
            "resource_access": of_clients,
            "scope": "openid email profile",
            "email_verified": True,
            "preferred_username": "ada",
        }
