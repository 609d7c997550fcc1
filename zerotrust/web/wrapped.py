"""What decorators of a guard were put around: to find the routes that have a function without its decorator."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import FunctionType
from typing import Any, Final, TypeAlias, cast

from zerotrust.web.functions import marks

_SEEN: Final = 100  # functions around which an endpoint may be made

Function: TypeAlias = Callable[..., Any]


class Wrappers:
    """What a guard's decorators made of which functions.

    `@guard.require(policy)` above the decorator that makes a function a route is lost: the route has the function, and
    nothing ever calls what was made of it.
    """

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: weakref.WeakKeyDictionary[Function, list[weakref.ref[Function]]] = weakref.WeakKeyDictionary()

    def note(self, function: Function, made: Function) -> None:
        """Take note that `made` stands for `function`, and for what that is wrapped around, from now on."""
        for one in chain(function):
            with suppress(TypeError):  # of a kind that nothing can be noted of
                known = self._made.setdefault(cast("Function", one), [])
                known[:] = [other for other in known if other() is not None] + [weakref.ref(made)]

    def has(self, endpoint: object) -> bool:
        """Whether anything was ever made of `endpoint`, or of what it is wrapped around."""
        return any(self._of(one) is not None for one in chain(endpoint))

    def problems(self, endpoints: Iterable[object]) -> Iterator[str]:
        """A problem for each of `endpoints`, all that routes have, that was decorated and is served without.

        Where a route has what was made of it, the function stands bare elsewhere on purpose.
        """
        bare = {id(one): one for one in endpoints}
        decorated = [(one, made) for one in bare.values() if (made := self._without(one)) is not None]
        if not decorated:
            return
        seen = {id(one) for function in bare.values() for one in chain(function)}
        for endpoint, made in decorated:
            if not any(id(one) in seen for one in made):
                yield (
                    "guard.require(...) stands above the decorator that makes "
                    f"{getattr(endpoint, '__qualname__', endpoint)} a route, so that the route does not have it; "
                    "write it below"
                )

    def _without(self, endpoint: object) -> list[Function] | None:
        """What was made of `endpoint`, or of what it is wrapped around, and is no part of it; None if nothing."""
        links = list(chain(endpoint))
        for at, one in enumerate(links):
            if (made := self._of(one)) is not None:
                around = {id(link) for link in links[:at]}
                return None if any(id(other) in around for other in made) else made
        return None

    def _of(self, endpoint: object) -> list[Function] | None:
        """What was made of `endpoint` and is still there; None if nothing ever was."""
        try:
            known = self._made.get(cast("Function", endpoint))
        except TypeError:
            return None
        return None if known is None else [made for one in known if (made := one()) is not None]


def chain(function: object) -> Iterator[object]:
    """`function` and what it is wrapped around, as far as its decorators say so."""
    one = function
    seen: set[int] = set()
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = getattr(one, "__wrapped__", None)


def marks_within(function: object) -> Iterator[object]:
    """The marks of functions that `function` was made around, or calls, as far as that shows; its own too."""
    todo = list(chain(function))
    seen: set[int] = set()
    while todo and len(seen) < _SEEN:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield from marks(one)
        for cell in getattr(one, "__closure__", None) or ():
            with suppress(ValueError):  # nothing is in it yet
                if isinstance(cell.cell_contents, FunctionType):
                    todo.append(cell.cell_contents)
