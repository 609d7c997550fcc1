"""What is remembered of one session, and how it is written down."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from zerotrust.core.reason import BAD_SESSION, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.proof import METHODS, Method, Proof
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import JsonValue, parse

Key: TypeAlias = tuple[str, str]
"""A key that the client has proven, as in a `cnf` claim (RFC 7800 section 3.1): the method and the thumbprint."""

MOST_PROOFS: Final = 16
SKEW: Final = 60.0
"""Seconds by which the clocks of servers may differ; what says it is from later than that does not count."""

MOST_NAME: Final = 1024
"""Characters of an account's source, and of its subject."""

_VERSION: Final = 1
_LIMIT: Final = 48 * 1024
_FLAGS: Final = ("user_verified", "device_bound", "hardware_bound", "cloned")
_UNREADABLE: Final = BAD_SESSION(detail="it is not written as sessions are here")


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What is remembered of one session; nothing in it is secret.

    Attributes:
        handle: names it in lists and requests.
        account: whose it is.
        started_at: when it began, POSIX seconds.
        seen_at: when its use was written down last, POSIX seconds; it may have been used since, for a tenth of the time
            after which it lapses.
        ends_at: when it ends whatever happens, POSIX seconds.
        proofs: the factors proven in it, the latest last; the latest of each authenticator, and `MOST_PROOFS` at most.
        pauses: for each of them the longest time, in seconds, for which the session was not used since.
        keys: the keys that its client has proven; it counts together with them only.
    """

    handle: str
    account: Account
    started_at: float
    seen_at: float
    ends_at: float
    proofs: tuple[Proof, ...] = ()
    pauses: tuple[float, ...] = ()
    keys: tuple[Key, ...] = ()

    def used(self, now: float) -> SessionRecord:
        """What is remembered once it is used at `now` (POSIX seconds)."""
        pause = now - self.seen_at
        if pause <= 0:
            return self
        return replace(self, seen_at=now, pauses=tuple(max(before, pause) for before in self.pauses))

    def proving(self, proof: Proof) -> SessionRecord:
        """What is remembered once `proof` was made in it: of each authenticator the latest.

        One that was made before a copy of its authenticator showed does not take the place of that, however late the
        request comes that made it.
        """
        same = proof.method, proof.scope, proof.by
        for before in self.proofs:
            if (before.method, before.scope, before.by) == same and before.cloned and before.at >= proof.at:
                return self
        others = [pair for pair in self._pairs() if (pair[0].method, pair[0].scope, pair[0].by) != same]
        return self._of([*others, (proof, 0.0)][-MOST_PROOFS:])

    def forgetting(self, method: Method, by: str) -> SessionRecord:
        """What is remembered without what the authenticator `by` has proven."""
        return self._of([pair for pair in self._pairs() if (pair[0].method, pair[0].by) != (method, by)])

    def shorter(self) -> SessionRecord:
        """What is remembered without the oldest proof."""
        return self._of(self._pairs()[1:])

    def _pairs(self) -> list[tuple[Proof, float]]:
        return list(zip(self.proofs, self.pauses, strict=True))

    def _of(self, pairs: list[tuple[Proof, float]]) -> SessionRecord:
        return replace(self, proofs=tuple(proof for proof, _ in pairs), pauses=tuple(pause for _, pause in pairs))


@dataclass(frozen=True, slots=True)
class Entry:
    """A session as it is written down: what is remembered, and which secret id counts.

    Attributes:
        record: what is remembered.
        purpose: what it is for, the name of its cookie; it counts for nothing else.
        digest: SHA-256 of its secret id.
        previous: SHA-256 of the secret id that it replaced; empty if it is the first.
        joins: whether it was a proof that replaced it, so that another one of the same moment may still be added.
    """

    record: SessionRecord
    purpose: str
    digest: bytes = field(repr=False)
    previous: bytes = field(default=b"", repr=False)
    joins: bool = False

    def to_bytes(self) -> bytes:
        """As text for a store or a cookie."""
        record = self.record
        written: dict[str, JsonValue] = {
            "v": _VERSION,
            "for": self.purpose,
            "h": record.handle,
            "a": [record.account.source, record.account.subject],
            "t": [record.started_at, record.seen_at, record.ends_at],
            "k": [[method, value] for method, value in record.keys],
            "p": [_written(proof, pause) for proof, pause in zip(record.proofs, record.pauses, strict=True)],
            "d": b64url_encode(self.digest),
            "o": b64url_encode(self.previous),
            "j": self.joins,
        }
        return json.dumps(written, separators=(",", ":"), ensure_ascii=False).encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes) -> Entry | Reason:
        """The entry that `data` holds; `bad_session` if it holds none."""
        value = parse(data, limit=_LIMIT)
        if not isinstance(value, dict):
            return _UNREADABLE
        try:
            if value["v"] != _VERSION:
                return _UNREADABLE
            source, subject = _texts(value["a"], 2)
            started, seen, ends = _numbers(value["t"], 3)
            pairs = [_read(one) for one in _list(value["p"])]
            record = SessionRecord(
                _text(value["h"]),
                Account(source, subject),
                started,
                seen,
                ends,
                tuple(proof for proof, _ in pairs),
                tuple(pause for _, pause in pairs),
                tuple((method, key) for method, key in (_texts(one, 2) for one in _list(value["k"]))),
            )
            return cls(record, _text(value["for"]), _octets(value["d"]), _octets(value["o"]), value["j"] is True)
        except (KeyError, ValueError):
            return _UNREADABLE


def check_text(account: Account) -> bool:
    """Whether `account` can be written down: texts that are valid Unicode, not empty and not endless."""
    for text in (account.source, account.subject):
        if not isinstance(text, str) or not 0 < len(text) <= MOST_NAME:  # callers are not all typed
            return False
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return False
    return True


def _written(proof: Proof, pause: float) -> JsonValue:
    flags = sum(1 << bit for bit, name in enumerate(_FLAGS) if getattr(proof, name))
    return [proof.method, proof.at, proof.by, proof.scope, flags, pause, proof.model]


def _read(value: JsonValue) -> tuple[Proof, float]:
    items = _list(value)
    if len(items) != 7:
        raise ValueError
    method, by, scope, flags = items[0], items[2], items[3], items[4]
    at, pause = _numbers([items[1], items[5]], 2)
    if type(flags) is not int or not 0 <= flags < 1 << len(_FLAGS):
        raise ValueError
    set_flags = {name: bool(flags >> bit & 1) for bit, name in enumerate(_FLAGS)}
    return Proof(_method(method), at, _text(by), _text(scope), model=_text(items[6]), **set_flags), pause


def _method(value: JsonValue) -> Method:
    for method in METHODS:
        if value == method:
            return method
    raise ValueError


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _list(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise ValueError
    return value


def _texts(value: JsonValue, count: int) -> list[str]:
    items = [_text(one) for one in _list(value)]
    if len(items) != count:
        raise ValueError
    return items


def _numbers(value: JsonValue, count: int) -> list[float]:
    items: list[float] = []
    for one in _list(value):
        if type(one) is not int and type(one) is not float:
            raise ValueError
        number = float(one)
        if not math.isfinite(number):
            raise ValueError
        items.append(number)
    if len(items) != count:
        raise ValueError
    return items


def _octets(value: JsonValue) -> bytes:
    decoded = b64url_decode(_text(value))
    if isinstance(decoded, Reason):
        raise ValueError
    return decoded
