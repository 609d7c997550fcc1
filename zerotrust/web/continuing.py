"""Headers that let a caller go on, whatever was decided: the next `DPoP-Nonce` (RFC 9449 section 8.2), say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from zerotrust.core.policy import Policy
from zerotrust.core.program import Findings
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.presented import PresentedToken

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""(name, value) pairs, names in lower case."""


def speakers(policy: Policy) -> tuple[Verifier[Any], ...]:
    """The verifiers that `policy` rests on and that may have something to add; a door asks no others."""
    return _those(policy, lambda verifier: not _is_silent(verifier))


def renewers(policy: Policy) -> tuple[Verifier[Any], ...]:
    """The verifiers that `policy` rests on and that may have something to renew once it lets somebody in."""
    return _those(policy, lambda verifier: type(verifier).renewing is not Verifier[Any].renewing)


def renewing(verifiers: Iterable[Verifier[Any]], findings: Findings, now: float) -> Headers:
    """What `verifiers` renew of what they found, in the response to who was let in at `now` (POSIX seconds)."""
    return tuple(
        header
        for verifier in verifiers
        if (finding := findings.get(verifier)) is not None
        for header in verifier.renewing(finding, now)
    )


def beside(sent: Iterable[tuple[bytes, bytes]], headers: Headers) -> list[tuple[bytes, bytes]]:
    """Those of `headers` that a response, in which `sent` stands already, still needs.

    Each name stands once, but for `set-cookie`, where each cookie does: what the application itself says, or a guard
    further in, counts. So a cookie that a handler has just replaced is not taken back.
    """
    there = {_named(name.lower(), value) for name, value in sent}
    return [(name, value) for name, value in headers if _named(name, value) not in there]


def _named(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return name, value.partition(b"=")[0].strip() if name == b"set-cookie" else b""


def _those(policy: Policy, wanted: Callable[[Verifier[Any]], bool]) -> tuple[Verifier[Any], ...]:
    found: dict[Verifier[Any], None] = {}
    todo = list(policy.program.verifiers)
    while todo:
        verifier = todo.pop(0)
        if wanted(verifier):
            found[verifier] = None
        if verifier.of is not None:
            todo.append(verifier.of)
    return tuple(found)


def continuing(verifiers: Iterable[Verifier[Any]], now: float) -> Headers:
    """What `verifiers` add to a response at `now` (POSIX seconds). Each name once: the first to give it counts."""
    found: dict[bytes, bytes] = {}
    for verifier in verifiers:
        for name, value in verifier.continuing(now):
            found.setdefault(name.lower(), value)
    return tuple(found.items())


def _is_silent(verifier: Verifier[Any]) -> bool:
    kind: type[Verifier[Any]] = type(verifier)
    if isinstance(verifier, PresentedToken) and kind.continuing is PresentedToken.continuing:
        return verifier.dpop is None
    return kind.continuing is Verifier[Any].continuing
