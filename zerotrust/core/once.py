"""What counts once: a finding with a mark, which is consumed last, when nothing else stands in the way."""

from __future__ import annotations

from typing import TypeVar

from zerotrust.core.ask import Gather, SourceFailed, ask
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Finding, Rejected, Unavailable, Verified
from zerotrust.core.reason import REPLAYED

E = TypeVar("E", bound=Evidence)


def spend(finding: Finding[E]) -> Gather[Finding[E]]:
    """Consume the mark of `finding`, if it has one.

    Returns:
        `Verified` without the mark for the first to come; `Rejected` with `replayed` for every other; `Unavailable`
        where that cannot be found out. A finding without a mark, as it is.
    """
    if not isinstance(finding, Verified) or finding.mark is None:
        return finding
    try:
        first = yield from ask(finding.mark)
    except SourceFailed as failure:
        return Unavailable(failure.reason, failure.retry_after)
    return Verified(finding.evidence) if first is True else Rejected(REPLAYED())
