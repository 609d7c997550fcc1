"""Between asks and stores: times that never round a life shorter, windows that leave nothing out, values that say what
they are.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan, nextafter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.stores.asking import refused
from zerotrust.core.ask import Count, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.stores.codec import FOREVER, MAX_VALUE, SLOTS, Codec, expiry, moment, slots
from zerotrust.stores.keys import StoreKeys

NOW = 1_800_000_000.0
END = FOREVER / 1000
KEYS = StoreKeys(encrypt=[bytes(range(101, 133))])
HOSTILE = [nan, inf, -inf, 1e300, -1e300, 1.7e308, -1.7e308, END, -END]

any_moment = st.floats(nextafter(-END, 0), nextafter(END, 0))
moments = st.floats(-1e11, 1e11)  # up to the year 5000; far beyond it a float tells no milliseconds
present = st.floats(NOW - 1e6, NOW + 1e9)


@pytest.mark.parametrize("now", HOSTILE)
def test_what_is_no_time_is_refused(now: float) -> None:
    assert "no time" in refused(moment, now)
    for until in (0.0, *HOSTILE):
        refused(expiry, until, now)
        refused(expiry, until, -now)
    assert "no time" in refused(slots, Count("s", b"k", 60.0, now))


@pytest.mark.parametrize("until", [NOW, NOW - 1, nan, -inf, -1.7e308])
def test_what_would_have_expired_already_is_refused(until: float) -> None:
    assert "expired already" in refused(expiry, until, NOW)


@pytest.mark.parametrize("until", [inf, 1.7e308, END, 1.5 * END, 10**400])
def test_what_never_expires(until: float) -> None:
    assert expiry(until, NOW) == FOREVER
    assert moment(nextafter(END, 0)) < FOREVER


def test_whole_milliseconds_stay_what_they_are() -> None:
    for number in range(3000):
        seconds = (1_800_000_000_000 + 7 * number) / 1000
        assert moment(seconds) == expiry(seconds, NOW - 1) == 1_800_000_000_000 + 7 * number
    assert moment(-1.001) == expiry(-1.001, -2.0) == -1001
    assert moment(1) == expiry(1, 0) == 1000


@given(moments)
def test_moments_round_down_by_less_than_a_millisecond(now: float) -> None:
    assert (moment(now) + 1) / 1000 > now >= moment(now) / 1000


@given(moments, moments)
def test_expiries_round_up_by_less_than_a_millisecond(now: float, until: float) -> None:
    assume(now < until)
    assert (expiry(until, now) - 1) / 1000 < until <= expiry(until, now) / 1000


@given(any_moment, any_moment)
def test_the_later_is_later(first: float, second: float) -> None:
    assume(first < second)
    assert moment(first) < expiry(second, first)
    assert moment(first) <= moment(second)


def _around(until: float, ulps: int) -> float:
    for _ in range(abs(ulps)):
        until = nextafter(until, inf if ulps > 0 else -inf)
    return until


@given(
    st.one_of(present, st.integers(1_800_000_000_000, 1_900_000_000_000).map(lambda ms: ms / 1000)), st.integers(1, 9)
)
def test_nothing_expires_early_not_by_the_least_float(until: float, ulps: int) -> None:
    assert moment(_around(until, -ulps)) < expiry(until, NOW - 1e7)


@given(st.integers(1_800_000_000_000, 1_900_000_000_000), st.integers(0, 9))
def test_what_expires_at_a_whole_millisecond_has_expired_then(until: int, ulps: int) -> None:
    assert moment(_around(until / 1000, ulps)) >= expiry(until / 1000, NOW - 1e7)


@pytest.mark.parametrize("window", [0.0, -1.0, 0.0009, 366 * 86400.0 + 1, *HOSTILE, 10**400])
def test_windows_that_make_no_sense(window: float) -> None:
    assert "a window" in refused(slots, Count("s", b"k", window, NOW))


@pytest.mark.parametrize("add", [-1, 2**31 + 1, 10**400])
def test_numbers_of_events_that_make_no_sense(add: int) -> None:
    assert "events" in refused(slots, Count("s", b"k", 60.0, NOW, add))


def test_the_least_and_the_most() -> None:
    for window, add in ((0.001, 0), (366 * 86400.0, 2**31)):
        slot, first, until = slots(Count("s", b"k", window, NOW, add))
        assert slot - first == SLOTS
        assert until > NOW * 1000


windows = st.one_of(st.floats(0.001, 366 * 86400.0), st.sampled_from([0.001, 0.1, 1.0, 60.0, 3600.0, 86400.0]))


@given(windows, present, st.floats(0, 1.2), st.integers(-3, 3))
def test_no_event_in_the_window_is_left_out(window: float, asked: float, ago: float, ulps: int) -> None:
    happened = min(asked, _around(asked - ago * window, ulps))
    slot, _, until = slots(Count("s", b"k", window, happened))
    _, first, _ = slots(Count("s", b"k", window, asked))
    age = Fraction(asked) - Fraction(happened)
    if age <= Fraction(window):
        assert slot >= first
    if age >= Fraction(window) * (SLOTS + 1) / SLOTS:
        assert slot < first
    if slot >= first:  # and it is still there
        assert moment(asked) < until


@given(windows, moments)
def test_any_moment_has_its_slot(window: float, now: float) -> None:
    slot, first, until = slots(Count("s", b"k", window, now))
    assert first < slot
    assert moment(now) < until
    assert -(2**63) < slot < 2**63


names = st.binary(min_size=24, max_size=24)


@given(names, st.binary(max_size=100), st.booleans())
def test_what_was_packed_unpacks(name: bytes, value: bytes, secret: bool) -> None:
    codec = Codec("a", KEYS)
    packed = codec.pack(name, value, secret=secret)
    assert codec.unpack(name, packed) == value
    if secret:
        assert codec.unpack(name, packed, secret=True) == value
    else:
        assert "should be encrypted" in refused(codec.unpack, name, packed, secret=True)


def test_equal_values_are_packed_alike_only_in_the_plain() -> None:
    codec = Codec("a", KEYS)
    name = codec.record("kind", b"k")
    assert codec.pack(name, b"v") == codec.pack(name, b"v")
    assert codec.pack(name, b"v", secret=True) != codec.pack(name, b"v", secret=True)
    assert b"hidden" not in codec.pack(name, b"hidden", secret=True)


def test_a_secret_value_does_not_become_a_plain_one() -> None:
    codec = Codec("a", KEYS)
    name = codec.record("kind", b"k")
    sealed = codec.pack(name, b"v", secret=True)
    for forged in (b"\0" + sealed[1:], b"\0v", b"\0"):
        assert "should be encrypted" in refused(codec.unpack, name, forged, secret=True)
    assert "changed or moved" in refused(codec.unpack, codec.record("kind", b"other"), sealed)
    assert "changed or moved" in refused(codec.unpack, codec.record("other", b"k"), sealed)
    assert "no key" in refused(Codec("a", None).unpack, name, sealed)
    assert "no key" in refused(Codec("a", None).pack, name, b"v", secret=True)


@given(names, st.binary(max_size=60), st.booleans())
def test_whatever_is_kept_opens_or_is_refused(name: bytes, kept: bytes, secret: bool) -> None:
    for forged in (kept, b"\1" + kept, KEYS.seal(name, b"")[:4] + kept):
        try:
            value = Codec("a", KEYS).unpack(name, forged, secret=secret)
        except SourceFailed:
            pass
        else:
            assert not secret
            assert forged == b"\0" + value


def test_what_others_put_there_is_refused() -> None:
    for kept in (b"", b"\2", b"v", b"{}"):
        assert "not put there by this library" in refused(Codec("a", KEYS).unpack, b"n" * 24, kept)


def test_values_are_bounded() -> None:
    codec = Codec("a", KEYS)
    for secret in (False, True):
        packed = codec.pack(b"n" * 24, bytes(MAX_VALUE), secret=secret)
        assert codec.unpack(b"n" * 24, packed) == bytes(MAX_VALUE)
        assert "longer" in refused(codec.pack, b"n" * 24, bytes(MAX_VALUE + 1), secret=secret)


def test_keys_that_are_none() -> None:
    with pytest.raises(ConfigError, match="keys is bytes; write keys=StoreKeys"):
        Codec("a", b"k" * 32)  # type: ignore[arg-type]


def test_the_index_key_keys_the_names() -> None:
    keyed = Codec("a", StoreKeys(index=bytes(range(105, 137))))
    for name in ("mark", "record"):
        assert getattr(keyed, name)("s", b"k") != getattr(Codec("a", KEYS), name)("s", b"k")
    assert keyed.count("s", 60.0, b"k") != Codec("a", None).count("s", 60.0, b"k")
