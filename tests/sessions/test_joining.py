"""Several requests of one session at the same moment, step by step: what each of them may still do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sessions.browsers import ADA, KEEPERS, NOW, Browser, Shop, proof
from tests.sessions.pausing import Paused
from zerotrust.driver import run
from zerotrust.sessions.registry import Begun
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence

FIRST, SECOND = proof("totp", NOW + 1), proof("passkey", NOW + 1, "key", user_verified=True)


@pytest.fixture(params=sorted(KEEPERS))
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(Session(source="shop", keep=KEEPERS[request.param]))


def adding(shop: Shop, browser: Browser, one: Any = SECOND) -> Paused:
    return Paused(shop, shop.session.adding(browser.request(NOW + 1), Proving(ADA, one)))


def test_two_proofs_at_once_are_both_remembered_under_one_id(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    slower = adding(shop, browser)
    shop.prove(browser, FIRST)
    begun = slower.resume()
    assert isinstance(begun, Begun)
    assert begun.headers == ()
    assert set(begun.record.proofs) >= {SECOND}
    evidence = shop.find(browser, NOW + 2)
    assert isinstance(evidence, SessionEvidence)
    assert set(evidence.proofs) == {FIRST, SECOND}
    # And they stay so: through use, and through the next proof.
    shop.use(browser, NOW + 600)
    evidence = shop.use(browser, NOW + 601)
    assert isinstance(evidence, SessionEvidence)
    assert set(evidence.proofs) == {FIRST, SECOND}
    assert min(evidence.pauses) > 590
    third = proof("hotp", NOW + 602)
    assert isinstance(shop.prove(browser, third), Begun)
    evidence = shop.find(browser, NOW + 602)
    assert isinstance(evidence, SessionEvidence)
    assert set(evidence.proofs) == {FIRST, SECOND, third}


def test_three_at_once(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    third = proof("hotp", NOW + 1)
    slower, slowest = adding(shop, browser), adding(shop, browser, third)
    shop.prove(browser, FIRST)
    assert slower.resume().headers == slowest.resume().headers == ()
    evidence = shop.find(browser, NOW + 1)
    assert isinstance(evidence, SessionEvidence)
    assert set(evidence.proofs) == {FIRST, SECOND, third}


def test_who_comes_later_with_the_old_id_joins_nothing(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    before = browser.copy()
    shop.prove(browser, FIRST)
    assert getattr(shop.prove(before, SECOND), "code", "") == "session_ended"
    evidence = shop.find(browser, NOW + 1)
    assert isinstance(evidence, SessionEvidence)
    assert evidence.proofs == (FIRST,)


def test_nobody_joins_a_session_that_has_gone_on(shop: Shop) -> None:
    """The id that the slower one showed was replaced twice: it is nobody's business any more."""
    browser = Browser()
    shop.sign_in(browser)
    slower = adding(shop, browser)
    shop.prove(browser, FIRST)
    shop.prove(browser, proof("hotp", NOW + 1))
    assert slower.resume().code == "session_ended"


ENDINGS: list[tuple[str, Callable[[Shop, Browser], object]]] = [
    ("revoked", lambda shop, browser: run(shop.session.revoking(ADA, NOW + 1), shop.sources)),
    ("signed out", lambda shop, browser: run(shop.session.ending(browser.request(NOW + 1)), shop.sources)),
    ("signed in again", lambda shop, browser: shop.sign_in(browser, now=NOW + 1)),
    ("forgot", lambda shop, browser: run(shop.session.forgetting(browser.request(NOW), "totp", "1"), shop.sources)),
]


@pytest.mark.parametrize(("name", "end"), ENDINGS, ids=[name for name, _ in ENDINGS])
def test_nobody_joins_a_session_that_was_ended_or_lost_a_factor(
    shop: Shop, name: str, end: Callable[[Shop, Browser], object]
) -> None:
    browser = Browser()
    shop.sign_in(browser)
    slower = adding(shop, browser.copy())
    end(shop, browser)
    assert slower.resume().code == "session_ended"
    assert not any(SECOND in one.proofs for one in run(shop.session.listing(ADA, NOW + 1), shop.sources))


def test_forgetting_joins_nothing(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser, proofs=[proof(by="old")])
    slower = Paused(shop, shop.session.forgetting(browser.request(NOW + 1), "totp", "old"))
    shop.prove(browser, FIRST)
    assert slower.resume().code == "session_ended"


def test_use_at_the_same_moment_loses_nothing() -> None:
    """Writing down its use must not undo a proof, nor bring a session back."""
    shop = Shop()
    browser = Browser()
    shop.sign_in(browser)
    late = NOW + 600
    finding: Any = shop.session.find(browser.request(late))
    using = Paused(shop, finding)
    begun = shop.prove(browser, proof(at=late))
    assert isinstance(begun, Begun)
    assert using.resume()
    assert run(shop.session.listing(ADA, late), shop.sources) == (begun.record,)
    finding = shop.session.find(browser.request(late + 600))
    using = Paused(shop, finding)
    run(shop.session.revoking(ADA, late + 600), shop.sources)
    using.resume()
    assert shop.find(browser, late + 600) == "session_ended"


def test_a_proof_that_meets_use_is_tried_again() -> None:
    shop = Shop()
    browser = Browser()
    shop.sign_in(browser)
    slower = Paused(shop, shop.session.adding(browser.request(NOW + 600), Proving(ADA, proof(at=NOW + 600))))
    shop.use(browser, NOW + 600)
    begun = slower.resume()
    assert isinstance(begun, Begun)
    assert begun.headers


def test_a_session_that_begins_while_all_are_ended_is_listed_or_dead(shop: Shop) -> None:
    """Whoever ends all sessions of an account leaves none behind that nobody can see any more."""
    steps: Any = shop.session.beginning(ADA, Browser().request())
    question, asked = next(steps), 0
    while True:
        # At every step of a beginning: all are ended, then it goes on.
        probe = Shop(shop.session)
        browser = Browser()
        inner: Any = probe.session.beginning(ADA, browser.request())
        try:
            ask = next(inner)
            for _ in range(asked):
                ask = inner.send(probe.store.answer(ask, 1.0))
            run(probe.session.revoking(ADA, NOW), probe.sources)
            while True:
                ask = inner.send(probe.store.answer(ask, 1.0))
        except StopIteration as end:
            browser.take(end.value.headers)
        listed = run(probe.session.listing(ADA, NOW), probe.sources)
        assert bool(listed) is isinstance(probe.find(browser), SessionEvidence), asked
        try:
            question, asked = steps.send(shop.store.answer(question, 1.0)), asked + 1
        except StopIteration:
            break
    assert asked == 2, "it asks three things: after each all were ended"
