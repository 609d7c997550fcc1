"""What a guard adds to an application's OpenAPI document: who may call, and how a refusal looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fastapi import FastAPI

from zerotrust.fastapi.requirement import SCHEMES, presented_by, scopes
from zerotrust.web.continuing import speakers
from zerotrust.web.report import Protection

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
_MODELS = {name: model.model_dump(mode="json", by_alias=True, exclude_none=True) for name, model in SCHEMES.values()}

Protections = Callable[[], Iterable[tuple[str, tuple[str, ...], Protection]]]


def document(app: FastAPI, protections: Protections) -> None:
    """Have `app.openapi()` say of every guarded operation what it requires and how it refuses.

    Args:
        app: the application.
        protections: gives path, methods and protection of its routes, as they are when the document is made.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        for path, methods, protection in protections():
            for method in methods:
                operation = schema.get("paths", {}).get(path, {}).get(method.lower())
                if operation is not None and protection.open_because is None:
                    _describe(schema, operation, protection)
        return schema

    setattr(app, "openapi", openapi)  # noqa: B010 - FastAPI's documented way to extend it; mypy takes it for a method


def _describe(schema: dict[str, Any], operation: dict[str, Any], protection: Protection) -> None:
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {}).setdefault("AccessProblem", _PROBLEM)
    names = [SCHEMES[scheme][0] for scheme in presented_by(protection.policy)]
    if names:
        known = components.setdefault("securitySchemes", {})
        asked = scopes(protection.policy)
        for name in names:
            known.setdefault(name, _MODELS[name])
        # What FastAPI found in the markers names one scheme only; what others ask for stays.
        others = [one for one in operation.get("security", ()) if not one.keys() & _MODELS.keys()]
        operation["security"] = others + [{name: asked} for name in names]
    responses = operation.setdefault("responses", {})
    for status, response in _RESPONSES.items():
        responses.setdefault(status, response)
    if speakers(protection.policy) and responses["401"] is _RESPONSES["401"]:
        responses["401"] = {**_RESPONSES["401"], "headers": {**_CHALLENGE, **_NONCE}}
