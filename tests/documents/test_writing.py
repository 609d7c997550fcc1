"""What no document can have is refused when it is written, and not when somebody reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.documents.samples import HTTPS, invoice, is_staff, several, token
from tests.laws.toys import Facts, Toy
from zerotrust.core.errors import PolicyError
from zerotrust.core.policy import Leaf, Policy, all_of
from zerotrust.core.verifier import Question
from zerotrust.documents import to_json
from zerotrust.verifiers.resource import verifier_of
from zerotrust.verifiers.resource_questions import Compared, ResourceQuestion, Told


@dataclass(frozen=True)
class Rank(Question[Facts]):
    least: int
    more: object = None

    def holds(self, evidence: Facts, now: float) -> bool:
        return evidence.level >= self.least

    def __str__(self) -> str:
        return f"rank({self.least})"


class Other(ResourceQuestion):
    def __str__(self) -> str:
        return "other"


class Ranked(Toy):
    """A verifier of an application's own."""

    def rank(self, least: int) -> Leaf[Facts]:
        return Rank(least).leaf(self)


def _shared() -> Policy:
    policy: Policy = token.valid
    for _ in range(40):
        policy = all_of(policy, policy)
    return policy


WRONG: dict[str, tuple[Callable[[], Policy], str]] = {
    "read back as another": (
        lambda: Rank(1, "more").leaf(Ranked("ranked")),
        r"ranked\.rank\(1\) cannot be written: read back it would be ranked\.rank\(1\)\. .*Question\.arguments",
    ),
    "no such leaf": (lambda: Rank(1).leaf(Toy("toy")), r"toy\.rank\(1\) cannot be written: Toy has no leaf rank"),
    "two verifiers": (
        lambda: Ranked("staff").rank(1) & Ranked("staff", links=(Ranked("staff"),)).rank(2),
        r"two verifiers of this policy are called 'staff'",
    ),
    "two functions": (
        lambda: token.that(is_staff, "staff") & token.that(bool, "staff"),
        r"another function is called 'staff', too",
    ),
    "a function without a name": (
        lambda: token.permitted("a", by=lambda issuer, sub: None),
        r"a function without a name of its own",
    ),
    "a large number": (lambda: token.claim("n", 10**30), r"more digits than JSON is read with"),
    "no Unicode": (lambda: token.claim("n", "\ud800"), r"no Unicode text"),
    "too large": (_shared, r"more than 200000 parts"),
    "another question to a resource": (
        lambda: Leaf(verifier_of(invoice), Other()),
        r"invoice\.other cannot be written: Other is no comparison that documents have",
    ),
    "what others say": (
        lambda: Leaf(verifier_of(invoice).beside(token), Compared(("owner",), "==", Told("token.mood"))),
        r"cannot be written: documents have no form for Told",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_it_is_refused(wrong: str) -> None:
    make, message = WRONG[wrong]
    with pytest.raises(PolicyError, match=message):
        to_json(make())


def test_what_is_no_policy_is_refused() -> None:
    with pytest.raises(PolicyError, match="takes a policy, not 'x'"):
        to_json("x")  # type: ignore[arg-type]


def test_a_verifier_of_ones_own_is_written() -> None:
    assert to_json(Ranked("ranked").rank(2)) == '{"version":1,"policy":{"leaf":"ranked.rank","least":2}}'


def test_comparisons_read_as_they_are_written() -> None:
    said = '{"field":"invoice.owner","is":"==","says":"several.subject","issuer":"https://login.example.com"}'
    assert to_json(invoice.owner == several.subject.of(HTTPS)) == '{"version":1,"policy":' + said + "}"
