"""System checks: what is wrong with the settings, by id, each with a hint. docs/django.md lists them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from zerotrust.core.errors import ConfigError
from zerotrust.django.configured import EXAMPLE, SettingsError, is_guard, middleware, read
from zerotrust.django.door import any_door
from zerotrust.django.installed import GUARD, NO_GUARD

# Middleware that answers no request on the way in, or with no more than a refusal.
_QUIET: Final = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "corsheaders.middleware.CorsMiddleware",  # it answers preflights, which come without credentials
)
_REDIRECTS: Final = "django.middleware.security.SecurityMiddleware"  # answers with SECURE_SSL_REDIRECT alone


def check_settings(**_: Any) -> list[CheckMessage]:
    """What is wrong with `ZEROTRUST`, `MIDDLEWARE` and what views require."""
    return [*_middleware(), *_settings()]


def check_deployment(**_: Any) -> list[CheckMessage]:
    """What is wrong in production (`manage.py check --deploy`)."""
    try:
        explained = read().options.get("explain")
    except ConfigError:
        return []  # the other check tells
    if explained:
        return [
            checks.Warning(
                "ZEROTRUST['EXPLAIN'] tells every caller what the policy asks for, and who they are.",
                hint="Leave it out in production.",
                id="zerotrust.W002",
            )
        ]
    return []


def _settings() -> Iterator[CheckMessage]:
    try:
        read()
        door = any_door()
        report = door.report()
    except SettingsError as error:
        yield Error(f"{error.message}.", hint=f"{error.hint[:1].upper()}{error.hint[1:]}.", id=error.id)
        return
    except ConfigError as error:
        yield Error(f"ZEROTRUST: {error}.", hint="See docs/django.md for what each key takes.", id="zerotrust.E004")
        return
    for problem in report.problems:
        yield Error(
            f"{problem}.",
            hint="`manage.py zerotrust_routes` lists all views and what protects them.",
            id="zerotrust.E007",
        )
    if door.style == "async" and not getattr(settings, "ASGI_APPLICATION", None):
        by_wsgi = bool(getattr(settings, "WSGI_APPLICATION", None))
        kind, id_ = (Error, "zerotrust.E009") if by_wsgi else (checks.Warning, "zerotrust.W003")
        yield kind(
            "ZEROTRUST['SOURCES'] serves under ASGI alone, and the settings name "
            + ("a WSGI_APPLICATION, but no ASGI_APPLICATION." if by_wsgi else "no ASGI_APPLICATION."),
            hint="Write blocking sources for WSGI, such as HttpFetcher() and RedisStore(url); or name an "
            "ASGI_APPLICATION, and have an ASGI server serve it (`runserver` is one with daphne in INSTALLED_APPS).",
            id=id_,
        )


def _middleware() -> Iterator[CheckMessage]:
    before: list[str] = []
    found = 0
    for path, kind in middleware():
        if is_guard(kind):
            found += 1
        elif not found and path not in _QUIET and (path != _REDIRECTS or settings.SECURE_SSL_REDIRECT):
            before.append(path)
    if not found:
        yield Error(
            f"{NO_GUARD}.",
            hint=f'Write MIDDLEWARE = ["{GUARD}", ...], and {EXAMPLE}.',
            id="zerotrust.E005",
        )
        return
    if found > 1:
        yield Error(
            f"MIDDLEWARE has {found} Guards.", hint="One serves for all: leave the others out.", id="zerotrust.E006"
        )
    for path in before:
        yield checks.Warning(
            f"{path} stands before {GUARD}, and may answer requests before anything is decided.",
            hint=f'Write MIDDLEWARE = ["{GUARD}", ...]; or silence this, if what it answers is for everybody.',
            id="zerotrust.W001",
        )
