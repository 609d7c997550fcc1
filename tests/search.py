"""How long Hypothesis searches where one example costs more, or is worth more, than elsewhere."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

_USUAL, _MOST = 100, 20_000  # the examples of the profiles "dev" and "long" in conftest.py


def usually(examples: int, **more: Any) -> settings:
    """So many examples on a developer's machine, and the same share of them as of all others in another profile."""
    return settings(max_examples=share_of(examples), **more)


def share_of(examples: int) -> int:
    """The number of examples that the profile in force asks for where the usual one asks for `examples`."""
    return max(1, min(_MOST, examples * settings().max_examples // _USUAL))
