"""Providers: one process for all that ask for one, and one for each test that will end it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.servers import Provider, install_provider, providing


@pytest.fixture(scope="session")
def node() -> str:
    """The path of node, with the provider installed; skips, or fails where it is required, if that cannot be."""
    return install_provider()


@pytest.fixture(scope="session")
def shared_provider(node: str) -> Iterator[Provider]:
    """The provider of all tests that end none."""
    with providing(node) as running:
        yield running


@pytest.fixture
def provider(shared_provider: Provider) -> Provider:
    """The shared provider, with nothing counted yet and everybody just signed in. Not to be stopped."""
    shared_provider.count_anew()
    shared_provider.signed_in_ago(0)
    return shared_provider


@pytest.fixture
def own_provider(node: str) -> Iterator[Provider]:
    """A provider of this test alone."""
    with providing(node) as running:
        yield running
