"""Sealed values: they open with the keys, the use and the binding they were sealed with, and nothing else opens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.sessions.sealing import Sealer
from zerotrust.wire.encoding import b64url_decode, b64url_encode

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
SEALER = Sealer(OLD, "test")


@given(st.binary(max_size=64), st.binary(max_size=16))
def test_what_is_sealed_opens(value: bytes, bound_to: bytes) -> None:
    sealed = SEALER.seal(value, bound_to)
    assert SEALER.open(sealed, bound_to) == value
    assert isinstance(SEALER.open(sealed, bound_to + b"x"), Reason)


@given(st.text(max_size=100))
def test_no_text_opens(text: str) -> None:
    reason = SEALER.open(text, b"")
    assert isinstance(reason, Reason)
    assert reason.code == "bad_session"


def test_no_octet_of_it_may_change() -> None:
    octets = b64url_decode(SEALER.seal(b"value", b"name"))
    assert isinstance(octets, bytes)
    for at in range(len(octets)):
        changed = bytes([*octets[:at], octets[at] ^ 1, *octets[at + 1 :]])
        assert isinstance(SEALER.open(b64url_encode(changed), b"name"), Reason), at
        assert isinstance(SEALER.open(b64url_encode(octets[:at]), b"name"), Reason), at
    assert isinstance(SEALER.open(b64url_encode(octets + b"x"), b"name"), Reason)


def test_one_value_is_never_sealed_twice_alike() -> None:
    assert len({SEALER.seal(b"value", b"") for _ in range(50)}) == 50


def test_keys_rotate() -> None:
    old = SEALER.seal(b"value", b"")
    both, new = Sealer([NEW, OLD], "test"), Sealer([NEW], "test")
    assert both.open(old, b"") == b"value"
    assert isinstance(new.open(old, b""), Reason)
    assert new.open(both.seal(b"value", b""), b"") == b"value"
    assert isinstance(SEALER.open(both.seal(b"value", b""), b""), Reason)


def test_another_use_is_another_key() -> None:
    assert isinstance(Sealer(OLD, "other").open(SEALER.seal(b"value", b""), b""), Reason)


@pytest.mark.parametrize(
    "keys", [b"", b"short", bytes(32), b"ab" * 20, "text" * 10, [], [OLD, "x"], [OLD, OLD], None, 7, [OLD, b"x" * 31]]
)
def test_keys_that_are_none_are_refused(keys: object) -> None:
    with pytest.raises(ConfigError) as told:
        Sealer(keys, "test")  # type: ignore[arg-type]
    assert "ab" * 20 not in str(told.value)
    assert "texttext" not in str(told.value)


def test_a_key_may_be_given_as_its_text() -> None:
    text = b64url_encode(OLD)
    assert Sealer(text, "test").open(Sealer(OLD, "test").seal(b"value", b""), b"") == b"value"


def test_keys_never_show() -> None:
    assert repr(Sealer([NEW, OLD], "test")) == "Sealer(2 keys)"
