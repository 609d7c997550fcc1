"""Until when a verdict is certain to stand: for every moment before it, the same evidence gives the same verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Unavailable
from zerotrust.core.nodes import Op
from zerotrust.core.policy import Leaf, Standing
from zerotrust.core.program import Findings, Program, Value


def horizon(program: Program, values: Sequence[Value], findings: Findings, now: float) -> float:
    """The moment, POSIX seconds, until which the verdict under `values` stands; `math.inf` if nothing ends it.

    AND-YES: the least of the children's; AND-NO: the greatest among its NO children; OR dual; NOT the same. "At
    least k" needs only its k longest-lived YES children. UNKNOWN stands while no part changes.
    """
    verdicts = program.verdicts(values)
    ends: list[float] = []
    for position, node in enumerate(program.nodes):
        if node.leaf >= 0:
            ends.append(leaf_end(program, node.leaf, findings, now))
        elif node.op in (Op.NOT, Op.NAME):
            ends.append(ends[node.children[0]])
        elif not node.children:
            ends.append(math.inf)
        else:
            verdict = verdicts[position]
            same = sorted((ends[child] for child in node.children if verdicts[child] is verdict), reverse=True)
            if verdict is None:
                ends.append(min(ends[child] for child in node.children))
            else:
                needed = node.rank if verdict else len(node.children) - node.rank + 1
                ends.append(same[needed - 1])
    return ends[-1]


def leaf_end(program: Program, position: int, findings: Findings, now: float) -> float:
    """The moment, POSIX seconds, until which the leaf at `position` stays what it is; `math.inf` if nothing ends it."""
    leaf = program.leaves[position]
    finding = findings.get(leaf.verifier)
    evidence: Evidence | None = None if finding is None else finding.proven
    if isinstance(leaf, Standing) and isinstance(finding, Unavailable):
        return now + finding.retry_after  # an outage ends; what was allowed because of it must be asked again
    if evidence is None or not now < evidence.expires_at or not isinstance(leaf, Leaf):
        return math.inf  # what says nothing keeps saying nothing, and the same outcome stays that outcome
    return min(leaf.question.until(evidence, now), evidence.expires_at)
