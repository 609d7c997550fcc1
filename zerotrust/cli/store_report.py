"""What `zerotrust store check` has found out, as tables for a person and as JSON for a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from textwrap import wrap
from typing import Any, Final

from zerotrust.cli.demo.terminal import Style, Terminal
from zerotrust.stores.contract import Result
from zerotrust.stores.health import BOUNDS, StoreMetrics
from zerotrust.stores.store import Fact

_COLOURS: Final[Mapping[str, tuple[Style, ...]]] = {
    "good": ("green",),
    "passed": ("green",),
    "note": ("yellow",),
    "unchecked": ("yellow",),
    "bad": ("bold", "red"),
    "failed": ("bold", "red"),
}
_GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class Checked:
    """All that was found out about a store.

    Attributes:
        facts: what an operator should know.
        results: of each check, for the blocking and for the async store.
        metrics: of the two stores.
    """

    facts: tuple[Fact, ...]
    results: tuple[tuple[Result, Result], ...]
    metrics: tuple[StoreMetrics, StoreMetrics]

    @property
    def sound(self) -> bool:
        """Whether no fact is bad, no promise was broken, and no question was left without an answer."""
        return not (
            any(fact.verdict == "bad" for fact in self.facts)
            or any(one.outcome == "failed" or one.reason is not None for pair in self.results for one in pair)
        )


def shown(url: str) -> str:
    """`url` without user, password and options: what may be printed."""
    scheme, _, rest = url.partition("://")
    if scheme in {"memory:", "sqlite"}:
        return url
    place, _, options = rest.replace("#", "?", 1).partition("?")
    # A password that was not quoted may hold anything: where it cannot be told what is one, nothing is shown.
    return f"{scheme}://..." if "@" in options else f"{scheme}://{place.rpartition('@')[2]}"


def report(url: str, checked: Checked, terminal: Terminal) -> None:
    """Print everything as tables."""
    terminal.line(f"{terminal.paint('zerotrust store check', 'bold')}  {shown(url)}")
    terminal.line()
    facts = [(fact.name, fact.value, fact.verdict, fact.advice) for fact in checked.facts]
    _table(("fact", "value", "verdict", "advice"), facts, terminal)
    terminal.line()
    rows = [(first.name, first.outcome, second.outcome, first.promise) for first, second in checked.results]
    _table(("check", "blocking", "async", "promise"), rows, terminal)
    for line in _details(checked, terminal):
        terminal.line(line)
    for metrics in checked.metrics:
        terminal.line()
        _table(
            (metrics.store, "ok", "refused", "failed", "median"),
            [figures.row for figures in _figures(metrics)],
            terminal,
        )
    terminal.line(terminal.paint("Some are refused, or fail for want of time, because a check wants them to.", "dim"))
    terminal.line()
    terminal.line(_verdict(checked, terminal))


def _details(checked: Checked, terminal: Terminal) -> Iterator[str]:
    """What was seen where a check did not pass; once, if it was the same for many."""
    seen: dict[tuple[str, str], list[str]] = {}
    for pair in checked.results:
        for one, style in zip(pair, ("blocking", "async"), strict=True):
            if one.outcome != "passed":
                seen.setdefault((one.outcome, one.detail), []).append(f"{one.name} ({style})")
    for (outcome, detail), names in seen.items():
        yield ""
        yield f"{terminal.paint(outcome, *_COLOURS[outcome])}: {detail}"
        yield from wrap(", ".join(names), (terminal.width or 120) - 4, initial_indent="  ", subsequent_indent="  ")


@dataclass(frozen=True, slots=True)
class _Figures:
    """How many asks of one kind ended how, and the upper bound of the bucket that their median time is in."""

    ask: str
    ok: int
    refused: int
    failed: int
    median: float | None

    @property
    def row(self) -> tuple[str, ...]:
        return self.ask, str(self.ok), str(self.refused), str(self.failed), self._median

    @property
    def _median(self) -> str:
        if self.median is None:
            return "-"
        return f"<= {self.median * 1000:g} ms" if self.median < inf else f"> {BOUNDS[-1] * 1000:g} ms"


def _figures(metrics: StoreMetrics) -> Iterator[_Figures]:
    for ask in sorted({ask for ask, _ in metrics.outcomes}):
        outcomes = {outcome: number for (of, outcome), number in metrics.outcomes.items() if of == ask}
        ok, refused = outcomes.get("ok", 0), outcomes.get("source_refused", 0)
        failed = sum(outcomes.values()) - ok - refused
        yield _Figures(ask, ok, refused, failed, _median(metrics.histogram.get(ask, ())))


def _median(counts: Sequence[int]) -> float | None:
    half, seen = (sum(counts) + 1) // 2, 0
    for bound, number in zip((*BOUNDS, inf), counts, strict=False):
        seen += number
        if half and seen >= half:
            return bound
    return None


def _verdict(checked: Checked, terminal: Terminal) -> str:
    outcomes = [one.outcome for pair in checked.results for one in pair]
    bad = sum(fact.verdict == "bad" for fact in checked.facts)
    parts = [f"{outcomes.count('passed')} of {len(outcomes)} checks passed"]
    parts += [f"{outcomes.count(word)} {word}" for word in ("failed", "unchecked") if word in outcomes]
    if bad:
        parts.append(f"{bad} {'fact is' if bad == 1 else 'facts are'} bad")
    return terminal.paint(", ".join(parts), "bold", "green" if checked.sound else "red")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], terminal: Terminal) -> None:
    """Columns as wide as their widest cell, but for the last, which takes further lines where there is no room."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    if terminal.width is not None:
        widths[-1] = min(widths[-1], max(terminal.width - sum(widths[:-1]) - len(_GAP) * (len(head) - 1), 20))
    margin = " " * (sum(widths[:-1]) + len(_GAP) * (len(head) - 1))
    terminal.line(terminal.paint(_GAP.join(_padded(head, widths)).rstrip(), "bold"))
    terminal.line(terminal.paint(_GAP.join(("─" if terminal.symbols else "-") * width for width in widths), "dim"))
    for *cells, last in rows:
        first, *more = wrap(last, widths[-1]) or [""]
        painted = (terminal.paint(cell, *_COLOURS.get(cell.strip(), ())) for cell in _padded((*cells, first), widths))
        terminal.line(_GAP.join(painted).rstrip())
        for line in more:
            terminal.line(margin + line)


def _padded(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    return (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))


def document(url: str, checked: Checked) -> dict[str, Any]:
    """Everything as what JSON can say."""

    def told(result: Result) -> dict[str, Any]:
        return {"outcome": result.outcome, "detail": result.detail, "seconds": round(result.seconds, 6)}

    return {
        "store": shown(url),
        "sound": checked.sound,
        "facts": [
            {"name": fact.name, "value": fact.value, "verdict": fact.verdict, "advice": fact.advice}
            for fact in checked.facts
        ],
        "checks": [
            {"name": first.name, "promise": first.promise, "blocking": told(first), "async": told(second)}
            for first, second in checked.results
        ],
        "metrics": [
            {
                "store": metrics.store,
                "breaker": metrics.breaker,
                "asks": [
                    {
                        "ask": figures.ask,
                        "ok": figures.ok,
                        "refused": figures.refused,
                        "failed": figures.failed,
                        "median_at_most": figures.median if figures.median != inf else None,
                    }
                    for figures in _figures(metrics)
                ],
            }
            for metrics in checked.metrics
        ],
    }
