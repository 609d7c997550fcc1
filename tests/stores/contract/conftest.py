"""Every store, each with a real server of its own for the tests of one module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from tests.stores.contract.places import KINDS, STYLES, Kind, Place, Style
from tests.stores.contract.places import place as fresh


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """One place after the other; a test that is for some only names them: `parametrize("place", [...], indirect)`."""
    with fresh(cast("Kind", request.param)) as there:
        yield there


@pytest.fixture(params=STYLES)
def style(request: pytest.FixtureRequest) -> Style:
    return cast("Style", request.param)
