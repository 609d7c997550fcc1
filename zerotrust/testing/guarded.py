"""What an application's own suite says of its routes: which are open, and that none has been opened since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from zerotrust.core.errors import ConfigError
from zerotrust.core.mistakes import shown
from zerotrust.web.report import Protection, Report, RouteLine


class _Door(Protocol):
    def report(self) -> Report: ...


def assert_guarded(door: _Door | Report, *, open: Mapping[str, str] | None = None) -> None:  # noqa: A002 - as in `guard.open`
    """Check that a guard would start, and that exactly the routes in `open` let everybody in, for the reasons given.

        def test_nothing_is_open_but_what_we_mean() -> None:
            assert_guarded(guard, open={"/healthz": "liveness probe"})

    Args:
        door: the guard of any framework; `zerotrust.django` itself; `Rules`; or the report of any of them.
        open: the reason by path, as the report shows both; none unless given.

    Raises:
        AssertionError: it is not so: with each path that differs, and the whole report. Or the guard protects no
            application yet.
        ConfigError: nothing of the kind was given.
    """
    report = _report(door)
    meant = dict(open or {})
    found = {line.path: "; ".join(one.open_because or "" for one in _all(line)) for line in report.open}
    wrong = [f"the guard would not start: {problem}" for problem in report.problems]
    for path in sorted(found.keys() | meant.keys()):
        if path not in meant:
            wrong.append(f"{path} is open to everybody because {found[path]}")
        elif path not in found:
            wrong.append(f"{path} is not open")
        elif found[path] != meant[path]:
            wrong.append(f"{path} is open because {found[path]!r}, not because {meant[path]!r}")
    if (because := report.fallback.open_because) is not None:
        wrong.append(f"everything that has no policy of its own is open because {because}")
    if wrong:
        raise AssertionError("\n".join([*wrong, "", str(report)]))


def _report(door: object) -> Report:
    if isinstance(door, Report):
        return door
    ask = getattr(door, "report", None)
    if isinstance(door, type) or not callable(ask):
        raise ConfigError(
            f"assert_guarded takes a guard, which has a report(), not {shown(door)}; write the guard that protects the "
            "application, zerotrust.django, or Rules"
        )
    try:
        made = ask()
    except ConfigError as error:  # such as that it protects nothing yet
        raise AssertionError(f"there is nothing to look at: {error}") from None
    if not isinstance(made, Report):
        raise ConfigError(f"assert_guarded takes a guard, not {shown(door)}, whose report() gives {shown(made)}")
    return made


def _all(line: RouteLine) -> tuple[Protection, ...]:
    return tuple(one for one in (*line.outside, line.protection) if one is not None)
