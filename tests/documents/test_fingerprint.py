"""A fingerprint is the same for equal policies in every process, and another for every other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given

from tests.documents.samples import LEAVES, STANDING, invoice, is_staff, policies, token
from tests.laws.toys import Facts, Toy
from zerotrust.core.errors import PolicyError
from zerotrust.core.moments import minutes
from zerotrust.core.policy import Not, Policy, all_of, any_of, at_least
from zerotrust.core.verifier import Question
from zerotrust.documents import fingerprint
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.roles import Roles


def golden() -> Policy:
    mine = Bearer(Issuer("https://login.example.com"), audience="payments")
    paying = (mine.scope("pay", "read") & mine.fresh(minutes(5)) & ~mine.role("contractor")).named("can pay")
    return at_least(1, paying, mine.permitted("pay", by={"ada": {"pay", "read", "write"}, "bob": []}))


GOLDEN = "b017716801bb1d0c483727f66e69d19b000214d4573a4306e87225963bff5e59"
"""What it was when this was written: who kept fingerprints can compare them with those of later versions."""


def test_it_stays_what_it_was() -> None:
    assert fingerprint(golden()) == GOLDEN


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_it_is_the_same_in_every_process(seed: str) -> None:
    code = "from tests.documents.test_fingerprint import *; print(fingerprint(golden()))"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == GOLDEN


def test_every_leaf_has_another() -> None:
    leaves = [*LEAVES, *STANDING]
    assert len({fingerprint(leaf) for leaf in leaves}) == len(leaves)


@given(policies(), policies())
def test_it_is_equal_if_and_only_if_the_policies_are(one: Policy, other: Policy) -> None:
    assert (fingerprint(one) == fingerprint(other)) is (one == other)


def test_order_and_grouping_count_since_they_print() -> None:
    a, b, c = token.role("a"), token.role("b"), token.role("c")
    others = [a & b, b & a, all_of(a, b, c), (a & b) & c, all_of(all_of(a, b), c), any_of(a, b), at_least(1, a, b), a]
    others += [a.named("a"), a.named("b"), a.tagged("a"), a.tagged("a", "b"), Not(Not(a)), ~a]
    assert len({fingerprint(one) for one in others}) == len(set(others))


def test_what_does_not_print_counts_too() -> None:
    """The claim that lists roles, who includes whom."""
    issuer = Issuer("https://login.example.com")
    plain = Bearer(issuer, audience="x").role("a")
    other = Bearer(issuer, audience="x", roles="realm_roles").role("a")
    assert str(plain) == str(other)
    assert fingerprint(plain) != fingerprint(other)
    one, two = (Roles(token, {"admin": ["editor"], **more}).has("editor") for more in ({}, {"root": ["admin"]}))
    assert str(one) == str(two)
    assert fingerprint(one) != fingerprint(two)


def test_functions_count_by_their_text() -> None:
    assert fingerprint(token.that(is_staff, "staff")) == fingerprint(token.that(bool, "staff"))
    assert fingerprint(token.that(is_staff, "staff")) != fingerprint(token.that(is_staff, "finance"))


def test_what_is_shared_is_looked_at_once() -> None:
    policy: Policy = token.valid
    for _ in range(200):  # 2 ** 200 parts, if each were looked at as often as it stands there
        policy = all_of(policy, policy)
    assert len(fingerprint(policy)) == 64


@dataclass(frozen=True)
class Odd(Question[Facts]):
    held: object

    def holds(self, evidence: Facts, now: float) -> bool:
        return True

    def __str__(self) -> str:
        return "odd"


class Called:
    def __call__(self, evidence: object) -> bool:
        return True


def test_numbers_count_as_they_are_written() -> None:
    """Numbers that Python takes for equal are other policies where they print otherwise, here as for `==`."""
    numbers = [1, 1.0, Decimal(1), Decimal("1.00"), 2, 0.0, -0.0, 1e300, 1.5, Decimal("1.5"), Decimal("1E+400"), 10**19]
    leaves = [invoice.amount == number for number in numbers] + [invoice.amount.is_in([number]) for number in numbers]
    assert len({fingerprint(leaf) for leaf in leaves}) == len(set(leaves)) == len(leaves)


def test_what_is_no_data_is_refused() -> None:
    """An object's repr may hold an address, which is another in every process."""
    with pytest.raises(PolicyError, match=r"token\.odd has <object>, object, for which JSON has no form"):
        fingerprint(Odd(object()).leaf(Toy("token")))
    with pytest.raises(PolicyError, match=r"has nan, which is no number in JSON"):
        fingerprint(Odd(float("nan")).leaf(Toy("token")))
    for nameless in (partial(is_staff), lambda evidence: True, Called()):
        with pytest.raises(PolicyError, match=r"token\.odd has a function without a name of its own"):
            fingerprint(Odd(nameless).leaf(Toy("token")))
    with pytest.raises(PolicyError, match=r"takes a policy, not 'x'"):
        fingerprint("x")  # type: ignore[arg-type]


def test_what_is_no_policy_at_all_is_refused() -> None:
    class Alien(Policy):
        pass

    with pytest.raises(PolicyError, match="Alien is not a policy with a fingerprint; compose the given ones"):
        fingerprint(Alien())


@dataclass(frozen=True)
class Saying(Question[Facts]):
    """Says by itself what its leaf is called with."""

    name: str
    behind: object

    def holds(self, evidence: Facts, now: float) -> bool:
        return True

    def arguments(self) -> Mapping[str, object]:
        return {"name": self.name}

    def __str__(self) -> str:
        return "saying"


def test_what_is_no_data_does_not_count_where_the_question_says_what_does() -> None:
    one, other = (fingerprint(Saying("a", object()).leaf(Toy("token"))) for _ in range(2))
    assert one == other != fingerprint(Saying("b", object()).leaf(Toy("token")))
    assert one != fingerprint(Saying("a", "plain").leaf(Toy("token")))


def test_patterns_count_by_their_text_and_flags() -> None:
    patterns = [re.compile("a"), re.compile("b"), re.compile("a", re.IGNORECASE)]
    assert len({fingerprint(Odd(one).leaf(Toy("token"))) for one in patterns}) == 3
    assert fingerprint(Odd(re.compile("a")).leaf(Toy("token"))) == fingerprint(Odd(patterns[0]).leaf(Toy("token")))
