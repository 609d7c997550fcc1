"""Windows that come again every week, by the clock on the wall of one time zone: read strictly, and when they change.

A clock on the wall skips an hour in spring and shows one twice in autumn. A moment is in a window if the clock then
shows a time in it. So what a clock skips is in no window, and of what it shows twice both are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from zerotrust.core.errors import ConfigError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_DAY_MINUTES: Final = 24 * 60
_HORIZON: Final = 16  # days: a week, and one more where the clocks skip a window of the first, or all of its day
_STEP: Final = 6 * 3600  # seconds; clocks are never moved twice in less
_OF_MACHINE: Final = frozenset({"localtime", "posixrules", "Factory"})
_ABBREVIATION: Final = re.compile(r"[A-Z]{1,5}|(?:UTC|GMT|Z)?\s?[+-]\d.*")  # CEST, UTC+1, +01:00
_PER_MACHINE: Final = ("posix/", "right/")  # other readings of the same zones, which not every platform has


@dataclass(frozen=True, slots=True)
class Window:
    """A window that comes again on `days`, from `begins` to before `ends`.

    Attributes:
        begins, ends: minutes after midnight; where `ends` is not after `begins` it is of the day after.
        zone: IANA name of the time zone.
        days: 0 for Monday to 6 for Sunday; of the day on which the window begins.
        clock: the zone itself.
    """

    begins: int
    ends: int
    zone: str
    days: tuple[int, ...]
    clock: ZoneInfo = field(repr=False, compare=False)

    def local(self, moment: float) -> datetime | None:
        """What the clock on the wall shows at `moment` (POSIX seconds); None where no calendar goes."""
        try:
            return datetime.fromtimestamp(math.floor(moment), self.clock)
        except (OverflowError, ValueError, OSError):
            return None

    def holds(self, moment: float) -> bool | None:
        """Whether `moment` (POSIX seconds) is in the window; None where no calendar goes."""
        local = self.local(moment)
        if local is None:
            return None
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.begins < self.ends:
            return day in self.days and self.begins <= minute < self.ends
        late, early = minute >= self.begins, minute < self.ends
        return (late and day in self.days) or (early and (day - 1) % 7 in self.days)

    def until(self, moment: float) -> float:
        """The first moment after `moment` at which `holds` changes; infinity if it never does."""
        now, local = self.holds(moment), self.local(moment)
        if now is None or local is None:
            return moment  # nothing is known of what comes
        found: set[float] = set()
        for ahead in range(_HORIZON):
            try:
                found.update(self._edges(local.date() + timedelta(days=ahead - 1)))
                found.update(self._moves(math.floor(moment) + ahead * 86400))
            except (OverflowError, ValueError):  # past the end of the calendar
                break
            # Those of the last two days are not all known yet.
            later = sorted(edge for edge in found if moment < edge <= moment + (ahead - 2) * 86400)
            for edge in later:
                if self.holds(edge) is not now:
                    return edge
        return math.inf

    def _edges(self, day: date) -> Iterator[float]:
        """When the clock shows on `day` that the window begins or ends, or that the day does."""
        midnight = datetime.combine(day, time(), self.clock)
        for minute in (0, self.begins, self.ends, _DAY_MINUTES):
            for fold in (0, 1):
                yield (midnight + timedelta(minutes=minute)).replace(fold=fold).timestamp()

    def _moves(self, since: int) -> Iterator[float]:
        """When in the day after `since` the clock is moved."""
        for start in range(since, since + 86400, _STEP):
            low, high = start, start + _STEP
            before = self._offset(low)
            if before == self._offset(high):
                continue
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if self._offset(middle) == before else (low, middle)
            yield float(high)

    def _offset(self, moment: int) -> timedelta | None:
        return datetime.fromtimestamp(moment, self.clock).utcoffset()


def window(begins: object, ends: object, *, zone: object, days: object) -> Window:
    """The window from `begins` to before `ends`.

    Args:
        begins: the time of day at which it begins, such as `09:00`.
        ends: that at which it ends; `24:00` is the end of a day.
        zone: IANA name of a time zone.
        days: `mon-fri`, `mon,wed,sat-sun`; None for every day.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    first, last = _time(begins), _time(ends)
    if first == _DAY_MINUTES:
        raise ConfigError('during("24:00", ...): a window begins on the day after then; write "00:00"')
    if first == last:
        raise ConfigError(
            f'during("{begins}", "{ends}") begins as it ends; for whole days write during("00:00", "24:00", ...)'
        )
    name, clock = _zone(zone)
    return Window(first, last, name, _days(days), clock)


def show_time(minute: int) -> str:
    """A minute of the day as it is written."""
    return f"{minute // 60:02}:{minute % 60:02}"


def show_days(days: tuple[int, ...]) -> str:
    """Days as they are written, e.g. `mon-fri`."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)


def _time(text: object) -> int:
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ConfigError(
            f'during({text!r}, ...): a time of day has two digits each, from "00:00" to "24:00"; write "09:00"'
        )
    return _DAY_MINUTES if found[1] is None else int(found[1]) * 60 + int(found[2])


def _days(given: object) -> tuple[int, ...]:
    if given is None:
        return tuple(range(7))
    if not isinstance(given, str) or not given:
        raise ConfigError(f'days={given!r}: write days of the week such as "mon-fri" or "mon,wed"')
    found: set[int] = set()
    for part in given.split(","):
        first, dash, last = part.strip().partition("-")
        one = _day(first, given)
        other = _day(last, given) if dash else one
        found.update((one + step) % 7 for step in range((other - one) % 7 + 1))
    return tuple(sorted(found))


def _day(name: str, given: str) -> int:
    if name not in DAYS:
        raise ConfigError(f'days={given!r}: {name!r} is no day; write {", ".join(DAYS)}, such as days="mon-fri"')
    return DAYS.index(name)


def _zone(name: object) -> tuple[str, ZoneInfo]:
    if not isinstance(name, str) or not name:
        raise ConfigError(f'zone={name!r}: write the IANA name of a time zone such as "Europe/Berlin", or "UTC"')
    if name in _OF_MACHINE or name.startswith(_PER_MACHINE):
        raise ConfigError(f'zone={name!r} is another one on each machine; write a name such as "Europe/Berlin"')
    try:
        return name, ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name with odd characters, a folder of zones
        known = available_timezones()
    if not known:
        raise ConfigError(
            f"zone={name!r}: this platform has no time zones; install them with `pip install tzdata`"
        ) from None
    if _ABBREVIATION.fullmatch(name):
        raise ConfigError(
            f"zone={name!r} is no time zone but what its clocks are called for a part of the year, or how far they are "
            'from UTC; write a region such as "Europe/Berlin"'
        ) from None
    place = name.rpartition("/")[2].lower().replace(" ", "_")
    close = sorted(zone for zone in known if zone.rpartition("/")[2].lower() == place)
    close = close or get_close_matches(name, sorted(zone for zone in known - _OF_MACHINE if "/" in zone), 1)
    advice = f'did you mean "{close[0]}"?' if close else 'write a region such as "Europe/Berlin", or "UTC"'
    raise ConfigError(f"zone={name!r} is no time zone; {advice}") from None
