"""Why a decision came out as it did: the policy as a tree, each leaf with its verdict and what it was drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from zerotrust.core.finding import Absent, Rejected, Unavailable, Unspent
from zerotrust.core.policy import Leaf
from zerotrust.core.program import Findings, Program, Value
from zerotrust.core.reason import EXPIRED, NOT_GATHERED, NOT_SPENT, Reason
from zerotrust.core.text import visible
from zerotrust.core.verdict import Verdict

# What a decision rested on; shared by all nodes of its tree.
_Seen: TypeAlias = tuple[Program, Sequence[Value], Findings, float]

_VERDICTS = {True: Verdict.YES, False: Verdict.NO, None: Verdict.UNKNOWN}


class Explanation:
    """One node of the tree: structure at once, prose when it is asked for.

    Attributes:
        verdict: what this part came to.
        text: the part as it was written; for composites "all of", "any of", "at least 2 of", "not" or the name.
        children: the parts, in the order written.
    """

    __slots__ = ("_leaf", "_seen", "children", "text", "verdict")

    def __init__(self, verdict: Verdict, text: str, children: tuple[Explanation, ...], leaf: int, seen: _Seen) -> None:
        self.verdict: Verdict = verdict
        self.text: str = text
        self.children: tuple[Explanation, ...] = children
        self._leaf = leaf
        self._seen = seen

    @property
    def reason(self) -> Reason | None:
        """Why a leaf is unknown; None if it is not, and for composites."""
        return None if self._leaf < 0 else why_unknown(self._leaf, *self._seen)

    @property
    def detail(self) -> str:
        """What a leaf's verdict was drawn from; empty for composites.

        It holds no secret, but it may name the subject and its attributes: show it to operators, not to callers.
        """
        if self._leaf < 0:
            return ""
        reason = self.reason
        if reason is not None:
            return str(reason)
        program, _, findings, now = self._seen
        leaf = program.leaves[self._leaf]
        finding = findings[leaf.verifier]
        if isinstance(leaf, Leaf) and finding.proven is not None:
            return visible(leaf.question.saw(finding.proven, now))
        return type(finding).__name__.lower()

    def __str__(self) -> str:
        rows = list(_rows(self, 0))
        width = max((len(left) for left, detail in rows if detail), default=0)
        return "\n".join(f"{left:<{width}}   {detail}" if detail else left for left, detail in rows)

    def __repr__(self) -> str:
        return f"<Explanation {self.verdict} {self.text}>"

    def to_dict(self) -> dict[str, Any]:
        """The tree as plain data for JSON: verdict, text, detail, code, children."""
        plain: dict[str, Any] = {"verdict": self.verdict.name, "text": self.text}
        if self.detail:
            plain["detail"] = self.detail
        if self.reason is not None:
            plain["code"] = self.reason.code
        if self.children:
            plain["children"] = [child.to_dict() for child in self.children]
        return plain


def explain(program: Program, values: Sequence[Value], findings: Findings, now: float) -> Explanation:
    """The tree for the policy under these leaf values."""
    seen = program, values, findings, now
    made: list[Explanation] = []
    for (text, leaf, children), verdict in zip(program.outline, program.verdicts(values), strict=True):
        parts = tuple([made[child] for child in children]) if children else ()
        made.append(Explanation(_VERDICTS[verdict], text, parts, leaf, seen))
    return made[-1]


def why_unknown(
    position: int, program: Program, values: Sequence[Value], findings: Findings, now: float
) -> Reason | None:
    """Why the leaf at `position` is unknown; None if it is not."""
    value = values[position]
    finding = findings.get(program.leaves[position].verifier)
    if finding is None:
        return NOT_GATHERED()
    if isinstance(value, Reason):
        return value
    if value is not None:
        return None
    if isinstance(finding, Absent | Rejected | Unavailable):
        return finding.reason
    if isinstance(finding, Unspent) and now < finding.proven.expires_at:
        return NOT_SPENT()
    return EXPIRED(expected=finding.proven.expires_at, presented=now)


def _rows(part: Explanation, depth: int) -> Iterator[tuple[str, str]]:
    indent = "  " * depth
    if part.children:
        yield f"{indent}{part.text}", ""
        for child in part.children:
            yield from _rows(child, depth + 1)
    else:
        yield f"{indent}{part.verdict!s:<3}  {part.text}", part.detail
