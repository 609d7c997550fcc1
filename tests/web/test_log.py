"""What the log says of a request whose path cannot be read: at INFO not even the path."""

from __future__ import annotations

import logging

import pytest

from tests.web.sample import Told, valid, verified
from zerotrust import AccessRequest
from zerotrust.core.reason import MALFORMED
from zerotrust.web.gate import Gate


@pytest.mark.parametrize(
    ("level", "line"),
    [
        (logging.DEBUG, "refused GET /a//secret: 400 malformed: an empty segment"),
        (logging.INFO, "refused before any route: 400 malformed"),
    ],
    ids=["debug", "info"],
)
def test_a_path_without_a_single_reading(level: int, line: str, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate("blocking", default=valid(Told(verified())), clock=lambda: 0.0)
    request = AccessRequest(now=0.0, method="GET", path="/a//secret")
    with caplog.at_level(level, "zerotrust.guard"):
        assert gate.unreadable(MALFORMED(detail="an empty segment"), request).status == 400
    assert caplog.messages == [line]
