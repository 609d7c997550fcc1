"""What configured things hold, one kind of thing after the other."""

from __future__ import annotations

import functools
import logging
import operator
from array import array
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from ipaddress import ip_network
from threading import Lock
from typing import Any
from uuid import UUID

import attrs
import pytest

from zerotrust.analysis.configuration import same
from zerotrust.analysis.held import Held, NotRead, held


class Mood(Enum):
    GOOD = 1


class Contrary:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparisons today")

    __hash__ = None  # type: ignore[assignment]


class Bare:
    """In a class of Python, without a field."""


class Reduced:
    """Stands for a class of this library that says what a copy is made of."""

    def __init__(self, said: object) -> None:
        self.said = said

    def __reduce__(self) -> Any:
        return self.said


Reduced.__module__ = "zerotrust.reduced"


@dataclass
class Counted:
    start: int
    secret: int = 0

    @functools.cached_property
    def double(self) -> int:
        return 2 * self.start

    @property
    def half(self) -> float:
        return self.start / 2

    @staticmethod
    def one() -> int:
        return 1

    @classmethod
    def two(cls) -> int:
        return 2


def parts(value: object) -> dict[str, tuple[object, bool]]:
    found = held(value)
    assert isinstance(found, Held)
    return found.parts


def own(value: object) -> object:
    found = held(value)
    assert isinstance(found, Held)
    return found.own


@pytest.mark.parametrize(
    "value", [1, "text", None, date(2026, 1, 2), timedelta(1), ip_network("10.0.0.0/8"), UUID(int=1)], ids=str
)
def test_values_are_compared_as_they_are(value: object) -> None:
    assert held(value) == Held((type(value), value), {})


def test_members_of_enumerations_have_a_name_and_a_value() -> None:
    assert held(Mood.GOOD) == Held(("Mood", "GOOD"), {"(value)": (1, False)})


def test_a_logger_is_its_name() -> None:
    assert held(logging.getLogger("app")) == Held((logging.Logger, "app"), {})


def test_a_module_is_what_it_says_and_not_what_python_adds() -> None:
    said = parts(operator)
    assert said["(itemgetter)"] == (operator.itemgetter, False)
    assert not any(name.startswith("(__") for name in said)


def test_a_class_that_cannot_be_compared_does_not_look_like_another() -> None:
    assert not Held(Contrary(), {}).looks_like(Held(Contrary(), {}))
    assert Held(1, {}).looks_like(Held(1, {}))
    assert not Held(1, {}).looks_like(Held(1, {"a": (1, True)}))


def test_what_says_how_it_is_made_is_its_maker_and_what_that_is_given() -> None:
    made = held(Reduced((Counted, (3, 4))))
    assert isinstance(made, Held)
    assert made.own == ("Reduced", "zerotrust.reduced")
    assert made.parts == {"start": (3, False), "secret": (4, False), "(made by)": ((Counted, (3, 4), []), False)}
    assert parts(Reduced((Counted, ()))) == {"(made by)": ((Counted, (), []), False)}
    assert held(Reduced("KNOWN")) == Held((("Reduced", "zerotrust.reduced"), "KNOWN"), {})


def test_what_is_worked_out_is_no_field() -> None:
    counted = Counted(3)
    assert counted.double == 6
    assert set(parts(counted)) == {"start", "secret", "(class)"}
    assert set(parts(Bare())) == {"(class)"}


def test_things_without_fields_are_what_they_are_shown_or_compared_as() -> None:
    assert own(len) == repr(len)
    compared = bytearray(b"a")
    assert own(compared) == (bytearray, b"a")
    assert held(object()) == NotRead(("object", "builtins"))


def test_callables_are_what_they_call() -> None:
    made = functools.partial(max, 1, default=2)
    assert held(made) == Held(functools.partial, {"": (max, True), "(given)": (((1,), {"default": 2}), True)})
    written = vars(Counted)
    half, one, two = written["half"], written["one"], written["two"]
    assert held(half) == Held(property, {"": ((half.fget, None), True)})
    assert held(one) == Held(staticmethod, {"": (one.__func__, True)})
    assert held(two) == Held(classmethod, {"": (two.__func__, True)})
    assert held(Counted.two) == Held(type(Counted.two), {"": (two.__func__, True), "(self)": (Counted, True)})


def test_functions_are_their_code_and_what_it_refers_to_further_in_too() -> None:
    def outer() -> Callable[[], object]:
        return lambda: Mood.GOOD

    assert parts(outer)["(Mood)"] == (Mood, False)
    assert parts(outer.__code__)["(constants)"] == (outer.__code__.co_consts, False)


def test_what_is_closed_over_and_not_bound_yet_is_nothing() -> None:
    def early() -> object:
        return late

    before = parts(early)["(closure)"]
    late = 5
    assert before == ((None,), False)
    assert parts(early)["(closure)"] == ((late,), False)


def test_mappings_have_parts_by_key_or_else_by_place() -> None:
    assert held({"a": 1}) == Held(Mapping, {"[a]": (1, True)})
    assert parts({"a": 1, 2: 3}) == {"[a]": (1, True), "[1]": (3, True), "(keys)": ((2,), True)}


def test_sets_are_compared_by_what_is_in_them() -> None:
    assert own({1, "a"}) == own({"a", 1})
    assert own({1}) != own({1.0})
    assert parts({Mood.GOOD}) == {"[<Mood.GOOD: 1>]": (Mood.GOOD, True)}


def test_a_set_of_things_that_look_alike_is_not_read() -> None:
    class Alike:
        def __repr__(self) -> str:
            return "alike"

    assert held({Alike(), Alike()}) == NotRead(("set", "builtins"))


def test_a_class_is_what_is_written_in_it_and_its_bases() -> None:
    class Child(Bare):
        """Has a text that is no configuration."""

        limit = 3

    said = parts(Child)
    assert said == {"limit": (3, True), "(bases)": ((Bare,), True)}
    assert own(Child) == (Child.__qualname__, __name__)


def test_lists_have_parts_by_place() -> None:
    assert held([1, "a"]) == Held(("list", "builtins"), {"[0]": (1, True), "[1]": ("a", True)})


def test_locks_are_no_configuration() -> None:
    class Guarded:
        def __init__(self) -> None:
            self.lock = Lock()
            self._seen = {"a": 1}

    assert held(Lock()) == Held(type(Lock()), {})
    assert set(parts(Guarded())) == {"_seen", "(class)"}  # an application's, of which nobody knows what it remembers
    Guarded.__module__ = "zerotrust.guarded"
    assert set(parts(Guarded())) == {"(class)"}


def test_slots_are_fields_and_what_attrs_makes_itself_is_none() -> None:
    class Slotted:
        __slots__ = ("_own", "name")

        def __init__(self) -> None:
            self.name, self._own = "a", 1

    @attrs.frozen
    class Made:
        given: int
        secret: str = attrs.field(repr=False)
        made: int = attrs.field(init=False, default=5)

    slotted = parts(Slotted())
    assert (slotted["name"], slotted["_own"]) == (("a", True), (1, False))
    made = parts(Made(1, "s"))
    assert (made["given"], made["secret"]) == ((1, True), ("s", False))
    assert "made" not in made


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()


class Queue(deque[str]):
    """A queue of a class of its own."""


MAKE: dict[str, Callable[[str], object]] = {
    "itemgetter": operator.itemgetter,
    "attrgetter": operator.attrgetter,
    "array": lambda one: array("b", one.encode()),
    "text": Text,
    "queue": Queue,
}


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_what_a_class_written_in_c_holds_is_compared(make: Callable[[str], object]) -> None:
    assert same(make("a"), make("a"))
    assert not same(make("a"), make("b"))
