"""What a guard with ceremonies requires can be proven at them, and no route hides behind them."""

# No `from __future__ import annotations`: FastAPI reads those of handlers that stand in a function.

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.staticfiles import StaticFiles

from tests.web.ceremonies.world import ORIGIN, SECRET, make
from zerotrust import minutes
from zerotrust.core.errors import ConfigError
from zerotrust.factors.attestation.known_roots import known_anchors
from zerotrust.factors.authenticators import AuthenticatorPolicy
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.fastapi import Guard
from zerotrust.verifiers.approval import Approval
from zerotrust.verifiers.assurance import aal3
from zerotrust.verifiers.hotp import Hotp
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.totp import Totp
from zerotrust.web.ceremonies import Ceremonies

WORLD = make()
TOKEN, SESSION = WORLD.token, WORLD.session


def guarded(app: Any = None, *, default: Any = None, ceremonies: Any = None) -> Guard:
    return Guard(
        FastAPI() if app is None else app,
        default=TOKEN.valid if default is None else default,
        sources=WORLD.sources,
        ceremonies=WORLD.ceremonies if ceremonies is None else ceremonies,
    )


def test_a_factor_made_a_second_time_is_told_apart() -> None:
    twin = Totp("Example", of=SESSION, name="twin")
    said = r"twin is none of the factors that the ceremonies have; ask totp, the very one that the ceremonies have"
    with pytest.raises(ConfigError, match=f"^default: {said}"):
        guarded(default=TOKEN.valid & twin.within(minutes(5)))
    with pytest.raises(ConfigError, match=rf"^guard\.require\(\.\.\.\): {said}"):
        guarded().require(twin.within(minutes(5)))
    other = Passkey(
        RelyingParty("example.com", name="Example", origins=[ORIGIN]), of=SESSION, secret=SECRET, name="key"
    )
    with pytest.raises(ConfigError, match=r"key is none of the factors .*ask passkey, the very one"):
        guarded().require(Approval(other).given)


def test_a_factor_that_the_ceremonies_lack_is_named() -> None:
    few = Ceremonies(SESSION, WORLD.passkey, first=TOKEN.valid, name="Example")
    with pytest.raises(ConfigError, match=r"hotp is none of .*write Ceremonies\(session, \.\.\., hotp, \.\.\.\)$"):
        guarded(ceremonies=few).require(WORLD.hotp.within(minutes(5)))
    guarded(ceremonies=few).require(WORLD.passkey.within(minutes(5)))
    elsewhere = Session(of=TOKEN, name="elsewhere")
    guarded(ceremonies=few).require(Hotp("Example", of=elsewhere).within(minutes(5)))  # of a session of its own


def test_hardware_is_asked_for_only_where_somebody_can_attest_it() -> None:
    guard = guarded()
    for policy in (aal3(SESSION), SESSION.phishing_resistant_with(hardware_bound=True)):
        with pytest.raises(
            ConfigError, match=r"write RelyingParty\(\.\.\., authenticators=AuthenticatorPolicy\(\.\.\.\)\)$"
        ):
            guard.require(policy)
    guard.require(SESSION.factors(at_least=2))
    trusting = AuthenticatorPolicy(anchors=known_anchors())
    rp = RelyingParty("example.com", name="Example", origins=[ORIGIN], attestation="direct", authenticators=trusting)
    attested = Ceremonies(SESSION, Passkey(rp, of=SESSION, secret=SECRET), first=TOKEN.valid, name="Example")
    guarded(ceremonies=attested).require(aal3(SESSION))


def test_routes_below_the_ceremonies_are_problems() -> None:
    app = FastAPI()
    router = APIRouter(prefix="/auth")

    @router.get("/login")
    def login() -> None: ...

    @app.get("/authors")
    @app.get("/{rest:path}")
    def fine() -> None: ...

    @app.websocket("/auth/events")
    async def events(socket: WebSocket) -> None: ...  # they serve none

    app.include_router(router)
    app.mount("/auth/static", StaticFiles(directory="."))
    guard = guarded(app)
    said = "is never got to: all below /auth are the ready ceremonies"
    problems = guard.report().problems
    assert [one.partition(" ")[0] for one in problems] == ["/auth/login", "/auth/static/*"]
    assert all(said in one and "Ceremonies(..., at=" in one for one in problems)
    with pytest.raises(ConfigError, match="/auth/login is never got to"):
        guard.check()
