"""A policy or a decision as a Mermaid flowchart. Whatever stands in a label is text: nothing of it is markup there."""

from __future__ import annotations

from typing import Final

from zerotrust.documents.parts import Part, Shown, parts_of

# Colours that are told apart in print and by everybody; the words are in the labels as well.
_CLASSES: Final = (
    "classDef yes fill:#d7f0dd,stroke:#1a7f37,color:#0b3d1a",
    "classDef no fill:#fde2e0,stroke:#b3261e,color:#5c0f0b",
    "classDef unknown fill:#fff1cc,stroke:#9a6700,color:#4d3300",
    "classDef leaf fill:#eef2f7,stroke:#57606a,color:#1f2328",
    "classDef node fill:#ffffff,stroke:#57606a,color:#1f2328",
    "classDef name fill:#ddeaff,stroke:#0b57d0,color:#062e6f",
    "classDef tags fill:#f0e6ff,stroke:#6639ba,color:#2e1065",
)
_SHAPES: Final = {"leaf": ('["', '"]'), "name": ('(["', '"])'), "tags": ('[/"', '"/]'), "node": ('("', '")')}
_PLAIN: Final = frozenset(" .,_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")


def to_mermaid(policy_or_decision: Shown) -> str:
    """A flowchart for Mermaid: a policy's parts, or a decision's with the verdict of each.

    What is used several times is drawn once. Mermaid itself draws no more than 500 lines unless it is told to
    (`maxEdges`).

    Args:
        policy_or_decision: what is drawn. A decision's details may name the subject and its attributes.

    Raises:
        PolicyError: it is neither.
    """
    root = parts_of(policy_or_decision)
    lines = ["flowchart TD"]
    numbers: dict[int, int] = {}
    todo = [root]
    while todo:
        part = todo.pop()
        if id(part) not in numbers:
            numbers[id(part)] = len(numbers)
            lines.append(f"  {_node(part, numbers[id(part)])}")
            todo.extend(child for _, child in reversed(part.children))
    drawn: set[int] = set()
    todo = [root]
    while todo:
        part = todo.pop()
        if id(part) in drawn:
            continue
        drawn.add(id(part))
        for role, child in part.children:
            label = f'|"{escaped(role)}"|' if role else ""
            lines.append(f"  n{numbers[id(part)]} -->{label} n{numbers[id(child)]}")
        todo.extend(child for _, child in reversed(part.children))
    lines.extend(f"  {one}" for one in _CLASSES)
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """`text` for a label: all but letters, digits and blanks as character references, which Mermaid never parses."""
    return "".join(
        one if one in _PLAIN else "#65533;" if "\ud800" <= one <= "\udfff" else f"#{ord(one)};" for one in text
    )


def _node(part: Part, number: int) -> str:
    begin, end = _SHAPES[part.kind]
    style = part.kind if part.verdict is None else part.verdict.name.lower()
    label = escaped(part.text if part.verdict is None else f"{part.verdict}: {part.text}")
    if part.detail:
        label += f"<br/>{escaped(part.detail)}"
    return f"n{number}{begin}{label}{end}:::{style}"
