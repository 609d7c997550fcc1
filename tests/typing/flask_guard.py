# pyright: strict
"""What a type checker knows of a guarded Flask view. Read by mypy and pyright; never run."""

from collections.abc import Callable
from typing import Any, ClassVar, assert_type

from flask import Flask
from flask.views import MethodView

from zerotrust import Allow, Bearer, Issuer, TokenEvidence, minutes
from zerotrust.flask import Access, Guard
from zerotrust.web.report import Report

token = Bearer(Issuer("https://login.example.com"), audience="payments")
can_pay = token.scope("pay") & token.fresh(within=minutes(5))

app = Flask(__name__)
guard = Guard(app, default=token.valid)
later = Guard(default=token.valid)
later.init_app(app)


@app.post("/payments")
@guard.require(can_pay)
def pay(amount: int, *, note: str = "") -> dict[str, str]:
    assert_type(guard.access, Access)
    assert_type(guard.access[token], TokenEvidence)
    assert_type(guard.access[token].subject, str)
    assert_type(guard.access.decision, Allow)
    return {"who": guard.access[token].subject}


@guard.require(can_pay)
async def refund(order: str) -> int:
    return len(order)


class Payments(MethodView):
    decorators: ClassVar[list[Callable[..., Any]]] = [guard.require(token.valid)]

    @guard.require(can_pay)
    def post(self, amount: int) -> str:
        return str(amount)


async def call_by_hand() -> None:
    # The decorator leaves the function as it was.
    assert_type(pay(5, note="for lunch"), dict[str, str])
    pay("five")  # type: ignore[arg-type]
    pay(5, memo="")  # type: ignore[call-arg]
    assert_type(await refund("o-1"), int)
    assert_type(Payments().post(5), str)
    Payments().post("five")  # type: ignore[arg-type]


assert_type(guard.report(), Report)


def mistakes() -> None:
    guard.require(token)  # type: ignore[arg-type]
    guard.open("/docs")  # type: ignore[call-arg]
    Guard(app)  # type: ignore[call-arg]
    print(guard.access[token].no_such_claim)  # type: ignore[attr-defined]
