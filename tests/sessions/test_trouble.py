"""Stores that hold something else, or are changed by everybody at once: nothing counts, and nothing is half done."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.sessions.browsers import ADA, EVE, KEEPERS, KEY, NOW, Browser, Shop, proof
from tests.sessions.pausing import Paused
from zerotrust.core.ask import Advance, Ask, Put, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import minutes
from zerotrust.driver import Sources, run
from zerotrust.factors.account import Account
from zerotrust.sessions import index, kept, sealed
from zerotrust.sessions.cookie import SessionCookie
from zerotrust.sessions.registry import Begun
from zerotrust.sessions.sealed import SealedSessions
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.session import Session


class Store:
    """Answers as a store of memory does, but says `False` to so many `Advance` first."""

    answers = MemoryStore.answers
    style = MemoryStore.style

    def __init__(self, store: MemoryStore, lost: float) -> None:
        self.store, self.lost = store, lost

    def answer(self, ask: Ask[Any], timeout: float) -> Any:
        if isinstance(ask, Advance) and ask.kind != index.SPACE:
            self.lost -= 1
            if self.lost >= 0:
                return False
        return self.store.answer(ask, timeout)


@pytest.fixture(params=sorted(KEEPERS))
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(Session(source="shop", keep=KEEPERS[request.param]))


def contended(shop: Shop, lost: float) -> Sources:
    return Sources(Store(shop.store, lost))  # type: ignore[arg-type]


def test_a_change_is_tried_again_and_then_given_up(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    steps = shop.session.adding(browser.request(), Proving(ADA, proof()))
    with pytest.raises(SourceFailed, match="others keep changing this session"):
        run(steps, contended(shop, math.inf))
    begun = run(shop.session.adding(browser.request(), Proving(ADA, proof())), contended(shop, 7))
    assert isinstance(begun, Begun)
    assert begun.headers


def test_a_name_that_is_there_already_begins_nothing(shop: Shop) -> None:
    with pytest.raises(SourceFailed, match="there already"):
        run(shop.session.beginning(ADA, Browser().request()), contended(shop, math.inf))
    assert run(shop.session.listing(ADA, NOW), shop.sources) == ()


def test_an_anchor_of_something_else(shop: Shop) -> None:
    browser = Browser()
    handle = shop.sign_in(browser).record.handle
    for space in (kept.SPACE, sealed.SPACE):
        shop.store.answer(Put(space, handle.encode(), b"{}", NOW + 60, NOW), 1.0)
    assert shop.find(browser) == "bad_session"
    assert run(shop.session.listing(ADA, NOW), shop.sources) == ()


def test_a_session_that_is_overwritten_while_it_is_changed(shop: Shop) -> None:
    browser = Browser()
    handle = shop.sign_in(browser).record.handle
    adding = Paused(shop, shop.session.adding(browser.request(), Proving(ADA, proof())))
    for space in (kept.SPACE, sealed.SPACE):
        shop.store.answer(Put(space, handle.encode(), b"{}", NOW + 60, NOW), 1.0)
    assert adding.resume().code == "bad_session"


LISTS = [b"{}", b"x", b"[1]", b"[[1, 2, 3]]", b'[["h", 1]]', b'[["h", "1", 2]]', b'[["h", 1, null]]']


@pytest.mark.parametrize("raw", LISTS, ids=[str(number) for number in range(len(LISTS))])
def test_a_list_that_was_not_written_here(shop: Shop, raw: bytes) -> None:
    key = run(index.looking(ADA, "__Host-session", NOW), shop.sources).key
    shop.store.answer(Put(index.SPACE, key, raw, NOW + 60, NOW), 1.0)
    with pytest.raises(SourceFailed, match="not written here"):
        shop.sign_in(Browser())
    with pytest.raises(SourceFailed, match="not written here"):
        run(shop.session.revoking(ADA, NOW), shop.sources)


def test_what_cannot_be_carried_does_not_begin() -> None:
    shop = Shop(Session(source="shop", cookie=SessionCookie(http_on_localhost=True)))
    with pytest.raises(ConfigError, match="development on this machine"):
        shop.sign_in(Browser())
    assert run(shop.session.listing(ADA, NOW), shop.sources) == ()


def test_what_does_not_fit_does_not_begin() -> None:
    shop = Shop(Session(source="shop", keep=SealedSessions(KEY)))
    with pytest.raises(ConfigError, match="larger than allowed"):
        shop.sign_in(Browser(), proofs=[proof("passkey", by="x" * 4000)])
    with pytest.raises(ConfigError, match="larger than allowed"):
        shop.sign_in(Browser(), Account("shop", "\U0001f600" * 1000))
    assert len(shop.store) == 0


def test_why_it_ended_is_said(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)

    def why(session: Session, now: float) -> str:
        finding: Any = run(session.find(browser.request(now)), shop.sources)  # type: ignore[arg-type]
        assert finding.reason.code == "session_ended"
        return str(finding.reason.detail)

    # Less than it was begun with: what has run out by that is forgotten by the store itself.
    less = Session(source="shop", keep=shop.session._sessions.keep, idle=minutes(5), longest=minutes(5))
    idle = Session(source="shop", keep=shop.session._sessions.keep, idle=minutes(5))
    assert why(shop.session, NOW - 3600) == "it is from later than now"
    assert why(idle, NOW + 300) == "it was not used for too long"
    assert why(less, NOW + 300) == "it lasts no longer than this"


def test_a_list_that_names_the_session_of_somebody_else() -> None:
    """A record that is kept says itself whose it is."""
    shop = Shop()
    handle = shop.sign_in(Browser(), EVE).record.handle
    key = run(index.looking(ADA, "__Host-session", NOW), shop.sources).key
    raw = f'[["{handle}", {NOW}, {NOW + 60}]]'.encode()
    shop.store.answer(Put(index.SPACE, key, raw, NOW + 60, NOW), 1.0)
    assert run(shop.session.listing(ADA, NOW), shop.sources) == ()
