"""Which value each test of an attribute has on which data; how they combine, the laws in tests/laws show."""

from __future__ import annotations

import math
import re
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest

from zerotrust.core import fact_values
from zerotrust.core.fact_values import attributes, value_of
from zerotrust.core.facts import (
    Always,
    AtLeast,
    Attribute,
    Both,
    During,
    Either,
    Fact,
    Includes,
    Inside,
    IsTrue,
    Matches,
    Mentions,
    Negated,
    NothingBut,
    OneOf,
    Present,
    Proven,
    Provided,
    Segments,
    StartsWith,
    Stated,
    Test,
    Younger,
    both,
    either,
)

NOW = 1000.0
X, Y = Attribute("x", optional=True), Attribute("y")
W, Z = Attribute("w"), Attribute("z")
YES, NO = Always(True), Always(False)
UNKNOWN = Stated(X, YES)  # as nothing is said

TEN = ip_network("10.0.0.0/8")
LIST, OBJECT = [["a"]], {"a": "a"}
CASES: list[tuple[Any, list[object], list[object], list[object]]] = [  # a test, and on what it is YES, NO and UNKNOWN
    (IsTrue(X), [True], [False], [1, 0, "true", [True], None]),
    (OneOf(X, ("a", 1, True)), ["a", 1, True], ["b", 2, False, 1.0, ""], [["a"], OBJECT, None]),
    (
        Mentions(X, ("a", 1)),
        ["a", 1, ["a"], [OBJECT, "a"], [None, 1]],
        ["b", True, 1.0, [], ["b", 2.5]],
        [None, OBJECT, LIST, [None], ["b", OBJECT]],
    ),
    (Present(X), ["", 0, False, [], {}], [None], []),
    (Matches(X, re.compile("a+")), ["a", "aaa"], ["", "ab", "ba", "a\n"], [1, ["a"], None]),
    (StartsWith(X, "a"), ["a", "ab"], ["", "ba"], [1, ["a"], None]),
    (Includes(X, "a"), [["a"], ("a", "b"), frozenset({"a"})], [[], ["b"]], ["a", ["a", 1], OBJECT, None, ["a", None]]),
    (NothingBut(X, frozenset({"a", "b"})), [[], ["a"], ["b", "a"]], [["a", "c"], ["c"]], ["a", [1], None]),
    (AtLeast(X, 2), [2, 2.0, 3, math.inf], [1, 1.999, -1, -math.inf], [True, "2", math.nan, None, [2]]),
    (Younger(X, 10), [990.1, 1000, 1001], [990, 0, -math.inf], [True, "999", math.nan, None]),
    (Inside(X, TEN), ["10.1.2.3", "::ffff:10.0.0.1"], ["11.0.0.0", "2001:db8::1"], ["10.0.0", "", 1, None]),
    (Inside(X, ip_network("fe80::/10")), ["fe80::1", "fe80::1%eth0"], ["10.1.2.3", "::1"], ["fe80", None]),
    (Segments(X, ("a", None)), ["/a/b", "/a/"], ["/a", "/b/a", "/a/b/c", "", "/"], ["a/b", 1, None]),
    (Segments(X, ("a", None), open_ended=True), ["/a/b", "/a/b/c"], ["/a", "/b/b/c"], ["a/b/c", None]),
    (Segments(X, ()), [""], ["/", "/a"], ["a", None]),
    (Segments(X, (), open_ended=True), ["", "/", "/a/b"], [], ["a", None]),
    (
        Proven(X, 10, frozenset({"m"}), idle=5, ahead=2),
        [[{"at": 990.5, "marks": ["m"], "pause": 4.9}], [{}, {"at": 1002, "marks": ["m", "n"], "pause": 0}]],
        [
            [], [{"at": 990, "marks": ["m"], "pause": 0}], [{"at": 1002.1, "marks": ["m"], "pause": 0}],
            [{"at": 1000, "marks": ["n"], "pause": 0}], [{"at": 1000, "marks": ["m"], "pause": 5}],
            [{"at": 1000, "marks": ["m"]}],
        ],
        [
            None, "m", OBJECT, [1], [{}], [{"at": True, "marks": ["m"], "pause": 0}],
            [{"at": 1000, "marks": "m", "pause": 0}], [{"at": 1000, "marks": ["m"], "pause": "0"}],
        ],
    ),
    (Proven(X, math.inf), [[{"at": 0, "marks": []}], [{"at": 5000, "marks": [], "pause": 1e9}]], [[]], [[{"at": 0}]]),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CASES)))
def test_each_test(number: int) -> None:
    test, yes, no, unknown = CASES[number]
    for expected, values in ((True, yes), (False, no), (None, unknown)):
        for value in values:
            assert value_of(test, {"x": value}, NOW) is expected, (test, value)
            assert value_of(Negated(test), {"x": value}, NOW) is (None if expected is None else not expected)
    assert value_of(test, {}, NOW) is (False if isinstance(test, Present) else None)


def test_every_kind_of_test_is_tried() -> None:
    assert {type(test) for test, *_ in CASES} == set(Test.__args__) - {During}


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_windows() -> None:
    office = During(X, "Europe/Berlin", (0, 1, 2, 3, 4), 9 * 60, 17 * 60)
    night = During(X, "Europe/Berlin", (4,), 22 * 60, 6 * 60)
    weekend = During(X, "UTC", (6,), 22 * 60, 6 * 60)
    always = During(X, "UTC", (0, 1, 2, 3, 4, 5, 6), 0, 0)
    for window, text, expected in (
        (office, "2026-07-03 09:00+02:00", True),  # a Friday
        (office, "2026-07-03 08:59:59+02:00", False),
        (office, "2026-07-03 09:30+02:00", True),
        (office, "2026-07-03 16:59:59+02:00", True),
        (office, "2026-07-03 17:00+02:00", False),
        (office, "2026-07-04 12:00+02:00", False),
        (office, "2026-01-02 08:00+00:00", True),
        (office, "2026-01-02 07:30+00:00", False),
        (night, "2026-07-03 21:59+02:00", False),
        (night, "2026-07-03 22:00+02:00", True),
        (night, "2026-07-04 05:59+02:00", True),
        (night, "2026-07-04 06:00+02:00", False),
        (night, "2026-07-04 22:00+02:00", False),
        (night, "2026-07-03 05:00+02:00", False),
        (weekend, "2026-07-05 05:00+00:00", False),  # a Sunday
        (weekend, "2026-07-06 05:00+00:00", True),
        (always, "2026-07-03 00:00+00:00", True),
    ):
        assert value_of(window, {"x": moment(text)}, NOW) is expected, text
    noon = datetime(2026, 7, 3, 12, tzinfo=UTC).timestamp()
    for zone in ("Europe/Nowhere", "../etc/passwd", "Europe", "", "a\0b", "x" * 9999):
        assert value_of(During(X, zone, (4,), 0, 1440), {"x": noon}, NOW) is None
    for value in (math.inf, -math.inf, math.nan, 1e30, "noon", True):
        assert value_of(office, {"x": value}, NOW) is None


def test_how_facts_combine() -> None:
    for fact, expected in (
        (Both((YES, YES)), True), (Both((YES, UNKNOWN)), None), (Both((UNKNOWN, NO)), False), (Both(()), True),
        (Either((NO, NO)), False), (Either((NO, UNKNOWN)), None), (Either((UNKNOWN, YES)), True), (Either(()), False),
        (Negated(UNKNOWN), None), (Negated(NO), True), (Provided(YES, NO), False), (Provided(YES, UNKNOWN), None),
        (Provided(NO, YES), None), (Provided(UNKNOWN, YES), None), (Stated(X, NO), None), (both([NO]), False),
        (either([YES, NO]), True),
    ):  # fmt: skip
        assert value_of(fact, {}, NOW) is expected, fact
    assert value_of(Stated(X, NO), {"x": False}, NOW) is False
    assert value_of(Stated(X, Younger(Y, 10)), {"x": 1, "y": 991}, NOW) is True
    assert both([YES]) is YES
    assert either([NO]) is NO
    assert both(iter([YES, NO])) == Both((YES, NO))
    assert either(iter([YES, NO])) == Either((YES, NO))


def test_what_facts_are_about() -> None:
    fact: Fact = Provided(Negated(Present(X)), Both((IsTrue(Y), Either((NO, Stated(W, OneOf(Z, ("a",))))))))
    assert attributes(fact) == {W, X, Y, Z}
    assert fact_values.tests(fact) == {Present(X), IsTrue(Y), OneOf(Z, ("a",))}
    assert (attributes(YES), fact_values.tests(YES)) == (frozenset(), frozenset())


def test_facts_are_frozen_data() -> None:
    with pytest.raises(FrozenInstanceError):
        X.name = "y"  # type: ignore[misc]
    assert len({OneOf(X, ("a",)), OneOf(Attribute("x", optional=True), ("a",))}) == 1
