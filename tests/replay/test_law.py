"""The laws of replaying: on its own capsule a policy comes to what it did; on another's, to the truth or to nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.laws.strategies import policies, times, worlds
from tests.laws.toys import NOW, TOKEN, TOYS, ToySource, World, facts
from tests.replay.world import capsule_of, tried
from tests.search import usually
from zerotrust.core.decision import Allow, Decision
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.policy import Policy
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.verifier import Verifier
from zerotrust.driver import Sources
from zerotrust.engine import decide


def decided(policy: Policy, world: World) -> Decision:
    return decide(policy, world, Sources(ToySource(world)))


@times(2)
@given(policies, worlds)
def test_the_recorded_policy_comes_to_what_was_recorded(policy: Policy, world: World) -> None:
    decision = decided(policy, world)
    again = tried(policy, capsule_of(decision))
    assert again.allowed is isinstance(decision, Allow)
    judged = again.decision()
    assert judged is not None
    assert judged.verdict is decision.verdict
    if not again.by_answers and not again.missing:
        assert type(judged) is type(decision)


@times(2)
@given(policies, policies, worlds)
def test_another_policy_comes_to_what_it_would_have_or_to_nothing(old: Policy, new: Policy, world: World) -> None:
    told = tried(new, capsule_of(decided(old, world))).allowed
    if told is not None:
        assert told is isinstance(decided(new, world), Allow)


@given(policies, policies, worlds)
@usually(50)
def test_what_was_asked_to_be_kept_is_told_of_what_was_looked_at(old: Policy, new: Policy, world: World) -> None:
    decision = decided(old, world)
    with_it = tried(new, capsule_of(decision, also=new))
    assert with_it.allowed is not None or with_it.missing
    for missing in with_it.missing:  # everything but a predicate that nobody asked
        assert missing.endswith("was not looked at") or ".that(" in missing


def test_moments_are_kept_exactly() -> None:
    """Whether something is fresh at the very edge must not hang on how a number was written down."""
    for ago in (5.0, 5.000000001, 4.999999999, 1 / 3, 1e-9):
        for since in (NOW - ago, NOW - ago * (1 + 2**-50)):
            found: dict[Verifier, Finding] = {TOKEN: Verified(facts(since=since, expires_at=NOW + 0.1 + 0.2))}
            world = World({toy: found.get(toy, Absent(NOT_PRESENTED())) for toy in TOYS})
            decision = decided(TOKEN.fresh(5.0), world)
            capsule = capsule_of(decision)
            assert tried(TOKEN.fresh(5.0), capsule).allowed is isinstance(decision, Allow)
            assert capsule.found[0].until == NOW + 0.1 + 0.2


@given(st.floats(NOW - 1, NOW + 1))
@usually(30)
def test_what_had_expired_counts_no_more(expires_at: float) -> None:
    world = World({toy: Verified(facts(level=3, expires_at=expires_at)) for toy in TOYS})
    decision = decided(TOKEN.level(3), world)
    assert isinstance(decision, Allow) is (expires_at > NOW)
    assert tried(TOKEN.level(3), capsule_of(decision)).allowed is isinstance(decision, Allow)
