"""Headers that let a caller go on, whatever was decided: the next `DPoP-Nonce` (RFC 9449 section 8.2), say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from zerotrust.core.policy import Policy
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.presented import PresentedToken

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""(name, value) pairs, names in lower case."""


def speakers(policy: Policy) -> tuple[Verifier[Any], ...]:
    """The verifiers that `policy` rests on and that may have something to add; a door asks no others."""
    found: dict[Verifier[Any], None] = {}
    todo = list(policy.program.verifiers)
    while todo:
        verifier = todo.pop(0)
        if not _is_silent(verifier):
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
