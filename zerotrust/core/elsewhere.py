"""What people look for in `zerotrust` that is elsewhere, since a program that does not need it should not load it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

# The first is the one that an example shows.
_ROOMS: Final[dict[str, tuple[str, ...]]] = {
    "Guard": ("fastapi", "starlette", "flask", "django", "functions", "asgi", "wsgi"),
    "Access": ("fastapi", "starlette", "flask", "functions", "service"),
    "Require": ("django",),
    "require": ("django",),
    "Caller": ("service",),
    "HttpFetcher": ("stores.http",),
    "AsyncHttpFetcher": ("stores.http",),
    "MemoryStore": ("stores.memory",),
    "SqliteStore": ("stores.sqlite",),
    "AsyncSqliteStore": ("stores.sqlite",),
    "RedisStore": ("stores.redis",),
    "AsyncRedisStore": ("stores.redis",),
    "PostgresStore": ("stores.postgres",),
    "AsyncPostgresStore": ("stores.postgres",),
    "StoreKeys": ("stores.keys",),
    "oidc": ("providers.oidc",),
    "okta": ("providers.okta",),
    "entra": ("providers.entra",),
    "auth0": ("providers.auth0",),
    "keycloak": ("providers.keycloak",),
    "google_workspace": ("providers.google_workspace",),
    "compare": ("analysis",),
    "assert_not_weaker": ("analysis",),
    "Clock": ("testing",),
    "IssuerSource": ("testing",),
    "LocalIssuer": ("testing",),
    "assert_guarded": ("testing",),
}


def missing(name: str, offered: Iterable[str]) -> AttributeError | ImportError:
    """What to raise where `zerotrust` has no `name`.

    It is an ImportError for what is elsewhere: of an AttributeError `from zerotrust import Guard` would show nothing.

    Args:
        name: what was looked for.
        offered: what there is.
    """
    rooms = [f"zerotrust.{room}" for room in _ROOMS.get(name, ())]
    if not rooms:
        from difflib import get_close_matches

        close = get_close_matches(name, offered, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        return AttributeError(f"module 'zerotrust' has no attribute {name!r}{meant}")
    others = f"; there is one for each framework: {', '.join(rooms)}" if len(rooms) > 1 else ""
    return ImportError(f"{name} is not in zerotrust itself; write `from {rooms[0]} import {name}`{others}", name=name)
