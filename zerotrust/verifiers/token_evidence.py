"""What a verified access token says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias, cast

from zerotrust.core.evidence import Evidence
from zerotrust.verifiers.delegation import Actor, Party
from zerotrust.wire.json import JsonValue

_NO_CLAIMS: Mapping[str, JsonValue] = MappingProxyType({})


Items: TypeAlias = "tuple[frozenset[tuple[type, object]] | None, bool]"
"""What can be compared, by type and value, and whether that is all; None if nothing is stated."""

_TYPED: Final = frozenset({"scope", "acr", "amr", "auth_time"})
"""The claims that have a field, whichever verifier it is. The field is how they are read; see `states`."""


class _Remembering(Evidence):
    """A slot that is no field: neither compared nor kept, filled once it is asked for."""

    __slots__ = ("_items",)
    _items: dict[tuple[str, str], Items]


@dataclass(frozen=True, slots=True, init=False)
class TokenEvidence(_Remembering):
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
        actors: who acts on the subject's behalf (RFC 8693 section 4.1): the current actor, then those before it, which
            are there to be known, not to be let in; empty if nobody acts.
    """

    claims: Mapping[str, JsonValue] = field(repr=False)
    scope: frozenset[str] | None = None
    auth_time: float | None = None
    acr: str | None = None
    amr: frozenset[str] | None = None
    roles: frozenset[str] | None = None
    groups: frozenset[str] | None = None
    actors: tuple[Actor, ...] = ()

    def __init__(
        self,
        source: str,
        subject: str,
        verified_at: float,
        expires_at: float,
        claims: Mapping[str, JsonValue] = _NO_CLAIMS,
        scope: frozenset[str] | None = None,
        auth_time: float | None = None,
        acr: str | None = None,
        amr: frozenset[str] | None = None,
        roles: frozenset[str] | None = None,
        groups: frozenset[str] | None = None,
        actors: tuple[Actor, ...] = (),
    ) -> None:
        # By hand, on the path of every request: the constructor that a frozen dataclass generates takes twice as long.
        _put_source(self, source)
        _put_subject(self, subject)
        _put_verified_at(self, verified_at)
        _put_expires_at(self, expires_at)
        _put_claims(self, claims)
        _put_scope(self, scope)
        _put_auth_time(self, auth_time)
        _put_acr(self, acr)
        _put_amr(self, amr)
        _put_roles(self, roles)
        _put_groups(self, groups)
        _put_actors(self, actors)

    @property
    def actor(self) -> Actor | None:
        """Who acts on the subject's behalf with this token; None if nobody."""
        return self.actors[0] if self.actors else None

    @property
    def parties(self) -> tuple[Party, ...]:
        """The subject, then all actors, each by issuer and `sub`."""
        return ((self.source, self.subject), *(actor.party(self.source) for actor in self.actors))

    @property
    def client_id(self) -> str | None:
        """The OAuth client the token was issued to (RFC 8693 section 4.3); None if not said."""
        value = self.claims.get("client_id")
        return value if isinstance(value, str) else None

    def states(self, claim: str, drawn: str = "") -> bool:
        """Whether the claim is there, whatever it says.

        Verifiers draw fields from claims, so that the two agree. Evidence made by hand may have one without the other,
        or two that differ; then a field counts, whichever question is asked: `scope`, `acr`, `amr` and `auth_time`
        are what their fields say, roles and groups what the claim says where their field says nothing.

        Args:
            claim: its name.
            drawn: the field that is a list drawn from it, `roles` or `groups`; if none, empty.
        """
        if claim in _TYPED:
            return getattr(self, claim) is not None
        return claim in self.claims or (drawn != "" and getattr(self, drawn) is not None)

    def stated(self, claim: str, drawn: str = "") -> object:
        """What the claim says, read as `states` does; None if it is not there, or null. A set is a sorted list."""
        typed = claim in _TYPED
        held: object = getattr(self, claim) if typed else getattr(self, drawn) if drawn else None
        if held is None:
            return None if typed else self.claims.get(claim)
        if isinstance(held, frozenset):
            said = self.claims.get(claim)
            listed = sorted(cast("frozenset[str]", held))
            return (said if isinstance(said, str) else " ".join(listed)) if claim == "scope" else listed
        return held

    def items(self, claim: str, drawn: str = "") -> Items:
        """What the claim says, or lists: many questions about a long list look through it once.

        Args:
            claim: its name.
            drawn: as of `states`.

        Returns:
            Texts, numbers and truth values with their types, and whether it says nothing else.
        """
        known: dict[tuple[str, str], Items] | None = getattr(self, "_items", None)
        if known is None:
            known = {}
            _put_items(self, known)
        items = known.get((claim, drawn))
        if items is None:
            value = self.stated(claim, drawn)
            if value is None and not self.states(claim, drawn):
                items = None, True
            else:
                listed = cast("list[object]", value) if isinstance(value, list) else [value]
                plain = [item for item in listed if isinstance(item, str | int | float)]
                items = frozenset([(type(item), item) for item in plain]), len(plain) == len(listed)
            known[claim, drawn] = items
        return items

    @property
    def jti(self) -> str | None:
        """The token's own id (RFC 7519 section 4.1.7); None if it has none."""
        value = self.claims.get("jti")
        return value if isinstance(value, str) else None


def _put(name: str) -> Callable[[TokenEvidence, object], None]:
    """What fills one slot of an instance that is being made, past the refusal of a frozen class."""
    fill: Callable[[TokenEvidence, object], None] = getattr(TokenEvidence, name).__set__
    return fill


_put_source, _put_subject = _put("source"), _put("subject")
_put_verified_at, _put_expires_at = _put("verified_at"), _put("expires_at")
_put_claims, _put_scope = _put("claims"), _put("scope")
_put_auth_time, _put_acr, _put_amr = _put("auth_time"), _put("acr"), _put("amr")
_put_roles, _put_groups = _put("roles"), _put("groups")
_put_items = _put("_items")
_put_actors = _put("actors")
