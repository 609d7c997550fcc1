from __future__ import annotations

from datetime import timedelta
from math import inf, nan

import pytest

from zerotrust.core.errors import ConfigError
from zerotrust.testing import Clock


def test_it_stands_still_until_told() -> None:
    clock = Clock(1000.0)
    assert (clock(), clock()) == (1000.0, 1000.0)
    assert clock.advance(timedelta(minutes=1)) == 1060.0
    assert clock.advance(-10) == 1050.0
    clock.set(5.5)
    assert clock() == 5.5
    assert repr(clock) == "Clock(5.5)"


def test_a_ticking_clock_runs_on_from_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    real = [70.0]
    monkeypatch.setattr("time.monotonic", lambda: real[0])
    clock = Clock(1000.0, ticking=True)
    real[0] += 2
    assert clock() == 1002.0
    assert clock.advance(60) == 1062.0
    clock.set(5.0)
    assert clock() == 5.0
    real[0] += 1
    assert clock() == 6.0
    assert repr(clock) == "Clock(6.0, ticking=True)"


@pytest.mark.parametrize("moment", [nan, inf, -inf])
def test_it_shows_only_finite_time(moment: float) -> None:
    with pytest.raises(ConfigError, match="finite POSIX seconds"):
        Clock(moment)
    clock = Clock(1.0)
    with pytest.raises(ConfigError, match="finite POSIX seconds"):
        clock.set(moment)
    with pytest.raises(ConfigError, match="finite POSIX seconds"):
        clock.advance(moment)
    assert clock() == 1.0
