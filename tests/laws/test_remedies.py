"""Remedies: what is offered works, nothing less would, and what would work is offered."""

from __future__ import annotations

import pickle
from itertools import permutations
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from tests.laws import reference
from tests.laws.strategies import POOLS, any_one, small_policies, times, worlds
from tests.laws.toys import BADGE, CODE, NOW, PASSKEY, PLACE, SESSION, TOKEN, ToySource, World, facts, twin
from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Leaf, Policy, Standing, all_of, any_of, at_least, not_presented, unavailable
from zerotrust.core.promise import Promises
from zerotrust.core.reason import EXPIRED, NOT_PRESENTED, SOURCE_DOWN
from zerotrust.core.remedy import Action, Demand, Remedy
from zerotrust.core.unlock import _Search
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


@st.composite
def both_ways(draw: st.DrawFn) -> Policy:
    """A leaf that one branch wants and another must not have, as where the first rule that applies decides."""
    permit, forbid, rest, never = (draw(any_one(POOLS["all"])) for _ in range(4))
    forms = (
        permit | (~permit & ~forbid & rest),
        any_of(permit, rest) & ~any_of(forbid, never),
        (~permit | forbid) & any_of(permit, rest),
        at_least(2, permit, ~forbid, rest & ~permit),
        any_of(permit & forbid, rest & ~forbid, never),
    )
    return draw(st.sampled_from(forms))


@times(4)
@given(small_policies | both_ways(), worlds)
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


@times(3)
@given(small_policies | both_ways(), worlds)
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
        mine, taken = demands_of(remedy).items(), {step.verifier for step in remedy.steps}
        for demands, steps in ways:  # to be presented, whatever it says, is a demand of its own
            less = demands.items() <= mine and steps.keys() <= taken
            assert not less or steps.keys() == taken, "a step could be left out"
            assert not less or all(
                demands.get(demand.leaf) is demand.wanted for step in remedy.steps for demand in step.demands
            )


@times(3)
@given(small_policies | both_ways(), worlds)
def test_no_alternative_asks_for_all_that_another_asks_for(policy: Policy, at: World) -> None:
    """Whoever does the one has done the other, and more: then only the other is an alternative."""
    decision = run(policy, at)
    eager = reference.everything(policy, at.truth, NOW)
    for one, other in permutations(() if isinstance(decision, Allow) else decision.remedies, 2):
        less, more = ({step.verifier: step.action for step in remedy.steps} for remedy in (one, other))
        answer = reference.answers_under(policy, demands_of(other), more, eager, NOW)
        brought = all(answer(leaf) is wanted for leaf, wanted in demands_of(one).items())
        assert not (brought and all(more.get(verifier, 0) >= action for verifier, action in less.items()))


@given(small_policies, worlds)
def test_the_same_refusal_has_the_same_remedies_in_the_same_order(policy: Policy, at: World) -> None:
    first, again = run(policy, at), run(pickle.loads(pickle.dumps(policy)), at)
    if not isinstance(first, Allow):
        assert not isinstance(again, Allow)
        assert again.remedies == first.remedies


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
        [PASSKEY, CODE],
        [TOKEN, PASSKEY],
    ]
    assert [step.demands for step in decision.remedies[0].steps] == [(), (Demand(CODE.ripe(5), True),)]


def test_what_another_demand_brings_along_is_left_out() -> None:
    """Of one verifier, too: whoever signs in within 5 seconds has done so within 10."""
    at = World({TOKEN: NOTHING})
    for policy in (TOKEN.fresh(10) & TOKEN.fresh(5), TOKEN.fresh(5) & TOKEN.fresh(10) & ~TOKEN.has("pay")):
        remedy = refused(policy, at).remedy
        assert remedy is not None
        assert [step.demands for step in remedy.steps] == [(Demand(TOKEN.fresh(5), True),)]
    harder = refused(TOKEN.fresh(5) | TOKEN.fresh(10) | (TOKEN.fresh(10) & TOKEN.has("pay")), at)
    assert [demands_of(remedy) for remedy in harder.remedies] == [{TOKEN.fresh(10): True}]


def test_many_alternatives_cost_little_and_some_are_offered() -> None:
    """A stranger's refusal among a thousand ways evaluates a bounded number of nodes."""
    at: Findings = {TOKEN: NOTHING}
    leaves = [TOKEN.level(least) for least in range(1, 1001)]
    pairs = [TOKEN.level(least) & ~TOKEN.ripe(least) for least in range(1, 501)]
    ors = [TOKEN.level(least) | TOKEN.fresh(least) for least in range(1, 301)]
    nested: Policy = TOKEN.has("pay")
    for least in range(1, 201):
        nested = (nested & TOKEN.level(least)) | TOKEN.fresh(least)
    for policy in (any_of(*leaves), all_of(*leaves), at_least(500, *leaves), any_of(*pairs), all_of(*ors), nested):
        program, values = policy.program, policy.program.blank()
        search = _Search(program, values, at, NOW)
        assert search.ways()
        assert search.joined < 40_000
        with mock.patch.object(Promises, "carried_out", autospec=True, side_effect=Promises.carried_out) as tried:
            offered = judge(policy, at, NOW)
        assert not isinstance(offered, Allow)
        assert offered.remedies or policy == any_of(*pairs)
        assert 0 < tried.call_count * len(program.nodes) < 20_000
    assert (
        len(
            refused(
                any_of(*(PLACE.has("pay") & leaf for leaf in leaves)), World({TOKEN: NOTHING, PLACE: NOTHING})
            ).remedies
        )
        == 1
    )


def test_remedies_that_read_the_same_are_told_once() -> None:
    decision = refused(PASSKEY.level(1) | PASSKEY.has("pay"), World({TOKEN: GOOD, PASSKEY: NOTHING}))
    assert len(decision.remedies) == 2
    assert repr(decision) == "<CHALLENGE passkey.level(1) | passkey.has('pay') -> present factor passkey>"


def test_of_equal_remedies_the_one_written_first_comes_first() -> None:
    at = World({TOKEN: NOTHING, PLACE: NOTHING})
    one, two, three = TOKEN.level(1), PLACE.level(1), TOKEN.has("pay")
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
