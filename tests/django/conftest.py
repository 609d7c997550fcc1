"""Django is configured before any module of these tests is imported: some of what they import asks for settings."""

import tests.django.world  # noqa: F401
