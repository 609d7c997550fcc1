"""Wrong codes: how many, how long one waits, and what a right one makes up for."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import hours, minutes, seconds
from zerotrust.core.reason import Reason
from zerotrust.factors.throttle import MOST, PER_PAIR, Lane, Throttle, Tries, full, throttled

NOW = 1_800_000_000.0
THROTTLE = Throttle()


def guessed(throttle: Throttle, known: bool, now: float = NOW) -> tuple[list[float], float]:
    """When each wrong code was taken by a guesser who comes back as soon as allowed, and when it was over."""
    tries = Tries()
    taken: list[float] = []
    while len(taken) <= MOST:
        made = throttle.admit(tries, known, now)
        if isinstance(made, Reason):
            assert made.code == "throttled"
            assert isinstance(made.expected, int)
            if made.detail:
                return taken, now
            now += made.expected
        else:
            taken.append(now - NOW)
            tries = made
    raise AssertionError("more than a hundred")


def test_a_guesser_from_browsers_nobody_knows() -> None:
    taken, _ = guessed(THROTTLE, known=False)
    assert len(taken) == 80
    assert taken[:11] == [0.0] * 10 + [0.0]
    gaps = [later - earlier for earlier, later in pairwise(taken[10:])]
    assert gaps[:8] == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert set(gaps[7:]) == {3600}
    assert taken[-1] > 2.5 * 86400


def test_a_guesser_from_known_browsers() -> None:
    taken, _ = guessed(THROTTLE, known=True)
    assert len(taken) == 20
    gaps = [later - earlier for earlier, later in pairwise(taken)]
    assert gaps[:6] == [0, 0, 0, 30, 60, 120]
    assert taken[-1] > 8 * 3600


def test_sp_800_63b_section_3_2_2_never_more_than_a_hundred() -> None:
    for throttle in (THROTTLE, Throttle(known=4, unknown=96), Throttle(known=50, unknown=50)):
        assert len(guessed(throttle, known=False)[0]) + len(guessed(throttle, known=True)[0]) <= MOST == 100


def test_it_never_opens_again_by_itself() -> None:
    tries = Tries(known=Lane(20, NOW), unknown=Lane(80, NOW))
    for known in (True, False):
        for now in (NOW, NOW + 1e6, NOW + 1e9):
            assert isinstance(THROTTLE.admit(tries, known, now), Reason)
    assert "enrol" in THROTTLE.said(tries)
    assert "browsers" in THROTTLE.said(Tries(unknown=Lane(80, NOW)))
    assert THROTTLE.said(Tries(Lane(19, NOW), Lane(79, NOW))) == ""


def test_lanes_are_apart() -> None:
    tries = Tries(unknown=Lane(80, NOW + 3600))
    made = THROTTLE.admit(tries, True, NOW)
    assert made == Tries(Lane(1, NOW), Lane(80, NOW + 3600))
    assert made.lane(True) == Lane(1, NOW)
    assert isinstance(THROTTLE.admit(Tries(known=Lane(20, NOW)), False, NOW), Tries)


def test_the_wait_is_over_at_its_end_and_not_before() -> None:
    tries = Tries(unknown=Lane(12, NOW + 60))
    early = THROTTLE.admit(tries, False, NOW + 59.5)
    assert isinstance(early, Reason)
    assert early.expected == 1
    assert isinstance(THROTTLE.admit(tries, False, NOW + 60), Tries)


@pytest.mark.parametrize(
    ("lane", "counted", "failures", "left"),
    [
        (Lane(13, NOW + 120), Lane(13, NOW + 120), 1, Lane(12, 0.0)),  # its own attempt, and the wait that it set
        (Lane(13, NOW + 120), Lane(13, NOW + 120), 4, Lane(9, 0.0)),  # three typing errors before it, too
        (Lane(14, NOW + 240), Lane(13, NOW + 120), 1, Lane(13, NOW + 240)),  # somebody else's wait stays
        (Lane(2, NOW), Lane(1, NOW), 5, Lane(0, 0.0)),  # never below nothing
    ],
)
def test_what_a_right_code_makes_up_for(lane: Lane, counted: Lane, failures: int, left: Lane) -> None:
    other = Lane(7, NOW + 9)
    assert Tries(other, lane).taken_back(False, counted, failures) == Tries(other, left)


def test_in_a_known_browser_a_right_code_makes_up_for_all_in_known_ones() -> None:
    tries = Tries(Lane(9, NOW + 5), Lane(40, NOW + 99))
    assert tries.taken_back(True, Lane(9, NOW + 5), 1) == Tries(Lane(), Lane(40, NOW + 99))


@pytest.mark.parametrize(
    "wrong",
    [
        {"known": 21},
        {"unknown": 81},
        {"known": 3},
        {"unknown": 10},
        {"known": True},
        {"unknown": 80.0},
        {"per_address": PER_PAIR - 1},
        {"per_address": "50"},
        {"first_wait": 30},
        {"first_wait": seconds(0)},
        {"first_wait": hours(2)},
        {"longest_wait": seconds(29)},
        {"longest_wait": hours(25)},
    ],
)
def test_what_makes_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Throttle(**wrong)


def test_waits_as_configured() -> None:
    throttle = Throttle(first_wait=minutes(1), longest_wait=minutes(3))
    assert [throttle.wait(failures, True) for failures in (0, 3, 4, 5, 6, 99)] == [0, 0, 60, 120, 180, 180]
    assert [throttle.wait(failures, False) for failures in (10, 11, 12, 13, 10_000)] == [0, 60, 120, 180, 180]


@pytest.mark.parametrize(("wait", "told"), [(0.0, 1), (0.2, 1), (30.0, 30), (30.1, 31), (1e12, 86400)])
def test_a_wait_is_told_in_whole_seconds(wait: float, told: int) -> None:
    assert throttled(wait).expected == told


def test_no_wait_is_longer_than_the_longest() -> None:
    tries = Tries(Lane(5, NOW + 1e7), Lane(3, NOW + 9))
    made = THROTTLE.admit(tries, True, NOW)
    assert isinstance(made, Reason)
    assert made.expected == 3600
    assert THROTTLE.corrected(tries, NOW) == Tries(Lane(5, NOW + 3600), Lane(3, NOW + 9))


@pytest.mark.parametrize(("window", "told"), [(3600.0, 4050), (86400.0, 97200)])
def test_a_full_window_is_over_once_all_of_it_has_passed(window: float, told: int) -> None:
    assert full(window).expected == told
