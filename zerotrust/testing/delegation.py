"""The `act` claim of a delegated token, as an authorization server that exchanges tokens writes it."""

from __future__ import annotations

from zerotrust.core.errors import ConfigError
from zerotrust.wire.json import JsonValue


def act_chain(*actors: str | tuple[str, str]) -> dict[str, JsonValue]:
    """The value of `act` for these actors, the current one first (RFC 8693 section 4.1).

    Args:
        actors: each a `sub`, or `(issuer, sub)` where the actor is not one of the token's issuer.

    Example:
        token = issuer.mint(subject="ada", act=act_chain("ledger", "agent"))  # ledger acts, whom agent had asked
    """
    if not actors:
        raise ConfigError('a chain has at least one actor: act_chain("agent"); leave act out of a token without any')
    chain: dict[str, JsonValue] = {}
    for actor in reversed(actors):
        named: dict[str, JsonValue] = {"sub": actor} if isinstance(actor, str) else {"iss": actor[0], "sub": actor[1]}
        chain = {**named, "act": chain} if chain else named
    return chain
