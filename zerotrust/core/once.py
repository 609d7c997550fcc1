"""What counts once: its mark is consumed last, when nothing else stands in the way."""

from __future__ import annotations

from typing import TypeVar

from zerotrust.core.ask import ConsumeOnce, Gather, SourceFailed
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Finding, Rejected, Unavailable, Unspent, Verified
from zerotrust.core.reason import REPLAYED

E = TypeVar("E", bound=Evidence)


def consume(mark: ConsumeOnce) -> Gather[Rejected | Unavailable | None]:
    """Consume `mark`.

    Returns:
        None for the first to come; `Rejected` with `replayed` for every other; `Unavailable` where that cannot be
        found out.
    """
    try:
        first = yield mark
    except SourceFailed as failure:
        return Unavailable(failure.reason, failure.retry_after)
    return None if first is True else Rejected(REPLAYED())


def spend(finding: Finding[E]) -> Gather[Finding[E]]:
    """Consume the mark of `finding`, if it counts once.

    Returns:
        `Verified`, or what `consume` gave instead. What does not count once, as it is.
    """
    if not isinstance(finding, Unspent):
        return finding
    lost = yield from consume(finding.mark)
    return Verified(finding.proven) if lost is None else lost
