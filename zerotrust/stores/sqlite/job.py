"""An ask that waits for others, or with them."""

from __future__ import annotations

from typing import Any

from zerotrust.stores.sqlite.work import Work


class Job:
    """One ask and what became of it.

    Args:
        work: what to do.
        deadline: until when, monotonic seconds.

    Attributes:
        done: whether there is an outcome.
        answer: the answer, if it did not fail.
        error: what it failed with.
    """

    __slots__ = ("answer", "deadline", "done", "error", "work")

    def __init__(self, work: Work[Any], deadline: float) -> None:
        self.work: Work[Any] = work
        self.deadline: float = deadline
        self.done: bool = False
        self.answer: Any = None
        self.error: BaseException | None = None

    def wanted(self) -> bool:
        """Whether somebody still waits for the outcome."""
        return True

    def end(self, answer: Any, error: BaseException | None = None) -> None:
        """This is the outcome."""
        self.answer, self.error, self.done = answer, error, True
