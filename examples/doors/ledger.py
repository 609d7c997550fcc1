"""What all these applications serve: a ledger of payments and invoices, in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_BEHIND = 100  # payments that wait for one listener; who is slower than that is not told of all

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
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Queue[Payment]]] = set()

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
        made = Payment(reference, by, to, cents)
        kept = self.payments.setdefault(reference, made)
        if kept is made:
            for loop, waiting in list(self._listeners):
                loop.call_soon_threadsafe(_tell, waiting, made)
        return asdict(kept)

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

    async def feed(self, subject: str) -> AsyncIterator[bytes]:
        """The payments of `subject` as they are made, as server-sent events, for as long as somebody listens."""
        waiting: asyncio.Queue[Payment] = asyncio.Queue(_BEHIND)
        listener = (asyncio.get_running_loop(), waiting)
        self._listeners.add(listener)
        try:
            yield b"retry: 1000\n\n"
            while True:
                payment = await waiting.get()
                if payment.by == subject:
                    yield f"id: {payment.reference}\ndata: {json.dumps(asdict(payment))}\n\n".encode()
        finally:
            self._listeners.discard(listener)


def _tell(waiting: asyncio.Queue[Payment], payment: Payment) -> None:
    if not waiting.full():
        waiting.put_nowait(payment)


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
