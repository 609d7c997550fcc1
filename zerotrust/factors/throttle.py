"""How many wrong codes are taken, and how long one waits in between (SP 800-63B-4 section 3.2.2).

An attempt is counted before its code is looked at and taken back if it was right, so guesses made at the same time are
no cheaper than one after the other. What is counted stands in lanes: browsers in which the account has proven a factor
before have one of their own, in which nobody else's wrong codes count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import hours, seconds, span_in_seconds
from zerotrust.core.reason import THROTTLED, Reason

MOST: Final = 100
"""Wrong codes in a row after which an authenticator is disabled: the most that section 3.2.2 allows."""

PER_PAIR: Final = 10
"""Wrong codes a day for one account from one address; nobody waits for these but who sent them."""

PER_DEVICE: Final = 10
"""Wrong codes for one authenticator from one known browser since its last right one; after that it is as any other."""

_FREE_KNOWN: Final = 3
_FREE_UNKNOWN: Final = PER_PAIR
_DAY: Final = 86400
_FIRST: Final = seconds(30)
_LONGEST: Final = hours(1)

_CLOSED_UNKNOWN: Final = THROTTLED(
    expected=_DAY, detail="no more codes are taken from browsers in which nothing was proven before; enrol anew"
)
_CLOSED_KNOWN: Final = THROTTLED(expected=_DAY, detail="no more codes are taken; enrol anew")


@dataclass(frozen=True, slots=True)
class Lane:
    """What was counted.

    Attributes:
        failures: wrong codes, and attempts under way, since the last right one.
        until: before when nobody may try, POSIX seconds.
    """

    failures: int = 0
    until: float = 0.0


_EMPTY: Final = Lane()


@dataclass(frozen=True, slots=True)
class Tries:
    """The attempts at one authenticator.

    Attributes:
        known: those from browsers in which its account has proven a factor before.
        unknown: all others.
    """

    known: Lane = _EMPTY
    unknown: Lane = _EMPTY

    def lane(self, known: bool) -> Lane:
        """The lane in which an attempt is counted."""
        return self.known if known else self.unknown

    def changed(self, known: bool, lane: Lane) -> Tries:
        """The same with another lane."""
        return replace(self, known=lane) if known else replace(self, unknown=lane)

    def taken_back(self, known: bool, counted: Lane, failures: int) -> Tries:
        """The same after an attempt turned out right.

        Args:
            known: in which lane it is.
            counted: the lane as the attempt left it.
            failures: how many failures the right code makes up for, itself included. In the lane of known browsers it
                makes up for all.
        """
        lane = self.lane(known)
        left = 0 if known else max(0, lane.failures - failures)
        # Whoever was let in had waited; only what came after it can have set another wait.
        return self.changed(known, Lane(left, 0.0 if lane == counted or not left else lane.until))


@dataclass(frozen=True, slots=True)
class Throttle:
    """How many wrong codes are taken, and how long one waits in between.

    After the first few wrong codes of a lane (3 from known browsers, 10 from all others together), each doubles the
    wait before the next attempt.

    Attributes:
        known: wrong codes in a row from known browsers after which they are refused until the authenticator is enrolled
            anew.
        unknown: wrong codes from all other browsers after which they are refused. A right one makes up for those from
            its own address only. `known` and `unknown` are at most 100 together.
        per_address: wrong codes an hour from one address, or one /64 of IPv6, whichever accounts they are for. Known
            browsers are exempt.
        first_wait: how long one waits after the first code that is no longer free; from 1 second to an hour.
        longest_wait: the longest wait; at most a day.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    known: int = 20
    unknown: int = 80
    per_address: int = 50
    first_wait: timedelta = _FIRST
    longest_wait: timedelta = _LONGEST

    def __post_init__(self) -> None:
        for name, value, least in (("known", self.known, 4), ("unknown", self.unknown, 11)):
            if type(value) is not int or not least <= value <= MOST:
                raise ConfigError(f"{name}={value!r}: write a number of wrong codes from {least} to {MOST}")
        if self.known + self.unknown > MOST:
            raise ConfigError(
                f"known={self.known} and unknown={self.unknown} are {self.known + self.unknown} wrong codes together; "
                f"SP 800-63B-4 section 3.2.2 allows {MOST}"
            )
        if type(self.per_address) is not int or not PER_PAIR <= self.per_address <= 100_000:
            raise ConfigError(f"per_address={self.per_address!r}: write wrong codes an hour, {PER_PAIR} to 100000")
        first = span_in_seconds(self.first_wait, "first_wait", least=1, most=3600)
        span_in_seconds(self.longest_wait, "longest_wait", least=first, most=_DAY)

    def admit(self, tries: Tries, known: bool, now: float) -> Tries | Reason:
        """Count an attempt at `now`: what to keep before its code is looked at, or `throttled` with the wait."""
        lane = tries.lane(known)
        if lane.failures >= (self.known if known else self.unknown):
            return _CLOSED_KNOWN if known else _CLOSED_UNKNOWN
        if now < lane.until:
            return throttled(min(lane.until - now, self.longest_wait.total_seconds()))
        failures = lane.failures + 1
        return tries.changed(known, Lane(failures, now + self.wait(failures, known)))

    def corrected(self, tries: Tries, now: float) -> Tries:
        """`tries` where nobody waits for longer than the longest wait: what says so was written by a clock ahead."""
        latest = now + self.longest_wait.total_seconds()
        known, unknown = (replace(lane, until=min(lane.until, latest)) for lane in (tries.known, tries.unknown))
        return Tries(known, unknown)

    def wait(self, failures: int, known: bool) -> float:
        """How many seconds one waits after so many failures."""
        over = failures - (_FREE_KNOWN if known else _FREE_UNKNOWN)
        if over <= 0:
            return 0.0
        # 2**64 times a second is longer than the longest wait.
        return min(self.first_wait.total_seconds() * 2.0 ** min(over - 1, 64), self.longest_wait.total_seconds())

    def said(self, tries: Tries) -> str:
        """What the owner should know about `tries`; empty if there is nothing."""
        if tries.known.failures >= self.known:
            return "disabled after too many wrong codes: enrol it anew"
        if tries.unknown.failures >= self.unknown:
            return "after too many wrong codes it works only in browsers it was used in before: enrol it anew"
        return ""


def throttled(wait: float) -> Reason:
    """`throttled`, to be tried again in `wait` seconds, of which at most a day is told."""
    return THROTTLED(expected=max(1, math.ceil(min(wait, _DAY))))


def full(window: float) -> Reason:
    """`throttled`, where so many were counted in `window` seconds that there is room again once it has passed.

    Not before then as far as anybody can tell, and `Count` may take in what is older by an eighth of it.
    """
    return THROTTLED(expected=math.ceil(window * 9 / 8))
