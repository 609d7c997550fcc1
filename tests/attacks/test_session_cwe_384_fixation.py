"""CWE-384, session fixation: an id that somebody else knows, or planted, never becomes that of a person signed in."""

from __future__ import annotations

import pytest

from tests.sessions.browsers import ADA, EVE, KEEPERS, NOW, Browser, Shop, found, proof
from tests.verifiers.tokens import bearer
from zerotrust.core.evidence import Evidence
from zerotrust.driver import run
from zerotrust.factors.account import Account
from zerotrust.sessions.registry import Begun
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence

UNKNOWN = "A" * 22 + "." + "A" * 43


@pytest.fixture(params=sorted(KEEPERS))
def keep(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(keep: str) -> Shop:
    return Shop(Session(source="shop", keep=KEEPERS[keep]))


def test_an_id_that_was_made_up_is_never_taken_over(shop: Shop) -> None:
    victim = Browser({"__Host-session": UNKNOWN})
    shop.sign_in(victim)
    assert victim.cookie != UNKNOWN
    assert shop.find(Browser({"__Host-session": UNKNOWN})) in ("session_ended", "bad_session")


def test_an_id_planted_before_the_sign_in_is_not_that_of_the_victim(shop: Shop) -> None:
    attacker = Browser()
    shop.sign_in(attacker, EVE)
    victim = attacker.copy()
    shop.sign_in(victim, ADA)
    evidence = shop.find(victim)
    assert isinstance(evidence, SessionEvidence)
    assert evidence.subject == "ada"
    assert shop.find(attacker) == "session_ended"


@pytest.mark.parametrize("step", ["a factor is proven", "another sign-in", "a factor is removed"])
def test_an_id_known_before_the_privilege_changed_is_dead_after(shop: Shop, step: str) -> None:
    victim = Browser()
    shop.sign_in(victim, proofs=[proof("password", by="pw")])
    attacker = victim.copy()
    if step == "a factor is proven":
        shop.prove(victim, proof("passkey", by="key", user_verified=True))
    elif step == "another sign-in":
        shop.sign_in(victim, proofs=[proof("password", by="pw"), proof("passkey", by="key")])
    else:
        begun = run(shop.session.forgetting(victim.request(), "password", "pw"), shop.sources)
        assert isinstance(begun, Begun)
        victim.take(begun.headers)
    assert isinstance(shop.find(victim), SessionEvidence)
    assert shop.find(attacker) == "session_ended"
    assert not isinstance(shop.prove(attacker, proof(by="attacker")), Begun)
    assert not isinstance(run(shop.session.forgetting(attacker.request(), "totp", "1"), shop.sources), Begun)
    run(shop.session.ending(attacker.request()), shop.sources)
    assert isinstance(shop.find(victim), SessionEvidence), "nor can it end the session"


def test_the_session_of_an_attacker_in_the_browser_of_somebody_with_a_token(keep: str) -> None:
    """The attacker tosses the cookie of a session of their own, in which they have proven everything."""
    shop = Shop(Session(of=bearer(), keep=KEEPERS[keep]))
    eve, ada = (Evidence("https://issuer.example", name, NOW, NOW + 300) for name in ("eve", "ada"))
    attacker = Browser()
    everything = proof("passkey", by="eve's", user_verified=True, hardware_bound=True)
    shop.prove(attacker, everything, Account(eve.source, "eve"), eve)
    victim = attacker.copy()
    assert found(shop.session, victim.request(), shop.sources, ada) == "subject_mismatch"
    begun = shop.prove(victim, proof(by="ada's"), Account(ada.source, "ada"), ada)
    assert isinstance(begun, Begun)
    assert [one.by for one in begun.record.proofs] == ["ada's"]
    assert begun.record.account.subject == "ada"
    for about in (ada, eve):
        seen = found(shop.session, attacker.request(), shop.sources, about)
        assert not isinstance(seen, SessionEvidence) or seen.proofs == ()


def test_a_proof_of_the_attacker_is_none_of_the_victims(shop: Shop) -> None:
    victim = Browser()
    shop.sign_in(victim)
    assert getattr(shop.prove(victim, proof(by="eve's"), EVE), "code", "") == "subject_mismatch"
    evidence = shop.find(victim)
    assert isinstance(evidence, SessionEvidence)
    assert evidence.proofs == ()
