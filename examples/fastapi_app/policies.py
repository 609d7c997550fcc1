"""Who may do what. Routes, jobs and other services share this file; nothing in it knows of a framework."""

from pydantic import BaseModel, Field

from zerotrust import Bearer, Issuer, Resource, minutes


class Order(BaseModel):
    to: str
    cents: int = Field(gt=0)


class Payment(Order):
    id: int
    by: str
    refunded_by: str | None = None


token = Bearer(Issuer("https://login.example.com"), audience="payments")

employee = ~token.role("contractor")
recent = token.fresh(within=minutes(5))

payment = Resource(Payment)
may_see = ((payment.by == token.subject) | token.group("finance")).named("may see")

can_read = token.scope("read").named("can read")
can_pay = (token.scope("pay") & recent & employee).named("can pay")
can_refund = (token.group("finance") & recent & employee).named("can refund")
