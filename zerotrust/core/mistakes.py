"""What to say of something that stands where a policy is wanted: what was seen, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from types import GeneratorType
from typing import Final, cast

_ASKED: Final = {"valid": "valid", "within": "within(minutes(10))", "given": "given"}
"""Leaves of verifiers, and how they are written."""

_MOST = 200  # of what was seen; the rest would hide the advice


def ask_instead(verifier: object) -> str:
    """What to write where a policy is wanted and `verifier` was given; empty if it is none, or nobody can tell."""
    from zerotrust.core.verifier import Verifier

    asked = (shown for leaf, shown in _ASKED.items() if hasattr(type(verifier), leaf))
    leaf = next(asked, "") if isinstance(verifier, Verifier) else ""
    return f"{verifier!r}.{leaf}" if leaf else ""


def no_policy(value: object, where: str) -> str:
    """The message for a `value` that is no policy, `where` one is wanted."""
    if leaf := ask_instead(value):
        return f"{where}: {value!r} is a verifier, not a policy; ask it something, e.g. {leaf}"
    advice: object = getattr(type(value), "instead", None)
    if isinstance(advice, str):
        return f"{where}: {shown(value)} is not a policy; {advice}"
    if isinstance(value, list | tuple | set | frozenset | GeneratorType):
        kind = type(cast("object", value)).__name__
        seen = kind if isinstance(value, GeneratorType) else shown(cast("object", value))
        return f"{where}: {seen} is {kind}, not a policy; unpack it with a star, as in all_of(*policies)"
    if callable(value):
        return f"{where}: {shown(value)} is not a policy yet. Did you forget to call it, as in {shown(value)}(...)?"
    return f"{where}: {shown(value)} is {type(value).__name__}, not a policy"


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
    names = sorted(known)
    close = get_close_matches(name, names, 1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(map(repr, names))}"
