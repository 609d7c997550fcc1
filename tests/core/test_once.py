"""What counts once: whoever comes first, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.laws.toys import NOW, facts
from zerotrust.core.ask import ConsumeOnce, Gather, SourceFailed
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Unspent, Verified
from zerotrust.core.once import spend
from zerotrust.core.reason import NOT_PRESENTED, REPLAYED, SOURCE_DOWN

MARK = ConsumeOnce("space", b"key", NOW + 60, NOW)
ONCE = Unspent(facts(level=1), MARK)


def ended(steps: Gather[Finding[Any]], answer: object) -> Finding[Any]:
    """What `steps` come to once the mark is answered."""
    assert next(steps) == MARK
    with pytest.raises(StopIteration) as end:
        steps.throw(answer) if isinstance(answer, Exception) else steps.send(answer)
    return end.value.value  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (True, Verified(ONCE.proven)),
        (False, Rejected(REPLAYED())),
        (None, Rejected(REPLAYED())),
        (1, Rejected(REPLAYED())),
        ("yes", Rejected(REPLAYED())),
        (SourceFailed(SOURCE_DOWN(), 7.0), Unavailable(SOURCE_DOWN(), 7.0)),
    ],
    ids=repr,
)
def test_it_counts_for_whom_the_store_says_true(answer: object, finding: Finding[Any]) -> None:
    assert ended(spend(ONCE), answer) == finding


@pytest.mark.parametrize("finding", [Verified(facts()), Absent(NOT_PRESENTED()), Rejected(REPLAYED())], ids=str)
def test_what_does_not_count_once_asks_nothing(finding: Finding[Any]) -> None:
    with pytest.raises(StopIteration) as end:
        next(spend(finding))
    assert end.value.value is finding


def test_until_it_is_spent_it_is_nothing() -> None:
    assert not ONCE
    assert ONCE.evidence is None
