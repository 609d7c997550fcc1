"""CWE-400: an application with more routes than a door remembers is not looked at from end to end at each request."""

from __future__ import annotations

import pytest

from tests.flask.world import GOOD, get, made
from zerotrust.flask import protections
from zerotrust.flask.door import Door


@pytest.mark.parametrize("routes", [2, 7, 8, 9, 40])
def test_a_request_costs_no_look_at_all_routes(routes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protections, "_REMEMBERED", 8)
    app, guard = made()
    for route in range(routes):
        app.add_url_rule(f"/{route}", str(route), lambda: "x")
    guard.check()
    looks: list[int] = []
    report = Door.report
    monkeypatch.setattr(Door, "report", lambda door: looks.append(1) or report(door))  # type: ignore[func-returns-value]
    for _ in range(2):
        for route in range(routes):
            assert get(app, f"/{route}", GOOD).status_code == 200
    assert len(looks) == 0


def test_what_is_forgotten_is_bounded_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that are made and thrown away all the time."""
    monkeypatch.setattr(protections, "_REMEMBERED", 8)
    app, guard = made()
    app.add_url_rule("/", "home", lambda: "x")
    found = protections.Protections(app, guard.rules, guard, {})
    for number in range(100):
        rule = app.url_rule_class(f"/{number}", endpoint="home")
        rule.bind(app.url_map)
        found.checkpoint(rule, "GET")
        assert len(found._entries) <= 8
