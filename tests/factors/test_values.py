"""Accounts, proofs, kinds of factor."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.factors.account import Account
from zerotrust.factors.proof import KINDS, METHODS, Proof, different_kinds

TEXT = st.text(st.characters(exclude_categories=()), max_size=6)


def proof(method: str, *, user_verified: bool = False) -> Proof:
    return Proof(method, 0.0, "id", user_verified=user_verified)  # type: ignore[arg-type]


@given(TEXT, TEXT, TEXT, TEXT)
def test_accounts_share_no_key(source: str, subject: str, other_source: str, other_subject: str) -> None:
    one, other = Account(source, subject), Account(other_source, other_subject)
    assert (one.key == other.key) == (one == other)
    assert json.loads(one.key) == [source, subject]


def test_neighbouring_names_are_not_confused() -> None:
    assert Account('a","b', "c").key != Account("a", 'b","c').key
    assert Account("ab", "c").key != Account("a", "bc").key


@pytest.mark.parametrize(
    ("shown", "count"),
    [
        ([], 0),
        ([proof("password")], 1),
        ([proof("totp")], 1),
        ([proof("totp"), proof("recovery_code")], 1),
        ([proof("totp"), proof("hotp"), proof("passkey")], 1),
        ([proof("password"), proof("totp")], 2),
        ([proof("password"), proof("passkey")], 2),
        ([proof("passkey", user_verified=True)], 2),
        ([proof("passkey", user_verified=True), proof("totp")], 2),
        # What unlocked it may be the same password, or its like: two kinds, not three.
        ([proof("passkey", user_verified=True), proof("password")], 2),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "+".join(one.method for one in value) or "nothing",
)
def test_kinds_of_factor_are_counted_once(shown: list[Proof], count: int) -> None:
    assert different_kinds(shown) == count


def test_every_method_proves_a_kind_and_only_webauthn_resists_phishing() -> None:
    assert {method for method in METHODS if proof(method).phishing_resistant} == {"passkey"}
    for method in METHODS:
        assert proof(method).kinds <= set(KINDS)
        assert proof(method).kinds
