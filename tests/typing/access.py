# pyright: strict
"""What a type checker knows of a guarded handler. Read by mypy and pyright; never run."""

from typing import Annotated, assert_type

from fastapi import FastAPI
from fastapi.params import Depends

from zerotrust import Allow, Bearer, Evidence, Issuer, TokenEvidence, Verifier, minutes
from zerotrust.fastapi import Access, Guard
from zerotrust.web.report import Report

token = Bearer(Issuer("https://login.example.com"), audience="payments")
can_pay = token.scope("pay") & token.fresh(within=minutes(5))

app = FastAPI()
guard = Guard(app, default=token.valid)
Paying = Annotated[Access, guard.require(can_pay)]


@app.post("/payments", dependencies=[guard.require(token.valid)])
async def pay(amount: int, access: Paying) -> str:
    assert_type(access, Access)
    assert_type(access[token], TokenEvidence)
    assert_type(access[token].subject, str)
    assert_type(access[token].scope, frozenset[str] | None)
    assert_type(access.get(token), TokenEvidence | None)
    assert_type(access.decision, Allow)
    assert_type(access.valid_until, float)
    assert_type(token in access, bool)
    return access[token].subject


async def call_by_hand(access: Access) -> None:
    # The decorator leaves the handler as it was.
    assert_type(await pay(5, access), str)
    assert_type(await pay(amount=5, access=access), str)
    await pay("five", access)  # type: ignore[arg-type]


dependency: Depends = guard.require(can_pay)


@guard.require(can_pay)
def refund(order: str, *, cents: int = 0) -> int:
    return len(order) + cents


assert_type(refund("o-1", cents=5), int)
refund("o-1", euros=5)  # type: ignore[call-arg]
assert_type(guard.report(), Report)


def of_any_verifier(access: Access, verifier: Verifier[Evidence]) -> Evidence:
    return assert_type(access[verifier], Evidence)


def mistakes(access: Access) -> None:
    access["token"]  # type: ignore[index]
    print(access[token].no_such_claim)  # type: ignore[attr-defined]
    guard.require(token)  # type: ignore[arg-type]
    guard.open("/docs")  # type: ignore[call-arg]
    Guard(app)  # type: ignore[call-arg]
