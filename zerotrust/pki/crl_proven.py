"""The newest lists that were found to be genuine.

An older one that comes after is not believed again, and one that is not genuine displaces none of them.
"""

from __future__ import annotations

from threading import Lock
from typing import Final, TypeAlias

from zerotrust.pki.crl_scope import name_of
from zerotrust.wire.crl import CertificateList, Scope

_MOST: Final = 512

_Key: TypeAlias = tuple[bytes, bytes, Scope, bool]


class Proven:
    """A bounded memory of the newest list of each authority, key and scope, complete and delta apart. Thread-safe.

    Only lists whose signature was verified come in here: a forged one with a high number would shut out all others.
    """

    __slots__ = ("_by_issuer", "_lists", "_lock")

    def __init__(self) -> None:
        self._lists: dict[_Key, CertificateList] = {}
        self._by_issuer: dict[object, tuple[CertificateList, ...]] = {}
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
            if known is None and len(self._lists) >= _MOST:
                self._drop(self._lists.pop(next(iter(self._lists))))
            elif known is not None:
                self._drop(known)
            self._lists[name] = one
            issuer = name_of(one.issuer)
            self._by_issuer[issuer] = (*self._by_issuer.get(issuer, ()), one)
        return one

    def of(self, issuer: object) -> tuple[CertificateList, ...]:
        """The newest of the authority of this name, in the form that `name_of` gives it; of any key and scope."""
        return self._by_issuer.get(issuer, ())

    def _drop(self, one: CertificateList) -> None:
        issuer = name_of(one.issuer)
        left = tuple(other for other in self._by_issuer[issuer] if other is not one)
        if left:
            self._by_issuer[issuer] = left
        else:
            del self._by_issuer[issuer]


def _age(one: CertificateList) -> tuple[int, float]:
    return one.number, one.this_update
