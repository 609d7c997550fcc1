"""Microsoft Entra ID in a test: access tokens of both versions, and tokens that only look so.

The shapes are those of Microsoft's documentation: access tokens (the samples), access token claims reference, optional
claims reference, and ID token claims reference.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from zerotrust.testing.issuer import OMIT, LocalIssuer, Omit
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.testing.providers.shape import Changes, Shape, life, sign
from zerotrust.wire.json import JsonValue

TENANT: Final = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"
OTHER_TENANT: Final = "82229342-1101-4ab6-817b-70c0747630f3"
CONSUMERS: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"
API: Final = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
CLIENT: Final = "75dbe77f-10a3-4e59-85fd-8c127544f17c"
USER: Final = "690222be-ff1a-4d56-abd1-7e4f7d38e474"
PRINCIPAL: Final = "0b3f1c6a-5c1d-4a55-9a53-8f3f3b1e1f0d"
GROUP: Final = "3f0a3a44-6a64-4c0c-8e5e-2f8f2f9c7b11"

_LIFE: Final = timedelta(minutes=75)


class FakeEntra:
    """Stands for Entra ID: `entra(TENANT, keys=fake.jwks())` believes what it signs.

    Args:
        tenant: whose tokens it makes, unless told otherwise.
        auth_time: whether the API's registration has the optional claim `auth_time`, when the user signed in, which
            is then the present unless a token says otherwise.
        clock: tells POSIX seconds; one that stands still unless given.

    Attributes:
        tenant: whose tokens it makes.
        issuer: what signs for companies, and forges (`issuer.forge_foreign_key(token)`, ...).
        of_consumers: what signs for personal accounts.
    """

    def __init__(
        self, tenant: str = TENANT, *, auth_time: bool = False, clock: Callable[[], float] | None = None
    ) -> None:
        self.tenant = tenant
        self._auth_time = auth_time
        self.issuer: LocalIssuer = LocalIssuer(_v2(tenant), clock=clock, algorithms=("RS256", "ES256"))
        self.of_consumers: LocalIssuer = LocalIssuer(_v2(CONSUMERS), clock=clock, algorithms=("RS256",))
        self.of_consumers.rotate(keep=False)  # so that its key has another kid

    def jwks(self, issuer: str | None = None) -> dict[str, JsonValue]:
        """The keys of one tenant (`/{tenant}/discovery/v2.0/keys`), each of which names that tenant's issuer.

        Args:
            issuer: what the keys name instead.
        """
        return {"keys": _naming(self.issuer, issuer or _v2(self.tenant))}

    def common_jwks(self) -> dict[str, JsonValue]:
        """The keys for all tenants (`/common/discovery/v2.0/keys`): for any, and one for personal accounts alone."""
        companies = _naming(self.issuer, "https://login.microsoftonline.com/{tenantid}/v2.0")
        return {"keys": [*companies, *_naming(self.of_consumers, _v2(CONSUMERS))]}

    def published(self) -> dict[str, dict[str, JsonValue]]:
        """The metadata and the keys of the tenant, and the keys for all tenants, where the profiles fetch them."""
        keys = f"https://login.microsoftonline.com/{self.tenant}/discovery/v2.0/keys"
        return {
            f"{_v2(self.tenant)}/.well-known/openid-configuration": {"issuer": _v2(self.tenant), "jwks_uri": keys},
            keys: self.jwks(),
            "https://login.microsoftonline.com/common/discovery/v2.0/keys": self.common_jwks(),
        }

    def mint(
        self,
        *,
        audience: str = API,
        tenant: str | None = None,
        header: Changes | None = None,
        alg: SigningAlgorithm | None = None,
        by: LocalIssuer | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """A v2.0 access token of a user, with the optional claim `acct`.

        Args:
            audience: the client id of the API.
            tenant: whose token it is.
            header: members to add to the header or to put in place of its own.
            alg: the algorithm; RS256 unless given.
            by: who signs it.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        good = self._v2(tenant or self.tenant, audience)
        return sign(by or self.issuer, {**good, **claims}, header, typ="JWT", alg=alg)

    def mint_v1(
        self,
        *,
        audience: str = API,
        tenant: str | None = None,
        header: Changes | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """A v1.0 access token of a user, with the optional claim `acct`; `acr` and `amr` come by themselves.

        Args:
            audience: the client id of the API, or its App ID URI.
            tenant: whose token it is.
            header: members to add to the header or to put in place of its own.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        whose = tenant or self.tenant
        good: Shape = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{whose}/",
            **self._common(whose),
            "acr": "1",
            "amr": ["pwd", "mfa"],
            "appid": CLIENT,
            "appidacr": "0",
            "ipaddr": "192.0.2.10",
            "unique_name": "ada@example.com",
            "ver": "1.0",
        }
        x5t = self.issuer.key("RS256").kid
        return sign(self.issuer, {**good, **claims}, {"x5t": x5t, **(header or {})}, typ="JWT")

    def mint_app_only(self, *, audience: str = API, roles: list[str] | None = None, **claims: JsonValue | Omit) -> str:
        """A v2.0 access token of an application that acts for itself: roles, and nothing of a user."""
        of_app: Shape = {
            "roles": ["Accounts.Read.All"] if roles is None else [*roles],
            "oid": PRINCIPAL,
            "sub": PRINCIPAL,
            "azpacr": "1",
            **dict.fromkeys(("scp", "name", "preferred_username", "acct", "auth_time"), OMIT),
        }
        return self._another({"aud": audience, **of_app, **claims})

    def mint_guest(self, **claims: JsonValue | Omit) -> str:
        """A v2.0 access token of a guest, whose home is another tenant."""
        return self._another({"acct": 1, "idp": f"https://sts.windows.net/{OTHER_TENANT}/", **claims})

    def mint_overage(self, *, implicit: bool = False, **claims: JsonValue | Omit) -> str:
        """A v2.0 access token of a user in more groups than a token lists.

        Args:
            implicit: whether it is one of the implicit flow, which says so in another way.
            claims: claims to add or to put in place of its own.
        """
        endpoint = f"https://graph.windows.net/{self.tenant}/users/{USER}/getMemberObjects"
        explicit: Shape = {
            "_claim_names": {"groups": "src1"},
            "_claim_sources": {"src1": {"endpoint": endpoint}},
        }
        brief: Shape = {"hasgroups": True}
        return self._another({**(brief if implicit else explicit), **claims})

    def mint_id_token(self, **claims: JsonValue | Omit) -> str:
        """A v2.0 ID token, under the very same keys and with the same `typ`."""
        no_client = dict.fromkeys(("azp", "azpacr", "scp"), OMIT)
        return self._another({"aud": CLIENT, "nonce": "12345", **no_client, **claims})

    def mint_consumer(self, **claims: JsonValue | Omit) -> str:
        """A v2.0 access token of a personal account, by the key of those."""
        good = self._v2(CONSUMERS, API)
        return sign(self.of_consumers, {**good, "acct": OMIT, **claims}, None, typ="JWT")

    def wrong(self) -> dict[str, str]:
        """Tokens that `entra(TENANT)` must refuse, by what is wrong with them; all are signed by the right key."""
        v1 = f"https://sts.windows.net/{self.tenant}/"
        return {
            "another tenant": self.mint(tenant=OTHER_TENANT),
            "another tenant by tid alone": self.mint(tid=OTHER_TENANT),
            "another tenant by iss alone": self.mint(iss=_v2(OTHER_TENANT)),
            "a tid that is no GUID": self.mint(tid="contoso.onmicrosoft.com"),
            "a tid in capitals": self.mint(tid=self.tenant.upper()),
            "a tid with a line feed": self.mint(tid=self.tenant + "\n"),
            "no tid": self.mint(tid=OMIT),
            "no oid": self.mint(oid=OMIT),
            "an oid that is no GUID": self.mint(oid="ada@example.com"),
            "no sub": self.mint(sub=OMIT),
            "v1.0 from where v2.0 comes from": self.mint(ver="1.0"),
            "v2.0 from where v1.0 comes from": self.mint(iss=v1),
            "a version that is a number": self.mint(ver=2.0),
            "no version": self.mint(ver=OMIT),
            "v1.0 without its slash": self.mint_v1(iss=v1[:-1]),
            "the issuer of the metadata for all": self.mint(iss="https://login.microsoftonline.com/{tenantid}/v2.0"),
            "a guest": self.mint_guest(),
            "a guest by acct alone": self.mint_guest(idp=OMIT),
            "a guest by idp alone": self.mint_guest(acct=0),
            "a guest with a personal account": self.mint_guest(acct=0, idp="live.com"),
            "perhaps a guest": self.mint(acct=OMIT),
            "an acct that is false": self.mint(acct=False),
            "an application": self.mint_app_only(),
            "an application that says so": self.mint_app_only(idtyp="app"),
            "a device": self.mint(idtyp="device"),
            "a user without scopes": self.mint(idtyp="user", scp=OMIT),
            "an application with scopes": self.mint(idtyp="app"),
            "scopes in a list": self.mint(scp=["access_as_user"]),
            "another scope under the standard name": self.mint(scope="admin"),
            "an ID token for its client": self.mint_id_token(),
            "an ID token for the API": self.mint_id_token(aud=API),
            "an ID token without nonce": self.mint_id_token(aud=API, nonce=OMIT),
            "no client": self.mint(azp=OMIT),
            "the client under the name of v1.0": self.mint(azp=OMIT, appid=CLIENT),
            "a token for Microsoft Graph": self.mint(audience="00000003-0000-0000-c000-000000000000"),
            "an elliptic curve": self.mint(alg="ES256"),
            "an access token by RFC 9068": self.mint(header={"typ": "at+jwt"}),
        }

    def _another(self, changes: Shape) -> str:
        """A v2.0 access token of a user, changed."""
        return sign(self.issuer, {**self._v2(self.tenant, API), **changes}, None, typ="JWT")

    def _v2(self, tenant: str, audience: str) -> Shape:
        return {
            "aud": audience,
            "iss": _v2(tenant),
            **self._common(tenant),
            "azp": CLIENT,
            "azpacr": "0",
            "preferred_username": "ada@example.com",
            "ver": "2.0",
        }

    def _common(self, tenant: str) -> Shape:
        """What users' tokens of both versions have."""
        return {
            **life(self.issuer, _LIFE),
            "nbf": int(self.issuer.clock()),
            "acct": 0,
            "auth_time": int(self.issuer.clock()) if self._auth_time else OMIT,
            "aio": "AXQAi/8IAAAAtAaZLo3ChMif6KOnttRB7eBq4/DccQzjcJGxPYy",
            "name": "Ada Lovelace",
            "oid": USER,
            "rh": "I",
            "scp": "access_as_user pay",
            "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
            "tid": tenant,
            "uti": "fqiBqXLPj0eQa82S-IYFAA",
        }


def _v2(tenant: str) -> str:
    return f"https://login.microsoftonline.com/{tenant}/v2.0"


def _naming(issuer: LocalIssuer, named: str) -> list[JsonValue]:
    keys = issuer.jwks()["keys"]
    return [{**key, "issuer": named} for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
