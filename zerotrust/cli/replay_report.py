"""What `zerotrust replay` has found, for a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from zerotrust.cli.demo.terminal import Style, Terminal
from zerotrust.core.text import visible
from zerotrust.replay.outcome import By, Example, Group, Report

_WIDTH: Final = 60  # columns of a name


def print_report(report: Report, by: tuple[By, ...], most: int, terminal: Terminal) -> None:
    """Print totals, groups with examples, and what could not be told."""
    terminal.line(
        f"{terminal.paint('zerotrust replay', 'bold')}  {report.total:,} capsule{'' if report.total == 1 else 's'}"
    )
    terminal.line()
    if not report.total:
        terminal.line(terminal.paint("there are no capsules, so nothing was tried", "yellow"))
        return
    _totals(report, terminal)
    for one in by if report.changed else ():
        _groups(one, report.by(one), most, terminal)
    _why("cannot be told, since", report.missing, most, terminal)
    _why("no new policy for", report.names, most, terminal)
    for number, why in report.wrong[:most]:
        terminal.line(f"line {number}: {visible(why)}")


def _totals(report: Report, terminal: Terminal) -> None:
    rows: list[tuple[str, int, str, Style]] = [
        ("same", report.same, "come out as they did", "green"),
        ("weaker", report.weaker, "were refused, and would be let in", "red"),
        ("stricter", report.stricter, "were let in, and would be refused", "yellow"),
        ("untold", report.untold, "cannot be told: what the policy reads was not recorded", "yellow"),
        ("unmatched", report.unmatched, "were decided under policies of which there is no new one", "yellow"),
        ("malformed", report.malformed, "lines are no capsules", "red"),
    ]
    width = len(f"{report.total:,}")
    for name, number, what, style in rows:
        if number or name in ("same", "weaker", "stricter"):
            said = f"{name:<10} {number:>{width},}  {what}"
            terminal.line(terminal.paint(said, style) if number else said)


def _groups(by: By, groups: list[Group], most: int, terminal: Terminal) -> None:
    terminal.line()
    shown = groups[:most]
    width = max([len(by), *(min(len(visible(one.name)), _WIDTH) for one in shown)])
    terminal.line(terminal.paint(f"{by:<{width}}  weaker  stricter", "bold"))
    for group in shown:
        name = terminal.fit(visible(group.name), _WIDTH)
        terminal.line(f"{name:<{width}}  {group.weaker:>6,}  {group.stricter:>8,}")
        for example in group.examples:
            terminal.line(terminal.paint(f"  {_example(example)}", "dim"))
    if len(groups) > most:
        terminal.line(f"and {len(groups) - most:,} more")


def _example(one: Example) -> str:
    instead = "allow" if one.change == "weaker" else f"refused by {one.rule}"
    whose = "  ".join(part for part in (one.subject, one.id) if part)
    return visible(f"line {one.line}  {_moment(one.now)}  {one.method} {one.route}  {one.was} -> {instead}  {whose}")


def _moment(now: float) -> str:
    try:
        return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError, OSError):  # a moment that no calendar has
        return str(now)


def _why(title: str, counts: dict[str, int], most: int, terminal: Terminal) -> None:
    if not counts:
        return
    terminal.line()
    terminal.line(terminal.paint(title, "bold"))
    for name, number in sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]:
        terminal.line(f"  {visible(name)}  {number:,}")
