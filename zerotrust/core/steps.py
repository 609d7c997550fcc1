"""Steps that an application has to have run, and that say so when they were forgotten."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from types import TracebackType
from typing import Any, TypeVar

from zerotrust.core.ask import Ask, Gather

T = TypeVar("T")


class Steps(Generator[Ask[Any], Any, T]):
    """A generator of asks that warns if it is dropped before it was begun, as a forgotten `await` does.

    Args:
        what: what it does, for the warning.
        steps: the generator.
    """

    __slots__ = ("_begun", "_steps", "_what")

    def __init__(self, what: str, steps: Gather[T]) -> None:
        self._begun = False
        self._what = what
        self._steps = steps

    def send(self, value: Any, /) -> Ask[Any]:
        """Go on with an answer."""
        self._begun = True
        return self._steps.send(value)

    def throw(self, typ: Any, val: BaseException | object = None, tb: TracebackType | None = None, /) -> Ask[Any]:
        """Go on with a failure."""
        self._begun = True
        return self._steps.throw(typ)

    def close(self) -> None:
        """Stop here; what was not done yet is not done."""
        self._begun = True
        self._steps.close()

    def __del__(self) -> None:
        if not self._begun:
            warnings.warn(
                f"{self._what} was never run, so nothing happened: run({self._what}, sources), or in an async "
                f"application await run_async({self._what}, sources), both of zerotrust.driver",
                RuntimeWarning,
                stacklevel=2,
            )
