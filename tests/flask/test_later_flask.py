"""Flask 3.2 hands the context of a request through its dispatch; 3.1, as it is tested with, does as if."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask

from tests.flask.world import GOOD, READER, can_read, get, made, token


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    handle_user, handle, finalize = Flask.handle_user_exception, Flask.handle_exception, Flask.finalize_request

    def wsgi_app(self: Any, environ: Any, start_response: Any) -> Iterable[bytes]:
        ctx = self.request_context(environ)
        error: BaseException | None = None
        try:
            try:
                ctx.push()
                response = self.full_dispatch_request(ctx)
            except Exception as caught:
                error = caught
                response = self.handle_exception(ctx, caught)
            made: Iterable[bytes] = response(environ, start_response)
            return made
        finally:
            ctx.pop(error)

    def full_dispatch_request(self: Any, ctx: Any) -> Any:
        try:
            rv = self.preprocess_request()
            if rv is None:
                rv = self.dispatch_request()
        except Exception as caught:
            rv = self.handle_user_exception(ctx, caught)
        return self.finalize_request(ctx, rv)

    def handle_user_exception(self: Any, ctx: Any, error: Exception) -> Any:
        return handle_user(self, error)

    def finalize_request(self: Any, ctx: Any, rv: Any, from_error_handler: bool = False) -> Any:
        return finalize(self, rv, from_error_handler)

    def handle_exception(self: Any, ctx: Any, error: Exception) -> Any:
        with pytest.MonkeyPatch.context() as before:
            before.setattr(Flask, "finalize_request", finalize)
            return handle(self, error)

    for function in (wsgi_app, full_dispatch_request, handle_user_exception, finalize_request, handle_exception):
        monkeypatch.setattr(Flask, function.__name__, function)


def test_the_same_holds() -> None:
    app, guard = made()

    def after(response: Any) -> Any:
        if response.status_code == 202:
            guard.access.check(can_read, hidden=True)
        return response

    app.after_request(after)
    app.add_url_rule("/x", "x", guard.require(can_read)(lambda: guard.access[token].subject))
    app.add_url_rule("/inner", "inner", lambda: guard.require(can_read)(lambda: "x")())
    app.add_url_rule("/hidden", "hidden", lambda: guard.access.check(can_read, hidden=True) and "x")
    app.add_url_rule("/after", "after", lambda: ("x", 202))
    app.add_url_rule("/fails", "fails", lambda: str(1 / 0))
    assert get(app, "/x").status_code == 401
    assert get(app, "/x", READER).text == "alice"
    wanted = {"/x": 403, "/inner": 403, "/hidden": 404, "/after": 404, "/fails": 500, "/no": 404}
    assert {path: get(app, path, GOOD).status_code for path in wanted} == wanted
