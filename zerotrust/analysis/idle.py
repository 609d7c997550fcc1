"""What in a policy decides nothing: rules that are never reached, leaves that cannot matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from zerotrust.analysis.circuit import FALSE, GaveUp, Literal
from zerotrust.analysis.domain import Kleene
from zerotrust.analysis.encoding import Anything, Encoding
from zerotrust.analysis.parts import Part, condition, is_rule, leaves, put_leaves, rules, without
from zerotrust.analysis.prover import SECONDS, Prover
from zerotrust.core.combining import Rule
from zerotrust.core.policy import Anyone, Leaf, Named, Policy, Tagged
from zerotrust.core.tree import Tree

_MOST_WORK: Final = 10_000_000  # leaves by gates: each leaf is a question about all of these
_MOST_ANEW: Final = 100_000  # likewise, up to which the policy is written anew for each leaf: tables like it best
_AT_ONCE: Final = 64  # leaves that are taken out of one copy of the policy
_MOST_UNTOLD: Final = 5  # leaves, each of which may have taken the solver all its time


@dataclass(frozen=True, slots=True)
class Idle:
    """A rule or a leaf that decides nothing.

    Attributes:
        text: the rule or leaf as it is written.
        where: the name of the policy around it; that policy itself, if it has none.
        why: what makes it so.
    """

    text: str
    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.text}: {self.why}"


@dataclass(frozen=True, slots=True)
class IdleParts:
    """Everything of a kind that was found; each is proven to be so.

    Attributes:
        found: in the order written.
        complete: whether there are no others.
        caveats: why there may be, if not.
    """

    found: tuple[Idle, ...]
    complete: bool
    caveats: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        raise TypeError("this is neither true nor false; ask .found, and .complete")

    def __str__(self) -> str:
        lines = [str(one) for one in self.found] or ["none"]
        return "\n".join([*lines, *(f"left open: {caveat}" for caveat in self.caveats)])


def unreachable(policy: Policy, *, seconds: float = SECONDS) -> IdleParts:
    """The rules of `policy` that never decide: it would allow the same without them.

    Rules are the parts of `|` and `any_of`, of policy sets, of combinations, and what `when` asks. Of two that say the
    same the later one is told.

    Args:
        policy: to look through.
        seconds: how long the solver may think about one question.
    """
    caveats: list[str] = []
    found: dict[tuple[int, ...], Idle] = {}
    try:
        written = list(rules(policy))
        # A rule may ask what the policy as a whole does not depend on: a forbid(...) after which nothing permits.
        asked = [one for one in map(condition, (part.tree for part in written)) if one is not None]
        encoding = Encoding((policy, *asked))
        prover = Prover(encoding.circuit, seconds)
        caveats += (*encoding.caveats, *encoding.limits)
        current = policy
        for part in reversed(written):
            place = _place(part)
            here = _same_place(current, place)
            shorter = None if here is None else without(here)
            if shorter is None or not _as_before(encoding, prover, current, shorter, caveats):
                continue
            inside = [one for one in found if one[: len(place)] == place]  # told with what it is in
            for one in inside:
                del found[one]
            found[place] = Idle(str(part.tree), part.where, _why(encoding, prover, part))
            current = shorter
    except GaveUp as gave_up:
        caveats.append(str(gave_up))
    in_order = tuple([found[place] for place in sorted(found)])
    return IdleParts(in_order, not caveats, tuple(dict.fromkeys(caveats)))


def never_or_always(policy: Policy, *, seconds: float = SECONDS) -> str:
    """Whether `policy` comes out the same whatever is presented: what it does, in words; empty if neither is proven.

    "can never be YES", or "allows everybody"; the latter is no mistake of `anyone(...)`, which says so.

    Args:
        policy: to look at.
        seconds: how long the solver may think about one question.
    """
    try:
        encoding = Encoding((policy,))
        prover, yes = Prover(encoding.circuit, seconds), encoding.values[0].yes
        if prover.find(yes) is None:
            return "can never be YES"
        return "allows everybody" if not _says_so(policy) and prover.find(yes ^ 1) is None else ""
    except GaveUp:
        return ""


def _says_so(policy: Policy) -> bool:
    while isinstance(policy, Named | Tagged):
        policy = policy.inner
    return isinstance(policy, Anyone)


def idle_leaves(policy: Policy, *, seconds: float = SECONDS) -> IdleParts:
    """The leaves of `policy`, each where it is written, that cannot matter: it comes out the same without them.

    Args:
        policy: to look through.
        seconds: how long the solver may think about one question.
    """
    caveats: list[str] = []
    found: list[Idle] = []
    try:
        written = list(leaves(policy))  # each is a question to the solver, so what is too large is told first
        encoding = Encoding((policy,))
        prover = Prover(encoding.circuit, seconds)
        caveats += (*encoding.caveats, *encoding.limits)
        work = len(written) * len(encoding.circuit.gates)
        if work > _MOST_WORK:
            raise GaveUp(
                f"{len(written)} leaves in {len(encoding.circuit.gates)} gates are too many to take out each of them "
                f"(the product may be {_MOST_WORK}): look through its parts one by one"
            )
        at_once = _AT_ONCE if work > _MOST_ANEW else 1
        untold = 0
        for first in range(0, len(written), at_once):
            taken = range(first, min(first + at_once, len(written)))
            for number, matters in _taken_out(encoding, policy, [part.tree for part in written], taken):
                if untold == _MOST_UNTOLD:
                    raise GaveUp(f"no leaves were looked at after {untold} of which nothing could be told")
                try:
                    idle = not prover.possible(*matters)
                except GaveUp as gave_up:
                    caveats.append(str(gave_up))
                    untold += 1
                    continue
                if idle:
                    part = written[number]
                    found.append(Idle(str(part.tree), part.where, "whatever it answers, the outcome is the same"))
    except GaveUp as gave_up:
        caveats.append(str(gave_up))
    return IdleParts(tuple(found), not caveats, tuple(dict.fromkeys(caveats)))


def _taken_out(
    encoding: Encoding, policy: Policy, written: Sequence[Tree], taken: Sequence[int]
) -> Iterator[tuple[int, tuple[Literal, Literal]]]:
    """For each leaf by its number, what is true together where it matters.

    All of `taken` are taken out of one other policy, each where its number is chosen: it is encoded once for them all.
    """
    circuit, others = encoding.circuit, [one for one in written if isinstance(one, Policy)]
    bits = [circuit.choice("the leaf taken out", "", "") for _ in range((len(taken) - 1).bit_length())]
    chosen: dict[int, Literal] = {}
    asked = frozenset(policy.program.leaves)
    for place, number in enumerate(taken):
        leaf = others[number]
        verifier = min(leaf.verifiers, key=str, default=None)
        if verifier is None:
            continue
        if leaf not in asked:  # a forbidding rule with no permitting one after it, say: no answer of it is looked at
            chosen[number] = FALSE
            continue
        out = circuit.all([circuit.case(bit, place >> at & 1) for at, bit in enumerate(bits)])
        kept, anything = encoding.value(0, leaf), encoding.value(0, Leaf(verifier, Anything()))
        either = Kleene(
            *[
                circuit.any((circuit.all((out, free)), circuit.all((out ^ 1, one))))
                for free, one in ((anything.yes, kept.yes), (anything.no, kept.no))
            ]
        )
        others[number] = mark = Leaf(verifier, Anything(1 + number))
        encoding.suppose(0, mark, either)
        chosen[number] = out
    before, after = encoding.value(0, policy).yes, encoding.value(0, put_leaves(policy, others)).yes
    differs = circuit.any((circuit.all((before, after ^ 1)), circuit.all((before ^ 1, after))))
    for number, out in chosen.items():
        yield number, (out, differs)


def _as_before(encoding: Encoding, prover: Prover, before: Policy, after: Policy, caveats: list[str]) -> bool:
    """Whether it is proven that these allow the same."""
    one, other = encoding.value(0, before).yes, encoding.value(0, after).yes
    circuit = encoding.circuit
    try:
        return all(prover.find(circuit.all(pair)) is None for pair in ((one, other ^ 1), (one ^ 1, other)))
    except GaveUp as gave_up:
        caveats.append(str(gave_up))
        return False


def _why(encoding: Encoding, prover: Prover, part: Part) -> str:
    asked = condition(part.tree)
    if asked is not None and prover.find(encoding.value(0, asked).yes) is None:
        return "it can never be YES"
    holder, place = part.path[-1]
    beside = [Part(tree, (*part.path[:-1], (holder, at))) for at, tree in enumerate(holder.apart()[1]) if at != place]
    for other in beside:
        covering = condition(other.tree) if is_rule(other) else None
        if asked is not None and covering is not None:
            mine, others = encoding.value(0, asked).yes, encoding.value(0, covering).yes
            if prover.find(mine, others ^ 1) is None:
                applies = isinstance(other.tree, Rule)
                return (
                    f"whenever it {'applies' if applies else 'is YES'}, so {'does' if applies else 'is'} {other.tree}"
                )
    return "wherever it would decide, others have decided the same"


def _place(part: Part) -> tuple[int, ...]:
    return tuple(place for _, place in part.path)


def _same_place(root: Policy, place: tuple[int, ...]) -> Part | None:
    """The part that stands there in a policy that was changed elsewhere."""
    path: list[tuple[Tree, int]] = []
    tree: Tree = root
    for at in place:
        path.append((tree, at))
        inside = tree.apart()[1]
        if at >= len(inside):
            return None
        tree = inside[at]
    return Part(tree, tuple(path))
