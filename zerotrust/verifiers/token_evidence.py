"""What a verified access token says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zerotrust.core.evidence import Evidence
from zerotrust.wire.json import JsonValue


@dataclass(frozen=True, slots=True)
class TokenEvidence(Evidence):
    """Verified facts of one access token (RFC 9068); `source` is its issuer, `expires_at` its `exp` plus leeway.

    Attributes:
        claims: all claims, read-only. They never show in a repr: applications put personal data there.
        scope: the granted scopes (RFC 8693 section 4.2); None if the token does not say.
        auth_time: when the end user signed in, POSIX seconds (OpenID Connect Core section 2); None if not said.
        acr: the authentication context class reference; None if not said.
        amr: the authentication methods (RFC 8176); None if not said.
        roles: the subject's roles, from the claim that the verifier was told of; None if it is missing or no list of
            texts, which then proves neither having a role nor not having it.
        groups: the subject's groups, in the same way.
    """

    claims: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue], repr=False)
    scope: frozenset[str] | None = None
    auth_time: float | None = None
    acr: str | None = None
    amr: frozenset[str] | None = None
    roles: frozenset[str] | None = None
    groups: frozenset[str] | None = None

    @property
    def client_id(self) -> str | None:
        """The OAuth client the token was issued to (RFC 8693 section 4.3); None if not said."""
        value = self.claims.get("client_id")
        return value if isinstance(value, str) else None

    @property
    def jti(self) -> str | None:
        """The token's own id (RFC 7519 section 4.1.7); None if it has none."""
        value = self.claims.get("jti")
        return value if isinstance(value, str) else None
