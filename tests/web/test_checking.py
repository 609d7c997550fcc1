"""Checks in a handler that say too little, too much or something else: mistakes of who wrote it, told as such."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fastapi.shadows import Probe
from zerotrust import AccessRequest, Allow, Bearer, ConfigError, Denied, Issuer, Resource, Sources, Verified, judge
from zerotrust.core.decision import Decision, Deny
from zerotrust.core.errors import PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Finding
from zerotrust.core.policy import Policy, anyone
from zerotrust.testing.coverage_recording import Recorder
from zerotrust.web.access import Access
from zerotrust.web.answer import answer, undecided
from zerotrust.web.checking import Desk, NotGiven

NOW = 1_800_000_000.0


@dataclass
class Invoice:
    owner: str
    paid: bool = False


@dataclass
class Report:
    author: str


token = Bearer(Issuer("https://login.example.com"), audience="invoices")
invoice, report = Resource(Invoice), Resource(Report)
owns = (invoice.owner == token.subject).named("owns").tagged("sensitive")
can_read = token.scope("read").named("can read")
OURS = Invoice("ada")


class Handler:
    """A handler that was let in, and the decisions that its door is told of."""

    def __init__(self) -> None:
        self.told: list[Decision] = []
        says = {"subject": "ada", "source": "https://login.example.com", "scope": ["read"]}
        decision = judge(can_read, {token: Verified(token.exhibit(says, NOW))}, NOW)
        assert isinstance(decision, Allow)
        desk = Desk(Sources(), lambda: NOW, lambda one, _: self.told.append(one))
        self.access = Access(decision, request=AccessRequest(now=NOW), desk=desk)

    def checks(self, way: str, policy: Policy, **about: Any) -> Allow:
        if way == "check":
            return self.access.check(policy, **about)
        return asyncio.run(self.access.check_async(policy, **about))


ways = pytest.mark.parametrize("way", ["check", "check_async"])


@ways
def test_without_the_object_it_is_said_what_is_missing(way: str) -> None:
    at = Handler()
    for policy, called, asked in (
        (owns, "owns", "invoice.owner == token.subject"),
        (
            can_read & ~invoice.paid.is_true,
            "token.scope(\"read\").named('can read') & ~invoice.paid.is_true",
            "invoice",
        ),
    ):
        for hidden in (False, True):
            with pytest.raises(ConfigError) as said:
                at.checks(way, policy, hidden=hidden)
            assert str(said.value).startswith(f"access.{way} of {called} needs resource=")
            assert f"it asks {asked}" in str(said.value)
    assert at.told == []


@ways
def test_an_object_that_the_policy_does_not_look_at_is_refused(way: str) -> None:
    """OWASP API1:2023: it reads as if the object had been checked."""
    at = Handler()
    for resource in (OURS, None, 7):
        with pytest.raises(ConfigError, match=rf"access.{way} of can read has a resource=, and asks nothing of it"):
            at.checks(way, can_read, resource=resource)
    assert at.told == []
    assert at.checks(way, can_read)


@ways
@pytest.mark.parametrize(
    "wrong", [{"owner": "secret"}, Report("secret"), Invoice, "secret"], ids=lambda one: str(type(one))
)
def test_an_object_of_another_class_is_told_without_what_it_holds(
    way: str, wrong: object, caplog: pytest.LogCaptureFixture
) -> None:
    at = Handler()
    with caplog.at_level(logging.WARNING, "zerotrust.guard"), pytest.raises(Denied):
        at.checks(way, owns, resource=wrong, hidden=True)
    assert [one.getMessage() for one in caplog.records] == [
        f"access.check of owns expects Invoice, and was given {type(wrong).__name__}: refused"
    ]
    assert "secret" not in caplog.text


def test_that_there_is_nothing_is_no_policy_to_cover() -> None:
    at, recorder = Handler(), Recorder()
    recorder.start()
    try:
        assert at.checks("check", owns, resource=OURS)
        with pytest.raises(Denied):
            at.checks("check", owns, resource=None)
    finally:
        recorder.stop()
    assert list(recorder.seen) == [owns]
    assert len(at.told) == 2


def test_of_several_classes_any_will_do(caplog: pytest.LogCaptureFixture) -> None:
    at = Handler()
    either = (invoice.owner == token.subject) | (report.author == token.subject)
    with caplog.at_level(logging.WARNING, "zerotrust.guard"):
        assert at.checks("check", either, resource=OURS)
        assert at.checks("check", either, resource=Report("ada"))
        assert caplog.records == []
        with pytest.raises(Denied):
            at.checks("check", either, resource=7)
    assert "expects Invoice or Report, and was given int" in caplog.text


@ways
def test_none_is_a_quiet_refusal(way: str, caplog: pytest.LogCaptureFixture) -> None:
    at = Handler()
    with caplog.at_level(logging.DEBUG), pytest.raises(Denied) as denied:
        at.checks(way, owns | can_read, resource=None)
    refusal = denied.value.decision
    assert (refusal.reason.code, refusal.name, type(refusal)) == ("not_presented", str(owns | can_read), Deny)
    assert str(refusal.reason) == "nothing was presented: there is no such object (resource=None)"
    assert at.told == [refusal]
    assert [one for one in caplog.records if one.name.startswith("zerotrust")] == []
    assert at.checks(way, owns, resource=OURS)
    with pytest.raises(Denied) as denied:
        at.checks(way, owns | anyone(because="a test"), resource=None)
    assert denied.value.decision.reason.code == "not_presented"


@ways
def test_what_is_no_policy_is_refused(way: str) -> None:
    at = Handler()
    wrong: Any = "can read"
    with pytest.raises(PolicyError, match=rf"access\.{way}\(\.\.\.\)"):
        at.checks(way, wrong)
    assert at.told == []


@ways
def test_a_body_that_the_handler_has_is_not_read_again(way: str) -> None:
    at = Handler()
    with pytest.raises(ConfigError, match=r"looks at the body of the request, .* require it on the route"):
        at.checks(way, Probe(reads_body=True).good)
    assert at.told == []


def test_a_check_that_would_have_to_wait_says_what_waits() -> None:
    at = Handler()
    other = Bearer(Issuer("https://other.example.com"), audience="invoices")
    with pytest.raises(ConfigError, match=r"waits for nobody, .* needs Fetch: write await access\.check_async\("):
        at.checks("check", other.scope("read"))
    assert at.told == []


def test_that_nothing_is_said_is_shown_by_its_name() -> None:
    assert repr(NotGiven.NOT_GIVEN) == "NOT_GIVEN"


class Secret(Exception):
    """What a broken verifier raises."""


class Broken(Probe):
    """Raises whatever it is asked."""

    def find(self, request: AccessRequest) -> Finding[Evidence]:  # type: ignore[override]
        raise Secret("hunter2")


@ways
def test_a_verifier_that_fails_ends_in_the_refusal_of_the_door(way: str, caplog: pytest.LogCaptureFixture) -> None:
    at, policy = Handler(), Broken().good.named("is known")
    with pytest.raises(Denied) as denied:
        at.checks(way, policy)
    assert answer(denied.value.decision) == undecided()
    assert denied.value.__cause__ is None
    assert [one.levelname for one in caplog.records] == ["ERROR"]
    assert caplog.messages[0].startswith(f"refused at is known (access.{way}), since deciding failed: Secret at ")
    assert "hunter2" not in caplog.text
    assert at.told == []
