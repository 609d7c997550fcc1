"""What a door adds to the OpenAPI document of its application: who may call, and how a refusal looks."""

from __future__ import annotations

from typing import Any, Final

from zerotrust.core.policy import Leaf, Policy
from zerotrust.verifiers.token_questions import Scope
from zerotrust.web.challenge import BEARER, DPOP, schemes, tokens_of
from zerotrust.web.continuing import speakers
from zerotrust.web.report import Protection

SCHEMES: Final[dict[str, tuple[str, dict[str, str]]]] = {
    BEARER: ("bearer", {"type": "http", "description": "An access token (RFC 6750).", "scheme": "bearer"}),
    DPOP: (
        "dpop",
        {
            "type": "http",
            "description": "An access token bound to a key, with a proof of that key in the `DPoP` header (RFC 9449).",
            "scheme": "dpop",
        },
    ),
}
"""How documents call and describe what a token may be presented by."""

_PROBLEM = {
    "type": "object",
    "description": "A problem (RFC 9457).",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Why, as a stable name."},
        "detail": {"type": "string"},
        "scope": {"type": "string", "description": "The scopes a token needs, separated by blanks."},
        "max_age": {"type": "integer", "description": "The most seconds since the user signed in."},
        "acr_values": {"type": "string", "description": "Authentication contexts that will do, separated by blanks."},
        "retry_after": {"type": "integer", "description": "Seconds after which to try again."},
    },
}
_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/AccessProblem"}}}
_CHALLENGE = {"WWW-Authenticate": {"description": "RFC 6750, RFC 9449, RFC 9470", "schema": {"type": "string"}}}
_NONCE = {"DPoP-Nonce": {"description": "The nonce for the next proof (RFC 9449)", "schema": {"type": "string"}}}
_RESPONSES: dict[str, dict[str, Any]] = {
    "401": {"description": "Sign in, or sign in anew", "content": _CONTENT, "headers": _CHALLENGE},
    "403": {"description": "Not allowed", "content": _CONTENT, "headers": _CHALLENGE},
    "503": {"description": "The credential cannot be checked for now", "content": _CONTENT},
}
_NAMES: Final = frozenset(name for name, _ in SCHEMES.values())


def describe(schema: dict[str, Any], operation: dict[str, Any], protection: Protection) -> None:
    """Say of one operation what it requires and how it refuses; nothing of one that is open to everybody.

    Args:
        schema: the document, which gets the components that this needs.
        operation: in it.
        protection: what holds there.
    """
    if protection.open_because is not None:
        return
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {}).setdefault("AccessProblem", _PROBLEM)
    names = [SCHEMES[scheme][0] for scheme in presented_by(protection.policy)]
    if names:
        models = dict(SCHEMES.values())
        known = components.setdefault("securitySchemes", {})
        asked = scopes(protection.policy)
        for name in names:
            known.setdefault(name, models[name])
        # What a framework found in markers names one scheme only, or none; what others ask for stays.
        others = [one for one in operation.get("security", ()) if one and not one.keys() & _NAMES]
        operation["security"] = others + [{name: asked} for name in names]
    responses = operation.setdefault("responses", {})
    for status, response in _RESPONSES.items():
        responses.setdefault(status, response)
    if speakers(protection.policy) and responses["401"] is _RESPONSES["401"]:
        responses["401"] = {**_RESPONSES["401"], "headers": {**_CHALLENGE, **_NONCE}}


def presented_by(policy: Policy) -> tuple[str, ...]:
    """The schemes by which the tokens come that `policy` looks at; none if it looks at none that callers send."""
    found = {scheme for token in tokens_of(policy) for scheme in schemes(token)}
    return tuple(scheme for scheme in SCHEMES if scheme in found)


def scopes(policy: Policy) -> list[str]:
    """The scopes that `policy` may ask for, for documentation: in `a | b` not all of them are needed."""
    program = policy.program
    asked = (program.leaves[position] for position, helps in program.polarities() if helps)
    questions = (leaf.question for leaf in asked if isinstance(leaf, Leaf))
    names = (name for question in questions if isinstance(question, Scope) for name in question.names)
    return list(dict.fromkeys(names))
