"""The leaves of a session: what each answers, until when, how it prints, and that what it promises holds."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.sessions.browsers import ADA, NOW, Browser, Shop, proof
from zerotrust.core.decision import Allow, Challenge
from zerotrust.core.finding import Finding, Verified
from zerotrust.core.moments import hours, minutes
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import SESSION_ENDED, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.verdict import Verdict
from zerotrust.core.verifier import Question, Verifier
from zerotrust.engine import decide, judge
from zerotrust.factors.proof import Method, Proof
from zerotrust.verifiers.factor_questions import SKEW
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.verifiers.session_questions import Age, Factors, PhishingResistant, Valid

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN
SESSION = Session(source="shop")
NONE_YET = SessionEvidence("shop", "ada", NOW, math.inf, started_at=NOW)

PASSWORD, CODE = proof("password", by="pw"), proof("totp")
KEY, VERIFIED = proof("passkey", by="k"), proof("passkey", by="k", user_verified=True)
HARDWARE = proof("passkey", by="h", hardware_bound=True)
BOTH = proof("passkey", by="h", hardware_bound=True, user_verified=True)


def said(*proofs: Proof, pauses: tuple[float, ...] | None = None, **more: float) -> SessionEvidence:
    known = (0.0,) * len(proofs) if pauses is None else pauses
    evidence = SessionEvidence("shop", "ada", NOW, math.inf, "h", NOW - 600, proofs, None, NOW, known)
    return replace(evidence, **more)  # type: ignore[arg-type]


def verdict(leaf: Leaf[SessionEvidence], evidence: SessionEvidence, now: float = NOW) -> Verdict:
    findings: dict[Verifier, Finding] = {SESSION: Verified(evidence)}
    assert judge(~leaf, findings, now).verdict is ~judge(leaf, findings, now).verdict
    return judge(leaf, findings, now).verdict


two, hard = SESSION.factors(2), SESSION.factors(2, hardware_bound=True)
resists = SESSION.phishing_resistant
ANSWERS: list[tuple[Leaf[SessionEvidence], SessionEvidence, Verdict]] = [
    (SESSION.valid, said(), YES),
    (SESSION.valid, NONE_YET, UNKNOWN),
    (SESSION.age(minutes(10)), said(), NO),
    (SESSION.age(minutes(11)), said(), YES),
    (SESSION.age(minutes(11)), NONE_YET, UNKNOWN),
    (two, NONE_YET, UNKNOWN),
    (two, said(), NO),
    (SESSION.factors(1), said(), NO),
    (SESSION.factors(1), said(PASSWORD), YES),
    (SESSION.factors(1), said(CODE), YES),
    (two, said(PASSWORD), NO),
    (two, said(CODE), NO),
    (two, said(CODE, proof("hotp"), proof("recovery_code")), NO),
    (two, said(PASSWORD, CODE), YES),
    (two, said(PASSWORD, proof("recovery_code")), YES),
    (two, said(KEY), NO),
    (two, said(KEY, CODE), NO),
    (two, said(VERIFIED), YES),
    (two, said(replace(VERIFIED, cloned=True)), NO),
    (two, said(PASSWORD, replace(KEY, cloned=True)), NO),
    (two, said(VERIFIED, replace(VERIFIED, cloned=True)), NO),
    (resists, said(KEY, replace(KEY, cloned=True)), NO),
    (resists, said(KEY, replace(HARDWARE, cloned=True)), YES),
    (two, said(PASSWORD, KEY), YES),
    (hard, said(VERIFIED), NO),
    (hard, said(HARDWARE), NO),
    (hard, said(HARDWARE, CODE), NO),
    (hard, said(HARDWARE, VERIFIED), NO),
    (hard, said(PASSWORD, CODE), NO),
    (hard, said(PASSWORD, KEY), NO),
    (hard, said(PASSWORD, HARDWARE), YES),
    (hard, said(BOTH), YES),
    (hard, said(replace(BOTH, cloned=True)), NO),
    (resists, NONE_YET, UNKNOWN),
    (resists, said(PASSWORD, CODE), NO),
    (resists, said(KEY), YES),
    (resists, said(replace(KEY, cloned=True)), NO),
    (SESSION.phishing_resistant_with(hardware_bound=True), said(VERIFIED), NO),
    (SESSION.phishing_resistant_with(hardware_bound=True), said(HARDWARE), YES),
    # How long ago, and what happened since.
    (SESSION.factors(1, minutes(10)), said(proof(at=NOW - 599)), YES),
    (SESSION.factors(1, minutes(10)), said(proof(at=NOW - 600)), NO),
    (SESSION.factors(2, minutes(10)), said(replace(PASSWORD, at=NOW - 600), CODE), NO),
    (SESSION.phishing_resistant_with(within=minutes(10)), said(replace(KEY, at=NOW - 600)), NO),
    (SESSION.phishing_resistant_with(within=minutes(10)), said(replace(KEY, at=NOW - 599)), YES),
    (SESSION.factors(1, idle=minutes(10)), said(CODE, pauses=(600.0,)), NO),
    (SESSION.factors(1, idle=minutes(10)), said(CODE, pauses=(599.0,)), YES),
    (SESSION.factors(1, idle=minutes(10)), said(CODE, seen_at=NOW - 600), NO),
    (SESSION.factors(1, idle=minutes(10)), said(CODE, seen_at=NOW - 599), YES),
    (SESSION.factors(1, idle=minutes(10)), said(CODE, pauses=()), NO),
    (SESSION.factors(1), said(CODE, pauses=()), YES),
    (SESSION.factors(1), said(CODE, pauses=(math.inf,)), YES),
    (SESSION.factors(2, idle=minutes(10)), said(PASSWORD, CODE, pauses=(700.0, 0.0)), NO),
    (SESSION.phishing_resistant_with(idle=minutes(10)), said(KEY, pauses=(600.0,)), NO),
    # From another server, whose clock is ahead by a little, or by too much.
    (SESSION.factors(1), said(proof(at=NOW + SKEW)), YES),
    (SESSION.factors(1), said(proof(at=NOW + SKEW + 1)), NO),
]


@pytest.mark.parametrize(
    ("leaf", "evidence", "answer"), ANSWERS, ids=[f"{at} {leaf}" for at, (leaf, _, _) in enumerate(ANSWERS)]
)
def test_answers(leaf: Leaf[SessionEvidence], evidence: SessionEvidence, answer: Verdict) -> None:
    assert verdict(leaf, evidence) is answer


def test_what_an_earlier_session_lapsed_of_is_the_reason() -> None:
    lapsed = replace(NONE_YET, lapsed=SESSION_ENDED(detail="why"))
    for leaf in (SESSION.valid, two, resists, SESSION.age(hours(1))):
        answer = leaf.question.holds(lapsed, NOW)
        assert isinstance(answer, Reason)
        assert answer.detail == "why"


# --- Laws ------------------------------------------------------------------------------------------------------------
MOMENT = st.integers(-12, 12).map(lambda tens: NOW + 10.0 * tens)
SPAN = st.integers(3, 24).map(lambda tens: 10.0 * tens)
METHODS: tuple[Method, ...] = ("passkey", "password", "totp")
PROOFS = st.builds(
    Proof,
    st.sampled_from(METHODS),
    MOMENT,
    st.sampled_from("12"),
    st.just(""),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([False, False, False, True]),
)
MAYBE = st.none() | SPAN
QUESTIONS: st.SearchStrategy[Question[SessionEvidence]] = st.one_of(
    st.builds(Factors, st.just(1), MAYBE, MAYBE),
    st.builds(Factors, st.sampled_from([1, 2]), SPAN, SPAN),
    st.builds(Factors, st.just(2), MAYBE, MAYBE, st.booleans()),
    st.builds(PhishingResistant, MAYBE, MAYBE, st.booleans()),
    st.builds(Age, SPAN),
    st.just(Valid()),
)


@st.composite
def evidences(draw: st.DrawFn) -> SessionEvidence:
    proofs = tuple(draw(st.lists(PROOFS, min_size=1, max_size=4) | st.just([])))
    pauses = tuple(draw(st.lists(st.just(0.0) | SPAN, min_size=len(proofs), max_size=len(proofs))))
    handle = draw(st.sampled_from(["h", "h", "h", "h", "h", ""]))
    started, seen = draw(MOMENT), draw(MOMENT)
    return SessionEvidence("shop", "ada", NOW, math.inf, handle, started, proofs, None, seen, pauses)


@usually(300)
@given(QUESTIONS, evidences(), MOMENT)
def test_an_answer_stands_until_it_says_and_then_turns(
    question: Question[SessionEvidence], evidence: SessionEvidence, now: float
) -> None:
    answer, until = question.holds(evidence, now), question.until(evidence, now)
    assert until > now
    for moment in (now + 10.0 * step for step in range(1, 60)):
        if moment >= until:
            break
        assert question.holds(evidence, moment) == answer
    if until < math.inf:
        assert question.holds(evidence, math.nextafter(until, -math.inf)) == answer
        assert question.holds(evidence, until) != answer


@given(QUESTIONS, evidences(), st.floats(-2e9, 4e9), st.floats(0, 1))
def test_an_answer_stands_at_any_moment_before(
    question: Question[SessionEvidence], evidence: SessionEvidence, now: float, part: float
) -> None:
    until = question.until(evidence, now)
    last = 5e9 if until == math.inf else math.nextafter(until, -math.inf)
    assert question.holds(evidence, now + (last - now) * part if part < 0.99 else last) == question.holds(evidence, now)


@given(QUESTIONS, evidences(), MOMENT)
def test_what_is_promised_holds(question: Question[SessionEvidence], evidence: SessionEvidence, now: float) -> None:
    before = repr(evidence)
    assert question.holds(question.assume(evidence, True, now), now) is True
    assert repr(evidence) == before
    assert question.action(evidence, True) is not None
    assert question.action(evidence, False) is None


@given(QUESTIONS, evidences(), MOMENT)
def test_nothing_is_promised_to_be_missing(
    question: Question[SessionEvidence], evidence: SessionEvidence, now: float
) -> None:
    answer = question.holds(question.assume(evidence, False, now), now)
    assert answer is False or isinstance(question, Valid)


@given(QUESTIONS, QUESTIONS, evidences(), MOMENT)
def test_a_promise_keeps_what_others_were_promised(
    first: Question[SessionEvidence], second: Question[SessionEvidence], evidence: SessionEvidence, now: float
) -> None:
    assert first.holds(second.assume(first.assume(evidence, True, now), True, now), now) is True


@given(st.builds(Factors, st.sampled_from([1, 2]), MAYBE, MAYBE), evidences(), MOMENT)
def test_codes_promise_no_passkey(question: Factors, evidence: SessionEvidence, now: float) -> None:
    """Who is told that any two factors will do has not been told that they resist phishing."""
    promised = question.assume(evidence, True, now)
    assert sum(one.phishing_resistant for one in promised.proofs) == sum(
        one.phishing_resistant for one in evidence.proofs
    )
    resisted = PhishingResistant(hardware_bound=False).assume(evidence, True, now)
    assert not any(one.user_verified or one.hardware_bound for one in resisted.proofs[len(evidence.proofs) :])


@given(QUESTIONS, evidences(), MOMENT)
def test_forgetting_a_proof_never_grants(
    question: Question[SessionEvidence], evidence: SessionEvidence, now: float
) -> None:
    if question.holds(evidence, now) is not True:
        for at in range(len(evidence.proofs)):
            fewer = replace(
                evidence,
                proofs=evidence.proofs[:at] + evidence.proofs[at + 1 :],
                pauses=evidence.pauses[:at] + evidence.pauses[at + 1 :],
            )
            # What shows a copy takes from the others of the same authenticator: a record has but the latest of each.
            if evidence.proofs[at].cloned:
                continue
            # What one knows takes from what unlocked an authenticator its claim to be another kind, and no more.
            if isinstance(question, Factors) and evidence.proofs[at].method == "password":
                continue
            assert question.holds(fewer, now) is not True


@given(QUESTIONS, evidences(), MOMENT)
def test_what_it_saw_is_shown(question: Question[SessionEvidence], evidence: SessionEvidence, now: float) -> None:
    assert question.saw(evidence, now)
    assert len(question.saw(evidence, now)) < 300


# --- How they print --------------------------------------------------------------------------------------------------
TEXTS = [
    (SESSION.valid, "session.valid"),
    (SESSION.age(at_most=hours(8)), "session.age(at_most=8 h)"),
    (SESSION.factors(at_least=2), "session.factors(at_least=2)"),
    (SESSION.factors(2, within=minutes(10)), "session.factors(at_least=2, within=10 min)"),
    (SESSION.factors(2, idle=minutes(15)), "session.factors(at_least=2, idle=15 min)"),
    (
        SESSION.factors(2, within=hours(12), idle=minutes(15), hardware_bound=True),
        "session.factors(at_least=2, hardware_bound=True, within=12 h, idle=15 min)",
    ),
    (SESSION.phishing_resistant, "session.phishing_resistant"),
    (SESSION.phishing_resistant_with(within=hours(1)), "session.phishing_resistant_with(within=1 h)"),
    (
        SESSION.phishing_resistant_with(hardware_bound=True, idle=hours(1)),
        "session.phishing_resistant_with(hardware_bound=True, idle=1 h)",
    ),
]


@pytest.mark.parametrize(("leaf", "text"), TEXTS, ids=[text for _, text in TEXTS])
def test_texts(leaf: Leaf[SessionEvidence], text: str) -> None:
    assert str(leaf) == text
    assert pickle.loads(pickle.dumps(leaf.question)) == leaf.question
    assert hash(leaf.question) == hash(pickle.loads(pickle.dumps(leaf.question)))


def test_what_was_found_is_told() -> None:
    assert two.question.saw(NONE_YET, NOW) == "no session has begun"
    assert two.question.saw(said(), NOW) == "nothing was proven in it"
    assert two.question.saw(said(PASSWORD, CODE), NOW) == "proven: password 08:00, totp 08:00, now 08:00"
    idle = SESSION.factors(2, idle=minutes(15)).question
    assert (
        idle.saw(said(CODE, pauses=(900.0,)), NOW) == "proven: totp 08:00, not used for 15 min or more since, now 08:00"
    )
    assert idle.saw(said(CODE), NOW) == "proven: totp 08:00, now 08:00"
    assert SESSION.age(hours(1)).question.saw(said(), NOW) == "began 07:50, now 08:00"
    assert SESSION.valid.question.saw(said(), NOW) == "shop: ada"


# --- In decisions ----------------------------------------------------------------------------------------------------
def test_the_remedy_is_exactly_the_missing_factor() -> None:
    shop = Shop()
    browser = Browser()
    policy = shop.session.valid & shop.session.factors(2)
    stranger = decide(policy, browser.request(), shop.sources)
    assert isinstance(stranger, Challenge)
    assert [step.action for step in stranger.remedies[0].steps] == [Action.SIGN_IN]
    shop.sign_in(browser, proofs=[PASSWORD])
    half = decide(policy, browser.request(), shop.sources)
    assert isinstance(half, Challenge)
    (step,) = half.remedies[0].steps
    assert step.action is Action.PRESENT_FACTOR
    assert [demand.leaf for demand in step.demands] == [shop.session.factors(2)]
    shop.prove(browser, proof("passkey", NOW + 1, by="k"))
    allowed = decide(policy, browser.request(NOW + 2), shop.sources)
    assert isinstance(allowed, Allow)
    assert allowed.valid_until == NOW + 1 + 1800


def test_too_old_a_session_is_begun_anew() -> None:
    shop = Shop()
    browser = Browser()
    shop.sign_in(browser)
    refused = decide(shop.session.age(minutes(5)), browser.request(NOW + 300), shop.sources)
    assert isinstance(refused, Challenge)
    assert [step.action for step in refused.remedies[0].steps] == [Action.SIGN_IN]
    assert ADA.subject == "ada"
