"""The application's keys: rotation, what was changed or moved, keys that are none, and nothing that shows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stores.asking import refused
from zerotrust.core.errors import ConfigError
from zerotrust.stores.keys import StoreKeys, new_key
from zerotrust.wire.encoding import b64url_encode

OLD, NEW, OTHER = bytes(range(111, 143)), bytes(range(110, 142)), bytes(range(120, 152))
NAME = b"name" * 6


@given(st.binary(max_size=24), st.binary(max_size=200), st.lists(st.sampled_from([OLD, NEW]), min_size=1, unique=True))
def test_what_was_sealed_opens(name: bytes, value: bytes, encrypt: list[bytes]) -> None:
    keys = StoreKeys(encrypt=encrypt)
    sealed = keys.seal(name, value)
    assert keys.open(name, sealed) == value
    assert len(sealed) == len(value) + 32
    assert keys.seal(name, value) != sealed


def test_rotation() -> None:
    before, during, after = StoreKeys(encrypt=[OLD]), StoreKeys(encrypt=[NEW, OLD]), StoreKeys(encrypt=[NEW])
    old, new = before.seal(NAME, b"old"), during.seal(NAME, b"new")
    assert (during.open(NAME, old), during.open(NAME, new)) == (b"old", b"new")
    assert after.open(NAME, new) == b"new"
    assert "not among those given" in refused(after.open, NAME, old)
    assert "not among those given" in refused(before.open, NAME, new)


def test_each_key_opens_its_own_only() -> None:
    keys = StoreKeys(encrypt=[NEW, OLD])
    old, new = StoreKeys(encrypt=[OLD]).seal(NAME, b"v"), StoreKeys(encrypt=[NEW]).seal(NAME, b"v")
    assert "changed or moved" in refused(keys.open, NAME, old[:4] + new[4:])
    assert "changed or moved" in refused(keys.open, NAME, new[:4] + old[4:])


@given(st.data())
def test_a_changed_value_does_not_open(data: st.DataObject) -> None:
    keys = StoreKeys(encrypt=[NEW, OLD])
    sealed = bytearray(keys.seal(NAME, b"value"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    refused(keys.open, NAME, bytes(sealed))


@given(st.binary(max_size=30).filter(lambda name: name != NAME))
def test_a_moved_value_does_not_open(name: bytes) -> None:
    keys = StoreKeys(encrypt=[NEW])
    assert "changed or moved" in refused(keys.open, name, keys.seal(NAME, b"value"))


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_and_raise_nothing_else(junk: bytes) -> None:
    keys = StoreKeys(encrypt=[NEW])
    refused(keys.open, NAME, junk)
    refused(keys.open, NAME, keys.seal(NAME, b"")[:4] + junk)


def test_a_value_that_was_cut_short_does_not_open() -> None:
    keys = StoreKeys(encrypt=[NEW])
    sealed = keys.seal(NAME, b"value")
    for length in range(len(sealed)):
        refused(keys.open, NAME, sealed[:length])


def test_without_a_key_to_encrypt_with() -> None:
    keys = StoreKeys(index=OLD)
    assert "no key to encrypt with" in refused(keys.seal, NAME, b"v")
    assert "not among those given" in refused(keys.open, NAME, StoreKeys(encrypt=[OLD]).seal(NAME, b"v"))
    assert StoreKeys(encrypt=[NEW]).index is None


def test_keys_as_text_and_as_bytes_are_the_same() -> None:
    text = StoreKeys(encrypt=[b64url_encode(NEW)], index=b64url_encode(OLD))
    assert text.open(NAME, StoreKeys(encrypt=[NEW]).seal(NAME, b"v")) == b"v"
    assert text.index == OLD


def test_a_new_key_is_one() -> None:
    made = {new_key() for _ in range(10)}
    assert len(made) == 10
    for text in made:
        assert StoreKeys(encrypt=[text], index=text).index is not None


def test_the_key_itself_is_not_what_encrypts() -> None:
    """Who learns one of the two uses of a key that was given twice does not have the other."""
    keys = StoreKeys(encrypt=[NEW], index=NEW)
    assert NEW[:4] not in keys.seal(NAME, b"v")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "has no key; write"),
        ({"encrypt": []}, "has no key; write"),
        ({"encrypt": NEW}, r"encrypt is bytes, not a list of keys; write StoreKeys\(encrypt=\[key\]\)"),
        ({"encrypt": b64url_encode(NEW)}, "encrypt is str, not a list"),
        ({"encrypt": bytearray(NEW)}, "encrypt is bytearray, not a list"),
        ({"encrypt": None, "index": NEW}, "encrypt is NoneType, not a list"),
        ({"encrypt": {NEW}}, "encrypt is set, not a list"),  # which has no first
        ({"encrypt": [NEW, NEW]}, "the same key twice"),
        ({"encrypt": [NEW, b64url_encode(NEW)]}, "the same key twice"),
        ({"encrypt": [NEW[:31]]}, r"encrypt\[0\] has 31 bytes"),
        ({"encrypt": [NEW, NEW + OLD + b"n"]}, r"encrypt\[1\] has 65 bytes"),
        ({"encrypt": [""]}, r"encrypt\[0\] has 0 bytes"),
        ({"encrypt": [b64url_encode(NEW) + "="]}, "neither bytes nor base64url"),
        ({"encrypt": ["correct horse battery staple"]}, "neither bytes nor base64url"),
        ({"encrypt": [None]}, r"encrypt\[0\] is None: nothing is set"),
        ({"encrypt": [12]}, "neither bytes nor base64url text without padding, but int"),
        ({"encrypt": [b"n" * 32]}, r"encrypt\[0\] has 32 bytes, 1 of them different, and can be guessed"),
        ({"index": b64url_encode(b"no" * 20)}, "index has 40 bytes, 2 of them different, and can be guessed"),
        ({"index": b64url_encode(NEW).encode()}, r"index is a key as text.*without \.encode\(\)"),
        ({"index": b""}, "index has 0 bytes"),
        ({"index": NEW + OLD + b"n"}, "index has 65 bytes"),
        ({"index": "ä" * 50}, "index is neither"),
        ({"index": bytearray(NEW)}, "index is neither"),
    ],
)
def test_mistaken_keys(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        StoreKeys(**options)
    shown = str(caught.value)
    assert "nnnn" not in shown
    assert "nopq" not in shown
    assert b64url_encode(NEW)[:8] not in shown
    assert "horse" not in shown


def test_nothing_of_the_keys_shows() -> None:
    keys = StoreKeys(encrypt=[NEW, OLD], index=OTHER)
    assert repr(keys) == str(keys) == "StoreKeys(2 to encrypt, an index key)"
    assert repr(StoreKeys(encrypt=[NEW])) == "StoreKeys(1 to encrypt, no index key)"
    refusals = [refused(keys.open, NAME, b"\0" * 40), refused(StoreKeys(index=OTHER).seal, NAME, b"hidden")]
    assert not any(word in text for text in refusals for word in ("nopq", "xyz{", "hidden", "name"))
