"""One Django for all tests of its door: configured once in a process, and overridden where a test differs."""

from __future__ import annotations

import asyncio
from typing import Any

import django
from django.conf import settings
from django.http import HttpResponse
from django.test import AsyncClient, Client

from zerotrust import Bearer, Issuer, minutes
from zerotrust.testing import LocalIssuer

ISSUER = LocalIssuer(algorithms=("EdDSA",))
NOW = ISSUER.clock()

token = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api")
can_read = token.scope("read")
can_pay = (token.scope("pay") & token.fresh(within=minutes(5))).named("can pay")
staff = token.scope("staff")
token_valid = token.valid

GUARD = "zerotrust.django.Guard"
ZEROTRUST: dict[str, Any] = {"DEFAULT": token.valid, "CLOCK": ISSUER.clock}

if not settings.configured:
    settings.configure(
        SECRET_KEY="made up for tests",
        ALLOWED_HOSTS=["testserver", "localhost", "api.example"],
        DEBUG=False,
        ROOT_URLCONF="tests.django.urls",
        SITE_ID=1,
        STATIC_URL="/static/",
        USE_TZ=True,
        LOGGING_CONFIG=None,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "zerotrust.django",
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "django.contrib.admin",
            "django.contrib.sites",
            "django.contrib.flatpages",
            "rest_framework",
            "drf_spectacular",
        ],
        MIDDLEWARE=[GUARD, "django.middleware.common.CommonMiddleware"],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": ["zerotrust.django.rest.AccessAuthentication"],
            "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
        },
        SPECTACULAR_SETTINGS={"POSTPROCESSING_HOOKS": ["zerotrust.django.rest.schema.describe_policies"]},
        ZEROTRUST=ZEROTRUST,
    )
    django.setup()


def shown(scope: str = "", **claims: Any) -> dict[str, str]:
    """The header that shows a good token."""
    return {"authorization": f"Bearer {ISSUER.mint(scope=scope, **claims)}"}


GOOD = shown()
READER = shown("read")
PAYER = shown("pay", auth_time=int(NOW) - 10)
STAFF = shown("staff")


def get(path: str, headers: dict[str, str] | None = None, method: str = "GET", **more: Any) -> Any:
    """The answer to one request, under WSGI."""
    return Client(raise_request_exception=False).generic(method, path, headers=headers or {}, **more)


def get_async(path: str, headers: dict[str, str] | None = None, method: str = "GET", **more: Any) -> Any:
    """The answer to one request, under ASGI."""

    async def ask() -> Any:
        response: Any = await AsyncClient(raise_request_exception=False).generic(
            method, path, headers=headers or {}, **more
        )
        if response.streaming:
            parts = [part async for part in response] if response.is_async else list(response)
            return HttpResponse(b"".join(parts), status=response.status_code)
        return response

    return asyncio.run(ask())


BOTH = [get, get_async]


def code(response: Any) -> tuple[int, str | None]:
    """Status and the code of a problem."""
    told = response.headers.get("content-type") == "application/problem+json"
    return response.status_code, response.json()["code"] if told else None
