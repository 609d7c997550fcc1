"""Envoy ends TLS in front of a guarded application."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tests.e2e.proxies.behaviour import BehindAProxy
from tests.e2e.proxies.setup import ENVOY_EXAMPLE, Example

pytestmark = pytest.mark.e2e


class TestEnvoy(BehindAProxy):
    example: ClassVar[Example] = ENVOY_EXAMPLE
