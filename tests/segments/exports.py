"""Exports read back: what the documents say, and paths as they may be sent."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import yaml

from tests.segments.world import REQUESTS
from zerotrust.segments import Export

# Spellings of paths of one reading, with characters that have a meaning of their own somewhere.
RAW = (
    "/", "/a", "/a/", "/a/b", "/a/z", "/a/x=y", "/a/x*", "/a/x@y", "/a/x%40y", "/a/%C3%A9", "/a/b/c/d", "/z", "/z/b/",
    "/a.b", "/aXb", "/a@b", "/a%40b", "/a=b", "/a%3Db", "/a%3db", "/.a/..b", "/a+b(c)/x", "/a%2Bb%28c%29/x",
)  # fmt: skip
PATTERNS = ("/a.b", "/a@b", "/a=b", "/a=b/{x}", "/a+b(c)/{x}", "/é/{x}", "/a b", "/a/{x}", "/{x}", "/**", "/a/**")
REQUESTS_AS_SENT = [
    *((peer, method, path) for peer, method, path in REQUESTS[::7]),
    *product(("spiffe://p/a", "spiffe://q/z"), ("GET", "PUT"), RAW),
]


def documents(export: Export) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(export.text) if document is not None]


def fullmatch(expression: str, text: str) -> bool:
    """As RE2 and Rust do it; the exports keep to what Python reads alike."""
    return re.fullmatch(expression, text) is not None
