"""The law of replaying: tried on its own capsule, a policy comes to what it came to."""

from __future__ import annotations

from hypothesis import given

from tests.laws.strategies import policies, times, worlds
from tests.laws.toys import ToySource, World
from tests.replay.world import capsule_of, tried
from zerotrust.core.decision import Allow
from zerotrust.core.policy import Policy
from zerotrust.driver import Sources
from zerotrust.engine import decide


@times(2)
@given(policies, worlds)
def test_the_recorded_policy_comes_to_what_was_recorded(policy: Policy, world: World) -> None:
    decision = decide(policy, world, Sources(ToySource(world)))
    capsule = capsule_of(decision)
    again = tried(policy, capsule)
    assert again.allowed is isinstance(decision, Allow)
    judged = again.decision()
    assert judged is not None
    assert judged.verdict is decision.verdict
    if not again.by_answers and not again.missing:
        assert type(judged) is type(decision)
