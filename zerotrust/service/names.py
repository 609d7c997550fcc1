"""The names that a policy file tells the service by; one that is misspelt would be taken for the file's own."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy
from zerotrust.core.verifier import Verifier

NAMES: Final = (
    "rules", "sources", "peers", "identity", "callers", "authzen", "pdp", "realm", "explain", "recorder", "shadow",
)  # fmt: skip
"""What the service looks for in a policy file. Whatever else is in it is its own."""

_CLOSE: Final = 0.8  # of difflib: one letter more, less or other among five, or two neighbours swapped

# Close, and names that policy files have anyway.
_WORDS: Final = frozenset({"decoder", "encoder", "entity", "perms", "plain", "resource", "resources", "roles"})

# What none of the names is ever bound to: imported ones, and parts of policies.
_OTHER: Final = (type, ModuleType, FunctionType, BuiltinFunctionType, Policy, Verifier)


def check_names(names: Mapping[str, object]) -> None:
    """Look for names that were meant to be among `NAMES`.

    Args:
        names: the public names of a policy file.

    Raises:
        ConfigError: of one that is close to them; with the nearest one.
    """
    for name, value in names.items():
        if name in NAMES or name in _WORDS or isinstance(value, _OTHER):
            continue
        meant = _meant(name, names)
        if meant is not None:
            raise ConfigError(
                f"{name} is no name that is looked for, and {meant} is: write {meant} if that is meant; else begin a "
                f"name of your own with an underscore: _{name}"
            )


def _meant(name: str, names: Mapping[str, object]) -> str | None:
    small = name.lower()
    if name.isupper():  # a constant, which pdp may be bound to where it is PDP
        return small if small in NAMES and small not in names else None
    close = get_close_matches(small, NAMES, 1, _CLOSE)
    # One caller, where there are callers, is what these are made of.
    return close[0] if close and not (f"{name}s" == close[0] and close[0] in names) else None
