"""Which functions were given to a guard's decorator and are served without it."""

from __future__ import annotations

import functools
from collections.abc import Callable

from zerotrust.web.functions import MARK
from zerotrust.web.wrapped import Wrappers, chain, marks_within


def plain() -> str:
    return "x"


def around(function: Callable[[], str]) -> Callable[[], str]:
    @functools.wraps(function)
    def made() -> str:
        return function()

    return made


def test_what_is_served_without_its_decorator_is_a_problem() -> None:
    wrappers, made = Wrappers(), around(plain)
    wrappers.note(plain, made)
    (problem,) = wrappers.problems([plain, plain])
    assert problem == (
        "guard.require(...) stands above the decorator that makes plain a route, so that the route does not have it; "
        "write it below"
    )
    assert list(wrappers.problems([chain])) == []  # what was never decorated
    assert list(wrappers.problems([plain, made])) == []  # on purpose
    assert list(wrappers.problems([plain, around(made)])) == []  # under another decorator
    del made  # as where the name was given to something else: the route still has it bare
    assert len(list(wrappers.problems([plain]))) == 1


def test_a_decorator_in_between_hides_nothing() -> None:
    wrappers, between = Wrappers(), around(plain)
    made = around(between)
    wrappers.note(between, made)
    assert len(list(wrappers.problems([plain]))) == 1
    assert list(wrappers.problems([plain, made])) == []


def test_a_route_that_wraps_the_function_itself_has_its_decorator_no_more_for_it() -> None:
    """As extensions do whose decorator registers a wrapper and gives the function back."""
    wrappers, endpoint = Wrappers(), around(plain)
    made = around(plain)
    wrappers.note(plain, made)
    assert wrappers.has(endpoint)
    assert len(list(wrappers.problems([endpoint]))) == 1
    assert list(wrappers.problems([around(made)])) == []  # the decorator stands below
    outer = around(made)
    wrappers.note(made, outer)  # two of them, one above the other
    assert list(wrappers.problems([outer])) == []
    assert len(list(wrappers.problems([made]))) == 1


def test_what_nothing_can_be_noted_of_is_passed_over() -> None:
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self) -> str:
            return "x"

    wrappers, endpoint = Wrappers(), Unhashable()
    wrappers.note(endpoint, around(plain))
    assert list(wrappers.problems([endpoint])) == []


def test_functions_that_lead_back_to_themselves_are_followed_once() -> None:
    def inner() -> str:
        return outer()

    def outer() -> str:
        return inner()

    def unbound() -> object:
        return later  # noqa: F821

    inner.__dict__.update({"__wrapped__": outer, MARK: ("inner",)})
    outer.__dict__.update({"__wrapped__": inner, MARK: ("outer",)})
    assert list(chain(inner)) == [inner, outer]
    assert sorted(map(str, marks_within(inner))) == ["inner", "outer"]
    later = 1
    del later
    assert list(marks_within(unbound)) == []
