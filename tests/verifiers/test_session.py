"""Sessions from the request to the evidence: what is remembered, for whom, and for how long."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.sessions.browsers import ADA, EVE, HOST, IDLE, KEEPERS, KEY, LONGEST, NOW, Browser, Shop, found, proof
from tests.verifiers.kept import Kept
from tests.verifiers.tokens import bearer
from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Rejected, Unavailable, Verified
from zerotrust.core.moments import hours, minutes, seconds
from zerotrust.core.policy import not_presented
from zerotrust.core.reason import BAD_SESSION, CROSS_SITE, NOT_PRESENTED, SESSION_ENDED, SOURCE_DOWN
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources, run
from zerotrust.engine import decide
from zerotrust.factors.account import Account
from zerotrust.sessions.kept import KeptSessions
from zerotrust.sessions.registry import Begun
from zerotrust.sessions.sealed import SealedSessions
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence

EPOCH = Evidence("https://login.example.com", "ada", NOW, NOW + 300)
TOKEN = bearer()


def of_token(**more: Any) -> Shop:
    return Shop(Session(of=TOKEN, **more))


@pytest.fixture(params=sorted(KEEPERS))
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(Session(source="shop", keep=KEEPERS[request.param]))


# --- Beginning -------------------------------------------------------------------------------------------------------
def test_who_signed_in_has_a_session(shop: Shop) -> None:
    browser = Browser()
    assert shop.find(browser) == "not_presented"
    begun = shop.sign_in(browser, proofs=[proof("password", by="pw")])
    evidence = shop.find(browser, NOW + 1)
    assert evidence == SessionEvidence(
        "shop", "ada", NOW + 1, NOW + IDLE, begun.record.handle, NOW, (proof("password", by="pw"),), None, NOW, (0.0,)
    )
    assert decide(shop.session.valid, browser.request(), shop.sources)


def test_the_cookie_holds_a_secret_that_is_kept_nowhere(shop: Shop) -> None:
    browser = Browser()
    begun = shop.sign_in(browser)
    assert set(browser.cookies) == {"__Host-session"}
    assert len(browser.cookie) >= 22 + 43
    assert browser.cookie not in repr(begun)
    evidence = shop.find(browser)
    assert isinstance(evidence, SessionEvidence)
    assert browser.cookie not in repr(evidence)
    assert evidence.handle != browser.cookie


def test_no_two_sessions_share_anything(shop: Shop) -> None:
    browsers = [Browser() for _ in range(8)]
    handles = {shop.sign_in(browser).record.handle for browser in browsers}
    assert len(handles) == 8
    assert len({browser.cookie.partition(".")[2] or browser.cookie for browser in browsers}) == 8


def test_a_new_session_takes_the_place_of_what_the_browser_had(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser, proofs=[proof()])
    before = browser.copy()
    shop.sign_in(browser, EVE)
    evidence = shop.find(browser)
    assert isinstance(evidence, SessionEvidence)
    assert (evidence.subject, evidence.proofs) == ("eve", ())
    assert shop.find(before) == "session_ended"
    assert run(shop.session.listing(ADA, NOW), shop.sources) == ()


def test_proofs_at_the_sign_in_are_remembered_once_each(shop: Shop) -> None:
    browser = Browser()
    given = [proof(at=NOW - 5), proof("password", NOW - 4, "pw"), proof(at=NOW - 3)]
    assert shop.sign_in(browser, proofs=given).record.proofs == (given[1], given[2])


# --- Adding ----------------------------------------------------------------------------------------------------------
def test_a_proof_is_remembered_under_a_new_id(shop: Shop) -> None:
    browser = Browser()
    handle = shop.sign_in(browser, proofs=[proof("password")]).record.handle
    before = browser.copy()
    begun = shop.prove(browser, proof(at=NOW + 5))
    assert isinstance(begun, Begun)
    assert begun.record.handle == handle
    assert begun.record.proofs == (proof("password"), proof(at=NOW + 5))
    assert browser.cookie != before.cookie
    assert shop.find(before, NOW + 5) == "session_ended"
    evidence = shop.find(browser, NOW + 5)
    assert isinstance(evidence, SessionEvidence)
    assert evidence.proofs == begun.record.proofs
    assert evidence.started_at == NOW


def test_a_proof_of_somebody_else_is_not_remembered(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    for account in (EVE, Account("other", "ada")):
        assert getattr(shop.prove(browser, proof(), account), "code", "") == "subject_mismatch"
    evidence = shop.find(browser)
    assert isinstance(evidence, SessionEvidence)
    assert evidence.proofs == ()


def test_without_a_session_nothing_is_remembered_where_the_application_signs_in(shop: Shop) -> None:
    browser = Browser()
    assert getattr(shop.prove(browser, proof()), "code", "") == "not_presented"
    shop.sign_in(browser)
    assert getattr(shop.prove(browser, proof(at=NOW + IDLE)), "code", "") == "session_ended"
    assert getattr(shop.prove(Browser({"__Host-session": "x"}), proof()), "code", "") == "bad_session"


def test_a_factor_can_be_forgotten(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser, proofs=[proof(by="1"), proof(by="2"), proof("hotp", by="1")])
    before = browser.copy()
    begun = run(shop.session.forgetting(browser.request(), "totp", "1"), shop.sources)
    assert isinstance(begun, Begun)
    browser.take(begun.headers)
    assert [(one.method, one.by) for one in begun.record.proofs] == [("totp", "2"), ("hotp", "1")]
    assert shop.find(before) == "session_ended"
    evidence = shop.find(browser)
    assert isinstance(evidence, SessionEvidence)
    assert evidence.proofs == begun.record.proofs
    for other in (Browser(), before):
        assert not run(shop.session.forgetting(other.request(), "totp", "1"), shop.sources)


# --- Ending ----------------------------------------------------------------------------------------------------------
def test_signing_out_ends_it_and_clears_the_cookie(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    before = browser.copy()
    browser.take(run(shop.session.ending(browser.request()), shop.sources))
    assert browser.cookies == {}
    assert shop.find(before) == "session_ended"
    assert run(shop.session.listing(ADA, NOW), shop.sources) == ()


def test_signing_out_without_a_session_clears_the_cookie_all_the_same(shop: Shop) -> None:
    for cookies in ({}, {"__Host-session": "x"}):
        assert run(shop.session.ending(Browser(cookies).request()), shop.sources)


def test_an_old_id_signs_nobody_out(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    before = browser.copy()
    shop.prove(browser, proof())
    run(shop.session.ending(before.request()), shop.sources)
    assert isinstance(shop.find(browser), SessionEvidence)


def test_it_ends_when_it_is_not_used(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    assert isinstance(shop.find(browser.copy(), NOW + IDLE - 1), SessionEvidence)
    shop = Shop(shop.session)  # its use was written down
    shop.sign_in(browser)
    assert shop.find(browser, NOW + IDLE) == "session_ended"
    assert shop.find(browser, math.nextafter(NOW + IDLE, 0)) != "session_ended"


def test_it_lasts_while_it_is_used_but_no_longer_than_it_may(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    now = NOW
    while now + IDLE / 2 < NOW + LONGEST:
        now += IDLE / 2
        evidence = shop.use(browser, now)
        assert isinstance(evidence, SessionEvidence)
        assert evidence.expires_at == min(now + IDLE, NOW + LONGEST)
    assert isinstance(shop.use(browser, NOW + LONGEST - 1), SessionEvidence)
    assert shop.use(browser, NOW + LONGEST) == "session_ended"


def test_its_use_is_written_down_once_in_a_tenth_of_the_idle_time() -> None:
    kept, session = Kept(), Session(source="shop")
    browser = Browser()
    browser.take(run(session.beginning(ADA, browser.request()), kept.sources).headers)
    kept.asked.clear()
    for second in range(int(IDLE)):
        assert isinstance(found(session, browser.request(NOW + second), kept.sources), SessionEvidence)
    assert kept.asked["Lookup"] == IDLE
    assert kept.asked["Advance"] == 9


def test_a_sealed_cookie_goes_out_anew_once_in_a_tenth_of_the_idle_time() -> None:
    kept, session = Kept(), Session(source="shop", keep=SealedSessions(KEY))
    browser = Browser()
    browser.take(run(session.beginning(ADA, browser.request()), kept.sources).headers)
    kept.asked.clear()
    renewed = 0
    for second in range(int(IDLE)):
        evidence = found(session, browser.request(NOW + second), kept.sources)
        assert isinstance(evidence, SessionEvidence)
        renewed += bool(evidence.renewal)
        assert session.renewing(Verified(evidence), NOW) == evidence.renewal
        browser.take(evidence.renewal)
    assert renewed == 9
    assert dict(kept.asked) == {"Lookup": IDLE}
    assert session.renewing(Absent(NOT_PRESENTED()), NOW) == ()


def test_where_its_use_cannot_be_written_down_it_ends_the_sooner() -> None:
    kept, session = Kept(), Session(source="shop")
    browser = Browser()
    browser.take(run(session.beginning(ADA, browser.request()), kept.sources).headers)
    kept.fails_after = 1
    evidence = found(session, browser.request(NOW + IDLE / 2), kept.sources)
    assert isinstance(evidence, SessionEvidence)
    assert evidence.seen_at == NOW
    assert evidence.expires_at == NOW + IDLE
    kept.fails_after = math.inf
    assert found(session, browser.request(NOW + IDLE), kept.sources) == "session_ended"


def test_a_store_that_does_not_answer_lets_nobody_in() -> None:
    kept, session = Kept(), Session(source="shop")
    browser = Browser()
    browser.take(run(session.beginning(ADA, browser.request()), kept.sources).headers)
    kept.fails_after = 0
    decision = decide(session.valid, browser.request(), kept.sources)
    assert not decision
    assert isinstance(decision.findings[session], Unavailable)


# --- Lists, and ending others ----------------------------------------------------------------------------------------
def test_sessions_are_listed_and_ended(shop: Shop) -> None:
    browsers = [Browser() for _ in range(3)]
    handles = [shop.sign_in(browser, now=NOW + at).record.handle for at, browser in enumerate(browsers)]
    shop.sign_in(Browser(), EVE)
    listed = run(shop.session.listing(ADA, NOW + 5), shop.sources)
    assert [one.handle for one in listed] == handles
    assert [one.started_at for one in listed] == [NOW, NOW + 1, NOW + 2]
    assert {(one.account, one.ends_at - one.started_at) for one in listed} == {(ADA, LONGEST)}
    assert run(shop.session.revoking(ADA, NOW + 5, handle=handles[1]), shop.sources) == 1
    assert [isinstance(shop.find(browser, NOW + 5), SessionEvidence) for browser in browsers] == [True, False, True]
    assert run(shop.session.revoking(ADA, NOW + 5, but=handles[2]), shop.sources) == 1
    assert [one.handle for one in run(shop.session.listing(ADA, NOW + 5), shop.sources)] == [handles[2]]
    assert run(shop.session.revoking(ADA, NOW + 5), shop.sources) == 1
    assert run(shop.session.revoking(ADA, NOW + 5), shop.sources) == 0
    assert len(run(shop.session.listing(EVE, NOW + 5), shop.sources)) == 1


def test_nobody_ends_the_session_of_another(shop: Shop) -> None:
    browser = Browser()
    handle = shop.sign_in(browser).record.handle
    assert run(shop.session.revoking(EVE, NOW, handle=handle), shop.sources) == 0
    assert isinstance(shop.find(browser), SessionEvidence)


def test_a_session_that_has_ended_is_not_listed(shop: Shop) -> None:
    shop.sign_in(Browser())
    assert run(shop.session.listing(ADA, NOW + LONGEST), shop.sources) == ()


def test_what_ended_long_ago_is_off_the_list(shop: Shop) -> None:
    """An hour late, in case that a clock was ahead; until then it is ended once more with all others."""
    shop.sign_in(Browser())
    shop.sign_in(Browser(), now=NOW + LONGEST / 2)
    ended = NOW + LONGEST + 3600
    assert run(shop.session.revoking(ADA, ended - 1), Sources(copy_of(shop))) == 2
    assert run(shop.session.revoking(ADA, ended), shop.sources) == 1


def copy_of(shop: Shop) -> MemoryStore:
    """A store in which the same sessions have begun."""
    other = Shop(shop.session)
    other.sign_in(Browser())
    other.sign_in(Browser(), now=NOW + LONGEST / 2)
    return other.store


def test_a_session_that_was_not_used_is_not_listed() -> None:
    shop = Shop()
    shop.sign_in(Browser())
    assert run(shop.session.listing(ADA, NOW + IDLE), shop.sources) == ()


@pytest.mark.parametrize("keep", sorted(KEEPERS))
def test_the_oldest_ends_when_there_are_too_many(keep: str) -> None:
    shop = Shop(Session(source="shop", keep=KEEPERS[keep], most=3))
    browsers = [Browser() for _ in range(5)]
    for at, browser in enumerate(browsers):
        shop.sign_in(browser, now=NOW + at)
        assert len(run(shop.session.listing(ADA, NOW + at), shop.sources)) == min(at + 1, 3)
    assert [isinstance(shop.find(one, NOW + 5), SessionEvidence) for one in browsers] == [
        False,
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize("keep", sorted(KEEPERS))
def test_signing_in_again_ends_the_session_of_this_browser_and_no_other(keep: str) -> None:
    shop = Shop(Session(source="shop", keep=KEEPERS[keep], most=2))
    first, again = Browser(), Browser()
    shop.sign_in(first)
    shop.sign_in(again, now=NOW + 1)
    shop.sign_in(again, now=NOW + 2)
    assert isinstance(shop.find(first, NOW + 2), SessionEvidence)
    assert isinstance(shop.find(again, NOW + 2), SessionEvidence)


def test_those_that_have_ended_make_room_first() -> None:
    shop = Shop(Session(source="shop", most=2))
    used, left, new = Browser(), Browser(), Browser()
    shop.sign_in(used)
    shop.sign_in(left, now=NOW + 1)
    shop.use(used, NOW + IDLE / 2)
    shop.sign_in(new, now=NOW + 1 + IDLE)
    assert isinstance(shop.find(used, NOW + 1 + IDLE), SessionEvidence)
    assert isinstance(shop.find(new, NOW + 1 + IDLE), SessionEvidence)


def test_fewer_are_allowed_from_now_on() -> None:
    shop = Shop(Session(source="shop", most=5))
    for at in range(5):
        shop.sign_in(Browser(), now=NOW + at)
    fewer = Shop(Session(source="shop", most=2), shop.store)
    fewer.sign_in(Browser(), now=NOW + 5)
    assert [one.started_at for one in run(fewer.session.listing(ADA, NOW + 5), fewer.sources)] == [NOW + 4, NOW + 5]


# --- Sessions that are of a token ------------------------------------------------------------------------------------
@pytest.mark.parametrize("keep", sorted(KEEPERS))
def test_of_somebody_verified_there_always_is_one(keep: str) -> None:
    shop = of_token(keep=KEEPERS[keep])
    browser = Browser()
    empty = found(shop.session, browser.request(), shop.sources, EPOCH)
    assert empty == SessionEvidence(EPOCH.source, "ada", NOW, NOW + 300, "", NOW)
    begun = shop.prove(browser, proof(), Account(EPOCH.source, "ada"), EPOCH)
    assert isinstance(begun, Begun)
    evidence = found(shop.session, browser.request(), shop.sources, EPOCH)
    assert isinstance(evidence, SessionEvidence)
    assert (evidence.handle, evidence.proofs) == (begun.record.handle, (proof(),))
    assert shop.session.agrees(evidence, EPOCH)


@pytest.mark.parametrize("keep", sorted(KEEPERS))
def test_one_that_has_lapsed_is_empty_and_says_why(keep: str) -> None:
    shop = of_token(keep=KEEPERS[keep])
    browser = Browser()
    shop.prove(browser, proof(), Account(EPOCH.source, "ada"), EPOCH)
    later = found(shop.session, browser.request(NOW + IDLE), shop.sources, EPOCH)
    assert isinstance(later, SessionEvidence)
    assert (later.handle, later.proofs) == ("", ())
    assert later.lapsed is not None
    assert later.lapsed.kind is SESSION_ENDED
    again = shop.prove(browser, proof(at=NOW + IDLE), Account(EPOCH.source, "ada"), EPOCH)
    assert isinstance(again, Begun)
    assert again.record.started_at == NOW + IDLE


@pytest.mark.parametrize("keep", sorted(KEEPERS))
@pytest.mark.parametrize(
    "other",
    [
        Evidence(EPOCH.source, "eve", NOW, NOW + 300),
        Evidence("https://other.example", "ada", NOW, NOW + 300),
        Evidence(EPOCH.source, "Ada", NOW, NOW + 300),
        Evidence(EPOCH.source, "ada ", NOW, NOW + 300),
    ],
    ids=lambda other: f"{other.source} {other.subject}",
)
def test_it_is_of_the_very_subject(keep: str, other: Evidence) -> None:
    shop = of_token(keep=KEEPERS[keep])
    browser = Browser()
    shop.prove(browser, proof(), Account(EPOCH.source, "ada"), EPOCH)
    before = browser.copy()
    assert found(shop.session, browser.request(), shop.sources, other) == "subject_mismatch"
    assert getattr(shop.prove(browser, proof(), ADA, other), "code", "") == "subject_mismatch"
    assert not run(shop.session.forgetting(browser.request(), "totp", "1", other), shop.sources)
    begun = shop.prove(browser, proof(by="2"), Account(other.source, other.subject), other)
    assert isinstance(begun, Begun)
    assert [one.by for one in begun.record.proofs] == ["2"]
    ended = found(shop.session, before.request(), shop.sources, EPOCH)
    assert isinstance(ended, SessionEvidence)
    assert ended.handle == ""
    evidence = found(shop.session, browser.request(), shop.sources, other)
    assert isinstance(evidence, SessionEvidence)
    assert not shop.session.agrees(evidence, EPOCH)


def test_what_it_is_of_has_to_be_given() -> None:
    shop = of_token()
    request = Browser().request()
    assert isinstance(shop.session.find(request), Absent)
    for step in (
        shop.session.adding(request, Proving(ADA, proof())),
        shop.session.forgetting(request, "totp", "1"),
    ):
        outcome: Any = run(step, shop.sources)
        assert outcome.code == "link_missing"
    with pytest.raises(ConfigError, match="give what that found"):
        run(shop.session.beginning(ADA, request), shop.sources)
    with pytest.raises(ConfigError, match="two different subjects"):
        run(shop.session.beginning(EVE, request, about=EPOCH), shop.sources)
    begun = run(shop.session.beginning(Account(EPOCH.source, "ada"), request, about=EPOCH), shop.sources)
    assert begun.record.account == Account(EPOCH.source, "ada")


# --- Sessions for different purposes ---------------------------------------------------------------------------------
@pytest.mark.parametrize("keep", sorted(KEEPERS))
def test_one_cookie_is_not_another(keep: str) -> None:
    from zerotrust.sessions.cookie import SessionCookie

    shop = Shop(Session(source="shop", keep=KEEPERS[keep]))
    admin = Shop(Session(source="shop", keep=KEEPERS[keep], cookie=SessionCookie("admin"), name="admin"), shop.store)
    browser = Browser()
    shop.sign_in(browser)
    assert admin.find(browser) == "not_presented"
    assert admin.find(Browser({"__Host-admin": browser.cookie})) == "bad_session"
    assert run(admin.session.listing(ADA, NOW), admin.sources) == ()
    assert run(admin.session.revoking(ADA, NOW), admin.sources) == 0
    assert isinstance(shop.find(browser), SessionEvidence)


@pytest.mark.parametrize("keep", sorted(KEEPERS))
def test_one_source_is_not_another(keep: str) -> None:
    shop = Shop(Session(source="shop", keep=KEEPERS[keep]))
    other = Shop(Session(source="bank", keep=KEEPERS[keep]), shop.store)
    browser = Browser()
    shop.sign_in(browser)
    assert other.find(browser) == "subject_mismatch"


@pytest.mark.parametrize("keep", sorted(KEEPERS))
def test_a_shorter_life_counts_at_once(keep: str) -> None:
    shop = Shop(Session(source="shop", keep=KEEPERS[keep]))
    browser = Browser()
    shop.sign_in(browser)
    shorter = Shop(Session(source="shop", keep=KEEPERS[keep], idle=minutes(5), longest=minutes(20)), shop.store)
    assert shorter.find(browser, NOW + 300) == "session_ended"
    for at in range(4, 20, 4):
        assert isinstance(shorter.use(browser, NOW + 60 * at), SessionEvidence)
    assert shorter.use(browser, NOW + 1200) == "session_ended"
    assert run(shorter.session.listing(ADA, NOW + 1200), shorter.sources) == ()


# --- Configuration and remedies --------------------------------------------------------------------------------------
MISTAKES: list[tuple[Callable[[], object], str]] = [
    (lambda: Session(of="token"), "of takes a verifier"),  # type: ignore[arg-type]
    (lambda: Session(source=""), "source"),
    (lambda: Session(source=1), "source"),  # type: ignore[arg-type]
    (lambda: Session(of=TOKEN, source="shop"), "leave it out"),
    (lambda: Session(keep=KeptSessions), "keep takes KeptSessions"),  # type: ignore[arg-type]
    (lambda: Session(keep=b"secret" * 8), "keep takes KeptSessions"),  # type: ignore[arg-type]
    (lambda: Session(cookie="session"), "cookie takes SessionCookie"),  # type: ignore[arg-type]
    (lambda: Session(idle=30), "no unit"),  # type: ignore[arg-type]
    (lambda: Session(idle=seconds(59)), "out of range"),
    (lambda: Session(longest=hours(24 * 367)), "out of range"),
    (lambda: Session(idle=hours(2), longest=hours(1)), "longer than longest"),
    (lambda: Session(most=0), "from 1 to 16"),
    (lambda: Session(most=17), "from 1 to 16"),
    (lambda: Session(most=True), "from 1 to 16"),
    (lambda: Session(name="my session"), "identifier"),
    (lambda: Session(bound_to=TOKEN), "verifies the client's certificate"),  # type: ignore[arg-type]
    (lambda: Session().factors(3), "write 1 or 2"),
    (lambda: Session().factors(0), "write 1 or 2"),
    (lambda: Session().factors(True), "write 1 or 2"),
    (lambda: Session().factors(1, hardware_bound=True), "phishing_resistant_with"),
    (lambda: Session().factors(2, within=10), "no unit"),  # type: ignore[arg-type]
    (lambda: Session().factors(2, idle=minutes(5)), r"Session\(idle=...\) of at most 25 min"),
    (lambda: Session(idle=hours(6)).phishing_resistant_with(idle=hours(1)), "at most 5 h"),
    (lambda: Session().phishing_resistant_with(hardware_bound=1), "True or False"),  # type: ignore[arg-type]
    (lambda: Session().age(60), "no unit"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "text"), MISTAKES, ids=[str(number) for number in range(len(MISTAKES))])
def test_mistakes(make: Callable[[], object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make()


def test_mistakes_in_steps() -> None:
    shop = Shop()
    with pytest.raises(ConfigError, match="source is 'shop'"):
        shop.sign_in(Browser(), Account("other", "ada"))
    for subject in ("", "\ud800", "a" * 1025):
        with pytest.raises(ConfigError, match="cannot be written down"):
            shop.sign_in(Browser(), Account("shop", subject))


def test_what_a_caller_can_do() -> None:
    alone, linked = Session(source="shop"), Session(of=TOKEN)
    assert alone.action(Absent(NOT_PRESENTED())) is Action.SIGN_IN
    assert linked.action(Rejected(BAD_SESSION())) is Action.PRESENT_FACTOR
    for session in (alone, linked):
        assert session.action(Rejected(CROSS_SITE())) is None
        assert session.action(Unavailable(SOURCE_DOWN())) is Action.RETRY
    assert isinstance(TOKEN, Bearer)


def test_a_session_that_has_ended_was_presented(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    run(shop.session.revoking(ADA, NOW), shop.sources)
    assert not decide(not_presented(shop.session), browser.request(), shop.sources)
    assert decide(not_presented(shop.session), AccessRequest(now=NOW, host=HOST), shop.sources)
