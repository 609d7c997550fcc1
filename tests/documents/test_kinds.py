"""Arguments of leaves in documents, type by type: what is read, what is refused, what is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Literal

import pytest

from zerotrust.core.errors import PolicyError
from zerotrust.documents.kinds import Unreadable, function_called, kind_of, plain


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Opaque(Enum):
    ONE = (1, 2)


def test_members_of_an_enumeration_are_known_by_their_values() -> None:
    kind = kind_of(Colour)
    assert kind is not None
    assert kind.read("red", "$", {}) is Colour.RED
    assert kind.schema == {"enum": ["red", "blue"]}
    assert kind.said == "one of 'red', 'blue'"
    with pytest.raises(Unreadable, match=r"\$: one of 'red', 'blue' is wanted here, not 'reed'; did you mean 'red'\?"):
        kind.read("reed", "$", {})


@pytest.mark.parametrize(
    "annotation",
    [Opaque, Literal[b"x"], dict[str, object], dict[str, timedelta], dict[int, str], dict[tuple[str, int], str], 7],
    ids=["odd members", "bytes", "of objects", "of spans", "by number", "by an odd pair", "no type"],
)
def test_what_json_has_no_form_for_has_no_kind(annotation: object) -> None:
    assert kind_of(annotation) is None


def test_a_pair_of_names_is_two_levels() -> None:
    kind = kind_of(Mapping[tuple[str, str], int])
    assert kind is not None
    held = {("a", "x"): 1, ("a", "y"): 2, ("b", "x"): 3}
    assert kind.read(plain(held, "it"), "$", {}) == held
    with pytest.raises(Unreadable, match=r"\$\.a\.x: a whole number is wanted here, not 'x'"):
        kind.read({"a": {"x": "x"}}, "$", {})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (timedelta(minutes=5), 300),
        (timedelta(milliseconds=1500), 1.5),
        (Colour.BLUE, "blue"),
        ({"b": 2, "a": Colour.RED}, {"a": "red", "b": 2}),
        ({("a", "x"): 1, ("a", "y"): True}, {"a": {"x": 1, "y": True}}),
        (frozenset({"b", "a"}), ["a", "b"]),
    ],
    ids=["minutes", "part of a second", "member", "mapping", "pairs", "set"],
)
def test_what_is_written(value: object, written: object) -> None:
    assert plain(value, "it") == written


@pytest.mark.parametrize("key", [1, ("a",), ("a", 1)], ids=["number", "one", "odd pair"])
def test_a_mapping_by_what_is_no_text_is_not_written(key: object) -> None:
    with pytest.raises(PolicyError, match=r"it has a mapping with the key .*; in JSON keys are texts"):
        plain({key: 1}, "it")


@pytest.mark.parametrize("text", [1, None, ["held"]], ids=["number", "none", "list"])
def test_a_function_is_known_by_a_text(text: Any) -> None:
    with pytest.raises(Unreadable, match=r"\$\.by: the text of a predicate is wanted here, not "):
        function_called(text, "$.by", {"held": bool})
    assert function_called("held", "$.by", {"held": bool}) is bool
