"""Certificate revocation lists as the way to tell what was revoked (RFC 5280 section 6.3)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final, NamedTuple

from cryptography import x509

from zerotrust.core.ask import Ask, Fetch, Gather
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import span_in_seconds
from zerotrust.core.peer import Peer
from zerotrust.core.reason import MALFORMED, Reason
from zerotrust.pki.chain import Path
from zerotrust.pki.crl_proven import Proven
from zerotrust.pki.crl_signers import at_hand, may_sign_lists
from zerotrust.pki.crl_sources import CrlSource, FetchedCrl
from zerotrust.pki.crl_status import Inquiry
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.crl import CertificateList, read_crls
from zerotrust.wire.pem import read_pem
from zerotrust.wire.url import parse_url

_MOST_URLS: Final = 8
_MOST_SOURCES: Final = 64
_MOST_KNOWN: Final = 4096


class _Known(NamedTuple):
    """Paths that are on none of these very lists, and the moments between which that holds."""

    lists: list[CertificateList]
    good: dict[Path, tuple[float, float]]


class Crls(CertificateRevocation):
    """Revocation lists: every certificate of a path but its anchor has to be covered by one, and be on none.

    Complete lists, by any partition into distribution points and reasons, and deltas. A list is believed if the issuer
    of the certificate signed it, or another key of the issuer's name whose certificate is at hand, was issued by the
    issuer itself or by an authority above it on the path, and is not revoked itself; if it is not from the future, nor
    due to be renewed; and if none with a higher number was seen. Indirect lists are not supported: they, and
    certificates that name one, refuse.

    Args:
        lists: the lists themselves, DER or PEM, as bytes; or what holds and renews them, `CrlFile(path)`.
        urls: where further ones are fetched from, at most 8, each of at most 1 MiB. http will do, for they are signed.
            Distribution points in certificates are never fetched: configure them here.
        signers: certificates of authorities' other keys for lists, where peers do not present them; PEM.
        at_most_old: how long ago a list may have been issued, where its own next update is too far off; None for that
            alone.

    Raises:
        ConfigError: there is no list, or one that is given cannot be used; with what to write instead.
    """

    __slots__ = ("_at_most_old", "_fetched", "_given", "_known", "_proven", "_signers", "_sources")

    def __init__(
        self,
        *lists: bytes | CrlSource,
        urls: Collection[str] = (),
        signers: bytes = b"",
        at_most_old: timedelta | None = None,
    ) -> None:
        if isinstance(urls, str):
            raise ConfigError(f'urls takes a collection: write urls=["{urls}"]')
        if not lists and not urls:
            raise ConfigError("Crls() has no list: give CrlFile(path), bytes, or urls=[...]")
        if len(urls) > _MOST_URLS or len(lists) > _MOST_SOURCES:
            raise ConfigError(f"Crls takes at most {_MOST_SOURCES} lists and {_MOST_URLS} urls")
        given: list[CertificateList] = []
        sources: list[CrlSource] = []
        for one in lists:
            if isinstance(one, bytes):
                given += _given(one)
            elif isinstance(one, CrlSource) and not isinstance(one, type):
                sources.append(one)
            else:
                raise ConfigError(_advice(one))
        self._given = tuple(given)
        self._sources = tuple(sources)
        self._fetched = tuple(FetchedCrl(_url(url)) for url in urls)
        self._signers = _signers(signers) if signers else ()
        self._at_most_old = (
            float("inf") if at_most_old is None else span_in_seconds(at_most_old, "at_most_old", least=60.0)
        )
        self._proven = Proven()
        self._known = _Known([], {})

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """`Fetch`, where lists have to be fetched."""
        return (Fetch,) if self._fetched else ()

    def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
        """What the lists say of one certificate."""
        lists, trouble = yield from self._at_hand(now)
        return self._inquiry(path, peer, now, lists, trouble).status(place)

    def check(self, path: Path, peer: Peer, now: float) -> Gather[Reason | None]:
        """What the lists say of any certificate of `path` but its anchor."""
        lists, trouble = yield from self._at_hand(now)
        known = self._known
        if known.lists != lists:
            known = self._known = _Known(lists, {})
        good = known.good.get(path)
        if good is not None and good[0] <= now < good[1]:
            return None
        inquiry = self._inquiry(path, peer, now, lists, trouble)
        for place in range(len(path.certificates) - 1):
            refused = inquiry.status(place)
            if refused is not None:
                return refused
        if len(known.good) >= _MOST_KNOWN:
            known.good.clear()
        known.good[path] = inquiry.begins, inquiry.ends
        return None

    def load(self, now: float) -> Gather[tuple[Reason, ...]]:
        """Have every list fetched and read, outside of any request: at start, say, or from a timer.

        Run it with `run(crls.load(now), sources)`, in an async application `await run_async(...)`.

        Args:
            now: the moment, POSIX seconds.

        Returns:
            What could not be had or read, or was found not to be genuine since; empty if all is well.
        """
        lists, trouble = yield from self._at_hand(now)
        return *trouble, *(one.doubt for one in lists if one.doubt is not None)

    def _inquiry(
        self, path: Path, peer: Peer, now: float, lists: list[CertificateList], trouble: list[Reason]
    ) -> Inquiry:
        others = at_hand(peer.chain[1:], self._signers)
        return Inquiry(path, lists, others, self._proven, now, self._at_most_old, [str(one) for one in trouble])

    def _at_hand(self, now: float) -> Gather[tuple[list[CertificateList], list[Reason]]]:
        lists, trouble = list(self._given), list[Reason]()
        for source in self._sources:
            held = source.held(now)
            lists += held.lists
            if held.trouble is not None:
                trouble.append(held.trouble)
        for fetched in self._fetched:
            held = yield from fetched.held(now)
            lists += held.lists
            if held.trouble is not None:
                trouble.append(held.trouble)
        return lists, trouble

    def __repr__(self) -> str:
        parts = [*map(repr, self._given), *map(repr, self._sources), *map(repr, self._fetched)]
        return f"Crls({', '.join(parts)})"


def _given(document: bytes) -> tuple[CertificateList, ...]:
    read = read_crls(document)
    if isinstance(read, Reason):
        raise ConfigError(f"Crls: a list cannot be used: {read}")
    return read


def _advice(one: object) -> str:
    if isinstance(one, str) and one.startswith(("http://", "https://")):
        return f'Crls takes a URL by name: urls=["{one}"]'
    if isinstance(one, str) or hasattr(one, "__fspath__"):
        return f"Crls takes a file as CrlFile({str(one)!r}), which reads it again when it changes"
    name = one.__name__ if isinstance(one, type) else type(one).__name__
    return f"Crls takes lists as bytes or CrlFile(path), not {name}"


def _url(url: object) -> str:
    address = parse_url(url, plain=True) if isinstance(url, str) else None
    if address is None or isinstance(address, Reason):
        raise ConfigError(f"urls: {url!r} is no URL of a list; write e.g. 'http://crl.example.com/ca.crl'")
    return str(url)


def _signers(pem: object) -> tuple[Certificate, ...]:
    read = read_pem(pem) if isinstance(pem, bytes) else MALFORMED(expected="bytes", presented=type(pem).__name__)
    if isinstance(read, Reason):
        raise ConfigError(f"signers takes certificates in PEM, as bytes: {read}")
    for one in read:
        if one.extension(x509.KeyUsage) is None or not may_sign_lists(one):
            raise ConfigError(f"signers: the key usage of {one.label} does not hold cRLSign, so it may sign no lists")
    return read
