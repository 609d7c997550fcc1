"""The script and the style sheet of the page, as they are served: the same for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from zerotrust.core.request import AccessRequest
from zerotrust.web.answer import Answer
from zerotrust.web.ceremonies.replies import file_answer

_FOLDER: Final = Path(__file__).parent / "static"
_KINDS: Final = {".js": b"text/javascript; charset=utf-8", ".css": b"text/css; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file.

    Attributes:
        kind: its content type.
        body: what it holds.
        tag: its entity tag (RFC 9110 section 8.8.3).
    """

    kind: bytes
    body: bytes
    tag: bytes

    def answer(self, request: AccessRequest) -> Answer:
        """The file, unless the browser says that it has it."""
        return file_answer(self.kind, self.body, self.tag, request.field("if-none-match") == self.tag)


def static_files() -> dict[str, StaticFile]:
    """All files, by name."""
    found: dict[str, StaticFile] = {}
    for path in sorted(_FOLDER.iterdir()):
        kind = _KINDS.get(path.suffix)
        if kind is not None:
            body = path.read_bytes()
            found[path.name] = StaticFile(kind, body, f'"{sha256(body).hexdigest()[:32]}"'.encode())
    return found
