"""What an application raises for a door to answer."""

from __future__ import annotations

from typing import Final, cast

from zerotrust.core.errors import Denied
from zerotrust.web.answer import Answer, problem_answer

NOT_FOUND: Final[Answer] = problem_answer(404, {"code": "not_found", "detail": "there is nothing here"})
"""What is hidden (`Denied.hidden`), where a door cannot have the application say so itself."""


def denied_in(error: BaseException) -> Denied | None:
    """What was refused, if `error` is nothing else; of a group the first."""
    first: Denied | None = None
    todo = [error]
    for one in todo:
        if isinstance(one, BaseExceptionGroup):
            todo.extend(cast("BaseExceptionGroup[BaseException]", one).exceptions)
        elif not isinstance(one, Denied):
            return None
        elif first is None:
            first = one
    return first
