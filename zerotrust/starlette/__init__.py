"""The door for Starlette: every route is closed until a policy opens it.

guard = Guard(app, default=token.valid)

@guard.require(can_pay)
async def pay(request: Request) -> Response:
return JSONResponse({"who": guard.access[token].subject})
"""

try:
    import starlette as _  # noqa: F401 - asked for here, so that what is missing can be told by its name
except ImportError as _missing:
    raise ImportError("the door for Starlette needs Starlette: pip install 'zerotrust[starlette]'") from _missing

from typing import TYPE_CHECKING, Final

from zerotrust.starlette.guard import Guard
from zerotrust.web.access import Access, NotVerified
from zerotrust.web.ambient import current_access
from zerotrust.web.shadow import Difference, Shadow

if TYPE_CHECKING:
    from zerotrust.starlette.signing_in import safe_next, sign_in, sign_out

__all__ = [
    "Access",
    "Difference",
    "Guard",
    "NotVerified",
    "Shadow",
    "current_access",
    "safe_next",
    "sign_in",
    "sign_out",
]

_LATER: Final = ("safe_next", "sign_in", "sign_out")


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from zerotrust.starlette import signing_in  # and with it sessions and factors: not for everybody

    value: object = getattr(signing_in, name)
    globals()[name] = value
    return value
