"""Canonical JSON: the examples of RFC 8785, its edges, and what ECMAScript itself writes."""

from __future__ import annotations

import json
import math
import shutil
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.wire.canonical_json import (
    MAX_EXACT,
    MAX_PARTS,
    TOO_LONG,
    canonical_json,
    number_text,
    parse_exact,
)
from zerotrust.wire.json import MAX_DEPTH, JsonValue

# RFC 8785 appendix B: the bits of a double, and how it is written.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


def double(bits: str) -> float:
    number: float = struct.unpack(">d", bytes.fromhex(bits))[0]
    return number


@pytest.mark.parametrize("bits", NUMBERS)
def test_numbers_of_appendix_b(bits: str) -> None:
    assert number_text(double(bits)) == NUMBERS[bits]
    assert canonical_json([double(bits)]) == f"[{NUMBERS[bits]}]".encode()


@pytest.mark.parametrize("bits", ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])
def test_numbers_of_appendix_b_that_have_no_text(bits: str) -> None:
    assert isinstance(canonical_json(double(bits)), Reason)


def test_the_sample_of_section_3_2_2() -> None:
    sample = rb"""{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }"""
    text = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_json(json.loads(sample)) == text.encode()


def test_names_are_ordered_as_section_3_2_3_has_it() -> None:
    sample: JsonValue = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    text = canonical_json(sample)
    assert isinstance(text, bytes)
    assert list(json.loads(text).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",  # its first code unit is a surrogate, before U+FB33
        "Hebrew Letter Dalet With Dagesh",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (MAX_EXACT, "9007199254740991"),
        (-MAX_EXACT, "-9007199254740991"),
        (True, "true"),
        ({"b": {"z": 1, "a": []}, "a": {}}, '{"a":{},"b":{"a":[],"z":1}}'),
        ("\x7f\u2028</script>", '"\x7f\u2028</script>"'),
        ("\b\t\n\f\r\x1f", '"\\b\\t\\n\\f\\r\\u001f"'),
    ],
)
def test_values(value: JsonValue, text: str) -> None:
    assert canonical_json(value) == text.encode()


def deep(levels: int) -> JsonValue:
    value: JsonValue = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        MAX_EXACT + 1,
        -MAX_EXACT - 1,
        10**400,
        math.nan,
        math.inf,
        "\ud800",
        {"\udc00": 1},
        {1: 1},
        b"bytes",
        (1,),
        deep(MAX_DEPTH + 1),
        {"a": deep(MAX_DEPTH)},
    ],
    ids=[f"{number}" for number in range(12)],
)
def test_what_has_no_canonical_text(value: JsonValue) -> None:
    assert isinstance(canonical_json(value), Reason)


@pytest.mark.parametrize("value", ["é" * 9, [1, [2, 30], {"a": None}], {"b": "x", "a": []}, [], {}, 1.5], ids=str)
def test_as_long_as_may_be(value: JsonValue) -> None:
    text = canonical_json(value)
    assert isinstance(text, bytes)
    assert canonical_json(value, limit=len(text)) == text
    refused = canonical_json(value, limit=len(text) - 1)
    assert isinstance(refused, Reason)
    assert (refused.code, refused.detail) == ("too_large", TOO_LONG)


@pytest.mark.parametrize(
    "value",
    [[0.1] * 100_000, [[0.1] * 30] * 4000, {str(number): 0.1 for number in range(100_000)}, [{"": 0.1}] * 99],
    ids=["list", "lists", "object", "objects"],
)
def test_cwe_400_no_more_is_written_than_there_is_room_for(value: JsonValue, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[float] = []

    def counted(number: float) -> str:
        written.append(number)
        return number_text(number)

    monkeypatch.setattr("zerotrust.wire.canonical_json.number_text", counted)
    assert isinstance(canonical_json(value, limit=100), Reason)
    assert len(written) <= 34


@pytest.mark.parametrize("part", ["1", "1.5", "1e0", "-0.0", "{}", '{"":""}', '[{"a":"b"}]'])
def test_cwe_400_numbers_and_objects_are_counted(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def text(count: int) -> bytes:
        return f"[{','.join([part] * count)}]".encode()

    assert isinstance(parse_exact(text(MAX_PARTS), limit=10**6), list)
    refused = parse_exact(text(MAX_PARTS + 1), limit=10**6)
    assert isinstance(refused, Reason)
    assert refused.code == "too_large"
    calls: list[str] = []

    def counted(literal: str) -> float:
        calls.append(literal)
        return float(literal)

    monkeypatch.setattr("zerotrust.wire.canonical_json.float", counted, raising=False)
    assert isinstance(parse_exact(text(100 * MAX_PARTS), limit=10**7), Reason)
    assert len(calls) <= MAX_PARTS


def test_what_costs_nothing_is_not_counted() -> None:
    text = f"[{','.join(['[]', 'true', 'null', chr(34) * 2] * MAX_PARTS)}]".encode()
    assert isinstance(parse_exact(text, limit=10**6), list)


def test_as_deep_as_may_be() -> None:
    assert canonical_json(deep(MAX_DEPTH)) == b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH


# --- Numbers that some parsers round ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("1.0", 1.0),
        ("1e0", 1.0),
        ("100e-2", 1.0),
        ("1E2", 100.0),
        ("-0", 0),
        ("-0.000e99", 0.0),
        ("0.1", 0.1),
        ("0.30000000000000004", 0.30000000000000004),
        ("5e-324", 5e-324),
        ("9007199254740991", MAX_EXACT),
    ],
)
def test_numbers_that_all_parsers_read_alike(literal: str, value: float) -> None:
    assert parse_exact(f'{{"n":[{literal}]}}'.encode(), limit=999) == {"n": [value]}


@pytest.mark.parametrize(
    "literal",
    [
        "9007199254740992",
        "-9007199254740993",
        "18446744073709551615",
        "1.00000000000000000001",
        "0.1000000000000000055511151231257827",
        "4e-324",
        "1e-400",
        "9007199254740993.0",
        "1e16",
        "1.7976931348623157e308",
        "1e400",
        "NaN",
    ],
)
def test_numbers_that_some_parsers_round(literal: str) -> None:
    assert isinstance(parse_exact(f'{{"n":[{literal}]}}'.encode(), limit=999), Reason)


@pytest.mark.parametrize("text", [b'{"a":1,"a":1}', b'\xef\xbb\xbf{"a":1}', b'"\\ud800"', b'{"a":1} x', b"", b"\xff"])
def test_what_is_no_strict_json_is_not_exact_either(text: bytes) -> None:
    assert isinstance(parse_exact(text, limit=999), Reason)


def test_length_is_bounded() -> None:
    assert parse_exact(b"[1]", limit=3) == [1]
    assert isinstance(parse_exact(b"[1]", limit=2), Reason)


@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_or_a_reason(data: bytes) -> None:
    parse_exact(data, limit=50)


# --- What ECMAScript makes of it -------------------------------------------------------------------------------------

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers(-MAX_EXACT, MAX_EXACT) | FLOATS | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
)


@given(VALUES)
def test_the_text_says_the_value_and_is_its_own_canonical_text(value: JsonValue) -> None:
    text = canonical_json(value)
    assert isinstance(text, bytes)
    again: JsonValue = json.loads(text, parse_int=float)  # as ECMAScript reads it
    assert again == value
    assert canonical_json(again) == text


@given(FLOATS)
def test_a_number_as_repr_has_it_is_exact(number: float) -> None:
    if abs(number) <= MAX_EXACT:
        assert parse_exact(f"[{number!r}]".encode(), limit=999) == [number]


IN_NODE = r"""
const sorted = (value) => Array.isArray(value) ? value.map(sorted)
  : value === null || typeof value !== "object" ? value
  : Object.keys(value).sort().map((name) => [name, sorted(value[name])]);
const text = (value) => Array.isArray(value) ? `[${value.map(text).join(",")}]`
  : value === null || typeof value !== "object" ? JSON.stringify(value)
  : `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${text(value[name])}`).join(",")}}`;
let given = "";
process.stdin.on("data", (part) => { given += part; });
process.stdin.on("end", () => console.log(JSON.stringify(JSON.parse(given).map(text))));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node, an ECMAScript of its own")
def test_ecmascript_writes_the_same() -> None:
    # One process for many values: what the strategies find, and doubles spread over all exponents and signs.
    values: list[JsonValue] = [double(bits) for bits in NUMBERS]
    step = 0x9E3779B97F4A7C15  # walks through all bit patterns in no visible order
    for count in range(1, 5000):
        number = struct.unpack(">d", struct.pack(">Q", count * step % 2**64))[0]
        if math.isfinite(number):
            values.append(number)
    for exponent in range(-30, 30):
        values += [10.0**exponent, 1.5 * 10.0**exponent, 123456789 * 10.0**exponent, 2.0**exponent]
    values += [{"\U0001f600": 1, "\ufb33": 2, "é": [None, {"": True}]}, '\x00\x1f\x7f\u2028 "\\/']
    sent = json.dumps(values)
    done = subprocess.run(["node", "-e", IN_NODE], input=sent, capture_output=True, text=True, check=True, timeout=60)
    theirs = json.loads(done.stdout)
    ours = [text.decode() if isinstance(text := canonical_json(value), bytes) else text for value in values]
    assert theirs == ours
