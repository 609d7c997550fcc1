"""The part of the table that nobody sends by mistake."""

from __future__ import annotations

from collections.abc import Iterator

from tests.conformance.table import (
    ANY,
    FORBIDDEN,
    JSON,
    NOT_PRESENTED,
    ORDER,
    UNMET,
    Expected,
    Row,
    asked,
    let_in,
    own,
    refused,
    shut,
)

SERVED = frozenset({"on uvicorn", "on hypercorn", "on gunicorn", "on runserver"})
AMBIGUOUS = refused(400, "malformed", same=False)

STRANGER = refused(401, "not_presented", same=False)  # whose challenge names what is asked for at that place

# What protects a mount protects what is not there, too.
MOUNTED = {"door starlette": FORBIDDEN}


def of_tricks() -> Iterator[Row]:
    yield from of_unknown_paths()
    yield from of_spellings()
    yield from of_static_files()
    yield from of_overrides()
    yield from of_objects()
    yield from of_trouble()
    yield from of_bodies()
    yield from of_hosts()
    yield from of_versions()
    yield from of_targets()
    yield from of_sizes()
    yield from of_websockets()


def of_unknown_paths() -> Iterator[Row]:
    """What no route serves is told to those only who meet the default."""
    for path in ("/nowhere", "/me/more", "/health/more", "/nowhere?health"):
        for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE"):
            yield Row(f"{method} {path} as nobody", "unknown", asked(method, path, "nobody"), NOT_PRESENTED)
            known = asked(method, path, "no-scope")
            yield Row(f"{method} {path} as no-scope", "unknown", known, own(404, 405))
    # A rule for all that is below a path is for what is not there, too; a router knows what is not there.
    yield Row("GET /admin/nothing as nobody", "unknown", asked("GET", "/admin/nothing", "nobody"), NOT_PRESENTED)
    yield Row("GET /admin/nothing as no-scope", "unknown", asked("GET", "/admin/nothing", "no-scope"), own(404),
              {"rules": FORBIDDEN, **MOUNTED})  # fmt: skip
    yield Row("GET /admin/nothing as chief", "unknown", asked("GET", "/admin/nothing", "chief"), own(404))
    # A slash more or less: a redirect, where a framework makes one. A rule that opens a path opens no other spelling.
    for path in ("/me/", "/health/", "/admin", "/payments/", "/admin/users/"):
        yield Row(f"GET {path} as nobody", "unknown", asked("GET", path, "nobody"), NOT_PRESENTED, {"rules": STRANGER})
        # Rules hold for both spellings.
        but = {"rules": FORBIDDEN} if path in ("/admin", "/admin/users/", "/payments/") else {}
        if path == "/admin/users/":
            but = {**but, **MOUNTED}
        yield Row(f"GET {path} as no-scope", "unknown", asked("GET", path, "no-scope"), own(301, 307, 308, 404), but)
    for method in ("POST", "DELETE"):
        yield Row(f"{method} /me/ as nobody", "unknown", asked(method, "/me/", "nobody"), NOT_PRESENTED)


# Whether these are `/admin/users` depends on who reads them. With rules the answer is 400 to everybody.
AMBIGUOUS_PATHS = (
    "//admin/users", "/admin//users", "/admin/users//", "/./admin/users", "/admin/./users", "/admin/../admin/users",
    "/health/../admin/users", "/health/..;/admin/users", "/health/..%2fadmin/users", "/health%2f..%2fadmin%2fusers",
    "/health/%2e%2e/admin/users", "/health/%252e%252e/admin/users", "/admin;/users", "/admin/users;x=1",
    "/;/admin/users",
    "/admin%2fusers", "/admin%2Fusers", "/admin%5cusers", "/%61dmin/users", "/admin/us%65rs", "/admin/users%00",
    "/admin/users%00.txt", "/admin/users%0a", "/admin/users%3b", "/admin/users%2f", "/admin/%75sers", "/%2fadmin/users",
    "/%2e/admin/users", "/admin/users%c0%af", "/admin/users%ff", "/admin%c0%afusers",
    "/payments/..%2f..%2fadmin%2fusers",
)  # fmt: skip
# These are other paths to whoever reads exactly; with rules they need what they would be needed for, too.
OTHER_SPELLINGS = (
    "/ADMIN/users", "/admin/USERS", "/Admin/Users", "/admin/users%20", "/admin/users.", "/%EF%BD%81dmin/users",
    "/admin/users/",
)  # fmt: skip


def of_spellings() -> Iterator[Row]:
    for path in AMBIGUOUS_PATHS:
        yield Row(f"GET {path} as nobody", "spellings", asked("GET", path, "nobody"), STRANGER, {"rules": AMBIGUOUS})
        yield Row(f"GET {path} as reader", "spellings", asked("GET", path, "reader"), shut(), {"rules": AMBIGUOUS})
    for path in OTHER_SPELLINGS:
        if path != "/admin/users/":
            yield Row(f"GET {path} as nobody", "spellings", asked("GET", path, "nobody"), STRANGER)
        yield Row(f"GET {path} as reader", "spellings", asked("GET", path, "reader"), shut(),
                  {"rules": refused(403, "missing_claim", same=False)})  # fmt: skip
    yield Row("GET /admin/users? as reader", "spellings", asked("GET", "/admin/users?", "reader"), FORBIDDEN)
    yield Row(
        "GET /admin/users?health as reader", "spellings", asked("GET", "/admin/users?/health", "reader"), FORBIDDEN
    )
    yield Row("GET /health?/admin as nobody", "spellings", asked("GET", "/health?/admin/users", "nobody"), let_in())


def of_static_files() -> Iterator[Row]:
    """The folder is open, what is around it is not."""
    for path in (
        "/static/../admin/users", "/static/..%2fadmin%2fusers", "/static/%2e%2e/policies.py",
        "/static/..%2fpolicies.py",
        "/static/..%5cpolicies.py", "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/..;/policies.py",
        "/static/nothing.txt",
    ):  # fmt: skip
        but = {} if path == "/static/nothing.txt" else {"rules": AMBIGUOUS}
        yield Row(f"GET {path} as nobody", "static", asked("GET", path, "nobody"), shut(), but)


def of_overrides() -> Iterator[Row]:
    """Nobody is taken for asking by another method than they ask by."""
    for name in (b"x-http-method-override", b"X-HTTP-Method", b"x-method-override", b"x_http_method_override"):
        spelled = name.decode()
        more = ((name, b"POST"),)
        # An application behind rules may read these headers, so they need what any method needs.
        but: dict[str, Expected] = {"rules": UNMET}
        if b"_" in name:
            but = {"door wsgi": let_in(), **but}
        yield Row(f"GET /payments as reader with {spelled}", "overrides",
                  asked("GET", "/payments", "reader", headers=more), let_in(), but)  # fmt: skip
        yield Row(f"GET /payments as nobody with {spelled}", "overrides",
                  asked("GET", "/payments", "nobody", headers=more), NOT_PRESENTED, {"rules": STRANGER})  # fmt: skip
        yield Row(f"POST /payments as reader with {spelled}: GET", "overrides",
                  asked("POST", "/payments", "reader", headers=((name, b"GET"), *JSON), body=ORDER),
                  UNMET, {"rules": refused(403, "not_satisfied", same=False)})  # fmt: skip
        yield Row(f"GET /admin/ as reader with {spelled}", "overrides",
                  asked("GET", "/admin/", "reader", headers=more), FORBIDDEN)  # fmt: skip
    for query in ("_method=POST", "_METHOD=POST", "%5fmethod=POST"):
        yield Row(f"GET /payments?{query} as reader", "overrides", asked("GET", f"/payments?{query}", "reader"),
                  let_in(), {"rules": UNMET})  # fmt: skip
    for name in (b"x-original-url", b"x-rewrite-url", b"x-forwarded-path", b"x-forwarded-prefix"):
        yield Row(f"GET /admin/users as reader with {name.decode()}", "overrides",
                  asked("GET", "/admin/users", "reader", headers=((name, b"/health"),)), FORBIDDEN)  # fmt: skip
    for name in (b"x-forwarded-user", b"x-remote-user", b"remote_user", b"remote-user", b"x-forwarded-for"):
        yield Row(f"GET /me as nobody with {name.decode()}", "overrides",
                  asked("GET", "/me", "nobody", headers=((name, b"alice"),)), NOT_PRESENTED)  # fmt: skip


def of_objects() -> Iterator[Row]:
    """What is decided once an object is there; what is hidden is not there."""
    hidden = {"rules": refused(404, "not_found")}
    for reference in ("i-2", "i-99", "i-13"):
        path = f"/invoices/{reference}"
        yield Row(f"GET {path} as reader", "objects", asked("GET", path, "reader"), own(404), hidden)
        yield Row(f"HEAD {path} as reader", "objects", asked("HEAD", path, "reader"), own(404, 405), hidden)
        yield Row(f"GET {path} as nobody", "objects", asked("GET", path, "nobody"), NOT_PRESENTED)
    finance = {"reference": "i-2", "owner": "bob", "cents": 80_000, "settled_by": None}
    yield Row("GET /invoices/i-2 as finance", "objects", asked("GET", "/invoices/i-2", "finance"), let_in(finance))
    settle = {"reference": "i-1", "owner": "alice", "cents": 700, "settled_by": "alice"}
    for reference, expected in (
        ("i-1", let_in(settle)), ("i-2", refused(403, "not_satisfied")), ("i-99", refused(403, "not_presented")),
        ("i-13", refused(403, "predicate_failed")),
    ):  # fmt: skip
        path = f"/invoices/{reference}/settle"
        yield Row(f"POST {path} as reader", "objects", asked("POST", path, "reader"), expected)
        yield Row(f"POST {path} as nobody", "objects", asked("POST", path, "nobody"), NOT_PRESENTED)
        yield Row(f"POST {path} as expired", "objects", asked("POST", path, "expired"), refused(401, "expired"))


def of_trouble() -> Iterator[Row]:
    """Whatever raises while it is decided: nobody gets in, and nobody learns more than that."""
    for page, expected in (
        ("verifier", refused(503, "undecided")), ("predicate", refused(403, "predicate_failed")),
        ("forbidding", refused(403, "predicate_failed")), ("store", refused(503, "undecided")),
    ):  # fmt: skip
        path = f"/trouble/{page}"
        for method in ("GET", "HEAD"):
            yield Row(f"{method} {path} as reader", "trouble", asked(method, path, "reader"), expected)
        yield Row(f"GET {path} as nobody", "trouble", asked("GET", path, "nobody"), NOT_PRESENTED)
    sunk = ((b"x-trouble", b"recorder"),)
    yield Row("GET /me as reader, not recorded", "trouble", asked("GET", "/me", "reader", headers=sunk), let_in())
    yield Row("GET /me as nobody, not recorded", "trouble", asked("GET", "/me", "nobody", headers=sunk), NOT_PRESENTED)
    yield Row("GET /admin/ as reader, not recorded", "trouble",
              asked("GET", "/admin/", "reader", headers=sunk), FORBIDDEN)  # fmt: skip


def of_bodies() -> Iterator[Row]:
    """A policy that reads the body, and bodies that nobody reads."""
    for name, body, expected in (
        ("that says so", b"yes", let_in("ok")),
        ("that does not", b"no", refused(403, "not_satisfied")),
        ("of the most bytes", b"yes" + b"." * 61, let_in("ok")),
        ("of one too many", b"yes" + b"." * 62, refused(401, "too_large")),
        ("of none", b"", refused(403, "not_satisfied")),
    ):
        yield Row(
            f"GET /body as reader with one {name}", "bodies", asked("GET", "/body", "reader", body=body), expected
        )
        yield Row(f"GET /body as nobody with one {name}", "bodies",
                  asked("GET", "/body", "nobody", body=body), NOT_PRESENTED)  # fmt: skip
    for body in (b"{", b"[" * 5000, b"null", ORDER + ORDER, b"\xff\xfe", b"x" * 20_000):
        told = f"{body[:8]!r} of {len(body)}"
        yield Row(f"POST /payments as nobody with {told}", "bodies",
                  asked("POST", "/payments", "nobody", body=body), NOT_PRESENTED)  # fmt: skip
        yield Row(f"POST /payments as no-scope with {told}", "bodies",
                  asked("POST", "/payments", "no-scope", body=body), FORBIDDEN)  # fmt: skip


def of_hosts() -> Iterator[Row]:
    for host in (
        b"evil.example",
        b"ledger.example:81",
        b"ledger.example.evil.example",
        b"localhost",
        b"LEDGER.EXAMPLE.",
    ):
        name = host.decode()
        yield Row(f"GET /me at {name} as nobody", "hosts", asked("GET", "/me", "nobody", host=host), NOT_PRESENTED)
        yield Row(f"GET /admin/ at {name} as reader", "hosts", asked("GET", "/admin/", "reader", host=host), FORBIDDEN)
        # Django itself refuses hosts that it does not know, once a caller is let in.
        unknown = own(400) if "evil" in name else let_in()
        django = dict.fromkeys(("door django", "door django-asgi", "door drf"), unknown)
        yield Row(f"GET /me at {name} as reader", "hosts", asked("GET", "/me", "reader", host=host), let_in(), django)
    for host in (
        b"ledger.example/admin",
        b"user@ledger.example",
        b"a b",
        b"[::1",
        b"",
        b"ledger.example, evil.example",
    ):
        name = host.decode()
        refusal = Expected(frozenset({400, 401}), ANY, same=False)
        yield Row(f"GET /me at {name!r} as nobody", "hosts", asked("GET", "/me", "nobody", host=host), refusal)
        yield Row(f"GET /admin/ at {name!r} as reader", "hosts", asked("GET", "/admin/", "reader", host=host), shut())


def of_versions() -> Iterator[Row]:
    for host in (b"ledger.example", None):
        told = "" if host else " without Host"
        for method, path, caller, expected in (
            ("GET", "/health", "nobody", let_in()), ("GET", "/me", "nobody", NOT_PRESENTED),
            ("HEAD", "/me", "nobody", NOT_PRESENTED),
            ("GET", "/payments", "reader", let_in()), ("GET", "/admin/", "reader", FORBIDDEN),
            ("GET", "/export", "reader", let_in()), ("GET", "/export", "nobody", NOT_PRESENTED),
        ):  # fmt: skip
            row = asked(method, path, caller, version="1.0", host=host)
            yield Row(f"{method} {path} by HTTP/1.0{told} as {caller}", "versions", row, expected)
    # RFC 9112 section 3.2: a request of HTTP/1.1 without Host is refused; by servers, not by the library.
    for path, caller, expected in (
        ("/me", "nobody", NOT_PRESENTED), ("/admin/", "reader", FORBIDDEN), ("/me", "reader", let_in()),
    ):  # fmt: skip
        row = asked("GET", path, caller, host=None)
        yield Row(f"GET {path} without Host as {caller}", "versions", row, expected, {"on hypercorn": own(400)})


def of_targets() -> Iterator[Row]:
    """Targets that are no path (RFC 9112 section 3.2); only servers read those."""
    for target in (
        "http://ledger.example/admin/users", "http://evil.example/admin/users", "HTTP://x/admin/users", "admin/users",
        "ledger.example:80", "*", "/admin/users#/health", "\\admin\\users",
    ):  # fmt: skip
        for caller in ("nobody", "reader"):
            yield Row(f"GET {target} as {caller}", "targets", asked("GET", target, caller), shut(), only=SERVED)
    yield Row("OPTIONS * as nobody", "targets", asked("OPTIONS", "*", "nobody"), shut(), only=SERVED)
    yield Row("CONNECT as nobody", "targets", asked("CONNECT", "ledger.example:443", "nobody"), shut(), only=SERVED)


def of_sizes() -> Iterator[Row]:
    """More than anybody sends: refused by the server, or by the library."""
    refusals = Expected(frozenset({400, 401, 403, 413, 414, 431}), ANY, same=False)
    for name, path, headers in (
        ("a path of 9000", "/" + "a" * 9000, ()),
        ("a query of 60000", "/me?" + "a" * 60_000, ()),
        ("a token of 7000", "/me", ((b"authorization", b"Bearer " + b"a" * 7000),)),
        ("a token of 60000", "/me", ((b"authorization", b"Bearer " + b"a" * 60_000),)),
        ("a cookie of 60000", "/me", ((b"cookie", b"a=" + b"b" * 60_000),)),
        ("300 headers", "/me", tuple((f"x-{i}".encode(), b"y") for i in range(300))),
    ):
        yield Row(f"GET /me with {name}", "sizes", asked("GET", path, "nobody", headers=headers), refusals)


def of_websockets() -> Iterator[Row]:
    """Handshakes. A server of WSGI makes no WebSocket of them, so that nobody gets one."""
    asgi = frozenset({"door fastapi", "door starlette", "door asgi"})
    opened = own(101)
    for origin in (b"", b"https://ledger.example", b"https://evil.example", b"null"):
        more = ((b"origin", origin),) if origin else ()
        told = f" from {origin.decode()}" if origin else ""
        for caller, expected in (
            ("nobody", NOT_PRESENTED), ("no-scope", FORBIDDEN), ("expired", refused(401, "expired")),
            ("forged", refused(401, "bad_signature")), ("reader", opened),
        ):  # fmt: skip
            row = asked("GET", "/rates", caller, headers=more, upgrade=True)
            yield Row(f"WS /rates{told} as {caller}", "websockets", row, expected, only=asgi)
            quiet = own(404) if not expected.code else shut()
            if caller in ("nobody", "reader"):
                blocking = frozenset({"wsgi"})
                refusal = STRANGER if caller == "nobody" else quiet
                yield Row(f"WS /rates{told} as {caller}, no WebSocket", "websockets", row, refusal, only=blocking)
    for path in ("/nowhere", "/me", "/payments", "/health", "/static/terms.txt"):
        row = asked("GET", path, "nobody", upgrade=True)
        yield Row(f"WS {path} as nobody", "websockets", row, shut(), only=asgi)
