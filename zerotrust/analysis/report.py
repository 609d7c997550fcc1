"""Comparisons as text for a terminal, as Markdown for a review, and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zerotrust.analysis.parties import leaves_in
from zerotrust.core.explain import Explanation
from zerotrust.core.policy import Policy, name_of
from zerotrust.core.verdict import Verdict

if TYPE_CHECKING:
    from zerotrust.analysis.comparison import Comparison, Example

_MOST_TEXT = 300


def called(policy: Policy) -> str:
    """A policy's name, or the policy, cut short."""
    text = name_of(policy) or str(policy)
    return text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 3]}..."


def comparison_text(comparison: Comparison) -> str:
    """For a terminal."""
    lines = [comparison.verdict]
    for title, found in (("newly allowed", comparison.newly_allowed), ("newly refused", comparison.newly_refused)):
        for number, example in enumerate(found, 1):
            lines += [f"{title}, example {number}:" if len(found) > 1 else f"{title}, for example:"]
            lines += str(example).splitlines()
            if number == 1:
                lines += _indented(f"old: {_told(example.old)}"), _indented(f"new: {_told(example.new)}")
    lines += [f"left open: {caveat}" for caveat in comparison.caveats]
    return "\n".join(lines)


def comparison_markdown(comparison: Comparison, title: str) -> str:
    """For a review."""
    name = title or called(comparison.new)
    lines = [f"### Policy {_code(name)}: {comparison.relation.value}", "", comparison.verdict, ""]
    for heading, found in (("Newly allowed", comparison.newly_allowed), ("Newly refused", comparison.newly_refused)):
        for number, example in enumerate(found, 1):
            lines += [f"**{heading}**, example {number} of {len(found)}:" if len(found) > 1 else f"**{heading}**:", ""]
            lines += _table(example)
    added, removed = changed_leaves(comparison.old, comparison.new)
    if added or removed:
        lines += ["Leaves that changed:", ""]
        lines += [f"- removed: {_code(leaf)}" for leaf in removed] + [f"- added: {_code(leaf)}" for leaf in added]
        lines.append("")
    if comparison.complete:
        lines.append("This answer is complete: it covers all evidence that can be presented.")
    else:
        lines += ["This answer is not complete:", ""]
        lines += [f"- {_escaped(caveat)}" for caveat in comparison.caveats or ("nothing more is known",)]
    return "\n".join(lines).rstrip() + "\n"


def comparison_dict(comparison: Comparison) -> dict[str, object]:
    """As plain data for JSON."""
    added, removed = changed_leaves(comparison.old, comparison.new)
    return {
        "relation": comparison.relation.value,
        "not_weaker": comparison.not_weaker,
        "verdict": comparison.verdict,
        "newly_allowed": [example_dict(one) for one in comparison.newly_allowed],
        "newly_refused": [example_dict(one) for one in comparison.newly_refused],
        "leaves": {"added": added, "removed": removed},
        "complete": comparison.complete,
        "caveats": list(comparison.caveats),
    }


def example_dict(example: Example) -> dict[str, object]:
    """An example as plain data for JSON."""
    return {
        "rests_on": [{"about": about, "is": how} for about, how in example.rests_on],
        "supposing": list(example.supposing),
        "now": example.now,
        "old": example.old.explanation.to_dict(),
        "new": example.new.explanation.to_dict(),
    }


def changed_leaves(old: Policy, new: Policy) -> tuple[list[str], list[str]]:
    """The leaves that only the new policy has, and that only the old one has, as they are written."""
    before, after = ({str(leaf): None for leaf in leaves_in(policy)} for policy in (old, new))
    return [leaf for leaf in after if leaf not in before], [leaf for leaf in before if leaf not in after]


def leaf_verdicts(tree: Explanation) -> dict[str, Verdict]:
    """What each leaf came to, by its text."""
    found: dict[str, Verdict] = {}
    todo = [tree]
    while todo:
        one = todo.pop()
        if not one.children:
            found[one.text] = one.verdict
        todo.extend(reversed(one.children))
    return found


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return [*lines, ""]


def _table(example: Example) -> list[str]:
    rows = [(_code(about), _escaped(how)) for about, how in example.rests_on] or [("anything", "whatever it is")]
    rows += [("supposed", _escaped(one)) for one in example.supposing]
    lines = table(("evidence", "is"), rows)
    old, new = leaf_verdicts(example.old.explanation), leaf_verdicts(example.new.explanation)
    answers = [
        (_code(text), _said(old.get(text)), _said(new.get(text))) for text in dict.fromkeys((*old, *new)) if text
    ]
    lines += table(("leaf", "old", "new"), [*answers, ("**decision**", _kind(example.old), _kind(example.new))])
    return lines


def _said(verdict: Verdict | None) -> str:
    return "" if verdict is None else verdict.name.lower()


def _kind(decision: Any) -> str:
    return f"**{type(decision).__name__}**"


def _told(decision: Any) -> str:
    text = str(decision)
    return text if text.count("\n") < 60 else type(decision).__name__


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _code(text: str) -> str:
    """As code, in a table too; what is in it cannot end it."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text.replace('|', chr(92) + '|')}{fence}".replace("\n", " ")


def _escaped(text: str) -> str:
    special = "\\`*_{}[]<>|#"
    return "".join(f"\\{char}" if char in special else char for char in text).replace("\n", " ")
