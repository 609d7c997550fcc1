"""NIST PKITS in full: paths, and what their CRLs say of them. `test_pkits_paths.py` tells which clause refuses what."""

from __future__ import annotations

from functools import cache

import pytest

from tests.vectors import pkits
from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.core.reason import Reason
from zerotrust.pki.chain import Path
from zerotrust.pki.crls import Crls

# Valid, and refused: only an indirect CRL (RFC 5280 section 5.2.5) tells that nothing on their path is revoked.
INDIRECT = {"41422", "41424", "41425", "41428", "41429", "41430", "41433"}


@cache
def outcome(case: pkits.Case) -> Path | Reason:
    """The path of a case, or why it is refused, by its certificates or by its CRLs."""
    path = case.path()
    if isinstance(path, Reason):
        return path
    presented = tuple(one.der for name in (case.leaf, *case.intermediates) if (one := pkits.read(name)))
    try:
        crls = Crls(*(case.crl(name) for name in case.crls))
    except ConfigError as error:  # a list that cannot even be configured
        return Reason(pkits.REVOCATION_UNKNOWN, detail=str(error))
    asking = crls.check(path, Peer(presented), pkits.AT)
    try:
        asked = next(asking)
    except StopIteration as done:
        refused: Reason | None = done.value
        return path if refused is None else refused
    pytest.fail(f"{case.id} asks {asked!r}, though all lists were given")


SUPPORTED = [case for case in pkits.CASES if case.supported]


def test_nothing_passes_that_must_not() -> None:
    """Not one of all 174, whether supported or not."""
    assert [case.id for case in pkits.CASES if not case.good and isinstance(outcome(case), Path)] == []


def test_at_least_112_of_the_120_cases_outside_policies_and_dsa_are_right() -> None:
    assert len(SUPPORTED) == 120
    right = [case for case in SUPPORTED if isinstance(outcome(case), Path) is case.good]
    assert len(right) >= 112
    wrong = {case.id[:5]: str(outcome(case)) for case in SUPPORTED if case not in right}
    assert set(wrong) <= INDIRECT, wrong


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("40401", "revocation_unknown"),
        ("40402", "certificate_revoked"),
        ("40403", "certificate_revoked"),
        ("40404", "revocation_unknown"),
        ("40411", "revocation_unknown"),
    ],
)
def test_revoked_and_not_told_are_different_refusals(case: str, code: str) -> None:
    (found,) = [one for one in pkits.CASES if one.id.startswith(case)]
    refused = outcome(found)
    assert isinstance(refused, Reason)
    assert refused.code == code
