"""What is easily forgotten is told: by the report, by the checks, and by a guard that does not start."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client, override_settings

import zerotrust.django
from tests.django.world import GOOD, GUARD, ZEROTRUST, get, shown, token
from zerotrust import ConfigError
from zerotrust.django import report
from zerotrust.django.checks import check_settings
from zerotrust.testing import assert_guarded

COMMON = "django.middleware.common.CommonMiddleware"


def given(**changed: Any) -> Any:
    return override_settings(ZEROTRUST={**ZEROTRUST, **changed})


def without_application() -> Any:
    return override_settings(INSTALLED_APPS=[each.name for each in apps.get_app_configs() if each.label != "zerotrust"])


# --- Forgotten in the settings ----------------------------------------------------------------------------------------


def test_a_report_without_a_guard_is_not_good() -> None:
    assert_guarded(zerotrust.django)
    with override_settings(MIDDLEWARE=[COMMON]):
        assert "nothing is decided" in report().problems[0]
        with pytest.raises(AssertionError, match=r"MIDDLEWARE has no zerotrust\.django\.Guard"):
            assert_guarded(zerotrust.django)
        with pytest.raises(CommandError, match="1 problem:"):
            call_command("zerotrust_routes", stdout=io.StringIO())
        assert [message.id for message in check_settings()] == ["zerotrust.E005"]


def test_without_the_application_nothing_would_be_checked() -> None:
    with without_application():
        with pytest.raises(AssertionError, match=r"INSTALLED_APPS has no zerotrust\.django"):
            assert_guarded(zerotrust.django)
        with pytest.raises(ConfigError, match=r"INSTALLED_APPS has no zerotrust\.django"):
            get("/plain/", GOOD)
    with override_settings(MIDDLEWARE=[GUARD]):
        assert get("/plain/", GOOD).status_code == 200


# --- USER and Django's own sign-in ------------------------------------------------------------------------------------

PEOPLE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
KEPT: dict[str, Any] = {
    "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],  # the others take their time
}


@pytest.mark.parametrize("is_awaited", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize("order", [[GUARD, *PEOPLE], [*PEOPLE, GUARD]], ids=["before", "behind"])
def test_whom_user_does_not_know_django_may(order: list[str], is_awaited: bool) -> None:
    from django.contrib.auth.models import User

    def user_of(access: Any) -> Any:
        return access.get(token).subject if access.get(token).subject == "bob" else None

    async def user_of_async(access: Any) -> Any:
        return user_of(access)

    call_command("migrate", verbosity=0)
    hook = user_of_async if is_awaited else user_of
    with given(USER=hook), override_settings(MIDDLEWARE=order, **KEPT):
        User.objects.filter(username="ada").delete()
        User.objects.create_superuser("ada", password="made up")
        browser = Client(headers=GOOD)
        assert browser.get("/user/").content == browser.get("/user-async/").content == b"AnonymousUser"
        assert browser.get("/admin/").headers["location"] == "/admin/login/?next=/admin/"
        signed_in = browser.post("/admin/login/?next=/admin/", {"username": "ada", "password": "made up"})
        assert (signed_in.status_code, signed_in.headers["location"]) == (302, "/admin/")
        assert browser.get("/admin/").status_code == 200
        assert browser.get("/user/").content == browser.get("/user-async/").content == b"ada"
        bob = shown(subject="bob")
        assert browser.get("/user/", headers=bob).content == browser.get("/user-async/", headers=bob).content == b"bob"
