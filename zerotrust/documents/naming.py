"""What messages show of documents: values cut short, and the nearest known name of one that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

_LONGEST = 64  # comparing longer names costs too much, and nobody mistypes such
_MOST = 500


def shown(value: object) -> str:
    """`value`, of a document or policy, as messages quote it: short, on one line."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str | int | float):
        return f"<{type(value).__name__}>"
    text = ascii(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def instead_of(name: object, meant: Mapping[str, str]) -> str:
    """`; write "permit"` for what `name` is elsewhere: what to write here, by that; empty if it is not among them."""
    return f"; write {meant[name]}" if isinstance(name, str) and name in meant else ""


def did_you_mean(name: object, known: Iterable[str], none: str = "") -> str:
    """`; did you mean 'token'?`, or what there is to choose from; `none` where there is nothing."""
    names = sorted(set(known))
    if not names:
        return f"; {none}" if none else ""
    if isinstance(name, str) and len(name) <= _LONGEST:
        near = get_close_matches(name, [one for one in names[:_MOST] if len(one) <= _LONGEST], 1, 0.6)
        if near:
            return f"; did you mean {shown(near[0])}?"
    listed = ", ".join(names[:12])
    return f"; known {'is' if len(names) == 1 else 'are'} {listed}{', ...' if len(names) > 12 else ''}"
