"""The ledger without a framework: what the plain ASGI and WSGI applications answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from examples.doors.ledger import TERMS, Ledger, Refused
from examples.doors.policies import may_see, may_settle, payout_token, token
from zerotrust.web.ambient import current_access


@dataclass
class Reply:
    status: int
    body: Iterable[bytes] = ()
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def reply(ledger: Ledger, pages: Iterable[str], method: str, path: str, body: bytes) -> Reply:  # noqa: C901 - a few lines for each page
    """The answer to a request that a guard has let in."""
    access = current_access()
    assert access is not None, "a guard stands before this"
    match method, path.split("/")[1:]:
        case (("GET" | "HEAD"), ["health"]):
            return said({"status": "ok"})
        case (("GET" | "HEAD"), ["static", "terms.txt"]):
            return Reply(200, [TERMS.read_bytes()], [("content-type", "text/plain; charset=utf-8")])
        case (("GET" | "HEAD"), ["me"]):
            return said({"subject": access[token].subject})
        case (("GET" | "HEAD"), ["payments"]):
            return said(ledger.of(access[token].subject))
        case "POST", ["payments"]:
            try:
                return said(ledger.pay(body, access[token].subject))
            except Refused as refused:
                return said({"error": str(refused)}, 400)
        case (("GET" | "HEAD"), ["payments", reference]):
            return said(ledger.payment(reference))
        case "POST", ["payments", reference, "refund"]:
            return said(ledger.refund(reference, access[token].subject))
        case (("GET" | "HEAD"), ["invoices", reference]):
            access.check(may_see, resource=ledger.invoices.get(reference), hidden=True)
            return said(vars(ledger.invoices[reference]))
        case "POST", ["invoices", reference, "settle"]:
            access.check(may_settle, resource=ledger.invoices.get(reference))
            return said(ledger.settle(ledger.invoices[reference], access[token].subject))
        case "POST", ["payouts"]:
            return said({"paid out to": access[payout_token].subject})
        case (("GET" | "HEAD"), ["export"]):
            return Reply(200, ledger.export(access[token].subject), [("content-type", "text/csv")])
        case (("GET" | "HEAD"), ["admin", ""]):
            return said({"payments": len(ledger.payments)})
        case (("GET" | "HEAD"), ["admin", "users"]):
            return said(sorted({payment.by for payment in ledger.payments.values()}))
        case (("GET" | "HEAD"), _) if path in pages:
            return said(ledger.page(path))
        case _:
            return Reply(404 if method in ("GET", "HEAD") else 405)


def said(value: object, status: int = 200) -> Reply:
    if value is None:
        return Reply(404)
    body = json.dumps(value).encode()
    return Reply(status, [body], [("content-type", "application/json"), ("content-length", str(len(body)))])
