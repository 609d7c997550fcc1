"""What all factors share: where proofs count, and until when."""

from __future__ import annotations

import math
import pickle
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.ask import Gather
from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Rejected, Unavailable, Verified
from zerotrust.core.moments import minutes
from zerotrust.core.reason import EXPIRED, LINK_MISSING, NOT_PRESENTED, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.proof import Method, Proof
from zerotrust.verifiers.factor import FactorVerifier
from zerotrust.verifiers.factor_questions import SKEW, FactorEvidence, ProvenWithin
from zerotrust.verifiers.session_evidence import SessionEvidence

NOW = 1_700_000_000.0
REQUEST = AccessRequest(now=NOW)


class Factor(FactorVerifier):
    method: ClassVar[Method] = "passkey"
    name = "key"
    scope = "example.com"

    def listing(self, account: Account, now: float) -> Gather[tuple[Enrolled, ...]]:
        raise AssertionError

    def renaming(self, account: Account, id: str, name: str, now: float) -> Gather[Reason | None]:  # noqa: A002
        raise AssertionError

    def removing(self, account: Account, id: str, now: float) -> Gather[Reason | None]:  # noqa: A002
        raise AssertionError


FACTOR = Factor()


def proven(at: float = NOW - 60, **more: object) -> Proof:
    return Proof(**{"method": "passkey", "at": at, "by": "id", "scope": "example.com", **more})  # type: ignore[arg-type]


def session(*proofs: Proof, lapsed: Reason | None = None) -> SessionEvidence:
    return SessionEvidence("shop", "alice", NOW, NOW + 3600, "handle", NOW - 600, proofs, lapsed)


def test_what_was_proven_in_the_session_is_found() -> None:
    finding = FACTOR.find_about(REQUEST, session(proven(), proven(at=NOW - 5)))
    assert isinstance(finding, Verified)
    assert finding.evidence == FactorEvidence("shop", "alice", NOW, NOW + 3600, (proven(), proven(at=NOW - 5)))
    assert finding.evidence.latest.at == NOW - 5


@pytest.mark.parametrize("other", [proven(method="totp"), proven(scope="example.org"), proven(scope="")])
def test_what_was_proven_otherwise_or_elsewhere_is_not(other: Proof) -> None:
    finding = FACTOR.find_about(REQUEST, session(other))
    assert isinstance(finding, Absent)
    assert finding.reason.kind == NOT_PRESENTED
    assert "key" in finding.reason.detail
    assert isinstance(FACTOR.find_about(REQUEST, session(other, proven())), Verified)


def test_a_lapsed_session_says_so() -> None:
    finding = FACTOR.find_about(REQUEST, session(lapsed=EXPIRED()))
    assert isinstance(finding, Absent)
    assert finding.reason == EXPIRED()


def test_without_a_session_there_is_nothing() -> None:
    for finding in (FACTOR.find(REQUEST), FACTOR.find_about(REQUEST, Evidence("shop", "alice", NOW, math.inf))):
        assert isinstance(finding, Absent)
        assert finding.reason.kind == LINK_MISSING


def test_what_brings_it() -> None:
    assert FACTOR.action(Absent(NOT_PRESENTED())) is Action.PRESENT_FACTOR
    assert FACTOR.action(Rejected(EXPIRED())) is Action.PRESENT_FACTOR
    assert FACTOR.action(Unavailable(EXPIRED())) is Action.RETRY


def evidence(*proofs: Proof) -> FactorEvidence:
    return FactorEvidence("shop", "alice", NOW, math.inf, proofs)


FLAGS = ("user_verified", "device_bound", "hardware_bound")


@pytest.mark.parametrize("flag", FLAGS)
def test_a_proof_counts_if_it_is_as_strong_as_asked(flag: str) -> None:
    question = ProvenWithin(600.0, **{flag: True})  # type: ignore[arg-type]
    assert question.holds(evidence(proven(**{flag: True})), NOW) is True
    assert question.holds(evidence(proven(**{other: True for other in FLAGS if other != flag})), NOW) is False
    assert ProvenWithin(600.0).holds(evidence(proven()), NOW) is True
    assert f"{flag}=True" in str(question)


def test_a_copy_proves_nothing() -> None:
    assert ProvenWithin(600.0).holds(evidence(proven(cloned=True)), NOW) is False
    assert ProvenWithin(600.0).holds(evidence(proven(cloned=True), proven()), NOW) is True


def test_nor_does_what_was_used_before_a_copy_showed() -> None:
    """WebAuthn Level 3 section 6.1.1: of two that have one key nobody knows which is which."""
    question, copy = ProvenWithin(600.0), proven(at=NOW - 5, cloned=True)
    assert question.holds(evidence(proven(), copy), NOW) is False
    assert question.holds(evidence(copy, proven()), NOW) is False, "by its time, too"
    assert question.holds(evidence(proven(at=NOW), copy), NOW) is False, "by its place, too"
    assert question.until(evidence(proven(), copy), NOW) == math.inf
    assert question.holds(evidence(copy, proven(at=NOW)), NOW) is True
    for other in ({"by": "other"}, {"scope": "example.org"}, {"method": "totp"}):
        assert question.holds(evidence(proven(), proven(at=NOW - 5, cloned=True, **other)), NOW) is True


def test_how_long_ago_is_long_ago() -> None:
    question = ProvenWithin(600.0)
    assert question.holds(evidence(proven(at=NOW - 599)), NOW) is True
    assert question.holds(evidence(proven(at=NOW - 600)), NOW) is False
    assert question.holds(evidence(proven(at=NOW + SKEW)), NOW) is True
    assert question.holds(evidence(proven(at=NOW + SKEW + 1)), NOW) is False
    assert str(question) == "within(10 min)"


USES = st.builds(
    proven,
    at=st.floats(NOW - 1000, NOW + 1000),
    by=st.sampled_from(["id", "other"]),
    cloned=st.booleans(),
    user_verified=st.booleans(),
    device_bound=st.booleans(),
    hardware_bound=st.booleans(),
    model=st.sampled_from(["", "one", "two"]),
)
PROOFS = st.lists(USES, max_size=4)
QUESTIONS = st.builds(
    ProvenWithin,
    within=st.floats(1, 900),
    user_verified=st.booleans(),
    device_bound=st.booleans(),
    hardware_bound=st.booleans(),
    models=st.sampled_from([(), ("one",), ("one", "two")]),
)


@given(QUESTIONS, PROOFS, st.floats(NOW - 1000, NOW + 1000), st.floats(0, 1, exclude_max=True))
def test_the_answer_stands_until_then(question: ProvenWithin, said: list[Proof], now: float, part: float) -> None:
    shown = evidence(*said)
    answer, until = question.holds(shown, now), question.until(shown, now)
    assert until > now
    later = min(now + (min(until, now + 4000) - now) * part, math.nextafter(until, -math.inf))
    assert question.holds(shown, later) == answer
    if until < math.inf and answer is True:
        assert question.holds(shown, until) is False or any(one.at - SKEW > now for one in said)


@given(QUESTIONS, PROOFS, st.booleans())
def test_what_is_assumed_is_what_is_wanted(question: ProvenWithin, said: list[Proof], wanted: bool) -> None:
    promised = question.assume(evidence(*said), wanted, NOW)
    assert question.holds(promised, NOW) is wanted


@given(QUESTIONS, QUESTIONS)
def test_one_use_keeps_both_promises(one: ProvenWithin, other: ProvenWithin) -> None:
    promised = other.assume(one.assume(evidence(proven()), True, NOW), True, NOW)
    assert one.holds(promised, NOW) is True
    assert other.holds(promised, NOW) is True
    assert len(promised.proofs) == 2, "one more use, not two"


@given(QUESTIONS, PROOFS, st.integers(0, 4), USES)
def test_less_evidence_never_grants(question: ProvenWithin, said: list[Proof], place: int, left_out: Proof) -> None:
    """Leaving out a use that shows no copy grants nothing; one that shows a copy nobody has an interest to add."""
    shown = [*said[:place], left_out, *said[place:]]
    if left_out.cloned:
        assert question.holds(evidence(*said), NOW) or not question.holds(evidence(*shown), NOW)
    else:
        assert question.holds(evidence(*shown), NOW) or not question.holds(evidence(*said), NOW)


@given(QUESTIONS, PROOFS)
def test_nothing_counts_from_before_a_copy(question: ProvenWithin, said: list[Proof]) -> None:
    copies = [proven(at=NOW + 2000, by=by, cloned=True) for by in ("id", "other")]
    assert question.holds(evidence(*said, *copies), NOW) is False
    assert question.holds(evidence(*copies, *said), NOW) is False
    assert question.holds(evidence(*said, proven(at=NOW - 5000, by="id", cloned=True)), NOW) is question.holds(
        evidence(*(one for one in said if one.by == "other")), NOW
    )


def test_what_it_says_it_saw() -> None:
    question = ProvenWithin(600.0, user_verified=True)
    assert question.saw(evidence(), NOW) == "not used in this session"
    assert "user not verified" in question.saw(evidence(proven()), NOW)
    assert "user verified" in question.saw(evidence(proven(user_verified=True)), NOW)
    assert "a copy is suspected" in question.saw(evidence(proven(cloned=True)), NOW)
    assert "user not" not in ProvenWithin(600.0).saw(evidence(proven()), NOW)
    assert question.action(evidence(), True) is Action.PRESENT_FACTOR
    assert question.action(evidence(), False) is None


def test_leaves_are_values() -> None:
    assert FACTOR.within(minutes(5)) == FACTOR.within(minutes(5)) != FACTOR.within(minutes(6))
    assert pickle.loads(pickle.dumps(ProvenWithin(600.0, user_verified=True))) == ProvenWithin(600.0, True)
    with pytest.raises(ConfigError, match=r"a bare number has no unit"):
        FACTOR.within(5)  # type: ignore[arg-type]
    assert FACTOR.blank(NOW).proofs == ()
