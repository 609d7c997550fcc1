"""Policies that run in the shadow of those that are enforced: decided besides, reported, and never acted upon."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

from zerotrust.core.decision import Allow, Decision
from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import AllOf, Policy, all_of
from zerotrust.driver import Budget, Sources, check_sources

_LOG = logging.getLogger("zerotrust.shadow")
_SMALL: Final = Budget(asks=4, bytes=256 * 1024, seconds=1.0)
_MOST_PLACES: Final = 1000  # whose differences are counted apart in the log


@dataclass(frozen=True, slots=True)
class Difference:
    """A request that a shadow policy would have treated otherwise.

    Attributes:
        route: the path as declared.
        method: of HTTP; `WS` for a WebSocket.
        enforced: what was decided.
        shadow: what the policy in its shadow came to; a refusal is a `Deny`, whatever the caller could do about it.
    """

    route: str
    method: str
    enforced: Decision
    shadow: Decision

    @property
    def weaker(self) -> bool:
        """Whether the shadow policy lets in who was refused."""
        return isinstance(self.shadow, Allow)


class Shadow:
    """Policies to try on live requests, beside those that are enforced.

    Each is decided after the enforced one, on the same findings. What it needs besides is gathered within a budget of
    its own, and only by asking: it marks nothing as used, writes and counts nothing, and never reads a body. Where that
    leaves open whether it would let somebody in, it is counted as untold. Nothing that goes wrong in it gets out.

    Args:
        candidates: for policies as they are given to a door, what may take their place. Where a door puts several
            together, each part has its own.
        report: is told of each request that would have been treated otherwise. It must not block.
        budget: what one request may cost in addition.
        sources: what answers what is asked in addition; those of the door unless given. Questions to those count
            there: limits of how often keys are fetched, for one.
        most: how many requests may wait for answers at a time; of more, the shadow is skipped.

    Attributes:
        same: requests that both treat alike.
        weaker: requests that only the shadow would let in.
        stricter: requests that only the shadow would refuse.
        untold: requests of which it could not be told.
        failed: requests at which the shadow or the report raised an exception.
        skipped: requests that came when too many were waiting.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(
        self,
        candidates: Mapping[Policy, Policy],
        *,
        report: Callable[[Difference], object] | None = None,
        budget: Budget = _SMALL,
        sources: Sources | None = None,
        most: int = 64,
    ) -> None:
        if not isinstance(candidates, Mapping) or not candidates:
            raise ConfigError("Shadow takes what may take the place of which policy: Shadow({can_pay: can_pay_soon})")
        for policy, candidate in candidates.items():
            if not isinstance(policy, Policy) or not isinstance(candidate, Policy):
                raise ConfigError("Shadow takes policies: Shadow({can_pay: can_pay_soon})")
        if report is not None and not callable(report):
            raise ConfigError(f"report is a function of a Difference, not {type(report).__name__}")
        if not isinstance(budget, Budget):
            raise ConfigError(f"budget is Budget(asks=4, seconds=1.0), not {type(budget).__name__}")
        if type(most) is not int or most < 0:
            raise ConfigError(f"most={most!r}: how many requests may wait, a whole number from 0")
        self.candidates: Mapping[Policy, Policy] = dict(candidates)
        self.budget: Budget = budget
        self.sources: Sources | None = None if sources is None else check_sources(sources)
        self.most: int = most
        self._report = report
        self._known: dict[int, tuple[Policy, Policy | None]] = {}
        self._lock = Lock()
        self._told: dict[tuple[str, str, bool], int] = {}
        self.same: int = 0
        self.weaker: int = 0
        self.stricter: int = 0
        self.untold: int = 0
        self.failed: int = 0
        self.skipped: int = 0

    def candidate(self, policy: Policy) -> Policy | None:
        """What is tried where `policy` is enforced; None if nothing is."""
        known = self._known.get(id(policy))  # by identity: hashing a large policy costs more than deciding it
        if known is None or known[0] is not policy:
            if len(self._known) >= _MOST_PLACES:
                self._known.clear()
            known = self._known[id(policy)] = policy, self._candidate(policy)
        return known[1]

    def _candidate(self, policy: Policy) -> Policy | None:
        whole = self.candidates.get(policy)
        if whole is not None or not isinstance(policy, AllOf):
            return whole
        if not any(part in self.candidates for part in policy.parts):
            return None
        return all_of(*(self.candidates.get(part, part) for part in policy.parts))

    def count(self, enforced: Decision, shadow: Decision | None, route: str, method: str) -> None:
        """Count one request, and report it if it would have been treated otherwise."""
        if shadow is None:
            with self._lock:
                self.untold += 1
            return
        if isinstance(enforced, Allow) is isinstance(shadow, Allow):
            with self._lock:
                self.same += 1
            return
        difference = Difference(route, method, enforced, shadow)
        with self._lock:
            if difference.weaker:
                self.weaker += 1
            else:
                self.stricter += 1
            place = route, shadow.name, difference.weaker
            if place not in self._told and len(self._told) >= _MOST_PLACES:
                self._told.clear()
            times = self._told[place] = self._told.get(place, 0) + 1
        if times in _TOLD:
            _tell(difference, times)
        if self._report is not None:
            self._report(difference)

    def fail(self, error: BaseException, route: str) -> None:
        """Count a request at which the shadow raised `error`; the first one is told."""
        with self._lock:
            self.failed += 1
            first = self.failed == 1
        if first:  # its message may quote a caller
            _LOG.error(
                "a shadow policy failed at %s: %s; only Shadow.failed counts more", route, type(error).__qualname__
            )

    def skip(self) -> None:
        """Count a request for which there was no room."""
        with self._lock:
            self.skipped += 1


_TOLD: Final = frozenset(10**power for power in range(12))
"""After how many differences of one kind at one route the log says so."""


def _tell(difference: Difference, times: int) -> None:
    shadow = difference.shadow
    what = "would be let in" if isinstance(shadow, Allow) else f"would be refused ({shadow.reason.code})"
    often = "" if times == 1 else f"; {times} times so far"
    _LOG.info("at %s a request %s under %s in the shadow%s", difference.route, what, _brief(shadow.name), often)


def _brief(name: str) -> str:
    return name if len(name) <= 200 else name[:197] + "..."
