"""Windows of time: what is in them, exactly until when, and what is refused where they are written."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.search import usually
from zerotrust.core.errors import ConfigError
from zerotrust.core.fact_values import during
from zerotrust.core.facts import During
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.verifiers import windows
from zerotrust.verifiers.request import request
from zerotrust.verifiers.request_questions import AT
from zerotrust.verifiers.windows import Window, window

BERLIN = "Europe/Berlin"
OFFICE = window("09:00", "17:00", zone=BERLIN, days="mon-fri")
NIGHT = window("22:00", "06:00", zone="America/New_York", days="sat-sun")


def at(text: str, zone: str = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("one", "moment", "inside", "until"),
    [
        (OFFICE, at("2025-11-24T09:00"), True, at("2025-11-24T17:00")),
        (OFFICE, at("2025-11-24T08:59:59"), False, at("2025-11-24T09:00")),
        (OFFICE, at("2025-11-21T17:00"), False, at("2025-11-24T09:00")),
        (NIGHT, at("2025-11-22T21:59", "America/New_York"), False, at("2025-11-22T22:00", "America/New_York")),
        (NIGHT, at("2025-11-24T05:59", "America/New_York"), True, at("2025-11-24T06:00", "America/New_York")),
        (NIGHT, at("2025-11-24T23:00", "America/New_York"), False, at("2025-11-29T22:00", "America/New_York")),
        # The clock is put forward at 2: 02:30 never comes, and the window that begins then begins at 3.
        (window("02:30", "04:00", zone=BERLIN, days=None), at("2025-03-30T01:59:59"), False, at("2025-03-30T03:00")),
        (window("01:00", "02:30", zone=BERLIN, days=None), at("2025-03-30T01:30"), True, at("2025-03-30T03:00")),
        # A window that is skipped as a whole comes again a week later.
        (window("02:10", "02:50", zone=BERLIN, days="sun"), at("2025-03-30T01:00"), False, at("2025-04-06T02:10")),
        # The clock is put back at 3: what it shows twice is twice in the window.
        (window("02:00", "02:30", zone=BERLIN, days=None), at("2025-10-26T02:10"), True, at("2025-10-26T02:30")),
        (window("02:00", "02:30", zone=BERLIN, days=None), at("2025-10-26T02:40"), False,
         at("2025-10-26T02:00", fold=1)),
        (window("01:00", "03:00", zone=BERLIN, days=None), at("2025-10-26T02:40"), True, at("2025-10-26T03:00")),
        # A day that a country left out (Samoa, 30 December 2011, a Friday).
        (window("09:00", "10:00", zone="Pacific/Apia", days="fri"), at("2011-12-29T12:00", "Pacific/Apia"), False,
         at("2012-01-06T09:00", "Pacific/Apia")),
        (window("00:00", "24:00", zone="UTC", days=None), 0.0, True, float("inf")),
        (window("00:00", "24:00", zone="UTC", days="mon"), at("2025-11-24T12:00", "UTC"), True,
         at("2025-11-25T00:00", "UTC")),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_is_inside_and_until_when(one: Window, moment: float, inside: bool, until: float) -> None:
    assert one.holds(moment) is inside
    assert one.until(moment) == until


WINDOWS = st.builds(
    lambda begins, length, zone, days: window(
        windows.show_time(begins),
        windows.show_time((begins + length) % 1440),
        zone=zone,
        days=windows.show_days(tuple(sorted(days))),
    ),
    st.integers(0, 1439),
    st.integers(1, 1439),
    st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "UTC"]),
    st.sets(st.integers(0, 6), min_size=1),
)
MOMENTS = st.floats(at("2022-01-01T00:00"), at("2028-01-01T00:00"))


@given(WINDOWS, MOMENTS)
@example(OFFICE, at("2025-03-28T17:00"))
@usually(150)
def test_nothing_changes_before_then_and_something_does_at_that_moment(one: Window, moment: float) -> None:
    until, now = one.until(moment), one.holds(moment)
    assert until > moment
    assert one.holds(until) is not now
    if until - moment < 10 * 86400:  # every quarter of an hour: no zone is put at others
        quarter = moment - moment % 900 + 900
        while quarter < until:
            assert one.holds(quarter) is now
            quarter += 900
    assert one.holds(until - 0.001) is now or until - 0.001 < moment


@given(WINDOWS, MOMENTS)
@usually(60)
def test_a_fact_says_the_same(one: Window, moment: float) -> None:
    assert during(During(AT, one.zone, one.days, one.begins, one.ends), float(int(moment))) is one.holds(int(moment))


def test_what_was_allowed_lasts_until_the_window_ends() -> None:
    leaf = request.during("09:00", "17:00", zone=BERLIN, days="mon-fri")
    decision = decide(leaf, AccessRequest(now=at("2025-11-24T10:00")))
    assert decision
    assert decision.valid_until == at("2025-11-24T17:00")
    assert "Mon 10:00 in Europe/Berlin" in str(decision)
    refused = decide(leaf, AccessRequest(now=at("2025-11-24T17:00")))
    assert (bool(refused), refused.valid_until) == (False, at("2025-11-25T09:00"))


@pytest.mark.parametrize("now", [1e18, -1e18, 253402300800.0])
def test_a_moment_that_no_calendar_has_is_unknown(now: float) -> None:
    for leaf in (request.during("09:00", "17:00", zone="UTC"), ~request.during("09:00", "17:00", zone="UTC")):
        assert not decide(leaf, AccessRequest(now=now))


def test_windows_are_values() -> None:
    leaf = request.during("22:00", "06:00", zone=BERLIN, days="fri-mon")
    assert str(leaf) == 'request.during("22:00", "06:00", zone="Europe/Berlin", days="mon,fri-sun")'
    assert leaf == pickle.loads(pickle.dumps(leaf)) == request.during("22:00", "06:00", zone=BERLIN, days="fri-mon")
    assert hash(leaf) == hash(pickle.loads(pickle.dumps(leaf)))
    assert str(request.during("00:00", "24:00", zone="UTC")) == 'request.during("00:00", "24:00", zone="UTC")'


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"begins": "9:00"}, 'write "09:00"'),
        ({"begins": 9}, 'write "09:00"'),
        ({"ends": "24:01"}, '"00:00" to "24:00"'),
        ({"begins": "24:00"}, 'write "00:00"'),
        ({"ends": "09:00"}, 'write during("00:00", "24:00", ...)'),
        ({"zone": "Europe/Berlun"}, 'did you mean "Europe/Berlin"?'),
        ({"zone": "berlin"}, 'did you mean "Europe/Berlin"?'),
        ({"zone": "New York"}, 'did you mean "America/New_York"?'),
        ({"zone": "CEST"}, 'write a region such as "Europe/Berlin"'),
        ({"zone": "UTC+1"}, 'write a region such as "Europe/Berlin"'),
        ({"zone": "+01:00"}, 'write a region such as "Europe/Berlin"'),
        ({"zone": "??"}, 'such as "Europe/Berlin"'),
        ({"zone": "../etc/passwd"}, "is no time zone"),
        ({"zone": "Europe"}, "is no time zone"),
        ({"zone": "\0"}, "is no time zone"),
        ({"zone": None}, "IANA name"),
        ({"zone": "localtime"}, "another one on each machine"),
        ({"zone": "right/UTC"}, "another one on each machine"),
        ({"days": "Monday"}, 'such as days="mon-fri"'),
        ({"days": ""}, 'such as "mon-fri"'),
        ({"days": "mon-"}, "'' is no day"),
        ({"days": ["mon"]}, 'such as "mon-fri"'),
    ],
    ids=str,
)
def test_what_is_no_window_is_refused_with_what_to_write(given: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        window(**{"begins": "09:00", "ends": "17:00", "zone": BERLIN, "days": None, **given})
    assert said in str(error.value)


def test_a_platform_without_time_zones_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "available_timezones", set)
    with pytest.raises(ConfigError, match="pip install tzdata"):
        window("09:00", "17:00", zone="Europe/Nowhere", days=None)


def test_what_a_clock_shows_is_read_down_to_the_second() -> None:
    end = at("2025-11-24T17:00")
    assert OFFICE.holds(end - 1e-6) is True  # rounded to a microsecond it would be 17:00
    assert datetime.fromtimestamp(end, UTC).hour == 16


def test_where_no_calendar_goes_nothing_is_known_of_what_comes() -> None:
    assert OFFICE.holds(1e18) is None
    assert OFFICE.until(1e18) == 1e18


def test_the_end_of_the_calendar_is_the_end_of_what_is_looked_at() -> None:
    always = window("00:00", "24:00", zone="UTC", days=None)
    assert always.until(at("9999-12-30T12:00", "UTC")) == float("inf")
    friday = window("09:00", "17:00", zone="UTC", days="fri")  # as 31 December 9999 is
    assert friday.until(at("9999-12-22T12:00", "UTC")) == at("9999-12-24T09:00", "UTC")
    assert friday.until(at("9999-12-31T18:00", "UTC")) == float("inf")
