"""Another URLconf, that middleware sets."""

from __future__ import annotations

from django.urls import path

from tests.django.urls import pay

urlpatterns = [path("health/", pay)]
