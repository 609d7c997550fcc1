"""The hot path of large policies: many small generated functions that call each other, and look-ups between them.

As in `shortcut` the policy is in negation normal form, where a YES needs no third value. A leaf is worked out where
it stands and only if it is reached; the value of every leaf is worked out when somebody reads it. What would make an
expression too long or too deep becomes a function of its own, so neither depth nor size costs the parser anything.
Where many alternatives test the same attribute they are looked up by what the evidence says of it: see `index`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, cast

from zerotrust.core.index import MOST_COPIES, Choice, Demanded, Piece, Stated, look_up, never, one_by_one
from zerotrust.core.nodes import Node, Op
from zerotrust.core.policy import Leaf, Standing
from zerotrust.core.shortcut import UNASKED, answer_text, evidence_lines
from zerotrust.core.verifier import Verifier

_LARGEST, _DEEPEST = 64, 20  # leaves and nested parentheses of one generated function
_MOST_CALLS = 200  # how deep generated functions may call each other: some of Python's 1000 calls are the caller's


def pieces(
    nodes: Sequence[Node], helpful: Sequence[bool], leaves: Sequence[Leaf[Any] | Standing]
) -> Callable[..., Literal[True] | None] | None:
    """Generate `evaluate(findings, now)`: True if the policy is YES on `findings`, else None.

    Where its functions would call each other too deep there is none.

    Args:
        nodes: the policy, children before parents.
        helpful: for each node the answer that helps the policy to YES.
        leaves: its leaves; no predicates.

    A piece of the text for a policy of many alternatives:

        def p7(findings, now, live, said):
            e0, e1 = live[0], live[1]
            return ((e0 is not None and (e0.method in q8.values) is True) and (e1 is not None and ...)) or ...
    """
    return _Generator(nodes, helpful, leaves).evaluate()


@dataclass(frozen=True, slots=True)
class _Text:
    """An expression that is true if a node comes to the answer that helps.

    Attributes:
        size, depth: of the expression itself, not of what it calls.
        calls: how deep what it calls calls each other.
        uses: the numbers of the verifiers of whose evidence it speaks.
    """

    text: str
    size: int = 1
    depth: int = 1
    uses: frozenset[int] = frozenset()
    calls: int = 0


class _Generator:
    def __init__(self, nodes: Sequence[Node], helpful: Sequence[bool], leaves: Sequence[Leaf[Any] | Standing]) -> None:
        self.nodes = nodes
        self.helpful = helpful
        self.leaves = leaves
        self.demanded = Demanded(nodes, leaves)
        self.numbers: dict[Verifier[Any], int] = {}
        for leaf in leaves:
            self.numbers.setdefault(leaf.verifier, len(self.numbers))
        self.names: dict[str, Any] = {"unasked": UNASKED, "never": never}
        self.names |= {f"w{number}": verifier for verifier, number in self.numbers.items()}
        self.names |= {
            f"q{number}": leaf.question if isinstance(leaf, Leaf) else leaf for number, leaf in enumerate(leaves)
        }
        self.texts: list[_Text] = []
        self.calls: dict[Piece, int] = {never: 1}
        self.slots: dict[Stated, int] = {}

    def evaluate(self) -> Callable[..., Literal[True] | None] | None:
        for position in range(len(self.nodes)):
            self.texts.append(self._node(position))
            if self.texts[-1].calls > _MOST_CALLS:
                return None
        lines = ["def evaluate(findings, now):", *evidence_lines(len(self.numbers))]
        lines += [
            f"    if e{number} is not None and not now < e{number}.expires_at: e{number} = None"
            for number in self.numbers.values()
        ]
        lines.append(f"    live = ({''.join(f'e{number}, ' for number in self.numbers.values())})")
        lines.append("    said = {}" if self.slots else "    said = None")
        lines.append(f"    return True if {self.texts[-1].text} else None")
        return cast("Callable[..., Literal[True] | None]", self._compiled("evaluate", lines))

    def _node(self, position: int) -> _Text:
        node, helps = self.nodes[position], self.helpful[position]
        if node.leaf >= 0:
            return self._leaf(node.leaf, helps)
        if node.op is Op.YES:
            return _Text(str(helps))
        if node.op in (Op.NOT, Op.NAME):
            return self.texts[node.children[0]]
        choice = self.demanded.chosen(position)
        if choice is not None:
            return self._looked_up(choice, MOST_COPIES * len(node.children))
        # "At least k are YES" fails for good once more than n - k are NO.
        enough = node.rank if helps else len(node.children) - node.rank + 1
        return self._joined([self.texts[child] for child in node.children], enough)

    def _leaf(self, number: int, helps: bool) -> _Text:
        leaf = self.leaves[number]
        verifier = self.numbers[leaf.verifier]
        if isinstance(leaf, Standing):
            return _Text(f"(w{verifier} in findings and q{number}.answer(findings[w{verifier}]) is {helps})")
        answer = answer_text(leaf.question, f"e{verifier}", f"q{number}", self.names)
        return _Text(f"(e{verifier} is not None and ({answer}) is {helps})", uses=frozenset((verifier,)))

    def _joined(self, parts: list[_Text], enough: int) -> _Text:
        """So many of `parts` hold."""
        if len(parts) == 1:
            return parts[0]
        parts = [part if part.size < _LARGEST and part.depth < _DEEPEST else self._cut(part) for part in parts]
        if enough in (1, len(parts)):
            sign = " or " if enough == 1 else " and "
            groups = [_together(group, sign.join(part.text for part in group)) for group in _groups(parts)]
            if len(groups) == 1:
                return groups[0]
            groups = [self._cut(group) for group in groups]
            return _together(groups, sign.join(group.text for group in groups))
        counts = [
            self._cut(_together(group, f"({', '.join(part.text for part in group)},).count(True)"))
            for group in _groups(parts)
        ]
        return _together(counts, f"sum(({', '.join(count.text for count in counts)},)) >= {enough}")

    def _looked_up(self, choice: Choice, room: int) -> _Text:
        """Look-ups within look-ups, all of which together copy no more than there is `room` for."""
        made: dict[int, Piece] = {}  # of alternatives that several look-ups may lead to
        known: dict[tuple[int, ...], Piece] = {}

        def looked_up(choice: Choice, used: frozenset[Stated]) -> _Text:
            nonlocal room
            room -= choice.copies
            used |= {choice.stated}
            for part in chain.from_iterable(choice.table.values()):
                if part not in made:
                    made[part] = self._piece(self.texts[part])
            table = {value: tried(tuple(parts), used) for value, parts in choice.table.items()}
            rest = tried(tuple(choice.rest), used) if choice.rest else None
            return self._by_text(choice.stated, table, rest) if choice.by_text else self._read(choice, table, rest)

        def tried(parts: tuple[int, ...], used: frozenset[Stated]) -> Piece:
            if parts not in known:
                further = self.demanded.choose(parts, room, used)
                if further is not None:
                    known[parts] = self._piece(looked_up(further, used))
                elif parts[0] in made:
                    known[parts] = self._called(one_by_one([made[part] for part in parts]), [made[p] for p in parts])
                else:
                    known[parts] = self._piece(self._joined([self.texts[part] for part in parts], 1))
            return known[parts]

        return looked_up(choice, frozenset())

    def _read(self, choice: Choice, table: Mapping[Hashable, Piece], rest: Piece | None) -> _Text:
        stated = choice.stated
        slot = self.slots.setdefault(stated, len(self.slots))
        piece = look_up(stated, self.numbers[stated.verifier], slot, table, rest)
        return self._named(self._called(piece, [*table.values(), rest or never]))

    def _by_text(self, stated: Stated, table: Mapping[Hashable, Piece], rest: Piece | None) -> _Text:
        """The usual look-up without a call for it: a field that holds a text."""
        number, name = self.numbers[stated.verifier], f"t{len(self.names)}"
        self.names[name] = table
        value = f"e{number}.{stated.attribute.name}"
        leads = f"{name}.get({value}, never)(findings, now, live, said)"
        text = f"(e{number} is not None and type({value}) is str and {leads})"
        calls = max(self.calls[piece] for piece in table.values())
        if rest is not None:
            text = f"({text} or {self._named(rest).text})"
            calls = max(calls, self.calls[rest])
        return _Text(text, 2, 3, frozenset((number,)), calls)

    def _called(self, piece: Piece, by_it: Sequence[Piece]) -> Piece:
        """`piece`, which calls others; and how deep that is."""
        self.calls.setdefault(piece, 1 + max(self.calls[other] for other in by_it))
        return piece

    def _cut(self, text: _Text) -> _Text:
        return self._named(self._piece(text))

    def _named(self, piece: Piece) -> _Text:
        name = f"p{len(self.names)}"
        self.names[name] = piece
        return _Text(f"{name}(findings, now, live, said)", calls=self.calls[piece])

    def _piece(self, text: _Text) -> Piece:
        lines = ["def piece(findings, now, live, said):"]
        lines += [f"    e{number} = live[{number}]" for number in sorted(text.uses)]
        lines.append(f"    return {text.text}")
        piece = cast("Piece", self._compiled("piece", lines))
        self.calls[piece] = 1 + text.calls
        return piece

    def _compiled(self, name: str, lines: list[str]) -> object:
        made: dict[str, object] = {}
        exec(compile("\n".join(lines), "<policy>", "exec"), self.names, made)  # noqa: S102 - see `shortcut`
        return made[name]


def _together(parts: list[_Text], text: str) -> _Text:
    return _Text(
        f"({text})",
        sum(part.size for part in parts),
        1 + max(part.depth for part in parts),
        frozenset(chain.from_iterable(part.uses for part in parts)),
        max(part.calls for part in parts),
    )


def _groups(parts: list[_Text]) -> list[list[_Text]]:
    groups: list[list[_Text]] = []
    room = 0
    for part in parts:
        if part.size > room:
            groups.append([])
            room = _LARGEST
        groups[-1].append(part)
        room -= part.size
    return groups
