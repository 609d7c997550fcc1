"""CWE-863, CWE-367: Flask reads which view to run after the decision; what was changed by then is decided on anew."""

from __future__ import annotations

from functools import wraps
from typing import Any

import pytest
from flask import Flask, Response, current_app, request, stream_with_context
from werkzeug.test import TestResponse

from tests.flask.world import GOOD, PAYER, READER, can_pay, can_read, get, made
from zerotrust.flask import Guard
from zerotrust.wsgi.standing import Lasting

RAN: list[str] = []


def shop() -> tuple[Flask, Guard]:
    """Routes that are open, have the default, and require more; a hook that does what the query says."""
    RAN.clear()
    app, guard = made()
    for path in ("/open", "/batch", "/whole"):
        guard.open(path, because="public")

    def ran(name: str) -> str:
        RAN.append(name)
        return name

    app.add_url_rule("/open", "open", lambda: ran("open"))
    app.add_url_rule("/secret", "secret", lambda: ran("secret"))
    app.add_url_rule("/paid", "paid", guard.require(can_pay)(lambda: ran("paid")))
    app.add_url_rule("/items/<int:item>", "item", lambda item: ran("item"), methods=["GET"])
    app.add_url_rule(
        "/items/<int:item>", "change", guard.require(can_read)(lambda item: ran("change")), methods=["PUT"]
    )
    guard.protect("/plain", can_read)
    app.add_url_rule("/plain", "plain", lambda: ran("plain"))
    app.add_url_rule("/stream", "stream", lambda: Response(stream_with_context(iter(["s", "t"]))))

    def batch() -> Any:
        with current_app.test_request_context(request.args["p"], method=request.args.get("m", "GET")):
            rv = current_app.preprocess_request()
            return current_app.make_response(current_app.dispatch_request() if rv is None else rv)

    def whole() -> Any:
        with current_app.test_request_context(request.args["p"]):
            return current_app.full_dispatch_request()

    app.add_url_rule("/batch", "batch", batch)
    app.add_url_rule("/whole", "whole", whole)

    @app.before_request
    def rewrite() -> None:
        said = request.args
        if "as" in said:
            adapter = app.url_map.bind("shop")
            request.url_rule, given = adapter.match(said["as"], said.get("by", "GET"), return_rule=True)
            request.view_args = dict(given)
            request.routing_exception = None
        if "method" in said:
            request.method = said["method"]

    @app.after_request
    def mark(response: Response) -> Response:
        response.headers["x-hook"] = "ran"
        return response

    return app, guard


def ask(query: str, headers: dict[str, str] | None = None) -> TestResponse:
    app, guard = shop()
    guard.check()
    return get(app, query, headers)


@pytest.mark.parametrize("start", ["/open", "/nowhere", "/batch"])
@pytest.mark.parametrize("there", ["/secret", "/plain", "/paid", "/items/7", "/stream"])
def test_what_a_hook_leads_to_is_decided_on(start: str, there: str) -> None:
    answer = ask(f"{start}?as={there}")
    assert (answer.status_code, RAN) == (401, [])
    assert "www-authenticate" in answer.headers
    assert "x-hook" not in answer.headers, "a refusal is sent as it is"


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        ("/open?as=/secret", GOOD, 200),
        ("/secret?as=/open", GOOD, 200),
        ("/secret?as=/secret", GOOD, 200),
        ("/open?as=/plain", GOOD, 403),
        ("/open?as=/plain", READER, 200),
        ("/open?as=/paid", READER, 401),
        ("/open?as=/paid", PAYER, 200),
        ("/items/7?as=/items/8&by=PUT", GOOD, 403),
        ("/items/7?as=/items/8&by=PUT", READER, 200),
        ("/open?as=/stream", GOOD, 200),
        ("/secret?method=OPTIONS", GOOD, 200),
    ],
)
def test_it_needs_what_is_required_there(query: str, headers: dict[str, str], code: int) -> None:
    answer = ask(query, headers)
    assert answer.status_code == code
    assert len(RAN) == (code == 200 and "/stream" not in query and "OPTIONS" not in query)


def test_another_method_is_another_request() -> None:
    assert ask("/items/7?method=OPTIONS", GOOD).status_code == 403, "whose PUT requires more"
    assert ask("/items/7?method=OPTIONS", READER).status_code == 200


def test_another_view_is_another_route() -> None:
    app, guard = shop()
    guard.check()
    paid = app.view_functions["paid"]

    @wraps(paid)
    def around() -> Any:
        RAN.append("around")
        return paid()

    @app.before_request
    def swap() -> None:
        app.view_functions["secret"] = around

    assert get(app, "/secret", GOOD).status_code == 401
    assert RAN == [], "what is around a view runs after the decision, too"
    assert get(app, "/secret", PAYER).status_code == 200


def test_a_stream_lasts_as_long_as_what_was_decided_last(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[str] = []

    class Noting(Lasting):
        def __init__(self, gate: Any, place: Any, access: Any) -> None:
            places.append(place.path)
            super().__init__(gate, place, access)

    monkeypatch.setattr("zerotrust.flask.door.Lasting", Noting)
    assert ask("/open?as=/stream", GOOD).text == "st"
    assert places == ["/stream"]


@pytest.mark.parametrize("by", ["/batch", "/whole"])
def test_what_a_view_dispatches_is_decided_on(by: str) -> None:
    for there in ("/secret", "/plain", "/paid", "/items/7"):
        answer = ask(f"{by}?p={there}", PAYER)
        assert (answer.status_code, RAN) == (401, []), "the request within shows nothing"
    assert ask(f"{by}?p=/open").text == "open"
    assert RAN == ["open"]
    assert ask("/batch?p=/items/7&m=PUT", READER).status_code == 401


def test_outside_of_requests_each_dispatch_is_decided_on() -> None:
    app, guard = shop()
    guard.check()
    for path, headers, shown in (("/open", {}, "open"), ("/secret", GOOD, "secret")):
        with app.test_request_context(path, headers=headers):
            assert app.dispatch_request() == shown
            request.url_rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == "plain")
            answer: Any = app.dispatch_request()
            assert answer.status_code in (401, 403)
    assert RAN == ["open", "secret"]


def test_a_broken_look_at_it_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    app, guard = shop()
    guard.check()

    @app.before_request
    def lead() -> None:
        monkeypatch.setattr("zerotrust.flask.door.wsgi_request", None)

    for path in ("/open?as=/secret", "/open?as=/plain"):
        monkeypatch.undo()
        assert get(app, path, READER).status_code == 503
    assert RAN == []
