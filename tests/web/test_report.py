"""The report says of every route what protects it, and why the open ones are open."""

from __future__ import annotations

from tests.web.sample import Told, scope, valid, verified
from zerotrust.core.policy import anyone
from zerotrust.web.report import Protection, Report, RouteLine

TOKEN = Told(verified())
DEFAULT = Protection(valid(TOKEN), "default")


def test_it_prints_as_a_table() -> None:
    report = Report(
        (
            RouteLine(("GET", "HEAD"), "/a", DEFAULT),
            RouteLine(("WS",), "/longer", Protection(scope(TOKEN, "pay").named("can pay"), "guard.require")),
            RouteLine(("*",), "/static/*", Protection(anyone(because="assets"), "guard.open")),
            RouteLine(("GET",), "/broken", None),
        ),
        DEFAULT,
        ("/broken: two people",),
    )
    assert str(report).splitlines() == [
        "GET,HEAD  /a               token.valid  (default)",
        "WS        /longer          can pay  (guard.require)",
        "*         /static/*        OPEN because assets",
        "GET       /broken          REFUSED",
        "*         (anything else)  token.valid  (default)",
        "PROBLEM: /broken: two people",
    ]
    assert [line.path for line in report.open] == ["/static/*"]


def test_whatever_is_sure_to_let_everybody_in_counts_as_open() -> None:
    welcome = anyone(because="welcome")
    assert Protection(welcome.named("front page"), "x").open_because == "welcome"
    assert Protection(welcome & anyone(because="really"), "x").open_because == "welcome; really"
    assert Protection(valid(TOKEN) | welcome, "x").open_because == "welcome"
    assert Protection(valid(TOKEN) & welcome, "x").open_because is None
    assert Protection(~welcome, "x").open_because is None
