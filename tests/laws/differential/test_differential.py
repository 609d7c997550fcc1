"""Some thousand pairs on which we, the reference evaluator, Cedar and Rego agree; `python -m` makes a million."""

from __future__ import annotations

import pytest

from tests.laws.differential import compare as comparing
from tests.laws.differential.compare import compare
from zerotrust.core.policy import Policy, anyone
from zerotrust.engine import judge


@pytest.mark.parametrize("number", range(30))
def test_all_agree(number: int) -> None:
    tally = compare(20261122, number)
    assert tally.pairs == 100
    assert tally.differences == []


def test_the_pairs_are_of_every_kind() -> None:
    tally = comparing.Tally()
    for number in range(40):
        tally.add(compare(20261122, number, each=10))
    assert min(tally.verdicts[verdict] for verdict in ("yes", "no", "unknown")) > tally.pairs / 20
    for kind in ("Combination", "PolicySet", "AtLeast", "Requirement", "Not", "Standing", "large set"):
        assert tally.kinds[kind] >= 2, kind


def test_a_difference_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(policy: Policy, findings: object, now: float) -> object:
        return judge(anyone(because="a mistake"), {}, now)

    monkeypatch.setattr(comparing, "judge", generous)
    tally = compare(20261122, 0)
    assert len(tally.differences) == tally.verdicts["no"] + tally.verdicts["unknown"] > 0
    assert "judge, decide (True, " in tally.differences[0]


@pytest.mark.parametrize("name", ["cedar", "rego"])
def test_a_difference_of_another_language_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getattr(comparing, name), "allowed", lambda policy, evidence: [False] * len(evidence))
    tally = compare(20261122, 0)
    assert len(tally.differences) == tally.verdicts["yes"] > 0
