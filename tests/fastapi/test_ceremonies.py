"""Ceremonies in an application with a guard: served, open with a reason, and where refusals lead."""

# No `from __future__ import annotations`: FastAPI reads those of handlers that stand in a function.

import asyncio
import logging
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette

from tests.web.ceremonies.doors import fastapi, guarded, mounted
from tests.web.ceremonies.world import KEYS, Browser, Reply, Sending, World, make, scope_of, sign_in, through
from zerotrust import minutes
from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Finding, Unavailable
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.driver import Sources
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.memory import MemoryStore
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.verifiers.approval import Approval

NAVIGATES = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]


class Shop:
    """An application with one handler that takes a proof."""

    def __init__(self, world: World, policy: Policy | None = None, **options: Any) -> None:
        self.world = world
        app = self.app = FastAPI()
        guard = self.guard = Guard(
            app, default=world.token.valid, sources=world.sources, ceremonies=world.ceremonies, clock=world.clock,
            **options,
        )  # fmt: skip
        required = world.token.scope("pay") & world.totp.within(minutes(10)) if policy is None else policy

        @app.get("/pay")
        @app.post("/pay")
        @app.websocket("/pay")
        def pay(access: Annotated[Access, guard.require(required)]) -> str:
            return "paid"

        world.door = self.door

    def door(self, _: World, sent: Sending) -> Reply:
        return through(self.app, sent)

    def browser(self) -> Browser:
        return self.world.browser(scope="pay")


def test_the_report_says_that_they_are_open_and_why() -> None:
    shop = Shop(make())
    lines = [line for line in shop.guard.report().lines if line.path.startswith("/auth")]
    assert [line.path for line in lines] == ["/auth", "/auth/{ceremony:path}"]
    assert all(line.is_open and "ready ceremonies" in str(line) for line in lines)
    assert shop.guard.report().problems == ()


def test_they_are_not_in_the_documentation_of_the_application() -> None:
    assert not [path for path in Shop(make()).app.openapi()["paths"] if path.startswith("/auth")]


def test_a_route_that_takes_everything_does_not_hide_them() -> None:
    world = make()
    app = FastAPI()

    @app.get("/{rest:path}")
    def everything(rest: str) -> str:
        return "mine"

    Guard(app, default=world.token.valid, sources=world.sources, ceremonies=world.ceremonies, clock=world.clock)
    world.door = lambda _, sent: through(app, sent)
    assert world.browser(None).get("zerotrust.js").status == 200


def test_a_person_is_led_through_exactly_what_is_missing() -> None:
    shop = Shop(make())
    browser = shop.browser()
    _, codes = browser.enrol_totp()
    shop.world.later(700)
    refused = browser.get("/pay")
    assert refused.status == 401
    assert 'error="insufficient_user_authentication"' in (refused.header("www-authenticate") or "")
    assert refused.json["step_up"] == {"at": "/auth", "ways": [[{"method": "totp", "within": 600}]]}
    assert browser.post("totp/verify", {"code": codes.at(shop.world.now)}).status == 200
    assert browser.get("/pay").text == '"paid"'


def test_without_ceremonies_refusals_are_as_before() -> None:
    world = make()
    app = FastAPI()
    guard = Guard(app, default=world.token.valid, sources=world.sources, clock=world.clock)

    @app.get("/pay")
    def pay(access: Annotated[Access, guard.require(world.totp.within(minutes(10)))]) -> str:
        return "paid"

    world.door = lambda _, sent: through(app, sent)
    refused = world.browser().get("/pay", headers=NAVIGATES)
    assert refused.status == 401
    assert "step_up" not in refused.json


def test_what_a_factor_does_not_cure_is_refused_as_before() -> None:
    shop = Shop(make())
    for browser in (shop.world.browser(), shop.world.browser(None)):  # without the scope, without a token
        refused = browser.get("/pay", headers=NAVIGATES)
        assert refused.status in (401, 403)
        assert "step_up" not in refused.json


@pytest.mark.parametrize(
    "headers",
    [
        NAVIGATES,
        [("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")],
        [("accept", "application/xhtml+xml")],
        [("sec-fetch-mode", "navigate"), ("accept", "*/*")],
    ],
)
def test_a_browser_that_was_going_somewhere_is_led_there_and_back(headers: list[tuple[str, str]]) -> None:
    shop = Shop(make())
    reply = shop.browser().get("/pay", "a=1&b=/x%3F", headers=headers)
    assert (reply.status, reply.body) == (303, b"")
    assert reply.header("location") == "/auth/?next=/pay%3Fa%3D1%26b%3D/x%253F&for=totp"
    assert reply.header("cache-control") == "no-store"
    page = shop.browser().get("/auth/", "next=/pay%3Fa%3D1%26b%3D/x%253F&for=totp")
    assert page.status == 200


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", []),
        ("GET", [("accept", "*/*")]),
        ("GET", [("accept", "application/json, text/html")]),
        ("GET", [("sec-fetch-mode", "cors"), ("accept", "text/html")]),
        ("GET", [("sec-fetch-mode", "no-cors"), ("accept", "text/html")]),
        ("GET", [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")]),
        ("POST", NAVIGATES),
        ("HEAD", NAVIGATES),
    ],
)
def test_nothing_else_is_led_anywhere(method: str, headers: list[tuple[str, str]]) -> None:
    assert Shop(make()).browser().send(method, "/pay", headers=headers).status in (401, 405)


def test_where_a_device_has_to_look_who_it_is_the_page_says_so() -> None:
    """Or whoever has one that does not would be led there again and again."""
    world = make()
    verified = Shop(world, world.passkey.within(minutes(5), user_verified=True))
    where = verified.browser().get("/pay", headers=NAVIGATES).header("location") or ""
    assert where == "/auth/?next=/pay&for=passkey&verified=passkey"
    person = verified.browser()
    assert "data-verified" not in person.get("/auth/", "next=/pay&for=passkey").text
    person.enrol_passkey(use=False)
    assert "data-verified" in person.get("/auth/", where.partition("?")[2]).text
    world = make()
    either = Shop(world, world.passkey.within(minutes(5)))
    assert either.browser().get("/pay", headers=NAVIGATES).header("location") == "/auth/?next=/pay&for=passkey"


def test_where_somebody_was_going_is_left_out_if_it_cannot_be_told() -> None:
    shop = Shop(make())
    reply = shop.browser().get("/pay", "x=" + "a" * 3000, headers=NAVIGATES)
    assert reply.header("location") == "/auth/?for=totp"


def test_a_websocket_is_refused_as_before() -> None:
    shop = Shop(make())
    sent = shop.browser().prepare("GET", "/pay", headers=NAVIGATES)
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {**scope_of(sent), "type": "websocket", "scheme": "wss", "subprotocols": []}
    asyncio.run(shop.app(scope, receive, send))
    assert [message["type"] for message in messages] == ["websocket.close"]


def test_in_an_application_that_is_mounted_addresses_begin_with_its_root() -> None:
    world = make(door=mounted)
    browser = world.browser()
    assert 'href="/app/auth/zerotrust.css"' in browser.get("").text
    assert browser.form("sign-out").header("location") == "/app/auth/?done=signed_out"


def test_what_is_mounted_further_in_leads_to_the_same_place() -> None:
    world = make()
    app = guarded(world, default=world.totp.within(minutes(1)))
    app.mount("/inner", Starlette())
    outer = Starlette()
    outer.mount("/app", app)
    world.door = lambda _, sent: through(outer, sent)
    assert world.browser().get("/app/inner/x").json["step_up"]["at"] == "/app/auth"
    assert world.browser().get("/app/x").json["step_up"]["at"] == "/app/auth"


def test_signing_in_is_led_to_where_a_passkey_says_who_it_is() -> None:
    world = make(signs_in=True)
    Shop(world, world.session.valid)
    nobody = world.browser(None)
    refused = nobody.get("/pay")
    assert refused.status == 401
    assert refused.json["step_up"] == {"at": "/auth", "ways": [[{"method": "passkey"}]]}
    assert nobody.get("/pay", headers=NAVIGATES).header("location") == "/auth/?next=/pay&for=passkey"
    ada = sign_in(world)
    ada.enrol_passkey()
    nobody.authenticator = ada.authenticator
    assert nobody.use_passkey().status == 200
    assert nobody.get("/pay").text == '"paid"'


def test_an_approval_is_told_and_no_page_is_offered_for_it() -> None:
    world = make()
    shop = Shop(world, Approval(world.passkey).given)
    browser = shop.browser()
    browser.enrol_passkey()
    refused = browser.get("/pay", headers=NAVIGATES)
    assert refused.status == 401
    ((step,),) = refused.json["step_up"]["ways"]
    assert step["method"] == "approval"


def test_a_page_that_can_do_half_of_it_is_not_offered() -> None:
    world = make()
    shop = Shop(world, Approval(world.passkey).given & world.totp.within(minutes(1)))
    browser = shop.browser()
    browser.enrol_passkey()
    browser.enrol_totp()
    world.later(100)
    refused = browser.get("/pay", headers=NAVIGATES)
    assert refused.status == 401
    assert [[step["method"] for step in way] for way in refused.json["step_up"]["ways"]] == [["totp", "approval"]]


def test_a_factor_is_asked_for_in_the_same_words_whatever_else_would_help() -> None:
    world = make()
    Shop(world, world.token.scope("admin") | world.totp.within(minutes(1)))
    refused = world.browser().get("/pay")
    assert refused.status == 401
    assert 'error="insufficient_user_authentication"' in (refused.header("www-authenticate") or "")
    assert refused.json["step_up"]["ways"] == [[{"method": "totp", "within": 60}]]


class Down(Verifier[Evidence]):
    """What cannot be reached at the moment."""

    name = "down"
    contextual = True

    def find(self, request: AccessRequest) -> Finding[Evidence]:
        return Unavailable(SOURCE_DOWN(), 7.0)

    def blank(self, now: float) -> Evidence:
        return Evidence("", "", now, now + 1)


@dataclass(frozen=True, slots=True)
class Up(Question[Evidence]):
    expression: ClassVar[str] = "True"


def test_what_will_be_told_if_one_tries_again_is_not_asked_for_meanwhile() -> None:
    world = make()
    Shop(world, Leaf(Down(), Up()) | world.totp.within(minutes(1)))
    reply = world.browser().get("/pay", headers=NAVIGATES)
    assert (reply.status, reply.header("retry-after")) == (503, "7")
    assert "step_up" not in reply.json


def test_refusals_inside_dependencies_say_so_too() -> None:
    world = make()
    app, other = FastAPI(), FastAPI()
    guard = Guard(app, default=world.token.valid, sources=world.sources, ceremonies=world.ceremonies, clock=world.clock)

    @other.get("/pay")
    def pay(access: Annotated[Access, guard.require(world.totp.within(minutes(10)))]) -> str:
        return "paid"

    world.door = lambda _, sent: through(other, sent)
    refused = world.browser().get("/pay")
    assert refused.status == 401
    assert refused.json["step_up"]["ways"] == [[{"method": "totp", "within": 600}]]


# --- Mistakes ----------------------------------------------------------------------------------------------------


def test_something_else_is_no_ceremonies() -> None:
    world = make()
    with pytest.raises(ConfigError, match="ceremonies takes Ceremonies"):
        Guard(FastAPI(), default=world.token.valid, sources=world.sources, ceremonies=world.session)  # type: ignore[arg-type]


def test_without_a_store_they_are_refused() -> None:
    world = make()
    with pytest.raises(ConfigError, match="no source answers Lookup"):
        Guard(FastAPI(), default=world.token.valid, ceremonies=world.ceremonies)


def test_a_blocking_store_is_refused(tmp_path: Any) -> None:
    world = make()
    store = SqliteStore(tmp_path / "store.db", keys=KEYS)
    with pytest.raises(ConfigError, match="AsyncSqliteStore"):
        Guard(FastAPI(), default=world.token.valid, sources=Sources(store), ceremonies=world.ceremonies)
    store.close()


def test_what_cannot_encrypt_is_503_and_the_log_says_nothing_secret(caplog: pytest.LogCaptureFixture) -> None:
    class Unsaid(MemoryStore):
        """A source that does not say that it cannot."""

        keeps_secrets = True

    world = make(store=Unsaid(), door=fastapi)
    with caplog.at_level(logging.DEBUG):
        reply = world.browser().post("totp/enrol/options")
    assert reply.status == 503
    assert "otpauth" not in caplog.text
