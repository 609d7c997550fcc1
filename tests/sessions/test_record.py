"""Sessions as they are written down: what comes back is what went in, and nothing else comes back at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sessions.browsers import ADA, NOW
from tests.sessions.browsers import proof as proven
from zerotrust.core.reason import Reason
from zerotrust.factors.account import Account
from zerotrust.factors.proof import METHODS, Proof
from zerotrust.sessions.record import MOST_NAME, MOST_PROOFS, Entry, SessionRecord, check_text

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MOMENT = st.floats(-1e12, 1e12)
PROOF = st.builds(
    Proof, st.sampled_from(METHODS), MOMENT, TEXT, TEXT, st.booleans(), st.booleans(), st.booleans(), st.booleans()
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    proofs = draw(st.lists(PROOF, max_size=4))
    pauses = draw(st.lists(MOMENT, min_size=len(proofs), max_size=len(proofs)))
    keys = draw(st.lists(st.tuples(TEXT, TEXT), max_size=2))
    account = Account(draw(TEXT), draw(TEXT))
    times = draw(MOMENT), draw(MOMENT), draw(MOMENT)
    record = SessionRecord(draw(TEXT), account, *times, tuple(proofs), tuple(pauses), tuple(keys))
    return Entry(record, draw(TEXT), draw(st.binary(max_size=32)), draw(st.binary(max_size=32)))


@settings(suppress_health_check=[HealthCheck.too_slow])  # entries take long to draw where others are busy
@given(entries())
def test_what_is_written_is_read(entry: Entry) -> None:
    assert Entry.from_bytes(entry.to_bytes()) == entry


@given(st.binary(max_size=200))
def test_any_bytes_are_an_entry_or_a_reason(data: bytes) -> None:
    assert isinstance(Entry.from_bytes(data), Reason)


ENTRY = Entry(
    SessionRecord("h", Account("s", "ada"), 1.0, 2.0, 3.0, (Proof("totp", 1.0, "1"),), (0.0,), (("jkt", "x"),)),
    "__Host-session",
    b"d" * 32,
)
GOOD: dict[str, Any] = json.loads(ENTRY.to_bytes())
WRONG: list[tuple[str, Any]] = [
    ("v", 2),
    ("v", None),
    ("h", 1),
    ("a", ["s"]),
    ("a", ["s", "ada", "x"]),
    ("a", ["s", 1]),
    ("a", "sa"),
    ("t", [1.0, 2.0]),
    ("t", [1.0, 2.0, "3"]),
    ("t", [1.0, 2.0, True]),
    ("t", [1.0, 2.0, None]),
    ("k", [["jkt"]]),
    ("k", [["jkt", 1]]),
    ("k", {}),
    ("p", [["totp", 1.0, "1", "", 0]]),
    ("p", [["sms", 1.0, "1", "", 0, 0.0]]),
    ("p", [[0, 1.0, "1", "", 0, 0.0]]),
    ("p", [["totp", "1", "1", "", 0, 0.0]]),
    ("p", [["totp", 1.0, 1, "", 0, 0.0]]),
    ("p", [["totp", 1.0, "1", None, 0, 0.0]]),
    ("p", [["totp", 1.0, "1", "", 16, 0.0]]),
    ("p", [["totp", 1.0, "1", "", -1, 0.0]]),
    ("p", [["totp", 1.0, "1", "", True, 0.0]]),
    ("p", [["totp", 1.0, "1", "", 0, None]]),
    ("p", [{}]),
    ("d", "="),
    ("d", 1),
    ("o", "a"),
    ("for", None),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=[f"{name}={value}" for name, value in WRONG])
def test_what_is_not_written_as_here_is_refused(name: str, value: object) -> None:
    assert isinstance(Entry.from_bytes(json.dumps(GOOD).encode()), Entry)
    reason = Entry.from_bytes(json.dumps({**GOOD, name: value}).encode())
    assert isinstance(reason, Reason)
    assert reason.code == "bad_session"


@pytest.mark.parametrize("name", sorted(GOOD))
def test_nothing_may_be_missing(name: str) -> None:
    assert isinstance(Entry.from_bytes(json.dumps({key: GOOD[key] for key in GOOD if key != name}).encode()), Reason)


def test_a_number_too_large_for_a_float_is_refused() -> None:
    assert isinstance(Entry.from_bytes(json.dumps(GOOD).replace("3.0", "1e999").encode()), Reason)


def test_digests_never_show() -> None:
    assert "ddd" not in repr(ENTRY)
    assert "ada" in repr(ENTRY)


# --- What becomes of a session ---------------------------------------------------------------------------------------
EMPTY = SessionRecord("h", Account("s", "ada"), 0.0, 0.0, 1000.0)


def test_of_each_authenticator_the_latest_proof_is_remembered() -> None:
    record = EMPTY
    for proof in (
        Proof("totp", 1.0, "1"),
        Proof("totp", 2.0, "2"),
        Proof("hotp", 3.0, "1"),
        Proof("passkey", 4.0, "1", "a.example"),
        Proof("passkey", 5.0, "1", "b.example"),
        Proof("totp", 6.0, "1"),
    ):
        record = record.proving(proof)
    assert [(one.method, one.scope, one.by, one.at) for one in record.proofs] == [
        ("totp", "", "2", 2.0),
        ("hotp", "", "1", 3.0),
        ("passkey", "a.example", "1", 4.0),
        ("passkey", "b.example", "1", 5.0),
        ("totp", "", "1", 6.0),
    ]


def test_at_most_sixteen_proofs_are_remembered() -> None:
    record = EMPTY
    for number in range(MOST_PROOFS + 3):
        record = record.proving(Proof("totp", float(number), str(number)))
    assert [one.at for one in record.proofs] == [float(number) for number in range(3, MOST_PROOFS + 3)]
    assert len(record.pauses) == MOST_PROOFS == 16


def test_pauses_are_counted_since_each_proof() -> None:
    record = EMPTY.proving(Proof("totp", 0.0, "1")).used(10.0).used(15.0)
    record = record.proving(Proof("hotp", 15.0, "1")).used(22.0).used(23.0)
    assert record.pauses == (10.0, 7.0)
    assert record.proving(Proof("totp", 23.0, "1")).pauses == (7.0, 0.0)
    assert record.forgetting("totp", "1").pauses == (7.0,)
    assert record.shorter().pauses == (7.0,)


def test_a_clock_that_went_back_takes_nothing_back() -> None:
    record = EMPTY.proving(Proof("totp", 0.0, "1")).used(10.0)
    assert record.used(5.0) == record
    assert record.used(10.0) == record


def test_forgetting_takes_what_one_authenticator_has_proven() -> None:
    record = EMPTY.proving(Proof("totp", 1.0, "1")).proving(Proof("hotp", 2.0, "1")).proving(Proof("totp", 3.0, "2"))
    assert [one.at for one in record.forgetting("totp", "1").proofs] == [2.0, 3.0]


def test_accounts_that_can_be_written_down() -> None:
    assert check_text(Account("s", "ada"))
    assert check_text(Account("s", "a" * MOST_NAME))
    for account in (Account("", "a"), Account("s", ""), Account("s", "a" * (MOST_NAME + 1)), Account("s", "\ud800")):
        assert not check_text(account)
    assert not check_text(Account("s", 1))  # type: ignore[arg-type]


def test_what_was_proven_before_a_copy_showed_does_not_hide_it() -> None:
    """Two at the same time: the copy's request is written down first, then that of the use before it."""
    copy = proven("passkey", at=NOW, by="k", cloned=True)
    record = SessionRecord("h", ADA, NOW, NOW, NOW + 600).proving(copy)
    assert record.proving(proven("passkey", at=NOW - 1, by="k")).proofs == (copy,)
    assert record.proving(proven("passkey", at=NOW, by="k")).proofs == (copy,)
    later, other = proven("passkey", at=NOW + 1, by="k"), proven("passkey", at=NOW - 1, by="other")
    assert record.proving(later).proofs == (later,)
    assert record.proving(other).proofs == (copy, other)
