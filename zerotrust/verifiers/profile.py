"""What one kind of issuer makes of its tokens: where they come, what tells them apart, what they call things."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Final, TypeAlias

import attrs

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.verifiers.carrier import AUTHORIZATION, Carrier
from zerotrust.wire.json import JsonValue
from zerotrust.wire.jwk import VerificationKey

Claims: TypeAlias = Mapping[str, JsonValue]

Translate: TypeAlias = Callable[[Claims], "dict[str, JsonValue] | Reason"]
"""Looks at what the generic rules cannot know, and gives claims their standard names.

What it returns takes the place of the claims of the same name before the generic rules look at them, which all hold.
`iss` and `sub` become the source and the subject of the evidence; its `claims` keep what the token says there.
"""


_OF_SIGN_INS: Final = frozenset({"acr", "amr", "auth_time"})


class Dialect(Enum):
    """How an issuer's clients are told to come back with more (step-up)."""

    RFC_9470 = "acr_values, max_age"
    ENTRA = "claims"  # the claims challenge, for clients that say that they understand it (`xms_cc` has `cp1`)
    NONE = ""  # a workload or an access proxy: there is nobody to sign in


def _types(value: Collection[str]) -> frozenset[str]:
    if isinstance(value, str):
        raise ConfigError(f'types takes a collection of names: write {{"{value}"}}, not "{value}"')
    return frozenset(value)


@attrs.frozen(eq=False, kw_only=True)
class Profile:
    """What one kind of issuer makes of its tokens. It adds to the generic checks, and never takes one away.

    Args:
        name: what it is a profile of, for people.
        types: the `typ` values of its access tokens (RFC 9068 section 2.1). Where these are those of its other tokens,
            too, `translate` has to tell them apart by something else.
        typ_optional: whether it leaves `typ` out.
        carrier: where its tokens are in a request.
        iss: what its tokens say in `iss`, where that is not the issuer's url: texts, or a pattern for all tenants.
        sources: what the sources of its evidence look like, where there is more than one, which then is what
            `translate` gives as `iss`, or else the token's own; the pattern in `iss` unless given. None if the issuer's
            url is the only source. A token from any other is refused.
        require: claims that must be there besides `iss`, `aud`, `exp`, `sub` and `iat`.
        max_lifetime: the longest time from `iat` to `exp`, seconds.
        translate: its own checks, and its own names for claims; see `Translate`.
        fits: why a key that verified a token must not have; None if it may, or none says anything.
        audience: what is wrong with an audience that an application configures; None if it can be one.
        ladder: the `acr` values that are steps of one ladder, weakest first.
        dialect: how its clients are told to come back with more.
        silent: which of `acr`, `amr` and `auth_time` its tokens lack until somebody configures it to write them. Of a
            token without one nobody is told to sign in again: the next one would lack it, too.
    """

    name: str = "RFC 9068"
    types: frozenset[str] = attrs.field(default=frozenset({"at+jwt"}), converter=_types)
    typ_optional: bool = False
    carrier: Carrier = AUTHORIZATION
    iss: frozenset[str] | re.Pattern[str] | None = None
    sources: re.Pattern[str] | None = None
    require: frozenset[str] = frozenset()
    max_lifetime: float = math.inf
    translate: Translate | None = None
    fits: Callable[[VerificationKey, Claims], Reason | None] | None = None
    audience: Callable[[str], str | None] | None = None
    ladder: tuple[str, ...] = ()
    dialect: Dialect = Dialect.RFC_9470
    silent: frozenset[str] = frozenset()

    def __attrs_post_init__(self) -> None:
        if self.sources is None and isinstance(self.iss, re.Pattern):
            # Not as a default, which `attrs.evolve` would take from a profile without a pattern: all tenants were one.
            object.__setattr__(self, "sources", self.iss)
        if not _OF_SIGN_INS.issuperset(self.silent):
            raise ConfigError(f"{self.name}: silent={self.silent!r}: write some of {', '.join(sorted(_OF_SIGN_INS))}")
        if len(set(self.ladder)) < len(self.ladder):
            raise ConfigError(f"{self.name}: an acr value stands twice in the ladder {', '.join(self.ladder)}")


ACCESS_TOKENS = Profile()
"""JWT access tokens as RFC 9068 has them."""
