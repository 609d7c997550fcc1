"""The life of one account's authenticator app, as a state machine beside a model that is written for clarity.

The app has eight digits, so that no code is another's by chance.
"""

from __future__ import annotations

import pyotp
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.search import usually
from tests.verifiers.codes import ANN, BOB, NOW, World, scanned, told, totp, wrong
from zerotrust.core.reason import Reason
from zerotrust.driver import run
from zerotrust.factors.enrolled import Enrolled

FACTOR = totp(digits=8, window=1, drift=2)
HOME = "192.0.2.1"


class Lane:
    """Wrong codes, by the words of the documentation."""

    def __init__(self, free: int, most: int) -> None:
        self.free, self.most, self.wrong, self.open_at = free, most, 0, 0.0

    def refuses(self, now: float) -> bool:
        return self.wrong >= self.most or now < self.open_at

    def add(self, now: float) -> None:
        self.wrong += 1
        if self.wrong > self.free:
            self.open_at = now + min(30 * 2 ** (self.wrong - self.free - 1), 3600)


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.now = NOW
        self.app: pyotp.TOTP | None = None
        self.offered: pyotp.TOTP | None = None
        self.offer_ends = 0.0
        self.begin()

    def begin(self, step: int = -1, drift: int = 0) -> None:
        self.step, self.drift = step, drift
        self.lanes = {True: Lane(3, 20), False: Lane(10, 80)}
        self.used: list[str] = []
        self.name = "Authenticator app"

    def this_step(self) -> int:
        return int(self.now // 30)

    def due(self, off: int, step: int, drift: int) -> str:
        if abs(off - drift) > 1:
            return "wrong_code"
        return "proven" if self.this_step() + off > step else "replayed"

    # --- Time --------------------------------------------------------------------------------------------------------
    @rule(seconds=st.sampled_from([0.4, 7.0, 30.0, 61.0, 601.0, 3601.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    # --- Enrolling ---------------------------------------------------------------------------------------------------
    @rule()
    def offer(self) -> None:
        app = scanned(self.world.offer(FACTOR, self.now))
        assert isinstance(app, pyotp.TOTP)
        self.offered, self.offer_ends = app, self.now + 600

    @precondition(lambda self: self.offered is not None)
    @rule(off=st.integers(-2, 2))
    def enrol(self, off: int) -> None:
        assert self.offered is not None
        made = self.world.enrol(FACTOR, self.offered.at(self.now, counter_offset=off), self.now)
        if isinstance(made, Reason) and made.code == "throttled":
            return  # too often in ten minutes, which has a test of its own
        if self.now >= self.offer_ends:
            assert told(made) == "not_enrolled"
        elif abs(off) > 1:
            assert told(made) == "wrong_code"
        else:
            assert isinstance(made, Enrolled)
            self.app, self.offered = self.offered, None
            self.begin(self.this_step() + off, off)

    @precondition(lambda self: self.offered is not None)
    @rule()
    def enrol_without_having_it(self) -> None:
        assert self.offered is not None
        assert told(self.world.enrol(FACTOR, wrong(self.offered, self.now), self.now)) in {
            "wrong_code", "throttled", "not_enrolled",
        }  # fmt: skip

    # --- Proving -----------------------------------------------------------------------------------------------------
    def expected(self, known: bool, then: str) -> str:
        """What is said if nothing but the throttle stands in the way of `then`; counts it."""
        if self.app is None:
            return "not_enrolled"
        lane = self.lanes[known]
        if lane.refuses(self.now):
            return "throttled"
        if then == "proven":
            lane.wrong = 0 if known else lane.wrong
            lane.open_at = 0.0
        else:
            lane.add(self.now)
        return then

    @precondition(lambda self: self.app is not None)
    @rule(off=st.integers(-4, 4), known=st.booleans())
    def prove(self, off: int, known: bool) -> None:
        assert self.app is not None
        code = self.app.at(self.now, counter_offset=off)
        said = self.expected(known, self.due(off, self.step, self.drift))
        assert self.world.said(FACTOR, code, self.now, known=known) == said
        if said == "proven":
            self.step, self.drift = self.this_step() + off, max(-2, min(2, off))
            self.used.append(code)

    @precondition(lambda self: self.used)
    @rule(data=st.data(), known=st.booleans())
    def replay(self, data: st.DataObject, known: bool) -> None:
        said = self.world.said(FACTOR, data.draw(st.sampled_from(self.used)), self.now, known=known)
        assert said in {"replayed", "wrong_code", "throttled"}
        assert said == self.expected(known, "wrong_code" if said == "throttled" else said)

    @precondition(lambda self: self.app is not None)
    @rule(known=st.booleans(), times=st.integers(1, 6))
    def guess(self, known: bool, times: int) -> None:
        assert self.app is not None
        for _ in range(times):
            expected = self.expected(known, "wrong_code")
            assert self.world.said(FACTOR, wrong(self.app, self.now), self.now, known=known) == expected

    @rule(code=st.sampled_from(["1234567", "123456789", "12345 78", "+1234567", "\uff11" * 8]))
    def present_what_is_no_code(self, code: str) -> None:
        """Nothing is counted for it, or it counts as any wrong one if it could be another authenticator's."""
        said = self.world.said(FACTOR, code, self.now, known=True)
        assert said == ("wrong_code" if len(code) != 7 else self.expected(True, "wrong_code"))

    # --- What its owner does with it ---------------------------------------------------------------------------------
    @precondition(lambda self: self.app is not None)
    @rule(name=st.sampled_from(["Phone", "Tablet"]))
    def rename(self, name: str) -> None:
        [listed] = self.world.listed(FACTOR, ANN, self.now)
        assert run(FACTOR.renaming(ANN, listed.id, name, self.now), self.world.sources) is None
        self.name = name

    @precondition(lambda self: self.app is not None)
    @rule()
    def remove(self) -> None:
        [listed] = self.world.listed(FACTOR, ANN, self.now)
        assert run(FACTOR.removing(ANN, listed.id, self.now), self.world.sources) is None
        self.app = self.offered = None
        self.begin()

    @invariant()
    def it_is_listed(self) -> None:
        listed = self.world.listed(FACTOR, ANN, self.now)
        assert [one.name for one in listed] == ([] if self.app is None else [self.name])
        assert self.world.listed(FACTOR, BOB, self.now) == ()


TestLife = Life.TestCase
TestLife.settings = usually(100, stateful_step_count=40)
