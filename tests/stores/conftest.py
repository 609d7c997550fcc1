"""Fixtures of this folder."""

from tests.stores.fetching import ticks

__all__ = ["ticks"]
