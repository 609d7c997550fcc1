"""RFC 8949 in the CTAP2 canonical form: one spelling for each value, whatever another decoder would put up with.

cbor2, which py_webauthn uses, is the independent peer.
"""

from __future__ import annotations

import io

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.wire.cbor import MAX_DEPTH, CborValue, decode, decode_first, encode

integers = st.integers(-(2**64), 2**64 - 1)
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.none() | st.booleans() | integers | texts | st.binary(max_size=8)
keys = st.integers(-300, 300) | texts
values: st.SearchStrategy[CborValue] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


def code(outcome: object) -> str:
    assert isinstance(outcome, Reason), outcome
    return outcome.code


def detail(outcome: object) -> str:
    assert isinstance(outcome, Reason), outcome
    return outcome.detail


def same(left: object, right: object) -> bool:
    """Equal and of the same types: `True` is not 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


@given(values)
def test_what_is_written_is_read_back_and_the_peer_reads_the_same(value: CborValue) -> None:
    written = encode(value)
    read, theirs = decode(written), cbor2.loads(written)
    assert not isinstance(read, Reason)
    assert encode(read) == written
    assert same(read, theirs)
    assert read == value


@given(values)
def test_the_peer_writes_the_same_where_its_order_is_ours(value: CborValue) -> None:
    # cbor2 sorts keys by length alone (RFC 7049 section 3.9), CTAP2 by their type first.
    theirs = cbor2.dumps(value, canonical=True)
    if not mixes_types(value):
        assert encode(value) == theirs


def mixes_types(value: object) -> bool:
    if isinstance(value, dict):
        # Unsigned, negative, text.
        kinds = {isinstance(key, str) or (None if key < 0 else False) for key in value}
        return len(kinds) > 1 or any(map(mixes_types, value.values()))
    return isinstance(value, list) and any(map(mixes_types, value))


@given(st.binary(max_size=60))
@example(b"")
@example(b"\x5b" + b"\xff" * 8)
@example(b"\x9b" + b"\xff" * 8)
@example(b"\xbb\x00\x00\x00\x00\x7f\xff\xff\xff")
def test_any_octets_give_a_value_that_spells_them_or_a_reason(data: bytes) -> None:
    read = decode(data)
    if isinstance(read, Reason):
        assert read.code in {"malformed", "too_large"}
    else:
        assert encode(read) == data


@given(st.binary(max_size=40), st.binary(max_size=4))
def test_the_first_value_ends_where_it_ends(data: bytes, before: bytes) -> None:
    found = decode_first(before + data, len(before))
    if not isinstance(found, Reason):
        value, end = found
        assert encode(value) == (before + data)[len(before) : end]


@given(values)
def test_every_truncation_and_every_tail_is_refused(value: CborValue) -> None:
    written = encode(value)
    for end in range(len(written)):
        assert code(decode(written[:end])) == "malformed"
    assert detail(decode(written + b"\0")) == "CBOR with something behind it"


@pytest.mark.parametrize(
    ("octets", "what"),
    [
        ("1817", "a number that is not spelled as short as can be"),
        ("190017", "a number that is not spelled as short as can be"),
        ("1900ff", "a number that is not spelled as short as can be"),
        ("1a0000ffff", "a number that is not spelled as short as can be"),
        ("1b00000000ffffffff", "a number that is not spelled as short as can be"),
        ("3817", "a number that is not spelled as short as can be"),
        ("580100", "a number that is not spelled as short as can be"),
        ("780161", "a number that is not spelled as short as can be"),
        ("980101", "a number that is not spelled as short as can be"),
        ("b8010101", "a number that is not spelled as short as can be"),
        ("5f4100ff", "indefinite length"),
        ("7f6161ff", "indefinite length"),
        ("9f01ff", "indefinite length"),
        ("bf0101ff", "indefinite length"),
        ("ff", "indefinite length"),
        ("a201010101", "map keys that come twice or out of order"),
        ("a202010101", "map keys that come twice or out of order"),
        ("a220010101", "map keys that come twice or out of order"),  # -1 before 1
        ("a2616101180001", "a number that is not spelled as short as can be"),
        ("a261610101f4", "map keys that come twice or out of order"),  # a text before a number
        ("a262616101616201", "map keys that come twice or out of order"),  # the longer text first
        ("a1f501", "a map key that is neither a number nor a text"),
        ("a1410001", "a map key that is neither a number nor a text"),
        ("a1f601", "a map key that is neither a number nor a text"),
        ("a18001", "a map key that is neither a number nor a text"),
        ("c001", "a tag, a floating-point number or a value that is not defined"),
        ("d4", "a tag, a floating-point number or a value that is not defined"),
        ("d6", "a tag, a floating-point number or a value that is not defined"),
        ("d9d9f701", "a tag, a floating-point number or a value that is not defined"),
        ("f93c00", "a tag, a floating-point number or a value that is not defined"),
        ("fa3f800000", "a tag, a floating-point number or a value that is not defined"),
        ("fb3ff0000000000000", "a tag, a floating-point number or a value that is not defined"),
        ("f7", "a tag, a floating-point number or a value that is not defined"),
        ("e0", "a tag, a floating-point number or a value that is not defined"),
        ("f818", "a tag, a floating-point number or a value that is not defined"),
        ("f815", "a tag, a floating-point number or a value that is not defined"),
        ("1c", "a tag, a floating-point number or a value that is not defined"),
        ("5e", "a tag, a floating-point number or a value that is not defined"),
        ("61ff", "text that is not UTF-8"),
        ("62c080", "text that is not UTF-8"),
        ("63eda080", "text that is not UTF-8"),
        ("", "ends too early"),
        ("18", "ends too early"),
        ("4200", "ends too early"),
    ],
)
def test_other_spellings_are_refused_for_what_they_are(octets: str, what: str) -> None:
    refused = decode(bytes.fromhex(octets))
    assert code(refused) == "malformed"
    assert detail(refused).endswith(what)


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        ("00", 0), ("17", 23), ("1818", 24), ("190100", 256), ("1bffffffffffffffff", 2**64 - 1),
        ("20", -1), ("3bffffffffffffffff", -(2**64)), ("40", b""), ("60", ""), ("62c3bc", "ü"),
        ("80", []), ("a0", {}), ("f4", False), ("f5", True), ("f6", None),
        ("a3030120206161f5", {3: 1, -1: -1, "a": True}),
    ],
)  # fmt: skip
def test_examples(octets: str, value: CborValue) -> None:
    assert same(decode(bytes.fromhex(octets)), value)
    assert encode(value).hex() == octets


def test_nesting_is_bounded() -> None:
    for opening in (b"\x81", b"\xa1\x00"):
        assert not isinstance(decode(opening * MAX_DEPTH + b"\x00"), Reason)
        assert code(decode(opening * (MAX_DEPTH + 1) + b"\x00")) == "too_large"
        assert code(decode(opening * 30_000 + b"\x00")) == "too_large"


def test_length_is_bounded() -> None:
    document = encode(b"x" * 100)
    assert decode(document, limit=len(document)) == b"x" * 100
    assert code(decode(document, limit=len(document) - 1)) == "too_large"
    assert code(decode(encode(b"x" * 70_000))) == "too_large"


def test_a_length_that_is_a_lie_reserves_no_memory() -> None:
    for head in (b"\x9a\xff\xff\xff\xff", b"\xba\xff\xff\xff\xff", b"\x5b\x7f" + b"\xff" * 7):
        assert detail(decode(head + b"\x00" * 20)) == "CBOR that ends too early"


@pytest.mark.parametrize("value", [1.5, {True: 1}, {b"x": 1}, (1,), {1, 2}, object])
def test_what_has_no_such_form_is_not_written(value: object) -> None:
    with pytest.raises(TypeError, match=r"CBOR|key"):
        encode(value)  # type: ignore[arg-type]


def test_numbers_of_more_than_64_bits_are_not_written() -> None:
    for value in (2**64, -(2**64) - 1):
        with pytest.raises(OverflowError):
            encode(value)


def test_the_peer_puts_up_with_what_is_refused_here() -> None:
    """Why this decoder exists: each of these has a second spelling that cbor2 reads as the same."""
    for octets in ("1817", "9f01ff", "a201010102", "a220010101"):
        cbor2.load(io.BytesIO(bytes.fromhex(octets)))
        assert code(decode(bytes.fromhex(octets))) == "malformed"
