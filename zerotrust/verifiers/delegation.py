"""Who acts for whom: the `act` and `may_act` claims of RFC 8693 sections 4.1 and 4.4 as typed values.

`act` names the party that uses the token on behalf of its subject. Within it stands, as another `act`, who acted before
that party: a history, which section 4.1 keeps out of access decisions. So the actors here come in that order, the
current one first, and no leaf lets anybody in because of an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import WRONG_CLAIM, WRONG_CLAIM_TYPE, Reason
from zerotrust.wire.json import MAX_DEPTH

MAX_ACTORS: Final = 4
"""How many actors a token may have, unless a verifier is told otherwise."""

MOST_ACTORS: Final = MAX_DEPTH - 1
"""How many fit into the deepest JSON that is read at all."""

# They limit a token, and say nothing of who somebody is: RFC 8693 section 4.1 does not use them within `act`. Whoever
# puts them there all the same means a limit, and one that nobody enforces must not be taken for one that was.
_LIMITS: Final = ("exp", "nbf", "aud")

Party: TypeAlias = tuple[str, str]
"""Somebody by issuer and `sub`: a `sub` alone means something only in its issuer's own naming."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A party that acts on behalf of a token's subject (RFC 8693 section 4.1).

    Attributes:
        subject: its `sub`.
        issuer: in whose naming, the `iss` beside it; None if the token's issuer, in its own.
    """

    subject: str
    issuer: str | None = None

    def party(self, source: str) -> Party:
        """It by issuer and `sub`, as named in a token of the issuer `source`."""
        return source if self.issuer is None else self.issuer, self.subject


def check_max_actors(most: object) -> int:
    """`most` if it can be the number of actors that a token may have; else `ConfigError`."""
    if type(most) is not int or not 0 <= most <= MOST_ACTORS:
        raise ConfigError(f"max_actors={most!r}: write a number of actors from 0, for no delegation, to {MOST_ACTORS}")
    return most


def read_actors(act: object, most: int) -> tuple[Actor, ...] | Reason:
    """The chain in an `act` claim, the current actor first (RFC 8693 section 4.1).

    Args:
        act: the claim's value, whatever it is.
        most: how many actors there may be; no more are looked at.

    Returns:
        At least one actor; or `wrong_claim_type` for what is no chain of objects with a `sub`, `wrong_claim` for one
        that is too long, or holds `exp`, `nbf` or `aud`.
    """
    actors: list[Actor] = []
    while True:
        actor = read_actor(act, "act")
        if isinstance(actor, Reason):
            return actor
        if len(actors) >= most:
            return WRONG_CLAIM(expected=f"at most {most} actors", presented="more", detail="act")
        actors.append(actor)
        members = cast("dict[object, object]", act)
        if "act" not in members:
            return tuple(actors)
        act = members["act"]


def read_actor(value: object, claim: str) -> Actor | Reason:
    """The one party that `value`, of the claim `claim`, names itself, whoever else stands in it."""
    if not isinstance(value, dict):
        return WRONG_CLAIM_TYPE(expected="an object", detail=claim)
    members = cast("dict[object, object]", value)
    for limit in _LIMITS:
        if limit in members:
            return WRONG_CLAIM(expected=f"no {limit} within {claim}", presented=limit, detail=claim)
    sub, iss = members.get("sub"), members.get("iss", None)
    if not isinstance(sub, str) or not sub:
        return WRONG_CLAIM_TYPE(expected="a sub that is text and not empty", detail=claim)
    if iss is None and "iss" not in members:
        return Actor(sub)
    if not isinstance(iss, str) or not iss:
        return WRONG_CLAIM_TYPE(expected="an iss that is text and not empty", detail=claim)
    return Actor(sub, iss)
