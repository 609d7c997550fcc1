"""Refusals that are raised while a request is handled, in views, hooks and the functions they call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import flask
import pytest
from flask import Flask

from tests.flask.world import GOOD, READER, can_read, clock, get, made, shown, token
from zerotrust import ConfigError, Denied, anyone, functions
from zerotrust.flask import Guard
from zerotrust.web.ambient import acting, current_access


def test_what_a_view_calls_refuses_as_the_guard_does() -> None:
    app, guard = made()

    @guard.require(can_read)
    def load(name: str) -> str:
        assert guard.access[token].subject == "alice"
        return name.upper()

    app.add_url_rule("/x", "x", lambda: load("x"))
    app.add_url_rule("/y", "y", guard.require(can_read)(lambda: "y"))
    direct, inner = get(app, "/y", GOOD), get(app, "/x", GOOD)
    assert (inner.status_code, list(inner.headers), inner.data) == (403, list(direct.headers), direct.data)
    assert get(app, "/x", READER).text == "X"


def test_a_refusal_in_hooks_and_handlers_is_answered() -> None:
    for add in ("before_request", "after_request", "error"):
        app, guard = made()
        refusing: Callable[..., object] = guard.require(can_read)(lambda *_: None)
        app.register_error_handler(404, refusing) if add == "error" else getattr(app, add)(refusing)  # type: ignore[arg-type]
        app.add_url_rule("/x", "x", lambda: "x")
        assert get(app, "/no" if add == "error" else "/x", GOOD).status_code == 403


def test_a_group_of_refusals_is_a_refusal() -> None:
    app, guard = made()

    @app.get("/x")
    async def view() -> str:
        with_group = guard.require(can_read)(lambda: None)

        async def one() -> None:
            with_group()

        async with asyncio.TaskGroup() as group:
            group.create_task(one())
        return "x"

    assert get(app, "/x", GOOD).status_code == 403
    assert get(app, "/x", READER).text == "x"


def test_an_applications_own_handler_for_denied_comes_first_and_one_for_all_does_not() -> None:
    app, guard = made()
    app.add_url_rule("/x", "x", lambda: guard.access.check(can_read) and "x")
    app.register_error_handler(Exception, lambda error: ("anything", 418))
    assert get(app, "/x", GOOD).status_code == 403
    app._got_first_request = False
    app.register_error_handler(Denied, lambda error: ("mine", 409))
    assert get(app, "/x", GOOD).text == "mine"


@pytest.mark.parametrize("hook", [False, True])
def test_what_is_hidden_is_the_applications_own_404(hook: bool) -> None:
    app, guard = made()

    def view() -> str:
        if not hook:
            guard.access.check(can_read, hidden=True)
        return "x"

    def after(response: flask.Response) -> flask.Response:
        if hook:
            guard.access.check(can_read, hidden=True)
        return response

    app.add_url_rule("/x", "x", view)
    app.after_request(after)
    app.register_error_handler(404, lambda error: ("no such thing", 404))
    answer = get(app, "/x", GOOD)
    assert (answer.status_code, answer.text) == (404, "no such thing")


def test_other_exceptions_are_the_applications() -> None:
    app, _ = made()
    app.add_url_rule("/x", "x", lambda: str(1 / 0))
    assert get(app, "/x").status_code == 401
    answer = get(app, "/x", GOOD)
    assert (answer.status_code, b"ZeroDivision" in answer.data) == (500, False)
    app._got_first_request = False
    app.register_error_handler(500, lambda error: current_access().__class__.__name__)
    assert get(app, "/x", GOOD).text == "Access"
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(ZeroDivisionError):
        get(app, "/x", GOOD)
    assert current_access() is None


def test_what_fails_before_the_dispatch_is_decided_on_all_the_same() -> None:
    class Broken(flask.sessions.SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: flask.Request) -> None:
            raise OSError("the sessions' store is down: secret detail")

    app, _ = made()
    app.session_interface = Broken()
    app.register_error_handler(500, lambda error: ("mine", 500))
    assert get(app, "/x").status_code == 401
    assert get(app, "/x", GOOD).text == "mine"


def test_what_is_hidden_is_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    app, guard = made()
    app.add_url_rule("/x", "x", lambda: guard.access.check(can_read, hidden=True))  # type: ignore[arg-type]
    with caplog.at_level(logging.INFO, "zerotrust.guard"):
        assert get(app, "/x", shown("pay")).status_code == 404
    assert caplog.messages[-1] == "refused at /x: 404 (hidden, else 403) not_satisfied"


def test_where_no_guard_stands_a_requirement_decides_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard(default=token.valid, clock=clock)
    app = Flask("bare", static_folder=None)

    @app.get("/x")
    @guard.require(can_read)
    def view() -> str:
        return guard.access[token].subject

    with caplog.at_level(logging.WARNING, "zerotrust.guard"):
        refused = get(app, "/x", GOOD)
        assert (refused.status_code, refused.headers["cache-control"]) == (403, "no-store")
        assert get(app, "/x").status_code == 401
    assert caplog.text.count("no Guard stands before") == 1
    assert get(app, "/x", READER).text == "alice"
    assert current_access() is None


def test_outside_of_requests_nobody_is_served_unless_somebody_is() -> None:
    app, guard = made()
    outside = functions.Guard(clock=clock)
    function = guard.require(can_read)(lambda: "done")
    public = guard.require(anyone(because="public"))(lambda: "public")
    with pytest.raises(Denied) as caught:
        function()
    assert str(caught.value.decision.reason).startswith("nothing was presented: nobody is being served")
    with outside.acting(READER):
        assert function() == "done"
    with outside.acting(GOOD), pytest.raises(Denied):
        function()
    assert public() == "public"
    kept = []
    app.add_url_rule("/x", "x", lambda: kept.append(guard.access) or "x")  # type: ignore[func-returns-value]
    get(app, "/x", READER)
    get(app, "/x", GOOD)
    with acting(kept[0]):
        assert function() == "done"
    with acting(kept[1]), pytest.raises(Denied):
        function()


def test_what_breaks_while_it_is_decided_refuses_without_details() -> None:
    app, guard = made()

    def broken() -> float:
        raise OSError("secret detail")

    failing = Guard(default=token.valid, clock=clock)
    failing.gate.clock = broken  # what no user can do
    other = Flask("bare", static_folder=None)
    other.add_url_rule("/x", "x", failing.require(can_read)(lambda: "x"))
    answer = get(other, "/x", READER)
    assert (answer.status_code, b"secret" in answer.data) == (503, False)
    app.add_url_rule("/x", "x", lambda: "x")
    assert get(app, "/x", GOOD).status_code == 200
    guard.gate.clock = broken
    answer = get(app, "/x", GOOD)
    assert (answer.status_code, b"secret" in answer.data) == (503, False)


@pytest.mark.parametrize(
    "wrong", [int, classmethod(lambda kind: kind), staticmethod(len), 5], ids=["class", "classm", "staticm", "int"]
)
def test_what_is_no_function_is_not_decorated(wrong: object) -> None:
    _, guard = made()
    with pytest.raises(ConfigError, match=r"guard\.require"):
        guard.require(can_read)(wrong)  # type: ignore[arg-type]
