# pyright: strict
"""What a type checker knows of a guarded function of any program. Read by mypy and pyright; never run."""

from typing import assert_type

from zerotrust import AccessRequest, Bearer, Issuer, TokenEvidence
from zerotrust.functions import Access, Guard, current_access

token = Bearer(Issuer("https://login.example.com"), audience="payments")
guard = Guard()


@guard.require(token.scope("refund"))
def refund(order: str, *, cents: int = 0) -> int:
    access = current_access()
    if access is not None:
        assert_type(access, Access)
        assert_type(access[token], TokenEvidence)
        assert_type(access[token].subject, str)
    return len(order) + cents


@guard.require(token.valid)
async def settle(order: str) -> dict[str, str]:
    return {"settled": order}


class Books:
    @guard.require(token.valid)
    def close(self, year: int) -> str:
        return str(year)


async def call_by_hand() -> None:
    # The decorator leaves the function as it was.
    assert_type(refund("o-1", cents=5), int)
    assert_type(await settle("o-1"), dict[str, str])
    assert_type(Books().close(2026), str)
    refund(7)  # type: ignore[arg-type]
    refund("o-1", euros=5)  # type: ignore[call-arg]
    Books().close("2026")  # type: ignore[arg-type]
    with guard.acting({"authorization": "Bearer ..."}) as access:
        assert_type(access, Access)
        assert_type(access[token], TokenEvidence)
    with guard.acting(AccessRequest(now=0)) as access:
        assert_type(access.get(token), TokenEvidence | None)


def mistakes() -> None:
    guard.require(token)  # type: ignore[arg-type]
    Guard(sources=token.valid)  # type: ignore[arg-type]
    guard.acting("Bearer ...")  # type: ignore[arg-type]
