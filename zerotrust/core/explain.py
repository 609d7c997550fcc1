"""Why a decision came out as it did: the policy as a tree, each leaf with its verdict and what it was drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import NotRequired, TypeAlias, TypedDict

from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Rejected, Unavailable, Unspent
from zerotrust.core.horizon import leaf_end
from zerotrust.core.policy import Leaf
from zerotrust.core.program import Findings, Program, Value
from zerotrust.core.reason import EXPIRED, NOT_GATHERED, NOT_SPENT, Reason
from zerotrust.core.text import visible
from zerotrust.core.verdict import Verdict

# What a decision rested on; shared by all nodes of its tree.
_Seen: TypeAlias = tuple[Program, Sequence[Value], Findings, float]

_MOST = 2_000  # parts that are shown each time they occur
_DEEPEST = 100  # levels of the plain data
_INDENT = 40  # levels that are indented; deeper ones say how deep they are

_VERDICTS = {True: Verdict.YES, False: Verdict.NO, None: Verdict.UNKNOWN}


class ExplanationData(TypedDict):
    """One node of the tree as plain data; what is empty or unknown is left out."""

    verdict: str
    text: str
    detail: NotRequired[str]
    code: NotRequired[str]
    verified_at: NotRequired[float]
    valid_until: NotRequired[float]
    depth: NotRequired[int]
    as_above: NotRequired[bool]
    children: NotRequired[list[ExplanationData]]


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

    @property
    def verified_at(self) -> float | None:
        """When the evidence of a leaf was checked, POSIX seconds; None if there is none, and for composites."""
        if self._leaf < 0:
            return None
        program, _, findings, _ = self._seen
        finding = findings.get(program.leaves[self._leaf].verifier)
        evidence: Evidence | None = None if finding is None else finding.proven
        return None if evidence is None else evidence.verified_at

    @property
    def valid_until(self) -> float | None:
        """Until when a leaf stays what it is on its evidence, POSIX seconds; `math.inf` if nothing ends that.

        None where nothing was looked at, and for composites.
        """
        if self._leaf < 0:
            return None
        program, _, findings, now = self._seen
        return leaf_end(program, self._leaf, findings, now) if program.leaves[self._leaf].verifier in findings else None

    def flat(self) -> Iterator[tuple[int, Explanation, bool]]:
        """All parts in the order written, itself first: how deep each stands, and whether its parts are left out.

        They are left out where they were shown before, and the policy uses its parts so often that showing them each
        time would be out of proportion: one that occurs twice in a part that occurs twice, and so on.
        """
        once = _size(self) > _MOST
        shown: set[int] = set()
        todo: list[tuple[int, Explanation]] = [(0, self)]
        while todo:
            depth, part = todo.pop()
            again = once and bool(part.children) and id(part) in shown
            yield depth, part, again
            if not again:
                shown.add(id(part))
                todo.extend((depth + 1, child) for child in reversed(part.children))

    def __str__(self) -> str:
        rows = list(_rows(self))
        width = max((len(left) for left, detail in rows if detail), default=0)
        return "\n".join(f"{left:<{width}}   {detail}" if detail else left for left, detail in rows)

    def __repr__(self) -> str:
        return f"<Explanation {self.verdict} {self.text}>"

    def to_dict(self) -> ExplanationData:
        """The tree as plain data for JSON: verdict, text, detail, code, verified_at, valid_until, children.

        The moments are POSIX seconds; a leaf that nothing ends has no `valid_until`.

        Parsers of JSON bear only so many levels. What is more than 100 levels down stands in one list, each part with
        its depth below the whole; and what `flat` leaves out is marked `as_above`.
        """
        path: list[ExplanationData] = []  # the dicts from the root down to where we are
        for depth, part, again in self.flat():
            plain: ExplanationData = {"verdict": part.verdict.name, "text": part.text}
            if part.detail:
                plain["detail"] = part.detail
            if part.reason is not None:
                plain["code"] = part.reason.code
            if (checked := part.verified_at) is not None:
                plain["verified_at"] = checked
            if (until := part.valid_until) is not None and isfinite(until):
                plain["valid_until"] = until
            if depth >= _DEEPEST:
                plain["depth"] = depth
            if again:
                plain["as_above"] = True
            del path[min(depth, _DEEPEST) :]
            if path:
                path[-1].setdefault("children", []).append(plain)
            path.append(plain)
        return path[0]


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


def _rows(whole: Explanation) -> Iterator[tuple[str, str]]:
    for depth, part, again in whole.flat():
        indent = "  " * min(depth, _INDENT) + (f"[{depth}] " if depth > _INDENT else "")
        if part.children:
            yield f"{indent}{part.text}{' (as above)' if again else ''}", ""
        else:
            yield f"{indent}{part.verdict!s:<3}  {part.text}", part.detail


def _size(whole: Explanation) -> int:
    """How many rows the tree has with everything shown each time it occurs, so far as it matters."""
    sizes: dict[int, int] = {}
    todo = [whole]
    while todo:
        part = todo[-1]
        missing = [child for child in part.children if id(child) not in sizes]
        if missing:
            todo.extend(missing)
        else:
            todo.pop()
            sizes[id(part)] = min(1 + sum(sizes[id(child)] for child in part.children), _MOST + 1)
    return sizes[id(whole)]
