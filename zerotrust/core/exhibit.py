"""Evidence made up of values of attributes: each put into the field of its name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final, NoReturn, TypeVar, cast

from zerotrust.core.errors import PolicyError
from zerotrust.core.evidence import Evidence

E = TypeVar("E", bound=Evidence)

_OPTIONAL: Final = re.compile(r"\s*\|\s*None\b")
_PLAIN: Final = {"str": (str,), "bool": (bool,), "int": (int,), "float": (float, int)}
_SETS: Final = ("frozenset[str]", "tuple[str, ...]")


def put(evidence: E, values: Mapping[str, object], name: str) -> E:
    """`evidence`, with each of `values` in the field of its name.

    Args:
        evidence: what a dataclass has fields for.
        values: plain data for JSON, a list for a set or a tuple of texts; None leaves the field as it is.
        name: what to call it in an error.

    Raises:
        PolicyError: there is no such field, or it is of another type.
    """
    types = {one.name: _type_of(one.type) for one in fields(evidence)}
    changes: dict[str, object] = {}
    for field, value in values.items():
        if field not in types:
            raise PolicyError(f"evidence of {name} has no {field}; it has {', '.join(types)}")
        if value is not None:
            changes[field] = _fitted(name, field, types[field], value)
    return replace(evidence, **cast("dict[str, Any]", changes))  # by name, each of the type that was looked up


def misfit(name: str, attribute: str, expected: str, value: object) -> NoReturn:
    """Tell that `value` cannot be put into evidence of the verifier `name`."""
    raise PolicyError(f"{attribute} of {name} is {expected}, not {type(value).__name__}")  # not the value: it is data


def _type_of(annotation: object) -> str:
    """An annotation as text, `str` or `frozenset[str]`, whether it may be None or not."""
    if isinstance(annotation, type):
        return annotation.__name__
    return _OPTIONAL.sub("", str(annotation))


def _fitted(name: str, field: str, kind: str, value: object) -> object:
    if kind in _PLAIN:
        if type(value) in _PLAIN[kind]:
            return number(name, field, value) if type(value) is float else value
        misfit(name, field, kind, value)
    if kind in _SETS:
        held = texts(name, field, value)
        return frozenset(held) if kind == "frozenset[str]" else held
    raise PolicyError(f"{field} of {name} is of the type {kind}: its verifier has to override exhibit")


def number(name: str, attribute: str, value: object) -> float:
    """`value` if it is a number; else `PolicyError`."""
    if (type(value) is int or type(value) is float) and not math.isnan(value):
        return value
    misfit(name, attribute, "a number", value)


def flag(name: str, attribute: str, value: object) -> bool:
    """`value` if it is True or False; else `PolicyError`."""
    if type(value) is bool:
        return value
    misfit(name, attribute, "True or False", value)


def text(name: str, attribute: str, value: object) -> str:
    """`value` if it is text; else `PolicyError`."""
    if type(value) is str:
        return value
    misfit(name, attribute, "a text", value)


def texts(name: str, attribute: str, value: object) -> tuple[str, ...]:
    """`value` if it is a list of texts; else `PolicyError`."""
    given = value
    items = cast("list[object]", value) if isinstance(value, list | tuple) else [None]
    if all(type(item) is str for item in items):
        return tuple(cast("list[str]", items))
    misfit(name, attribute, "a list of texts", given)
