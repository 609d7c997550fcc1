"""Where revocation lists come from: given, held by somebody who reads them again, or fetched."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol, runtime_checkable

from zerotrust.core.ask import Document, Fetch, Gather, SourceFailed, ask
from zerotrust.core.reason import BUDGET_SPENT, SOURCE_REFUSED, Reason
from zerotrust.wire.crl import CertificateList, read_crls

MAX_FETCHED: Final = 1024 * 1024
"""Octets of a list that is fetched, some 28,000 entries: it counts towards the budget of every decision."""

MEDIA_TYPES: Final = ("application/pkix-crl", "application/x-pkcs7-crl", "application/octet-stream")
"""What lists are served as: RFC 2585 section 4.2, and what servers make of the names of files."""


class Held(NamedTuple):
    """What is at hand of one source.

    Attributes:
        lists: the lists that could be read last.
        trouble: why there is none, or none that is newer; None if all is well.
    """

    lists: tuple[CertificateList, ...]
    trouble: Reason | None = None


@runtime_checkable
class CrlSource(Protocol):
    """Something that holds lists and sees to their renewal, such as `zerotrust.stores.crl_file.CrlFile`."""

    def held(self, now: float) -> Held:
        """The lists at the moment `now` (POSIX seconds). Must not wait for the network."""
        ...


class FetchedCrl:
    """The lists at one URL, renewed by whatever answers `Fetch`.

    What cannot be read never takes the place of what could, and what is not genuine is asked for again. A document is
    parsed when it has arrived, once.

    Args:
        url: where they are; http will do, for they are signed.
    """

    __slots__ = ("_document", "_held", "_read", "url")

    def __init__(self, url: str) -> None:
        self.url: str = url
        self._document: Document | None = None
        self._held = Held(())
        self._read: tuple[bytes, tuple[CertificateList, ...] | Reason] = (b"", ())

    def held(self, now: float) -> Gather[Held]:
        """The lists at the moment `now`; those had before where there are no newer ones to be had."""
        document = self._document
        # What is due is asked for again at once, not when a cache gets round to it.
        due = document is not None and any(one.next_update <= now or one.doubt is not None for one in self._held.lists)
        seen = document.fetched_at if document is not None and due else float("-inf")
        question = Fetch(self.url, now, seen, MAX_FETCHED, self._unusable, MEDIA_TYPES)
        try:
            fetched = yield from ask(question)
        except SourceFailed as failure:
            return Held(self._held.lists, _advice(failure.reason))
        if fetched is not document:
            read = self._parse(fetched.body)
            if isinstance(read, Reason):  # from a source that does not ask `unusable`
                return Held(self._held.lists, read)
            self._held, self._document = Held(read), fetched
        return self._held

    def _parse(self, body: bytes) -> tuple[CertificateList, ...] | Reason:
        known, read = self._read
        if known is not body and known != body:
            read = read_crls(body, limit=MAX_FETCHED)
            self._read = body, read
        return read

    def _unusable(self, body: bytes) -> Reason | None:
        read = self._parse(body)
        return read if isinstance(read, Reason) else None

    def __repr__(self) -> str:
        return self.url


def _advice(reason: Reason) -> Reason:
    large = (reason.kind is SOURCE_REFUSED and str(reason.expected).endswith("bytes")) or reason.kind is BUDGET_SPENT
    if not large:
        return reason
    return reason.kind(
        expected=reason.expected,
        presented=reason.presented,
        detail="a larger list is not fetched while a request waits: download it by other means, and give CrlFile(path)",
    )
