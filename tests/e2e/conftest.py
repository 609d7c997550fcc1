"""The provider's process, started where a test asks for it and always reaped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.servers import Provider, install_provider, providing


@pytest.fixture(scope="session")
def node() -> str:
    """The path of node, with the provider installed; skips, or fails where it is required, if that cannot be."""
    return install_provider()


@pytest.fixture
def provider(node: str) -> Iterator[Provider]:
    """A provider of this test alone: its keys are new, its counts start from nothing."""
    with providing(node) as running:
        yield running


@pytest.fixture(scope="module")
def shared_provider(node: str) -> Iterator[Provider]:
    """One provider for a file whose tests leave its keys as they are."""
    with providing(node) as running:
        yield running
