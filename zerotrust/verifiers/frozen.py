"""Claims that nobody can change: what was verified once serves many requests.

They stay what JSON makes them, lists and dicts to whoever looks, compares or serialises. A copy may be changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, cast

from zerotrust.wire.json import JsonValue

C = TypeVar("C", bound=type)


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("verified claims are read-only; change a copy: list(value), dict(value)")


def _read_only(*methods: str) -> Callable[[C], C]:
    def close(kind: C) -> C:
        for method in methods:
            setattr(kind, method, _refuse)
        return kind

    return close


@_read_only(
    "__setitem__", "__delitem__", "__iadd__", "__imul__",
    "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort",
)  # fmt: skip
class FrozenList(list[Any]):
    """A list that refuses to be changed."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Any]]]:
        return list, (list(self),)


@_read_only("__setitem__", "__delitem__", "__ior__", "clear", "pop", "popitem", "setdefault", "update")
class FrozenDict(dict[str, Any]):
    """A dict that refuses to be changed."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)


def freeze(claims: dict[str, JsonValue]) -> None:
    """Make the lists and objects within `claims` read-only, in place."""
    for name, value in claims.items():
        if type(value) is list or type(value) is dict:
            claims[name] = _frozen(value)


def _frozen(value: JsonValue) -> JsonValue:
    # As deep as the strict parser lets JSON be.
    if type(value) is list:
        return FrozenList(map(_frozen, value))
    if type(value) is dict:
        return cast("JsonValue", FrozenDict((name, _frozen(part)) for name, part in value.items()))
    return value
