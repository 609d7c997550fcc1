"""Where two verifiers that stand for each other are configured differently, whatever holds the difference."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import takewhile
from typing import Any, Final, cast

from zerotrust.analysis.held import VALUES, Held, NotRead, held
from zerotrust.core.verifier import Verifier

_NUMBERS: Final = (int, float, bool, timedelta, type(None))
_PLAIN: Final = (str, *_NUMBERS)
_DEEPEST: Final = 40
_MOST: Final = 100_000
"""Things that are compared, for one verifier."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that is not what it was.

    Attributes:
        about: which: `token.audience`; as the verifier's own argument where it is one, `token.leeway`.
        old, new: what it was and is, as text; empty where it is no plain data, and nothing is shown of it.
        unread: whether the two could not be compared, so that they may be the same.
    """

    about: str
    old: str
    new: str
    unread: bool = False

    def __str__(self) -> str:
        if self.unread:
            return f"{self.about} cannot be compared: nothing shows whether it is configured differently"
        return f"{self.about} is configured differently" + (f": {self.old} before, {self.new} now" if self.old else "")


def changes(name: str, old: Verifier[Any] | None, new: Verifier[Any] | None) -> Iterator[Change]:
    """The arguments and fields in which these differ, private ones too; none if there is only one of them."""
    if old is None or new is None or old is new:
        return
    arguments = _arguments(old)
    told: set[str] = set()
    for path, change in _Walk(old, new).differences():
        # What was given as an argument is called by that, wherever it is kept: `leeway`, also of `_demands`.
        about = name + "".join(part if part.startswith("[") else f".{part}" for part in _shown(path, arguments))
        if about not in told:
            told.add(about)
            yield replace(change, about=about)


def _shown(path: tuple[str, ...], arguments: frozenset[str]) -> Iterator[str]:
    """The way to a difference, from the argument on; else from the first public name on; no further than into code."""
    bare = [part.lstrip("_") for part in path]
    at = next((place for place, part in enumerate(bare) if part in arguments), None)
    if at is None:
        public = (place for place, part in enumerate(path) if not part.startswith(("_", "[")))
        at = next(public, 0)
    return takewhile(lambda part: not part.startswith("("), bare[at:])


def same(old: object, new: object) -> bool:
    """Whether these are the same, by all that they hold: functions by their code, and by what that refers to."""
    return next(_Walk(old, new).differences(), None) is None


def _arguments(verifier: Verifier[Any]) -> frozenset[str]:
    return frozenset(inspect.signature(type(verifier).__init__).parameters) - {"self", "args", "kwargs"}


class _Walk:
    """Through two things at once. What a verifier is `of` is left out: that is compared for itself."""

    def __init__(self, old: object, new: object) -> None:
        self._root = old, new
        self._bases = {id(one.of) for one in (old, new) if isinstance(one, Verifier) and one.of is not None}
        self._seen: set[tuple[int, int]] = set()

    def differences(self) -> Iterator[tuple[tuple[str, ...], Change]]:
        """Each with the names on the way to it."""
        return self._between((), *self._root, shown=True)

    def _between(
        self, path: tuple[str, ...], old: object, new: object, *, shown: bool
    ) -> Iterator[tuple[tuple[str, ...], Change]]:
        if old is new or (id(old) in self._bases and id(new) in self._bases) or (id(old), id(new)) in self._seen:
            return
        self._seen.add((id(old), id(new)))
        if len(path) > _DEEPEST or len(self._seen) > _MOST:
            yield path, Change("", "", "", unread=True)
            return
        one, other = held(old), held(new)
        if isinstance(one, NotRead) and isinstance(other, NotRead) and one.kind == other.kind:
            yield path, Change("", "", "", unread=True)
        elif not isinstance(one, Held) or not isinstance(other, Held) or not one.looks_like(other):
            yield path, Change("", *_texts(old, new, shown))
        else:
            for key, (part, public) in one.parts.items():
                inner = (*path, key) if key else path
                yield from self._between(inner, part, other.parts[key][0], shown=shown and public)


# --- As text ---------------------------------------------------------------------------------------------------------
def _texts(old: object, new: object, shown: bool) -> tuple[str, str]:
    """Both as text; empty unless both can be shown."""
    texts = _text(old, shown), _text(new, shown)
    return texts if all(texts) else ("", "")


def _text(value: object, shown: bool) -> str:
    """Numbers as they are, and text where it is public; of anything else nothing, since it may hold a secret."""
    if isinstance(value, _PLAIN if shown else _NUMBERS):
        return repr(value)
    if not shown:
        return ""
    if isinstance(value, VALUES):
        return str(value)
    if isinstance(value, re.Pattern):
        return repr(cast("re.Pattern[str]", value).pattern)
    if isinstance(value, frozenset | set):
        items = [_text(one, shown) for one in cast("frozenset[object]", value)]
        return "{" + ", ".join(sorted(items)) + "}" if all(items) else ""
    if isinstance(value, tuple | list):
        parts = [_text(one, shown) for one in cast("tuple[object, ...]", value)]
        return f"({', '.join(parts)})" if all(parts) else ""
    if isinstance(value, Mapping):
        return _text(sorted(map(str, cast("Mapping[object, object]", value))), shown)
    return "" if callable(value) else _name_of(value)


def _name_of(value: object) -> str:
    """The class of a thing of a class that is known by its name alone."""
    kind = type(value)
    return kind.__name__ if kind.__module__.startswith("zerotrust.") else ""
