"""Rules that hold where no decorator can stand, what is wrong with them, and what the report and the command say."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import Rule

from tests.flask.world import GOOD, READER, can_pay, can_read, clock, get, made, shown, token
from zerotrust import ConfigError, anyone
from zerotrust.flask import Guard
from zerotrust.web.resource import ProtectedResource


def said(guard: Guard) -> dict[str, str]:
    return {line.path: str(line) for line in guard.report().lines}


def test_of_several_rules_the_closest_holds() -> None:
    app, guard = made()
    for path in ("/a", "/a/b", "/a/b/c", "/d/e", "/d/e/f", "/ab"):
        app.add_url_rule(path, path, lambda: "x")
    app.add_url_rule("/a/own", "own", guard.require(can_pay)(lambda: "x"))
    guard.protect("/a", can_read)
    guard.protect("/a/b", can_pay)
    guard.protect("/d/*", can_read)
    guard.protect("/d/e", can_pay)
    assert said(guard) == {
        "/a": 'token.scope("read")  (guard.protect)',
        "/a/b": "can pay  (guard.protect)",
        "/a/b/c": "can pay & token.valid  (guard.protect and default)",
        "/d/e": "can pay  (guard.protect)",
        "/d/e/f": 'can pay & token.scope("read")  (guard.protect and guard.protect)',
        "/ab": "token.valid  (default)",
        "/a/own": 'can pay & token.scope("read")  (guard.require and guard.protect)',
    }


def test_the_report_tells_of_what_a_decorator_hides() -> None:
    app, guard = made()

    def hiding(function: Callable[[], str]) -> Callable[[], str]:
        def instead() -> str:
            return function()

        return instead

    def calls() -> str:
        return pay() + later

    @guard.require(can_pay)
    def pay() -> str:
        return "paid"

    app.add_url_rule("/twice", "twice", hiding(hiding(pay)))
    app.add_url_rule("/calls", "calls", calls)
    app.add_url_rule("/own", "own", pay)
    app.add_url_rule("/plain", "plain", hiding(lambda: "plain"))
    assert said(guard) == {
        "/twice": "token.valid  (default; what it calls requires can pay)",
        "/calls": "token.valid  (default; what it calls requires can pay)",
        "/own": "can pay  (guard.require)",
        "/plain": "token.valid  (default)",
    }
    later = "bound only now"  # while the report was made, its cell was empty


def test_what_is_opened_is_that_route_alone() -> None:
    app, guard = made()
    app.add_url_rule("/docs", "docs", lambda: "x")
    app.add_url_rule("/docs/secret", "secret", lambda: "x")
    app.add_url_rule("/files/<path:name>", "files", lambda name: "x")
    app.add_url_rule("/files/secret", "file", lambda: "x")
    guard.open("/docs", because="public")
    guard.open("/files/*", because="public")
    assert {path for path, line in said(guard).items() if line.startswith("OPEN")} == {"/docs", "/files/<path:name>"}
    assert get(app, "/files/a/b").text == "x"
    assert get(app, "/files/secret").status_code == 401


def mistaken(app: Flask, guard: Guard) -> None:
    app.add_url_rule("/x", "x", guard.require(can_read)(lambda: "x"))


def above(app: Flask, guard: Guard) -> None:
    def view() -> str:
        return "x"

    guard.require(can_read)(app.get("/x")(view))


def contradicting(app: Flask, guard: Guard) -> None:
    mistaken(app, guard)
    guard.open("/x", because="public")


def meeting_nothing(app: Flask, guard: Guard) -> None:
    mistaken(app, guard)
    guard.protect("/y", can_read)


def redirecting(app: Flask, guard: Guard) -> None:
    mistaken(app, guard)
    app.url_map.add(Rule("/old", redirect_to="x", endpoint="old"))
    guard.open("/old", because="it only redirects")


def without_routes(app: Flask, guard: Guard) -> None:
    guard.open("/x", because="public")


def of_another(app: Flask, guard: Guard) -> None:
    other = Guard(default=token.valid, clock=clock)
    app.add_url_rule("/x", "x", other.require(can_read)(guard.require(can_read)(lambda: "x")))


def of_another_in_a_class(app: Flask, guard: Guard) -> None:
    class Pages(MethodView):
        @Guard(default=token.valid, clock=clock).require(can_read)
        def get(self) -> str:
            return "x"

    app.add_url_rule("/x", view_func=Pages.as_view("x"))


def above_another_decorator(app: Flask, guard: Guard) -> None:
    def view() -> str:
        return "x"

    between = functools.wraps(view)(lambda: app.get("/x")(view)())
    app.add_url_rule("/x", "x", view)
    guard.require(can_read)(between)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (above, r"stands above the decorator that makes above\.<locals>\.view a route"),
        (above_another_decorator, r"stands above the decorator that makes .*\.view a route"),
        (of_another, "^[^;]*the view at /x is marked by another Guard than the one that protects the application; use"),
        (of_another_in_a_class, "the view at /x is marked by another Guard"),
        (contradicting, r"guard\.open\('/x'\) has no effect"),
        (meeting_nothing, r"guard\.protect\('/y'\) meets no route; .* one of: /x"),
        (without_routes, r"guard\.open\('/x'\) meets no route; the application has no routes$"),
        (redirecting, r"guard\.open\('/old'\) meets no route"),
    ],
)
def test_while_there_are_problems_everything_is_refused(
    wrong: Callable[[Flask, Guard], None], problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, guard = made()
    wrong(app, guard)
    with pytest.raises(ConfigError, match=problem):
        guard.check()
    with caplog.at_level(logging.ERROR, "zerotrust.guard"):
        assert [get(app, "/x", shown("read")).status_code for _ in range(2)] == [503, 503]
    assert caplog.text.count("everything is refused") == 1


def test_what_is_decorated_beyond_another_decorator_while_it_runs_is_seen() -> None:
    app, guard = made()

    def view() -> str:
        return "x"

    app.add_url_rule("/x", "x", view)
    kept = guard.require(can_read)(clock)  # no view
    assert get(app, "/x", GOOD).text == "x"
    also = guard.require(can_read)(functools.wraps(view)(lambda: view()))
    assert get(app, "/x", GOOD).status_code == 503
    del kept, also


@pytest.mark.parametrize("path", ["items", "", "/*", 5])
def test_what_is_no_path_is_told(path: Any) -> None:
    _, guard = made()
    with pytest.raises(ConfigError, match=r"guard\.open"):
        guard.open(path, because="public")


def test_a_path_has_one_rule() -> None:
    _, guard = made()
    guard.protect("/x", can_read)
    with pytest.raises(ConfigError, match="two rules for /x"):
        guard.open("/x", because="public")


def test_the_command_lists_routes() -> None:
    app, guard = made()
    app.add_url_rule("/x", "x", guard.require(can_read)(lambda: "x"))
    runner = app.test_cli_runner()
    table = runner.invoke(args=["zerotrust", "routes"])
    assert (table.exit_code, table.output.strip()) == (0, str(guard.report()))
    data = runner.invoke(args=["zerotrust", "routes", "--json"])
    assert json.loads(data.output)["routes"][0]["path"] == "/x"
    guard.protect("/none", can_read)
    assert runner.invoke(args=["zerotrust", "routes"]).exit_code == 1


def test_metadata_is_served_to_everybody() -> None:
    app = Flask("shop", static_folder=None)
    guard = Guard(app, default=can_read, clock=clock, resource=ProtectedResource("https://api.example/mcp"))
    app.before_request(lambda: "mine")
    path = "/.well-known/oauth-protected-resource/mcp"
    answer = get(app, path)
    assert answer.json is not None
    assert (answer.status_code, answer.json["scopes_supported"]) == (200, ["read"])
    assert [name for name, _ in answer.headers] == [
        "cache-control", "access-control-allow-origin", "content-length", "content-type",
    ]  # fmt: skip
    assert get(app, path, method="HEAD").data == b""
    assert path in get(app, "/x").headers["www-authenticate"]
    assert said(guard)[path].startswith("OPEN because clients read here")
    app.before_request_funcs.clear()
    assert get(app, path, method="POST").status_code == 405


def test_a_ready_route_that_another_one_hides_is_a_problem() -> None:
    app = Flask("shop", static_folder=None)
    path = "/.well-known/oauth-protected-resource"
    app.add_url_rule(path, "mine", lambda: "mine")
    guard = Guard(app, default=can_read, clock=clock, resource=ProtectedResource("https://api.example"))
    assert any("is not served" in problem for problem in guard.report().problems)
    other = Flask("other", static_folder=None, host_matching=True)
    with pytest.raises(ConfigError, match="host_matching"):
        Guard(other, default=can_read, resource=ProtectedResource("https://api.example"))


def test_hosts_and_subdomains_are_told_apart() -> None:
    app = Flask("shop", static_folder=None, subdomain_matching=True)
    app.config["SERVER_NAME"] = "shop.example"
    guard = Guard(app, default=token.valid, clock=clock)
    admin = Blueprint("admin", __name__, subdomain="admin")
    admin.add_url_rule("/x", "x", lambda: "admin")
    app.register_blueprint(admin)
    app.add_url_rule("/x", "x", lambda: "shop")
    guard.open("/x", because="public")
    assert said(guard)["//admin/x"] == "token.valid  (default)"
    assert get(app, "/x", base_url="https://shop.example").text == "shop"
    assert get(app, "/x", base_url="https://admin.shop.example").status_code == 401
    hosts = Flask("hosts", static_folder=None, host_matching=True)
    guard = Guard(hosts, default=token.valid, clock=clock)
    hosts.add_url_rule("/x", "a", lambda: "a", host="a.example")
    hosts.add_url_rule("/x", "b", lambda: "b", host="b.example")
    guard.open("//a.example/x", because="public")
    assert get(hosts, "/x", base_url="https://a.example").text == "a"
    assert get(hosts, "/x", base_url="https://b.example").status_code == 401


def test_a_mounted_application_is_guarded_where_it_is_mounted() -> None:
    app, guard = made()
    app.add_url_rule("/x", "x", guard.require(can_read)(lambda: guard.access.request.root))  # type: ignore[union-attr]
    outer = Flask("outer", static_folder=None)
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/shop": app.wsgi_app})  # type: ignore[method-assign]
    assert get(outer, "/shop/x", GOOD).status_code == 403
    assert get(outer, "/shop/x", READER).text == "/shop"


def test_an_application_that_dispatches_otherwise_is_not_guarded() -> None:
    class Own(Flask):
        def wsgi_app(self, environ: Any, start_response: Any) -> Any:
            return super().wsgi_app(environ, start_response)

    with pytest.raises(ConfigError, match="Own overrides wsgi_app"):
        Guard(Own("own"), default=token.valid)


def test_an_unknown_flask_is_not_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    def full_dispatch_request(self: Flask, context: object, more: object) -> None: ...

    monkeypatch.setattr(Flask, "full_dispatch_request", full_dispatch_request)
    with pytest.raises(ConfigError, match=r"use Flask 3\.1 or 3\.2"):
        Guard(Flask("new"), default=token.valid)


def test_an_open_default_opens_all() -> None:
    app = Flask("shop", static_folder=None)
    Guard(app, default=anyone(because="a demonstration"), clock=clock)
    assert get(app, "/no").status_code == 404
