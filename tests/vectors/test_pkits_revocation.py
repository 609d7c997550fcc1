"""NIST PKITS sections 4.4, 4.5, 4.7, 4.14 and 4.15 with their lists, as an application gives them."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.vectors.pkits import AT, CASES, Case, certificate
from zerotrust.core.peer import Peer
from zerotrust.core.reason import CERTIFICATE_REVOKED, REVOCATION_UNKNOWN, Reason
from zerotrust.driver import run
from zerotrust.pki.crls import Crls
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.crl import read_crls

_SECTIONS = {"404", "405", "407", "414", "415"}

# Indirect lists are not supported: these are right to rely on one, and must refuse all the same.
INDIRECT = {"41422", "41424", "41425", "41428", "41429", "41430", "41433"}

# Refused for what is said of them; other bad ones because nothing can be told, or before revocation is looked at.
REVOKED = {
    "40402", "40403", "40418", "40420", "40502", "40505", "40507", "41402", "41406", "41415", "41416", "41420", "41421",
    "41503", "41504", "41506", "41509",
}  # fmt: skip

REVOCATION = [case for case in CASES if case.id[:3] in _SECTIONS]


def outcome(case: Case) -> Reason | None:
    path = case.path()
    if isinstance(path, Reason):
        return path
    read = [certificate(name) for name in (case.leaf, *case.intermediates)]
    presented = tuple(one.der for one in read if isinstance(one, Certificate))
    # A list that cannot be used is a mistake of configuration; here it is one that is not there.
    lists = [document for name in case.crls if not isinstance(read_crls(document := case.crl(name)), Reason)]
    return run(Crls(*lists).check(path, Peer(presented), AT))


@pytest.mark.parametrize("case", REVOCATION, ids=lambda case: case.id)
def test_case(case: Case) -> None:
    number, reason = case.id[:5], outcome(case)
    assert (reason is None) == (case.good and number not in INDIRECT)
    if number in INDIRECT:
        assert reason is not None
        assert reason.kind is REVOCATION_UNKNOWN
    assert (reason is not None and reason.kind is CERTIFICATE_REVOKED) == (number in REVOKED)


def test_all_are_there() -> None:
    assert Counter(case.id[:3] for case in REVOCATION) == {"404": 21, "405": 8, "407": 5, "414": 35, "415": 10}
