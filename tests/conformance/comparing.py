"""Whether an answer is the one that was expected, and the one that the other doors give."""

from __future__ import annotations

import json
from typing import Any

from examples.doors.serving import DOORS
from tests.conformance.table import ANY, Expected, Row
from tests.conformance.wire import Answer, Headers
from tests.conformance.world import DETAIL

# What a server adds to every response, or how it frames it; `connection` since each request asks to close.
SERVERS_OWN = frozenset({b"date", b"server", b"connection", b"transfer-encoding", b"keep-alive"})
LIBRARYS = frozenset({b"dpop-nonce", b"www-authenticate"})

RULES = frozenset({"asgi", "wsgi"})


def families(door: str, server: str) -> tuple[str, ...]:
    """By what an exception may be named that holds for `door` on `server`."""
    kind = "rules" if door in RULES else "routes"
    style = "asgi" if DOORS[door].is_asgi else "wsgi"
    return (f"{door} on {server}", f"on {server}", f"door {door}", kind, style)


def expected_of(row: Row, door: str, server: str) -> Expected:
    return next((row.but[name] for name in families(door, server) if name in row.but), row.expected)


def concerns(row: Row, door: str, server: str) -> bool:
    return not row.only or any(name in row.only for name in families(door, server))


def of_library(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if name not in SERVERS_OWN)


def wrong(row: Row, expected: Expected, got: Answer, reference: Answer | None) -> str | None:
    """What is wrong with `got`, if anything is; beside `reference`, the answer of another door."""
    said = f"{got.status} {got.code or ''}".strip()
    if got.status not in expected.statuses:
        wanted = f"{' or '.join(map(str, sorted(expected.statuses)))} {expected.code or ''}".strip()
        return f"expected {wanted}, got {said}: {got.body[:300]!r}"
    head = row.request.method == "HEAD"
    if not head and expected.code is not ANY and got.code != expected.code:
        return f"expected the code {expected.code}, got {got.code}: {got.body[:300]!r}"
    if not expected.has <= {name for name, _ in got.headers}:
        return f"expected the headers {sorted(expected.has)}, got {got.headers!r}"
    if DETAIL.encode() in got.body or b"Traceback" in got.body:
        return f"it tells what nobody may know: {got.body[:300]!r}"
    if expected.code is not None and expected.code is not ANY:
        if head and got.body:
            return "a body where HEAD has none"
        if reference is None or not expected.same:
            return None
        return _difference(got, reference, whole=True, head=head)
    if expected.value is not None and _value(got.body) != expected.value:
        return f"expected {expected.value}, got {got.body[:300]!r}"
    if reference is None or not expected.same:
        return None
    return _difference(got, reference, whole=False, head=head)


def _difference(got: Answer, reference: Answer, *, whole: bool, head: bool) -> str | None:
    if got.status != reference.status:
        return f"status: {got.status}, elsewhere {reference.status}"
    mine, other = of_library(got.headers), of_library(reference.headers)
    if not whole:
        mine = tuple(pair for pair in mine if pair[0] in LIBRARYS)
        other = tuple(pair for pair in other if pair[0] in LIBRARYS)
    for ours, theirs in zip((*mine, None), (*other, None), strict=False):
        if ours != theirs:
            return f"headers: {ours!r}, elsewhere {theirs!r}\n  all: {mine!r}\n  elsewhere: {other!r}"
    if head:
        return None
    same = got.body == reference.body if whole else _value(got.body) == _value(reference.body)
    return None if same else f"body: {got.body[:300]!r}, elsewhere {reference.body[:300]!r}"


def _value(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
