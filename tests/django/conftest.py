"""Django is configured before any module of these tests is imported: some of what they import asks for settings."""

from tests.django import world as world
