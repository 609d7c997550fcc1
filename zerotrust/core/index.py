"""Which of many alternatives can still matter: looked up by what the evidence says, instead of tried one by one.

An alternative that demands `request.method("POST")` is NO as soon as the method is stated and another one. So where
many alternatives demand something of the same attribute, and the evidence states it, all are NO but those that the
value leads to and those that demand nothing of it. Which attribute a leaf tests it says itself, by `Question.facts`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, TypeAlias, cast

from zerotrust.core.evidence import Evidence
from zerotrust.core.fact_values import segments_in, texts_in
from zerotrust.core.facts import Attribute, Both, Fact, Includes, Mentions, OneOf, Segments
from zerotrust.core.finding import Finding
from zerotrust.core.nodes import Node, Op
from zerotrust.core.policy import Leaf, Standing
from zerotrust.core.verifier import Verifier

Live: TypeAlias = Sequence[Evidence | None]
"""The evidence of each verifier, None where there is none that counts now."""
Piece: TypeAlias = Callable[[Mapping[Verifier[Any], Finding[Any]], float, Live], bool]
"""Whether a part of a policy comes to what helps: what was found, the moment, and what of it counts."""

FEWEST: Final = 8  # alternatives that are worth a look-up
_SCALARS: Final = (str, int, bool, float)
_MOST_COPIES = 4  # on average, of an alternative that several values lead to


@dataclass(frozen=True, slots=True)
class Stated:
    """Something that evidence may state: what is looked up.

    Attributes:
        kind: what is asked about the attribute, which says what its values are.
        segment: of a path, the position of the segment; -1 for the whole path.
    """

    verifier: Verifier[Any]
    attribute: Attribute
    kind: type[OneOf | Mentions | Includes | Segments]
    segment: int = -1

    @property
    def as_it_is(self) -> bool:
        """Whether a text is looked up as it is, and nothing else is."""
        return self.kind is OneOf or (self.kind is Segments and self.segment < 0)

    def values(self, said: object) -> Collection[Hashable] | None:
        """What the attribute says, to look up; None if it says nothing that such tests are about."""
        if self.kind is Includes:
            return texts_in(said)
        if self.kind is Segments:
            path = segments_in(said)
            if path is None or self.segment < 0:
                return None if path is None else (said,)
            return path[self.segment : self.segment + 1]
        if self.kind is OneOf:
            return (said,) if type(said) in _SCALARS else None
        items = cast("list[Hashable]", said) if isinstance(said, list) else [said]
        return items if all(type(item) in _SCALARS for item in items) else None


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives, by position, told apart by what is stated; `rest` demand nothing of it."""

    stated: Stated
    table: dict[Hashable, list[int]]
    rest: list[int]

    @property
    def by_text(self) -> bool:
        """Whether it is by a field of the evidence that holds a text."""
        field = reads_fields(self.stated.verifier) and self.stated.attribute.name.isidentifier()
        return field and self.stated.as_it_is and all(type(value) is str for value in self.table)


class Demanded:
    """What the parts of a policy demand, read off their leaves once.

    Args:
        nodes: the policy, children before parents.
        leaves: its leaves.
    """

    def __init__(self, nodes: Sequence[Node], leaves: Sequence[Leaf[Any] | Standing]) -> None:
        self._nodes = nodes
        self._leaves = leaves
        self._found: dict[int, dict[Stated, tuple[Hashable, ...]]] = {}

    def of(self, position: int) -> dict[Stated, tuple[Hashable, ...]]:
        """For what may be stated, the values without which the node is NO."""
        found = self._found.get(position)
        if found is None:
            found = self._found[position] = {}
            for leaf in self._conjuncts(position):
                for stated, values in _demands(leaf):
                    found.setdefault(stated, values)
        return found

    def choose(self, parts: Sequence[int], used: frozenset[Stated] = frozenset()) -> Choice | None:
        """What tells `parts` apart best, apart from what was `used` already; None if nothing is worth it."""
        if len(parts) < FEWEST:
            return None
        tables: dict[Stated, dict[Hashable, list[int]]] = {}
        told: dict[Stated, int] = {}
        for part in parts:
            for stated, values in self.of(part).items():
                if stated not in used:
                    told[stated] = told.get(stated, 0) + 1
                    table = tables.setdefault(stated, {})
                    for value in values:
                        table.setdefault(value, []).append(part)
        best, least = None, len(parts) // 2 + 1
        for stated, table in tables.items():
            sizes = [len(listed) for listed in table.values()]
            left = len(parts) - told[stated] + max(sizes)  # to be tried after the look-up, at worst
            if left < least and sum(sizes) <= _MOST_COPIES * len(parts):
                best, least = stated, left
        if best is None:
            return None
        return Choice(best, tables[best], [part for part in parts if best not in self.of(part)])

    def worthwhile(self) -> bool:
        """Whether anything in the policy is looked up."""
        return any(is_any(node) and self.choose(node.children) is not None for node in self._nodes)

    def _conjuncts(self, position: int) -> Iterator[Leaf[Any]]:
        todo = [position]
        seen: set[int] = set()
        while todo:
            one = todo.pop()
            if one in seen:
                continue
            seen.add(one)
            node = self._nodes[one]
            if node.op is Op.NAME or (node.op is Op.RANK and node.rank == len(node.children)):
                todo.extend(reversed(node.children))
            elif node.leaf >= 0 and isinstance(leaf := self._leaves[node.leaf], Leaf):
                yield leaf


def is_any(node: Node) -> bool:
    """Whether the node has alternatives, so many that a look-up may pay."""
    return node.op is Op.RANK and node.rank == 1 and len(node.children) >= FEWEST


def _demands(leaf: Leaf[Any]) -> Iterator[tuple[Stated, tuple[Hashable, ...]]]:
    """What has to be stated for the leaf to be YES; if something else is stated, it is NO."""
    todo: list[Fact | None] = [leaf.question.facts() if type(leaf.question).looked_up else None]
    while todo:
        match todo.pop():
            case OneOf(attribute, values):
                yield Stated(leaf.verifier, attribute, OneOf), values
            case Mentions(attribute, values):
                yield Stated(leaf.verifier, attribute, Mentions), values
            case Includes(attribute, item):
                yield Stated(leaf.verifier, attribute, Includes), (item,)
            case Segments(attribute, shape, open_ended):
                literal = [segment for segment in shape if segment is not None]
                if not open_ended and len(literal) == len(shape):
                    yield Stated(leaf.verifier, attribute, Segments), ("".join(f"/{segment}" for segment in literal),)
                for number, segment in enumerate(shape):
                    if segment is not None:
                        yield Stated(leaf.verifier, attribute, Segments, number), (segment,)
            case Both(facts):
                todo.extend(facts)
            case _:
                pass


def look_up(
    stated: Stated, number: int, table: dict[Hashable, Piece], others: Piece, rest: Piece | None, helps: bool
) -> Piece:
    """Try the pieces that what is stated leads to, and `rest`.

    Args:
        stated: what is looked up, in the evidence at `number` of the live ones.
        number: see there.
        table: where its values lead.
        others: all that the table leads to, for when nothing is stated.
        rest: what has to be tried anyhow; None if nothing.
        helps: which answer of an alternative settles the matter: True if one that holds is enough, False if all have
            to hold.
    """
    read = reader(stated)
    values, as_it_is, begins = stated.values, stated.as_it_is, "/" if stated.kind is Segments else ""

    def piece(findings: Mapping[Verifier[Any], Finding[Any]], now: float, live: Live) -> bool:
        evidence = live[number]
        said = None if evidence is None else read(evidence)
        # The usual case is spared a call: a text that is looked up as it is.
        found = (said,) if as_it_is and type(said) is str and said.startswith(begins) else values(said)
        if found is None:
            if others(findings, now, live) is helps:
                return helps
        else:
            for value in found:
                leads = table.get(value)
                if leads is not None and leads(findings, now, live) is helps:
                    return helps
        return not helps if rest is None else rest(findings, now, live)

    return piece


def never(*_: object) -> bool:
    """A piece that nothing helps."""
    return False


def one_by_one(pieces: Sequence[Piece], helps: bool) -> Piece:
    """Try `pieces` until one answers what `helps`."""

    def tried(findings: Mapping[Verifier[Any], Finding[Any]], now: float, live: Live) -> bool:
        for piece in pieces:
            if piece(findings, now, live) is helps:
                return helps
        return not helps

    return pieces[0] if len(pieces) == 1 else tried


def reader(stated: Stated) -> Callable[[Evidence], object]:
    """What gives the value of the attribute, as `Verifier.read` does."""
    verifier, attribute = stated.verifier, stated.attribute
    if reads_fields(verifier) and attribute.name.isidentifier():
        return attrgetter(attribute.name)  # the same, without a call
    return lambda evidence: verifier.read(evidence, attribute)


def reads_fields(verifier: Verifier[Any]) -> bool:
    """Whether what its evidence says of an attribute is the field of that name."""
    return not any("read" in vars(base) for base in type(verifier).__mro__ if base is not Verifier)
