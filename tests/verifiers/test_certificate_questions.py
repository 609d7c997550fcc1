"""The leaves of a certificate: what each answers, until when, how it prints, and what makes two of them the same."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naming import same_everywhere
from tests.verifiers.devices import ISSUING, OTHER, PREFIX, ROOT, certificate, deciding, device, issued, request
from tests.verifiers.tokens import NOW
from zerotrust.core.decision import Allow
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import days, hours, seconds
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import Reason
from zerotrust.core.verdict import Verdict
from zerotrust.core.verifier import Question
from zerotrust.engine import decide
from zerotrust.verifiers import certificate_questions as questions
from zerotrust.verifiers.certificate_evidence import CertificateEvidence
from zerotrust.wire.certificate import AlternativeNames

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN
DEVICE = device()
PC = issued(
    dns=["pc-1.example", "*.example", "PC-2.example"], emails=["Ada@example.com"], uris=[PREFIX + "pc-1", "https://a"]
)
LEAF = certificate(PC.der)
ENDS = NOW - 3600 + 30 * 86400 + 1  # what `issue` gives, and the last second counts

ANSWERS: list[tuple[Leaf[Any], Verdict]] = [
    (DEVICE.valid, YES),
    (DEVICE.direct, YES),
    (DEVICE.fingerprint(LEAF.fingerprint), YES),
    (DEVICE.fingerprint("0" * 64, LEAF.fingerprint.upper()), YES),
    (DEVICE.fingerprint(":".join(LEAF.fingerprint[at : at + 2] for at in range(0, 64, 2))), YES),
    (DEVICE.fingerprint(LEAF.spki), NO),
    (DEVICE.fingerprint(certificate(ISSUING.der).fingerprint), NO),
    (DEVICE.spki(LEAF.spki), YES),
    (DEVICE.spki(LEAF.fingerprint), NO),
    (DEVICE.issued_by(certificate(ISSUING.der).fingerprint), YES),
    (DEVICE.issued_by(certificate(ROOT.der).fingerprint), YES),
    (DEVICE.issued_by(certificate(OTHER.der).fingerprint), NO),
    (DEVICE.issued_by(certificate(OTHER.der), certificate(ROOT.der)), YES),
    (DEVICE.issued_by(ISSUING.pem.decode()), YES),
    (DEVICE.issued_by("\n" + OTHER.pem.decode()), NO),
    (DEVICE.issued_by(LEAF.fingerprint), NO),
    (DEVICE.dns("pc-1.example"), YES),
    (DEVICE.dns("other.example", "pc-1.example"), YES),
    (DEVICE.dns("PC-1.example"), NO),
    (DEVICE.dns("pc-2.example"), NO),
    (DEVICE.dns("pc-1.example."), NO),
    (DEVICE.dns("pc-3.example"), NO),
    (DEVICE.dns("*.example"), YES),
    (DEVICE.dns("https://a"), NO),
    (DEVICE.uri("https://a"), YES),
    (DEVICE.uri("https://a/"), NO),
    (DEVICE.uri("pc-1.example"), NO),
    (DEVICE.email("Ada@example.com"), YES),
    (DEVICE.email("ada@example.com"), NO),
    (DEVICE.not_expiring_within(days(29)), YES),
    (DEVICE.not_expiring_within(seconds(ENDS - NOW - 1)), YES),
    (DEVICE.not_expiring_within(seconds(ENDS - NOW)), NO),
    (DEVICE.not_expiring_within(days(30)), NO),
    (DEVICE.that(lambda said: said.subject == "pc-1", "pc-1"), YES),
    (DEVICE.that(lambda said: said.subject == "pc-2", "pc-2"), NO),
    (DEVICE.that(lambda said: said.nothing, "raises"), UNKNOWN),  # type: ignore[attr-defined]
    (DEVICE.that(lambda said: 1, "says 1"), UNKNOWN),  # type: ignore[arg-type, return-value]
]


@pytest.mark.parametrize(("leaf", "verdict"), ANSWERS, ids=same_everywhere)
def test_answers(leaf: Leaf[Any], verdict: Verdict) -> None:
    assert deciding(leaf, PC).verdict is verdict
    assert deciding(~leaf, PC).verdict is ~verdict


@pytest.mark.parametrize("leaf", [leaf for leaf, _ in ANSWERS], ids=same_everywhere)
def test_nothing_is_known_without_a_good_certificate(leaf: Leaf[Any]) -> None:
    for peer in (None, issued(by=OTHER)):
        for policy in (leaf, ~leaf):
            assert deciding(policy, peer).verdict is UNKNOWN


def test_a_certificate_from_a_hop_is_not_direct() -> None:
    through = PC.peer("front")
    assert deciding(DEVICE.direct, through).verdict is NO
    assert deciding(~DEVICE.direct & DEVICE.valid & DEVICE.fingerprint(LEAF.fingerprint), through)
    assert deciding(DEVICE.direct, through).explanation.detail == "through front"


# --- The word of a hop -----------------------------------------------------------------------------------------------
WORD = CertificateEvidence(
    "front",
    "ledger",
    NOW,
    NOW + 60.0,
    AlternativeNames(uris=("spiffe://a/b",), dns=("a.example",)),
    asserted_by="front",
)
PINS = ("0" * 64,)
PLAIN: list[Question[CertificateEvidence]] = [
    questions.Fingerprint(PINS),
    questions.PublicKey(PINS),
    questions.IssuedBy(PINS),
    questions.Named("dns", ("b.example",)),
    questions.Named("uris", ("spiffe://a/c",)),
    questions.Named("emails", ("ada@example.com",)),
    questions.NotExpiringWithin(60.0),
]


@pytest.mark.parametrize("question", PLAIN, ids=str)
def test_the_word_of_a_hop_proves_nothing_of_the_certificate(question: Question[CertificateEvidence]) -> None:
    answer = question.holds(WORD, NOW)
    assert isinstance(answer, Reason)
    assert answer.code == "not_presented"
    assert "a hop" in str(answer)
    assert question.until(WORD, NOW) == math.inf
    assert question.until(replace(WORD, not_after=NOW + 3600.0), NOW) == math.inf


def test_the_word_of_a_hop_proves_the_names_it_says() -> None:
    for question in (questions.Named("dns", ("x", "a.example")), questions.Named("uris", ("spiffe://a/b",))):
        assert question.holds(WORD, NOW) is True
        assert question.saw(WORD, NOW).endswith(", says front")
    assert questions.Direct().holds(WORD, NOW) is False
    assert questions.Direct().saw(WORD, NOW) == "through front"
    assert questions.Valid().holds(WORD, NOW) is True


# --- Until when ------------------------------------------------------------------------------------------------------
@given(
    lasts=st.floats(-1e6, 4e9),
    span=st.floats(1, 4e7),
    now=st.floats(0, 4e9),
    fraction=st.floats(0, 1, exclude_max=True),
)
def test_not_expiring_within_says_until_when(lasts: float, span: float, now: float, fraction: float) -> None:
    question = questions.NotExpiringWithin(span)
    said = CertificateEvidence("ca", "pc", now, math.inf, not_after=now + lasts)
    answer, until = question.holds(said, now), question.until(said, now)
    assert until > now
    last = 5e9 if until == math.inf else math.nextafter(until, -math.inf)
    assert question.holds(said, now + (last - now) * fraction if fraction < 0.9 else last) is answer
    if until < math.inf:
        assert answer is True
        assert question.holds(said, until) is False


def test_valid_until() -> None:
    assert deciding(DEVICE.valid, PC).valid_until == ENDS
    assert deciding(DEVICE.not_expiring_within(days(1)), PC).valid_until == ENDS - 86400
    assert deciding(~DEVICE.not_expiring_within(days(60)), PC).valid_until == ENDS
    assert deciding(DEVICE.not_expiring_within(days(1)) | DEVICE.valid, PC).valid_until == ENDS


def test_the_moment_at_which_it_is_too_late() -> None:
    leaf = DEVICE.not_expiring_within(hours(1))
    assert deciding(leaf, PC, math.nextafter(ENDS - 3600, 0))
    assert not deciding(leaf, PC, ENDS - 3600)


def test_an_authority_that_ends_before_counts_too() -> None:
    short = ROOT.intermediate("Short", days=2)
    pc = issued(by=short)
    assert deciding(DEVICE.not_expiring_within(hours(23)), pc)
    assert not deciding(DEVICE.not_expiring_within(hours(25)), pc)


# --- How they print --------------------------------------------------------------------------------------------------
TEXTS: list[tuple[Leaf[Any], str, str]] = [
    (DEVICE.valid, "valid", "CN=Example Devices: pc-1"),
    (DEVICE.direct, "direct", "its own connection"),
    (DEVICE.fingerprint("0" * 64), f'fingerprint("{"0" * 64}")', f"fingerprint {LEAF.fingerprint}"),
    (DEVICE.spki("0" * 64, "1" * 64), f'spki("{"0" * 64}", "{"1" * 64}")', f"public key {LEAF.spki}"),
    (
        DEVICE.issued_by(certificate(ROOT.der)),
        f'issued_by("{certificate(ROOT.der).fingerprint}")',
        f"issued by {certificate(ISSUING.der).fingerprint}, {certificate(ROOT.der).fingerprint}",
    ),
    (DEVICE.dns("a", "b"), 'dns("a", "b")', "names pc-1.example, *.example, PC-2.example"),
    (DEVICE.uri("a"), 'uri("a")', f"names {PREFIX}pc-1, https://a"),
    (DEVICE.email("a"), 'email("a")', "names Ada@example.com"),
    (DEVICE.not_expiring_within(days(7)), "not_expiring_within(7 d)", "valid until 2027-02-14 07:00"),
    (DEVICE.that(lambda said: True, "ours"), "that(ours)", "ours"),
]


@pytest.mark.parametrize(("leaf", "text", "saw"), TEXTS, ids=same_everywhere)
def test_texts(leaf: Leaf[Any], text: str, saw: str) -> None:
    decision = deciding(leaf, PC)
    assert str(leaf) == f"device.{text}"
    assert str(leaf.question) == text
    assert decision.explanation.detail == saw


def test_texts_of_nothing() -> None:
    nothing = CertificateEvidence("ca", "pc", NOW, math.inf)
    assert [question.saw(nothing, NOW) for question in PLAIN[:4]] == [
        "fingerprint unknown",
        "public key unknown",
        "issued by unknown",
        "names none",
    ]
    assert deciding(device(name="laptop").valid, PC).explanation.text == "laptop.valid"


def test_names_from_a_certificate_cannot_forge_lines() -> None:
    one = issued(uris=[PREFIX + "pc-1", "https://a\nyes  everything"])
    detail = deciding(DEVICE.uri("x"), one).explanation.detail
    assert detail is not None
    assert "\n" not in detail
    assert len(deciding(DEVICE.uri("x"), issued(dns=["d" * 60 + ".example"] * 30)).explanation.detail or "") <= 200


# --- Same or not -----------------------------------------------------------------------------------------------------
MAKERS: list[Callable[[], Leaf[Any]]] = [
    lambda: DEVICE.valid,
    lambda: DEVICE.direct,
    lambda: DEVICE.fingerprint("0" * 64),
    lambda: DEVICE.fingerprint("1" * 64),
    lambda: DEVICE.fingerprint("0" * 64, "1" * 64),
    lambda: DEVICE.spki("0" * 64),
    lambda: DEVICE.issued_by("0" * 64),
    lambda: DEVICE.dns("a"),
    lambda: DEVICE.uri("a"),
    lambda: DEVICE.email("a"),
    lambda: DEVICE.dns("a", "b"),
    lambda: DEVICE.not_expiring_within(seconds(1)),
    lambda: DEVICE.not_expiring_within(seconds(2)),
    lambda: DEVICE.that(bool, "a"),
    lambda: DEVICE.that(bool, "b"),
    lambda: DEVICE.that(callable, "a"),
]


def test_leaves_are_equal_exactly_if_they_ask_the_same() -> None:
    for position, make in enumerate(MAKERS):
        for other_position, other in enumerate(MAKERS):
            assert (make() == other()) is (position == other_position)
        assert hash(make()) == hash(make())
    assert len({make() for make in MAKERS}) == len(MAKERS)
    assert device().dns("a") != DEVICE.dns("a")


def test_one_pin_is_one_however_it_is_written() -> None:
    colons = ":".join(LEAF.fingerprint[at : at + 2] for at in range(0, 64, 2))
    assert DEVICE.fingerprint(colons.upper()) == DEVICE.fingerprint(LEAF.fingerprint)
    root = certificate(ROOT.der)
    assert DEVICE.issued_by(root) == DEVICE.issued_by(root.fingerprint) == DEVICE.issued_by(ROOT.pem.decode())


def test_questions_survive_pickling() -> None:
    for make in MAKERS:
        question = make().question
        assert pickle.loads(pickle.dumps(question)) == question


# --- What is promised ------------------------------------------------------------------------------------------------
PROMISES: list[Question[CertificateEvidence]] = [
    questions.Fingerprint(("0" * 64, "1" * 64)),
    questions.PublicKey(PINS),
    questions.IssuedBy(("0" * 64, "1" * 64)),
    questions.Named("dns", ("a", "b")),
    questions.Named("uris", ("a",)),
    questions.Named("emails", ("a",)),
    questions.NotExpiringWithin(60.0),
    questions.NotExpiringWithin(4e7),
    questions.Direct(),
]
HELD = CertificateEvidence(
    "ca",
    "pc",
    NOW,
    math.inf,
    AlternativeNames(("a",), ("a", "b", "c"), ("a",)),
    "0" * 64,
    "0" * 64,
    ("2" * 64, "1" * 64, "0" * 64),
    hop="front",
    not_after=NOW + 1e9,
)


@given(
    question=st.sampled_from(PROMISES),
    wanted=st.booleans(),
    said=st.sampled_from([DEVICE.blank(NOW), HELD, WORD]),
    now=st.floats(1e9, 4e9),
)
def test_what_is_assumed_is_what_is_wanted(
    question: Question[CertificateEvidence], wanted: bool, said: CertificateEvidence, now: float
) -> None:
    before = repr(said)
    assert question.holds(question.assume(said, wanted, now), now) is wanted
    assert repr(said) == before


@given(first=st.sampled_from(PROMISES[:6]), second=st.sampled_from(PROMISES[:6]), wanted=st.booleans())
def test_a_promise_keeps_what_others_were_promised(
    first: Question[CertificateEvidence], second: Question[CertificateEvidence], wanted: bool
) -> None:
    both = second.assume(first.assume(HELD, wanted, NOW), True, NOW)
    if type(first) is not type(second):
        assert first.holds(both, NOW) is wanted


def test_evidence_has_defaults_that_let_nobody_in() -> None:
    """Whoever makes evidence and forgets a fact answers no, or does not know: never yes."""
    poor = CertificateEvidence("ca", "pc", NOW, math.inf)
    assert {question.holds(poor, NOW) for question in PLAIN} == {False}
    assert {field.name for field in fields(poor)} > {"not_after", "hop", "asserted_by"}
    assert replace(poor, hop="x") != poor


def test_whoever_is_let_in_is_let_in() -> None:
    assert isinstance(decide(DEVICE.valid, request(PC)), Allow)


# --- Mistakes --------------------------------------------------------------------------------------------------------
MISTAKES: list[tuple[Callable[[], object], str]] = [
    (lambda: DEVICE.fingerprint(), "one or more names"),
    (lambda: DEVICE.fingerprint("abc"), "64 hexadecimal digits"),
    (lambda: DEVICE.fingerprint("0" * 64 + "\n"), "64 hexadecimal digits"),
    (lambda: DEVICE.spki("g" * 64), "64 hexadecimal digits"),
    (lambda: DEVICE.spki("\u0660" * 64), "64 hexadecimal digits"),
    (lambda: DEVICE.issued_by(), "one or more certificates"),
    (lambda: DEVICE.issued_by("CN=Issuing"), "64 hexadecimal digits"),
    (lambda: DEVICE.issued_by("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "cannot read the PEM"),
    (lambda: DEVICE.issued_by(issued().key_pem.decode()), "cannot read the PEM: private keys are published"),
    (lambda: DEVICE.issued_by(ROOT.pem.decode() + ISSUING.pem.decode()), "this PEM holds 2"),
    (lambda: DEVICE.issued_by(ROOT.der), "as PEM text"),  # type: ignore[arg-type]
    (lambda: DEVICE.dns(""), "one or more names"),
    (lambda: DEVICE.uri(7), "one or more names"),  # type: ignore[arg-type]
    (lambda: DEVICE.not_expiring_within(seconds(0)), "span"),
    (lambda: DEVICE.that(lambda said: True, ""), "exactly one name"),
    (lambda: DEVICE.that("x", "x"), "function of the evidence"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_mistakes(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make()


async def _later(evidence: CertificateEvidence) -> bool:
    return True


def test_a_predicate_does_not_wait() -> None:
    with pytest.raises(ConfigError, match="plain function"):
        DEVICE.that(_later, "later")  # type: ignore[arg-type]
