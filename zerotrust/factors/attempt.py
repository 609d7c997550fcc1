"""An attempt to prove a factor by a code: counted first, then looked at, then taken back if it was right."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from typing import Final, Generic, TypeAlias, TypeVar

from zerotrust.core.ask import Count, Gather, ask
from zerotrust.core.reason import NOT_ENROLLED, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.held import BUSY, RETRIES, Found, Held, Records, State
from zerotrust.factors.throttle import PER_DEVICE, PER_PAIR, Lane, Throttle, full

S = TypeVar("S", bound=State)

# Attempts, and those among them that were right or never made: the rest are failures. Shared by all methods, so that
# an address has no fresh start with each.
_TRIES: Final = "factor.tries"
_GOOD: Final = "factor.good"

_HOUR: Final = 3600.0
_DAY: Final = 86400.0
_YEAR: Final = 360 * _DAY

_IPV4_PORT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}", re.ASCII)
_IPV6_PORT: Final = re.compile(r"\[([^\[\]]*)\](?::\d{1,5})?", re.ASCII)

_NOT_ENROLLED: Final = NOT_ENROLLED()

Limits: TypeAlias = tuple[tuple[bytes, float, int], ...]
"""What wrong codes are counted for besides, in how many seconds, and how many at most; the authenticator's own last."""


@dataclass(frozen=True, slots=True)
class Admitted(Generic[S]):
    """An attempt that was counted and may be looked at.

    Attributes:
        account: whose authenticator.
        found: its record, with the attempt counted.
        held: what it says.
        known: in which lane it was counted.
        lane: that lane as the attempt left it.
        limits: for what else it was counted: the very browser if it is known, else where it comes from.
        failures: how many failures there were from there lately, this one included.
    """

    account: Account
    found: Found[S]
    held: Held[S]
    known: bool
    lane: Lane
    limits: Limits
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

    def admitting(
        self, account: Account, now: float, address: str | None, known: bool | str
    ) -> Gather[Admitted[S] | Reason]:
        """Count an attempt.

        Args:
            account: whose authenticator.
            now: POSIX seconds.
            address: where the attempt comes from; None if nobody knows.
            known: the id of a browser in which `account` has proven a factor before, as its device cookie has it; empty
                or False for all others, and True for one that nobody tells from others that are known.

        Returns:
            What to look at; or `not_enrolled`, or `throttled`, and then nothing was counted.
        """
        found = yield from self.records.reading(account, now)
        if found.held is None:
            return _NOT_ENROLLED
        id_, held = found.held.id, found.held
        browser = _browser(known, id_)
        trusted = bool(known) and not (yield from self._used_up(browser, now))
        tries = self.throttle.admit(held.tries, trusted, now)
        if isinstance(tries, Reason):
            yield from self._correcting(account, found, now)
            return tries
        limits = browser if trusted else self._addresses(address, id_)
        failures = yield from self._counting(limits, now)
        if isinstance(failures, Reason):
            return failures
        refused: Reason = BUSY
        for _ in range(RETRIES):
            made = yield from self.records.replacing(account, found, replace(held, tries=tries), now)
            if made is not None and made.held is not None:
                return Admitted(account, made, made.held, trusted, tries.lane(trusted), limits, failures)
            found = yield from self.records.reading(account, now)
            if found.held is None or found.held.id != id_:
                refused = _NOT_ENROLLED
                break
            held = found.held
            tries = self.throttle.admit(held.tries, trusted, now)
            if isinstance(tries, Reason):
                refused = tries
                break
        yield from _crediting(limits, 1, now)
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
                yield from _crediting(admitted.limits, admitted.failures, now)
                return made.held
            found = yield from self.records.reading(account, now)
        return BUSY

    def _correcting(self, account: Account, found: Found[S], now: float) -> Gather[None]:
        """Let nobody wait for longer than the longest wait, because of a clock that was ahead once."""
        held = found.held
        tries = None if held is None else self.throttle.corrected(held.tries, now)
        if held is not None and tries is not None and tries != held.tries:
            yield from self.records.replacing(account, found, replace(held, tries=tries), now)

    # --- Browsers and addresses --------------------------------------------------------------------------------------

    def _addresses(self, address: str | None, id_: str) -> Limits:
        if address is None:
            return ()
        network = network_of(address)
        return (network, _HOUR, self.throttle.per_address), (_pair(network, id_), _DAY, PER_PAIR)

    def _used_up(self, browser: Limits, now: float) -> Gather[bool]:
        """Whether as many wrong codes came from a known browser as may; it is as any other then."""
        for key, window, most in browser:
            made = yield from ask(Count(_TRIES, key, window, now, add=0))
            good = yield from ask(Count(_GOOD, key, window, now, add=0))
            if made - good >= most:
                return True
        return False

    def _counting(self, limits: Limits, now: float) -> Gather[int | Reason]:
        """Count an attempt: how many failures there were at this authenticator from there; or `throttled`."""
        failures = 1
        for place, (key, window, most) in enumerate(limits):
            made = yield from ask(Count(_TRIES, key, window, now))
            good = yield from ask(Count(_GOOD, key, window, now, add=0))
            failures = made - good
            if failures > most:
                yield from _crediting(limits[: place + 1], 1, now)  # then it is not made
                return BUSY if window == _YEAR else full(window)
        return max(1, failures)


def _crediting(limits: Limits, failures: int, now: float) -> Gather[None]:
    """Take an attempt back, and `failures` at this authenticator."""
    for key, window, _ in limits[:-1]:
        yield from ask(Count(_GOOD, key, window, now))
    for key, window, _ in limits[-1:]:
        yield from ask(Count(_GOOD, key, window, now, add=failures))


def _browser(known: bool | str, id_: str) -> Limits:
    if not isinstance(known, str) or not known:
        return ()
    return ((_pair(b"browser\n" + known.encode("utf-8", "surrogatepass"), id_), _YEAR, PER_DEVICE),)


def network_of(address: str) -> bytes:
    """What counts as one address: an IPv4 address, the /64 of an IPv6 one, or any other text as it stands.

    A port behind it does not count: some proxies write one into `X-Forwarded-For`, another for each connection.
    """
    written = _IPV4_PORT.fullmatch(address) or _IPV6_PORT.fullmatch(address)
    try:
        ip = ip_address(address if written is None else written[1])
    except ValueError:
        return blake2b(address.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if isinstance(ip, IPv6Address):
        mapped = ip.ipv4_mapped
        return b"6" + ip.packed[:8] if mapped is None else b"4" + mapped.packed
    return b"4" + ip.packed


def _pair(network: bytes, id_: str) -> bytes:
    return network + b"\n" + id_.encode()
