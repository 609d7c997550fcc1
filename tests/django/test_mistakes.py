"""What is easily forgotten is told: by the report, by the checks, and by a guard that does not start."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import override_settings

import zerotrust.django
from tests.django.world import GOOD, GUARD, ZEROTRUST, get
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
