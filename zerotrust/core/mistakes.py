"""What to say of something that stands where a policy is wanted: what was seen, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from types import GeneratorType
from typing import ClassVar, Final, NoReturn

from zerotrust.core.errors import PolicyError

_ASKED: Final = {"valid": "valid", "within": "within(minutes(10))", "given": "given"}
"""Leaves of verifiers, and how they are written."""

_PARENTHESES: Final = "a comparison beside `&` or `|` wants parentheses, as in (invoice.amount <= 1000) & ..."

_MOST = 200  # of what was seen; the rest would hide the advice


def ask_instead(verifier: object) -> str:
    """What to write where a policy is wanted and `verifier` was given; empty if it is none, or nobody can tell."""
    from zerotrust.core.verifier import Verifier

    asked = (shown for leaf, shown in _ASKED.items() if hasattr(type(verifier), leaf))
    leaf = next(asked, "") if isinstance(verifier, Verifier) else ""
    return f"{verifier!r}.{leaf}" if leaf else ""


def instead(value: object) -> str:
    """`; ` and what to write instead of `value`, which stands where a policy is wanted; empty if nobody can tell."""
    if isinstance(value, NoPolicy):
        return f"; {value._advice}"  # pyright: ignore[reportPrivateUsage]
    example = ask_instead(value)
    return f"; ask it something, e.g. {example}" if example else ""


def no_policy(value: object, where: str, star: str = "all_of(*policies)") -> str:
    """The message for a `value` that is no policy, `where` one is wanted; `star` is how several are given there."""
    from zerotrust.core.verifier import Verifier

    said, kind = shown(value), type(value).__name__
    if isinstance(value, Verifier):
        example = ask_instead(value)  # pyright: ignore[reportUnknownArgumentType]
        return f"{where}: {said} is a verifier, not a policy; ask it something{f', e.g. {example}' if example else ''}"
    if isinstance(value, NoPolicy):
        return f"{where}: {said} is not a policy; {value._advice}"  # pyright: ignore[reportPrivateUsage]
    if isinstance(value, list | tuple | set | frozenset):
        return f"{where}: {said} is {kind}, not a policy; unpack it with a star, as in {star}"
    if isinstance(value, GeneratorType):
        return f"{where}: a generator is not a policy; unpack it with a star, as in {star}"
    if isinstance(value, str):
        return (
            f'{where}: {said} is str, not a policy; a verifier makes one of it, as in token.scope("read"), and '
            f"{_PARENTHESES}"
        )
    if isinstance(value, bool):
        return (
            f"{where}: {said} is bool, not a policy; a comparison in it wants parentheses, and who may always pass is "
            "anyone(because=...)"
        )
    if isinstance(value, int | float | Decimal):
        return f"{where}: {said} is {kind}, not a policy; {_PARENTHESES}"
    if callable(value):
        return f"{where}: {said} is not a policy yet. Did you forget to call it, as in {said}(...)?"
    return f"{where}: {said} is {kind}, not a policy"


class NoPolicy:
    """Something that a policy is made of and that could be taken for one: operators refuse it with advice.

    Attributes:
        instead: what to write.
    """

    __slots__ = ()
    instead: ClassVar[str] = ""

    @property
    def _advice(self) -> str:
        """What to write instead of this very one."""
        return self.instead

    def _mistake(self) -> PolicyError:
        return PolicyError(f"{shown(self)} is not a policy; {self._advice}")

    def __bool__(self) -> bool:  # not NoReturn, by which type checkers would skip all that follows
        raise self._mistake()

    def __and__(self, _: object) -> NoReturn:
        raise self._mistake()

    def __or__(self, _: object) -> NoReturn:
        raise self._mistake()

    def __invert__(self) -> NoReturn:
        raise self._mistake()


def shown(value: object) -> str:
    """`value` in a message: the name of a function or class, else its repr, cut to a length."""
    name: object = getattr(value, "__name__", None)
    text = name if isinstance(name, str) else repr(value)
    return text if len(text) <= _MOST else text[: _MOST - 3] + "..."


def is_text(value: object) -> bool:
    """Whether `value` is text that says something, on one line."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def nearest(name: str, known: Iterable[str]) -> str:
    """Advice for a `name` nobody knows: the nearest of those `known`, or all of them."""
    from difflib import get_close_matches  # only who makes a mistake needs it

    names = sorted(known)
    close = get_close_matches(name, names, 1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(map(repr, names))}"
