"""What an approval proves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zerotrust.core.evidence import Evidence
from zerotrust.verifiers.approval_operation import Operation
from zerotrust.verifiers.approval_record import ApprovalRecord

_NOTHING: Final = Operation("", "", "")
_NO_RECORD: Final = ApprovalRecord("", 0.0, "", b"", b"", b"", b"", b"")


@dataclass(frozen=True, slots=True)
class ApprovalEvidence(Evidence):
    """The subject of a session approved what this very request does; it counts for this request alone.

    Attributes:
        operation: what was approved.
        by: the id of the passkey that signed, as its owner sees it in the list.
        approved_at: when, POSIX seconds.
        user_verified: whether the authenticator verified its user.
        record: proves it later, to anybody; for the handler to file with what it does. Empty in a promise.
    """

    operation: Operation = _NOTHING
    by: str = ""
    approved_at: float = 0.0
    user_verified: bool = False
    record: ApprovalRecord = _NO_RECORD
