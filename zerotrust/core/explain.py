"""Why a decision came out as it did: the policy as a tree, each leaf with its verdict and what it was drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zerotrust.core.finding import Verified
from zerotrust.core.policy import AllOf, AnyOf, AtLeast, Leaf, Named, Not, Policy, Standing
from zerotrust.core.program import Findings, Program, Value
from zerotrust.core.reason import EXPIRED, NOT_GATHERED, Reason
from zerotrust.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """One node of the tree.

    Attributes:
        verdict: what this part came to.
        text: the part as it was written; for composites "all of", "any of", "at least 2 of", "not" or the name.
        detail: for a leaf, what the verdict was drawn from; empty for composites. Holds no secret, but it may name
            the subject and its attributes: show it to operators, not to callers.
        reason: why a leaf is unknown, if it is.
        children: the parts, in the order written.
    """

    verdict: Verdict
    text: str
    detail: str = ""
    reason: Reason | None = None
    children: tuple[Explanation, ...] = ()

    def __str__(self) -> str:
        rows = list(_rows(self, 0))
        width = max((len(left) for left, detail in rows if detail), default=0)
        return "\n".join(f"{left:<{width}}   {detail}" if detail else left for left, detail in rows)

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
    verdicts = program.verdicts(values)
    made: list[Explanation] = []
    for node, value in zip(program.nodes, verdicts, strict=True):
        verdict, policy = Verdict(value), node.policy
        children = tuple(made[child] for child in node.children)
        if node.leaf >= 0:
            leaf = program.leaves[node.leaf]
            reason = _reason(leaf, values[node.leaf], findings, now)
            detail = _detail(leaf, findings, now) if reason is None else str(reason)
            made.append(Explanation(verdict, str(leaf), detail, reason))
        elif isinstance(policy, Not) and not children[0].children:
            inner = children[0]
            made.append(Explanation(verdict, f"not {inner.text}", inner.detail, inner.reason))
        else:
            made.append(Explanation(verdict, _title(policy), children=children))
    return made[-1]


def _title(policy: Policy) -> str:
    match policy:
        case AllOf():
            return "all of"
        case AnyOf():
            return "any of"
        case AtLeast():
            return f"at least {policy.count} of"
        case Not():
            return "not"
        case Named():
            return policy.name
        case _:
            return str(policy)


def _reason(leaf: Leaf[Any] | Standing, value: Value, findings: Findings, now: float) -> Reason | None:
    finding = findings.get(leaf.verifier)
    if finding is None:
        return NOT_GATHERED()
    if isinstance(value, Reason):
        return value
    if value is not None:
        return None
    if not isinstance(finding, Verified):
        return finding.reason
    return EXPIRED(expected=finding.evidence.expires_at, presented=now)


def _detail(leaf: Leaf[Any] | Standing, findings: Findings, now: float) -> str:
    finding = findings[leaf.verifier]
    if isinstance(leaf, Standing) or not isinstance(finding, Verified):
        return type(finding).__name__.lower()
    return leaf.question.saw(finding.evidence, now)


def _rows(part: Explanation, depth: int) -> Iterator[tuple[str, str]]:
    indent = "  " * depth
    if part.children:
        yield f"{indent}{part.text}", ""
        for child in part.children:
            yield from _rows(child, depth + 1)
    else:
        yield f"{indent}{part.verdict!s:<3}  {part.text}", part.detail
