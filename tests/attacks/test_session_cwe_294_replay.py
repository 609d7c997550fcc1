"""CWE-294 and CWE-613: what was replaced, revoked or has expired does not come back, sealed or not."""

from __future__ import annotations

import pytest

from tests.sessions.browsers import ADA, EVE, IDLE, KEEPERS, KEY, LONGEST, NOW, Browser, Shop, proof
from zerotrust.core.moments import minutes
from zerotrust.driver import run
from zerotrust.engine import decide
from zerotrust.sessions.sealed import SealedSessions
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence


@pytest.fixture(params=sorted(KEEPERS))
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(Session(source="shop", keep=KEEPERS[request.param]))


def test_no_id_that_there_was_before_counts(shop: Shop) -> None:
    browser, before = Browser(), list[Browser]()
    shop.sign_in(browser)
    for number in range(6):
        before.append(browser.copy())
        shop.prove(browser, proof(at=NOW + number, by=str(number)))
        for old in before:
            assert shop.find(old, NOW + number) in ("session_ended", "bad_session")
            assert not decide(shop.session.valid | ~shop.session.factors(2), old.request(NOW + number), shop.sources)
    assert isinstance(shop.find(browser, NOW + 6), SessionEvidence)


@pytest.mark.parametrize("how", ["signed out", "revoked", "revoked by handle", "too many", "signed in again"])
def test_every_copy_dies_when_it_is_ended(shop: Shop, how: str) -> None:
    browser = Browser()
    handle = shop.sign_in(browser).record.handle
    copies = [browser.copy()]
    for passed in (10, 20, 30):  # of a sealed one each use gives another copy of the same
        shop.use(browser, NOW + 60 * passed)
        copies.append(browser.copy())
    now = NOW + 60 * 31
    if how == "signed out":
        run(shop.session.ending(browser.request(now)), shop.sources)
    elif how == "revoked":
        run(shop.session.revoking(ADA, now), shop.sources)
    elif how == "revoked by handle":
        run(shop.session.revoking(ADA, now, handle=handle), shop.sources)
    elif how == "too many":
        for number in range(16):
            shop.sign_in(Browser(), now=now + number / 100)
    else:
        shop.sign_in(browser, EVE, now)
    for copy in copies:
        assert shop.find(copy, now) == "session_ended"
        shop.use(copy, now)
        shop.prove(copy, proof(at=now))
        assert shop.find(copy, now + 1) == "session_ended"


def test_a_store_that_lost_everything_brings_nothing_back() -> None:
    """What was ended must not live again because the store forgot that it was: a copy without its anchor is nothing."""
    shop = Shop(Session(source="shop", keep=SealedSessions(KEY)))
    browser = Browser()
    shop.sign_in(browser)
    run(shop.session.revoking(ADA, NOW), shop.sources)
    assert Shop(shop.session, MemoryStore()).find(browser) == "session_ended"


def test_a_copy_from_before_does_not_make_a_pause_forgotten() -> None:
    """A sealed copy says when it was used last. An older one says longer ago, never shorter."""
    shop = Shop(Session(source="shop", keep=SealedSessions(KEY)))
    browser = Browser()
    shop.sign_in(browser, proofs=[proof("password"), proof()])
    idle = shop.session.factors(2, idle=minutes(15))
    before = browser.copy()
    late = NOW + 20 * 60
    shop.use(browser, late)
    for copy in (before, browser):
        assert not decide(idle, copy.request(late + 1), shop.sources)


def test_an_old_copy_does_not_outlive_its_time() -> None:
    shop = Shop(Session(source="shop", keep=SealedSessions(KEY)))
    browser = Browser()
    shop.sign_in(browser)
    stolen = browser.copy()
    now = NOW
    while now < NOW + LONGEST - IDLE:
        now += IDLE / 2
        shop.use(browser, now)
    assert shop.find(stolen, now) == "session_ended"
    assert shop.find(browser, NOW + LONGEST) == "session_ended"


# --- Clocks ----------------------------------------------------------------------------------------------------------
def test_a_clock_that_goes_back_makes_nothing_younger(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    shop.use(browser, NOW + IDLE / 2)
    back = browser.copy()
    shop.use(back, NOW + IDLE / 2 - 30)
    evidence = shop.find(back, NOW + IDLE / 2)
    assert isinstance(evidence, SessionEvidence)
    assert evidence.started_at == NOW
    assert evidence.seen_at == NOW + IDLE / 2
    assert evidence.expires_at == NOW + IDLE * 1.5


def test_a_session_from_later_than_now_does_not_count(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser, now=NOW + 3600, proofs=[proof(at=NOW + 3600)])
    assert shop.find(browser, NOW) == "session_ended"
    assert shop.find(browser, NOW + 3600 - 61) == "session_ended"
    assert isinstance(shop.find(browser, NOW + 3600 - 60), SessionEvidence)


def test_a_proof_from_later_than_now_does_not_count(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser, proofs=[proof(at=NOW + 10**6)])
    assert not decide(shop.session.factors(1), browser.request(NOW + 5), shop.sources)


@pytest.mark.parametrize("now", [float("inf"), float("-inf"), float("nan"), -1.0, 1e300])
def test_no_moment_makes_it_valid_that_is_none(shop: Shop, now: float) -> None:
    browser = Browser()
    shop.sign_in(browser)
    assert not decide(shop.session.valid, browser.request(now), shop.sources)
