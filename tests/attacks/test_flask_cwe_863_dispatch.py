"""CWE-863 at Flask's door: whatever a request looks like, what runs is what was decided on."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from flask import Blueprint, Flask
from werkzeug.routing import IntegerConverter

from tests.flask.world import GOOD, READER, can_read, clock, made, token
from zerotrust.flask import Guard

RAN: list[str] = []


def shop() -> Flask:
    app, guard = made()
    guard.open("/open", because="public")
    app.add_url_rule("/open", "open", lambda: "open")
    app.add_url_rule("/admin", "admin", lambda: RAN.append("admin") or "admin")  # type: ignore[func-returns-value]
    app.add_url_rule("/admin/<path:rest>", "rest", lambda rest: RAN.append("rest") or "rest")  # type: ignore[func-returns-value]
    guard.protect("/admin", can_read)
    app.before_request(lambda: RAN.append("hook"))
    return app


def status(app: Any, environ: dict[str, Any]) -> int:
    found: list[str] = []
    made = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/admin", "QUERY_STRING": "", "SERVER_NAME": "shop",
        "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "shop.example", "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(),
    }  # fmt: skip
    b"".join(app({**made, **environ}, lambda line, *_: found.append(line)))
    return int(found[0][:3])


@pytest.mark.parametrize(
    "path",
    [
        "/admin", "//admin", "/admin/", "/admin/x", "/open/../admin", "/open/..;/admin", "/./admin", "/admin%2fx",
        "/ADMIN", "/admin//x", "/admin\\x", "/open;/admin", "/open%00", "", "admin", "\x00", "/\xff\xfe", "/admin\r\n",
        "*",
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_gets_past(path: str) -> None:
    RAN.clear()
    app = shop()
    for method in ("GET", "HEAD", "OPTIONS", "POST", "TRACE", "get", "", "A B"):
        assert status(app, {"PATH_INFO": path, "REQUEST_METHOD": method}) == 401
    assert RAN == []


@pytest.mark.parametrize(
    "header", ["HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_ORIGINAL_URL", "HTTP_X_REWRITE_URL", "HTTP_X_FORWARDED_PREFIX"]
)
def test_no_header_says_what_is_asked_for(header: str) -> None:
    RAN.clear()
    assert status(shop(), {header: "/open"}) == 401
    assert RAN == []


@pytest.mark.parametrize("host", ["", "\xff", "a b", "shop.example,evil", "[::1", "x" * 5000, "evil.example"])
def test_no_host_gets_past(host: str) -> None:
    RAN.clear()
    app = shop()
    assert status(app, {"HTTP_HOST": host}) == 401
    app.config["TRUSTED_HOSTS"] = ["shop.example"]
    assert status(app, {"HTTP_HOST": host}) == 401
    assert RAN == []


def test_an_error_handler_is_no_way_in() -> None:
    """A converter that raises, say, has Flask call the handler for 500 without any dispatch."""
    app, _ = made()

    class Broken(IntegerConverter):
        def to_python(self, value: str) -> Any:
            raise RuntimeError("secret detail")

    app.url_map.converters["broken"] = Broken
    app.add_url_rule("/<broken:x>", "x", lambda x: "x")
    app.register_error_handler(500, lambda error: ("mine", 500) if RAN.append("handler") is None else "")  # type: ignore[func-returns-value]
    RAN.clear()
    assert status(app, {"PATH_INFO": "/5"}) == 401
    assert RAN == []
    assert status(app, {"PATH_INFO": "/5", "HTTP_AUTHORIZATION": GOOD["authorization"]}) == 500


def test_a_handler_that_a_blueprint_has_for_everything_does_not_swallow_a_refusal() -> None:
    app, guard = made()
    bp = Blueprint("bp", __name__)
    bp.add_url_rule("/x", "x", lambda: guard.access.check(can_read) and "x")
    bp.register_error_handler(Exception, lambda error: ("swallowed", 200))
    app.register_blueprint(bp)
    assert status(app, {"PATH_INFO": "/x", "HTTP_AUTHORIZATION": GOOD["authorization"]}) == 403
    assert status(app, {"PATH_INFO": "/x", "HTTP_AUTHORIZATION": READER["authorization"]}) == 200


def test_what_was_decided_for_one_request_is_nothing_to_the_next() -> None:
    app = Flask("shop", static_folder=None)
    guard = Guard(app, default=token.valid, clock=clock)
    app.add_url_rule("/x", "x", lambda: guard.access[token].subject)
    assert status(app, {"PATH_INFO": "/x", "HTTP_AUTHORIZATION": GOOD["authorization"]}) == 200
    assert status(app, {"PATH_INFO": "/x"}) == 401


def test_a_view_under_two_names_is_two_routes() -> None:
    app, guard = made()

    def view() -> str:
        return "x"

    app.add_url_rule("/open", "one", view)
    app.add_url_rule("/closed", "two", guard.require(can_read)(view))
    guard.open("/open", because="public")
    problems = guard.report().problems
    assert problems == ()
    assert status(app, {"PATH_INFO": "/open"}) == 200
    assert status(app, {"PATH_INFO": "/closed"}) == 401
