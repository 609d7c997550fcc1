"""The newest lists that were found to be genuine: an older one that comes after is not believed again."""

from __future__ import annotations

from threading import Lock
from typing import Final, TypeAlias

from zerotrust.wire.crl import CertificateList, Scope

_MOST: Final = 512

_Key: TypeAlias = tuple[bytes, bytes, Scope, bool]


class Proven:
    """A bounded memory of the newest list of each authority, key and scope, complete and delta apart. Thread-safe.

    Only lists whose signature was verified come in here: a forged one with a high number would shut out all others.
    """

    __slots__ = ("_lists", "_lock")

    def __init__(self) -> None:
        self._lists: dict[_Key, CertificateList] = {}
        self._lock = Lock()

    def note(self, one: CertificateList, key: bytes) -> CertificateList:
        """Keep `one`, which the key with this SubjectPublicKeyInfo signed, unless a newer one is known.

        Returns:
            The newest that is known: by number (RFC 5280 section 5.2.3), of equal numbers by when it was issued.
        """
        name = key, one.issuer, one.scope, one.base is not None
        known = self._lists.get(name)
        if known is not None and (known is one or _age(known) >= _age(one)):
            return known
        with self._lock:
            known = self._lists.get(name)
            if known is not None and _age(known) >= _age(one):
                return known
            while len(self._lists) >= _MOST:
                del self._lists[next(iter(self._lists))]
            self._lists[name] = one
        return one


def _age(one: CertificateList) -> tuple[int, float]:
    return one.number, one.this_update
