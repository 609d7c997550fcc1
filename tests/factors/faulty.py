"""A store for tests that fails at one ask, or lets somebody else go first."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeVar, cast

from zerotrust.core.ask import Ask, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.driver import Sources
from zerotrust.stores.memory import MemoryStore

T = TypeVar("T")


class Faulty:
    """Answers from memory; counts what it is asked.

    Attributes:
        asked: the asks so far, the latest last.
        fails_at: the number of the ask that fails, from 0.
        for_good: whether those after it fail too.
        carried_out: whether what fails is done all the same, as when an answer is lost on its way.
        before: is called with each ask before it is answered.
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = MemoryStore.answers
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.sources = Sources(self)
        self.asked: list[Ask[Any]] = []
        self.fails_at: float = math.inf
        self.for_good = False
        self.carried_out = False
        self.before: Callable[[Ask[Any]], object] = lambda _: None

    def answer(self, ask: Ask[T], timeout: float) -> T:
        number = len(self.asked)
        self.asked.append(ask)
        self.before(ask)
        fails = number == self.fails_at or (self.for_good and number > self.fails_at)
        if fails and not self.carried_out:
            raise SourceFailed(SOURCE_DOWN())
        answer = cast("T", self.store.answer(ask, timeout))
        if fails:
            raise SourceFailed(SOURCE_DOWN())
        return answer

    def kinds(self) -> list[str]:
        """The kinds of ask since last looked."""
        kinds = [type(one).__name__ for one in self.asked]
        self.asked.clear()
        return kinds
