"""What one use of a passkey says about it: whether it is of whom it should be, what is kept of it, what it proves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from zerotrust.core.ask import ConsumeOnce, Gather, ask
from zerotrust.core.reason import (
    MALFORMED,
    NOT_ENROLLED,
    REPLAYED,
    TOO_LARGE,
    WRONG_CHALLENGE,
    WRONG_CREDENTIAL,
    Reason,
)
from zerotrust.factors.aaguid import aaguid_text
from zerotrust.factors.account import Account
from zerotrust.factors.assertion import Assertion, AssertionResponse, check_assertion
from zerotrust.factors.credential import Credential
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.passkey_records import Kept
from zerotrust.factors.passkeys import TRIES, Passkeys, contended
from zerotrust.factors.proof import Proof
from zerotrust.factors.relying_party import RelyingParty

_LONGEST_NAME: Final = 64

UNKNOWN: Final = NOT_ENROLLED(detail="no such passkey")
"""Nobody has it, or not who asks."""

_ANOTHERS: Final = WRONG_CREDENTIAL(expected="a passkey of this account")
_ANOTHER_USER: Final = WRONG_CREDENTIAL(expected="the user handle of the passkey's own account")
_NAMELESS: Final = WRONG_CREDENTIAL(expected="a user handle: nobody has said whose passkey it is")
_OVERTAKEN: Final = WRONG_CHALLENGE(detail="another use came first; begin again")
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


def using(
    passkeys: Passkeys,
    rp: RelyingParty,
    account: Account | None,
    read: AssertionResponse,
    challenge: bytes,
    now: float,
    *,
    once: ConsumeOnce | None,
    later: ConsumeOnce | None,
    made_at: float | None,
    user_verified: bool,
) -> Gather[Asserted | Reason]:
    """Hold an assertion to WebAuthn Level 3 section 7.2 against the store, and keep what it changes.

    Args:
        passkeys: what is enrolled.
        rp: for whom it has to be.
        account: whose passkey has to have answered; None if anybody's may.
        read: the assertion.
        challenge: what it has to answer.
        now: the moment of the request, POSIX seconds.
        once: the mark of the challenge, consumed when everything was checked and before anything is written.
        later: that mark, where the caller consumes it afterwards: the very same assertion may come again until then.
        made_at: when the challenge was made, POSIX seconds; None if nobody knows.
        user_verified: whether the user has to be verified, whatever the relying party says.

    Returns:
        What was used; a copy of it, too. Or why it is refused: `wrong_challenge` for an answer that was overtaken by a
        later one, as of two pages that ask at once; it is used up.
    """
    digest, marked = sha256(read.signed).digest(), once is not None or later is not None
    for _ in range(TRIES):
        kept = yield from passkeys.finding(read.credential_id, now)
        if kept is None:
            return UNKNOWN
        foreign = stranger(kept, account, read.user_handle)
        if foreign is not None:
            return foreign
        assertion = check_assertion(rp, read, challenge, kept.credential, require_user_verification=user_verified)
        if isinstance(assertion, Reason):
            return assertion
        if once is not None and not (yield from ask(once)):
            return REPLAYED(detail="this challenge")
        once = None
        if marked and kept.counted(digest):
            return asserted(kept, kept, replace(assertion, counter_went_back=False), rp.id, now)
        if overtaken(kept, assertion, made_at):
            return _OVERTAKEN
        after = used(kept, assertion, digest, now if later is None else later.until, now)
        if (yield from passkeys.replacing(kept, after, now)):
            return asserted(kept, after, assertion, rp.id, now)
    raise contended()


def stranger(kept: Kept, account: Account | None, user_handle: bytes | None) -> Reason | None:
    """Why this passkey is not of whom it should be (WebAuthn Level 3 section 7.2, step 6); None if it is."""
    if account is not None and kept.credential.account != account:
        return _ANOTHERS
    if user_handle is None:
        return _NAMELESS if account is None else None
    return None if compare_digest(user_handle, kept.user_handle) else _ANOTHER_USER


def overtaken(kept: Kept, assertion: Assertion, made_at: float | None) -> bool:
    """Whether a counter that went back may be that of an honest answer which another one came before.

    Who is asked twice, answers twice, and sends the second answer first has the lower counter in an answer to a
    challenge that was open when the other came. It is no proof of a copy, and it is not needed as one: a copy's next
    challenge is newer than the last use. One counter in two answers is never honest.
    """
    before = kept.credential
    if kept.cloned_at is not None or made_at is None or before.used_at is None:
        return False
    return assertion.sign_count < before.sign_count and made_at < before.used_at


def used(kept: Kept, assertion: Assertion, digest: bytes, again: float, now: float) -> Kept:
    """The passkey after this use (section 7.2, step 24): a counter never goes back, and a mark stays.

    Args:
        kept: the passkey before it.
        assertion: what its authenticator said.
        digest: SHA-256 of what it signed.
        again: until when the same answer may come again, POSIX seconds.
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
    return replace(kept, credential=credential, recent=kept.counting(digest, again, now))


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
        model=aaguid_text(credential.aaguid) if credential.model_attested else "",
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
