"""RFC 8259, read so that no two parsers can differ about it."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.wire.json import MAX_DEPTH, MAX_FRACTION, MAX_INTEGER, parse, parse_object

LIMIT = 1_000_000

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]) | st.sampled_from('[]{}"\\/u:,'), max_size=8)
values = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def code(outcome: object) -> str:
    assert isinstance(outcome, Reason), outcome
    return outcome.code


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(values, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_agrees_with_the_standard_library_on_what_it_accepts(value: object, ascii_only: bool, indent: object) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)  # type: ignore[arg-type]
    parsed = parse(text.encode(), limit=LIMIT, depth=64)
    assert parsed == value
    assert type(parsed) is type(value)


@given(st.binary(max_size=80))
@example(b"\xff")
@example(b"")
@example(b"\xef\xbb\xbf{}")
@example(b'{"a":1e999}')
@example(b"[" * 100_000)
@example(b"9" * 5_000)
def test_anything_gives_a_value_or_a_reason(data: bytes) -> None:
    outcome = parse(data, limit=LIMIT)
    if not isinstance(outcome, Reason):
        assert json.loads(data.decode()) == outcome


@given(st.text(alphabet='{}[]",:\\u0de1 -+.eEtrufalsn', max_size=24))
def test_texts_made_of_syntax_give_a_value_or_a_reason(text: str) -> None:
    outcome = parse(text.encode(), limit=LIMIT, depth=2)
    if not isinstance(outcome, Reason):
        assert json.loads(text) == outcome
        assert depth_of(outcome) <= 2


@given(values, st.integers(1, 5))
@example({"a": [[]]}, 2)
@example({"a": [{"b": [{}]}]}, 4)
@example(["]", ["]", ["]", ["]"]]]], 3)
@example([['\\"[[[[[['], {}, {}, {}, {}, {}, {}], 2)
@example(["\\", ["\\\\", ["\\\\\\"]]], 2)
def test_depth_is_counted_exactly_whatever_strings_hold(value: object, depth: int) -> None:
    outcome = parse(json.dumps(value).encode(), limit=LIMIT, depth=depth)
    if depth_of(value) <= depth:
        assert outcome == value
    else:
        assert code(outcome) == "too_large"


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_nesting_never_reaches_the_interpreters_own_limit(opening: bytes) -> None:
    assert code(parse(opening * sys.getrecursionlimit(), limit=LIMIT)) == "too_large"
    assert code(parse(opening * 60_000, limit=LIMIT)) == "too_large"


def test_the_deepest_level_accepted() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, limit=LIMIT) is not None
    assert not isinstance(parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, limit=LIMIT), Reason)
    assert code(parse(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), limit=LIMIT)) == "too_large"
    many = b"[" + b",".join([b"[]"] * 500) + b"]"
    assert parse(many, limit=LIMIT, depth=2) == [[]] * 500
    assert code(parse(many, limit=LIMIT, depth=1)) == "too_large"


@pytest.mark.parametrize("data", [b"[}" * 3, b"]" * 40 + b"[" * 17, b"[[[[[[[[[]]]]]]]}" * 2])
def test_brackets_that_do_not_match(data: bytes) -> None:
    assert isinstance(parse(data, limit=LIMIT, depth=2), Reason)


def test_length_is_bounded_before_anything_is_read() -> None:
    assert parse(b'"abc"', limit=5) == "abc"
    assert code(parse(b'"abc"', limit=4)) == "too_large"
    assert code(parse(b"\xff" * 9, limit=4)) == "too_large"


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1,"\\u0061":2}',
        '{"x":{"a":1,"b":2,"a":3}}',
        '[[{"a":1,"a":2}]]',
        '{"exp":1,"iss":"i","exp":2}',
        '{"":1,"":2}',
    ],
)
def test_duplicate_names_are_refused_at_any_depth(text: str) -> None:
    json.loads(text)  # so it is well-formed
    assert code(parse(text.encode(), limit=LIMIT)) == "malformed"


def test_names_that_differ_in_case_or_normal_form_are_different() -> None:
    assert parse('{"a":1,"A":2,"é":3,"e\u0301":4}'.encode(), limit=LIMIT) == {"a": 1, "A": 2, "é": 3, "e\u0301": 4}


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", '{"exp":NaN}', "[Infinity]"])
def test_constants_that_are_not_json(constant: str) -> None:
    assert code(parse(constant.encode(), limit=LIMIT)) == "malformed"


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 400 + ".0", "1e" + "9" * 50, "[1E999]"])
def test_numbers_that_overflow(number: str) -> None:
    assert code(parse(number.encode(), limit=LIMIT)) == "too_large"


def test_integers_are_bounded_in_length() -> None:
    for number in (2**64 - 1, -(2**63), 0, 10**MAX_INTEGER - 1):
        assert parse(str(number).encode(), limit=LIMIT) == number
    for literal in ("1" + "0" * MAX_INTEGER, "-" + "9" * MAX_INTEGER, "1" * 5_000, "1" * 100_000):
        assert code(parse(literal.encode(), limit=LIMIT)) == "too_large"


def test_fractions_are_bounded_in_length() -> None:
    longest = "0." + "1" * (MAX_FRACTION - 2)
    assert parse(longest.encode(), limit=LIMIT) == float(longest)
    assert code(parse(longest.encode() + b"1", limit=LIMIT)) == "too_large"
    assert parse(b"-0.0", limit=LIMIT) == 0
    assert parse(b"1e-400", limit=LIMIT) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf{}",
        '{"a":"é"}'.encode("latin-1"),
        "{}".encode("utf-16"),
        "{}".encode("utf-16-le"),
        "{}".encode("utf-32"),
        b'"\xed\xa0\x80"',  # a surrogate, spelled in UTF-8
        b'"\xc0\x80"',  # two bytes where one would do
        b'"\xf4\x90\x80\x80"',  # above U+10FFFF
        b"\xff\xfe",
    ],
)
def test_other_encodings_are_refused(data: bytes) -> None:
    assert code(parse(data, limit=LIMIT)) == "malformed"


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'"\xff"', "not UTF-8"),
        (b"[" + b"[]," * 20, "brackets do not match"),
        (b"{}" * 20 + b"]", "brackets do not match"),
        (b'{"a":1,"a":2}', "comes twice"),
        (b"[NaN]", "NaN or Infinity"),
        (b'"\\ud800"', "unpaired surrogate"),
    ],
)
def test_the_reason_says_what_is_wrong(data: bytes, detail: str) -> None:
    refused = parse(data, limit=LIMIT)
    assert isinstance(refused, Reason)
    assert detail in refused.detail


@pytest.mark.parametrize(
    "text",
    [
        r'"\ud800"',
        r'"\uDC00"',
        r'"\uDC00\uD800"',
        r'"\ud800\ud800\udc00"',
        r'"\ud800\udc00\udc00"',
        r'"\ud800x\udc00"',
        r'"\ud800\\udc00"',
        r'"\ud800\\\udc00"',
        r'"\\\ud800"',
        r'{"\udfff":1}',
        r'{"a":["\uDbfF"]}',
    ],
)
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    assert code(parse(text.encode(), limit=LIMIT)) == "malformed"


@pytest.mark.parametrize(
    "text",
    [
        r'"\ud83d\ude00"',
        r'"\\ud800"',
        r'"\\\\udc00"',
        r'"\ud83d\ude00\ud83d\ude00"',
        r'"\u0000\n\\"',
        r'"\\\ud83d\ude00"',
    ],
)
def test_whole_pairs_and_escaped_backslashes_are_not_mistaken_for_halves(text: str) -> None:
    assert parse(text.encode(), limit=LIMIT) == json.loads(text)


@given(
    st.lists(
        st.sampled_from(["\\ud800", "\\udbff", "\\udc00", "\\uDFFF", "\\\\", "u", "d800", "\\n", "\\u0041"]), max_size=8
    )
)
def test_exactly_the_strings_that_no_encoding_can_carry_are_refused(pieces: list[str]) -> None:
    text = '"' + "".join(pieces) + '"'
    try:
        json.loads(text).encode()
        carried = True
    except UnicodeEncodeError:
        carried = False
    assert isinstance(parse(text.encode(), limit=LIMIT), Reason) is not carried


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{'a':1}",
        "{a:1}",
        "01",
        "+1",
        ".5",
        "1.",
        "0x1",
        "tru",
        "{} {}",
        "[]x",
        "[1 2]",
        "// c\n1",
        '"\t"',
        '"\x00"',
    ],
)
def test_what_is_not_json(text: str) -> None:
    assert code(parse(text.encode(), limit=LIMIT)) == "malformed"


def test_blanks_around_the_value_are_part_of_the_grammar() -> None:
    assert parse(b" \t\r\n{} \n", limit=LIMIT) == {}
    for blank in ("\x0b", "\x0c", "\u00a0", "\u2028"):
        assert code(parse(f"{{}}{blank}".encode(), limit=LIMIT)) == "malformed"
        assert code(parse(f"{blank}{{}}".encode(), limit=LIMIT)) == "malformed"


@pytest.mark.parametrize("text", ["[]", "1", "null", '"a"', "true", "1.5"])
def test_claims_and_keys_are_objects(text: str) -> None:
    assert code(parse_object(text.encode(), limit=LIMIT)) == "malformed"
    assert parse_object(b'{"a":' + text.encode() + b"}", limit=LIMIT) == {"a": json.loads(text)}


def test_an_object_is_held_to_the_same_bounds() -> None:
    assert code(parse_object(b"{}", limit=1)) == "too_large"
    assert code(parse_object(b'{"a":{}}' + b" " * 20, limit=LIMIT, depth=1)) == "too_large"


def test_reasons_do_not_repeat_what_was_presented() -> None:
    for data in (b'{"secret":1,"secret":2}', b'"secret', b'{"secret":NaN}', b'{"secret":"\\ud800"}'):
        assert "secret" not in str(parse(data, limit=LIMIT))
