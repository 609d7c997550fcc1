"""Deciding: the doors of the engine, and whose failure is whose."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Any, cast
from unittest.mock import ANY

import pytest

from tests.laws.toys import NOW, PASSKEY, SESSION, TOKEN, AsyncToySource, Facts, Toy, ToySource, World, facts
from zerotrust.core.ask import ConsumeOnce, Gather, Lookup, SourceFailed, ask
from zerotrust.core.decision import Allow, Challenge
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Unspent, Verified
from zerotrust.core.policy import Policy
from zerotrust.core.reason import BUDGET_SPENT, NO_SOURCE, NOT_PRESENTED, SOURCE_DOWN, SUBJECT_MISMATCH
from zerotrust.core.request import AccessRequest
from zerotrust.core.requirement import when
from zerotrust.driver import NO_SOURCES, Budget, Sources, run
from zerotrust.engine import decide, decide_async, deciding, gathering, judge

GOOD = Verified(facts(level=2))
NOTHING = Absent(NOT_PRESENTED())


def test_what_is_decided_is_a_policy() -> None:
    for wrong in (True, None, TOKEN, "token.valid"):
        with pytest.raises(PolicyError, match=rf"decide\(\) takes a policy first; .* is {type(wrong).__name__}"):
            decide(cast("Policy", wrong), World({}))
        with pytest.raises(PolicyError, match=r"decide\(\) takes a policy"):
            asyncio.run(decide_async(cast("Policy", wrong), World({})))


def test_half_a_requirement_is_none() -> None:
    with pytest.raises(PolicyError, match=r"is When; say what is required then: when\(\.\.\.\)\.require"):
        decide(cast("Policy", when(TOKEN.level(1))), World({}))


def test_what_is_decided_on_is_a_request() -> None:
    with pytest.raises(ConfigError, match=r"decide\(\) takes an AccessRequest, not dict: AccessRequest\(now=\.\.\."):
        decide(TOKEN.level(1), cast("AccessRequest", {}))


def test_a_verifier_returns_a_finding() -> None:
    wrong: dict[Any, Any] = {TOKEN: None}
    with pytest.raises(ConfigError, match=r"token\.find\(\) gave NoneType; it returns a Finding"):
        decide(TOKEN.level(1), World(wrong))


def test_a_source_that_fails_ends_in_a_refusal() -> None:
    at = World({TOKEN: GOOD, SESSION: Unavailable(SOURCE_DOWN(), 7.0)})
    policy = SESSION.level(1)
    blocking = decide(policy, at, Sources(ToySource(at)))
    waiting = asyncio.run(decide_async(policy, at, Sources(AsyncToySource(at))))
    for decision in (blocking, waiting):
        assert isinstance(decision, Challenge)
        assert decision.findings[SESSION] == Unavailable(SOURCE_DOWN(), 7.0)
        assert decision.reason == SOURCE_DOWN()


def test_without_sources_or_means_there_is_a_refusal() -> None:
    at = World({TOKEN: GOOD, SESSION: GOOD})
    assert decide(SESSION.level(1), at).findings[SESSION] == Unavailable(NO_SOURCE(expected="Lookup", detail=ANY))
    spent = decide(SESSION.level(1), at, Sources(ToySource(at)), budget=Budget(asks=0))
    assert spent.findings[SESSION] == Unavailable(BUDGET_SPENT())
    again = asyncio.run(decide_async(SESSION.level(1), at, Sources(ToySource(at)), budget=Budget(asks=0)))
    assert again.findings[SESSION] == Unavailable(BUDGET_SPENT())


class Odd(Toy):
    """Behaves as its name says."""

    def find(self, request: AccessRequest) -> Finding[Facts] | Gather[Finding[Facts]]:
        if self.name == "fails at once":
            raise SourceFailed(SOURCE_DOWN(), 3.0)
        if self.name == "has a bug":
            raise ZeroDivisionError
        return self._later(request)

    def _later(self, request: AccessRequest) -> Gather[Finding[Facts]]:
        try:
            yield from ask(Lookup("odd", b"", request.now))
        except SourceFailed:
            if self.name == "copes":
                return GOOD
            raise
        if self.name == "has a late bug":
            raise StopIteration
        return NOTHING


def test_a_verifier_may_cope_with_a_failure_or_leave_it() -> None:
    assert isinstance(decide(Odd("copes").level(1), World({})), Allow)
    for name, reason in (("fails at once", SOURCE_DOWN()), ("does not cope", NO_SOURCE(expected="Lookup", detail=ANY))):
        odd = Odd(name)
        assert decide(odd.level(1), World({})).findings[odd].reason == reason  # type: ignore[union-attr]


def test_a_bug_rises() -> None:
    with pytest.raises(ZeroDivisionError):
        decide(Odd("has a bug").level(1), World({}))
    at = World({})
    with pytest.raises(RuntimeError, match="StopIteration"):
        decide(Odd("has a late bug").level(1), at, Sources(ToySource(at)))


@dataclass(frozen=True, repr=False)
class Certificate(Toy):
    """Agrees by a rule of its own, as certificates and people are named differently."""

    def agrees(self, evidence: Facts, about: Evidence) -> bool:
        return evidence.subject == f"cn={about.subject}"


def test_a_verifier_knows_how_its_subject_is_named_elsewhere() -> None:
    certificate = Certificate("certificate", of=TOKEN)
    named = Verified(facts(subject="cn=ann", level=1))
    assert decide(certificate.level(1), World({TOKEN: GOOD, certificate: named}))
    refused = decide(certificate.level(1), World({TOKEN: GOOD, certificate: GOOD}))
    assert refused.findings[certificate] == Rejected(SUBJECT_MISMATCH(expected="ann", presented="ann"))


def test_linked_evidence_is_capped_and_otherwise_untouched() -> None:
    mine = facts(level=2, flags={"pay"}, since=NOW - 3, expires_at=NOW + 50)
    longer, shorter = Verified(facts(expires_at=NOW + 99)), Verified(facts(expires_at=NOW + 5))
    kept = decide(PASSKEY.level(1), World({TOKEN: longer, PASSKEY: Verified(mine)}))
    assert kept.findings[PASSKEY].evidence is mine
    capped = decide(PASSKEY.level(1), World({TOKEN: shorter, PASSKEY: Verified(mine)}))
    assert capped.findings[PASSKEY] == Verified(facts(level=2, flags={"pay"}, since=NOW - 3, expires_at=NOW + 5))


@pytest.mark.parametrize("now", [math.nan, math.inf])
def test_a_clock_that_is_no_clock_lets_nobody_in(now: float) -> None:
    at = World({TOKEN: Verified(facts(level=2, expires_at=NOW)), PASSKEY: GOOD}, now)
    for policy in (TOKEN.level(1), ~TOKEN.level(9), PASSKEY.level(1), TOKEN.that("root") | TOKEN.level(1)):
        assert not decide(policy, at)


def test_judging_looks_at_nothing_new() -> None:
    findings: dict[Any, Any] = {TOKEN: GOOD}
    assert judge(TOKEN.level(1), findings, NOW)
    assert not judge(TOKEN.level(1) & PASSKEY.level(1), findings, NOW)
    assert findings == {TOKEN: GOOD}


def test_what_is_known_already_is_not_gathered_again() -> None:
    known: dict[Any, Any] = {TOKEN: Verified(facts(level=3))}
    at = World({TOKEN: NOTHING, PASSKEY: GOOD})
    allowed = run(deciding(TOKEN.level(3) & PASSKEY.level(2), at, known), NO_SOURCES, None)
    assert isinstance(allowed, Allow)
    assert allowed.findings == {TOKEN: known[TOKEN], PASSKEY: GOOD}
    assert at.found == [PASSKEY]
    assert len(known) == 1, "what another decision found is not added to"


def test_what_is_known_may_settle_all_of_it() -> None:
    at = World({})
    assert run(deciding(TOKEN.level(2), at, {TOKEN: GOOD}), NO_SOURCES, None)
    assert not run(deciding(TOKEN.level(3), at, {TOKEN: GOOD}), NO_SOURCES, None)
    assert at.found == []


def test_what_is_known_and_has_expired_does_not_count() -> None:
    at = World({}, now=NOW)
    known: dict[Any, Any] = {TOKEN: Verified(facts(level=2, expires_at=NOW))}
    assert not run(deciding(TOKEN.level(2), at, known), NO_SOURCES, None)


def test_who_is_asked_beside_a_decision_uses_nothing_up() -> None:
    # Whoever consumed the mark here would take it from the request that is decided about: there is no store to ask.
    once = Unspent(facts(level=2), ConsumeOnce("passkey", b"key", NOW + 60, NOW))
    found: dict[Any, Any] = {}
    at = World({TOKEN: GOOD, PASSKEY: once})
    assert run(gathering(PASSKEY, at, found), NO_SOURCES, None) == Verified(once.proven)
    assert found == {TOKEN: GOOD, PASSKEY: Verified(once.proven)}
    assert run(gathering(PASSKEY, at, found), NO_SOURCES, None) == Verified(once.proven)
    assert at.found == [TOKEN, PASSKEY]


class Beside(Toy):
    """Looks at the request beside what it is linked to."""

    def find_about(self, request: AccessRequest, about: Evidence) -> Finding[Facts]:
        return Verified(facts(subject=about.subject, level=7))


def test_what_is_linked_is_found_beside_the_other_and_what_is_not_alone() -> None:
    alone, linked = Beside("alone"), Beside("linked", of=TOKEN)
    assert decide(alone.level(2) & ~alone.level(3), World({alone: GOOD}))
    assert decide(linked.level(7), World({TOKEN: GOOD}))
