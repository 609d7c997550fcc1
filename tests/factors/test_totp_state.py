"""Steps, counters and drift."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.factors.totp_state import HotpState, TotpState
from zerotrust.wire.otp import MOST_COUNTER, OtpKey

NOW = 1_800_000_000.0
STEP = 60_000_000
KEY = OtpKey(b"k" * 20, "SHA1", 8)
BEGUN = TotpState("SHA1", 8, 30)


@given(st.integers(0, 3), st.integers(-3, 3), st.integers(-8, 8), st.floats(0, 29.9))
def test_the_window_lies_around_the_drift(window: int, drift: int, off: int, later: float) -> None:
    state = TotpState("SHA1", 8, 30, -1, drift)
    found = state.find(KEY, KEY.at(STEP + off), NOW + later, window)
    assert found == (STEP + off if abs(off - drift) <= window else None)


@given(st.integers(-40, 40), st.integers(-40, 40), st.integers(0, 5))
def test_a_step_counts_once_and_none_after_a_later_one(first: int, second: int, most: int) -> None:
    used = BEGUN.used(STEP + first, NOW, most)
    assert isinstance(used, TotpState)
    assert (used.step, used.drift) == (STEP + first, max(-most, min(most, first)))
    again = used.used(STEP + second, NOW, most)
    assert isinstance(again, TotpState) == (second > first)


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(-2, 2))
def test_who_types_late_at_times_is_never_shut_out(lates: list[bool], clock: int) -> None:
    """A clock that is off by at most a step more than the window is followed, at once and after one that came late."""
    state, now = TotpState("SHA1", 8, 30, -1, max(-1, min(clock, 1))), NOW
    for late in lates:
        now += 60.0
        shown = STEP + int(now - NOW) // 30 + clock - late
        if clock == -2 and late:
            continue  # three steps behind in all
        found = state.find(KEY, KEY.at(shown), now, 1)
        assert found == shown
        used = state.used(found, now, 1)
        assert isinstance(used, TotpState)
        state = used


@given(st.integers(-1, 1), st.integers(-1, 1))
def test_a_clock_that_is_set_right_is_let_in(drift: int, off: int) -> None:
    """As long as drift is at most the window, what is due by the right clock counts."""
    assert TotpState("SHA1", 8, 30, -1, drift).find(KEY, KEY.at(STEP), NOW, 1) == STEP


@given(st.integers(0, 2**40), st.integers(-5, 30), st.integers(0, 20))
def test_counters_from_the_next_to_the_end_of_the_look_ahead(counter: int, off: int, ahead: int) -> None:
    made = max(0, counter + off)
    state = HotpState("SHA1", 8, counter)
    assert state.find(KEY, KEY.at(made), ahead) == (made if counter <= made <= counter + ahead else None)
    used = state.used(made)
    if made < counter:
        assert isinstance(used, Reason)
        assert used.code == "replayed"
    else:
        assert used == HotpState("SHA1", 8, made + 1)


@given(st.integers(0, 2**40), st.integers(-3, 12), st.integers(-3, 12))
def test_two_codes_that_follow_each_other(counter: int, first: int, second: int) -> None:
    made = [max(0, counter + off) for off in (first, second)]
    found = HotpState("SHA1", 8, counter).find_pair(KEY, KEY.at(made[0]), KEY.at(made[1]), 8)
    inside = counter <= made[0] <= counter + 8 and made[1] == made[0] + 1 and made[1] <= counter + 9
    assert (found == made[1]) == inside


def test_at_the_end_of_all_counters() -> None:
    last = HotpState("SHA1", 8, MOST_COUNTER)
    assert last.find(KEY, KEY.at(MOST_COUNTER), 20) == MOST_COUNTER
    used = last.used(MOST_COUNTER)
    assert isinstance(used, HotpState)
    assert used.find(KEY, KEY.at(0), 20) is None
    assert used.find_pair(KEY, KEY.at(0), KEY.at(1), 20) is None
    assert HotpState("SHA1", 8, MOST_COUNTER - 1).find_pair(
        KEY, KEY.at(MOST_COUNTER - 1), KEY.at(MOST_COUNTER), 20
    ) == MOST_COUNTER  # fmt: skip
