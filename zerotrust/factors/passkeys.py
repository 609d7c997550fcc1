"""The steps by which passkeys are kept in a store: found, added, changed and removed, whoever else does the same.

A passkey is good if and only if its record is there. Its line in the list of its account is written before the record
and taken out after it, so that none is ever good that its owner does not see. What fails between the two leaves a line
that stands for nothing, which is not shown and goes with the next enrolment.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final

from zerotrust.core.ask import Advance, Gather, Lookup, Put, SourceFailed, ask
from zerotrust.core.reason import ALREADY_ENROLLED, SOURCE_REFUSED, TOO_LARGE, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.passkey_records import Kept, Listed, Place, key_for, key_of, public_id

RECORDS: Final = "passkey"
"""The space of the records, by credential id."""

LISTS: Final = "passkeys_of"
"""The space of the lists, by account."""

TRIES: Final = 8
"""How often a change is tried that others make impossible; they made as many in that time."""

SETTLED: Final = 900.0
"""Seconds after which a line without a record never gets one: no run of steps may take longer than 600."""

_HANDLE: Final = 32  # octets; section 14.6.1 recommends random ones, at most 64
_PLACE: Final = 9


@dataclass(frozen=True, slots=True)
class Passkeys:
    """The passkeys of one relying party.

    Attributes:
        rp_id: its RP id.
        most: how many passkeys one account may have.
    """

    rp_id: str
    most: int

    def finding(self, credential_id: bytes, now: float) -> Gather[Kept | None]:
        """The passkey with that credential id, whosoever it is."""
        stored = yield from ask(Lookup(RECORDS, key_for(self.rp_id, credential_id), now))
        if stored is None:
            return None
        kept = Kept.from_bytes(stored)
        if kept.credential.id != credential_id:
            raise SourceFailed(SOURCE_REFUSED(detail="the store has another passkey in the place of this one"))
        return kept

    def listed(self, account: Account, now: float) -> Gather[Listed | None]:
        """The list of `account`; lines in it may stand for nothing."""
        stored = yield from ask(Lookup(LISTS, key_of(self.rp_id, account), now))
        return None if stored is None else Listed.from_bytes(stored)

    def beginning(self, account: Account, now: float) -> Gather[Listed]:
        """The list of `account`, which has one from now on; what it has is the same for all who ask."""
        for _ in range(TRIES):
            listed = yield from self.listed(account, now)
            if listed is not None:
                return listed
            yield from self._relisting(account, Listed(token_bytes(_HANDLE)), now)
        raise contended()

    def good(self, account: Account, listed: Listed, now: float) -> Gather[tuple[Kept, ...]]:
        """The passkeys of `account` that are good, the oldest first."""
        found: list[Kept] = []
        for place in listed.places:
            kept = yield from self.finding(place.credential_id, now)
            if kept is not None and _stands(place, kept, account):
                found.append(kept)
        return tuple(found)

    def owned(self, account: Account, id: str, now: float) -> Gather[Kept | None]:  # noqa: A002
        """The passkey of `account` that is named `id` to its owner."""
        listed = yield from self.listed(account, now)
        for place in () if listed is None else listed.places:
            if public_id(place.credential_id) == id:
                kept = yield from self.finding(place.credential_id, now)
                if kept is not None and _stands(place, kept, account):
                    return kept
        return None

    def tidying(self, account: Account, listed: Listed, good: tuple[Kept, ...], now: float) -> Gather[None]:
        """Take out of the list what stands for nothing and never will; if others change it now, some other time."""
        stand = {kept.place for kept in good}
        idle = [one.place for one in listed.places if one.place not in stand and one.taken_at + SETTLED < now]
        if idle:
            yield from self._relisting(account, listed.without(*idle), now)

    def full(self, listed: Listed) -> Reason | None:
        """`too_large` if that list has no room for one more."""
        if len(listed.places) < self.most:
            return None
        return TOO_LARGE(expected=f"at most {self.most}", detail="the number of passkeys of one account; remove one")

    def adding(self, kept: Kept, now: float) -> Gather[Reason | None]:
        """Keep a passkey that nobody has.

        Returns:
            None; `already_enrolled` if somebody has it after all; `too_large` if its account has too many.
        """
        account, credential = kept.credential.account, kept.credential
        place = Place(credential.id, kept.place, now, tuple(credential.transports))

        def taken(listed: Listed) -> Listed | Reason:
            full = self.full(listed)
            return listed.with_place(place) if full is None else full

        listed = yield from self._changing(account, taken, now)
        if isinstance(listed, Reason):
            return listed
        key = key_for(self.rp_id, credential.id)
        if (yield from ask(Advance(RECORDS, key, None, kept.to_bytes(), math.inf, now))):
            return None
        yield from self._changing(account, lambda listed: listed.without(kept.place), now)
        return ALREADY_ENROLLED(detail="this passkey")

    def replacing(self, kept: Kept, new: Kept, now: float) -> Gather[bool]:
        """Put `new` in the place of `kept`, which was read; False if that is not what is kept any more."""
        key = key_for(self.rp_id, kept.credential.id)
        return (yield from ask(Advance(RECORDS, key, kept.stored, new.to_bytes(), math.inf, now)))

    def removing(self, kept: Kept, now: float) -> Gather[None]:
        """Forget a passkey. It is dead once its record is gone; its line may outlive that, and stands for nothing."""
        yield from ask(Put(RECORDS, key_for(self.rp_id, kept.credential.id), None, math.inf, now))
        try:
            yield from self._changing(kept.credential.account, lambda listed: listed.without(kept.place), now)
        except SourceFailed:
            return

    def _changing(
        self, account: Account, change: Callable[[Listed], Listed | Reason], now: float
    ) -> Gather[Listed | Reason]:
        """Make `change` to the list of `account`, if it is not for a reason that it must not be made."""
        for _ in range(TRIES):
            listed = yield from self.beginning(account, now)
            changed = change(listed)
            if isinstance(changed, Reason) or (yield from self._relisting(account, changed, now)):
                return changed
        raise contended()

    def _relisting(self, account: Account, listed: Listed, now: float) -> Gather[bool]:
        key = key_of(self.rp_id, account)
        return (yield from ask(Advance(LISTS, key, listed.stored, listed.to_bytes(), math.inf, now)))


def _stands(place: Place, kept: Kept, account: Account) -> bool:
    """Whether that line of the list of `account` stands for that passkey."""
    return kept.credential.account == account and kept.place == place.place


def place_name() -> bytes:
    """A name for a line that no other has."""
    return token_bytes(_PLACE)


def contended() -> SourceFailed:
    """What is raised after `TRIES` changes that others were faster with."""
    return SourceFailed(SOURCE_REFUSED(detail="others changed the same passkeys again and again"), 1.0)
