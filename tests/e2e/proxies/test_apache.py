"""Apache ends TLS in front of a guarded application."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tests.e2e.proxies.behaviour import BehindAProxy
from tests.e2e.proxies.setup import APACHE_EXAMPLE, Example

pytestmark = pytest.mark.e2e


class TestApache(BehindAProxy):
    example: ClassVar[Example] = APACHE_EXAMPLE
    passes_underscores: ClassVar[bool] = True
    refuses_expired: ClassVar[bool] = True
