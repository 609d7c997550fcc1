"""A `Bearer` for the JWTs among opaque tokens: whether it demands of them what is demanded of the others."""

from __future__ import annotations

from zerotrust.core.errors import ConfigError
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.claims import ClaimRules
from zerotrust.verifiers.introspection_answer import AnswerRules
from zerotrust.verifiers.presented import Demands


def check_bearer(bearer: Bearer, demands: Demands, rules: AnswerRules, required: frozenset[str]) -> None:
    """Whether `bearer` asks of a JWT what is asked of the tokens of the other kind; else `ConfigError`.

    A JWT is checked by `bearer` alone. So what was demanded here only would be demanded of opaque tokens only.
    """
    if bearer.carrier != demands.carrier:
        raise ConfigError(f"jwts: its tokens are in {bearer.carrier}, the opaque ones in {demands.carrier}")
    if (bearer.roles, bearer.groups) != (rules.roles, rules.groups):
        raise ConfigError(
            f"jwts: it takes roles={bearer.roles!r} and groups={bearer.groups!r}, and this roles={rules.roles!r} and "
            f"groups={rules.groups!r}; leaves ask for one name"
        )
    inner = _demands_of(bearer)
    if inner.dpop is not demands.dpop:
        raise ConfigError("jwts: give both the same DPoP, or neither one: what a client is told has to hold for both")
    for what, theirs, ours in (
        ("revocation", inner.revocation, demands.revocation), ("ratchet", inner.ratchet, demands.ratchet),
        ("bound_to", inner.bound_to, demands.bound_to),
    ):  # fmt: skip
        if theirs is not ours:
            raise ConfigError(
                f"jwts: give both the same {what}= object, or neither one: Bearer(..., {what}={what}) and "
                f"Introspection(..., {what}={what}, jwts=that); a JWT is held to that of the Bearer alone"
            )
    if inner.one_time != demands.one_time:
        raise ConfigError(
            f"jwts: it has one_time={inner.one_time}, and this one_time={demands.one_time}; write "
            f"Bearer(..., one_time={demands.one_time}), or the same here"
        )
    if inner.leeway != demands.leeway:
        raise ConfigError(
            f"jwts: it has a leeway of {inner.leeway:g} s, and this one of {demands.leeway:g} s; write "
            f"Bearer(..., leeway=seconds({demands.leeway:g})), or the same here"
        )
    for jwt in _claim_rules(bearer):
        if jwt.max_actors != rules.max_actors:
            raise ConfigError(
                f"jwts: it has max_actors={jwt.max_actors}, and this max_actors={rules.max_actors}; write "
                f"Bearer(..., max_actors={rules.max_actors}), or the same here"
            )
        if missing := required - jwt.required:
            names = ", ".join(f'"{name}"' for name in sorted(required))
            raise ConfigError(
                f"jwts: it does not require {', '.join(sorted(missing))}, which this does; write "
                f"Bearer(..., require=[{names}])"
            )


def _demands_of(bearer: Bearer) -> Demands:
    """What `bearer` demands of its tokens."""
    return bearer._demands  # pyright: ignore[reportPrivateUsage]


def _claim_rules(bearer: Bearer) -> list[ClaimRules]:
    """What `bearer` demands of their claims, for each issuer."""
    return [one.demanded for one in (*bearer._by_iss.values(), *bearer._by_pattern)]  # pyright: ignore[reportPrivateUsage]
