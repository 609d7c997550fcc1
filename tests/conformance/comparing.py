"""Whether an answer is the one that was expected, and the one that the other doors give."""

from __future__ import annotations

import json
from typing import Any

from examples.doors.serving import DOORS
from tests.conformance.table import ANY, Expected, Row
from tests.conformance.wire import HOST, Answer, Headers, Request
from tests.conformance.world import DETAIL

# What a server adds to every response, or how it frames it; `connection` since each request asks to close.
SERVERS_OWN = frozenset({b"date", b"server", b"connection", b"transfer-encoding", b"keep-alive"})
SHOWN = frozenset({b"authorization", b"dpop", b"cookie", b"proxy-authorization"})
LIBRARYS = frozenset({b"dpop-nonce", b"www-authenticate"})

RULES = frozenset({"asgi", "wsgi"})
FRAMEWORKS = {
    "fastapi": "starlette", "starlette": "starlette", "flask": "flask",
    "django": "django", "django-asgi": "django", "drf": "django",
}  # fmt: skip


def families(door: str, server: str) -> tuple[str, ...]:
    """By what an exception may be named that holds for `door` on `server`."""
    kind = "rules" if door in RULES else "routes"
    style = "asgi" if DOORS[door].is_asgi else "wsgi"
    named = (f"of {FRAMEWORKS[door]}",) if door in FRAMEWORKS else ()
    return (f"{door} on {server}", f"on {server}", f"door {door}", *named, kind, style)


def expected_of(row: Row, door: str, server: str) -> Expected:
    return next((row.but[name] for name in families(door, server) if name in row.but), row.expected)


def concerns(row: Row, door: str, server: str) -> bool:
    return not row.only or any(name in row.only for name in families(door, server))


def is_refusal(row: Row, door: str, server: str) -> bool:
    """Whether `row` is expected to be refused by the library, in the same octets by all doors that refuse it so."""
    expected = expected_of(row, door, server)
    return expected.same and expected.code is not None


def of_library(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if name not in SERVERS_OWN)


def wrong(row: Row, expected: Expected, got: Answer, reference: Answer | None) -> str | None:
    """What is wrong with `got`, if anything is; beside `reference`, the answer of another door."""
    said = f"{got.status} {got.code or ''}".strip()
    if got.status not in expected.statuses:
        wanted = f"{' or '.join(map(str, sorted(expected.statuses)))} {expected.code or ''}".strip()
        return f"expected {wanted}, got {said}: {got.body[:300]!r}"
    head = row.request.method == "HEAD"
    if head and got.body and got.status < 500:  # gunicorn's own page for what an application raises has one
        return "a body where HEAD has none"
    if not head and expected.code is not ANY and got.code != expected.code:
        return f"expected the code {expected.code}, got {got.code}: {got.body[:300]!r}"
    if not expected.has <= {name for name, _ in got.headers}:
        return f"expected the headers {sorted(expected.has)}, got {got.headers!r}"
    wrong_anywhere = _told_or_led(row, expected, got)
    if wrong_anywhere is not None:
        return wrong_anywhere
    if expected.code is not None and expected.code is not ANY:
        if head and got.body:
            return "a body where HEAD has none, whoever sent it"
        if reference is None or not expected.same:
            return None
        return _difference(got, reference, whole=True, head=head)
    if expected.value is not None and _value(got.body) != expected.value:
        return f"expected {expected.value}, got {got.body[:300]!r}"
    if reference is None or not expected.same:
        return None
    return _difference(got, reference, whole=False, head=head)


def _told_or_led(row: Row, expected: Expected, got: Answer) -> str | None:
    """What no answer may tell, and where none may lead."""
    told = (got.body, *(value for _, value in got.headers))
    if any(secret in one for secret in _secrets(row.request) for one in told):
        return f"it tells what nobody may know: {got.headers!r} {got.body[:300]!r}"
    to = _led(row.request, got)
    if to is not None and (not to.startswith(b"/") or to.startswith((b"//", b"/\\"))):  # browsers read `//` as a host
        return f"it leads to another host: {to!r}"
    if expected.to is not None and to != expected.to.encode():
        return f"expected a redirect to {expected.to}, got {to!r}"
    return None


def _secrets(request: Request) -> list[bytes]:
    """What must not be in an answer to `request`: details of what was raised, and what the caller showed."""
    shown = [value.rpartition(b" ")[2] for name, value in request.headers if name.lower() in SHOWN]
    return [DETAIL.encode(), b"Traceback", b"Trouble", *(value for value in shown if len(value) > 20)]


def _led(request: Request, got: Answer) -> bytes | None:
    """Where a redirect leads, without the host if it is the one that was asked; None if it is none."""
    to = got.get(b"location")
    return None if to is None else to.removeprefix(b"http://" + (request.host or HOST))


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
