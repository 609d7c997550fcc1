"""Where a person goes after a ceremony: a path of this very origin, or nowhere (CWE-601)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from zerotrust.core.request import AccessRequest

MOST: Final = 2048
"""Characters of such a path, its query included."""

# What may stand in a path and its query (RFC 3986 sections 3.3 and 3.4), with the fragment that pages route by. A
# backslash counts for browsers as a slash, and they drop tabs and line breaks: none of these is in here.
_PLAIN: Final = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?#\[\]]*")
# `//host` is another origin, and dot segments may become one where somebody takes them out before it is looked at.
_TRICKY: Final = re.compile(r"//|/(?:\.|%2e){1,2}(?:/|$)|%(?:5c|2f|0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)
_WHOLE: Final = re.compile(r"(?:%[0-9A-Fa-f]{2}|[^%])*")


def landing(text: object) -> str:
    """`text` if it is a path of this origin with an optional query and fragment; else empty.

    Nothing in it leads a browser, a proxy or a router elsewhere: no authority, backslash, control character, dot
    segment or encoded slash in the path, and nothing that is not ASCII.
    """
    if not isinstance(text, str) or len(text) > MOST or not _PLAIN.fullmatch(text) or not _WHOLE.fullmatch(text):
        return ""
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    return "" if _TRICKY.search(path) else text


def asked_for(request: AccessRequest) -> str:
    """The path and query of `request`, to come back to it; empty if that is none that `landing` takes."""
    path = request.raw_path or quote(request.path, safe="/-._~!$&'()*+,;=:@")
    return landing(f"{path}?{request.query}" if request.query else path)
