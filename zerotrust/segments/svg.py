"""The matrix as an SVG image: self-contained, without script, and readable by who does not see it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.text import visible
from zerotrust.segments.matrix import Cell, matrix, shown
from zerotrust.segments.rows import Flow

_LINE: Final = 18  # pixels from one line of text to the next
_LETTER: Final = 7.3  # pixels of a letter of the 12 pixel monospaced type
_PADDING: Final = 8

# Dark text on light fills, all above the contrast of 7:1 that WCAG 2.2 asks for at level AAA; what is denied is also
# said in words, so that nothing is told by colour alone.
_STYLE: Final = (
    "text{font:12px ui-monospace,monospace;fill:#1a1a1a}"
    "rect{stroke:#8a8a8a;fill:#ffffff}"
    ".head{fill:#e8edf3}.allow{fill:#e3f4e5}.deny{fill:#fbe5e5}.denied{fill:#7a0b0b}"
)


def svg(flows: Sequence[Flow], title: str) -> str:
    """The matrix of these rows.

    Args:
        flows: the rows.
        title: what the image is called, to who has it read aloud, too.
    """
    if not isinstance(title, str) or not title.strip():
        raise ConfigError(f"a title is {title!r}: write what the image shows, in a few words")
    table = matrix(flows)
    columns = [["from \\ to", *table.peers], *([service] for service in table.services)]
    for peer in table.peers:
        for column, service in enumerate(table.services, 1):
            cell = table.cells.get((peer, service))
            columns[column] += [shown(denies, called) for _, denies, called in cell.lines] if cell else ["-"]
    widths = [round(max(map(len, texts)) * _LETTER) + 2 * _PADDING for texts in columns]
    lefts = [sum(widths[:column]) for column in range(len(widths))]
    parts: list[str] = []
    top = 0
    height = _height(1)
    for column, label in enumerate(["from \\ to", *table.services]):
        parts += _cell(lefts[column], top, widths[column], height, "head", [("", label)])
    top += height
    for peer in table.peers:
        cells = [table.cells.get((peer, service)) for service in table.services]
        height = _height(max(len(cell.lines) if cell else 1 for cell in cells))
        parts += _cell(0, top, widths[0], height, "head", [("", peer)])
        for column, cell in enumerate(cells, 1):
            parts += _cell(lefts[column], top, widths[column], height, _kind(cell), _texts(cell))
        top += height
    width = sum(widths)
    allowing = sum(not flow.denies for flow in flows)
    about = (
        f"{len(table.peers)} peers down the side, {len(table.services)} services along the top: {allowing} rows allow, "
        f"{len(flows) - allowing} deny, and everything else is refused."
    )
    size = f'width="{width + 1}" height="{top + 1}" viewBox="-0.5 -0.5 {width + 1} {top + 1}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" {size}>',
            f'<title id="title">{_escaped(title)}</title>',
            f'<desc id="desc">{_escaped(about)}</desc>',
            f"<style>{_STYLE}</style>",
            *parts,
            "</svg>\n",
        ]
    )


def _height(lines: int) -> int:
    return lines * _LINE + _PADDING


def _kind(cell: Cell | None) -> str:
    if cell is None:
        return "none"
    return "deny" if all(denies for _, denies, _ in cell.lines) else "allow"


def _texts(cell: Cell | None) -> list[tuple[str, str]]:
    if cell is None:
        return [("", "-")]
    return [("denied" if denies else "", shown(denies, called)) for _, denies, called in cell.lines]


def _cell(left: int, top: int, width: int, height: int, kind: str, texts: list[tuple[str, str]]) -> list[str]:
    parts = [f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="{height}"/>']
    for line, (style, said) in enumerate(texts, 1):
        marked = f' class="{style}"' if style else ""
        parts.append(f'<text{marked} x="{left + _PADDING}" y="{top + line * _LINE}">{_escaped(said)}</text>')
    return parts


def _escaped(text: str) -> str:
    # A pattern may be longer than what is shown in logs, and may hold what XML does not allow at all.
    return escape(text if text.isprintable() else visible(text))
