"""What questions to a token depend on, as attributes of its evidence.

Claims that the evidence has a field for, `acr`, `amr` and `auth_time`, are that field; all others are `claims.<name>`,
roles and groups too.
"""

from __future__ import annotations

from typing import Final

from zerotrust.core.facts import Attribute, Either, Fact, Matches, OneOf
from zerotrust.verifiers.origin import Origin

SOURCE: Final = Attribute("source")
SUBJECT: Final = Attribute("subject", private=True)
SCOPE: Final = Attribute("scope", optional=True, better=1)
ACR: Final = Attribute("acr", optional=True)
AMR: Final = Attribute("amr", optional=True, better=1)
AUTH_TIME: Final = Attribute("auth_time", optional=True, better=1)

PHISHING_RESISTANT_ACRS: Final = frozenset({"phr", "phrh"})
"""OpenID Connect Extended Authentication Profile ACR Values 1.0 section 2: phishing-resistant, and with hardware."""

_FIELDS: Final = {one.name: one for one in (SCOPE, ACR, AMR, AUTH_TIME)}

# OpenID Connect Core section 5.1, RFC 8693 section 4.4, and what identity providers call people besides.
_OF_PEOPLE: Final = frozenset(
    {
        "sub", "may_act", "act", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username",
        "profile", "picture", "website", "email", "gender", "birthdate", "phone_number", "address", "oid", "upn",
        "unique_name", "login", "user", "username", "user_id", "uid", "identities", "jti", "sid", "actor", "actor_id",
    }
)  # fmt: skip


def claim(name: str, better: int = 0) -> Attribute:
    """The attribute that is the claim `name`; of which more is better if `better` is 1.

    `scope` is the set of them: the claim is one text, in whatever order.
    """
    return _FIELDS.get(name) or Attribute(f"claims.{name}", True, better, name in _OF_PEOPLE)


def made_by(origin: Origin) -> Fact:
    """Whether the token is from `origin`."""
    itself = OneOf(SOURCE, (origin.url,))
    return itself if origin.pattern is None else Either((itself, Matches(SOURCE, origin.pattern)))
