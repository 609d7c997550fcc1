"""The laws of replaying hold for every verifier, on evidence that says anything it may say."""

from __future__ import annotations

import random

import pytest

from tests.replay.world import KEY, capsule_of, recorded, tried
from tests.verifiers.facts_samples import FAMILIES, Family
from tests.verifiers.tokens import NOW
from zerotrust.core.decision import Allow, Decision
from zerotrust.core.fact_values import attributes
from zerotrust.core.finding import Verified
from zerotrust.core.policy import Policy
from zerotrust.engine import judge
from zerotrust.replay.plan import is_private

_TIMES = 60
SECRET = "planted-secret"


def decided(policy: Policy, family: Family, values: dict[str, object]) -> Decision:
    return judge(policy, {family.verifier: Verified(family.verifier.exhibit(values, NOW))}, NOW)


def drawn(family: Family, chance: random.Random) -> dict[str, object]:
    return {name: chance.choice(pool) for name, pool in family.values.items()}


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_policy_comes_to_what_it_came_to(family: Family) -> None:
    chance = random.Random(family.name)
    for _ in range(_TIMES):
        one, other = (chance.choice(family.leaves) for _ in range(2))
        policy = chance.choice([one & other, one | ~other, ~one])
        decision = decided(policy, family, drawn(family, chance))
        again = tried(policy, capsule_of(decision))
        assert again.allowed is isinstance(decision, Allow)
        judged = again.decision()
        assert judged is not None
        assert judged.verdict is decision.verdict


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_another_policy_is_told_where_it_was_asked_for(family: Family) -> None:
    chance = random.Random(family.name)
    for _ in range(_TIMES):
        old, new = (chance.choice(family.leaves) for _ in range(2))
        values = drawn(family, chance)
        decision = decided(old, family, values)
        truth = isinstance(decided(new, family, values), Allow)
        assert tried(new, capsule_of(decision, also=new)).allowed is truth
        assert tried(new, capsule_of(decision)).allowed in (None, truth)
        assert tried(new, capsule_of(decision, also=new), None).allowed in (None, truth)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_what_no_leaf_reads_and_who_somebody_is_do_not_show(family: Family) -> None:
    """Texts that evidence may hold, each marked; the marks of those that a policy does not read never show."""
    for leaf in family.leaves:
        fact = leaf.question.facts()
        assert fact is not None
        open_ = {one.name for one in attributes(fact) if not is_private(one)}
        for name, value in marked(family).items():
            try:
                decision = decided(leaf, family, {name: value})
            except Exception:
                continue  # evidence of this kind cannot say that
            line = recorded(decision).decode()
            if name not in open_ or family.verifier.contextual:
                assert SECRET not in line, f"{leaf}: {name}"


def marked(family: Family) -> dict[str, object]:
    """Each attribute with a value like those it has, and a mark in every text."""
    values: dict[str, object] = {f"claims.{name}": SECRET for name in ("email", "sub", "password", "dept")}
    values |= {"subject": SECRET, "source": f"https://{SECRET}.example"}
    for name, pool in family.values.items():
        value = next((one for one in pool if isinstance(one, str)), None)
        values[name] = (
            SECRET if value is not None else [SECRET] if any(isinstance(one, list) for one in pool) else pool[0]
        )
    return values


def test_digests_are_made_with_the_key() -> None:
    family = FAMILIES[0]
    leaf = next(leaf for leaf in family.leaves if str(leaf).startswith("token.subject"))
    line = recorded(decided(leaf, family, {"subject": "ada", "source": "https://issuer.example"}))
    assert b'"hidden":["subject"]' in line
    assert KEY not in line
