"""Which part of a policy a decision hung on: for a refusal the first that stood in the way, else what let in."""

from __future__ import annotations

from collections.abc import Sequence

from zerotrust.core.nodes import Node, Op
from zerotrust.core.policy import Named, Policy
from zerotrust.core.program import Value
from zerotrust.core.verdict import Kleene
from zerotrust.replay.plan import brief


def rule(policy: Policy, values: Sequence[Value], allowed: bool) -> str:
    """The name of the innermost named part that decided, else the leaf as it is written.

    Args:
        policy: what was tried.
        values: of its leaves.
        allowed: what it came to.
    """
    program = policy.program
    verdicts = program.verdicts(values)
    position, wanted = len(program.nodes) - 1, True
    named = ""
    while True:
        node = program.nodes[position]
        if isinstance(node.policy, Named) and position != len(program.nodes) - 1:
            named = node.policy.name
        if node.op is Op.NOT:
            wanted = not wanted
        below = _way(node, verdicts, wanted, allowed, program.nodes)
        if below is None:
            text = str(node.policy)
            return brief(named or (text if wanted or node.op is Op.NOT else f"not {text}"))
        position = below


def _way(node: Node, verdicts: Sequence[Kleene], wanted: bool, allowed: bool, nodes: Sequence[Node]) -> int | None:
    """The part of `node` that its verdict hangs on; None if there is none, or on several."""
    if len(node.children) < 2:
        return node.children[0] if node.children else None
    if not allowed:
        # What is decided against comes before what is unknown: it would stand in the way whatever else comes.
        against = [child for child in node.children if verdicts[child] is (not wanted)]
        unknown = [child for child in node.children if verdicts[child] is None]
        return next(iter(against or unknown), None)
    held = [child for child in node.children if verdicts[child] is wanted]
    if node.rank == 1:
        return held[0] if wanted and held else None
    # Of parts that all have to hold, the one that permits; what merely does not forbid lets nobody in.
    permits = [child for child in held if nodes[child].op is not Op.NOT]
    return permits[0] if len(permits) == 1 and wanted else None
