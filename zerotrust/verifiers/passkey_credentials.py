"""What is kept of the passkeys of an account, for whoever checks later what one of them signed."""

from __future__ import annotations

from zerotrust.core.ask import Gather
from zerotrust.core.reason import Reason
from zerotrust.factors.account import Account
from zerotrust.factors.credential import Credential
from zerotrust.factors.passkey_records import public_id
from zerotrust.factors.passkey_use import UNKNOWN
from zerotrust.factors.passkeys import Passkeys
from zerotrust.verifiers.passkey_leaves import PasskeyLeaves


class KeptCredentials(PasskeyLeaves):
    """A verifier of passkeys that tells what is kept of one of them."""

    __slots__ = ()

    def credential(self, account: Account, credential_id: bytes, now: float) -> Gather[Credential | Reason]:
        """What is kept of the passkey of `account` with that credential id, its public key and its name among it.

        `check_record(record, public_key=credential.public_key)` says whether the record of an approval was signed with
        a key that this very account enrolled. A passkey that was removed is not kept: file its public key in time.

        Args:
            account: whose it has to be, e.g. `record.account`.
            credential_id: its credential id, e.g. `record.credential_id`.
            now: the moment of asking, POSIX seconds.

        Returns:
            The credential record, nothing of which is secret; `not_enrolled` if `account` has no such passkey, though
            somebody else may.
        """
        kept = yield from Passkeys(self.rp.id, 1).owned(account, public_id(credential_id), now)
        if kept is None or kept.credential.id != credential_id:
            return UNKNOWN
        return kept.credential
