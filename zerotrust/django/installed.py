"""Whether the settings put a guard before the views at all; for reports, which are right only if they do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.apps import apps

from zerotrust.django.configured import is_guard, middleware

GUARD: Final = "zerotrust.django.Guard"
APPLICATION: Final = "zerotrust.django"

NO_GUARD: Final = f"MIDDLEWARE has no {GUARD}, so that nothing is decided but what views decide for themselves"
NO_APPLICATION: Final = (
    f"INSTALLED_APPS has no {APPLICATION}, so that no system check looks at the settings; write "
    f'INSTALLED_APPS = ["{APPLICATION}", ...]'
)


def missing() -> Iterator[str]:
    """What the settings lack for the policies to be enforced."""
    if not any(is_guard(kind) for _, kind in middleware()):
        yield f'{NO_GUARD}; write MIDDLEWARE = ["{GUARD}", ...]'
    if not is_checked():
        yield NO_APPLICATION


def is_checked() -> bool:
    """Whether the application is installed that brings the system checks."""
    return apps.is_installed(APPLICATION)
