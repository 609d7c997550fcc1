"""Evidence made up of values: the default that fits evidence with plain fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from zerotrust.core.errors import PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.exhibit import flag, number, put, text, texts
from zerotrust.core.facts import Attribute
from zerotrust.core.finding import Absent, Finding
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier


@dataclass(frozen=True, slots=True)
class Plain(Evidence):
    text: str = "t"
    number: float = 1.5
    whole: int = 1
    flag: bool = False
    held: frozenset[str] | None = None
    listed: tuple[str, ...] = ()
    inner: dict[str, object] = field(default_factory=dict[str, object])


class Finder(Verifier[Plain]):
    name = "plain"

    def find(self, request: AccessRequest) -> Finding[Plain]:
        return Absent(NOT_PRESENTED())

    def blank(self, now: float) -> Plain:
        return Plain("source", "", now, now + 60)


def test_each_value_into_its_field() -> None:
    values = {
        "text": "x",
        "number": 2,
        "whole": 3,
        "flag": True,
        "held": ["b", "a"],
        "listed": ["b", "a"],
        "subject": "s",
    }
    made = Finder().exhibit(values, 100.0)
    assert made == Plain("source", "s", 100.0, 160.0, "x", 2, 3, True, frozenset({"a", "b"}), ("b", "a"))
    read = {name: Finder().read(made, Attribute(name)) for name in values}
    assert read == {**values, "held": ["a", "b"], "listed": ["b", "a"]}


def test_what_is_not_stated_stays() -> None:
    assert Finder().exhibit({"held": None, "text": None}, 100.0) == Finder().blank(100.0)
    assert Finder().exhibit({}, 100.0) == Finder().blank(100.0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"txt": "x"}, "evidence of plain has no txt; it has source, subject, verified_at"),
        ({"text": 1}, "text of plain is str, not int"),
        ({"whole": 1.5}, "whole of plain is int, not float"),
        ({"whole": True}, "whole of plain is int, not bool"),
        ({"number": float("nan")}, "number of plain is a number, not float"),
        ({"flag": 1}, "flag of plain is bool, not int"),
        ({"held": "a"}, "held of plain is a list of texts, not str"),
        ({"listed": ["a", 1]}, "listed of plain is a list of texts, not list"),
        ({"inner": {}}, "inner of plain is of the type dict[str, object]: its verifier has to override exhibit"),
    ],
    ids=str,
)
def test_what_cannot_be_put_there_is_told_without_its_value(values: dict[str, object], said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        Finder().exhibit(values, 100.0)
    assert str(refused.value).startswith(said)


def test_annotations_may_be_types() -> None:
    @dataclass(frozen=True)
    class Typed(Evidence):
        n: int = 0
        s: frozenset[str] = frozenset()

    Typed.__dataclass_fields__["n"].type = int
    Typed.__dataclass_fields__["s"].type = frozenset[str]
    made = put(Typed("", "", 0.0, 1.0), {"n": 2, "s": ["a"]}, "typed")
    assert (made.n, made.s) == (2, frozenset({"a"}))


def test_a_question_promises_nothing_unless_told() -> None:
    assert Question[Plain]().facts() is None
    assert Question[Plain]().phishing_resistant is False


@pytest.mark.parametrize(
    ("read", "good", "expected", "bad"),
    [
        (number, [0, -1, 1.5, float("inf")], "a number", [True, "1", None, float("nan")]),
        (flag, [True, False], "True or False", [1, 0, "true", None]),
        (text, ["", "a"], "a text", [1, b"a", None, ["a"]]),
        (texts, [(), ("a", "b")], "a list of texts", ["a", [1], [None], {"a"}, None]),
    ],
    ids=["number", "flag", "text", "texts"],
)
def test_values_of_each_type(
    read: Callable[[str, str, object], object], good: list[object], expected: str, bad: list[object]
) -> None:
    for value in good:
        assert read("plain", "it", value) == value
    for value in bad:
        with pytest.raises(PolicyError) as refused:
            read("plain", "it", value)
        assert str(refused.value) == f"it of plain is {expected}, not {type(value).__name__}"
