"""Answers to questions as Python expressions: checked where they are written, called alone or taken into a policy."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from zerotrust.core.errors import PolicyError

if TYPE_CHECKING:
    from zerotrust.core.reason import Reason

_ALLOWED = frozenset({"e", "now", "q"})
# The names in a formatted text could not be told from the text around them once they are others.
_REFUSED = (ast.NamedExpr, ast.Lambda, ast.comprehension, ast.Await, ast.Yield, ast.YieldFrom, ast.JoinedStr)


@cache
def rename_expression(expression: str, evidence: str, question: str) -> str:
    """`expression` with other names for `e` and `q`; `PolicyError` if it is not one expression over `e`, `now`, `q`."""
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError as error:
        raise PolicyError(f"the expression {expression!r} of a question is not Python: {error.msg}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if node.id not in _ALLOWED:
                raise PolicyError(
                    f"the expression {expression!r} of a question speaks of {node.id}; it has e, now and q"
                )
            node.id = {"e": evidence, "q": question}.get(node.id, node.id)
        elif isinstance(node, _REFUSED):
            raise PolicyError(
                f"the expression {expression!r} of a question binds names or waits or formats text; "
                "keep to plain operators"
            )
    return ast.unparse(tree)


@cache
def function_of(expression: str) -> Callable[[object, object, float], bool | Reason]:
    """`expression` as a function of the question, the evidence and the moment."""
    if not expression:
        raise PolicyError("a question says what it asks: give its class an `expression`, or override `holds`")
    names: dict[str, Any] = {}
    exec(f"def answer(q, e, now): return {rename_expression(expression, 'e', 'q')}", names)  # noqa: S102 - checked above
    return cast("Callable[[object, object, float], bool | Reason]", names["answer"])
