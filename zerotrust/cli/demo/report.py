"""What came back, for a person to read: a tree for every refusal, and one table of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Final, cast

from zerotrust.cli.demo.client import Answer
from zerotrust.cli.demo.scenario import Outcome
from zerotrust.cli.demo.terminal import Style, Terminal

_GAP: Final = "  "
_LIGHTS: Final[Mapping[str, tuple[str, Style]]] = {
    "YES": ("yes", "green"),
    "NO": ("no", "red"),
    "UNKNOWN": ("?", "yellow"),
}


def tree(explanation: Mapping[str, object], terminal: Terminal) -> Iterator[str]:
    """The lines of an explanation as it comes in a problem body, the details in a column of their own."""
    rows = list(_rows(explanation, 0))
    width = max((len(indent) + 5 + len(text) for indent, _, text, detail in rows if detail), default=0)
    for indent, verdict, text, detail in rows:
        if not verdict:
            yield f"{indent}{terminal.paint(text, 'dim')}"
            continue
        word, style = _LIGHTS[verdict]
        line = f"{indent}{terminal.paint(f'{word:<3}', 'bold', style)}  {text}"
        padding = " " * (width - len(indent) - 5 - len(text))
        yield f"{line}{padding}   {terminal.paint(detail, 'dim')}" if detail else line


def _rows(part: Mapping[str, object], depth: int) -> Iterator[tuple[str, str, str, str]]:
    indent, text = "  " * depth, str(part.get("text", ""))
    children = cast("Sequence[Mapping[str, object]]", part.get("children", ()))
    if not children:
        yield indent, str(part.get("verdict", "UNKNOWN")), text, str(part.get("detail", ""))
        return
    yield indent, "", text, ""
    for child in children:
        yield from _rows(child, depth + 1)


def refusal(number: int, outcome: Outcome, terminal: Terminal) -> Iterator[str]:
    """What one refused caller was told, and below it why: the part that only operators see outside explain mode."""
    answer = outcome.answer
    said = str(answer.document.get("detail", ""))
    yield f"{number:>2}  {terminal.paint(outcome.step.title, 'bold')}"
    yield f"    {_status(answer)}, {answer.code}{': ' if said else ''}{terminal.paint(said, 'dim')}"
    for name in ("WWW-Authenticate", "Retry-After"):
        value = answer.header(name.lower())
        if value is not None:
            yield f"    {terminal.paint(f'{name}: {value}', 'cyan')}"
    explanation = answer.document.get("explanation")
    if isinstance(explanation, dict):
        for line in tree(cast("dict[str, object]", explanation), terminal):
            yield f"      {line}"


def table(outcomes: Sequence[Outcome], terminal: Terminal) -> Iterator[str]:
    """One row for each request: what it was, what came back, and whether that was expected."""
    head = ("#", "request", "status", "code", "WWW-Authenticate", "outcome")
    rows = [
        (
            str(number),
            outcome.step.title,
            str(outcome.answer.status),
            outcome.answer.code,
            outcome.answer.challenge,
            "ok" if outcome.expected else "UNEXPECTED",
        )
        for number, outcome in enumerate(outcomes, 1)
    ]
    widths = _fit_widths([max(map(len, column)) for column in zip(head, *rows, strict=True)], terminal)
    yield terminal.paint(_row(head, widths, terminal), "bold")
    yield terminal.paint(_GAP.join(("─" if terminal.symbols else "-") * width for width in widths), "dim")
    chapter = ""
    for cells, outcome in zip(rows, outcomes, strict=True):
        if outcome.step.chapter != chapter:
            chapter = outcome.step.chapter
            yield terminal.paint(chapter, "dim")
        styles: tuple[Style, ...] = ("green",) if outcome.expected else ("bold", "red")
        shown = _row(cells, widths, terminal)
        verdict = cells[-1]
        yield shown[: -len(verdict)] + terminal.paint(verdict, *styles) if shown.endswith(verdict) else shown


def complaints(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """For every outcome that was not the expected one: what was expected instead."""
    for number, outcome in enumerate(outcomes, 1):
        if not outcome.expected:
            yield f"{number:>2}  {outcome.step.title}: expected {outcome.step.expected}, got {_seen(outcome.answer)}"


def _seen(answer: Answer) -> str:
    parts = (str(answer.status), answer.code, answer.challenge)
    return ", ".join(part for part in parts if part)


def _status(answer: Answer) -> str:
    try:
        return f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        return str(answer.status)


def _row(cells: Sequence[str], widths: Sequence[int], terminal: Terminal) -> str:
    fitted = (f"{terminal.fit(cell, width):<{width}}" for cell, width in zip(cells, widths, strict=True))
    return _GAP.join(fitted).rstrip()


# Which columns give way on a narrow terminal, the first one first, and how narrow they may get.
_GIVE_WAY: Final = ((4, 10), (1, 24), (4, 0), (3, 0), (1, 8))


def _fit_widths(widths: list[int], terminal: Terminal) -> list[int]:
    if terminal.width is None:
        return widths
    for column, least in _GIVE_WAY:
        over = sum(widths) + len(_GAP) * (len(widths) - 1) - terminal.width
        if over > 0:
            widths[column] = max(widths[column] - over, min(least, widths[column]))
    return widths
