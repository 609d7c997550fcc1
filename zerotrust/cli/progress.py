"""How far a long reading has come: a bar, a rate and the time left, on a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Final

from zerotrust.cli.demo.terminal import Terminal

_EVERY: Final = 0.1  # seconds between two looks
_SKIP: Final = 256  # lines between two looks at the clock
_BAR: Final = 24  # columns


def watched(
    lines: Iterable[bytes],
    terminal: Terminal,
    *,
    what: str,
    total: int | None,
    done: Callable[[], int],
    clock: Callable[[], float] = monotonic,
) -> Iterator[bytes]:
    """`lines`, as they are; while they are read, `terminal` shows how far that is.

    Args:
        lines: what is read.
        terminal: what shows it; if it is none, nothing is shown.
        what: is counted, in the plural.
        total: bytes there are; None if nobody knows.
        done: bytes that were read so far.
        clock: seconds.
    """
    if not terminal.live:
        yield from lines
        return
    begun = shown = clock()
    try:
        for number, line in enumerate(lines, 1):
            yield line
            if number % _SKIP == 0 and (now := clock()) - shown >= _EVERY:
                shown = now
                terminal.progress(_text(terminal, number, what, now - begun, total, done()))
    finally:
        terminal.clear()


def _text(terminal: Terminal, number: int, what: str, seconds: float, total: int | None, done: int) -> str:
    rate = f"{number:,} {what}  {number / seconds:,.0f}/s"
    if not total:
        return rate
    part = min(done / total, 1.0)
    full = round(part * _BAR)
    bar = ("█" * full + "░" * (_BAR - full)) if terminal.symbols else ("#" * full + "." * (_BAR - full))
    left = f"  {_span(seconds * (1 - part) / part)} left" if part else ""
    return f"{bar} {part:4.0%}  {rate}{left}"


def _span(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d} min" if whole >= 60 else f"{whole} s"
