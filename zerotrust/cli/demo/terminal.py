"""Where text goes: a terminal with colours, width and a progress line, or a pipe that gets plain text and all of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TextIO, TypeAlias

Style: TypeAlias = Literal["bold", "dim", "green", "red", "yellow", "cyan"]

_CODES: Final[Mapping[str, str]] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(frozen=True, slots=True)
class Terminal:
    """One output stream and what it can show.

    Attributes:
        stream: what is written to.
        live: whether a line may be written over, as on a terminal.
        colour: whether escape sequences for colours are understood and wanted.
        width: columns, or None where nobody counts them.
        symbols: whether the encoding has more than ASCII.
    """

    stream: TextIO
    live: bool = False
    colour: bool = False
    width: int | None = None
    symbols: bool = False

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str]) -> Terminal:
        """What `stream` can show in this environment; honours `NO_COLOR` (no-color.org), `TERM=dumb`, `COLUMNS`."""
        if not stream.isatty():
            return cls(stream)
        dumb = environ.get("TERM") == "dumb"
        encoding = (stream.encoding or "").lower().replace("-", "")
        return cls(
            stream,
            live=not dumb,
            colour=not dumb and not environ.get("NO_COLOR"),
            width=shutil.get_terminal_size().columns,
            symbols=encoding.startswith("utf"),
        )

    def paint(self, text: str, *styles: Style) -> str:
        """`text` in these styles, or as it is where there are no colours."""
        if not self.colour or not styles or not text:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"

    def line(self, text: str = "") -> None:
        """Write one line."""
        print(text, file=self.stream)

    def progress(self, text: str) -> None:
        """Show `text` in place of the last progress, on a terminal only."""
        if self.live:
            print(f"\r\x1b[K{self.fit(text, (self.width or 80) - 1)}", end="", file=self.stream, flush=True)

    def clear(self) -> None:
        """Take the progress away."""
        if self.live:
            print("\r\x1b[K", end="", file=self.stream, flush=True)

    def fit(self, text: str, width: int) -> str:
        """`text` cut to `width` columns, with a mark where it was cut."""
        if len(text) <= width:
            return text
        mark = "…" if self.symbols else "..."
        return text[: max(width - len(mark), 0)] + mark[: max(width, 0)]
