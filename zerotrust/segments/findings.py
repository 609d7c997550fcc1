"""What is odd about a table: rows that change nothing, and rows that contradict each other.

The answers are exact for this language of selectors and patterns. Of two selectors of peers, one covers the other or
they have nobody in common; and an open segment may be any text, so what holds for a text that no pattern spells out
holds for all. So whether rows between them cover a row is seen from a few requests made up for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from zerotrust.segments.index import Index
from zerotrust.segments.patterns import FRESH, meet, witnesses
from zerotrust.segments.peers import PeerSelector
from zerotrust.segments.rows import Flow
from zerotrust.wire.path import Path, Shape, covers

Row: TypeAlias = tuple[int, Flow]
_Request: TypeAlias = tuple[str, str, Path]


class FindingKind(Enum):
    """What may be odd about a row.

    Attributes:
        SHADOWED: other rows decide alike on everything it covers, so it changes nothing. Of two that say the same, it
            is the later one.
        OVERRULED: it allows, and rows that deny cover all of it: it never lets anybody in.
        IDLE: it denies only what no row allows anyway.
        CONTRADICTORY: it denies, and rows allow some of the same without one being an exception from the other; or
            they cover the very same. What both cover is denied.
        UNREACHABLE: it is for peers of a trust domain that is not believed here.
    """

    SHADOWED = "shadowed"
    OVERRULED = "overruled"
    IDLE = "idle"
    CONTRADICTORY = "contradictory"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is odd.

    Attributes:
        kind: what.
        row: the number of the row it is about, from 1.
        others: the numbers of the rows it has to do with.
        says: all of it in a sentence.
    """

    kind: FindingKind
    row: int
    others: tuple[int, ...]
    says: str

    def __str__(self) -> str:
        return self.says


def find(rows: Sequence[Row]) -> tuple[Finding, ...]:
    """Everything odd about a table, by row.

    Any of the rows found shadowed, overruled or idle may be deleted, one or all of them, and no decision changes.
    """
    services: dict[str, list[Row]] = {}  # rows to different ones have nothing to do with each other
    for row in rows:
        services.setdefault(row[1].service, []).append(row)
    found = [one for of_service in services.values() for one in _find(of_service)]
    return tuple(sorted(found, key=lambda one: (one.row, one.kind.value)))


def _find(rows: Sequence[Row]) -> list[Finding]:
    """Everything odd about the rows of one service."""
    allowing = _Overlapping(row for row in rows if not row[1].denies)
    index = Index(rows)
    found: list[Finding] = []
    gone: set[int] = set()
    # From the last to the first, so that of two rows which say the same the later is named, and one only. What allows
    # is not told to go before what denies was looked at: a row that denies may go whatever else stays.
    for number, flow in reversed(rows):
        if flow.denies and (others := _needless_denial(number, flow, index, allowing, gone)) is not None:
            gone.add(number)
            found.append(_finding(FindingKind.SHADOWED if others else FindingKind.IDLE, number, flow, others))
    for number, flow in reversed(rows):
        if not flow.denies and (needless := _needless(number, flow, index, gone)) is not None:
            gone.add(number)
            found.append(_finding(needless[0], number, flow, needless[1]))
    for number, flow in rows:
        if flow.denies and (others := _contradicting(flow, allowing)):
            found.append(_finding(FindingKind.CONTRADICTORY, number, flow, others))
    return found


def unreachable(rows: Sequence[Row], believed: Callable[[str], bool]) -> tuple[Finding, ...]:
    """The rows for peers of trust domains that are not believed."""
    return tuple(
        _finding(FindingKind.UNREACHABLE, number, flow, ())
        for number, flow in rows
        if flow.peer.trust_domain is not None and not believed(flow.peer.trust_domain)
    )


# --- Rows that change nothing ----------------------------------------------------------------------------------------


def _needless(number: int, flow: Flow, index: Index, gone: set[int]) -> tuple[FindingKind, tuple[int, ...]] | None:
    """Which other rows decide everything that a row allows; None if it alone allows something."""
    others: set[int] = set()
    overruled = True
    for request in _requests(flow.peer, flow.methods, _shapes(flow), index.deepest):
        covering = [row for row in index.covering(*request) if row[0] != number and row[0] not in gone]
        if not covering:
            return None
        denying = [other for other, row in covering if row.denies]
        overruled = overruled and bool(denying)
        others.add(min(denying or [other for other, _ in covering]))
    return (FindingKind.OVERRULED if overruled else FindingKind.SHADOWED), tuple(sorted(others))


def _needless_denial(
    number: int, flow: Flow, index: Index, allowing: _Overlapping, gone: set[int]
) -> tuple[int, ...] | None:
    """Which other rows deny all that a row denies and others allow; none if nothing of it is allowed at all.

    None if without the row something would be let in.
    """
    others: set[int] = set()
    for _, allowed in allowing.with_(flow):
        peer = allowed.peer if flow.peer.covers(allowed.peer) else flow.peer
        shapes = [both for one in _shapes(flow) for two in _shapes(allowed) if (both := meet(one, two)) is not None]
        for request in _requests(peer, _common(flow, allowed), shapes, index.deepest):
            other = min(
                (row for row, by in index.covering(*request) if by.denies and row != number and row not in gone),
                default=None,
            )
            if other is None:
                return None
            others.add(other)
    return tuple(sorted(others))


def _requests(peer: PeerSelector, methods: Iterable[str], shapes: Iterable[Shape], deepest: int) -> Iterator[_Request]:
    """Requests that rows cover between them exactly if they cover everything these parts describe."""
    who = peer.text if peer.prefix is None else f"{peer.prefix}/{FRESH}"
    paths = [path for shape in shapes for path in witnesses(shape, deepest)]
    for method in methods:  # `ANY` is no method's name, so only a row for any method covers it
        for path in paths:
            yield who, method, path


def _shapes(flow: Flow) -> list[Shape]:
    return [path.shape for path in flow.paths]


def _common(one: Flow, another: Flow) -> tuple[str, ...]:
    """The methods that both cover."""
    if one.any_method:
        return another.methods
    return one.methods if another.any_method else tuple(method for method in one.methods if method in another.methods)


# --- Rows that contradict each other ---------------------------------------------------------------------------------


def _contradicting(denying: Flow, allowing: _Overlapping) -> tuple[int, ...]:
    """The rows that allow some of what a row denies, where neither is an exception from the other."""
    found: list[int] = []
    for number, flow in allowing.with_(denying):
        if any(meet(one, two) is not None for one in _shapes(denying) for two in _shapes(flow)):
            narrower, wider = _within(denying, flow), _within(flow, denying)
            if narrower is wider:
                found.append(number)
    return tuple(sorted(found))


def _within(flow: Flow, wider: Flow) -> bool:
    """Whether `wider` covers everything that `flow` covers."""
    if not wider.peer.covers(flow.peer) or not all(map(wider.covers_method, flow.methods)):
        return False
    shapes = _shapes(wider)
    deepest = max(len(segments) for segments, _ in shapes)
    return all(
        any(covers(other, path) for other in shapes) for shape in _shapes(flow) for path in witnesses(shape, deepest)
    )


class _Overlapping:
    """Rows by whom they are for, so that those with a peer and a method in common with a row are found."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[tuple[str, bool], list[Row]] = {}  # by what the ids begin with, or are
        for number, flow in rows:
            self._rows.setdefault(_key(flow.peer), []).append((number, flow))
        self._keys = sorted(self._rows)

    def with_(self, flow: Flow) -> Iterator[Row]:
        base, exact = key = _key(flow.peer)
        keys = [key]
        slash = base.find("/")
        while slash >= 0:  # who selects more
            keys.append((base[:slash], False))
            slash = base.find("/", slash + 1)
        if not exact:  # and who selects some of these
            start = bisect_left(self._keys, (f"{base}/", False))
            keys += self._keys[start : bisect_left(self._keys, (f"{base}{_AFTER_SLASH}", False))]
        for one in keys:
            for number, row in self._rows.get(one, ()):
                if _common(flow, row):
                    yield number, row


_AFTER_SLASH: Final = chr(ord("/") + 1)


def _key(peers: PeerSelector) -> tuple[str, bool]:
    return (peers.text, True) if peers.prefix is None else (peers.prefix, False)


# --- In words --------------------------------------------------------------------------------------------------------


def _finding(kind: FindingKind, number: int, flow: Flow, others: tuple[int, ...]) -> Finding:
    rows = f"row{'s' * (len(others) > 1)} {', '.join(map(str, others))}"
    said = {
        FindingKind.SHADOWED: f"changes nothing, because of {rows}",
        FindingKind.OVERRULED: f"never lets anybody in: all of it is denied by {rows}",
        FindingKind.IDLE: "denies only what no row allows anyway",
        FindingKind.CONTRADICTORY: (
            f"denies some of what is allowed by {rows}, and neither is an exception from the other; what both cover is "
            "denied"
        ),
        FindingKind.UNREACHABLE: "matches nobody: the verifier of the peer does not believe its trust domain",
    }[kind]
    return Finding(kind, number, others, f"row {number} {said} ({flow})")
