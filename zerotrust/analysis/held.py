"""What a configured thing holds, so that two of them can be compared though they were loaded from two files."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import logging
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import PurePath
from threading import Lock, RLock
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, Final, TypeAlias, cast
from uuid import UUID
from weakref import ReferenceType

import attrs

_LOADED: Final = "_zerotrust_policies_"
"""How modules begin that the command loads from files: their names say nothing."""

_LOCKS: Final = (type(Lock()), type(RLock()))
_STATE: Final = (*_LOCKS, ReferenceType)
_PLAIN: Final = (
    str,
    bytes,
    int,
    float,
    complex,
    bool,
    type(None),
    range,
    slice,
    type(...),
    type(NotImplemented),
)

VALUES: Final = (
    IPv4Address, IPv6Address, IPv4Network, IPv6Network, Decimal, UUID, date, time, timedelta, tzinfo, PurePath,
)  # fmt: skip
"""What is shown as its text, too."""

Parts: TypeAlias = "dict[str, tuple[object, bool]]"
"""What something is made of, by name; and whether that is public."""


@dataclass(frozen=True, slots=True)
class Held:
    """A thing taken apart.

    Attributes:
        own: what is compared as it is.
        parts: what is looked into.
    """

    own: object
    parts: Parts

    def looks_like(self, other: Held) -> bool:
        """Whether only their parts may differ."""
        try:
            return bool(self.own == other.own) and self.parts.keys() == other.parts.keys()
        except Exception:  # noqa: BLE001 - what an application's class says about equality
            return False


@dataclass(frozen=True, slots=True)
class NotRead:
    """A thing that does not show what it holds.

    Attributes:
        kind: of which class it is.
    """

    kind: object


def held(value: object) -> Held | NotRead:
    """`value` taken apart: by its fields, private ones too; a function by its code, and by what that refers to.

    Locks and what a verifier of this library remembers from one request to the next are no configuration.
    """
    kind = type(value)
    if kind in _PLAIN or (isinstance(value, VALUES) and not _is_loaded(kind.__module__)):
        return Held((kind, value), {})
    if isinstance(value, _STATE):
        return Held(kind, {})
    if isinstance(value, Enum):
        return Held((kind.__qualname__, value.name), {"(value)": (cast("object", value._value_), False)})
    if isinstance(value, logging.Logger):
        return Held((kind, value.name), {})
    if isinstance(value, ModuleType):  # two of one name are two versions of it
        said = {f"({name})": (one, False) for name, one in vars(value).items() if not name.startswith("__")}
        return Held((kind, value.__name__), said)
    if isinstance(value, type):
        return _class(value)
    if isinstance(value, FunctionType | MethodType | functools.partial | property | staticmethod | classmethod):
        return _callable(cast("object", value))
    if isinstance(value, CodeType):
        return _code(value)
    if isinstance(value, tuple | list):
        parts = {f"[{place}]": (one, True) for place, one in enumerate(cast("tuple[object, ...]", value))}
        return Held(_named(kind), parts)
    if isinstance(value, Mapping):
        return _mapping(cast("Mapping[object, object]", value))
    if isinstance(value, frozenset | set):
        return _set(cast("frozenset[object]", value))
    return _thing(value)


def _thing(value: object) -> Held | NotRead:
    """Any other object: by its fields; where it has none, by its equality; by what it is pickled as, if neither is."""
    kind = type(value)
    own = kind.__module__.startswith("zerotrust.")
    if own and "__reduce__" in vars(kind):  # what a copy in another process would be made of
        return _made_of(kind, value.__reduce__())
    if isinstance(value, BuiltinFunctionType | operator.itemgetter | operator.attrgetter):
        return Held(repr(cast("object", value)), {})
    fields = _fields(value)
    if fields is None:
        return _without_fields(value)
    guarded = own and any(isinstance(one, _LOCKS) for one, _ in fields.values())
    parts: Parts = {}
    for name, (one, public) in fields.items():
        if isinstance(one, _STATE) or (guarded and name.startswith("_") and isinstance(one, dict | list | set)):
            continue  # what was worked out lately
        parts[name] = one, public
    parts["(class)"] = kind, True  # its methods, where it is written in the files that are compared
    # What a class written in C compares is not seen in fields: the text of a subclass of `str`, the items of an array.
    compared = next(vars(base)["__eq__"] for base in kind.__mro__ if "__eq__" in vars(base))
    inside = isinstance(compared, WrapperDescriptorType) and kind.__eq__ is not object.__eq__
    return Held((_named(kind), value) if inside else _named(kind), parts)


def _made_of(kind: type, reduced: str | tuple[Any, ...]) -> Held:
    """By the arguments that it is made with."""
    if isinstance(reduced, str):
        return Held((_named(kind), reduced), {})
    maker, given, *more = reduced
    names = list(inspect.signature(maker).parameters) if callable(maker) and len(given) else []
    parts: Parts = {name: (one, False) for name, one in zip(names, given, strict=False)}
    return Held(_named(kind), {**parts, "(made by)": ((maker, given, more), False)})


def _fields(value: object) -> Parts | None:
    """The fields of `value`; None if it has none that can be seen."""
    kind = type(value)
    left_out, hidden = _declared(kind)
    names: dict[str, None] = {}
    for base in kind.__mro__:
        for name, what in vars(base).items():
            if isinstance(what, MemberDescriptorType) and not name.startswith("__"):
                names[name] = None
            elif isinstance(what, functools.cached_property):
                left_out.add(name)
    own: Mapping[str, object] = getattr(value, "__dict__", {})
    names.update(dict.fromkeys(own))
    found: Parts = {
        name: (getattr(value, name, None), not name.startswith("_") and name not in hidden)
        for name in names
        if name not in left_out
    }
    return found if found or _python(kind) else None


def _declared(kind: Any) -> tuple[set[str], set[str]]:
    """The names of fields that are made of others, and of those that are not shown."""
    if attrs.has(kind):
        fields = attrs.fields(kind)
        return {one.name for one in fields if not one.init}, {one.name for one in fields if one.repr is False}
    if dataclasses.is_dataclass(kind):
        declared = dataclasses.fields(kind)
        return {one.name for one in declared if not one.init}, {one.name for one in declared if not one.repr}
    return set(), set()


def _python(kind: type) -> bool:
    """Whether this class is written in Python."""
    return bool(kind.__flags__ & 1 << 9)


def _without_fields(value: object) -> Held | NotRead:
    kind = type(value)
    if kind.__eq__ is not object.__eq__:
        return Held((kind, value), {})
    return NotRead(_named(kind))


def _named(kind: type) -> object:
    module = kind.__module__
    return kind.__qualname__, "" if module.startswith(_LOADED) else module


def _class(kind: type) -> Held:
    """By what is written in it: two that have one name are two versions of it."""
    skipped = ("__module__", "__dict__", "__weakref__", "__doc__", "__firstlineno__", "__static_attributes__")
    written = {
        name: (what, True)
        for name, what in vars(kind).items()
        if name not in skipped
        and not isinstance(what, MemberDescriptorType | GetSetDescriptorType)
        and not (name.startswith(("_abc", "__attrs", "__dataclass")))
    }
    return Held(_named(kind), {**written, "(bases)": (kind.__bases__, True)})


def _is_loaded(module: object) -> bool:
    return isinstance(module, str) and module.startswith(_LOADED)


def _callable(value: object) -> Held:
    match value:
        case MethodType():
            return Held(MethodType, {"": (value.__func__, True), "(self)": (value.__self__, True)})
        case functools.partial():
            made = cast("functools.partial[object]", value)
            return Held(functools.partial, {"": (made.func, True), "(given)": ((made.args, made.keywords), True)})
        case property():
            return Held(property, {"": ((value.fget, value.fset), True)})
        case staticmethod() | classmethod():
            return Held(type(cast("object", value)), {"": (cast("Any", value).__func__, True)})
        case _:
            return _function(cast("FunctionType", value))


def _function(function: FunctionType) -> Held:
    """By its code, its defaults, what it closes over, and what of its module it names."""
    cells: list[object] = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # not bound yet
            cells.append(None)
    named: Mapping[str, object] = function.__globals__
    parts: Parts = {
        "": (function.__code__, True),
        "(defaults)": ((function.__defaults__, function.__kwdefaults__), False),
        "(closure)": (tuple(cells), False),
    }
    parts.update((f"({name})", (named[name], False)) for name in _names(function.__code__) if name in named)
    return Held(FunctionType, parts)


def _names(code: CodeType) -> Iterable[str]:
    found = dict.fromkeys(code.co_names)
    for one in code.co_consts:
        if isinstance(one, CodeType):
            found.update(dict.fromkeys(_names(one)))
    return found


def _code(code: CodeType) -> Held:
    own = code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_flags
    return Held(own, {"(constants)": (code.co_consts, False)})


def _mapping(value: Mapping[object, object]) -> Held:
    parts: Parts = {}
    keys: list[object] = []
    for place, (key, one) in enumerate(value.items()):
        if type(key) is str:
            parts[f"[{key}]"] = one, True
        else:  # in the order in which they were put there
            keys.append(key)
            parts[f"[{place}]"] = one, True
    if keys:
        parts["(keys)"] = tuple(keys), True
    return Held(Mapping, parts)


def _set(value: frozenset[object]) -> Held | NotRead:
    if all(type(one) in _PLAIN for one in value):
        return Held((frozenset, frozenset((type(one), one) for one in value)), {})
    by_name = {repr(one): one for one in value}  # what has a name of its own finds its like
    if len(by_name) < len(value):
        return NotRead(_named(type(value)))
    return Held(frozenset, {f"[{name}]": (one, True) for name, one in sorted(by_name.items())})
