"""A connection that lasts, against a model: time passes, tokens are revoked and renewed, the store fails."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.asgi.lasting import ISSUER, NOW, REVOCATION, Shaky, minted, shown, token
from tests.fastapi.world import http_scope, raw
from zerotrust import Denied, Sources, seconds
from zerotrust.driver import run
from zerotrust.web.access import Access
from zerotrust.web.answer import Answer
from zerotrust.web.asgi_request import access_request
from zerotrust.web.gate import Checkpoint, Gate, Passed
from zerotrust.web.standing import Standing, close_code

RECHECK = 30


class Connections(RuleBasedStateMachine):
    """One connection; whoever looks at it before each message must see what the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.store = Shaky()
        sources = Sources(self.store)
        self.gate = Gate(
            "blocking", default=token.valid, sources=sources, clock=lambda: self.now, recheck=seconds(RECHECK)
        )
        place = Checkpoint(self.gate.default, "/")
        passed = self.gate.admit(place, access_request(http_scope("/", headers=raw(shown(100))), NOW, sources))
        assert isinstance(passed, Passed)
        self.access: Access = passed.access
        self.standing = Standing(self.gate, place, self.access)
        self.ends, self.issued, self.looked = NOW + 100, NOW, NOW  # of the token, and the last decision
        self.revoked = -math.inf  # everything issued until then
        self.called = False
        self.cut: Answer | None = None

    @property
    def due(self) -> bool:
        return self.called or self.now >= self.ends or self.now >= self.looked + RECHECK

    @rule(passed=st.integers(0, 70))
    def time_passes(self, passed: int) -> None:
        self.now += passed

    @rule()
    def somebody_calls(self) -> None:
        self.gate.rounds.call()
        self.called = True

    @precondition(lambda self: not self.store.down)
    @rule()
    def the_subject_is_revoked(self) -> None:
        run(REVOCATION.revoke_subject(ISSUER.url, "alice", self.now), Sources(self.store))
        self.revoked = math.floor(self.now)

    @rule()
    def the_store_fails_or_comes_back(self) -> None:
        self.store.down = not self.store.down

    @precondition(lambda self: self.cut is None)
    @rule(life=st.integers(-20, 200), subject=st.sampled_from(["alice", "alice", "bob"]))
    def it_is_renewed(self, life: int, subject: str) -> None:
        issued = self.now if life > 0 else self.now - 100
        shows = {"authorization": f"Bearer {minted(max(life, 1), now=issued, subject=subject)}"}
        good = life > 0 and subject == "alice" and not self.store.down and math.floor(issued) > self.revoked
        before = self.standing.until, self.access.decision
        try:
            asyncio.run(self.standing.renew(shows))
        except Denied:
            assert not good
            assert (self.standing.until, self.access.decision) == before
        else:
            assert good
            self.ends, self.issued, self.looked, self.called = math.floor(issued) + life, issued, self.now, False

    @precondition(lambda self: self.cut is None)
    @rule()
    def a_message_comes(self) -> None:
        assert self.standing.due() is self.due
        if not self.due:
            return
        self.cut = self.standing.look()
        why = None
        if self.now >= self.ends:
            why = (401, "expired")
        elif self.store.down:
            why = (503, "source_timeout")
        elif math.floor(self.issued) <= self.revoked:
            why = (401, "revoked")
        assert (None if self.cut is None else (self.cut.status, self.cut.code)) == why
        self.looked, self.called = self.now, False

    @invariant()
    def it_is_known_until_when(self) -> None:
        if self.cut is None:
            assert self.standing.until == pytest.approx(self.ends, abs=1e-3)
            assert self.access.valid_until == self.standing.until
            until_due = max(0.0, min(self.ends, self.looked + RECHECK) - self.now)
            assert self.standing.delay() == pytest.approx(until_due, abs=1e-3)


TestConnections = Connections.TestCase
TestConnections.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize(("status", "code"), [(401, 3000), (400, 3000), (403, 3003), (404, 3003), (503, 1013)])
def test_close_codes_say_what_the_status_does(status: int, code: int) -> None:
    assert close_code(Answer(status, (), b"", "why")) == code
