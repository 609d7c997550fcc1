"""What a guard adds to an application's OpenAPI document: who may call, and how a refusal looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fastapi import FastAPI

from zerotrust.web.openapi import describe
from zerotrust.web.report import Protection

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
                if operation is not None:
                    describe(schema, operation, protection)
        return schema

    setattr(app, "openapi", openapi)  # noqa: B010 - FastAPI's documented way to extend it; mypy takes it for a method
