"""What a guard tells the developers on the logger `zerotrust.guard`.

Refusals are told at DEBUG: the explanation quotes claims. What is wrong with the application is told above that, with
the route as it was declared and without a value: neither a path nor the message of an exception, since both may quote
a caller.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final

from starlette.types import Scope

from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Rejected, Unavailable
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.reason import NO_SOURCE, PREDICATE_FAILED, Reason
from zerotrust.core.text import visible
from zerotrust.web.answer import Answer
from zerotrust.web.challenge import tokens_of
from zerotrust.web.fault import raised_at

LOG: Final = logging.getLogger("zerotrust.guard")


def refusal(scope: Scope, route: str, decision: Challenge | Deny, told: Answer) -> None:
    """Tell of a request that was refused, and what of the application stood in the way.

    Args:
        scope: of the request.
        route: the path it was refused at, as declared.
        decision: the refusal.
        told: what the caller gets.
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
    if LOG.isEnabledFor(logging.DEBUG):
        method, path = scope.get("method", "WS"), visible(scope.get("path", ""))
        LOG.debug("refused %s %s: %d %s\n%s", visible(method), path, told.status, told.code, decision)


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


def failure(scope: Scope, route: str, error: Exception) -> None:
    """Tell that deciding failed, and where; with the message only if it is ours, since others may quote a caller."""
    where, module = raised_at(error)
    kind = type(error).__qualname__
    if type(error) is ConfigError and module.startswith("zerotrust."):
        kind += f" ({visible(error)})"
    LOG.error("refused at %s (%s), since deciding failed: %s at %s", route, scope["type"], kind, where)


def _defined(question: Any) -> str:
    code = getattr(getattr(question, "predicate", getattr(question, "by", None)), "__code__", None)
    return f", in {code.co_qualname} at {code.co_filename}:{code.co_firstlineno}" if code is not None else ""
