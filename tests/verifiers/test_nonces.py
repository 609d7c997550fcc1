from __future__ import annotations

import re
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.tokens import NOW
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import minutes, seconds
from zerotrust.verifiers.nonces import Nonces

SECRET, NEXT, FOREIGN = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))


def test_a_nonce_is_what_section_8_1_allows() -> None:
    assert re.fullmatch(r"[\x21\x23-\x5B\x5D-\x7E]+", Nonces(SECRET).make(NOW))


def test_servers_with_the_same_secret_make_and_take_the_same() -> None:
    one, other = Nonces(SECRET), Nonces(SECRET)
    assert one.make(NOW) == other.make(NOW)
    assert other.accepts(one.make(NOW), NOW)


@pytest.mark.parametrize("age", [-150, -1, 0, 1, 149, 150, 299])
def test_for_half_a_lifetime_at_least_it_is_good(age: int) -> None:
    nonces, begun = Nonces(SECRET), NOW // 300 * 300
    assert nonces.accepts(nonces.make(begun), begun + age) is True


@pytest.mark.parametrize("age", [-151, 300, 301, 1000, 10**7])
def test_after_a_lifetime_it_is_good_no_more(age: int) -> None:
    nonces, begun = Nonces(SECRET), NOW // 300 * 300
    assert nonces.accepts(nonces.make(begun), begun + age) is False


@given(made=st.floats(0, 1e10), age=st.floats(0, 1000), lifetime=st.integers(10, 600))
def test_never_shorter_than_half_and_never_longer_than_all(made: float, age: float, lifetime: int) -> None:
    nonces = Nonces(SECRET, timedelta(seconds=lifetime))
    good = nonces.accepts(nonces.make(made), made + age)
    if age < lifetime / 2 - 1e-3:
        assert good
    if age > lifetime + 1e-3:
        assert not good


def test_others_are_strangers() -> None:
    ours = Nonces(SECRET)
    assert not ours.accepts(Nonces(FOREIGN).make(NOW), NOW)
    assert not ours.accepts(Nonces(SECRET, minutes(10)).make(NOW), NOW)


@given(st.text(max_size=40))
def test_any_text_may_be_asked_about(nonce: str) -> None:
    assert Nonces(SECRET).accepts(nonce, NOW) is False


@pytest.mark.parametrize(
    "change", [lambda n: n[:-1], lambda n: n + "A", lambda n: n.swapcase(), lambda n: n + "=", str.lower]
)
def test_nearly_ours_is_not(change: object) -> None:
    nonces = Nonces(SECRET)
    nonce = nonces.make(NOW)
    assert not nonces.accepts(change(nonce), NOW)  # type: ignore[operator]


def test_a_secret_is_replaced_without_turning_anybody_away() -> None:
    old, added, first, new = Nonces(SECRET), Nonces([SECRET, NEXT]), Nonces([NEXT, SECRET]), Nonces(NEXT)
    for now, later in ((old, added), (added, old), (added, first), (first, added), (first, new), (new, first)):
        assert later.accepts(now.make(NOW), NOW)
    assert not new.accepts(old.make(NOW), NOW)
    assert added.make(NOW) == old.make(NOW)
    assert first.make(NOW) == new.make(NOW)


@given(st.integers(0, 2**64))
def test_what_was_drawn_is_taken(seed: int) -> None:
    drawn = sha256(b"%d" % seed).digest()  # which is as good as drawn, and the same next time
    identifier = str(UUID(bytes=drawn[:16])).encode()
    for secret in (drawn, drawn.hex().encode(), drawn[:16].hex().encode(), b64encode(drawn), identifier):
        assert Nonces(secret).make(NOW)


def test_time_goes_on_and_memory_does_not_grow() -> None:
    nonces = Nonces(SECRET)
    seen = {nonces.make(NOW + 150 * step) for step in range(100)}
    assert len(seen) == 100
    assert len(nonces._slots) < 10
    assert nonces.accepts(nonces.make(NOW), NOW)


@pytest.mark.parametrize(
    "secret",
    [
        b"",
        b"short",
        bytes(range(31)),
        bytes(32),
        b"a" * 64,
        b"password" * 4,
        b"change-me-change-me-change-me-ok",
        b"deadbeef" * 8,
        "x" * 32,
        None,
        32,
        [],
        [SECRET, b"short"],
        [SECRET, "x" * 32],
        [SECRET, SECRET],
    ],
)
def test_secrets_that_are_none(secret: object) -> None:
    with pytest.raises(ConfigError) as refusal:
        Nonces(secret)  # type: ignore[arg-type]  # what is wrong with it
    for shown in ("short", "password", "aaaa", "xxxx"):
        assert shown not in str(refusal.value)


@pytest.mark.parametrize("lifetime", [seconds(9), timedelta(days=2), seconds(-1), 300, None])
def test_lifetimes_that_make_no_sense(lifetime: object) -> None:
    with pytest.raises(ConfigError, match="lifetime"):
        Nonces(SECRET, lifetime)  # type: ignore[arg-type]


def test_nothing_secret_shows() -> None:
    nonces = Nonces(b"a secret of 32 bytes, as it must be")
    assert "secret of" not in repr(nonces)
    assert nonces.make(NOW) not in repr(nonces)
