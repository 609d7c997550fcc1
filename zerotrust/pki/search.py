"""Where a path could lead: issuers by name and key identifier, the likeliest first, and no further than a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, TypeAlias

from cryptography import x509

from zerotrust.pki.anchors import Anchors
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.distinguished_name import ComparableName

# What one step may cost: a plain one; one to a key that is not the one that was meant, or to who is not valid now.
_STEP: Final = 1
_DETOUR: Final = 16

_Way: TypeAlias = tuple[int, bool, int, int, Certificate]  # cost, no anchor, running number, depth


@dataclass(slots=True)
class Excluded:
    """What was found to lead nowhere.

    Attributes:
        issuers: certificates that must not have issued anything.
        steps: pairs of a certificate and an issuer that cannot stand above it.
    """

    issuers: set[Certificate] = field(default_factory=set[Certificate])
    steps: set[tuple[Certificate, Certificate]] = field(default_factory=set[tuple[Certificate, Certificate]])


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """There is no path, or none left.

    Attributes:
        at: the certificate furthest from the leaf whose issuer could not be found.
        too_long: whether a way was given up because it had as many certificates as a path may.
    """

    at: Certificate
    too_long: bool


class Issuers:
    """Who may have issued a certificate, by name: anchors and intermediates that were configured or presented.

    Args:
        anchors: what was configured.
        presented: what came with the leaf.
        alike: whether names are compared by what they say (RFC 5280 section 7.1), not octet by octet.
    """

    __slots__ = ("_alike", "_anchors", "_presented")

    def __init__(self, anchors: Anchors, presented: Sequence[Certificate], *, alike: bool = False) -> None:
        self._anchors = anchors
        self._alike: dict[ComparableName, list[Certificate]] | None = {} if alike else None
        self._presented = presented
        if self._alike is not None:
            for one in self._presented:
                name = one.comparable_subject
                if name is not None:
                    self._alike.setdefault(name, []).append(one)

    def of(self, one: Certificate) -> list[Certificate]:
        """The certificates whose subject is the issuer of `one`, anchors first; any of them may be a wrong one."""
        wanted = one.issuer_name
        if self._alike is None:
            return self._anchors.named(wanted) + [other for other in self._presented if other.subject_name == wanted]
        name = one.comparable_issuer
        return [] if name is None else self._anchors.alike.get(name, []) + self._alike.get(name, [])


def likeliest_path(
    leaf: Certificate, issuers: Issuers, anchors: Anchors, now: float, most: int, excluded: Excluded
) -> tuple[Certificate, ...] | DeadEnd:
    """The path from `leaf` to an anchor that is most likely the right one. No signature is looked at.

    The shortest over issuers that are valid at `now` and bear the key identifiers that were meant (RFC 5280 sections
    4.2.1.1 and 4.2.1.2); where there is none, one over others. Each certificate is looked at once at most.

    Args:
        leaf: where it begins.
        issuers: who may stand above whom.
        anchors: where it may end, and nowhere else.
        now: the moment, POSIX seconds.
        most: the most certificates in it.
        excluded: what must not be in it.

    Returns:
        The path, the leaf first and the anchor last; or where the furthest way ended.
    """
    ways: list[_Way] = [(0, True, 0, 1, leaf)]
    below: dict[Certificate, tuple[int, Certificate | None]] = {leaf: (0, None)}
    asked: set[tuple[bytes, bytes | None]] = set()
    end, furthest, too_long, number = leaf, 0, False, 0
    while ways:
        cost, not_anchor, _, depth, one = heappop(ways)
        if not not_anchor:
            return _traced(one, below)
        if cost > below[one][0]:
            continue
        if depth >= most:
            too_long = True
            continue
        found = issuers.of(one)
        meant = None
        if len(found) > 1:
            # Whoever names the same issuer and key would only get there by a longer way.
            meant = _meant(one)
            asking = (one.issuer_name, meant)
            if asking in asked:
                continue
            if not any(step[0] == one for step in excluded.steps):
                asked.add(asking)
        led = False
        for issuer in found:
            if issuer in excluded.issuers or (one, issuer) in excluded.steps:
                continue
            then = cost + (_STEP if len(found) == 1 else _step(issuer, meant, now))
            if issuer not in below or then < below[issuer][0]:
                led = True
                below[issuer] = (then, one)
                number += 1
                heappush(ways, (then, issuer not in anchors, number, depth + 1, issuer))
        if not led and depth > furthest:
            end, furthest = one, depth
    return DeadEnd(end, too_long)


def only_path(
    leaf: Certificate, presented: Sequence[Certificate], anchors: Anchors, most: int
) -> tuple[Certificate, ...] | None:
    """The path from `leaf` to an anchor where there is nowhere a choice, as nearly always; None where there is.

    Args:
        leaf: where it begins.
        presented: what came with it.
        anchors: what was configured.
        most: the most certificates in it.
    """
    path = [leaf]
    while len(path) < most:
        wanted = path[-1].issuer_name
        found = anchors.named(wanted) + [one for one in presented if one.subject_name == wanted]
        if len(found) != 1:
            return None
        path += found
        if found[0] in anchors:
            return tuple(path)
    return None


def _traced(anchor: Certificate, below: dict[Certificate, tuple[int, Certificate | None]]) -> tuple[Certificate, ...]:
    path: list[Certificate] = []
    one: Certificate | None = anchor
    while one is not None:
        path.append(one)
        one = below[one][1]
    path.reverse()
    return tuple(path)


def _meant(one: Certificate) -> bytes | None:
    """The identifier of the key that signed it (section 4.2.1.1)."""
    found = one.extension(x509.AuthorityKeyIdentifier)
    return None if found is None else found.key_identifier


def _step(issuer: Certificate, meant: bytes | None, now: float) -> int:
    cost = _STEP
    own = issuer.extension(x509.SubjectKeyIdentifier)
    if meant is not None and own is not None and own.digest != meant:
        cost += _DETOUR
    if not issuer.not_before <= now < issuer.not_after + 1:
        cost += _DETOUR
    return cost
