"""Sessions inside a framework's own: Starlette's and Flask's in a cookie, Django's on the server; and beside them."""

from __future__ import annotations

import json
import math
import secrets
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from tests.sessions.browsers import ADA, HOST, IDLE, KEEPERS, NOW, found, proof
from tests.verifiers.kept import Kept
from zerotrust.core.ask import SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources, run
from zerotrust.factors.proof import Proof
from zerotrust.sessions.framework import FrameworkSession
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence

KEY = "zerotrust.session"


def request(mapping: object, now: float = NOW, **more: Any) -> AccessRequest:
    return AccessRequest(now=now, host=HOST, session=mapping, **more)


class App:
    """What an application does in its handlers, whatever its framework: each takes the framework's session."""

    def __init__(self, rotate: Callable[[Any], object] | None = None, keep: str = "kept") -> None:
        self.session = Session(source="shop", cookie=FrameworkSession(rotate=rotate), keep=KEEPERS[keep])
        self.sources = Sources(MemoryStore())

    def sign_in(self, mapping: object) -> str:
        begun = run(self.session.beginning(ADA, request(mapping)), self.sources)
        assert begun.headers == ()
        return begun.record.handle

    def prove(self, mapping: object, one: Proof) -> object:
        return run(self.session.adding(request(mapping, one.at), Proving(ADA, one)), self.sources)

    def look(self, mapping: object, now: float = NOW) -> str:
        """How many factors were proven, or why there is no session."""
        evidence = found(self.session, request(mapping, now), self.sources)
        return str(len(evidence.proofs)) if isinstance(evidence, SessionEvidence) else evidence

    def sign_out(self, mapping: object) -> int:
        return len(run(self.session.ending(request(mapping)), self.sources))


@pytest.fixture(params=sorted(KEEPERS))
def keep(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# --- A mapping -------------------------------------------------------------------------------------------------------
def test_in_a_mapping(keep: str) -> None:
    app, mapping = App(keep=keep), dict[str, Any](cart=[1])
    assert app.look(mapping) == "not_presented"
    app.sign_in(mapping)
    assert set(mapping) == {"cart", KEY}
    assert app.look(mapping) == "0"
    before = dict(mapping)
    app.prove(mapping, proof())
    assert app.look(mapping) == "1"
    assert app.look(before) == "session_ended"
    after = dict(mapping)
    assert app.sign_out(mapping) == 0, "no header of ours is needed"
    assert mapping == {"cart": [1]}
    assert app.look(after) == "session_ended"


def test_however_long_the_framework_keeps_it(keep: str) -> None:
    app, mapping = App(keep=keep), dict[str, Any]()
    app.sign_in(mapping)
    old = dict(mapping)
    assert app.look(mapping, NOW + IDLE / 2) == "0"
    assert app.look(mapping, NOW + IDLE) == "0", "its use was written down, in the mapping where it is sealed"
    assert (old == mapping) is (keep == "kept")
    assert app.look(mapping, NOW + 2 * IDLE) == "session_ended"


@pytest.mark.parametrize("answered", range(6))
def test_nobody_holds_the_id_of_a_session_whose_beginning_failed(answered: int, keep: str) -> None:
    """What the framework keeps goes out whatever the handler answers: a session that is not on the list must not."""
    app, mapping, kept = App(keep=keep), dict[str, Any](), Kept()
    app.sources = kept.sources
    kept.fails_after = answered
    try:
        app.sign_in(mapping)
    except SourceFailed:
        assert mapping == {}
    kept.fails_after = math.inf
    assert (app.look(mapping) == "0") is bool(run(app.session.listing(ADA, NOW), kept.sources) and mapping)


@pytest.mark.parametrize("value", [1, "", "a b", b"x", ["x"], {"a": 1}, "a" * 5000, "\xe4", True])
def test_what_else_may_stand_there(value: object) -> None:
    refused = FrameworkSession(rotate=None).read(request({KEY: value}))
    assert isinstance(refused, Reason)
    assert refused.code == "bad_session"
    assert App().look({KEY: value}) == "bad_session"


def test_another_site_changes_nothing() -> None:
    app, mapping = App(), dict[str, Any]()
    app.sign_in(mapping)
    read = app.session._sessions.carrier.read
    headers = [(b"sec-fetch-site", b"cross-site")]
    assert read(request(mapping, headers=headers)) == mapping[KEY]
    for method in ("POST", "DELETE"):
        refused = read(request(mapping, method=method, headers=headers))
        assert isinstance(refused, Reason)
        assert refused.code == "cross_site"


def test_a_framework_s_cookie_has_room_for_what_is_sealed() -> None:
    """RFC 6265bis section 5.6: browsers drop what is longer than 4096, and the framework's base64 adds a third."""
    app, mapping = App(keep="sealed"), dict[str, Any](cart=[1] * 100)
    app.sign_in(mapping)
    for number in range(20):
        app.prove(mapping, proof("passkey", NOW, f"{number:03}" * 40))
        cookie = b64encode(json.dumps(mapping).encode())
        assert len(cookie) < 4000
    assert int(app.look(mapping)) >= 5, "the oldest were forgotten"
    refused: Any = app.prove(mapping, proof("passkey", NOW, "x" * 2000))
    assert refused.code == "too_large"
    assert int(app.look(mapping)) >= 5, "and the session goes on as it was"


def test_what_does_not_fit_is_not_written() -> None:
    carrier, mapping = FrameworkSession(rotate=None), dict[str, Any]()
    assert carrier.write(request(mapping), "x" * carrier.room, NOW) == ()
    refused = carrier.write(request(mapping), "y" * (carrier.room + 1), NOW)
    assert isinstance(refused, Reason)
    assert refused.code == "too_large"
    assert mapping == {KEY: "x" * carrier.room}
    assert carrier.read(request(mapping)) == "x" * carrier.room


def test_a_request_without_a_framework_session_is_a_mistake() -> None:
    for nothing in (None, 1, "x"):
        with pytest.raises(ConfigError, match="session middleware outside"):
            App().look(nothing)


MISTAKES: list[Callable[[], object]] = [
    lambda: FrameworkSession(rotate="cycle_key"),  # type: ignore[arg-type]
    lambda: FrameworkSession(rotate=None, name=""),
    lambda: FrameworkSession(rotate=None, name="a b"),
    lambda: FrameworkSession(rotate=None, name=1),  # type: ignore[arg-type]
    lambda: FrameworkSession(rotate=None, origins=["x"]),
    lambda: FrameworkSession(rotate=None, http_on_localhost="yes"),  # type: ignore[arg-type]
    lambda: FrameworkSession(),  # type: ignore[call-arg]
]


@pytest.mark.parametrize("make", MISTAKES, ids=[str(number) for number in range(len(MISTAKES))])
def test_mistakes(make: Callable[[], object]) -> None:
    with pytest.raises((ConfigError, TypeError)):
        make()
    assert repr(FrameworkSession(rotate=None)) == f"FrameworkSession(name={KEY!r})"


# --- Sessions that a framework keeps on its server, under an id that a browser shows ----------------------------------
class OnServer(dict[str, Any]):
    """A session as Django keeps it: its content on the server, under an id that `cycle_key` replaces."""

    def __init__(self, server: dict[str, dict[str, Any]], sid: str | None = None) -> None:
        super().__init__(server.get(sid or "", {}))
        self.server, self.sid = server, sid or secrets.token_hex(8)

    def cycle_key(self) -> None:
        self.server.pop(self.sid, None)
        self.sid = secrets.token_hex(8)

    def save(self) -> str:
        self.server[self.sid] = dict(self)
        return self.sid


@pytest.mark.parametrize("rotates", [True, False], ids=["rotated", "not rotated"])
def test_an_id_that_was_planted_before_the_sign_in(rotates: bool, keep: str) -> None:
    """CWE-384. The attacker visits first and has the victim's browser use the same id: with `rotate` it is dead."""
    server: dict[str, dict[str, Any]] = {}
    app = App((lambda mapping: mapping.cycle_key()) if rotates else (lambda mapping: None), keep)
    planted = OnServer(server).save()
    victim = OnServer(server, planted)
    app.sign_in(victim)
    sid = victim.save()
    assert app.look(OnServer(server, sid)) == "0"
    assert app.look(OnServer(server, planted)) == ("not_presented" if rotates else "0")
    # And again when a factor is proven, though not when the session is only used.
    victim = OnServer(server, sid)
    app.prove(victim, proof())
    again = victim.save()
    assert (again != sid) is rotates
    assert app.look(OnServer(server, again)) == "1"
    assert app.look(OnServer(server, sid)) == ("not_presented" if rotates else "1")
    victim = OnServer(server, again)
    assert app.look(victim, NOW + IDLE / 2) == "1"
    assert victim.sid == again


# --- Starlette -------------------------------------------------------------------------------------------------------
def starlette_client(app: App, *, beside: bool = False) -> Any:
    pytest.importorskip("itsdangerous", reason="SessionMiddleware of Starlette needs it, and does not bring it")
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.sessions import SessionMiddleware
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route
    from starlette.testclient import TestClient

    from zerotrust.web.asgi_request import access_request

    async def sign_in(asked: Any) -> Response:
        access = access_request(asked.scope, NOW, app.sources)
        begun = run(app.session.beginning(ADA, access), app.sources)
        asked.session["cart"] = [1]
        response = PlainTextResponse(begun.record.handle)
        for name, value in begun.headers:
            response.headers.append(name.decode(), value.decode())
        return response

    async def prove(asked: Any) -> Response:
        access = access_request(asked.scope, NOW, app.sources)
        begun: Any = run(app.session.adding(access, Proving(ADA, proof())), app.sources)
        response = PlainTextResponse(getattr(begun, "code", "proven"))
        for name, value in getattr(begun, "headers", ()):
            response.headers.append(name.decode(), value.decode())
        return response

    async def look(asked: Any) -> Response:
        access = access_request(asked.scope, NOW + float(asked.query_params.get("later", 0)), app.sources)
        evidence = found(app.session, access, app.sources)
        seen = str(len(evidence.proofs)) if isinstance(evidence, SessionEvidence) else evidence
        return PlainTextResponse(f"{seen} {asked.session.get('cart')}")

    async def sign_out(asked: Any) -> Response:
        headers = run(app.session.ending(access_request(asked.scope, NOW, app.sources)), app.sources)
        return Response(headers={name.decode(): value.decode() for name, value in headers})

    routes = [Route("/in", sign_in, methods=["POST"]), Route("/prove", prove, methods=["POST"])]
    routes += [Route("/look", look), Route("/out", sign_out, methods=["POST"])]
    middleware = Middleware(
        SessionMiddleware, secret_key="k" * 32, session_cookie="__Host-app", https_only=True, max_age=None
    )
    assert beside is not isinstance(app.session._sessions.carrier, FrameworkSession)
    return TestClient(Starlette(routes=routes, middleware=[middleware]), base_url=f"https://{HOST}")


def test_inside_starlettes(keep: str) -> None:
    client = starlette_client(App(keep=keep))
    assert client.get("/look").text == "not_presented None"
    client.post("/in")
    assert client.get("/look").text == "0 [1]"
    before = client.cookies["__Host-app"]
    assert client.post("/prove").text == "proven"
    assert client.get("/look").text == "1 [1]"
    after = client.cookies["__Host-app"]
    assert client.get("/look", headers={"cookie": f"__Host-app={before}"}).text.startswith("session_ended")
    assert client.get("/look", params={"later": math.ceil(IDLE)}).text == "session_ended [1]"
    assert client.post("/prove", headers={"origin": "https://evil.example"}).text == "cross_site"
    client.post("/out")
    assert client.get("/look").text == "not_presented [1]"
    assert client.get("/look", headers={"cookie": f"__Host-app={after}"}).text.startswith("session_ended")


def test_beside_starlettes(keep: str) -> None:
    app = App()
    app.session = Session(source="shop", keep=KEEPERS[keep])
    client = starlette_client(app, beside=True)
    client.post("/in")
    assert set(client.cookies) == {"__Host-app", "__Host-session"}
    assert client.get("/look").text == "0 [1]"
    assert client.post("/prove").text == "proven"
    assert client.get("/look").text == "1 [1]"
    client.post("/out")
    assert set(client.cookies) == {"__Host-app"}
    assert client.get("/look").text == "not_presented [1]"


# --- Flask -----------------------------------------------------------------------------------------------------------
def test_inside_flasks(keep: str) -> None:
    flask: Any = pytest.importorskip("flask", reason="it is an extra")
    app, site = App(keep=keep), flask.Flask("site")
    site.config.update(SECRET_KEY="k" * 32, SESSION_COOKIE_NAME="__Host-app", SESSION_COOKIE_SECURE=True)
    site.add_url_rule("/in", "in", lambda: app.sign_in(flask.session), methods=["POST"])
    site.add_url_rule("/prove", "prove", lambda: str(bool(app.prove(flask.session, proof()))), methods=["POST"])
    site.add_url_rule("/look", "look", lambda: app.look(flask.session))
    site.add_url_rule("/out", "out", lambda: str(app.sign_out(flask.session)), methods=["POST"])

    client, url = site.test_client(), f"https://{HOST}"
    assert client.get("/look", base_url=url).text == "not_presented"
    client.post("/in", base_url=url)
    before = client.get_cookie("__Host-app", domain=HOST).value
    assert client.get("/look", base_url=url).text == "0"
    assert client.post("/prove", base_url=url).text == "True"
    assert client.get("/look", base_url=url).text == "1"
    thief = site.test_client()
    thief.set_cookie("__Host-app", before, domain=HOST, secure=True)
    assert thief.get("/look", base_url=url).text == "session_ended"
    client.post("/out", base_url=url)
    assert client.get("/look", base_url=url).text == "not_presented"


# --- Django ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def engines() -> Callable[[str], Callable[..., Any]]:
    """Session stores of Django, by name, on its cache in memory."""
    django: Any = pytest.importorskip("django", reason="it is an extra")
    from importlib import import_module

    conf: Any = import_module("django.conf")
    if not conf.settings.configured:
        caches = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
        conf.settings.configure(CACHES=caches, SECRET_KEY="k" * 32, USE_TZ=True)
        django.setup()
    return lambda name: import_module(f"django.contrib.sessions.backends.{name}").SessionStore


@pytest.mark.parametrize("backend", ["cache", "signed_cookies"])
def test_inside_djangos(engines: Callable[[str], Callable[..., Any]], backend: str, keep: str) -> None:
    store, app = engines(backend), App(lambda session: session.cycle_key(), keep)
    visitor = store()
    visitor["cart"] = [1]
    visitor.save()
    planted = visitor.session_key
    victim = store(planted)
    app.sign_in(victim)
    victim.save()
    assert victim.session_key != planted
    assert app.look(store(victim.session_key)) == "0"
    assert store(victim.session_key)["cart"] == [1]
    assert app.look(store(planted)) == "not_presented"
    before = victim.session_key
    victim = store(before)
    app.prove(victim, proof())
    victim.save()
    assert app.look(store(victim.session_key)) == "1"
    assert app.look(store(before)) in ("not_presented", "session_ended")
    last = store(victim.session_key)
    app.sign_out(last)
    last.save()
    assert app.look(store(last.session_key)) == "not_presented"
    assert app.look(store(victim.session_key)) in ("not_presented", "session_ended")
