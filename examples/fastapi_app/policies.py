"""Who may do what. Routes, jobs and other services share this file; nothing in it knows of a framework."""

from zerotrust import Bearer, Issuer, minutes

token = Bearer(Issuer("https://login.example.com"), audience="payments")

employee = ~token.role("contractor")
recent = token.fresh(within=minutes(5))

can_read = token.scope("read").named("can read")
can_pay = (token.scope("pay") & recent & employee).named("can pay")
can_refund = (token.group("finance") & recent & employee).named("can refund")
