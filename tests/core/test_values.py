"""Findings, verdicts, reasons and spans: small values that everything else is made of."""

from __future__ import annotations

import math
import pickle
from datetime import timedelta

import pytest

from tests.laws.toys import PASSKEY, TOKEN, Born, Facts, Toy, facts
from zerotrust.core import moments, reason
from zerotrust.core.ask import SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Rejected, Unavailable, Verified
from zerotrust.core.reason import BAD_SIGNATURE, EXPIRED, NOT_PRESENTED, SOURCE_DOWN, Kind, Reason, most_specific
from zerotrust.core.remedy import Action
from zerotrust.core.text import visible
from zerotrust.core.verdict import Verdict

KINDS = [kind for kind in vars(reason).values() if isinstance(kind, Kind)]


def test_only_verified_is_truthy_and_carries_evidence() -> None:
    evidence = facts()
    assert Verified(evidence)
    assert Verified(evidence).evidence is evidence
    for nothing in (Absent(NOT_PRESENTED()), Rejected(EXPIRED()), Unavailable(SOURCE_DOWN())):
        assert not nothing
        assert nothing.evidence is None
    assert Unavailable(SOURCE_DOWN(), 3.0) != Unavailable(SOURCE_DOWN())
    assert Unavailable(SOURCE_DOWN()).retry_after == SourceFailed(SOURCE_DOWN()).retry_after == 5.0
    assert len({Absent(EXPIRED()), Rejected(EXPIRED()), Unavailable(EXPIRED())}) == 3
    assert pickle.loads(pickle.dumps(Rejected(EXPIRED()))) == Rejected(EXPIRED())


def test_efforts_are_numbered_from_one() -> None:
    assert list(Action) == [1, 2, 3, 4, 5, 6, 7], "0 says that there is nothing to do"


def test_verdicts() -> None:
    assert [bool(verdict) for verdict in (Verdict.YES, Verdict.NO, Verdict.UNKNOWN)] == [True, False, False]
    assert [~verdict for verdict in (Verdict.YES, Verdict.NO, Verdict.UNKNOWN)] == [
        Verdict.NO,
        Verdict.YES,
        Verdict.UNKNOWN,
    ]
    assert [str(verdict) for verdict in Verdict] == ["yes", "no", "?"]


def test_kinds_are_told_apart() -> None:
    assert len(KINDS) >= 30
    assert len({kind.code for kind in KINDS}) == len(KINDS)
    assert len({kind.rank for kind in KINDS}) == len(KINDS), "which one is shown first does not hang on chance"
    for kind in KINDS:
        assert kind.code.isidentifier()
        assert kind.code == kind.code.lower()
        assert kind.sentence


def test_a_reason_is_falsy_data() -> None:
    assert not EXPIRED()
    assert EXPIRED(presented=1) == Reason(EXPIRED, presented=1)
    assert (EXPIRED().code, EXPIRED().clause, EXPIRED().rank) == ("expired", "RFC 7519 section 4.1.4", 430)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (EXPIRED(), "expired"),
        (EXPIRED(expected=5, presented=7), "expired (expected 5, presented 7)"),
        (EXPIRED(presented=0), "expired (presented 0)"),
        (EXPIRED(detail="exp"), "expired: exp"),
        (EXPIRED(detail="exp", expected=""), "expired: exp (expected )"),
        (EXPIRED(presented="a\nb\x00"), "expired (presented a\\nb\\x00)"),
    ],
)
def test_a_reason_in_words(made: Reason, text: str) -> None:
    assert str(made) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("é", "é"),
        (7, "7"),
        ("a\nb\x1b[2J\u2028", "a\\nb\\x1b[2J\\u2028"),
        ("\ud800", "\\ud800"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 197 + "..."),
    ],
)
def test_text_from_outside(value: object, text: str) -> None:
    assert visible(value) == text


def test_the_most_specific_reason() -> None:
    first, second = EXPIRED(presented=1), EXPIRED(presented=2)
    assert most_specific([NOT_PRESENTED(), first, BAD_SIGNATURE(), second]) is first
    assert most_specific([]) is None


def test_defaults_of_verifiers_and_questions() -> None:
    class Plain(Toy):
        def agrees(self, evidence: Facts, about: Evidence) -> bool:
            return super().agrees(evidence, about)

    assert repr(TOKEN) == "token"
    assert TOKEN.action(Unavailable(SOURCE_DOWN())) is Action.RETRY
    assert TOKEN.action(Absent(NOT_PRESENTED())) is TOKEN.action(Rejected(EXPIRED())) is Action.PRESENT_FACTOR
    assert Plain("x").agrees(facts(), facts())
    assert not Plain("x").agrees(facts(), facts(subject="bob"))
    assert (TOKEN.of, TOKEN.links, PASSKEY.of, TOKEN.needs) == (None, (), TOKEN, ())
    question = Born("root")
    assert question.until(facts(), 0) == math.inf
    assert question.saw(facts(), 0) == "toys: ann"
    assert question.action(facts(), True) is None
    assert question.assume(facts(level=3), True, 0) == facts(level=3)


def test_spans() -> None:
    assert moments.seconds(30) == timedelta(seconds=30)
    assert moments.minutes(5) == timedelta(minutes=5)
    assert moments.hours(1) == timedelta(hours=1)
    assert moments.days(2) == timedelta(days=2)
    for mistaken in ("10", None, True, timedelta(minutes=5)):
        with pytest.raises(ConfigError, match=r"minutes\(.*\) takes a number: write minutes\(5\)"):
            moments.minutes(mistaken)  # type: ignore[arg-type]  # the mistake
    for endless in (float("inf"), float("nan"), 1e300):
        with pytest.raises(ConfigError, match=r"days\(.*\) is no span of time that makes sense"):
            moments.days(endless)
    assert moments.span_in_seconds(moments.minutes(1.5), "leeway") == 90.0
    with pytest.raises(ConfigError, match=r"leeway is a span of time such as minutes\(5\), not 5: a bare number"):
        moments.span_in_seconds(5, "leeway")
    with pytest.raises(ConfigError, match=r"leeway=2 min is out of range: 0 s to 1 min"):
        moments.span_in_seconds(moments.minutes(2), "leeway", most=60)
    with pytest.raises(ConfigError, match="out of range"):
        moments.span_in_seconds(-moments.seconds(1), "leeway")
    assert moments.span_in_seconds(moments.days(3650), "lifetime") == 315_360_000.0
    with pytest.raises(ConfigError, match=r"lifetime=315360001 s is out of range: 0 s to 3650 d"):
        moments.span_in_seconds(moments.seconds(315_360_001), "lifetime")
    assert [moments.span_in_seconds(moments.seconds(count), "x", least=1, most=9) for count in (1, 9)] == [1.0, 9.0]


@pytest.mark.parametrize(
    ("total", "text"),
    [(300, "5 min"), (129600, "36 h"), (172800, "2 d"), (90, "90 s"), (0, "0 s"), (0.5, "0.5 s"), (3601, "3601 s")],
)
def test_spans_in_words(total: float, text: str) -> None:
    assert moments.show_span(total) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (1_800_000_000.0, "08:00"),
        (1_800_000_000.0 - 43199, "20:00"),
        (1_800_000_000.0 - 43200, "2027-01-14 20:00"),
        (math.inf, "never"),
        (-math.inf, "never"),
        (math.nan, "never"),
        (253402300799.0, "9999-12-31 23:59"),
        (253402300800.0, "never"),
        (-62135596801.0, "never"),
        (-62135596800.0, "1-01-01 00:00"),
    ],
)
def test_moments_in_words(moment: float, text: str) -> None:
    assert moments.show_moment(moment, 1_800_000_000.0) == text
