"""The guard lets in whom the policy allows, tells the others what to do, before anything of the application runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import flask
import pytest
from flask import Blueprint, Flask
from flask.views import MethodView, View

from tests.flask.world import GOOD, ISSUER, NOW, PAYER, READER, can_pay, can_read, clock, get, made, shown, token
from zerotrust import Bearer, ConfigError, Issuer, Sources, anyone
from zerotrust.flask import Guard
from zerotrust.stores.http import HttpFetcher
from zerotrust.testing import IssuerSource, assert_guarded
from zerotrust.web.ambient import current_access


def shop(**options: Any) -> tuple[Flask, Guard]:
    app, guard = made(**options)

    @app.post("/pay")
    @guard.require(can_pay)
    def pay() -> dict[str, Any]:
        return {"by": guard.access[token].subject, "until": guard.access.valid_until}

    @app.get("/plain")
    def plain() -> str:
        return "plain"

    return app, guard


def test_a_view_has_the_evidence() -> None:
    answer = get(shop()[0], "/pay", PAYER, "POST")
    assert (answer.status_code, answer.json) == (200, {"by": "alice", "until": NOW + 290})


def test_a_route_without_a_policy_has_the_default() -> None:
    app = shop()[0]
    assert get(app, "/plain").status_code == 401
    assert get(app, "/plain", GOOD).text == "plain"
    assert get(app, "/pay", GOOD, "POST").status_code == 401


def test_a_refusal_is_sent_as_it_is() -> None:
    stale = shown("pay", auth_time=int(NOW) - 3600)
    answer = get(shop(realm="shop")[0], "/pay", stale, "POST")
    assert answer.status_code == 401
    assert list(answer.headers) == [
        ("content-type", "application/problem+json"),
        ("content-length", str(len(answer.data))),
        ("cache-control", "no-store"),
        (
            "www-authenticate",
            'Bearer realm="shop", error="insufficient_user_authentication", scope="pay", max_age="300"',
        ),
    ]
    assert answer.json is not None
    assert answer.json["max_age"] == 300


def test_head_is_refused_without_a_body() -> None:
    app = shop()[0]
    asked, headed = get(app, "/plain"), get(app, "/plain", method="HEAD")
    assert (headed.status_code, headed.data) == (401, b"")
    assert list(headed.headers) == list(asked.headers)


def test_nothing_of_the_application_runs_before_the_decision() -> None:
    app, _ = shop()
    ran: list[str] = []

    @app.before_request
    def before() -> None:
        ran.append("before")

    @app.after_request
    def after(response: flask.Response) -> flask.Response:
        ran.append("after")
        return response

    def handle(error: Exception) -> str:
        ran.append("handler")
        return "mine"

    app.url_value_preprocessor(lambda *_: ran.append("values"))
    for code in (401, 404, 405, 500):
        app.register_error_handler(code, handle)
    for path, method in (("/plain", "GET"), ("/no", "GET"), ("/plain", "DELETE"), ("/plain", "OPTIONS")):
        assert get(app, path, method=method).status_code == 401
    assert ran == []
    assert get(app, "/plain", GOOD).status_code == 200
    assert ran == ["values", "before", "after"]


def test_unknown_paths_and_redirects_are_for_those_who_meet_the_default() -> None:
    app, guard = made()

    @app.get("/list/")
    @guard.require(can_read)
    def listed() -> str:
        return "list"

    assert get(app, "/no").status_code == 401
    assert get(app, "/no", GOOD).status_code == 404
    assert get(app, "/list").status_code == 401
    assert get(app, "/list", GOOD).status_code == 308
    assert get(app, "/list/", GOOD).status_code == 403
    assert get(app, "/list/", READER).text == "list"


def test_a_wrong_method_and_options_need_the_policies_of_all_routes_of_the_path() -> None:
    app, guard = made()
    app.get("/x", endpoint="get")(guard.require(can_read)(lambda: "x"))
    app.post("/x", endpoint="post")(guard.require(can_pay)(lambda: "x"))
    app.get("/open", endpoint="open")(guard.require(anyone(because="public"))(lambda: "x"))
    both = shown("read pay", auth_time=int(NOW) - 10)
    for method, status in (("DELETE", 405), ("OPTIONS", 200)):
        assert get(app, "/x", method=method).status_code == 401
        assert get(app, "/x", READER, method).status_code == 401
        assert get(app, "/x", both, method).status_code == status
        assert get(app, "/open", method=method).status_code == status
    assert get(app, "/x", READER).status_code == 200
    assert get(app, "/x", READER, "HEAD").status_code == 200
    assert get(app, "/x", GOOD, "HEAD").status_code == 403


def test_routes_added_later_and_views_replaced_are_covered() -> None:
    app, guard = shop()
    assert get(app, "/plain", GOOD).status_code == 200
    app._got_first_request = False
    app.add_url_rule("/late", "late", guard.require(can_read)(lambda: "late"))
    assert get(app, "/late").status_code == 401
    assert get(app, "/late", GOOD).status_code == 403
    assert get(app, "/late", READER).text == "late"
    app.view_functions["plain"] = guard.require(can_read)(lambda: "other")
    app.before_request_funcs[None] = [lambda: flask.abort(418)]
    assert get(app, "/plain", GOOD).status_code == 403
    app.before_request_funcs.clear()
    assert get(app, "/plain", READER).text == "other"


def through(function: Callable[[], str]) -> Callable[[], str]:
    @functools.wraps(function)
    def wrapper() -> str:
        return function()

    return wrapper


def hiding(function: Callable[[], str]) -> Callable[[], str]:
    def wrapper() -> str:
        return function()

    return wrapper


def test_the_marker_survives_wraps_and_decides_by_itself_where_it_is_hidden() -> None:
    app, guard = made()
    ran: list[str] = []
    app.before_request(lambda: ran.append("before"))

    @guard.require(can_read)
    def secret() -> str:
        ran.append("secret")
        return "secret"

    app.add_url_rule("/seen", "seen", through(secret))
    app.add_url_rule("/hidden", "hidden", hiding(secret))
    assert get(app, "/seen", GOOD).status_code == 403
    assert ran == []
    seen, hidden = get(app, "/seen", GOOD), get(app, "/hidden", GOOD)
    assert ran == ["before"]
    assert (hidden.status_code, list(hidden.headers), hidden.data) == (403, list(seen.headers), seen.data)
    assert get(app, "/hidden", READER).text == "secret"


def test_all_requirements_of_a_view_hold() -> None:
    app, guard = made()
    app.get("/x")(guard.require(can_read)(through(guard.require(can_pay)(lambda: "x"))))
    assert get(app, "/x", READER).status_code == 401
    assert get(app, "/x", PAYER).status_code == 403
    assert get(app, "/x", shown("read pay", auth_time=int(NOW) - 10)).status_code == 200


def test_class_based_views() -> None:
    app, guard = made()

    class Whole(View):
        decorators: ClassVar = [guard.require(can_read)]

        def dispatch_request(self) -> str:
            return "whole"

    class Own(View):
        @guard.require(can_read)
        def dispatch_request(self) -> str:
            return "own"

    class Parts(MethodView):
        @guard.require(can_read)
        def get(self) -> str:
            return "get"

        @guard.require(can_pay)
        def post(self) -> str:
            return "post"

    app.before_request(lambda: flask.abort(418))
    for kind in (Whole, Own, Parts):
        app.add_url_rule(f"/{kind.__name__}", view_func=kind.as_view(kind.__name__))
    for path in ("/Whole", "/Own"):
        assert get(app, path, GOOD).status_code == 403
        assert get(app, path, READER).status_code == 418
    for method in ("GET", "HEAD"):
        assert get(app, "/Parts", GOOD, method).status_code == 403
        assert get(app, "/Parts", READER, method).status_code == 418
    assert get(app, "/Parts", GOOD, "POST").status_code == 401
    assert get(app, "/Parts", PAYER, "POST").status_code == 418
    assert get(app, "/Parts", GOOD, "OPTIONS").status_code == 401
    assert get(app, "/Parts", PAYER, "OPTIONS").status_code == 403
    assert get(app, "/Parts", shown("read pay", auth_time=int(NOW) - 10), "OPTIONS").status_code == 418
    lines = {line.path: str(line.protection) for line in guard.report().lines if line.methods == ("POST",)}
    assert lines == {"/Parts": "can pay  (guard.require)"}


def test_async_views_and_hooks_know_the_access() -> None:
    app, guard = made()

    @app.before_request
    async def hook() -> None:
        assert guard.access[token].subject == "alice"

    @app.get("/x")
    @guard.require(can_read)
    async def view() -> str:
        return await service()

    @guard.require(can_pay)
    async def service() -> str:
        return guard.access[token].subject

    assert get(app, "/x", GOOD).status_code == 403
    assert get(app, "/x", READER).status_code == 401
    assert get(app, "/x", shown("read pay", auth_time=int(NOW) - 10)).text == "alice"


def test_blueprints_rules_and_prefixes() -> None:
    app, guard = made()
    bp = Blueprint("items", __name__, url_prefix="/items")
    bp.add_url_rule("/<int:item>", "one", lambda item: str(item))
    bp.add_url_rule("/public", "public", lambda: "public")
    bp.add_url_rule("/<int:item>/parts", "parts", lambda item: "parts")
    app.register_blueprint(bp, url_prefix="/v1/items")
    guard.protect("/v1/items/<int:item>", can_read)
    guard.open("/v1/items/public", because="for everybody")
    assert get(app, "/v1/items/5", GOOD).status_code == 403
    assert get(app, "/v1/items/5", READER).text == "5"
    assert get(app, "/v1/items/5/parts", GOOD).status_code == 403
    assert get(app, "/v1/items/public").text == "public"
    by = {line.path: str(line.protection) for line in guard.report().lines}
    assert by["/v1/items/<int:item>/parts"].endswith("(guard.protect and default)")


def test_static_files() -> None:
    app = Flask(
        "shop", root_path=str(flask.__file__).rpartition("/")[0], static_folder="json", static_url_path="/static"
    )
    guard = Guard(app, default=token.valid, clock=clock)
    assert [line.path for line in guard.report().lines] == ["/static/*"]
    assert get(app, "/static/tag.py").status_code == 401
    guard.open("/static/*", because="public")
    answer = get(app, "/static/tag.py")
    assert answer.status_code == 200
    answer.close()
    assert get(app, "/static/no").status_code == 404


def test_a_stream_knows_the_access_and_the_next_request_does_not() -> None:
    app, guard = made()

    @app.get("/stream")
    def stream() -> flask.Response:
        def parts() -> Iterator[str]:
            yield guard.access[token].subject

        return flask.Response(flask.stream_with_context(parts()))

    assert get(app, "/stream", GOOD).text == "alice"
    assert current_access() is None
    with pytest.raises(ConfigError, match="no request that it let in"):
        _ = guard.access


def test_one_guard_for_the_applications_of_a_factory() -> None:
    guard = Guard(default=token.valid, clock=clock)

    def create(more: str = "") -> Flask:
        app = Flask("shop", static_folder=None)
        guard.init_app(app)
        guard.open("/health", because="probe")  # said of each application anew
        app.add_url_rule("/health", "health", lambda: "up")
        if more:
            app.add_url_rule(more, "more", lambda: "more")
        guard.check(app)
        return app

    with pytest.raises(ConfigError, match=r"protects no application: write guard\.init_app\(app\)"):
        guard.report()
    with pytest.raises(AssertionError, match=r"protects no application: write guard\.init_app\(app\)"):
        assert_guarded(guard)
    first, second = create(), create("/more")
    assert get(first, "/health").text == get(second, "/health").text == "up"
    assert [line.path for line in guard.report().lines] == ["/health", "/more"]
    assert [line.path for line in guard.report(first).lines] == ["/health"]
    assert_guarded(guard, open={"/health": "probe"})
    with second.app_context():
        assert guard.report() == guard.report(second) != guard.report(first)
    with pytest.raises(ConfigError, match="does not protect <Flask 'other'>"):
        guard.check(Flask("other"))
    guard.protect("/more", can_read)
    with pytest.raises(ConfigError, match=r"guard.protect\('/more'\) meets no route"):
        guard.check()  # looks at all of them
    guard.check(second)
    assert len(guard.report().problems) == 1
    with pytest.raises(ConfigError, match="has a Guard already"):
        guard.init_app(first)
    with pytest.raises(ConfigError, match="Guard takes the application, not str"):
        guard.init_app("app")  # type: ignore[arg-type]


def test_what_is_called_late_counts_by_the_clock_of_the_application() -> None:
    guard, now = Guard(default=token.valid, clock=lambda: 0.0), [NOW]
    app = Flask("shop", static_folder=None)
    guard.init_app(app, clock=lambda: now[0])
    work = guard.require(can_read)(lambda: "done")

    @app.get("/")
    @guard.require(can_read)
    def view() -> str:
        now[0] += 1_000_000
        return work()

    assert get(app, "/", READER).status_code == 401


def test_an_application_may_have_sources_and_a_clock_of_its_own() -> None:
    fetched = Bearer(Issuer(ISSUER.url), audience="api")
    guard = Guard(default=token.valid, sources=Sources(HttpFetcher()), clock=lambda: 0.0)

    @guard.require(fetched.scope("read"))
    def work() -> str:
        return guard.access[fetched].subject

    app = Flask("shop", static_folder=None)
    with pytest.raises(ConfigError, match=r"init_app\(\.\.\.\): no source answers Fetch"):
        guard.init_app(app, sources=Sources())
    guard.init_app(app, sources=Sources(IssuerSource(ISSUER)), clock=clock)
    app.add_url_rule("/", "home", work)
    app.add_url_rule("/late", "late", lambda: work())
    assert get(app, "/", shown("read")).text == get(app, "/late", shown("read")).text == "alice"
    assert get(app, "/late", GOOD).status_code == 403
    before = [gate.rounds.called_at for gate in (guard.gate, app.extensions["zerotrust"].gate)]
    guard.recheck()
    after = [gate.rounds.called_at for gate in (guard.gate, app.extensions["zerotrust"].gate)]
    assert all(then < now for then, now in zip(before, after, strict=True))
    other = Flask("other", static_folder=None)
    guard.init_app(other, clock=clock)
    other.add_url_rule("/", "home", lambda: "x")
    assert get(other, "/").status_code == 401
