"""What leaves ask of a token, by the names that the standards have for it; for user interfaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from zerotrust.core.verifier import Parameter, Question
from zerotrust.verifiers.step_up_questions import AcrAtLeast, AuthContext
from zerotrust.verifiers.token_questions import Acr, Fresh, Group, Role, Scope


def token_parameters(
    asked: Iterable[Question[Any]], source: str | None, acceptable: Callable[[str], bool]
) -> dict[str, Parameter]:
    """`scope`, `max_age` (seconds), `acr_values`, `acrs`, `roles` and `groups`, as far as they are asked for.

    Args:
        asked: the questions that must come to YES.
        source: the issuer of the token there is; None if there is none.
        acceptable: whether an `acr` will do for all of them.
    """
    texts: dict[str, list[str]] = {}
    ages: list[float] = []
    for question in asked:
        match question:
            case Scope():
                texts.setdefault("scope", []).extend(question.names)
            case Acr():
                texts.setdefault("acr_values", []).extend(filter(acceptable, question.values))
            case AcrAtLeast():
                texts.setdefault("acr_values", []).extend(filter(acceptable, question.accepted(source)))
            case AuthContext():
                texts.setdefault("acrs", []).append(question.name)
            case Role():
                texts.setdefault("roles", []).append(question.name)
            case Group():
                texts.setdefault("groups", []).append(question.name)
            case Fresh():
                ages.append(question.within)
            case _:
                pass
    found: dict[str, Parameter] = {name: tuple(dict.fromkeys(several)) for name, several in texts.items()}
    if ages:
        found["max_age"] = int(min(ages))
    return found
