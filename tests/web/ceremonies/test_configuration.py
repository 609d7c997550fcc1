"""What is configured wrongly fails where it is written, and the message says what to write."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from tests.web.ceremonies.world import ORIGIN, SECRET, make
from zerotrust import minutes
from zerotrust.asgi import CeremoniesApp
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.driver import Sources
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.fastapi import Guard
from zerotrust.sessions.cookie import SessionCookie
from zerotrust.sessions.device import DeviceCookie
from zerotrust.sessions.framework import FrameworkSession
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.totp import Totp
from zerotrust.web.ceremonies import Ceremonies
from zerotrust.wsgi import CeremoniesApp as WsgiApp

WORLD = make()
SESSION, PASSKEY, TOTP, TOKEN = WORLD.session, WORLD.passkey, WORLD.totp, WORLD.token
FIRST = TOKEN.fresh(within=minutes(5))
OTHER = Session(of=TOKEN)


def built(*args: Any, **options: Any) -> Ceremonies:
    return Ceremonies(*(args or (SESSION, PASSKEY)), **{"first": FIRST, "name": "Example", **options})


@pytest.mark.parametrize(
    ("args", "options", "says"),
    [
        ((TOKEN, PASSKEY), {}, "Session(of=token)"),
        ((SESSION,), {}, "no factors"),
        ((SESSION, TOKEN), {}, "Totp(...)"),
        ((SESSION, Totp("Example", of=OTHER)), {}, "not of this session"),
        ((SESSION, PASSKEY, Totp("A", of=SESSION), Totp("B", of=SESSION)), {}, "one of each"),
        ((), {"first": None}, "first takes a policy"),
        ((), {"first": TOKEN}, "first takes a policy, e.g. token.valid, not token"),
        ((), {"manage": PASSKEY}, "manage takes a policy, e.g. passkey.within(minutes(10)), not passkey"),
        ((), {"manage": True}, "manage takes a policy"),
        ((), {"name": ""}, "name="),
        ((), {"name": None}, "name="),
        ((), {"at": ""}, "at="),
        ((), {"at": "/"}, "at="),
        ((), {"at": "auth"}, "at="),
        ((), {"at": "//evil.example"}, "at="),
        ((), {"at": "/auth?x"}, "at="),
        ((), {"at": "/a/../b"}, "at="),
        ((), {"at": "/{x}"}, "at="),
        ((), {"at": "/a%20b"}, "at="),
        ((), {"at": None}, "at="),
        ((), {"sign_in": "https://login.example.com"}, "sign_in="),
        ((), {"sign_in": "javascript:x"}, "such as /login"),
        ((), {"sign_in": "login"}, "sign_in='login': write a path of this application, such as /login"),
        ((), {"sign_in": "users/sign-in"}, "such as /users/sign-in"),
        ((), {"at": "mfa/"}, "such as /mfa"),
        ((), {"origins": ["shop.example.com"]}, "no origin"),
        ((), {"origins": "https://shop.example.com"}, "write a list"),
        ((), {"person": "ada"}, "person="),
        ((), {"devices": b"x" * 32}, "DeviceCookie(keys)"),
        ((SESSION, TOTP), {}, "here is no passkey, from whose secret its key could come: write devices=DeviceCookie(s"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str | dict) else "",
)
def test_what_is_wrong_is_said(args: tuple[Any, ...], options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        built(*args, **options)
    assert says in str(raised.value)


def test_requirements_are_about_the_person_of_the_session() -> None:
    from tests.web.ceremonies.world import make as another

    said = r"token\.valid may be about somebody else than session is; ask session or token, e\.g\. "
    for what in ("first", "manage"):
        with pytest.raises(PolicyError, match=rf"^{what}={said}{what}=session\.age\(at_most=minutes\(5\)\)$"):
            built(**{what: another().token.valid})


@pytest.mark.parametrize("keys", [None, StoreKeys(index=SECRET)])
def test_a_store_that_cannot_encrypt_serves_no_factor_that_keeps_a_secret(keys: StoreKeys | None) -> None:
    advice = r"write MemoryStore\(\.\.\., keys=StoreKeys\(encrypt=\[key\]\)\), with a key that `zerotrust store key`"
    plain = Sources(MemoryStore(keys=keys))
    with pytest.raises(ConfigError, match=f"^ceremonies: totp keeps secret values, and MemoryStore has no.*{advice}"):
        CeremoniesApp(WORLD.ceremonies, sources=plain)
    with pytest.raises(ConfigError, match=f"^ceremonies: totp keeps secret values.*{advice}"):
        Guard(FastAPI(), default=TOKEN.valid, sources=plain, ceremonies=WORLD.ceremonies)
    CeremoniesApp(built(), sources=plain)  # a passkey has no secret to keep
    Guard(FastAPI(), default=TOKEN.valid & TOTP.within(minutes(5)), sources=plain)  # it was proven elsewhere


def test_codes_alone_take_a_device_cookie() -> None:
    ceremonies = built(SESSION, TOTP, devices=DeviceCookie(SECRET))
    assert repr(ceremonies) == "<Ceremonies at /auth>"


def test_a_slash_at_the_end_of_the_mount_is_dropped() -> None:
    assert built(at="/my/auth/").at == "/my/auth"


def test_pages_of_passkeys_and_of_the_session_may_post() -> None:
    session = Session(of=TOKEN, cookie=SessionCookie(origins=["https://admin.example.com"]))
    rp = RelyingParty("example.com", name="Example", origins=[ORIGIN])
    ceremonies = built(session, Passkey(rp, of=session, secret=SECRET), origins=["https://help.example.com"])
    assert ceremonies.setup.origins == {ORIGIN, "https://admin.example.com", "https://help.example.com"}


def test_in_development_all_cookies_go_over_plain_http() -> None:
    session = Session(of=TOKEN, cookie=SessionCookie(http_on_localhost=True))
    rp = RelyingParty("localhost", name="Example", origins=["http://localhost:8000"])
    ceremonies = built(session, Passkey(rp, of=session, secret=SECRET))
    assert ceremonies.setup.cookie.name == "session-ceremony"
    assert ceremonies.setup.cookie.http_on_localhost


def test_a_kind_of_factor_without_ceremonies_is_refused() -> None:
    class Password(Totp):
        pass

    Password.method = "password"
    with pytest.raises(ConfigError, match="one of each"):
        built(SESSION, PASSKEY, Password("Example", of=SESSION))


def of_pages(cookie: Any, *origins: str) -> Ceremonies:
    session = Session(of=TOKEN, cookie=cookie)
    return built(session, Passkey(RelyingParty("example.com", name="E", origins=origins), of=session, secret=SECRET))


def test_pages_of_passkeys_elsewhere_have_to_be_those_of_the_session_too() -> None:
    here, there = "https://shop.example.com", "https://admin.example.com"
    wanted = r"SessionCookie\(\.\.\., origins=\['https://admin.example.com', 'https://shop.example.com'\]\)"
    with pytest.raises(ConfigError, match=wanted):
        of_pages(SessionCookie(), here, there)
    with pytest.raises(ConfigError, match=r"FrameworkSession\(\.\.\., origins="):
        of_pages(FrameworkSession(rotate=None), here, there)
    for taken in ([there], [here, there]):  # one is the host itself
        assert {here, there} <= of_pages(SessionCookie(origins=taken), here, there).setup.origins
    of_pages(SessionCookie(), here)


def test_pages_of_a_session_in_a_frameworks_own_may_post() -> None:
    session = Session(of=TOKEN, cookie=FrameworkSession(rotate=None, origins=["https://admin.example.com"]))
    ceremonies = built(session, Totp("E", of=session), devices=DeviceCookie(SECRET))
    assert ceremonies.setup.origins == {"https://admin.example.com"}


def test_wsgi_has_no_session_of_a_framework_to_give() -> None:
    session = Session(of=TOKEN, cookie=FrameworkSession(rotate=None))
    ceremonies = built(session, Totp("E", of=session), devices=DeviceCookie(SECRET))
    with pytest.raises(ConfigError, match=r"cookie=SessionCookie\(\)"):
        WsgiApp(ceremonies, sources=WORLD.sources)


def test_the_way_past_a_passkey_is_the_applications_to_say() -> None:
    manage = TOTP.within(minutes(1))
    mine = built(SESSION, PASSKEY, TOTP, manage=manage).setup
    assert mine.guarded is not mine.manage
    assert str(mine.guarded) == str(mine.manage)
    usual = built(SESSION, PASSKEY, TOTP, WORLD.codes).setup
    assert "totp" in str(usual.manage)
    assert "totp" not in str(usual.guarded)
    assert "passkey" in str(usual.guarded)
    assert "recovery_code" in str(usual.guarded)
