"""The application for `INSTALLED_APPS`: system checks, the command that lists views, and the guard of static files."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.core import checks

from zerotrust.django.called import cover as cover_calls
from zerotrust.django.checks import check_deployment, check_settings
from zerotrust.django.raised import cover as cover_refusals


class ZeroTrustConfig(AppConfig):
    """What `"zerotrust.django"` in `INSTALLED_APPS` brings."""

    name = "zerotrust.django"
    label = "zerotrust"

    def ready(self) -> None:
        """Register the checks, and have Django ask where it would go past the guard: what serves static files, too."""
        cover_refusals()  # of views that decide late, also where no guard stands
        cover_calls()
        checks.register(check_settings, checks.Tags.security)
        checks.register(check_deployment, checks.Tags.security, deploy=True)
        if apps.is_installed("django.contrib.staticfiles"):
            from zerotrust.django.static import cover

            cover()
        if apps.is_installed("drf_spectacular"):
            from zerotrust.django.rest import schema as _  # noqa: F401 - is known to it once it is imported
