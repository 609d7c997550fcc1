"""Spans and moments: given as `timedelta`, kept as seconds, shown as a person would say them."""

from __future__ import annotations

from datetime import timedelta
from time import gmtime, strftime

from zerotrust.core.errors import ConfigError

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def seconds(count: float) -> timedelta:
    """A span of `count` seconds."""
    return _span("seconds", count)


def minutes(count: float) -> timedelta:
    """A span of `count` minutes."""
    return _span("minutes", count)


def hours(count: float) -> timedelta:
    """A span of `count` hours."""
    return _span("hours", count)


def days(count: float) -> timedelta:
    """A span of `count` days of 24 hours."""
    return _span("days", count)


def _span(unit: str, count: object) -> timedelta:
    """So many units; `ConfigError` if `count` is no number, or more than a span can hold."""
    if isinstance(count, bool) or not isinstance(count, int | float):
        raise ConfigError(f"{unit}({count!r}) takes a number: write {unit}(5)")
    try:
        return timedelta(**{unit: count})
    except (OverflowError, ValueError):
        raise ConfigError(f"{unit}({count:g}) is no span of time that makes sense; write e.g. {unit}(5)") from None


def span_in_seconds(span: object, name: str, *, least: float = 0.0, most: float = 10 * 365 * 86400.0) -> float:
    """The seconds in `span`; `ConfigError` if it is not a timedelta from `least` to `most` seconds."""
    if not isinstance(span, timedelta):
        raise ConfigError(f"{name} is a span of time such as minutes(5), not {span!r}: a bare number has no unit")
    total = span.total_seconds()
    if not least <= total <= most:
        raise ConfigError(f"{name}={show_span(total)} is out of range: {show_span(least)} to {show_span(most)}")
    return total


def show_span(total: float) -> str:
    """A span as text in its largest whole unit: `5 min`, `36 h`, `90 s`."""
    for size, unit in _UNITS:
        if total and total % size == 0:
            return f"{total / size:.0f} {unit}"
    return f"{total:g} s"


def show_moment(moment: float, now: float) -> str:
    """A moment as text in UTC, to the minute; with its date if it is not within 12 hours of `now`."""
    if not -62135596800 <= moment < 253402300800:  # beyond what a calendar can say
        return "never"
    return strftime("%H:%M" if abs(moment - now) < 43200 else "%Y-%m-%d %H:%M", gmtime(moment))
