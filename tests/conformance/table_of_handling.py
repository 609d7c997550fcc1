"""The part of the table about what comes after a caller is let in: pages that raise, redirects to another spelling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tests.conformance.table import FORBIDDEN, NOT_PRESENTED, UNMET, Expected, Row, asked, moved, own, refused
from tests.conformance.table_of_tricks import AMBIGUOUS

BROKEN = own(500)
# What is raised comes out of the client for WSGI, which is no server: behind rules, servers answer for an application.
RAISED: Mapping[str, Expected] = {"wsgi on client": own(0)}


def of_handling() -> Iterator[Row]:
    yield from of_raising()
    yield from of_redirects()


def of_raising() -> Iterator[Row]:
    """Pages that raise: refused where that is a refusal, otherwise broken as the framework has it; without a detail."""
    hidden = {"rules": refused(404, "not_found")}
    for kind, expected, but in (
        ("error", BROKEN, RAISED), ("because", BROKEN, RAISED), ("verifier", refused(503, "undecided"), {}),
        ("denied", UNMET, {}), ("again", UNMET, {}), ("group", UNMET, {}), ("hidden", own(404), hidden),
        ("predicate", refused(403, "predicate_failed"), {}),
    ):  # fmt: skip
        path = f"/raises/{kind}"
        yield Row(f"GET {path} as reader", "raising", asked("GET", path, "reader"), expected, but)
        yield Row(f"HEAD {path} as reader", "raising", asked("HEAD", path, "reader"), expected,
                  {"door fastapi": own(405), **but})  # fmt: skip
        yield Row(f"GET {path} as nobody", "raising", asked("GET", path, "nobody"), NOT_PRESENTED)
        yield Row(f"GET {path} as no-scope", "raising", asked("GET", path, "no-scope"), FORBIDDEN)
    owed = replace(BROKEN, has=frozenset({b"dpop-nonce"}))
    yield Row("GET /raises/late as payout", "raising", asked("GET", "/raises/late", "payout"), owed,
              {"of starlette": BROKEN, "rules": BROKEN, **RAISED})  # fmt: skip
    yield Row("GET /raises/late as payout-without-nonce", "raising",
              asked("GET", "/raises/late", "payout-without-nonce"), refused(401, "nonce_required"))  # fmt: skip


def of_redirects() -> Iterator[Row]:
    """Where frameworks send those who meet the default, and that it is never to another host."""
    for method in ("GET", "HEAD", "POST"):
        for query in ("", "?next=%2F&a=b"):
            path, to = f"/admin{query}", f"/admin/{query}"
            flask = moved(308, to) if method != "POST" else own(404)
            but = {"of starlette": moved(307, to), "of flask": flask, "of django": moved(301, to)}
            yield Row(f"{method} {path} as chief", "redirects", asked(method, path, "chief"), own(404, 405), but)
    for path in ("/me", "/health", "/payments", "/admin/users"):
        yield Row(f"GET {path}/ as chief", "redirects", asked("GET", f"{path}/", "chief"), own(404),
                  {"of starlette": moved(307, path)})  # fmt: skip
    for path in (
        "//evil.example/admin", "//evil.example/me/", "/%2fevil.example/admin", "/%5cevil.example/me/",
        "///evil.example/..;/admin", "/evil.example%0d%0aset-cookie:a=b/",
    ):  # fmt: skip
        yield Row(f"GET {path} as chief", "redirects", asked("GET", path, "chief"), own(301, 307, 308, 400, 404),
                  {"rules": AMBIGUOUS})  # fmt: skip
