"""Refusals of sessions as HTTP: no token is called bad for them."""

from __future__ import annotations

import json

import pytest

from zerotrust.core.decision import Allow, Challenge, Deny
from zerotrust.core.moments import minutes
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources, run
from zerotrust.engine import decide
from zerotrust.factors.account import Account
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing.issuer import LocalIssuer
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.totp import Totp
from zerotrust.web.answer import answer

ISSUER = LocalIssuer("https://login.example.com")
NOW = ISSUER.clock()
TOKEN = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="shop")
GOOD = b"Bearer " + ISSUER.mint(audience="shop").encode()
SIGNED_IN, OF_TOKEN = Session(source="shop"), Session(of=TOKEN)

ENDED, BROKEN, FOREIGN = "ended", "broken", "of another site"


def refused(session: Session, how: str) -> tuple[int, bytes | None, str]:
    """The status, the challenge and the code of what a request is answered whose session is not good."""
    sources = Sources(MemoryStore())
    bearer = [] if session.of is None else [(b"authorization", GOOD)]
    allowed = decide(TOKEN.valid, AccessRequest(now=NOW, headers=[(b"authorization", GOOD)]))
    assert isinstance(allowed, Allow)
    about = None if session.of is None else allowed[TOKEN]
    account = Account("shop", "ann") if about is None else Account(about.source, about.subject)
    empty = AccessRequest(now=NOW, host="shop.example.com", headers=bearer)
    begun = run(session.beginning(account, empty, about=about), sources)
    cookie = begun.headers[0][1].partition(b";")[0]
    if how == ENDED:
        run(session.revoking(account, NOW), sources)
    if how == BROKEN:
        cookie = cookie.partition(b"=")[0] + b"=broken"
    origin = b"https://evil.example" if how == FOREIGN else b"https://shop.example.com"
    headers = [*bearer, (b"cookie", cookie), (b"origin", origin)]
    request = AccessRequest(now=NOW + 1, method="POST", host="shop.example.com", headers=headers)
    decision = decide(session.valid & Totp("Shop", of=session).within(minutes(5)), request, sources)
    assert isinstance(decision, Challenge | Deny)
    told = answer(decision, request=request)
    return told.status, dict(told.headers).get(b"www-authenticate"), json.loads(told.body)["code"]


@pytest.mark.parametrize(("how", "code"), [(ENDED, "session_ended"), (BROKEN, "bad_session")])
def test_who_signed_in_here_is_asked_to_sign_in_and_nothing_is_said_of_tokens(how: str, code: str) -> None:
    assert refused(SIGNED_IN, how) == (401, b'Bearer realm=""', code)


def test_beside_a_good_token_only_more_is_asked_for() -> None:
    status, challenge, _ = refused(OF_TOKEN, BROKEN)
    assert (status, challenge) == (401, b'Bearer error="insufficient_user_authentication"')


@pytest.mark.parametrize("session", [SIGNED_IN, OF_TOKEN], ids=["alone", "of a token"])
def test_what_another_site_sent_is_forbidden_and_no_credential_is_to_blame(session: Session) -> None:
    assert refused(session, FOREIGN) == (403, None, "cross_site")
