"""What schemas of drf-spectacular say of guarded operations: who may call, and how a refusal looks.

SPECTACULAR_SETTINGS = {"POSTPROCESSING_HOOKS": ["zerotrust.django.rest.schema.describe_policies", ...]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.settings import spectacular_settings

from zerotrust.core.policy import Policy
from zerotrust.django.door import any_door
from zerotrust.django.urls import places
from zerotrust.web.openapi import SCHEMES, describe, presented_by

_PARAMETER = re.compile(r"<(?:[^<>:]*:)?([^<>]+)>")


class AccessScheme(OpenApiAuthenticationExtension):
    """How drf-spectacular describes `AccessAuthentication`: by what the default policy takes tokens by."""

    target_class: str | type[object] | None = "zerotrust.django.rest.authentication.AccessAuthentication"

    @property
    def name(self) -> list[str]:  # type: ignore[override]
        """The names of the security schemes."""
        return [SCHEMES[scheme][0] for scheme in presented_by(_default())]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Any one of them."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """Each of them."""
        return [SCHEMES[scheme][1] for scheme in presented_by(_default())]


def describe_policies(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """Say of every operation what it requires: security schemes with scopes, and the responses 401, 403 and 503.

    Args:
        result: the document.
        generator: knows which view each operation is.
    """
    door = any_door()
    known = [(place, _template(place.path)) for place in places(settings.ROOT_URLCONF)]
    for path, _, method, callback in generator.endpoints or ():
        near = [place for place, template in known if place.view is callback and template == path]
        for place in near[:1] or [place for place, _ in known if place.view is callback][:1]:
            protection = door.protections.entry(place).of(method).protection
            for operation in _operations(result, generator, (path, method, callback)):
                describe(result, operation, protection)
    return result


def _operations(result: dict[str, Any], generator: Any, endpoint: tuple[str, str, Any]) -> Iterator[dict[str, Any]]:
    """The operation in the document that is this endpoint; none if it was left out."""
    path, method, callback = endpoint
    path = generator.coerce_path(path, method, generator.create_view(callback, method))
    if spectacular_settings.SCHEMA_PATH_PREFIX_TRIM:
        prefix = spectacular_settings.SCHEMA_PATH_PREFIX or ""
        path = re.sub(prefix if prefix.startswith("^") else "^" + prefix, "", path, flags=re.IGNORECASE)
    path = f"{spectacular_settings.SCHEMA_PATH_PREFIX_INSERT or ''}{path}"
    found = result.get("paths", {}).get(path if path.startswith("/") else f"/{path}", {}).get(method.lower())
    if found is not None:
        yield found


def _template(path: str) -> str:
    return _PARAMETER.sub(r"{\1}", path)


def _default() -> Policy:
    return any_door().gate.default.policy
