"""What one use of a passkey says about it: whether it is of whom it should be, what is kept of it, what it proves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hmac import compare_digest
from typing import Final

from zerotrust.core.reason import MALFORMED, TOO_LARGE, WRONG_CREDENTIAL, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.assertion import Assertion
from zerotrust.factors.credential import Credential
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.passkey_records import Kept
from zerotrust.factors.proof import Proof

_LONGEST_NAME: Final = 64

_ANOTHERS: Final = WRONG_CREDENTIAL(expected="a passkey of this account")
_ANOTHER_USER: Final = WRONG_CREDENTIAL(expected="the user handle of the passkey's own account")
_NAMELESS: Final = WRONG_CREDENTIAL(expected="a user handle: nobody has said whose passkey it is")
_NO_NAME: Final = MALFORMED(expected="a name of printable characters")


@dataclass(frozen=True, slots=True)
class Asserted:
    """A passkey that was used, with everything checked and kept that has to be.

    Attributes:
        account: whose passkey it is.
        credential: the credential as it is kept from now on.
        assertion: what its authenticator said.
        cloned: whether its signature counter shows, now or at an earlier use, that there is a copy.
        backup_changed: whether it is backed up now and was not when it was used last, or the other way round.
        proof: what it proves.
    """

    account: Account
    credential: Credential
    assertion: Assertion
    cloned: bool
    backup_changed: bool
    proof: Proof


def stranger(kept: Kept, account: Account | None, user_handle: bytes | None) -> Reason | None:
    """Why this passkey is not of whom it should be (WebAuthn Level 3 section 7.2, step 6); None if it is."""
    if account is not None and kept.credential.account != account:
        return _ANOTHERS
    if user_handle is None:
        return _NAMELESS if account is None else None
    return None if compare_digest(user_handle, kept.user_handle) else _ANOTHER_USER


def used(kept: Kept, assertion: Assertion, digest: bytes, now: float) -> Kept:
    """The passkey after this use (section 7.2, step 24): a counter never goes back, and a mark stays.

    Args:
        kept: the passkey before it.
        assertion: what its authenticator said.
        digest: SHA-256 of what it signed.
        now: when, POSIX seconds.
    """
    credential = replace(
        kept.credential,
        sign_count=max(assertion.sign_count, kept.credential.sign_count),
        backed_up=assertion.backed_up,
        used_at=now,
    )
    if assertion.counter_went_back:
        return replace(kept, credential=credential, cloned_at=now if kept.cloned_at is None else kept.cloned_at)
    return replace(kept, credential=credential, last=digest)


def asserted(before: Kept, after: Kept, assertion: Assertion, scope: str, now: float) -> Asserted:
    """What came of this use, by what was kept before and is kept after it."""
    credential, cloned = after.credential, after.cloned_at is not None
    proof = Proof(
        "passkey",
        now,
        after.id,
        scope=scope,
        user_verified=assertion.user_verified,
        device_bound=not credential.backup_eligible,
        hardware_bound=credential.hardware_bound,
        cloned=cloned,
    )
    changed = credential.backed_up is not before.credential.backed_up
    return Asserted(credential.account, credential, assertion, cloned, changed, proof)


def enrolled(kept: Kept) -> Enrolled:
    """What its owner sees of a passkey."""
    credential = kept.credential
    where = "in hardware" if credential.hardware_bound else "backed up" if credential.backed_up else ""
    suspicion = "" if kept.cloned_at is None else "a copy is suspected: remove it"
    detail = ", ".join(filter(None, (credential.model, where, suspicion)))
    return Enrolled(kept.id, "passkey", credential.name, credential.enrolled_at, credential.used_at, detail=detail)


def checked_name(name: str) -> str | Reason:
    """`name` without blanks around it; `malformed` or `too_large` if it cannot be shown in a list."""
    if len(name) > _LONGEST_NAME:
        return TOO_LARGE(expected=f"a name of at most {_LONGEST_NAME} characters", presented=f"{len(name)} characters")
    trimmed = name.strip()
    return trimmed if trimmed and trimmed.isprintable() else _NO_NAME
