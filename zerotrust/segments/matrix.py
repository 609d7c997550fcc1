"""The table as a matrix: who calls down the side, what is called along the top, how in the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zerotrust.segments.rows import Flow


@dataclass(frozen=True, slots=True)
class Cell:
    """What one peer may do with one service: a line for each row, with its number and whether it denies."""

    lines: tuple[tuple[int, bool, str], ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The cells by peer and service, in the order of the rows.

    Attributes:
        services: what is called.
        peers: who calls, as selectors.
        cells: by peer and service; what is missing is refused.
    """

    services: tuple[str, ...]
    peers: tuple[str, ...]
    cells: dict[tuple[str, str], Cell]


def matrix(flows: Sequence[Flow]) -> Matrix:
    """The rows as a matrix."""
    lines: dict[tuple[str, str], list[tuple[int, bool, str]]] = {}
    for number, flow in enumerate(flows, 1):
        lines.setdefault((str(flow.peer), flow.service), []).append((number, flow.denies, flow.called))
    return Matrix(
        services=tuple(dict.fromkeys(flow.service for flow in flows)),
        peers=tuple(dict.fromkeys(str(flow.peer) for flow in flows)),
        cells={place: Cell(tuple(found)) for place, found in lines.items()},
    )


def shown(denies: bool, called: str) -> str:
    """One line of a cell."""
    return f"deny {called}" if denies else called


def text(flows: Sequence[Flow]) -> str:
    """The matrix as text. A cell holds the methods and paths, `deny` before what is denied, `-` for nothing."""
    table = matrix(flows)
    head: list[list[str]] = [["from \\ to"], *([service] for service in table.services)]
    body: list[list[list[str]]] = []
    for peer in table.peers:
        row = [[peer]]
        for service in table.services:
            cell = table.cells.get((peer, service))
            row.append(["-"] if cell is None else [shown(denies, called) for _, denies, called in cell.lines])
        body.append(row)
    rows = [head, *body]
    widths = [max(len(line) for row in rows for line in row[column]) for column in range(len(head))]
    rule = "+".join("-" * (width + 2) for width in widths)
    blocks = ["\n".join(_block(row, widths)) for row in rows]
    return f"\n{rule}\n".join(blocks)


def _block(row: list[list[str]], widths: list[int]) -> list[str]:
    height = max(map(len, row))
    return [
        "|".join(
            f" {(cell[line] if line < len(cell) else ''):<{width}} " for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for line in range(height)
    ]
