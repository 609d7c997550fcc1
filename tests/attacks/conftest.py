"""Fixtures of the attacks."""

from tests.stores.fetching import ticks

__all__ = ["ticks"]
