"""Signing people in and out in handlers of the application itself."""

# No `from __future__ import annotations`: FastAPI reads those of handlers that stand in a function.

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.testclient import TestClient
from starlette.middleware.sessions import SessionMiddleware

from zerotrust import (
    Account,
    Bearer,
    Issuer,
    KeptSessions,
    Policy,
    SealedSessions,
    Session,
    SessionCookie,
    Sources,
    minutes,
)
from zerotrust.core.ask import Ask, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.factors.proof import Proof
from zerotrust.fastapi import Access, Guard, safe_next, sign_in, sign_out
from zerotrust.sessions.framework import FrameworkSession
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import Clock, LocalIssuer

ORIGIN = "https://shop.example.com"
OURS = {"origin": ORIGIN}


class Failing(MemoryStore):
    down = False

    def answer(self, ask: Ask[Any], timeout: float) -> Any:
        if self.down:
            raise SourceFailed(SOURCE_DOWN(), 7.0)
        return super().answer(ask, timeout)


@dataclass
class Shop:
    session: Session
    clock: Clock
    store: Failing
    app: FastAPI

    def browser(self, base: str = ORIGIN) -> TestClient:
        return TestClient(self.app, base_url=base, follow_redirects=False)


def shop(session: Session | None = None, policy: Policy | None = None, **options: Any) -> Shop:
    clock, store, app = Clock(), Failing(), FastAPI()
    session = session or Session(source="shop")
    sources = Sources(store)
    default = session.valid if policy is None else policy
    guard = Guard(app, default=default, sources=sources, clock=clock)
    for path in ("/login", "/own", "/logout"):
        guard.open(path, because="it is where people come and go")

    @app.api_route("/login", methods=["GET", "POST"])
    async def login(request: Request, name: str = "ada", next: str = "") -> Response:  # noqa: A002
        response = RedirectResponse(safe_next(next), 303)
        proof = Proof("password", clock(), "password")
        account = Account("shop", name)
        await sign_in(request, response, session, account, sources=sources, proofs=[proof], clock=clock, **options)
        return response

    @app.post("/own")
    async def own(request: Request, response: Response) -> dict[str, str]:
        record = await sign_in(request, response, session, Account("shop", "ada"), sources=sources, clock=clock)
        return {"handle": record.handle}

    @app.post("/logout")
    async def logout(request: Request, response: Response) -> str:
        await sign_out(request, response, session, sources=sources, clock=clock, **options)
        return "bye"

    @app.get("/me")
    async def me(access: Annotated[Access, guard.require(session.valid)]) -> list[str]:
        evidence = access[session]
        return [evidence.subject, *(proof.method for proof in evidence.proofs)]

    return Shop(session, clock, store, app)


@pytest.mark.parametrize("keep", [KeptSessions(), SealedSessions(bytes(range(32)))], ids=["kept", "sealed"])
def test_who_signs_in_is_in_and_who_signs_out_is_out(keep: Any) -> None:
    browser = shop(Session(source="shop", keep=keep)).browser()
    assert browser.get("/me").status_code == 401
    answer = browser.post("/login", headers=OURS)
    assert answer.status_code == 303
    assert answer.headers["cache-control"] == "no-store"
    assert "__Host-session=" in answer.headers["set-cookie"]
    assert browser.get("/me").json() == ["ada", "password"]
    old = dict(browser.cookies)
    answer = browser.post("/logout", headers=OURS)
    assert answer.json() == "bye"
    assert answer.headers["cache-control"] == "no-store"
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert not browser.cookies
    assert browser.get("/me").status_code == 401
    browser.cookies.update(old)  # nor does it help to have kept it
    assert browser.get("/me").status_code == 401


def test_the_cookie_goes_with_the_response_that_fastapi_makes() -> None:
    browser = shop().browser()
    answer = browser.post("/own", headers=OURS)
    assert answer.json()["handle"]
    assert browser.get("/me").json() == ["ada"]


def test_a_cache_control_of_the_application_stays() -> None:
    world = shop()

    @world.app.post("/private", dependencies=[])
    async def private(request: Request, response: Response) -> None:
        response.headers["cache-control"] = "private, no-cache"
        await sign_out(request, response, world.session, sources=Sources(world.store), clock=world.clock)

    browser = world.browser()
    browser.post("/login", headers=OURS)
    assert browser.post("/private", headers=OURS).headers["cache-control"] == "private, no-cache"


def test_pages_of_origins_that_are_named_may_post() -> None:
    admin = {"origin": "https://admin.example.com"}
    assert shop().browser().post("/login", headers=admin).status_code == 403
    named = shop(origins=["https://admin.example.com"])
    assert named.browser().post("/login", headers=admin).status_code == 303
    cookie = SessionCookie(origins=["https://admin.example.com"])
    browser = shop(Session(source="shop", cookie=cookie)).browser()
    assert browser.post("/login", headers=admin).status_code == 303
    assert browser.post("/logout", headers=admin).status_code == 200


def test_in_a_frameworks_session() -> None:
    admin = {"origin": "https://admin.example.com"}
    world = shop(Session(source="shop", cookie=FrameworkSession(rotate=None, origins=[admin["origin"]])))
    world.app.add_middleware(SessionMiddleware, secret_key="of the test", https_only=True)
    browser = world.browser()
    assert browser.post("/login", headers=OURS).status_code == 303
    assert browser.get("/me").json() == ["ada", "password"]
    assert browser.post("/logout", headers=admin).status_code == 200
    assert browser.get("/me").status_code == 401


def test_a_session_of_a_token() -> None:
    issuer = LocalIssuer("https://login.example.com", algorithms=["EdDSA"])
    token = Bearer(Issuer(issuer.url, keys=issuer.jwks()), audience="shop")
    session, sources = Session(of=token), Sources(MemoryStore())
    app = FastAPI()
    guard = Guard(app, default=token.valid, sources=sources, clock=issuer.clock)

    @app.post("/login")
    async def login(
        request: Request, response: Response, access: Annotated[Access, guard.require(token.valid)], whose: str
    ) -> None:
        account = Account(access[token].source, whose)
        proof = Proof("password", issuer.clock(), "password")
        await sign_in(
            request, response, session, account,
            sources=sources, proofs=[proof], about=access[token], clock=issuer.clock,
        )  # fmt: skip

    @app.get("/strong", dependencies=[guard.require(session.factors(1, within=minutes(5)))])
    async def strong() -> str:
        return "in"

    browser = TestClient(app, base_url=ORIGIN)
    bearer = {"authorization": f"Bearer {issuer.mint(audience='shop')}", **OURS}
    assert browser.get("/strong", headers=bearer).status_code == 401
    assert browser.post("/login", params={"whose": "alice"}, headers=bearer).status_code == 200
    assert browser.get("/strong", headers=bearer).json() == "in"
    with pytest.raises(ConfigError, match="two different subjects"):
        browser.post("/login", params={"whose": "bob"}, headers=bearer)


def test_an_outage_signs_nobody_in_or_out() -> None:
    world = shop()
    browser = world.browser()
    world.store.down = True
    answer = browser.post("/login", headers=OURS)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "source_down", "7")
    assert "set-cookie" not in answer.headers
    world.store.down = False
    browser.post("/login", headers=OURS)
    world.store.down = True
    answer = browser.post("/logout", headers=OURS)
    assert (answer.status_code, "set-cookie" in answer.headers) == (503, False)
    world.store.down = False
    assert browser.get("/me").status_code == 200


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_a_cookie_for_development_goes_nowhere_else(path: str) -> None:
    """Who sends the request says the host: that is no mistake of the application, and no 500."""
    world = shop(Session(source="shop", cookie=SessionCookie(http_on_localhost=True)))
    answer = world.browser().post(path, headers=OURS)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_session")
    own = {"origin": "http://localhost:8000"}
    assert world.browser("http://localhost:8000").post(path, headers=own).status_code in (200, 303)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"request": None}, "takes a Request, a Response and the Session, not NoneType and Response"),
        ({"response": None}, "not Request and NoneType"),
        ({"session": "shop"}, "takes the Session third"),
        ({"sources": MemoryStore()}, "Sources"),
        ({"sources": Sources()}, "no source answers"),
        ({"origins": "https://a.example"}, "write a list"),
        ({"clock": 5}, "cannot be called"),
        ({"account": Account("bank", "ada")}, "the session's source is 'shop'"),
    ],
)
def test_mistakes_are_told(changed: dict[str, Any], told: str) -> None:
    session, sources = Session(source="shop"), Sources(MemoryStore())
    app = FastAPI()

    @app.post("/login")
    async def login(request: Request) -> None:
        given: dict[str, Any] = {
            "request": request, "response": Response(), "session": session, "account": Account("shop", "ada"),
            "sources": sources, **changed,
        }  # fmt: skip
        await sign_in(**given)

    with pytest.raises(ConfigError, match=told):
        TestClient(app, base_url=ORIGIN).post("/login", headers=OURS)


def test_a_handler_for_get_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="sign_in is for POST"):
        shop().browser().get("/login", headers=OURS)


@pytest.mark.parametrize(
    ("text", "to"),
    [
        ("/basket?page=2#end", "/basket?page=2#end"),
        ("", "/home"),
        (None, "/home"),
        (7, "/home"),
        ("basket", "/home"),
    ],
)
def test_where_to_go_next(text: object, to: str) -> None:
    assert safe_next(text, "/home") == to


@pytest.mark.parametrize("default", ["https://evil.example", "//evil.example", "", "home"])
def test_a_default_that_leads_elsewhere_is_a_mistake(default: str) -> None:
    with pytest.raises(ConfigError, match="write a path of this origin"):
        safe_next("/basket", default)


def test_the_door_has_no_other_names() -> None:
    import zerotrust.fastapi as door

    with pytest.raises(AttributeError, match="no attribute 'sign_up'"):
        door.sign_up  # noqa: B018
