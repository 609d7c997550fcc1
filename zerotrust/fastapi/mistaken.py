"""A policy where FastAPI takes dependencies: told what to write instead."""

from __future__ import annotations

from typing import NoReturn

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy, called


class NoDependencyError(ConfigError, AttributeError):
    """A policy was given as a dependency. It is an `AttributeError`, too, so that `hasattr` tells that it is none."""


def _asked(policy: Policy) -> NoReturn:
    said = called(policy)
    raise NoDependencyError(f"{said} is a policy, not a dependency: write guard.require({said})")


def tell() -> None:
    """Have policies say so when FastAPI asks them for the function to call: it does so unasked, long before a guard."""
    setattr(Policy, "dependency", property(_asked))  # noqa: B010 - nothing that policies have where there is no FastAPI
