"""How often what costs something is done for one account from one address, and by whoever is not signed in."""

from __future__ import annotations

from typing import Final

from zerotrust.core.ask import Count, Gather, ask
from zerotrust.core.reason import THROTTLED, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.attempt import network_of
from zerotrust.web.ceremonies.setup import Visit

SPACE: Final = "ceremonies"
MINUTE: Final = 60.0

PER_ADDRESS: Final = 600
"""Steps of signing in that one address (or /64 of IPv6) may take in a minute; a whole office may be behind one."""

PER_ACCOUNT: Final = 60
"""Steps of one account, from one address, in a minute. From one address: whoever has stolen the first factor alone must
not be able to keep the owner from enrolling by asking all the time."""


def limiting(visit: Visit, account: Account | None) -> Gather[Reason | None]:
    """Count one step: `throttled` if there were too many."""
    network = b"" if visit.request.client is None else network_of(visit.request.client)
    if account is None:
        return (yield from _counting(visit, b"address\n" + network, MINUTE, PER_ADDRESS))
    return (yield from _counting(visit, b"account\n" + network + b"\n" + account.key, MINUTE, PER_ACCOUNT))


def _counting(visit: Visit, key: bytes, window: float, most: int) -> Gather[Reason | None]:
    count = yield from ask(Count(SPACE, key, window, visit.now))
    return THROTTLED(expected=window / 8) if count > most else None
