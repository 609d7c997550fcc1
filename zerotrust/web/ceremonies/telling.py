"""What ceremonies tell the developers on the logger `zerotrust.ceremonies`.

Refusals are told at DEBUG, as the guard tells its own; what was done, for which account, at INFO. Neither codes nor
secrets stand in either: a reason never holds one, and of what was posted nothing is told but the names of methods.
"""

from __future__ import annotations

import logging
from typing import Final

from zerotrust.core.text import visible
from zerotrust.web.ceremonies.setup import Done, Outcome, Refused, Visit

LOG: Final = logging.getLogger("zerotrust.ceremonies")


def tell_outcome(visit: Visit, outcome: Outcome) -> None:
    """Tell what came of `visit`."""
    if isinstance(outcome, Done):
        if outcome.said:
            method = visit.posted.members.get("method") if visit.path.startswith("factors/") else None
            LOG.info("%s%s: %s%s", visit.path, f" {visible(method)}" if method else "", outcome.said, _whose(visit))
    elif LOG.isEnabledFor(logging.DEBUG):
        said = outcome.decision if isinstance(outcome, Refused) else f"{outcome.code}: {outcome}"
        LOG.debug("refused %s %s%s: %s", visit.request.method, visible(visit.path), _whose(visit), said)


def tell_elsewhere(at: str, root: str) -> None:
    """Tell that what was asked for is not below `at`, and where all is mounted, if whoever mounted it said so."""
    if root:
        LOG.info("nothing here: ceremonies are served at %s, and mounted at %s: give both the same", at, visible(root))
    else:
        LOG.info("nothing here: ceremonies are served at %s, and asked for elsewhere", at)


def _whose(visit: Visit) -> str:
    if not visit.people:
        return ""
    account = visit.people[-1]
    return f" ({visible(account.subject)} of {visible(account.source)})"
