"""What the service tells of each refusal, so that it is found again: JSON, a line each, on `zerotrust.service`.

Of what a caller sent it has the method and the path that a proven proxy asks about, as `shown_path` leaves it, and the
id of the request. A query is never told, nor is any other header.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from zerotrust.core.request import AccessRequest
from zerotrust.core.text import visible

LOG: Final = logging.getLogger("zerotrust.service")

REQUEST_ID: Final = "x-request-id"

_FIELDS: Final = "zerotrust_fields"  # of a record: what `refused` tells
_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{7,63}")
_METHOD: Final = re.compile(rb"[0-9A-Za-z_-]{1,15}")
_MOST: Final = 1024  # octets of a path that are looked at
_SHORT: Final = 16  # characters: what is shorter is hardly a token
_WORDS: Final = re.compile(r"[a-z]+(?:[._-][a-z]+)*")


def request_id(asked: AccessRequest | None) -> str:
    """The id that a caller gives a request, if it is 8 to 64 letters, digits, `.`, `_` and `-`; else one of our own.

    Args:
        asked: the request that a caller asks with; None where nobody has proven to be one.
    """
    given = None if asked is None else asked.header(REQUEST_ID)
    return given if isinstance(given, str) and _ID.fullmatch(given) else uuid4().hex


def shown_path(uri: bytes) -> str:
    """The path of `uri` as it may be told: without a query, on one line, at most 200 characters.

    A segment of 16 characters and more may be a token, and is told as `*` unless it is words in lower case.
    """
    path = re.split(rb"[?#]", uri, maxsplit=1)[0]
    if len(path) > _MOST:
        path = path[:_MOST].rpartition(b"/")[0] + b"/..."  # half a segment might look like none
    return visible("/".join(map(_shown, path.decode("latin-1").split("/"))))


def _shown(segment: str) -> str:
    return segment if len(segment) < _SHORT or _WORDS.fullmatch(segment) else "*"


def about(method: bytes | None, uri: bytes | None) -> dict[str, str]:
    """The method and path of what a proxy asks about, as far as it said them and they can be told."""
    told: dict[str, str] = {}
    if method is not None and _METHOD.fullmatch(method):
        told["method"] = method.decode("ascii")
    if uri is not None and uri.startswith(b"/"):
        told["path"] = shown_path(uri)
    return told


def refused(by: str, route: str, status: int, code: str, name: str, told: Mapping[str, str]) -> None:
    """Tell of a refusal.

    Args:
        by: what was asked by: nginx, authzen, ...
        route: the template of the rule that decided, or the name of the policy.
        status: of the answer, as it would be of a door.
        code: why.
        name: the id of the request.
        told: what `about` says of it.
    """
    line = {"event": "refused", "by": by, "route": route, "status": status, "code": code, **told, "request_id": name}
    LOG.info("%s", json.dumps(line), extra={_FIELDS: line})


class JsonLines(logging.Formatter):
    """Writes each record as a line of JSON: time (UTC), level, logger, and a message or what `refused` tells."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": moment.replace("+00:00", "Z"), "level": record.levelname}
        line["logger"] = record.name
        line |= getattr(record, _FIELDS, None) or {"message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
