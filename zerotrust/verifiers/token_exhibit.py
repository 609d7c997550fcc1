"""What a token says of attributes, and evidence made up to say it: claims and the fields drawn from them agree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, cast

from zerotrust.core.errors import PolicyError
from zerotrust.core.exhibit import misfit, number, put, text, texts
from zerotrust.core.reason import Reason
from zerotrust.verifiers.claims import scopes_in, text_set
from zerotrust.verifiers.delegation import read_actor
from zerotrust.verifiers.delegation_facts import NAMES, actors_of, party_text, read_actors_of, read_party
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.wire.json import JsonValue

_CLAIM: Final = "claims."
_MAY_ACT: Final = "may_act"
_ITSELF: Final = frozenset({"source", "subject"})


def read_token(evidence: TokenEvidence, name: str, lists: Mapping[str, str]) -> object:
    """What `evidence` says of the attribute `name`, as plain data for JSON; None if nothing.

    A claim that is there and null is an empty object: it says as little, but it is there.

    Args:
        evidence: of a token.
        name: of the attribute.
        lists: by claim, the field that is drawn from it: `roles`, `groups`.
    """
    if name in NAMES:
        return read_actors_of(evidence, name)
    if not name.startswith(_CLAIM):
        value: object = getattr(evidence, name)
        return sorted(cast("frozenset[str]", value)) if isinstance(value, frozenset) else value
    name = name.removeprefix(_CLAIM)
    drawn = lists.get(name, "")
    if not evidence.states(name, drawn):
        return None
    value = evidence.stated(name, drawn)
    if name == _MAY_ACT:
        named = read_actor(cast("JsonValue", value), _MAY_ACT)
        return {} if isinstance(named, Reason) else party_text(named.party(evidence.source))
    return {} if value is None else _plain(value)


def exhibit_token(
    blank: TokenEvidence, values: Mapping[str, object], name: str, roles: str, groups: str
) -> TokenEvidence:
    """`blank`, with `values` said in its claims and in the fields that are drawn from them.

    Args:
        blank: a token of which nothing is known.
        values: by attribute, as `read_token` gives them.
        name: of the verifier, for errors.
        roles: the claim that lists roles.
        groups: the claim that lists groups.

    Raises:
        PolicyError: there is no such attribute, or it is of another type, or no chain of actors is like that.
    """
    itself = {key: value for key, value in values.items() if key in _ITSELF}
    claims: dict[str, Any] = {}
    for attribute, value in values.items():
        if value is not None and attribute not in _ITSELF and attribute not in NAMES:
            claims[attribute.removeprefix(_CLAIM)] = _claimed(name, attribute, value)
    amr: list[str] | None = claims.get("amr")
    said: str | frozenset[str] | None = claims.get("scope")
    scope = scopes_in(said) if isinstance(said, str) else said
    if scope is not None:
        claims["scope"] = " ".join(sorted(scope))
    evidence = TokenEvidence(
        blank.source,
        blank.subject,
        blank.verified_at,
        blank.expires_at,
        MappingProxyType(claims),
        scope,
        claims.get("auth_time"),
        claims.get("acr"),
        None if amr is None else frozenset(amr),
        text_set(claims.get(roles)),
        text_set(claims.get(groups)),
        actors_of(values, name),
    )
    return put(evidence, itself, name)


def _claimed(name: str, attribute: str, value: object) -> object:
    """`value` as the claim that the attribute is; the set of scopes as it is."""
    claim = attribute.removeprefix(_CLAIM)
    if claim == attribute == "scope":
        return frozenset(texts(name, attribute, value))
    if claim in ("scope", "acr"):
        return text(name, attribute, value)
    if claim == "amr":
        return list(texts(name, attribute, value))
    if claim == "auth_time":
        return number(name, attribute, value)
    if claim == attribute:
        raise PolicyError(f"evidence of {name} has no attribute {attribute}; of a claim, write {_CLAIM}{attribute}")
    if claim == _MAY_ACT and isinstance(value, str):
        party = read_party(value)
        return {"sub": value, "iss": value} if party is None else {"sub": party[1], "iss": party[0]}
    try:
        copied: object = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        misfit(name, attribute, "what JSON can say", value)
    return copied


def _plain(value: object) -> object:
    """`value` of nothing but plain lists and dicts: claims that are kept are of kinds that cannot be changed."""
    if isinstance(value, list):
        return [_plain(one) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in cast("dict[str, object]", value).items()}
    return value
