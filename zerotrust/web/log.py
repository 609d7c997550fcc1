"""What a guard tells the developers on the logger `zerotrust.guard`.

Refusals are told at DEBUG with their explanation, which quotes claims; at INFO, on a logger below, in a line without a
value. What is wrong with the application, an outage, or what looks like an attempt to pass for somebody else, is told
above that, with the route as it was declared and without a value: neither a path nor the message of an exception, since
both may quote a caller.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from threading import Lock
from typing import Any, Final, NamedTuple

from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Rejected, Unavailable
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.reason import (
    DUPLICATE_HEADER,
    KEY_MISMATCH,
    MALFORMED,
    NO_SOURCE,
    PREDICATE_FAILED,
    REVOCATION_UNKNOWN,
    SOURCE_DOWN,
    SOURCE_REFUSED,
    SOURCE_TIMEOUT,
    STRAY_HEADER,
    TOO_LARGE,
    UNKNOWN_ISSUER,
    UNKNOWN_KEY,
    UNTRUSTED_HOP,
    Reason,
)
from zerotrust.core.request import AccessRequest
from zerotrust.core.text import visible
from zerotrust.web.answer import Answer
from zerotrust.web.challenge import tokens_of
from zerotrust.web.context import connection_of, method_of
from zerotrust.web.fault import raised_at
from zerotrust.web.peering import peer_if_asked
from zerotrust.web.peers import Peers

LOG: Final = logging.getLogger("zerotrust.guard")
_REFUSALS: Final = logging.getLogger("zerotrust.guard.refusals")

_QUIET: Final = 60.0  # seconds after a warning in which its like are only counted
_MOST_KINDS: Final = 256  # of warnings that are kept apart: kinds of reasons times routes

# What honest clients of a proxy that is set up well never cause, where it is said of the peer.
_FORGED: Final = (UNTRUSTED_HOP, STRAY_HEADER, DUPLICATE_HEADER, MALFORMED, TOO_LARGE, KEY_MISMATCH)


# What everybody is refused for while it lasts, so that one line is enough for all routes.
_FOR_ALL: Final = (SOURCE_DOWN, SOURCE_TIMEOUT, SOURCE_REFUSED, UNKNOWN_ISSUER, UNKNOWN_KEY)


class Warnings:
    """Warnings that callers can cause as often as they like: of each kind and place, one a minute, with a count."""

    __slots__ = ("_lock", "_told")

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], tuple[float, int]] = {}
        self._lock = Lock()

    def tell(self, reason: Reason, route: str, now: float) -> None:
        """Warn of `reason` at `route`, in our own words alone: its kind and detail, and nothing that was presented.

        Args:
            reason: why something is not believed.
            route: the path it was refused at, as declared.
            now: the moment of the request, POSIX seconds.
        """
        key = reason.code, reason.detail if reason.kind in _FOR_ALL else route
        with self._lock:
            since, untold = self._told.get(key, (float("-inf"), 0))
            if since <= now < since + _QUIET:
                self._told[key] = since, untold + 1
                return
            self._told.pop(key, None)
            while len(self._told) >= _MOST_KINDS:
                del self._told[next(iter(self._told))]
            self._told[key] = now, 0
        detail = f": {visible(reason.detail)}" if reason.detail else ""
        more = f" ({untold} more since the last such line)" if untold else ""
        LOG.warning("refused at %s: %s: %s%s%s", route, reason.code, reason.kind.sentence, detail, more)


class Asked(NamedTuple):
    """A request that was decided about.

    Attributes:
        request: as it was decided about.
        peers: who says who its peer is; None if nobody does.
        warnings: what was warned of before.
        hidden: whether the caller is told that there is no such thing: 404.
    """

    request: AccessRequest
    peers: Peers | None
    warnings: Warnings
    hidden: bool = False


def refusal(route: str, decision: Challenge | Deny, told: Answer, about: Asked) -> None:
    """Tell of a request that was refused, and what of the application stood in the way.

    Args:
        route: the path it was refused at, as declared.
        decision: the refusal.
        told: what the caller gets.
        about: the request itself, and who is asked about its peer.
    """
    for leaf, value in zip(decision.policy.program.leaves, decision.values, strict=True):
        if isinstance(value, Reason) and value.kind is PREDICATE_FAILED:
            where = _defined(leaf.question) if isinstance(leaf, Leaf) else ""
            LOG.warning("refused at %s: %s gave no answer: %s%s", route, leaf, value.presented, where)
    for verifier, finding in decision.findings.items():
        if isinstance(finding, Unavailable) and finding.reason.kind is NO_SOURCE:
            LOG.warning("refused at %s: %r asks for %s; give sources=", route, verifier, finding.reason.expected)
        elif isinstance(finding, Rejected) and finding.reason.kind is NO_SOURCE:  # nobody who could say who the peer is
            reason = finding.reason
            LOG.warning("refused at %s: %r asks for %s: %s", route, verifier, reason.expected, reason.detail)
        elif isinstance(finding, Rejected | Unavailable) and finding.reason.kind is REVOCATION_UNKNOWN:
            # Its detail may come from elsewhere; at DEBUG it is told.
            about.warnings.tell(REVOCATION_UNKNOWN(detail=str(verifier.name)), route, about.request.now)
        elif isinstance(finding, Rejected | Unavailable) and finding.reason.kind in _FOR_ALL:
            about.warnings.tell(finding.reason.kind(detail=str(verifier.name)), route, about.request.now)
    peer = peer_if_asked(about.request)
    if isinstance(peer, Reason) and peer.kind in _FORGED:
        about.warnings.tell(peer, route, about.request.now)
    status = f"404 (hidden, else {told.status})" if about.hidden else str(told.status)
    if not LOG.isEnabledFor(logging.DEBUG):
        _REFUSALS.info("refused at %s: %s %s", route, status, told.code)
    else:
        method, path = method_of(about.request), visible(about.request.path)
        nobody = ""
        if about.peers and peer is None and (connection := connection_of(about.request)) is not None:
            nobody = about.peers.why_nobody(about.request, connection)
        tree = f"{decision}\nno peer: {nobody}" if nobody else decision
        LOG.debug("refused %s %s: %s %s\n%s", visible(method), path, status, told.code, tree)


def unreadable(reason: Reason, request: AccessRequest) -> None:
    """Tell of a request that was refused since its path has no single reading."""
    if not LOG.isEnabledFor(logging.DEBUG):
        _REFUSALS.info("refused before any route: 400 %s", reason.code)
    else:
        LOG.debug("refused %s %s: 400 %s", visible(method_of(request)), visible(request.path), visible(str(reason)))


def proofs(policies: Iterable[Policy]) -> None:
    """Warn of verifiers that believe the request about where it went."""
    verifiers = {verifier: None for policy in policies for verifier in tokens_of(policy)}
    for verifier in verifiers:
        if verifier.dpop is not None and verifier.dpop.url is None:
            LOG.warning(
                "%s takes scheme and host of DPoP proofs from the request: behind a proxy that ends TLS none is good; "
                'write DPoP(url="https://api.example.com"), as clients call this service',
                verifier.name,
            )


def failure(kind: str, route: str, error: Exception) -> None:
    """Tell that deciding failed, and where; with the message only if it is ours, since others may quote a caller.

    Args:
        kind: `http` or `websocket`; or how a handler decided.
        route: the path it was refused at, as declared; or what the handler asked.
        error: what was raised.
    """
    where, module = raised_at(error)
    what = type(error).__qualname__
    if type(error) is ConfigError and module.startswith("zerotrust."):
        what += f" ({visible(error)})"
    LOG.error("refused at %s (%s), since deciding failed: %s at %s", route, kind, what, where)


def _defined(question: Any) -> str:
    code = getattr(getattr(question, "predicate", getattr(question, "by", None)), "__code__", None)
    return f", in {code.co_qualname} at {code.co_filename}:{code.co_firstlineno}" if code is not None else ""
