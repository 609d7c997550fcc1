"""Sessions against a model: whatever happens in whatever order, exactly the ids count that should."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.search import usually
from tests.sessions.browsers import ADA, EVE, KEEPERS, NOW, Browser, Shop, proof
from zerotrust.core.moments import minutes
from zerotrust.driver import run
from zerotrust.factors.account import Account
from zerotrust.factors.proof import Proof
from zerotrust.sessions.keeper import Held
from zerotrust.sessions.registry import Begun
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence

IDLE, LONGEST, MOST, SPARE = 600.0, 2400.0, 3, 3600.0


@dataclass
class Known:
    """One session, as the model has it."""

    account: Account
    handle: str
    started: float
    seen: float
    proofs: list[Proof]
    generation: int = 0
    ended: bool = False
    listed: bool = True


@dataclass
class Copy:
    """One value that a browser was given."""

    known: Known
    generation: int
    seen: float


@dataclass
class Model:
    sealed: bool
    sessions: list[Known] = field(default_factory=list[Known])
    copies: dict[str, Copy] = field(default_factory=dict[str, Copy])

    def counts(self, value: str, now: float) -> bool:
        copy = self.copies[value]
        known = copy.known
        seen = copy.seen if self.sealed else known.seen
        newest = copy.generation == known.generation and not known.ended
        return newest and now < seen + IDLE and now < known.started + LONGEST

    def looks_alive(self, known: Known, now: float) -> bool:
        """As a list tells: of a sealed session nobody knows when it was used."""
        return not known.ended and now < known.started + LONGEST and (self.sealed or now < known.seen + IDLE)

    def listed(self, account: Account, now: float) -> list[Known]:
        those = [
            one
            for one in self.sessions
            if one.account == account and one.listed and now < one.started + LONGEST + SPARE
        ]
        return sorted(those, key=lambda one: (one.started, one.handle))

    def end(self, known: Known) -> None:
        known.ended, known.listed = True, False

    def make_room(self, account: Account, now: float) -> None:
        listed = self.listed(account, now)
        excess = len(listed) - MOST + 1
        order = [one for one in listed if not self.looks_alive(one, now)]
        order += [one for one in listed if self.looks_alive(one, now)]
        for one in order[: max(0, excess)]:
            self.end(one)


class Sessions(RuleBasedStateMachine):
    """Two people, three browsers, and a thief with every cookie that there ever was."""

    keep = "kept"

    def __init__(self) -> None:
        super().__init__()
        session = Session(source="shop", keep=KEEPERS[self.keep], idle=minutes(10), longest=minutes(40), most=MOST)
        self.shop = Shop(session)
        self.model = Model(self.keep == "sealed")
        self.browsers = [Browser() for _ in range(3)]
        self.now = NOW
        self.number = 0

    def shown(self, browser: Browser) -> Copy | None:
        """What the model knows of the cookie of `browser`, if that counts."""
        value = browser.cookies.get("__Host-session")
        return self.model.copies[value] if value and self.model.counts(value, self.now) else None

    def given(self, browser: Browser, known: Known) -> None:
        self.model.copies[browser.cookie] = Copy(known, known.generation, known.seen)

    def new_proof(self, by: str) -> Proof:
        return proof(at=self.now, by=by)

    @rule(at=st.integers(0, 2), who=st.sampled_from([ADA, EVE]))
    def sign_in(self, at: int, who: Account) -> None:
        browser = self.browsers[at]
        before = self.shown(browser)
        begun = self.shop.sign_in(browser, who, self.now)
        if before is not None:
            self.model.end(before.known)
        self.model.make_room(who, self.now)
        known = Known(who, begun.record.handle, self.now, self.now, [])
        self.model.sessions.append(known)
        self.given(browser, known)

    @rule(at=st.integers(0, 2), by=st.sampled_from("12"), who=st.sampled_from([ADA, ADA, EVE]))
    def prove(self, at: int, by: str, who: Account) -> None:
        browser = self.browsers[at]
        before = self.shown(browser)
        new = self.new_proof(by)
        begun = self.shop.prove(browser, new, who)
        assert isinstance(begun, Begun) is (before is not None and before.known.account == who)
        if isinstance(begun, Begun):
            assert before is not None
            known = before.known
            known.proofs = [*(one for one in known.proofs if one.by != by), new]
            known.generation += 1
            known.seen = self.now
            self.given(browser, known)
            assert list(begun.record.proofs) == known.proofs

    @rule(at=st.integers(0, 2), by=st.sampled_from("12"))
    def forget(self, at: int, by: str) -> None:
        browser = self.browsers[at]
        before = self.shown(browser)
        begun = run(self.shop.session.forgetting(browser.request(self.now), "totp", by), self.shop.sources)
        assert isinstance(begun, Begun) is (before is not None)
        if isinstance(begun, Begun):
            assert before is not None
            browser.take(begun.headers)
            before.known.proofs = [one for one in before.known.proofs if one.by != by]
            before.known.generation += 1
            before.known.seen = self.now
            self.given(browser, before.known)

    @rule(at=st.integers(0, 2))
    def use(self, at: int) -> None:
        browser = self.browsers[at]
        self.look(browser)

    def look(self, browser: Browser) -> None:
        before = self.shown(browser)
        evidence = self.shop.use(browser, self.now)
        assert isinstance(evidence, SessionEvidence) is (before is not None)
        if isinstance(evidence, SessionEvidence):
            assert before is not None
            assert list(evidence.proofs) == before.known.proofs
            assert evidence.subject == before.known.account.subject
            seen = before.seen if self.model.sealed else before.known.seen
            if self.now - seen >= IDLE / 10:
                seen = self.now
                if self.model.sealed:
                    self.model.copies[browser.cookie] = Copy(before.known, before.generation, seen)
                else:
                    before.known.seen = seen
            assert evidence.expires_at == min(seen + IDLE, before.known.started + LONGEST)

    @precondition(lambda self: bool(self.model.copies))
    @rule(pick=st.integers(0, 10**6))
    def a_thief_uses_a_cookie(self, pick: int) -> None:
        values = list(self.model.copies)
        self.look(Browser({"__Host-session": values[pick % len(values)]}))

    @rule(at=st.integers(0, 2))
    def sign_out(self, at: int) -> None:
        browser = self.browsers[at]
        before = self.shown(browser)
        browser.take(run(self.shop.session.ending(browser.request(self.now)), self.shop.sources))
        assert browser.cookies == {}
        if before is not None:
            self.model.end(before.known)

    @rule(who=st.sampled_from([ADA, EVE]))
    def revoke_all(self, who: Account) -> None:
        listed = self.model.listed(who, self.now)
        assert run(self.shop.session.revoking(who, self.now), self.shop.sources) == len(listed)
        for known in listed:
            self.model.end(known)

    @precondition(lambda self: bool(self.model.sessions))
    @rule(pick=st.integers(0, 10**6), who=st.sampled_from([ADA, EVE]))
    def revoke_one(self, pick: int, who: Account) -> None:
        known = self.model.sessions[pick % len(self.model.sessions)]
        ours = known in self.model.listed(who, self.now)
        ended = run(self.shop.session.revoking(who, self.now, handle=known.handle), self.shop.sources)
        assert ended == int(ours)
        if ours:
            self.model.end(known)

    @rule(seconds=st.sampled_from([1.0, 30.0, 60.0, 299.0, 300.0, 599.0, 600.0, 1800.0, 6001.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def exactly_the_ids_count_that_should(self) -> None:
        for value in self.model.copies:
            held = run(self.shop.session._sessions.reading(value, self.now), self.shop.sources)
            assert isinstance(held, Held) is self.model.counts(value, self.now)

    @invariant()
    def what_is_listed_is_what_there_is(self) -> None:
        for who in (ADA, EVE):
            listed = run(self.shop.session.listing(who, self.now), self.shop.sources)
            alive = [one for one in self.model.listed(who, self.now) if self.model.looks_alive(one, self.now)]
            assert [one.handle for one in listed] == [one.handle for one in alive]
            assert len(listed) <= MOST


@pytest.mark.parametrize("keep", sorted(KEEPERS))
def test_sessions(keep: str) -> None:
    kind = type("Sessions", (Sessions,), {"keep": keep})
    run_state_machine_as_test(kind, settings=usually(40, stateful_step_count=25))
