"""What an application's own suite says of its routes: which are open, and that none has been opened since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.mistakes import shown
from zerotrust.web.report import Protection, Report, RouteLine


class _Door(Protocol):
    def report(self) -> Report: ...


def assert_guarded(
    door: _Door | Report,
    *,
    open: Mapping[str, str | tuple[str, ...]] | None = None,  # noqa: A002 - as in `guard.open`
) -> None:
    """Check that a guard would start, and that exactly the routes in `open` let everybody in, for the reasons given.

        def test_nothing_is_open_but_what_we_mean() -> None:
            assert_guarded(guard, open={"/healthz": "liveness probe", "GET /prices": "prices are public"})

    Args:
        door: the guard of any framework; `zerotrust.django` itself; `Rules`; or the report of any of them.
        open: the reason by path, or by methods and path (`GET,HEAD /prices`), as the report shows them; none unless
            given. Each stands for one line of the report: where several lines of one path are open, write each with its
            methods, or a tuple with the reason of each.

    Raises:
        AssertionError: it is not so: with each path that differs, and the whole report. Or the guard protects no
            application yet.
        ConfigError: nothing of the kind was given, or no reasons by path.
    """
    report = _report(door)
    _check_reasons(open)
    wrong = [f"the guard would not start: {problem}" for problem in report.problems]
    wrong += sorted(_differences(report, open or {}))
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


def _check_reasons(given: object) -> None:
    """`ConfigError` unless it is what `open` takes."""
    if given is None:
        return
    seen, first = f"open={shown(given)}", given
    if isinstance(given, Mapping):
        meant = cast("Mapping[object, object]", given)
        odd = [key for key, reason in meant.items() if not (isinstance(key, str) and _is_reason(reason))]
        if not odd:
            return
        seen, first = f"open={{{shown(odd[0])}: {shown(meant[odd[0]])}}}", odd[0]
    elif isinstance(given, list | tuple | set | frozenset):
        first = next(iter(cast("Iterable[object]", given)), None)
    path = first if isinstance(first, str) else "/health"
    raise ConfigError(f"{seen} does not say why; write open={{{path!r}: 'why'}}, with the reason that the guard has")


def _is_reason(value: object) -> bool:
    several = cast("Iterable[object]", value) if isinstance(value, list | tuple) else (value,)
    return all(isinstance(one, str) for one in several)


def _differences(report: Report, meant: Mapping[str, str | tuple[str, ...]]) -> Iterator[str]:
    keys = {_name(key): key for key in meant}
    found: dict[str, list[str]] = {key: [] for key in meant}
    for line in report.open:
        because = "; ".join(one.open_because or "" for one in _all(line))
        methods = ",".join(line.methods)
        key = keys.get(_name(f"{methods} {line.path}"), keys.get(_name(line.path)))  # which may have a space in it
        if key is not None:
            found[key].append(because)
        else:
            alone = sum(one.path == line.path for one in report.lines) == 1
            where = line.path if alone else f"{methods} {line.path}"
            yield f"{where} is open to everybody because {because}"
    for key, reasons in found.items():
        expected = meant[key]
        each = [expected] if isinstance(expected, str) else sorted(expected)
        if not reasons:
            yield f"{key} is not open"
        elif sorted(reasons) != each:
            lines = f" in {len(reasons)} lines," if len(reasons) > 1 else ""
            yield f"{key} is open{lines} because {_listed(reasons)}, not because {_listed(each)}"


def _name(key: str) -> str:
    """Methods and path, with the methods in one order."""
    methods, space, path = key.partition(" ")
    return f"{','.join(sorted(methods.split(',')))} {path}" if space else key


def _listed(reasons: Iterable[str]) -> str:
    return " and ".join(map(repr, reasons))


def _all(line: RouteLine) -> tuple[Protection, ...]:
    return tuple(one for one in (*line.outside, line.protection) if one is not None)
