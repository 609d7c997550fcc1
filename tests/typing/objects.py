# pyright: strict
"""What a type checker knows of comparisons with what a token says. Read by mypy and pyright; never run."""

from dataclasses import dataclass
from typing import assert_type

from zerotrust import Bearer, Issuer, Policy, Resource
from zerotrust.core.policy import Leaf
from zerotrust.verifiers.operand import Said
from zerotrust.verifiers.token_evidence import TokenEvidence


@dataclass
class Invoice:
    owner: str | None
    tenant: str
    amount: int


token = Bearer(Issuer("https://login.example.com"), audience="invoices")
invoice = Resource(Invoice)

# Comparing is a policy, on either side, and joins as one.
assert_type(invoice.owner == token.subject, Policy)
assert_type(token.subject == invoice.owner, Policy)
assert_type(invoice.owner != token.subject, Policy)
assert_type(invoice.owner == "ada", Policy)
assert_type(invoice.amount <= 1000, Policy)
assert_type(invoice.tenant.is_in(token.claim("tenants")), Policy)
assert_type(invoice.tenant == token.client_id, Policy)
assert_type(invoice.owner == token.subject.of("https://login.example.com"), Policy)
owns: Policy = (invoice.owner == token.subject) | invoice.tenant.is_in(["a", "b"])
both: Policy = ~owns & token.scope("read")

# A claim with values is a leaf; without, it is one side of a comparison.
assert_type(token.claim("tenants"), Said)
assert_type(token.claim("tenants", "a"), Leaf[TokenEvidence])
assert_type(token.subject("ada"), Leaf[TokenEvidence])


def mistakes() -> None:
    token.claim("tenants", 1.5)  # type: ignore[call-overload]
    wrong: bool = invoice.owner == token.subject  # type: ignore[assignment]
    print(wrong)
    Resource("Invoice")  # type: ignore[arg-type]
