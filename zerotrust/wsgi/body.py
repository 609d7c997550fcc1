"""A body, bounded in size and in time, whoever sends it."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from zerotrust.web.answer import Answer
from zerotrust.web.posted import CUT_SHORT, TOO_LARGE, TOO_SLOW, declared

_PART: Final = 16 * 1024


def read_body(environ: Mapping[str, Any], most: int, patience: float) -> bytes | Answer:
    """The body of a request (PEP 3333); the refusal if it is too large, too slow or not complete.

    Without `CONTENT_LENGTH` there is none, unless the server says that its input ends by itself. How long one part may
    take is the server's timeout; between parts this one counts.

    Args:
        environ: as the server made it.
        most: the most bytes. A request that declares more is refused before any of them is read.
        patience: the most seconds that all of it may take.
    """
    told = environ.get("CONTENT_LENGTH") or ""
    length = declared([str(told).encode("latin-1", "replace")]) if told else 0
    if length > most:
        return TOO_LARGE
    endless = not told and bool(environ.get("wsgi.input_terminated"))
    body = bytearray()
    ends = monotonic() + patience
    wanted = most + 1 if endless else length
    while len(body) < wanted:
        try:
            part: bytes = environ["wsgi.input"].read(min(_PART, wanted - len(body)))
        except (OSError, ValueError):  # servers differ in what they raise for a connection that broke
            return CUT_SHORT
        if monotonic() > ends:
            return TOO_SLOW
        if not part:
            break
        body += part
    if len(body) > most:
        return TOO_LARGE
    return bytes(body) if endless or len(body) == length else CUT_SHORT
