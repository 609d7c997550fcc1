"""Remedies: what is offered works, nothing less would, and what would work is offered."""

from __future__ import annotations

from hypothesis import given

from tests.laws import reference
from tests.laws.strategies import small_policies, times, worlds
from tests.laws.toys import BADGE, CODE, NOW, PASSKEY, PLACE, SESSION, TOKEN, ToySource, World, facts, twin
from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Leaf, Policy, Standing, all_of, any_of, at_least, not_presented, unavailable
from zerotrust.core.reason import EXPIRED, NOT_PRESENTED, SOURCE_DOWN
from zerotrust.core.remedy import Action, Demand, Remedy
from zerotrust.core.verifier import Verifier
from zerotrust.driver import Sources
from zerotrust.engine import decide, judge

Findings = dict[Verifier, Finding]
GOOD = Verified(facts())
NOTHING = Absent(NOT_PRESENTED())


def run(policy: Policy, at: World) -> Decision:
    return decide(policy, at, Sources(ToySource(at)))


def refused(policy: Policy, at: World) -> Challenge | Deny:
    decision = run(policy, at)
    assert not isinstance(decision, Allow)
    return decision


def asks(leaf: Leaf | Standing, verifier: Verifier) -> bool:
    return isinstance(leaf, Leaf) and leaf.verifier == verifier


def demands_of(remedy: Remedy) -> dict[Leaf | Standing, bool]:
    demands: dict[Leaf | Standing, bool] = {}
    for step in remedy.steps:
        if not step.demands:  # to be presented, whatever it says
            demands[not_presented(step.verifier)] = False
        demands |= {demand.leaf: demand.wanted for demand in step.demands}
    return demands


@times(4)
@given(small_policies, worlds)
def test_what_is_offered_works(policy: Policy, at: World) -> None:
    decision = run(policy, at)
    eager = reference.everything(policy, at.truth, NOW)
    for remedy in () if isinstance(decision, Allow) else decision.remedies:
        demands, stepped = demands_of(remedy), [step.verifier for step in remedy.steps]
        assert len(stepped) == len(set(stepped)), "one thing to do with each verifier"
        assert reference.verdict_under(policy, demands, stepped, eager, NOW) is True
        # Every step is possible, none takes less than it says, and nothing linked was forgotten.
        assert reference.steps_for(demands, eager, NOW) == {step.verifier: step.action for step in remedy.steps}
        for step in remedy.steps:
            assert step.again is reference.usable(eager[step.verifier], NOW)


@times(4)
@given(small_policies, worlds)
def test_nothing_less_would_work_and_what_works_is_offered(policy: Policy, at: World) -> None:
    decision = run(policy, at)
    if isinstance(decision, Allow):
        return
    eager = reference.everything(policy, at.truth, NOW)
    ways = list(reference.remedies(policy, eager, NOW))
    least = min((reference.effort(steps) for _, steps in ways), default=None)
    assert (decision.remedy and decision.remedy.effort) == least
    by_caller = least is not None and least[0] < Action.ASK_ADMINISTRATOR
    assert isinstance(decision, Challenge if by_caller else Deny)
    assert [remedy.effort for remedy in decision.remedies] == sorted(remedy.effort for remedy in decision.remedies)
    for remedy in decision.remedies:
        mine = {step.verifier: {(demand.leaf, demand.wanted) for demand in step.demands} for step in remedy.steps}
        for demands, steps in ways:
            other = {verifier: {pair for pair in demands.items() if asks(pair[0], verifier)} for verifier in steps}
            less = all(verifier in mine and other[verifier] <= mine[verifier] for verifier in other)
            assert not (less and other.keys() < mine.keys()), "a step could be left out"


def test_demands_that_exclude_each_other_are_not_offered() -> None:
    at = World({TOKEN: Verified(facts(since=NOW - 7, level=2))})
    for policy in (
        TOKEN.fresh(5) & ~TOKEN.fresh(10),
        TOKEN.fresh(5) & TOKEN.older(5),
        TOKEN.level(3) & ~TOKEN.level(2),
        TOKEN.has("pay") & ~TOKEN.has("pay"),
    ):
        decision = run(policy, at)
        assert isinstance(decision, Deny)
        assert decision.remedies == ()
        nobody = run(policy, World({TOKEN: NOTHING}))
        assert isinstance(nobody, Deny), "not even a first-time caller could be both"


def test_side_effects_are_taken_into_account() -> None:
    """Signing in anew ends the rest that was there: then the other branch has to hold."""
    at = World({TOKEN: Verified(facts(since=NOW - 30))})
    decision = run((TOKEN.older(10) | TOKEN.has("disk")) & TOKEN.fresh(5), at)
    assert isinstance(decision, Challenge)
    assert decision.remedy is not None
    assert decision.remedy.effort == (Action.FIX_DEVICE,)
    assert list(demands_of(decision.remedy).values()) == [True, True]


def test_a_promise_that_nobody_gives_is_not_made() -> None:
    decision = run(TOKEN.born("root"), World({TOKEN: NOTHING}))
    assert isinstance(decision, Deny)
    assert decision.remedy is None
    assert isinstance(run(~TOKEN.born("root"), World({TOKEN: NOTHING})), Challenge)
    assert isinstance(run(~TOKEN.born("root"), World({TOKEN: Verified(facts(flags={"root"}))})), Deny)


def test_what_is_linked_is_offered_with_what_it_is_linked_to() -> None:
    at = World({TOKEN: NOTHING, PASSKEY: NOTHING, CODE: NOTHING})
    decision = run(CODE.level(1), at)
    assert isinstance(decision, Challenge)
    assert decision.remedy is not None
    assert [step.verifier for step in decision.remedy.steps] == [TOKEN, PASSKEY, CODE]
    assert str(decision.remedy) == "present factor token and present factor passkey and present factor code"
    remedy = refused(PASSKEY.level(1), World({TOKEN: Unavailable(SOURCE_DOWN()), PASSKEY: NOTHING})).remedy
    assert remedy is not None
    assert remedy.effort == (Action.RETRY, Action.RETRY)


def test_what_is_linked_to_the_unattainable_is_not_offered() -> None:
    key = type(PASSKEY)("key", of=BADGE)
    at = World({TOKEN: GOOD, BADGE: NOTHING, key: NOTHING, PASSKEY: NOTHING})
    assert isinstance(run(key.level(1), at), Deny)
    either = run(key.level(1) | PASSKEY.level(1), at)
    assert isinstance(either, Challenge)
    assert [str(remedy) for remedy in either.remedies] == ["present factor passkey"]


def test_expired_evidence_is_renewed() -> None:
    old = Verified(facts(level=3, expires_at=NOW))
    decision = run(TOKEN.level(1), World({TOKEN: old}))
    assert isinstance(decision, Challenge)
    assert decision.remedy is not None
    assert not decision.remedy.steps[0].again
    assert decision.reason.kind is EXPIRED


def test_a_predicate_is_believed_of_new_evidence_and_not_of_old() -> None:
    leaf = TOKEN.that("root")
    assert isinstance(run(leaf, World({TOKEN: NOTHING})), Challenge)
    assert isinstance(run(leaf, World({TOKEN: GOOD})), Deny)
    kept = run(~leaf & TOKEN.level(1), World({TOKEN: GOOD}))  # what it said of this evidence, it goes on saying
    assert isinstance(kept, Challenge)
    lost = run((leaf | TOKEN.has("pay")) & PASSKEY.level(1), World({TOKEN: NOTHING, PASSKEY: NOTHING}))
    assert isinstance(lost, Challenge)


def test_equal_verifiers_are_one() -> None:
    """A policy may hold a verifier twice, as two equal objects: what one step brings, both leaves see."""
    policy = TOKEN.level(2) & Leaf(twin(TOKEN), TOKEN.has("pay").question)
    decision = run(policy, World({TOKEN: NOTHING}))
    assert isinstance(decision, Challenge)
    assert decision.remedy is not None
    assert len(decision.remedy.steps) == 1
    assert len(decision.remedy.steps[0].demands) == 2


def test_only_an_administrator_can_help() -> None:
    decision = run(TOKEN.has("root"), World({TOKEN: GOOD}))
    assert isinstance(decision, Deny)
    assert decision.remedy is not None
    assert not decision.remedy.by_caller
    assert str(decision.remedy) == "ask an administrator for has('root')"
    both = run(TOKEN.has("root") | TOKEN.has("disk"), World({TOKEN: GOOD}))
    assert isinstance(both, Challenge)
    assert [remedy.by_caller for remedy in both.remedies] == [True, False]


def test_cheapest_first_and_at_most_four() -> None:
    at = World({TOKEN: GOOD, PASSKEY: NOTHING, CODE: NOTHING, SESSION: Unavailable(SOURCE_DOWN()), PLACE: NOTHING})
    disk, pin, passkey = TOKEN.has("disk"), TOKEN.level(2), PASSKEY.level(1)
    policy = any_of(disk, passkey, TOKEN.fresh(5), SESSION.level(1), pin, PLACE.level(1))
    decision = run(policy, at)
    assert isinstance(decision, Challenge)
    efforts = [remedy.effort for remedy in decision.remedies]
    assert efforts == [
        (Action.RETRY,),
        (Action.SIGN_IN,),
        (Action.PRESENT_FACTOR,),
        (Action.PRESENT_FACTOR,),
    ]
    two = run(at_least(2, PASSKEY.level(1), TOKEN.fresh(5), TOKEN.level(2)), at)
    assert isinstance(two, Challenge)
    assert two.remedy is not None
    assert [step.verifier for step in two.remedy.steps] == [TOKEN], "one trip instead of two"


def test_what_another_step_brings_along_is_left_out() -> None:
    """Whoever presents a new passkey, as the code needs, comes without a disk: to demand that is to demand too much."""
    at = World({TOKEN: GOOD, PASSKEY: NOTHING, CODE: NOTHING})
    decision = run(at_least(2, ~PASSKEY.has("disk"), CODE.ripe(5), TOKEN.level(1)), at)
    assert isinstance(decision, Challenge)
    assert [[step.verifier for step in remedy.steps] for remedy in decision.remedies] == [
        [PASSKEY, TOKEN],
        [PASSKEY, CODE],
    ]
    assert [step.demands for step in decision.remedies[1].steps] == [(), (Demand(CODE.ripe(5), True),)]


def test_remedies_that_read_the_same_are_told_once() -> None:
    decision = refused(PASSKEY.level(1) | PASSKEY.level(2), World({TOKEN: GOOD, PASSKEY: NOTHING}))
    assert len(decision.remedies) == 2
    assert repr(decision) == "<CHALLENGE passkey.level(1) | passkey.level(2) -> present factor passkey>"


def test_of_equal_remedies_the_one_written_first_comes_first() -> None:
    at = World({TOKEN: NOTHING, PLACE: NOTHING})
    one, two, three = TOKEN.level(1), PLACE.level(1), TOKEN.level(2)
    for row in ((one, two, three), (three, two, one), (two, three, one)):
        assert [[*demands_of(remedy)] for remedy in refused(any_of(*row), at).remedies] == [[leaf] for leaf in row]


def test_no_remedy_undoes_an_outage_or_a_presence() -> None:
    at = World({TOKEN: GOOD, PASSKEY: GOOD})
    assert isinstance(run(not_presented(PASSKEY), at), Deny)
    assert isinstance(run(unavailable(PASSKEY), at), Deny)
    down = World({TOKEN: GOOD, PASSKEY: Unavailable(SOURCE_DOWN())})
    assert [str(remedy) for remedy in refused(~unavailable(PASSKEY), down).remedies] == [
        "try again (passkey could not be checked)"
    ]
    assert refused(~not_presented(PASSKEY), World({TOKEN: GOOD, PASSKEY: NOTHING})).remedy is not None
    assert isinstance(run(~not_presented(BADGE), World({TOKEN: GOOD, BADGE: NOTHING})), Deny)
    without = World({TOKEN: GOOD, PASSKEY: NOTHING})
    assert isinstance(run(all_of(not_presented(PASSKEY), PASSKEY.level(1)), without), Deny)


def test_findings_in_hand_are_judged_as_they_are() -> None:
    """What was not gathered is no one's to renew: nothing is promised of it."""
    decision = judge(TOKEN.level(1) & PASSKEY.level(1), {TOKEN: GOOD}, NOW)
    assert isinstance(decision, Deny)
    alone = judge(PASSKEY.level(1), {PASSKEY: Rejected(EXPIRED())}, NOW)
    assert isinstance(alone, Challenge)
