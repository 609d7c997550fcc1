"""AAL2 and AAL3 (SP 800-63B-4 sections 2.2 and 2.3): every combination of authenticators, and each clause by itself."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sessions.browsers import IDLE, NOW, Browser, Shop, proof
from tests.verifiers.test_session_questions import PROOFS
from zerotrust.core.decision import Challenge
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.finding import Finding, Verified
from zerotrust.core.moments import hours, minutes
from zerotrust.core.policy import Named, Policy
from zerotrust.core.verifier import Verifier
from zerotrust.engine import decide, judge
from zerotrust.factors.proof import Proof
from zerotrust.verifiers.assurance import aal2, aal3
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence

SESSION = Session(source="shop")
AAL2, AAL3 = aal2(SESSION), aal3(SESSION)
HOUR = 3600.0

PASSWORD = proof("password", by="pw")
CODES = [proof("totp"), proof("hotp"), proof("recovery_code")]
SYNCED, SYNCED_UV = proof("passkey", by="s"), proof("passkey", by="s", user_verified=True)
DEVICE_UV = replace(SYNCED_UV, device_bound=True)
HARD, HARD_UV = (replace(one, by="h", device_bound=True, hardware_bound=True) for one in (SYNCED, SYNCED_UV))


def reached(
    *proofs: Proof, pauses: tuple[float, ...] | None = None, now: float = NOW, seen_at: float = NOW
) -> tuple[bool, bool]:
    known = (0.0,) * len(proofs) if pauses is None else pauses
    evidence = SessionEvidence("shop", "ada", now, math.inf, "h", NOW, proofs, None, seen_at, known)
    findings: dict[Verifier, Finding] = {SESSION: Verified(evidence)}
    return bool(judge(AAL2, findings, now)), bool(judge(AAL3, findings, now))


NEITHER, TWO, THREE = (False, False), (True, False), (True, True)
COMBINATIONS: list[tuple[tuple[Proof, ...], tuple[bool, bool]]] = [
    ((), NEITHER),
    ((PASSWORD,), NEITHER),
    *(((code,), NEITHER) for code in CODES),
    (tuple(CODES), NEITHER),
    # section 2.2.1: a password and something one has, or a multi-factor authenticator
    *(((PASSWORD, code), TWO) for code in CODES),
    ((PASSWORD, SYNCED), TWO),
    ((SYNCED,), NEITHER),
    ((SYNCED, CODES[0]), NEITHER),
    ((SYNCED_UV,), TWO),
    ((DEVICE_UV,), TWO),
    ((replace(SYNCED_UV, cloned=True),), NEITHER),
    # section 2.3.1: multi-factor cryptographic authentication, or single-factor with a password; 2.3.2: in hardware
    ((HARD,), NEITHER),
    ((HARD, CODES[0]), NEITHER),
    ((HARD, SYNCED_UV), TWO),
    ((PASSWORD, CODES[0], SYNCED), TWO),
    ((PASSWORD, HARD), THREE),
    ((HARD_UV,), THREE),
    ((HARD_UV, PASSWORD, *CODES), THREE),
    ((replace(HARD_UV, cloned=True),), NEITHER),
    ((PASSWORD, replace(HARD, cloned=True)), NEITHER),
]


@pytest.mark.parametrize(("proofs", "levels"), COMBINATIONS, ids=[str(at) for at in range(len(COMBINATIONS))])
def test_combinations_of_authenticators(proofs: tuple[Proof, ...], levels: tuple[bool, bool]) -> None:
    assert reached(*proofs) == levels
    assert reached(*reversed(proofs)) == levels


def test_overall_timeouts() -> None:
    """Sections 2.2.3 and 2.3.3: reauthentication after 24 and 12 hours."""
    for hours_ago, levels in ((12, (True, False)), (24, (False, False))):
        at = NOW + hours_ago * HOUR
        assert reached(HARD_UV, now=math.nextafter(at, 0), seen_at=at)[hours_ago == 12] is True
        assert reached(HARD_UV, now=at, seen_at=at) == levels
        assert reached(PASSWORD, replace(HARD, at=at), now=at, seen_at=at) == levels
    again = NOW + 24 * HOUR
    assert reached(replace(HARD_UV, at=again), now=again, seen_at=again) == THREE


def test_inactivity_timeouts() -> None:
    """Sections 2.2.3 and 2.3.3: reauthentication after an hour and a quarter of one without use."""
    for pause, levels in ((HOUR / 4, TWO), (HOUR, NEITHER)):
        just = math.nextafter(pause, 0)
        assert reached(HARD_UV, pauses=(just,))[pause == HOUR / 4] is True
        assert reached(HARD_UV, pauses=(pause,)) == levels
        assert reached(HARD_UV, seen_at=NOW - pause) == levels
    assert reached(PASSWORD, HARD, pauses=(HOUR, 0.0)) == NEITHER
    assert reached(PASSWORD, HARD, pauses=(HOUR / 4, 0.0)) == TWO


@given(st.lists(PROOFS, max_size=4), st.data())
def test_all_clauses_at_once_are_met_by_the_same_proofs(proofs: list[Proof], data: st.DataObject) -> None:
    """Each clause is a leaf of its own; together they ask for proofs that meet all of them, not one each."""
    shift = data.draw(st.sampled_from([0.0, 11 * HOUR, 12 * HOUR, 23 * HOUR, 24 * HOUR]))
    now = NOW + shift
    pause = st.sampled_from([0.0, HOUR / 4, HOUR])
    ordered = sorted(proofs, key=lambda one: one.at)
    # A pause since an earlier proof is at least as long as one since a later.
    pauses = sorted(data.draw(st.lists(pause, min_size=len(proofs), max_size=len(proofs))), reverse=True)

    # What an authenticator has proven before a copy of it showed counts no more.
    shown = {(one.method, one.scope, one.by): place for place, one in enumerate(ordered) if one.cloned}

    def counting(overall: float, idle: float) -> list[Proof]:
        return [
            one
            for place, (one, paused) in enumerate(zip(ordered, pauses, strict=True))
            if place > shown.get((one.method, one.scope, one.by), -1)
            and one.at - 60 <= now < one.at + overall * HOUR
            and paused < idle
        ]

    def kinds(proven: list[Proof]) -> bool:
        knows = any(one.method == "password" for one in proven)
        has = [one for one in proven if one.method != "password"]
        return any(one.user_verified for one in has) or (knows and bool(has))

    hardware = [
        one
        for one in counting(12, HOUR / 4)
        if one.method == "password" or (one.method == "passkey" and one.hardware_bound)
    ]
    expected = kinds(counting(24, HOUR)), kinds(hardware)
    assert reached(*ordered, pauses=tuple(pauses), now=now, seen_at=now) == expected


@given(st.lists(PROOFS, max_size=4))
def test_aal3_is_aal2(proofs: list[Proof]) -> None:
    two, three = reached(*proofs)
    assert two or not three


@pytest.mark.parametrize("policy", [AAL2, AAL3], ids=["AAL2", "AAL3"])
def test_every_part_names_its_clause(policy: Policy) -> None:
    assert isinstance(policy, Named)
    (whole,) = policy.children
    for part in whole.children:
        assert isinstance(part, Named)
        assert re.match(r"SP 800-63B-4 section 2\.[23]\.[123], ", part.name)


def test_the_remedy_holds() -> None:
    shop = Shop(SESSION)
    browser = Browser()
    shop.sign_in(browser, proofs=[PASSWORD, CODES[0]])
    assert decide(AAL2, browser.request(), shop.sources)
    refused = decide(AAL3, browser.request(), shop.sources)
    assert isinstance(refused, Challenge)
    assert [str(step.verifier) for step in refused.remedies[0].steps] == ["session"]
    shop.prove(browser, replace(HARD_UV, at=NOW + 5))
    assert decide(AAL3, browser.request(NOW + 5), shop.sources)


def test_a_pause_in_a_real_session() -> None:
    """A refused request is use, too: it must not make the pause before it forgotten."""
    shop = Shop(SESSION)
    browser = Browser()
    shop.sign_in(browser, proofs=[HARD_UV])
    assert decide(AAL3, browser.request(NOW + 14 * 60), shop.sources)
    assert decide(AAL3, browser.request(NOW + 28 * 60), shop.sources)
    late = NOW + 44 * 60
    for moment in (late, late + 1, late + 600):
        assert not decide(AAL3, browser.request(moment), shop.sources)
        assert decide(AAL2, browser.request(moment), shop.sources)
    shop.prove(browser, replace(HARD_UV, at=late + 601))
    assert decide(AAL3, browser.request(late + 602), shop.sources)
    assert IDLE == 30 * 60


def test_sessions_that_cannot_tell_are_refused() -> None:
    aal2(Session(source="shop", idle=hours(5), longest=hours(24)))
    with pytest.raises(ConfigError, match="of at most 5 h"):
        aal2(Session(source="shop", idle=hours(6), longest=hours(24)))
    aal3(Session(source="shop", idle=minutes(75)))
    with pytest.raises(ConfigError, match="of at most 75 min"):
        aal3(Session(source="shop", idle=minutes(76)))
    for level in (aal2, aal3):
        with pytest.raises(PolicyError, match="takes the Session"):
            level("session")  # type: ignore[arg-type]
