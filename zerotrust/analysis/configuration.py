"""Where two verifiers that stand for each other are configured differently, as far as plain data shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast

import attrs

from zerotrust.core.verifier import Verifier

_PLAIN: Final = (str, int, float, bool, timedelta, type(None))
_DEEPEST: Final = 6


@dataclass(frozen=True, slots=True)
class Change:
    """One field that is not what it was.

    Attributes:
        about: which: `token.audience`.
        old, new: what it was and is, as text; empty where it is no plain data, and nothing is shown of it.
    """

    about: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.about} is configured differently" + (f": {self.old} before, {self.new} now" if self.old else "")


def changes(name: str, old: Verifier[Any] | None, new: Verifier[Any] | None) -> Iterator[Change]:
    """The public fields in which these differ; none if there is only one of them."""
    if old is None or new is None or old is new or old == new:
        return
    yield from _between(name, old, new, 0)


def _between(about: str, old: object, new: object, depth: int) -> Iterator[Change]:
    if old is new or (type(old) is type(new) and old == new) or depth > _DEEPEST:
        return
    if isinstance(old, _PLAIN) or isinstance(new, _PLAIN):
        yield Change(about, _text(old), _text(new))
        return
    if type(old).__qualname__ != type(new).__qualname__:
        yield Change(about, type(old).__name__, type(new).__name__)
        return
    if isinstance(old, frozenset | set):
        yield Change(about, _text(cast("object", old)), _text(new))
    elif isinstance(old, tuple | list):
        before, after = cast("tuple[object, ...]", old), cast("tuple[object, ...]", new)
        if len(before) != len(after):
            yield Change(about, _text(before), _text(after))
            return
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _between(f"{about}[{place}]", one, other, depth + 1)
    elif isinstance(old, Mapping):
        one, other = cast("Mapping[object, object]", old), cast("Mapping[object, object]", new)
        if sorted(map(str, one)) != sorted(map(str, other)):
            yield Change(about, _text(sorted(map(str, one))), _text(sorted(map(str, other))))
    else:
        for name in _fields(old):
            if name not in ("of", "links"):  # a party of its own
                yield from _between(f"{about}.{name}", _field(old, name), _field(new, name), depth + 1)


def _field(holder: object, name: str) -> object:
    value: object = getattr(holder, name, None)
    return value


def _fields(value: object) -> list[str]:
    kind: Any = type(value)
    if attrs.has(kind):
        names = [field.name for field in attrs.fields(kind)]
    elif dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
    else:
        return []
    return [name for name in names if not name.startswith("_")]


def _text(value: object) -> str:
    """Plain data as it is; of anything else nothing, since it may hold a secret."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, frozenset | set):
        items = cast("frozenset[object]", value)
        return "{" + ", ".join(sorted(map(_text, items))) + "}" if all(map(_text, items)) else ""
    if isinstance(value, tuple | list):
        parts = [_text(one) for one in cast("tuple[object, ...]", value)]
        return f"({', '.join(parts)})" if all(parts) else ""
    return ""
