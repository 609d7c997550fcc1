"""What a request brings with it: bodies that policies read, Flask's own session, the ready ceremonies."""

from __future__ import annotations

import gc
from io import BytesIO
from typing import Any

import flask
import pytest
from flask import Flask

from tests.bodies import Reader, says
from tests.flask.world import GOOD, clock, get, made, token
from tests.web.ceremonies.world import Sending, World, environ_of, make, through_wsgi
from zerotrust import Account, ConfigError, Session, Sources, minutes
from zerotrust.driver import run
from zerotrust.flask import Guard
from zerotrust.flask.session import FlaskSession
from zerotrust.sessions.framework import FrameworkSession
from zerotrust.stores.memory import MemoryStore

says_yes = says(b"yes", Reader(token))

ORIGIN = {"origin": "https://localhost"}


def echo() -> Flask:
    app, guard = made()
    app.post("/echo", endpoint="echo")(guard.require(says_yes)(lambda: flask.request.get_data(as_text=True)))
    app.post("/late", endpoint="late")(lambda: guard.require(says_yes)(lambda: "late")())
    return app


def test_a_body_that_a_policy_read_comes_untouched() -> None:
    app = echo()
    assert get(app, "/echo", GOOD, "POST", data="oh yes, do").text == "oh yes, do"
    assert get(app, "/echo", GOOD, "POST", data="no").status_code in {401, 403}
    assert get(app, "/echo", GOOD, "POST", data="yes" * 40).status_code in {401, 403}


def test_a_refusal_for_another_reason_reads_no_body() -> None:
    class Untouchable(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("read before anybody was let in")

    answer = get(echo(), "/echo", None, "POST", input_stream=Untouchable(b"yes"), content_length=3)
    assert answer.status_code == 401


def test_a_view_that_was_given_the_body_cannot_be_decided_on_by_it() -> None:
    answer = get(echo(), "/late", GOOD, "POST", data="yes")
    assert (answer.status_code, answer.json and answer.json["code"]) == (503, "undecided")


def test_flasks_own_session_carries_ours() -> None:
    app = Flask("shop", static_folder=None)
    app.secret_key = "0" * 32
    session = Session(source="shop", cookie=FrameworkSession(rotate=None))
    sources = Sources(MemoryStore())
    guard = Guard(app, default=session.valid, sources=sources, clock=clock)
    guard.open("/login", because="it is where people sign in")

    @app.post("/login")
    def login() -> str:
        request = guard.access.request
        assert request is not None
        run(session.beginning(Account("shop", "ada"), request), sources)
        return "in"

    app.add_url_rule("/me", "me", lambda: guard.access[session].subject)
    app.add_url_rule("/plain", "plain", lambda: "plain")
    guard.open("/plain", because="it needs no session")
    client = app.test_client()
    assert client.get("/me", base_url="https://localhost").status_code == 401
    assert client.post("/login", base_url="https://localhost", headers=ORIGIN).text == "in"
    assert client.get("/me", base_url="https://localhost").text == "ada"
    assert "cookie" not in client.get("/plain", base_url="https://localhost").headers.get("vary", "").lower()
    assert app.test_client().get("/me", base_url="https://localhost").status_code == 401


def test_a_session_is_gone_with_its_request() -> None:
    app = Flask("shop", static_folder=None)
    app.secret_key = "0" * 32
    with app.test_request_context() as context:
        kept = FlaskSession(context)
        kept["a"] = "b"
        assert (kept.get("a"), flask.session["a"], kept.pop("a"), kept.get("a")) == ("b", "b", "b", None)
    del context
    gc.collect()
    with pytest.raises(ConfigError, match="the request is over"):
        kept.get("a")


def shop(world: World) -> tuple[Flask, Guard]:
    app = Flask("shop", static_folder=None)
    guard = Guard(app, default=world.token.valid, sources=world.sources, ceremonies=world.ceremonies, clock=world.clock)
    required = world.token.scope("pay") & world.totp.within(minutes(10))
    app.add_url_rule("/pay", "pay", guard.require(required)(lambda: "paid"))
    app.before_request(lambda: flask.abort(418) if flask.request.path.startswith("/auth") else None)

    def door(_: World, sent: Sending) -> Any:
        return through_wsgi(app, environ_of(sent))

    world.door = door
    return app, guard


def test_a_person_is_led_through_exactly_what_is_missing() -> None:
    world = make()
    shop(world)
    browser = world.browser(scope="pay")
    _, codes = browser.enrol_totp()
    world.later(700)
    refused = browser.get("/pay")
    assert refused.status == 401
    assert refused.json["step_up"] == {"at": "/auth", "ways": [[{"method": "totp", "within": 600}]]}
    assert browser.post("totp/verify", {"code": codes.at(world.now)}).status == 200
    assert browser.get("/pay").body == b"paid"


def test_ceremonies_are_open_in_the_report_and_hide_nothing_in_silence() -> None:
    world = make()
    app, guard = shop(world)
    lines = [line for line in guard.report().lines if line.path.startswith("/auth")]
    assert [line.path for line in lines] == ["/auth", "/auth/<path:ceremony>"]
    assert all(line.is_open and "ready ceremonies" in str(line) for line in lines)
    assert guard.report().problems == ()
    app.add_url_rule("/auth/mine", "mine", lambda: "mine")
    assert "/auth/mine is never got to" in guard.report().problems[0]


def test_what_breaks_in_ready_routes_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make()
    shop(world)

    def broken(*_: Any) -> Any:
        raise OSError("secret detail")

    monkeypatch.setattr("zerotrust.flask.ready.AsItIs.from_app", broken)
    answer = world.browser(None).get("zerotrust.js")
    assert (answer.status, b"secret" in answer.body) == (503, False)
