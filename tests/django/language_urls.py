"""Views below a prefix for the language."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from tests.django.urls import pay, plain

urlpatterns = i18n_patterns(path("about/", plain), path("", include([path("pay/", pay)])))
