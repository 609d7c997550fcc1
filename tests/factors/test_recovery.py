"""Recovery codes: entropy, spellings, hashes."""

from __future__ import annotations

import math
import string

import pytest
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.factors import recovery
from zerotrust.factors.recovery import ALPHABET, LENGTH, RecoverySet, hashed, new_codes, new_set, normal

CODE = "abcd-efgh-jkmn-2345"


def test_sp_800_63b_section_3_1_2_at_least_64_bits() -> None:
    assert LENGTH * math.log2(len(set(ALPHABET))) >= 64
    # A thief of the hashes may hit any code of a set.
    assert LENGTH * math.log2(len(set(ALPHABET))) - math.log2(recovery.MOST_CODES) >= 64


def test_every_letter_stands_everywhere_and_no_code_twice() -> None:
    codes = new_codes(2000)
    assert len(set(codes)) == 2000
    for code in codes[:10]:
        assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
    for at in range(LENGTH):
        assert {code.replace("-", "")[at] for code in codes} == set(ALPHABET)


def test_no_two_letters_look_alike() -> None:
    assert set(ALPHABET) == set(string.ascii_lowercase + string.digits) - set("ilou01")


@pytest.mark.parametrize(
    "typed",
    ["abcdefghjkmn2345", "ABCD-EFGH-JKMN-2345", "ABCD EFGH JKMN 2345", " abcd--efgh- jkmn2345 ", "aBcDeFgHjKmN2345-"],
)
def test_case_hyphens_and_blanks_do_not_matter(typed: str) -> None:
    assert normal(typed) == normal(CODE) == "abcdefghjkmn2345"


@pytest.mark.parametrize(
    "typed",
    [
        "", "abcd-efgh-jkmn-234", "abcd-efgh-jkmn-23456", "abcd_efgh_jkmn_2345", "abcd-efgh-jkmn-234o",
        "abcd-efgh-jkmn-2341", "abcd\tefgh\tjkmn\t2345", "abcd-efgh-jkmn-2345\n", "abcd\u00a0efgh\u00a0jkmn\u00a02345",
        "abcd\u2010efgh\u2010jkmn\u20102345", "\uff41bcd-efgh-jkmn-2345", "abcd-efgh-j\u212amn-2345", "a" * 65,
        "abcd-efgh-jkmn-2345" + " " * 60, "-" * 30, b"abcdefghjkmn2345", None, 2345, "abcd-efgh-jkmn-234\ud800",
    ],
    ids=ascii,
)  # fmt: skip
def test_everything_else_is_no_code(typed: object) -> None:
    assert normal(typed) is None


@given(st.text(max_size=70))
def test_any_text_is_a_code_or_none(typed: str) -> None:
    plain = normal(typed)
    assert plain is None or (len(plain) == LENGTH and set(plain) <= set(ALPHABET) and normal(plain) == plain)


@pytest.mark.parametrize("cost", [10, 12])
def test_hashes_are_scrypt(cost: int) -> None:
    """RFC 7914, by another implementation."""
    theirs = Scrypt(salt=b"s" * 16, length=32, n=2**cost, r=8, p=1).derive(b"abcdefghjkmn2345")
    assert hashed("abcdefghjkmn2345", b"s" * 16, cost) == theirs


def test_a_set_knows_its_codes_each_once() -> None:
    codes = new_codes(3)
    left = new_set(codes, 10)
    assert len(left.hashes) == 3
    assert left.hashes == tuple(sorted(left.hashes))  # not in the order in which they were shown
    for number, code in enumerate(codes, 1):
        hash_ = left.hashed(normal(code) or "")
        used = left.used(hash_)
        assert isinstance(used, RecoverySet)
        assert len(used.hashes) == 3 - number
        again = used.used(hash_)
        assert isinstance(again, Reason)
        assert again.code == "wrong_code"
        left = used


def test_salts_differ() -> None:
    codes = new_codes(1)
    one, other = new_set(codes, 10), new_set(codes, 10)
    assert one.salt != other.salt
    assert len(one.salt) == 16
    assert one.hashes != other.hashes


def test_all_hashes_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return one == other

    monkeypatch.setattr(recovery, "compare_digest", compare)
    left = RecoverySet(b"s", 10, (b"1" * 32, b"2" * 32, b"3" * 32))
    left.used(b"1" * 32)
    assert len(compared) == 3


def test_the_greatest_cost_has_the_memory_it_needs() -> None:
    assert len(hashed("a", b"s", 17)) == 32
