"""What a store keeps of passkeys: a record of each, and for each account which ones it has."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.credential import Credential
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import JsonValue, parse_object

MAX_RECENT: Final = 8
"""Answers of one passkey that are remembered as counted; one that was forgotten is refused, and shows no copy."""

_LIMIT: Final = 64 * 1024
_ID: Final = 16  # octets of the digest that names a credential to its owner
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A passkey that is enrolled.

    Attributes:
        credential: the credential, as it stands after its last use.
        user_handle: the user handle of its account, which its authenticator keeps beside the key.
        place: names its place in the list of its account; drawn anew for each enrolment.
        cloned_at: when its signature counter first showed that there is a copy, POSIX seconds; None if it never did.
        recent: SHA-256 of what its authenticator signed in its last uses, each with the moment (POSIX seconds) up to
            which the same answer may come again: it is written together with the counter, so that an answer that was
            counted is known for that, wherever a store fails. At most `MAX_RECENT`, the oldest first.
        stored: the record as it was read; empty if it was not.
    """

    credential: Credential
    user_handle: bytes
    place: bytes
    cloned_at: float | None = None
    recent: tuple[tuple[bytes, float], ...] = ()
    stored: bytes = field(default=b"", repr=False, compare=False)

    @property
    def id(self) -> str:
        """What names it to its owner: a digest of the credential id, which may be long."""
        return public_id(self.credential.id)

    def counted(self, digest: bytes) -> bool:
        """Whether the very answer whose signed octets have this SHA-256 was taken account of already."""
        return any(one == digest for one, _ in self.recent)

    def counting(self, digest: bytes, until: float, now: float) -> tuple[tuple[bytes, float], ...]:
        """`recent` with one more, which may come again until `until` (POSIX seconds), and without what is over."""
        open_still = [one for one in self.recent if one[1] > now]
        return (*open_still[1 - MAX_RECENT :], (digest, until))

    def to_bytes(self) -> bytes:
        """The record."""
        members = {
            "v": _VERSION,
            "credential": b64url_encode(self.credential.to_bytes()),
            "user_handle": b64url_encode(self.user_handle),
            "place": b64url_encode(self.place),
            "cloned_at": None if self.cloned_at is None else float(self.cloned_at),
            "recent": [[b64url_encode(digest), float(until)] for digest, until in self.recent],
        }
        return json.dumps(members, separators=(",", ":")).encode("ascii")

    @classmethod
    def from_bytes(cls, stored: bytes) -> Kept:
        """The passkey of a record.

        Raises:
            SourceFailed: `source_refused` for what is no such record: somebody else wrote into the store.
        """
        members = _members(stored)
        credential = Credential.from_bytes(_octets(members.get("credential")))
        cloned_at = members.get("cloned_at")
        if isinstance(credential, Reason):
            raise _unusable()
        if cloned_at is not None and not isinstance(cloned_at, float):
            raise _unusable()
        recent = members.get("recent")
        if not isinstance(recent, list):
            raise _unusable()
        handle, place = _octets(members.get("user_handle")), _octets(members.get("place"))
        return cls(credential, handle, place, cloned_at, tuple(map(_recent, recent)), stored)


@dataclass(frozen=True, slots=True)
class Place:
    """One line in the list of an account.

    Attributes:
        credential_id: which credential.
        place: the name of the line; the record of its credential has the same, or the line stands for nothing.
        taken_at: when it was written, POSIX seconds.
        transports: how the authenticator can be reached, as it said when it was enrolled.
    """

    credential_id: bytes
    place: bytes
    taken_at: float
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """The list of an account.

    Attributes:
        user_handle: what authenticators know the account by (WebAuthn Level 3 section 14.6.1); nothing about it can be
            told from that.
        places: its lines, the oldest first. One is written before the record it stands for.
        stored: the list as it was read; None if there is none yet.
    """

    user_handle: bytes
    places: tuple[Place, ...] = ()
    stored: bytes | None = field(default=None, repr=False, compare=False)

    def with_place(self, place: Place) -> Listed:
        """This list with one more line."""
        return replace(self, places=(*self.places, place))

    def without(self, *places: bytes) -> Listed:
        """This list without the lines of these names."""
        return replace(self, places=tuple(one for one in self.places if one.place not in places))

    def to_bytes(self) -> bytes:
        """The list as it is kept."""
        members = {
            "v": _VERSION,
            "user_handle": b64url_encode(self.user_handle),
            "places": [
                [b64url_encode(one.credential_id), b64url_encode(one.place), float(one.taken_at), list(one.transports)]
                for one in self.places
            ],
        }
        return json.dumps(members, separators=(",", ":")).encode("ascii")

    @classmethod
    def from_bytes(cls, stored: bytes) -> Listed:
        """The list that is kept.

        Raises:
            SourceFailed: `source_refused` for what is none: somebody else wrote into the store.
        """
        members = _members(stored)
        places = members.get("places")
        if not isinstance(places, list):
            raise _unusable()
        return cls(_octets(members.get("user_handle")), tuple(_place(one) for one in places), stored)


def public_id(credential_id: bytes) -> str:
    """What names a credential to its owner, in lists, requests and proofs."""
    return b64url_encode(sha256(credential_id).digest()[:_ID])


def key_of(rp_id: str, account: Account) -> bytes:
    """What the list of `account` is kept under."""
    return sha256(b"%b\0%b" % (rp_id.encode(), account.key)).digest()


def key_for(rp_id: str, credential_id: bytes) -> bytes:
    """What the record of a credential is kept under."""
    return sha256(b"%b\0%b" % (rp_id.encode(), credential_id)).digest()


def _members(stored: bytes) -> dict[str, JsonValue]:
    members = parse_object(stored, limit=_LIMIT)
    if isinstance(members, Reason):
        raise _unusable()
    version = members.get("v")
    if type(version) is not int or version != _VERSION:
        raise _unusable()
    return members


def _octets(value: JsonValue) -> bytes:
    octets = b64url_decode(value) if isinstance(value, str) else None
    if not isinstance(octets, bytes) or not octets:
        raise _unusable()
    return octets


def _recent(value: JsonValue) -> tuple[bytes, float]:
    if not (isinstance(value, list) and len(value) == 2 and isinstance(value[1], float)):
        raise _unusable()
    return _octets(value[0]), value[1]


def _place(value: JsonValue) -> Place:
    if not (isinstance(value, list) and len(value) == 4):
        raise _unusable()
    credential_id, place, taken_at, transports = value
    if not (isinstance(taken_at, float) and isinstance(transports, list)):
        raise _unusable()
    texts = tuple(one for one in transports if isinstance(one, str))
    return Place(_octets(credential_id), _octets(place), taken_at, texts)


def _unusable() -> SourceFailed:
    return SourceFailed(SOURCE_REFUSED(detail="what the store has is no passkey"))
