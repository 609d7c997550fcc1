"""A policy as text of lines that are not too long, broken where its parts are joined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

WIDTH: Final = 100
"""Characters of a line, unless what stands on it cannot be broken."""

_STEP: Final = "    "
_TOKEN: Final = re.compile(r'"[^"]*"|[(\[{]|[)\]}]| (?=[&|] )|(?<=,) |[^"(){}\[\] ,]+|.', re.DOTALL)


def assigned(name: str, text: str) -> str:
    """`name = text`, in parentheses over several lines where it is too long for one."""
    line = f"{name} = {text}"
    if len(line) <= WIDTH or len(broken := list(_lines(text, _STEP))) == 1:
        return line
    return "\n".join([f"{name} = (", *broken, ")"])


def _lines(text: str, indent: str) -> Iterator[str]:
    """What is joined outermost stands line by line; else what is in the first brackets in which something is joined."""
    places = _places(text) if len(indent) + len(text) > WIDTH else []
    if not places:
        yield indent + text
        return
    least = min(depth for depth, _ in places)
    if least == 0:
        begin = 0
        for end in [at for depth, at in places if depth == 0]:
            yield from _lines(text[begin:end], indent)
            begin = end + 1
        yield from _lines(text[begin:], indent)
        return
    first = next(at for depth, at in places if depth == least)
    begin, end = _brackets(text, first)
    yield indent + text[:begin]
    yield from _lines(text[begin:end], indent + _STEP)
    yield from _lines(text[end:], indent)


def _places(text: str) -> list[tuple[int, int]]:
    """Where it may be broken: in how many brackets, and the place of the blank; none in what is quoted."""
    found: list[tuple[int, int]] = []
    depth = 0
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth = max(0, depth - 1)  # what is left of text that was taken apart begins with one
        elif mark == " " and (text[token.start() - 1 : token.start()] == "," or text[token.end()] in "&|"):
            found.append((depth, token.start()))
    return found


def _brackets(text: str, place: int) -> tuple[int, int]:
    """What is in the innermost brackets around `place`: where it begins and ends."""
    opened: list[int] = []
    around = -1
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if around < 0 and token.start() >= place:
            around = len(opened)
        if mark in "([{":
            opened.append(token.end())
        elif mark in ")]}" and opened:
            begin = opened.pop()
            if around >= 0 and len(opened) < around:
                return begin, token.start()
    return opened[around - 1], len(text)  # cut short before they were closed
