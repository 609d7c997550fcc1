"""A JWT where opaque tokens are expected (`jwts=Bearer`): nothing that is demanded of these is not demanded of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.deciding import told
from tests.verifiers.introspecting import Server, introspection
from tests.verifiers.tokens import bearer, mint, request, static
from zerotrust import BindingRatchet, ConfigError, Revocation, decide, seconds
from zerotrust.verifiers.dpop import DPoP

REVOCATION, RATCHET, PROOFS = Revocation(), BindingRatchet(), DPoP()


@pytest.mark.parametrize(
    ("demanded", "write"),
    [
        ({"revocation": REVOCATION}, "give both the same revocation= object"),
        ({"ratchet": RATCHET}, "give both the same ratchet= object"),
        ({"one_time": True}, r"write Bearer\(..., one_time=True\)"),
        ({"max_actors": 0}, r"write Bearer\(..., max_actors=0\)"),
        ({"leeway": seconds(0)}, r"write Bearer\(..., leeway=seconds\(0\)\)"),
        ({"require": ["email"]}, r'write Bearer\(..., require=\["email"\]\)'),
        ({"require": ["jti", "sub", "email"]}, "does not require email, jti, which this does"),
        ({"dpop": PROOFS}, "give both the same DPoP"),
        ({"roles": "permissions"}, "leaves ask for one name"),
    ],
)
def test_what_is_demanded_of_one_kind_is_demanded_of_the_other(demanded: dict[str, Any], write: str) -> None:
    with pytest.raises(ConfigError, match=write):
        introspection(jwts=bearer(), **demanded)
    introspection(jwts=bearer(**demanded), **demanded)
    if "require" not in demanded:  # what a JWT has to hold besides is its own matter
        with pytest.raises(ConfigError):
            introspection(jwts=bearer(**demanded))


def test_an_equal_one_is_not_the_same_one() -> None:
    with pytest.raises(ConfigError, match="the same revocation"):
        introspection(jwts=bearer(revocation=Revocation()), revocation=REVOCATION)


def test_every_issuer_of_jwts_is_looked_at() -> None:
    both = bearer(static(), static("https://other.example"), require=["jti"])
    introspection(jwts=both, require=["jti"])
    with pytest.raises(ConfigError, match="does not require email"):
        introspection(jwts=both, require=["email"])


def test_what_it_lacks_is_said_of_the_jwt() -> None:
    verifier = introspection(jwts=bearer(require=["email"]), require=["email"])
    assert told(decide(verifier.valid, request(mint()), Server().sources)) == "missing_claim"
