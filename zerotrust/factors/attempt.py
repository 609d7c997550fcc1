"""An attempt to prove a factor by a code: counted first, then looked at, then taken back if it was right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from typing import Final, Generic, TypeVar

from zerotrust.core.ask import Count, Gather, ask
from zerotrust.core.reason import NOT_ENROLLED, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.held import BUSY, RETRIES, Found, Held, Records, State
from zerotrust.factors.throttle import PER_PAIR, Lane, Throttle, throttled

S = TypeVar("S", bound=State)

# Attempts, and those among them that were right or never made: the rest are failures. Shared by all methods, so that
# an address has no fresh start with each.
_TRIES: Final = "factor.tries"
_GOOD: Final = "factor.good"

_HOUR: Final = 3600.0
_DAY: Final = 86400.0

_NOT_ENROLLED: Final = NOT_ENROLLED()


@dataclass(frozen=True, slots=True)
class Admitted(Generic[S]):
    """An attempt that was counted and may be looked at.

    Attributes:
        account: whose authenticator.
        found: its record, with the attempt counted.
        held: what it says.
        known: in which lane it was counted.
        lane: that lane as the attempt left it.
        network: where it comes from; None if nobody knows, or it does not matter.
        failures: how many failures there were from there lately, this one included.
    """

    account: Account
    found: Found[S]
    held: Held[S]
    known: bool
    lane: Lane
    network: bytes | None
    failures: int


@dataclass(frozen=True, slots=True)
class Attempts(Generic[S]):
    """The attempts at authenticators of one kind.

    Attributes:
        records: where they are kept.
        throttle: how many are let through.
    """

    records: Records[S]
    throttle: Throttle

    def admitting(self, account: Account, now: float, address: str | None, known: bool) -> Gather[Admitted[S] | Reason]:
        """Count an attempt.

        Args:
            account: whose authenticator.
            now: POSIX seconds.
            address: where the attempt comes from; None if nobody knows.
            known: whether it comes from a browser in which `account` has proven a factor before.

        Returns:
            What to look at; or `not_enrolled`, or `throttled`, and then nothing was counted.
        """
        found = yield from self.records.reading(account, now)
        if found.held is None:
            return _NOT_ENROLLED
        id_, held = found.held.id, found.held
        tries = self.throttle.admit(held.tries, known, now)
        if isinstance(tries, Reason):
            return tries
        network = None if known or address is None else network_of(address)
        failures = 1
        if network is not None:
            counted = yield from self._counting(network, id_, now)
            if isinstance(counted, Reason):
                return counted
            failures = counted
        refused: Reason = BUSY
        for _ in range(RETRIES):
            made = yield from self.records.replacing(account, found, replace(held, tries=tries), now)
            if made is not None and made.held is not None:
                return Admitted(account, made, made.held, known, tries.lane(known), network, failures)
            found = yield from self.records.reading(account, now)
            if found.held is None or found.held.id != id_:
                refused = _NOT_ENROLLED
                break
            held = found.held
            tries = self.throttle.admit(held.tries, known, now)
            if isinstance(tries, Reason):
                refused = tries
                break
        yield from self._crediting(network, id_, 1, now)
        return refused

    def settling(
        self, admitted: Admitted[S], change: Callable[[S], S | Reason], now: float
    ) -> Gather[Held[S] | Reason]:
        """Keep what a right code changes, once, and take the attempt back.

        Args:
            admitted: the attempt.
            change: makes the new state of the one that is kept, or says why the code does not count any more.
            now: POSIX seconds.

        Returns:
            What is kept now; or what `change` said, `not_enrolled` if the authenticator is gone by now, or `throttled`.
            In these cases the attempt stays counted.
        """
        account, id_ = admitted.account, admitted.held.id
        found = admitted.found
        for _ in range(RETRIES):
            held = found.held
            if held is None or held.id != id_:
                return _NOT_ENROLLED
            state = change(held.state)
            if isinstance(state, Reason):
                return state
            tries = held.tries.taken_back(admitted.known, admitted.lane, admitted.failures)
            made = yield from self.records.replacing(
                account, found, replace(held, state=state, used_at=now, tries=tries), now
            )
            if made is not None and made.held is not None:
                yield from self._crediting(admitted.network, id_, admitted.failures, now)
                return made.held
            found = yield from self.records.reading(account, now)
        return BUSY

    # --- Addresses ---------------------------------------------------------------------------------------------------

    def _counting(self, network: bytes, id_: str, now: float) -> Gather[int | Reason]:
        """Count an attempt from `network`: how many failures there were at this authenticator; or `throttled`."""
        failures = 0
        for key, window, most in (
            (network, _HOUR, self.throttle.per_address),
            (_pair(network, id_), _DAY, PER_PAIR),
        ):
            made = yield from ask(Count(_TRIES, key, window, now))
            good = yield from ask(Count(_GOOD, key, window, now, add=0))
            failures = made - good
            if failures > most:
                # Then it is not made. When there is room again cannot be told; an eighth of the window passes at once.
                yield from ask(Count(_GOOD, key, window, now))
                if window == _DAY:
                    yield from ask(Count(_GOOD, network, _HOUR, now))
                return throttled(window / 8)
        return max(1, failures)

    def _crediting(self, network: bytes | None, id_: str, failures: int, now: float) -> Gather[None]:
        """Take an attempt from `network` back, and `failures` at this authenticator."""
        if network is not None:
            yield from ask(Count(_GOOD, network, _HOUR, now))
            yield from ask(Count(_GOOD, _pair(network, id_), _DAY, now, add=failures))


def network_of(address: str) -> bytes:
    """What counts as one address: an IPv4 address, the /64 of an IPv6 one, or any other text as it stands."""
    try:
        ip = ip_address(address)
    except ValueError:
        return blake2b(address.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if isinstance(ip, IPv6Address):
        mapped = ip.ipv4_mapped
        return b"6" + ip.packed[:8] if mapped is None else b"4" + mapped.packed
    return b"4" + ip.packed


def _pair(network: bytes, id_: str) -> bytes:
    return network + b"\n" + id_.encode()
