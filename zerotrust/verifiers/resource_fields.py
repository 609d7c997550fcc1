"""What a class says of the fields of its instances: their names, and the types where they are declared.

Dataclasses, attrs, pydantic, SQLAlchemy and Django are known by what their classes hold, and are not imported. What a
class does not tell (an `__init__` that just assigns), an application writes down.
"""

from __future__ import annotations

import types
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from functools import cached_property
from inspect import getattr_static
from typing import Annotated, Any, ClassVar, Final, TypeAlias, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from zerotrust.core.errors import ConfigError, PolicyError

Given: TypeAlias = "Collection[str] | Mapping[str, object]"
"""Fields as an application writes them: names; or names with types, or with the fields below them."""

PLAIN: Final = (str, bool, int, float, Decimal, UUID)
"""The types of values that can be compared."""

_NO_FIELDS: Final = (types.FunctionType, types.BuiltinFunctionType, classmethod, staticmethod, type)
_COLLECTIONS: Final = (list, tuple, set, frozenset)
_MOST: Final = 32  # deep


@dataclass(frozen=True, slots=True)
class Declared:
    """What is declared of a field.

    Attributes:
        kind: the type of its values, one of `PLAIN`; None if they are of another, of several, or that is not said.
        below: the class of its values, if they have fields themselves; or those fields as they were written down.
        several: whether its values are collections.
        item: the type of what these hold, one of `PLAIN`; None as above.
    """

    kind: type | None = None
    below: object = None
    several: bool = False
    item: type | None = None


UNTOLD: Final = Declared()


def fields_of(kind: type) -> dict[str, Declared]:
    """The public fields that `kind` tells of, by name."""
    hints = _hints(kind)
    found = {name: declared_as(hints[name]) for name in hints if not name.startswith("_")}
    for name in _told(kind):
        if not name.startswith("_") and name not in found:
            found[name] = _of_descriptor(getattr_static(kind, name, None))
    return found


def given_fields(given: object) -> dict[str, Declared]:
    """Fields as an application wrote them down; `ConfigError` if they are not written as fields are."""
    if isinstance(given, str) or not isinstance(given, Collection):
        raise ConfigError(f'fields={given!r}: write names such as {{"owner", "amount"}}, or {{"owner": str}}')
    names = cast("Collection[object]", given)
    items: Mapping[object, object] = dict.fromkeys(names, None)
    if isinstance(given, Mapping):
        items = cast("Mapping[object, object]", given)
    for name in items:
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            raise ConfigError(f"fields: {name!r} is no name of a public field")
    return {cast("str", name): _given(kind) for name, kind in items.items()}


def _given(kind: object) -> Declared:
    if isinstance(kind, Collection) and not isinstance(kind, str | type):
        return Declared(below=given_fields(cast("Collection[object]", kind)))
    return UNTOLD if kind is None else declared_as(kind)


def find(fields: Mapping[str, Declared], kind: str, path: tuple[str, ...]) -> Declared:
    """What is declared of the field at `path`; `PolicyError` if there is none, with the nearest name.

    Args:
        fields: of the class.
        kind: the name of the class, for messages.
        path: the names one below the other.
    """
    if len(path) > _MOST:
        raise PolicyError(f"{'.'.join(path[:3])}...: fields are not that deep")
    declared = UNTOLD
    for depth, name in enumerate(path):
        if name not in fields:
            whose = ".".join((kind, *path[:depth]))
            raise PolicyError(_unknown(whose, name, fields))
        declared = fields[name]
        if depth + 1 < len(path):
            fields = _below(declared, ".".join((kind, *path[: depth + 1])))
    return declared


def _below(declared: Declared, whose: str) -> Mapping[str, Declared]:
    below = declared.below
    if isinstance(below, Mapping):
        return cast("Mapping[str, Declared]", below)
    if isinstance(below, type):
        return fields_of(below)
    if declared.kind is not None or declared.several:
        holds = "a collection" if declared.several else cast("type", declared.kind).__name__
        raise PolicyError(
            f"{whose} holds {holds}, which has no fields and no methods here: a policy is written before there is any "
            "object. Compare it as it is, or give the class a property that says what is asked"
        )
    raise PolicyError(
        f"what {whose} holds has no fields that are known; write them down: fields={{..., "
        f'"{whose.rpartition(".")[2]}": {{"name"}}}}'
    )


def _unknown(whose: str, name: str, fields: Iterable[str]) -> str:
    known = sorted(fields)
    close = get_close_matches(name, known, 1)
    if not known:
        return f'{whose} does not tell its fields; write them down: Resource({whose}, fields={{"{name}": str}})'
    advice = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known[:20])}"
    return f"{whose} has no field {name!r}; {advice} (or, if it has: fields={{{name!r}: str}})"


# --- What a class holds ----------------------------------------------------------------------------------------------


def _hints(kind: type) -> dict[str, object]:
    try:
        found: dict[str, object] = get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001 - names for type checkers alone, classes that are not made yet, anything
        found = {}
        for base in reversed(kind.__mro__):
            found |= dict.fromkeys(vars(base).get("__annotations__", ()), None)
    raw = {name: text for base in kind.__mro__ for name, text in vars(base).get("__annotations__", {}).items()}
    return {name: hint for name, hint in found.items() if not _is_of_class(hint) and not _is_of_class(raw.get(name))}


def _is_of_class(hint: object) -> bool:
    if isinstance(hint, str):
        return hint.split("[")[0].rpartition(".")[2] == "ClassVar"
    return hint is ClassVar or get_origin(hint) is ClassVar


def _told(kind: type) -> Iterator[str]:
    for base in kind.__mro__[:-1]:  # object has none
        for name, value in vars(base).items():
            if hasattr(cast("object", type(value)), "__get__") and not isinstance(value, _NO_FIELDS):
                yield name
    for one in _listed(kind, "__attrs_attrs__"):
        yield str(getattr(one, "name", "_"))
    meta: object = getattr_static(kind, "_meta", None)  # of Django
    for one in () if meta is None else _listed(meta, "fields"):
        yield str(getattr(one, "name", "_"))
        yield str(getattr(one, "attname", "_"))


def _listed(holder: object, name: str) -> tuple[object, ...]:
    try:
        return tuple(getattr(holder, name, ()))
    except Exception:  # noqa: BLE001 - a framework that is not set up yet
        return ()


def _of_descriptor(member: object) -> Declared:
    function: object = None
    if isinstance(member, property):
        function = member.fget
    elif isinstance(member, cached_property):
        function = getattr(cast("object", member), "func", None)
    if function is None:
        return UNTOLD
    try:
        return declared_as(get_type_hints(function, include_extras=True).get("return"))
    except Exception:  # noqa: BLE001 - as above
        return UNTOLD


def declared_as(hint: object) -> Declared:
    """What a type says of the values of a field."""
    hint = _bare(hint)
    origin = get_origin(hint) or hint
    if origin in _COLLECTIONS:
        items = [one for one in get_args(hint) if one is not Ellipsis]
        return Declared(several=True, item=declared_as(items[0]).kind if len(items) == 1 else None)
    if not isinstance(hint, type) or hint in (Any, object):  # from 3.11 on `Any` is a class
        return UNTOLD
    if hint in PLAIN:
        return Declared(hint)
    found = cast("type[object]", hint)
    if issubclass(found, Enum):
        kinds = {cast("type[object]", type(member.value)) for member in found}
        return Declared(kinds.pop()) if len(kinds) == 1 and kinds <= set(PLAIN) else UNTOLD
    return Declared(below=found)


def _bare(hint: object) -> object:
    """A type without what stands around it: None beside it, metadata, a name of its own, what maps it to a column."""
    for _ in range(_MOST):
        arguments = get_args(hint)
        if get_origin(hint) is Annotated:
            hint = arguments[0]
        elif get_origin(hint) in (Union, types.UnionType):
            rest = [one for one in arguments if one is not types.NoneType]
            if len(rest) != 1:
                return None
            hint = rest[0]
        elif hasattr(hint, "__supertype__"):
            hint = getattr(hint, "__supertype__")  # noqa: B009 - of a NewType
        elif getattr(get_origin(hint), "__name__", "") == "Mapped" and len(arguments) == 1:
            hint = arguments[0]
        else:
            return hint
    return None
