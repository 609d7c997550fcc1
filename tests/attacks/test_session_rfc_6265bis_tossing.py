"""Cookie tossing (RFC 6265bis sections 4.1.3.2, 8.6): who can set cookies from elsewhere gets none taken for ours."""

from __future__ import annotations

import pytest

from tests.sessions.browsers import EVE, HOST, KEEPERS, NOW, Browser, Shop, found
from zerotrust.core.request import AccessRequest
from zerotrust.driver import run
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence

NAME = "__Host-session"


@pytest.fixture(params=sorted(KEEPERS))
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(Session(source="shop", keep=KEEPERS[request.param]))


def asked(shop: Shop, *lines: bytes) -> SessionEvidence | str:
    request = AccessRequest(now=NOW, host=HOST, headers=[(b"cookie", line) for line in lines])
    return found(shop.session, request, shop.sources)


def test_two_cookies_of_the_name_count_for_nothing(shop: Shop) -> None:
    victim, attacker = Browser(), Browser()
    shop.sign_in(victim)
    shop.sign_in(attacker, EVE)
    ours, theirs = (f"{NAME}={one.cookie}".encode() for one in (victim, attacker))
    for lines in (
        (ours + b"; " + theirs,),
        (theirs + b"; " + ours,),
        (ours + b"; a=b; " + ours,),
        (ours, theirs),
        (ours + b"; " + NAME.encode() + b"=",),
        (ours + b";" + NAME.encode() + b"=x y",),
    ):
        assert asked(shop, *lines) == "duplicate_header"
    assert isinstance(asked(shop, ours), SessionEvidence)


def test_what_only_looks_like_it_is_not_it(shop: Shop) -> None:
    """Names that a lenient parser strips, folds or decodes to ours."""
    attacker = Browser()
    shop.sign_in(attacker, EVE)
    value = attacker.cookie.encode()
    for name in (
        b"__host-session",
        b"__HOST-SESSION",
        b"__Host-session ",
        b"\xc2\xa0__Host-session",
        b"\xe2\x80\x80__Host-session",
        b"\x0b__Host-session",
        b"\x00__Host-session",
        b"__Host-session\x00",
        b"__Host%2Dsession",
        b'"__Host-session"',
        b"$Version=1, __Host-session",
        b"session",
        b"__Secure-session",
        b"x=__Host-session",
    ):
        assert asked(shop, name + b"=" + value) == "not_presented", name


def test_one_tossed_beside_ours_under_another_spelling_changes_nothing(shop: Shop) -> None:
    victim, attacker = Browser(), Browser()
    shop.sign_in(victim)
    shop.sign_in(attacker, EVE)
    evidence = asked(shop, f"__host-session={attacker.cookie}; {NAME}={victim.cookie}; session=x".encode())
    assert isinstance(evidence, SessionEvidence)
    assert evidence.subject == "ada"


def test_quotes_swallow_no_other_cookie(shop: Shop) -> None:
    """A quoted value of an old kind must not reach over other cookies, to have them shown somewhere."""
    victim = Browser()
    shop.sign_in(victim)
    evidence = asked(shop, f'$Version=1; sandwich="a; {NAME}={victim.cookie}; b"'.encode())
    assert isinstance(evidence, SessionEvidence)
    assert asked(shop, f'{NAME}="a; x={victim.cookie}"'.encode()) == "bad_session"


def test_a_great_many_cookies_cost_little(shop: Shop) -> None:
    victim = Browser()
    shop.sign_in(victim)
    ours = f"{NAME}={victim.cookie}".encode()
    assert asked(shop, b"a=b; " * 7000 + ours) == "too_large"
    assert asked(shop, *[b"a=b"] * 12_000, ours) == "too_large"
    assert isinstance(asked(shop, b"a=b; " * 5000 + ours), SessionEvidence)


def test_the_cookie_can_be_set_by_this_host_alone(shop: Shop) -> None:
    begun = run(shop.session.beginning(EVE, Browser().request()), shop.sources)
    ((_, value),) = begun.headers
    pair, *attributes = value.decode().split("; ")
    assert pair.startswith("__Host-")
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} < set(attributes)
    assert not any(one.lower().startswith("domain") for one in attributes)
