"""What in a policy decides nothing: rules that are never reached, leaves that cannot matter."""

from __future__ import annotations

from dataclasses import dataclass

from zerotrust.analysis.circuit import GaveUp
from zerotrust.analysis.encoding import Anything, Encoding
from zerotrust.analysis.parts import Part, condition, is_rule, leaves, put, rules, without
from zerotrust.analysis.prover import SECONDS, Prover
from zerotrust.core.combining import Rule
from zerotrust.core.policy import Anyone, Leaf, Named, Policy, Tagged
from zerotrust.core.tree import Tree


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
        written = list(leaves(policy))  # each is a question or two to the solver, so what is too large is told first
        encoding = Encoding((policy,))
        prover = Prover(encoding.circuit, seconds)
        caveats += (*encoding.caveats, *encoding.limits)
        for part in written:
            other = _anything(part)
            if other is not None and _as_before(encoding, prover, policy, other, caveats):
                found.append(Idle(str(part.tree), part.where, "whatever it answers, the outcome is the same"))
    except GaveUp as gave_up:
        caveats.append(str(gave_up))
    return IdleParts(tuple(found), not caveats, tuple(dict.fromkeys(caveats)))


def _anything(part: Part) -> Policy | None:
    if not isinstance(part.tree, Policy):
        return None
    verifier = min(part.tree.verifiers, key=str, default=None)
    return None if verifier is None else put(part.path, Leaf(verifier, Anything()))


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
