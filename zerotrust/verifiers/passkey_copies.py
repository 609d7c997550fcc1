"""What comes of a passkey of which there seems to be a copy, where such are refused."""

from __future__ import annotations

from typing import Any, Final

from zerotrust.core.ask import Gather
from zerotrust.core.reason import COUNTER_WENT_BACK, Reason
from zerotrust.core.verifier import Verifier
from zerotrust.factors.account import Account
from zerotrust.verifiers.session import Session

COPIED: Final = COUNTER_WENT_BACK(detail="remove this passkey, and enrol anew")
"""A passkey of which there seems to be a copy."""


def refusing(of: Verifier[Any] | None, account: Account, now: float) -> Gather[Reason]:
    """End the sessions of `account`, all of them: in which of them the copy was used before, nobody can tell.

    Every time, since the store may have failed before they had ended.

    Args:
        of: what remembers proofs; nothing ends if that is no `Session`.
        account: whose passkey it is.
        now: the moment of the request, POSIX seconds.
    """
    if isinstance(of, Session):
        yield from of.revoking(account, now)
    return COPIED
