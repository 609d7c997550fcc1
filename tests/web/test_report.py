"""The report says of every route what protects it, and why the open ones are open."""

from __future__ import annotations

import json

from tests.web.sample import Told, scope, valid, verified
from zerotrust.core.policy import all_of, anyone
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


def test_of_several_named_policies_the_names_are_shown() -> None:
    can_read, can_pay = scope(TOKEN, "read").named("can read"), scope(TOKEN, "pay").named("can pay")
    assert str(Protection(can_read & can_pay, "x")) == "can read & can pay  (x)"
    assert (
        str(Protection(all_of(can_read, all_of(can_pay, valid(TOKEN))), "x")) == "can read & can pay & token.valid  (x)"
    )
    twice = all_of(can_read, all_of(can_read, can_pay), valid(TOKEN))
    assert str(Protection(twice, "x")) == "can read & can pay & token.valid  (x)"
    assert str(Protection(all_of(can_read, can_read), "x")) == "can read  (x)"
    either = valid(TOKEN) | scope(TOKEN, "admin")
    assert str(Protection(either & can_pay, "x")) == f"({either}) & can pay  (x)"
    assert str(Protection(valid(TOKEN) & scope(TOKEN, "pay"), "x")) == f"{valid(TOKEN) & scope(TOKEN, 'pay')}  (x)"
    assert str(Protection(can_read | can_pay, "x")) == f"{can_read | can_pay}  (x)"


def test_a_name_counts_whatever_the_tags() -> None:
    named = scope(TOKEN, "write").named("can write").tagged("sensitive").tagged("money")
    assert str(Protection(named, "x")) == "can write  (x)"
    assert str(Protection(all_of(valid(TOKEN), named), "x")) == "token.valid & can write  (x)"


def test_what_is_decided_outside_is_shown_first_and_opens_only_if_all_is_open() -> None:
    welcome = Protection(anyone(because="welcome"), "x")
    line = RouteLine(("GET",), "/a", welcome, (DEFAULT, welcome))
    assert str(line) == (
        "token.valid  (default), then its own Guard: OPEN because welcome, then its own Guard: OPEN because welcome"
    )
    assert not line.is_open
    assert not RouteLine(("GET",), "/a", DEFAULT, (welcome,)).is_open
    assert not RouteLine(("GET",), "/a", None, (welcome,)).is_open
    assert RouteLine(("GET",), "/a", welcome, (welcome,)).is_open


def test_as_json_it_says_the_same() -> None:
    outside = Protection(anyone(because="assets"), "guard.open")
    report = Report(
        (
            RouteLine(("GET", "HEAD"), "/a", DEFAULT, (outside,)),
            RouteLine(("GET",), "/broken", None),
            RouteLine(("*",), "/static/*", outside),
        ),
        DEFAULT,
        ("/broken: two people",),
    )
    default = {"policy": "token.valid", "by": "default", "open_because": None}
    assets = {"policy": "anyone(because='assets')", "by": "guard.open", "open_because": "assets"}
    told = json.loads(report.to_json())
    assert told == report.to_dict()
    assert told == {
        "version": 1,
        "routes": [
            {"methods": ["GET", "HEAD"], "path": "/a", "open": False, "requires": [assets, default]},
            {"methods": ["GET"], "path": "/broken", "open": False, "requires": [None]},
            {"methods": ["*"], "path": "/static/*", "open": True, "requires": [assets]},
        ],
        "anything_else": default,
        "problems": ["/broken: two people"],
    }
    assert report.to_json(indent=None).count("\n") == 0
