"""Steps that are stopped in the middle, so that others come in between."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from tests.sessions.browsers import Shop
from zerotrust.core.ask import Advance, Ask


class Paused:
    """Steps that were run up to their first write, while others run."""

    def __init__(self, shop: Shop, steps: Generator[Ask[Any], Any, Any]) -> None:
        self.shop, self.steps = shop, steps
        self.question = next(steps)
        while not isinstance(self.question, Advance):
            self.question = steps.send(self.answer())

    def answer(self) -> object:
        return self.shop.store.answer(self.question, 1.0)

    def resume(self) -> Any:
        """What comes of them."""
        try:
            while True:
                self.question = self.steps.send(self.answer())
        except StopIteration as end:
            return end.value
