"""What is kept for a time: nothing goes early, everything goes in the end, and no ask does much of it."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from tests.stores.asking import refused
from zerotrust.stores.codec import FOREVER
from zerotrust.stores.spans import Marks, Records

AT_ONCE = 8
GRACE = 60
NOW = 1_800_000_000
MS = 1000


def name(number: int) -> bytes:
    """As digests are: the same bytes for the same number, spread over all tables."""
    return (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "little") + number.to_bytes(16, "big")


def records(room: int = 10_000, size: int = 10**9) -> Records:
    return Records(room, size, "values")


def test_an_ask_forgets_a_few_marks_at_most() -> None:
    marks = Marks(10_000)
    for number in range(5000):  # some spans with one mark, some with many
        assert marks.consume(name(number), NOW + 1 + min(500, number), NOW)
    for number in range(5000, 6000):
        before = len(marks)
        marks.consume(name(number), NOW + 100_000, NOW + 10_000)
        assert before - len(marks) in range(AT_ONCE) or before == len(marks) - 1
    assert len(marks) == 1000
    assert len(marks._spans) == len(marks._order) == 1


def test_an_ask_forgets_a_few_records_at_most() -> None:
    values = records()
    for number in range(5000):
        values.put(name(number), b"v", (NOW + 1 + min(500, number)) * MS, NOW * MS)
    for number in range(5000, 7000):
        before = len(values)
        values.put(name(number), b"v", (NOW + 100_000) * MS, (NOW + 10_000) * MS)
        assert before - len(values) in range(AT_ONCE) or before == len(values) - 1
    assert len(values) == values.size == 2000


def test_marks_that_expire_faster_than_asks_come_are_caught_up_with() -> None:
    marks = Marks(10)
    for number in range(10):  # each in a span of its own
        assert marks.consume(name(number), NOW + 16 * number + 1, NOW)
    assert "in use" in refused(marks.consume, name(10), NOW + 100, NOW)
    assert marks.consume(name(10), NOW + 2000, NOW + 1000)
    assert marks.consume(name(11), NOW + 2000, NOW + 1000)
    assert len(marks) == 2


def test_no_mark_goes_before_its_time_and_the_grace() -> None:
    for until in (NOW, NOW + 0.5, NOW + 15.999, NOW + 16, NOW + 31):
        marks = Marks(10)
        assert marks.consume(name(1), until, NOW - 1)
        assert marks.consume(name(2), inf, until + GRACE)
        assert not marks.consume(name(1), inf, until + GRACE)
        assert marks.consume(name(3), inf, until + GRACE + 16)
        assert marks.consume(name(1), inf, until + GRACE + 16)


def test_what_is_next_has_its_grace_too() -> None:
    marks, values = Marks(10), records()
    for number, until in ((1, NOW + 1), (2, NOW + 40)):
        assert marks.consume(name(number), until, NOW)
        values.put(name(number), b"v", until * MS, NOW * MS)
    assert not marks.consume(name(2), inf, NOW + 99)
    values.forget((NOW + 99) * MS)
    assert len(values) == len(marks) == 1


def test_a_mark_of_a_span_of_which_some_was_forgotten_is_not_new() -> None:
    marks = Marks(10)
    assert marks.consume(name(1), NOW + 15, NOW)
    assert marks.consume(name(2), inf, NOW + 300)
    assert "set back" in refused(marks.consume, name(1), NOW + 15, NOW + 14.9)
    assert marks.consume(name(1), NOW + 30, NOW + 16)


def test_what_was_forgotten_is_not_forgotten_for_what_comes_late() -> None:
    values = records()
    values.put(name(1), b"v", (NOW + 300) * MS, NOW * MS)
    values.forget((NOW + 1000) * MS)
    values.put(name(2), b"v", (NOW + 10) * MS, NOW * MS)  # by a clock that was set back
    values.forget((NOW + 1000) * MS)
    assert len(values) == 0
    assert "set back" in refused(values.get, name(1), (NOW + 200) * MS)


lives = st.one_of(st.integers(1, 10**12), st.integers(0, 42).map(lambda bits: 2**bits))


@given(lives, st.integers(0, 10**7))
def test_no_record_goes_before_its_time_and_the_grace_and_none_stays_long(life: int, offset: int) -> None:
    values, now = records(), NOW * MS + offset
    until = now + life
    values.put(name(1), b"v", until, now)
    values.forget(until + GRACE * MS - 1)
    assert values.get(name(1), now) == (b"v", until)
    values.forget(until + GRACE * MS + max(2**14, life // 8))
    assert len(values) == 0
    assert "set back" in refused(values.get, name(1), until - 1)
    assert values.get(name(1), until + max(2**14, life // 8)) is None


def test_what_is_for_good_stays() -> None:
    values = records()
    values.put(name(1), b"v", FOREVER, NOW * MS)
    for _ in range(100):
        values.forget(FOREVER - 1)
    assert values.get(name(1), FOREVER - 1) == (b"v", FOREVER)


def test_a_value_that_is_renewed_leaves_nothing_behind() -> None:
    values = records()
    for number in range(20_000):
        values.put(name(1), b"v", (NOW + 10**6 + 16 * number) * MS, NOW * MS)
    assert len(values) == values.size == 1
    assert sum(map(len, values._spans.values())) == 1
    assert len(values._spans) == len(values._order) < 20


@given(st.lists(st.tuples(lives, st.integers(0, 255), st.integers(0, 10**6)), max_size=300))
def test_there_are_few_spans_however_far_ahead_records_expire(puts: list[tuple[int, int, int]]) -> None:
    values, now = records(), NOW * MS
    for life, number, passed in puts:
        now += passed
        values.put(bytes([number]) + bytes(23), b"v", min(now + life, FOREVER), now)
        assert len(values._order) == len(values._spans)
        assert sum(map(len, values._spans.values())) == len(values)
    # For each of 42 lengths of a life: 33 ends of spans that are ahead, and what is not yet forgotten.
    assert len(values._spans) <= min(len(puts), 16 * 33 * 42)


def test_years_of_renewals_leave_few_spans() -> None:
    """Sessions of half a year that are prolonged every hour, for ten years."""
    values, now = records(), NOW * MS
    most = 0
    for hour in range(10 * 365 * 24):
        now += 3600 * MS
        values.put(name(hour % 50), b"v", now + 180 * 86400 * MS, now)
        most = max(most, len(values._spans))
    assert most <= 16 * 33
    assert len(values) == 50


@given(
    st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=5), st.integers(0, 100), st.integers(0, 50)), max_size=100)
)
def test_sizes_are_accounted_for(steps: list[tuple[int, bytes, int, int]]) -> None:
    values, now = Records(4, 12, "values"), NOW * MS
    model: dict[int, bytes] = {}
    for number, value, life, passed in steps:
        now += passed * MS
        if not life:
            values.drop(name(number))
            model.pop(number, None)
            continue
        try:
            values.put(name(number), value, now + life * MS, now)
        except Exception as error:
            assert "in use" in str(error)  # noqa: PT017 - most of the time it is not refused
        else:
            model[number] = value
        model = {one: kept for one, kept in model.items() if values.get(name(one), NOW * MS + 10**9) is not None}
        assert values.size == sum(map(len, model.values())) <= 12
        assert len(values) == len(model) <= 4
