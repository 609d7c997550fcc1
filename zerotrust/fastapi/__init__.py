"""The door for FastAPI (and Starlette): every route is closed until a policy opens it.

guard = Guard(app, default=token.valid)
Paying = Annotated[Access, guard.require(can_pay)]

@app.post("/payments")
async def pay(order: Order, access: Paying) -> Receipt:
return await ledger.charge(access[token].subject, order)
"""

try:
    import fastapi as _  # noqa: F401 - asked for here, so that what is missing can be told by its name
except ImportError as _missing:
    raise ImportError("the door for FastAPI needs FastAPI: pip install 'zerotrust[fastapi]'") from _missing

from zerotrust.fastapi.guard import Guard
from zerotrust.web.access import Access, NotVerified

__all__ = ["Access", "Guard", "NotVerified"]
