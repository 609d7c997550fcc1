"""CWE-400: a number that is short to say and long to write out must not hold up whoever keeps decisions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from zerotrust import AccessRequest, Resource, decide
from zerotrust.core.facts import Attribute
from zerotrust.verifiers.resource import verifier_of


@dataclass
class Order:
    total: Decimal


ORDER = Resource(Order)


@pytest.mark.parametrize(
    "said", ["1E+1000000", "-1E+999999", "1E-1000000", "Infinity", "-Infinity", "NaN", "sNaN", "1E+19"]
)
def test_it_is_not_written_out(said: str) -> None:
    policy = ORDER.total <= 1000
    verifier = verifier_of(ORDER)
    decision = decide(policy, AccessRequest(now=0, resource=Order(Decimal(said))))
    finding = decision.finding(verifier)
    assert finding is not None
    assert finding.evidence is not None
    assert verifier.read(finding.evidence, Attribute("total")) is None
