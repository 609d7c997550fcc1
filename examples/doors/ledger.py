"""What all these applications serve: a ledger of payments and invoices, in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

TERMS = Path(__file__).with_name("static") / "terms.txt"


@dataclass
class Payment:
    reference: str
    by: str
    to: str
    cents: int
    refunded_by: str | None = None


@dataclass
class Invoice:
    reference: str
    owner: str
    cents: int
    settled_by: str | None = None


class Refused(ValueError):
    """What was sent is no order."""


class Ledger:
    """The books.

    Args:
        payments: those in it.
        invoices: those in it.
    """

    def __init__(self, payments: Iterable[Payment] = (), invoices: Iterable[Invoice] = ()) -> None:
        self.payments = {payment.reference: payment for payment in payments}
        self.invoices = {invoice.reference: invoice for invoice in invoices}

    def page(self, path: str) -> str:
        """What stands at a page that has no more to say."""
        return "ok"

    def of(self, subject: str) -> list[dict[str, Any]]:
        return [asdict(payment) for payment in self.payments.values() if payment.by == subject]

    def payment(self, reference: str) -> dict[str, Any] | None:
        found = self.payments.get(reference)
        return None if found is None else asdict(found)

    def pay(self, order: bytes | object, by: str) -> dict[str, Any]:
        """Pay once for each reference, however often it is asked for; raises `Refused` for what is no order."""
        try:
            said: Any = json.loads(order) if isinstance(order, bytes) else order
            reference, to, cents = str(said["reference"]), str(said["to"]), said["cents"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Refused("an order has a reference, who gets it, and cents") from None
        if type(cents) is not int or cents <= 0:
            raise Refused("cents are a whole number")
        return asdict(self.payments.setdefault(reference, Payment(reference, by, to, cents)))

    def refund(self, reference: str, by: str) -> dict[str, Any] | None:
        found = self.payments.get(reference)
        if found is None:
            return None
        found.refunded_by = by
        return asdict(found)

    def settle(self, invoice: Invoice, by: str) -> dict[str, Any]:
        invoice.settled_by = by
        return asdict(invoice)

    def export(self, subject: str) -> Iterator[bytes]:
        """The payments of `subject` as lines of CSV, one at a time."""
        yield b"reference,to,cents\n"
        for payment in list(self.payments.values()):
            if payment.by == subject:
                yield f"{payment.reference},{payment.to},{payment.cents}\n".encode()


def demo() -> Ledger:
    """Some books to start with."""
    return Ledger(
        [
            Payment("p-1", "alice", "bob", 1250),
            Payment("p-2", "alice", "carol", 400),
            Payment("p-3", "bob", "alice", 9),
        ],
        [Invoice("i-1", "alice", 700), Invoice("i-2", "bob", 80_000)],
    )
