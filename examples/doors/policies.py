"""Who may do what: one file for all seven applications. Nothing in it knows of a framework."""

from __future__ import annotations

import os
from secrets import token_bytes

from examples.doors.ledger import Invoice
from zerotrust import Bearer, DPoP, Issuer, Nonces, Resource, minutes

ISSUER = "https://login.ledger.example"

# All servers of one application share this; `zerotrust store key` prints one.
_NONCES = os.environ.get("LEDGER_NONCES") or token_bytes(32)

token = Bearer(Issuer(ISSUER), audience="ledger", dpop=DPoP())
payout_token = Bearer(
    Issuer(ISSUER), audience="payouts", name="payout_token", dpop=DPoP(required=True, nonces=Nonces(_NONCES))
)

signed_in = token.valid
recent = token.fresh(within=minutes(5))
employee = ~token.role("contractor")

can_read = token.scope("read").named("can read")
can_pay = (token.scope("pay") & recent & employee).named("can pay")
can_refund = (token.group("finance") & recent & employee).named("can refund")
can_pay_out = payout_token.scope("payout").named("can pay out")
staff = token.role("staff").named("staff")

invoice = Resource(Invoice)
may_see = ((invoice.owner == token.subject) | token.group("finance")).named("may see")
may_settle = ((invoice.owner == token.subject) & (invoice.cents <= 50_000)).named("may settle")

OPEN = {
    "/health": "the load balancer asks without credentials",
    "/static": "the terms are for everybody",
}
