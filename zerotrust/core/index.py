"""Which of many alternatives can still matter: looked up by what the evidence says, instead of tried one by one.

An alternative that demands `request.method("POST")` is not YES as soon as the method is stated and another one. So
where many alternatives demand something of the same attribute, only those have to be tried that its value leads to,
and those that demand nothing of it. Which attribute a leaf tests it says itself, by `Question.facts`.

Only alternatives of which one that is YES helps are looked up. Where alternatives forbid, each is asked by its own
question: so facts that are wrong, or a `Verifier.read` that is, can refuse, and can never let anybody in.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any, Final, TypeAlias, cast

from zerotrust.core.evidence import Evidence
from zerotrust.core.fact_values import segments_in, texts_in
from zerotrust.core.facts import Attribute, Both, Fact, Includes, Mentions, OneOf, Segments
from zerotrust.core.finding import Finding
from zerotrust.core.nodes import Node, Op, helpful
from zerotrust.core.policy import Leaf, Standing
from zerotrust.core.verifier import Verifier

Said: TypeAlias = dict[int, frozenset[Hashable]]
"""What was read in a decision already, by the number of what is looked up."""
Live: TypeAlias = Sequence[Evidence | None]
"""The evidence of each verifier, None where there is none that counts now."""
Piece: TypeAlias = Callable[[Mapping[Verifier[Any], Finding[Any]], float, Live, Said], bool]
"""Whether a part of a policy comes to what helps: what was found, the moment, and what of it counts."""

FEWEST: Final = 8  # alternatives that are worth a look-up
_SCALARS: Final = (str, int, bool, float)
MOST_COPIES: Final = 3  # on average, of an alternative that several values lead to
_NOTHING: Final[frozenset[Hashable]] = frozenset()


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

    def values(self, said: object) -> frozenset[Hashable] | None:
        """What the attribute says, to look up; None if it says nothing that settles every such test."""
        if self.kind is Includes:
            return texts_in(said)
        if self.kind is Segments:
            path = segments_in(said)
            if path is None or self.segment < 0:
                return None if path is None else frozenset((said,))
            return frozenset(path[self.segment : self.segment + 1])
        if self.kind is OneOf:
            return frozenset((said,)) if type(said) in _SCALARS else None
        items = cast("list[Hashable]", said) if isinstance(said, list) else [said]
        return frozenset(items) if all(type(item) in _SCALARS for item in items) else None

    def may_be(self, said: object) -> frozenset[Hashable]:
        """All with which such a test may come to YES."""
        if self.kind is Mentions and isinstance(said, list):  # one of its items is enough, whatever the others are
            return frozenset([one for one in cast("list[Hashable]", said) if type(one) in _SCALARS])
        return self.values(said) or _NOTHING


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives, by position, told apart by what is stated; `rest` demand nothing of it."""

    stated: Stated
    table: dict[Hashable, list[int]]
    rest: list[int]

    @property
    def copies(self) -> int:
        """How often alternatives are listed beside the first time."""
        return sum(map(len, self.table.values())) - len(set(chain.from_iterable(self.table.values())))

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
        self._helpful = helpful(nodes)
        self._found: dict[int, dict[Stated, tuple[Hashable, ...]]] = {}

    def of(self, position: int) -> dict[Stated, tuple[Hashable, ...]]:
        """For what may be stated, the values without which the node is not YES."""
        found = self._found.get(position)
        if found is None:
            found = self._found[position] = {}
            for leaf in self._conjuncts(position):
                for stated, values in _demands(leaf):
                    found.setdefault(stated, values)
        return found

    def chosen(self, position: int) -> Choice | None:
        """What tells the parts of this node apart; None if it has no alternatives, or they forbid, or too few."""
        node = self._nodes[position]
        if node.op is not Op.RANK or node.rank != 1 or not self._helpful[position]:
            return None
        return self.choose(node.children, MOST_COPIES * len(node.children))

    def choose(self, parts: Sequence[int], room: int, used: frozenset[Stated] = frozenset()) -> Choice | None:
        """What tells `parts` apart best; None if nothing is worth it.

        Args:
            parts: positions of alternatives.
            room: how many copies there may be of those that several values lead to.
            used: what has told them apart already.
        """
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
            if left < least and sum(sizes) - told[stated] <= room:
                best, least = stated, left
        if best is None:
            return None
        return Choice(best, tables[best], [part for part in parts if best not in self.of(part)])

    def worthwhile(self) -> bool:
        """Whether anything in the policy is looked up."""
        return any(self.chosen(position) is not None for position in range(len(self._nodes)))

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


def _demands(leaf: Leaf[Any]) -> Iterator[tuple[Stated, tuple[Hashable, ...]]]:
    """What has to be stated for the leaf to be YES."""
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


def look_up(stated: Stated, number: int, slot: int, table: Mapping[Hashable, Piece], rest: Piece | None) -> Piece:
    """Try the pieces that what is stated leads to, and `rest`.

    Args:
        stated: what is looked up, in the evidence at `number` of the live ones.
        number: see there.
        slot: where what was read is kept for the next such look-up of the same decision.
        table: where its values lead.
        rest: what has to be tried anyhow; None if nothing.
    """
    read, may_be, keys = reader(stated), stated.may_be, frozenset(table)

    def piece(findings: Mapping[Verifier[Any], Finding[Any]], now: float, live: Live, said: Said) -> bool:
        values = said.get(slot)
        if values is None:
            evidence = live[number]
            values = said[slot] = _NOTHING if evidence is None else may_be(read(evidence))
        for value in values & keys:  # as much work as the smaller of them: whoever asks chooses how much is said
            if table[value](findings, now, live, said):
                return True
        return rest is not None and rest(findings, now, live, said)

    return piece


def never(*_: object) -> bool:
    """A piece that nothing helps."""
    return False


def one_by_one(pieces: Sequence[Piece]) -> Piece:
    """Try `pieces` until one answers yes."""

    def tried(findings: Mapping[Verifier[Any], Finding[Any]], now: float, live: Live, said: Said) -> bool:
        for piece in pieces:  # noqa: SIM110 - a generator costs as much again
            if piece(findings, now, live, said):
                return True
        return False

    return pieces[0] if len(pieces) == 1 else tried


def reader(stated: Stated) -> Callable[[Evidence], object]:
    """What gives the value of the attribute, as `Verifier.read` does."""
    verifier, attribute = stated.verifier, stated.attribute
    # The same, without a call; but `Mentions` is about the list that `read` makes of a tuple or a set.
    if stated.kind is not Mentions and reads_fields(verifier) and attribute.name.isidentifier():
        return attrgetter(attribute.name)
    return lambda evidence: verifier.read(evidence, attribute)


def reads_fields(verifier: Verifier[Any]) -> bool:
    """Whether what its evidence says of an attribute is the field of that name."""
    return not any("read" in vars(base) for base in type(verifier).__mro__ if base is not Verifier)
