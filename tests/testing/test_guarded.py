"""`assert_guarded`: an application's own suite notices what is opened."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.sample import Told, valid, verified
from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import anyone
from zerotrust.testing import assert_guarded
from zerotrust.web.report import Protection, Report, RouteLine

DEFAULT = Protection(valid(Told(verified())), "default")
OPEN = Protection(anyone(because="assets"), "guard.open")


class Door:
    """One with a report that was made before."""

    def __init__(self, *lines: RouteLine, fallback: Protection = DEFAULT, problems: tuple[str, ...] = ()) -> None:
        self._report = Report(lines, fallback, problems)

    def report(self) -> Report:
        return self._report


CLOSED = RouteLine(("GET",), "/a", DEFAULT)
STATIC = RouteLine(("*",), "/static/*", OPEN)


def test_what_is_meant_passes() -> None:
    assert_guarded(Door(CLOSED))
    assert_guarded(Door(CLOSED, STATIC), open={"/static/*": "assets"})
    assert_guarded(Door(RouteLine(("GET",), "/m/x", OPEN, (OPEN,))), open={"/m/x": "assets; assets"})
    assert_guarded(Door(RouteLine(("GET",), "/m/x", OPEN, (DEFAULT,))))


def told(door: Door, **meant: str) -> list[str]:
    with pytest.raises(AssertionError) as caught:
        assert_guarded(door, open={path.replace("_", "/"): because for path, because in meant.items()})
    said, _, table = str(caught.value).partition("\n\n")
    assert table == str(door.report())
    return said.splitlines()


def test_each_difference_is_told() -> None:
    assert told(Door(CLOSED, STATIC)) == ["/static/* is open to everybody because assets"]
    assert told(Door(CLOSED), _a="it is ours") == ["/a is not open"]
    assert told(Door(RouteLine(("GET",), "/a", OPEN)), _a="pictures") == [
        "/a is open because 'assets', not because 'pictures'"
    ]
    assert told(Door(CLOSED, fallback=OPEN)) == ["everything that has no policy of its own is open because assets"]
    assert told(Door(CLOSED, RouteLine(("GET",), "/b", None), problems=("/b: two people",))) == [
        "the guard would not start: /b: two people"
    ]


OTHER = Protection(anyone(because="oops"), "guard.open")
GET, POST, ALL = (RouteLine(methods, "/a", OPEN) for methods in [("GET", "HEAD"), ("POST",), ("*",)])
DELETE = RouteLine(("DELETE",), "/a", OTHER)


def test_each_line_of_a_path_is_looked_at() -> None:
    for lines in [(GET, DELETE), (DELETE, GET)]:
        assert told(Door(*lines)) == [
            "DELETE /a is open to everybody because oops",
            "GET,HEAD /a is open to everybody because assets",
        ]
        with pytest.raises(AssertionError, match=r"/a is open in 2 lines, because .*, not because 'assets'"):
            assert_guarded(Door(*lines), open={"/a": "assets"})
        with pytest.raises(AssertionError, match=r"^DELETE /a is open to everybody because oops\n"):
            assert_guarded(Door(*lines), open={"GET,HEAD /a": "assets"})
        with pytest.raises(AssertionError, match=r"^DELETE /a is open because 'oops', not because 'assets'\n"):
            assert_guarded(Door(*lines), open={"GET,HEAD /a": "assets", "DELETE /a": "assets"})
        assert_guarded(Door(*lines), open={"HEAD,GET /a": "assets", "DELETE /a": "oops"})
        assert_guarded(Door(*lines), open={"/a": "assets", "DELETE /a": "oops"})
        assert_guarded(Door(*lines), open={"/a": ("oops", "assets")})


def test_another_route_of_the_same_path_is_noticed() -> None:
    assert_guarded(Door(GET, POST), open={"/a": ("assets", "assets")})
    assert_guarded(Door(GET, POST), open={"GET,HEAD /a": "assets", "POST /a": "assets"})
    for lines in [(GET, GET), (GET, POST), (GET, POST, GET)]:
        with pytest.raises(AssertionError, match=f"is open in {len(lines)} lines, because"):
            assert_guarded(Door(*lines), open={"/a": "assets"})
    with pytest.raises(AssertionError, match=r"^/a is open because 'assets', not because 'assets' and 'assets'"):
        assert_guarded(Door(GET), open={"/a": ("assets", "assets")})


def test_methods_that_are_written_are_those_that_are_open() -> None:
    assert_guarded(Door(ALL), open={"* /a": "assets"})
    with pytest.raises(AssertionError, match=r"/a is open to everybody because assets\nGET,HEAD /a is not open"):
        assert_guarded(Door(ALL), open={"GET,HEAD /a": "assets"})
    with pytest.raises(AssertionError, match="GET /a is not open"):
        assert_guarded(Door(GET), open={"GET /a": "assets"})


def test_a_path_may_have_a_blank_in_it() -> None:
    line = RouteLine(("GET",), "/b,+a c", OPEN)
    assert_guarded(Door(line), open={"/b,+a c": "assets"})
    assert_guarded(Door(line), open={"GET /b,+a c": "assets"})


def test_a_report_does_as_well() -> None:
    assert_guarded(Door(CLOSED).report())
    with pytest.raises(AssertionError, match="is open to everybody because assets"):
        assert_guarded(Door(CLOSED, STATIC).report())


class Foreign:
    def report(self) -> str:
        return "all is well"


@pytest.mark.parametrize("wrong", [7, Door, Foreign()], ids=["a number", "a class", "another report"])
def test_what_has_no_report_is_told(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="assert_guarded takes a guard"):
        assert_guarded(wrong)


@pytest.mark.parametrize("wrong", [["/static/*"], "/static/*", {"/static/*"}], ids=["list", "text", "set"])
def test_open_has_a_reason_for_each_path(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"write open=\{'/static/\*': 'why'\}"):
        assert_guarded(Door(CLOSED, STATIC), open=wrong)


@pytest.mark.parametrize("wrong", [{7: "why"}, {"/static/*": None}, {"/static/*": (1,)}, []], ids=repr)
def test_reasons_are_text(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="write open="):
        assert_guarded(Door(CLOSED, STATIC), open=wrong)
