"""A SPIFFE trust domain with real keys, for tests: its bundle, the SVIDs of its workloads, and their forgeries."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, TypeAlias, cast

from jwt.algorithms import get_default_algorithms

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import hours, minutes
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.testing.issuer import OMIT, LocalIssuer, Omit
from zerotrust.testing.source import Documents
from zerotrust.wire.json import JsonValue
from zerotrust.wire.spiffe import SpiffeId, TrustDomain

Claims: TypeAlias = Mapping[str, "JsonValue | Omit"]

_HOUR: Final = hours(1)
_FIVE_MINUTES: Final = minutes(5)
_BEFORE: Final = 60.0  # seconds: no clock of a test is behind that far


class LocalTrustDomain:
    """Issues X.509-SVIDs and JWT-SVIDs as the agent of a trust domain would, all of them at its clock's moment.

    Give it to an `IssuerSource`, and its bundle is fetched from `endpoint`.

    Args:
        name: the name of the trust domain.
        clock: tells POSIX seconds; a `Clock` that stands still unless given.

    Attributes:
        name: the name of the trust domain.
        clock: tells POSIX seconds.
        endpoint: where `IssuerSource(domain)` serves the bundle: `TrustBundle(domain.name, endpoint=domain.endpoint)`.
        authority: what issues X.509-SVIDs at present; for what they have no method here, such as
            `domain.authority.wrong(uris=[...])`.
        issuer: what signs JWT-SVIDs at present; its `forge_unsigned`, `forge_foreign_key`, ... make wrong ones.

    Raises:
        ConfigError: the name is none of a trust domain.

    Example:
        domain = LocalTrustDomain("prod.example", clock=clock)
        peer = PeerCertificate(domain.bundle(), revocation=ShortLived())
        decide(peer.valid, AccessRequest(now=clock(), peer=domain.svid("/ledger").peer()))
    """

    def __init__(self, name: str = "prod.example", *, clock: Callable[[], float] | None = None) -> None:
        self._id = TrustDomain(name)
        self.name: str = name
        self.endpoint: str = f"https://{name}/bundle.json"
        self.issuer: LocalIssuer = LocalIssuer(f"spiffe://{name}", clock=clock, algorithms=["ES256"])
        self.clock: Callable[[], float] = self.issuer.clock
        self._sequence = 1
        self.authority: LocalAuthority = self._authority()
        self._published = [self.authority]

    def _authority(self) -> LocalAuthority:
        return LocalAuthority(f"{self.name} {self._sequence}", now=self.clock())

    # --- What it publishes -------------------------------------------------------------------------------------------

    def bundle(self) -> TrustBundle:
        """Its trust bundle as it is now; one that was given to a verifier does not follow a rotation."""
        return TrustBundle(self.name, self.json())

    def json(self) -> bytes:
        """Its trust bundle as the bytes of a SPIFFE bundle, for a file or an endpoint."""
        return json.dumps(self.jwks()).encode()

    def jwks(self) -> dict[str, JsonValue]:
        """Its trust bundle: a JWK Set with authorities for both kinds of SVIDs (Trust Domain and Bundle section 4)."""
        keys: list[JsonValue] = [_entry(one) for one in self._published]
        listed = cast("list[dict[str, JsonValue]]", self.issuer.jwks()["keys"])
        keys += [{**key, "use": "jwt-svid"} for key in listed]
        return {"keys": keys, "spiffe_sequence": self._sequence, "spiffe_refresh_hint": 300}

    def published(self) -> Documents:
        """What is fetched, by URL: the bundle, at `endpoint`."""
        return {self.endpoint: self.jwks()}

    def rotate(self, *, keep: bool = True) -> None:
        """Make a new authority and a new key, issue with these from now on, and number the bundle anew.

        Args:
            keep: whether the old ones stay in the bundle, as they should until the last SVID of theirs has expired.
        """
        self._sequence += 1
        self.authority = self._authority()
        self._published = [*(self._published if keep else ()), self.authority]
        self.issuer.rotate(keep=keep)

    # --- What it issues ----------------------------------------------------------------------------------------------

    def id(self, path: str) -> str:
        """The SPIFFE id of a workload.

        Args:
            path: its path, such as `/ns/shop/sa/web`.

        Raises:
            ConfigError: it is no path of a workload.
        """
        if not isinstance(path, str) or not path.startswith("/"):  # callers are not all typed
            raise ConfigError(f'the path of a workload is {path!r}: write one such as "/ns/shop/sa/web"')
        return SpiffeId(self._id.id.text + path).text

    def svid(self, path: str, *, lifetime: timedelta = _HOUR) -> Issued:
        """An X.509-SVID.

        Args:
            path: the path of the workload's id.
            lifetime: from a minute before now to its last moment.
        """
        starts = self.clock() - self.authority.now - _BEFORE
        return self.authority.issue("", uris=[self.id(path)], starts=starts, days=lifetime / timedelta(days=1))

    def jwt_svid(
        self,
        path: str,
        *,
        audience: str | list[str],
        lifetime: timedelta = _FIVE_MINUTES,
        header: Claims | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """A JWT-SVID, in JWS compact serialization.

        Args:
            path: the path of the workload's id, its `sub`.
            audience: the `aud` claim: whom it is for.
            lifetime: from now to its `exp`.
            header: members to add to the header or to put in place of its own; `OMIT` leaves one out.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        now = int(self.clock())
        members: dict[str, JsonValue | Omit] = {
            "sub": self.id(path),
            "aud": [*audience] if isinstance(audience, list) else audience,
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
            **claims,
        }
        payload = {name: value for name, value in members.items() if value is not OMIT}
        return self.issuer.sign(json.dumps(payload).encode(), header={"typ": "JWT", **(header or {})})


def _entry(authority: LocalAuthority) -> dict[str, JsonValue]:
    """X.509-SVID section 6.1: the key with its certificate, and no `kid`."""
    key = get_default_algorithms()["ES256"].to_jwk(authority.certificate.public_key(), as_dict=True)
    members = {name: str(key[name]) for name in ("kty", "crv", "x", "y")}
    return {**members, "use": "x509-svid", "x5c": [b64encode(authority.der).decode()]}
