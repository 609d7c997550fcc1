"""Nginx ends TLS in front of a guarded application."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tests.e2e.proxies.behaviour import BehindAProxy
from tests.e2e.proxies.setup import NGINX_EXAMPLE, Example

pytestmark = pytest.mark.e2e


class TestNginx(BehindAProxy):
    example: ClassVar[Example] = NGINX_EXAMPLE
    refuses_expired: ClassVar[bool] = True
