"""What `zerotrust replay` prints of a report: no more than was asked for, and moments that no calendar has."""

from __future__ import annotations

from io import StringIO

import pytest

from zerotrust.cli.demo.terminal import Terminal
from zerotrust.cli.replay_report import _moment, print_report
from zerotrust.replay.outcome import Change, Example, Report


def printed(report: Report, most: int) -> list[str]:
    stream = StringIO()
    print_report(report, ("route",), most, Terminal(stream))
    return stream.getvalue().splitlines()


def example(route: str, change: Change = "weaker", **others: str) -> Example:
    said = {"policy": "can pay", "was": "allow", "rule": "fresh", "subject": "", "id": "", **others}
    return Example(1, change, 0.0, "POST", route, **said)


def test_of_many_groups_those_with_the_most_changes_are_shown() -> None:
    report = Report(total=4)
    for route in ("/a", "/b", "/b", "/c"):
        report.add(example(route), most=0)
    assert printed(report, 1)[-3:] == ["route  weaker  stricter", "/b          2         0", "and 2 more"]
    assert "more" not in "".join(printed(report, 3))


def test_a_stricter_example_names_what_refuses_and_whom() -> None:
    report = Report(total=1)
    report.add(example("/a", "stricter", subject="hmac:1", id="\x1b[2J"), most=1)
    said = "  line 1  1970-01-01 00:00:00Z  POST /a  allow -> refused by fresh  hmac:1  "
    assert printed(report, 1)[-1].startswith(said)
    assert "\x1b" not in "".join(printed(report, 1))


def test_what_cannot_be_told_is_listed_by_how_much_hangs_on_it() -> None:
    report = Report(total=9, untold=6, missing={"b": 2, "a": 2, "c\x1b": 1000, "d": 1}, names={"old": 3})
    lines = printed(report, 3)
    start = lines.index("cannot be told, since")
    assert lines[start + 2 : start + 4] == ["  a  2", "  b  2"]
    assert lines[start + 1].endswith("  1,000")
    assert lines[start + 4 :] == ["", "no new policy for", "  old  3"]
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("now", [1e300, -1e300, 1e13, float("inf"), float("nan")])
def test_a_moment_that_no_calendar_has_is_a_number(now: float) -> None:
    assert _moment(0.0) == "1970-01-01 00:00:00Z"
    assert _moment(now) == str(now)
