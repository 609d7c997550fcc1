"""A store for tests: it counts what it is asked, and fails when told."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, ClassVar, Literal, TypeVar, cast

from zerotrust.core.ask import Ask, Put, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.driver import Sources
from zerotrust.stores.memory import MemoryStore

T = TypeVar("T")


class Kept:
    """Keeps what it is given; `fails_after` so many asks it is down."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = MemoryStore.answers
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.asked: Counter[str] = Counter()
        self.puts: list[Put] = []
        self.fails_after: float = math.inf
        self.sources = Sources(self)

    def answer(self, ask: Ask[T], timeout: float) -> T:
        self.asked[type(ask).__name__] += 1
        self.fails_after -= 1
        if self.fails_after < 0:
            raise SourceFailed(SOURCE_DOWN(), 3.0)
        if isinstance(ask, Put):
            self.puts.append(ask)
        return cast("T", self.store.answer(ask, timeout))

    def lookups(self) -> int:
        """How many since last asked."""
        return self.asked.pop("Lookup", 0)
