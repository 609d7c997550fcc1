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

from typing import TYPE_CHECKING

from zerotrust.fastapi.guard import Guard
from zerotrust.fastapi.mistaken import tell
from zerotrust.web.access import Access, NotVerified
from zerotrust.web.shadow import Difference, Shadow

if TYPE_CHECKING:
    from zerotrust.starlette.signing_in import safe_next, sign_in, sign_out

__all__ = ["Access", "Difference", "Guard", "NotVerified", "Shadow", "safe_next", "sign_in", "sign_out"]


tell()


def __getattr__(name: str) -> object:
    if name not in ("safe_next", "sign_in", "sign_out"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from zerotrust.starlette import signing_in  # and with it sessions and factors: not for everybody

    value: object = getattr(signing_in, name)
    globals()[name] = value
    return value
