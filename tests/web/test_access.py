"""What a handler is given: evidence by verifier, and an error that teaches where there is none."""

from __future__ import annotations

import pytest

from tests.web.sample import ABSENT, GOOD, NOW, Told, fresh, scope, valid, verified
from zerotrust.core.decision import Allow
from zerotrust.core.policy import Policy, anyone
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.web.access import Access, NotVerified


def access(policy: Policy) -> Access:
    decision = decide(policy, AccessRequest(now=NOW))
    assert isinstance(decision, Allow)
    return Access(decision)


def test_evidence_comes_by_its_verifier() -> None:
    at = Told(verified())
    got = access(valid(at))
    assert got[at] == GOOD
    assert got.get(at) is got[at]
    assert at in got
    assert got.decision


def test_evidence_that_was_not_asked_for_is_an_error_that_says_what_to_write() -> None:
    at = Told(verified())
    got = access(anyone(because="a test").named("welcome"))
    assert got.get(at) is None
    assert at not in got
    with pytest.raises(NotVerified, match=r"^no evidence of token \(not asked for.*\.get\(token\).*: welcome$"):
        got[at]
    with pytest.raises(KeyError):
        got[at]


def test_evidence_that_was_not_found_is_an_error_too() -> None:
    at = Told(ABSENT)
    got = access(valid(at) | anyone(because="a test"))
    assert got.get(at) is None
    with pytest.raises(NotVerified, match="no evidence of token"):
        got[at]


def test_it_tells_until_when_the_decision_stands() -> None:
    at = Told(verified(auth_time=NOW - 100))
    assert access(valid(at)).valid_until == GOOD.expires_at
    assert access(fresh(at, 120) & scope(at, "read")).valid_until == NOW + 20


def test_its_repr_names_the_policy_and_nobody() -> None:
    assert repr(access(valid(Told(verified())).named("can look"))) == "<Access under can look>"
