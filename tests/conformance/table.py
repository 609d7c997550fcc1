"""What is sent to every door, and what has to come back: said here, not asked of any door.

`refused(status, code)` is an answer of the library's own: it has to be the same octets everywhere. `let_in()` is the
application's, to a caller who may. `own(...)` is a page of the framework's or server's own (404, 405, a redirect),
whose status is one of those given; only such callers may get one who meet what stands at that place. `shut(...)` is
either, where a framework's reading of a path decides which: what matters is that nobody gets in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.conformance.credentials import FIXED, MOVING, OF_PAYOUTS, shown
from tests.conformance.wire import Request


@dataclass(frozen=True)
class Expected:
    """What has to come back.

    Attributes:
        statuses: one of these.
        code: of the problem; None for what is no refusal of the library's.
        value: the JSON in it, where the table says it.
        same: whether what an application says has to be the same everywhere.
        has: the names of headers that have to be there.
        to: where a redirect leads, on the host that was asked.
    """

    statuses: frozenset[int]
    code: str | None = None
    value: Any = None
    same: bool = True
    has: frozenset[bytes] = frozenset()
    to: str | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        id: stable, for reports.
        group: what it is about; a test each.
        request: what is sent.
        expected: what has to come back.
        but: where something else has to, by `door` or `server` or family (`wsgi`, `rules`, `of django`), each with its
            reason in `docs/doors.md`. The first that fits counts.
        only: the doors and servers it is sent to; all unless given.
    """

    id: str
    group: str
    request: Request
    expected: Expected
    but: Mapping[str, Expected] = field(default_factory=dict[str, Expected])
    only: frozenset[str] = frozenset()


ANY = "any code or none"


def refused(status: int, code: str, *, same: bool = True) -> Expected:
    return Expected(frozenset({status}), code, same=same)


def let_in(value: Any = None) -> Expected:
    return Expected(frozenset({200}), None, value)


def own(*statuses: int) -> Expected:
    return Expected(frozenset(statuses), same=False)


def moved(status: int, to: str) -> Expected:
    """A redirect that a framework makes by itself, to a path and query on the same host."""
    return Expected(frozenset({status}), same=False, to=to)


def shut(*statuses: int) -> Expected:
    """Anything but being let in: which of these it is depends on how a framework reads the path."""
    return Expected(frozenset(statuses or (301, 307, 308, 400, 401, 403, 404, 405)), ANY, same=False)


# --- Callers ---------------------------------------------------------------------------------------------------------

NOT_PRESENTED = refused(401, "not_presented")
FORBIDDEN = refused(403, "missing_claim")
UNMET = refused(403, "not_satisfied")
STEP_UP = refused(401, "not_satisfied")
MALFORMED = refused(401, "malformed")

# What is no good anywhere, whatever the place asks for.
BAD: Mapping[str, Expected] = {
    "nobody": NOT_PRESENTED,
    "expired": refused(401, "expired"),
    "not-yet": refused(401, "not_yet_valid"),
    "forged": refused(401, "bad_signature"),
    "foreign-key": refused(401, "bad_signature"),
    "unknown-key": refused(401, "unknown_key"),
    "unsigned": refused(401, "algorithm"),
    "confused-key": refused(401, "algorithm"),
    "embedded-key": refused(401, "unknown_key"),
    "other-audience": refused(401, "wrong_audience"),
    "other-issuer": refused(401, "unknown_issuer"),
    "id-token": refused(401, "wrong_type"),
    "garbage": MALFORMED,
    "empty": MALFORMED,
    "no-value": NOT_PRESENTED,
    "basic": NOT_PRESENTED,
    "two-headers": refused(400, "duplicate_header"),
    "the-same-twice": refused(400, "duplicate_header"),
    "two-in-one": MALFORMED,
    "not-ascii": MALFORMED,
    "underscored": NOT_PRESENTED,
    "in-a-proxy-header": NOT_PRESENTED,
    "in-a-cookie": NOT_PRESENTED,
    "bound-without-proof": refused(401, "proof_required"),
    "bound-as-dpop-without-proof": refused(401, "proof_required"),
    "unbound-as-dpop": refused(401, "proof_required"),
    "dpop-of-another-method": refused(401, "bad_proof"),
    "dpop-of-another-path": refused(401, "bad_proof"),
    "dpop-of-another-host": refused(401, "bad_proof"),
    "dpop-of-another-key": refused(401, "key_mismatch"),
    "dpop-foreign-signature": refused(401, "bad_proof"),
    "dpop-of-yesterday": refused(401, "bad_proof"),
    "dpop-twice": refused(400, "duplicate_header"),
    "dpop-as-bearer": refused(401, "proof_required"),
}

# CGI, and so WSGI, joins headers of one name with a comma before anybody can see that there were two.
JOINED: Mapping[str, Mapping[str, Expected]] = {
    "two-headers": {"wsgi": MALFORMED}, "the-same-twice": {"wsgi": MALFORMED},
}  # fmt: skip

READERS = ("reader", "lower-case-scheme", "payer", "stale", "contractor", "chief", "upper-case-name", "dpop")

# What good tokens come to, by what a place asks for; who is not named is let in.
GOOD: Mapping[str, Mapping[str, Expected]] = {
    "signed in": {},
    "read": {"no-scope": FORBIDDEN, "finance": FORBIDDEN, "staff": FORBIDDEN},
    "pay": {
        **dict.fromkeys(("no-scope", "finance"), FORBIDDEN),
        **dict.fromkeys(("reader", "lower-case-scheme", "contractor"), UNMET),
        "staff": refused(401, "missing_claim"),  # its sign-in is told by no claim: another can help
        "stale": STEP_UP,
        "dpop": FORBIDDEN,  # it says nothing of roles
    },
    "refund": {
        **dict.fromkeys(("no-scope", "reader", "lower-case-scheme", "payer", "staff", "dpop"), FORBIDDEN),
        "stale": STEP_UP,
        "contractor": UNMET,
    },
    "staff": {
        **dict.fromkeys(("no-scope", "reader", "lower-case-scheme", "dpop"), FORBIDDEN),
        **dict.fromkeys(("payer", "stale", "contractor", "finance"), UNMET),
    },
}


def outcome(policy: str, caller: str) -> Expected:
    """What `caller` gets at a place that asks for `policy`."""
    if policy == "anyone":
        return let_in()
    if caller in BAD:
        return BAD[caller]
    return GOOD[policy].get(caller, let_in())


# --- Places ----------------------------------------------------------------------------------------------------------

PLACES: Mapping[str, Mapping[str, str]] = {
    "/health": {"GET": "anyone"},
    "/static/terms.txt": {"GET": "anyone"},
    "/me": {"GET": "signed in"},
    "/payments": {"GET": "read", "POST": "pay"},
    "/payments/p-1": {"GET": "read"},
    "/payments/p-3/refund": {"POST": "refund"},
    "/invoices/i-1": {"GET": "signed in"},
    "/admin/": {"GET": "staff"},
    "/admin/users": {"GET": "staff"},
    "/export": {"GET": "read"},
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
ORDER = b'{"reference": "p-9", "to": "dora", "cents": 500}'
JSON = ((b"content-type", b"application/json"),)

EVERYBODY = (*FIXED, *MOVING)
SOME = ("nobody", "no-scope", "reader", "stale", "contractor", "chief", "expired", "forged", "two-headers", "dpop")


def asked(method: str, target: str, caller: str, **more: Any) -> Request:
    if method == "POST" and target == "/payments":
        more = {"body": ORDER, "headers": JSON, **more}
    headers = shown(caller, method, target.encode("latin-1"))
    return Request(method, target.encode("latin-1"), (*headers, *more.pop("headers", ())), **more)


def of_callers() -> Iterator[Row]:
    """Every caller at some places, and some at every place."""
    for path, methods in PLACES.items():
        for method, policy in methods.items():
            callers = EVERYBODY if path in ("/me", "/payments", "/payments/p-3/refund", "/admin/users") else SOME
            for caller in callers:
                expected = outcome(policy, caller)
                if path == "/invoices/i-1" and caller == "chief":
                    expected = let_in({"reference": "i-1", "owner": "alice", "cents": 700, "settled_by": None})
                but = {} if policy == "anyone" else JOINED.get(caller, {})
                if (
                    path == "/invoices/i-1"
                    and not expected.code
                    and caller not in ("reader", "no-scope", "stale", "contractor", "chief")
                ):
                    expected, but = own(404), {"rules": refused(404, "not_found")}
                yield Row(f"{method} {path} as {caller}", "callers", asked(method, path, caller), expected, but)
    for caller in ("dpop-again", "dpop-again"):  # the proof of the first is spent
        for path in ("/me", "/payments"):
            used = f"GET {path} as {caller}"
            yield Row(used, "callers", asked("GET", path, caller), let_in())
            yield Row(f"{used}, again", "callers", asked("GET", path, caller), refused(401, "replayed"))
        break
    payouts = {"payout": let_in({"paid out to": "alice"}), "payout-without-nonce": refused(401, "nonce_required"),
               "payout-other-nonce": refused(401, "nonce_required")}  # fmt: skip
    for caller in OF_PAYOUTS:
        expected = payouts.get(caller, refused(401, "proof_required"))
        yield Row(f"POST /payouts as {caller}", "callers", asked("POST", "/payouts", caller), expected)
    for method in ("GET", "DELETE"):
        wrong = replace(own(404, 405), has=frozenset({b"dpop-nonce"}))
        yield Row(f"{method} /payouts as payout", "callers", asked(method, "/payouts", "payout"), wrong)
    for caller in ("nobody", "chief"):
        expected = NOT_PRESENTED if caller == "nobody" else refused(401, "wrong_audience")
        yield Row(f"POST /payouts as {caller}", "callers", asked("POST", "/payouts", caller), expected)


def of_methods() -> Iterator[Row]:
    """Every method at every place: those that no route answers need what the routes of the path need."""
    for path, methods in PLACES.items():
        needs = set(methods.values())
        for method in METHODS:
            if method in methods:
                continue
            for caller in ("nobody", "no-scope", "chief"):
                policy = "pay" if "pay" in needs else next(iter(needs))
                if method == "HEAD" and "GET" in methods:
                    policy = methods["GET"]
                expected, but = outcome(policy, caller), CUT.get(method, {})
                if not expected.code:
                    expected = own(200, 204, 404, 405)
                yield Row(f"{method} {path} as {caller}", "methods", asked(method, path, caller), expected, but)


# What a server refuses before anybody else sees it.
CUT: Mapping[str, Mapping[str, Expected]] = {"BREW": {"on uvicorn": own(400)}}


def table() -> list[Row]:
    """All of it, in the order in which it is sent."""
    from tests.conformance.table_of_handling import of_handling
    from tests.conformance.table_of_tricks import of_tricks

    rows = [*of_callers(), *of_methods(), *of_tricks(), *of_handling()]
    return _distinct(rows)


def _distinct(rows: Iterable[Row]) -> list[Row]:
    known: dict[str, Row] = {}
    for row in rows:
        assert row.id not in known, row.id
        known[row.id] = row
    return list(known.values())
