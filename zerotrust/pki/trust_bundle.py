"""Whom to believe about the workloads of one trust domain: given here, held in a file, or fetched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import Any, Final, Protocol, runtime_checkable

from zerotrust.core.ask import Ask, Document, Fetch, Gather, SourceFailed, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import hours, minutes, span_in_seconds
from zerotrust.core.reason import COMPROMISED_KEY, SOURCE_REFUSED, Reason
from zerotrust.pki.chain import Anchors, anchor_fault
from zerotrust.wire.jwk import KeySet
from zerotrust.wire.spiffe import TrustDomain
from zerotrust.wire.spiffe_bundle import MAX_BUNDLE, SpiffeBundle, read_bundle
from zerotrust.wire.url import check_url

_LEAST_REFRESH: Final = 60.0
_MOST_REFRESH: Final = 24 * 3600.0
_REFRESH: Final = minutes(5)  # SPIFFE Federation section 4.1, where the bundle has no hint
_STALE: Final = hours(24)
_MOST_PATH: Final = 1024


@runtime_checkable
class BundleSource(Protocol):
    """Something that holds a bundle and sees to its renewal, such as `zerotrust.stores.bundle_file.BundleFile`."""

    def content(self, now: float) -> bytes | Reason:
        """The bytes at the moment `now` (POSIX seconds), the same object as long as nothing changed; or why not.

        Must not wait for the network.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Authorities:
    """One edition of a trust bundle, ready for use. The same object as long as the bytes are the same.

    Attributes:
        anchors: what may issue X.509-SVIDs; None if the trust domain has no such.
        keys: what may sign JWT-SVIDs.
        sequence: the number of the edition; None if it has none.
        refresh: after how many seconds a newer one is looked for.
    """

    anchors: Anchors | None
    keys: KeySet
    sequence: int | None
    refresh: float


class TrustBundle:
    """The bundle of one trust domain: its authorities, which speak for it and for no other.

    What takes the place of a good edition has to be good itself: something that is no bundle, or an edition before one
    that was seen (`spiffe_sequence`), does not. The one before it stays in use: that of a file for `stale_for`, one
    that is fetched as long as the fetcher keeps it. Only where what came gives private keys away it ends at once,
    and for good: not even the very same edition counts again, but a new one.

    Args:
        trust_domain: the name of the trust domain, such as `prod.example`; the bundle does not say it.
        content: the bundle, where it is at hand: a SPIFFE bundle as JSON, certificates as PEM, or one as DER; nobody is
            asked for anything then, no agent and no endpoint. Or what holds it: `BundleFile(path)`.
        endpoint: the URL of its bundle endpoint (SPIFFE Federation section 5.2.1, `https_web`): https, the server
            verified by the certificates that the fetcher trusts. Needs a source that answers `Fetch`.
        refresh: after how long a newer edition is fetched where the bundle does not say (`spiffe_refresh_hint`); from a
            minute to a day, which bounds what it says, too.
        stale_for: for how long the last good edition of a file counts when that is gone, or no longer good.

    Attributes:
        trust_domain: the trust domain.
        endpoint: where the bundle is fetched; None if it is not.
        trouble: why what the file holds now is not used, or what the endpoint gave when it was asked last; None if all
            is well. For health checks.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    __slots__ = (
        "_body",
        "_document",
        "_down",
        "_edition",
        "_ended",
        "_lock",
        "_refresh",
        "_refused",
        "_seen",
        "_since",
        "_source",
        "_stale_for",
        "endpoint",
        "trouble",
        "trust_domain",
    )

    def __init__(
        self,
        trust_domain: str | TrustDomain,
        content: bytes | str | BundleSource | None = None,
        *,
        endpoint: str | None = None,
        refresh: timedelta = _REFRESH,
        stale_for: timedelta = _STALE,
    ) -> None:
        if isinstance(trust_domain, bytes) or "-----BEGIN" in str(trust_domain):
            raise ConfigError('the trust domain comes first: write TrustBundle("prod.example", pem)')
        self.trust_domain: TrustDomain = (
            trust_domain if isinstance(trust_domain, TrustDomain) else TrustDomain(trust_domain)
        )
        if (content is None) == (endpoint is None):
            raise ConfigError(f'TrustBundle("{self.trust_domain}"): give the content or endpoint=, one of the two')
        self.endpoint: str | None = (
            None if endpoint is None else check_url(endpoint, "endpoint", "https://partner.example/bundle.json")
        )
        self.trouble: Reason | None = None
        self._refresh = span_in_seconds(refresh, "refresh", least=_LEAST_REFRESH, most=_MOST_REFRESH)
        self._stale_for = span_in_seconds(stale_for, "stale_for")
        self._source = content if isinstance(content, BundleSource) else None
        self._lock = Lock()
        self._document: Document | None = None
        self._edition: Authorities | None = None
        self._body = b""  # of the edition
        self._down = False  # whether the trouble is that of the network
        self._ended: bytes | None = None  # the edition that private keys ended
        self._refused: tuple[bytes, Reason] | None = None  # what came last and was not good
        self._seen = -1  # the highest number of an edition
        self._since = 0.0  # POSIX seconds of the first request that met the trouble
        if content is not None:
            self._begin(content)

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """`Fetch`, where the bundle has to be fetched."""
        return () if self.endpoint is None else (Fetch,)

    def current(self, now: float, *, unseen: Authorities | None = None) -> Gather[Authorities]:
        """The edition that counts at `now`.

        Args:
            now: the moment of the request, POSIX seconds.
            unseen: an edition that lacked a key which is looked for: a newer one, if it is to be had.

        Raises:
            SourceFailed: thrown in by the driver, or because there is no edition that may be used.
        """
        if self.endpoint is not None:
            return (yield from self._fetching(self.endpoint, now, unseen))
        held = self.held(now)
        assert held is not None  # noqa: S101 - it has no endpoint
        return held

    def held(self, now: float) -> Authorities | None:
        """The edition that counts at `now`; None if it has to be fetched. Raises `SourceFailed` as `current`."""
        if self._source is not None:
            return self._held(self._source.content(now), now)
        return self._edition if self.endpoint is None else None

    @property
    def may_sign_tokens(self) -> bool:
        """Whether it holds keys for JWT-SVIDs, or another edition of it could."""
        return self.endpoint is not None or self._source is not None or bool(self._edition and len(self._edition.keys))

    # --- Held in a file ----------------------------------------------------------------------------------------------

    def _held(self, content: bytes | Reason, now: float) -> Authorities:
        edition = self._edition
        if content is self._body and edition is not None and self.trouble is None:
            return edition
        with self._lock:
            read = content if isinstance(content, Reason) else self._accept(content)
            if not isinstance(read, Reason):
                self.trouble = None
                return read
            if self.trouble is None:
                self._since = now
            self.trouble = read
            if self._edition is None or not now < self._since + self._stale_for:
                raise self._failed(read)
            return self._edition

    # --- Fetched -----------------------------------------------------------------------------------------------------

    def _question(self, endpoint: str, now: float, unseen: Authorities | None) -> Fetch:
        document, edition = self._document, self._edition
        newer_than = float("-inf")
        # SPIFFE Federation section 4.1: as often as the hint says, whatever HTTP has to say about freshness.
        if (
            document is not None
            and edition is not None
            and (unseen is edition or now >= document.fetched_at + edition.refresh)
        ):
            newer_than = document.fetched_at
        return Fetch(endpoint, now, newer_than, MAX_BUNDLE, self._unusable)

    def _fetching(self, endpoint: str, now: float, unseen: Authorities | None) -> Gather[Authorities]:
        try:
            document = yield from ask(self._question(endpoint, now, unseen))
        except SourceFailed as failed:
            why = replace(failed.reason, detail=f"{self._called}: {failed.reason.detail or 'its endpoint'}")
            self.trouble, self._down = why, True
            raise SourceFailed(why, failed.retry_after) from failed
        if self._down:
            self.trouble, self._down = None, False
        return self._fetched(document)

    def _fetched(self, document: Document) -> Authorities:
        edition = self._edition
        if edition is not None and document is self._document:
            return edition
        with self._lock:
            read = self._accept(document.body)
            if isinstance(read, Reason):
                self.trouble = read
                raise self._failed(read)
            self._document, self.trouble = document, None
            return read

    def _unusable(self, body: bytes) -> Reason | None:
        """Why a body must not take the place of the last good one.

        One that gives private keys away counts: it says that the edition before it is lost, too.
        """
        read = self._read(body)
        self.trouble = read if isinstance(read, Reason) else None
        return read if isinstance(read, Reason) and read.kind is not COMPROMISED_KEY else None

    # --- Read --------------------------------------------------------------------------------------------------------

    def _accept(self, body: bytes) -> Authorities | Reason:
        """The edition in `body`, which counts from here on; or why not."""
        if self._refused is not None and body == self._refused[0]:
            return self._refused[1]
        read = self._read(body)
        if isinstance(read, Reason):
            self._refused = body, read
            if read.kind is COMPROMISED_KEY and self._edition is not None:
                self._ended, self._edition, self._body, self._document = self._body, None, b"", None
            return read
        self._edition, self._body = read, body
        self._seen = max(self._seen, -1 if read.sequence is None else read.sequence)
        return read

    def _read(self, body: bytes) -> Authorities | Reason:
        if self._edition is not None and body == self._body:
            return self._edition
        if body == self._ended:
            return COMPROMISED_KEY(detail="the authorities that were published with private keys, once more")
        bundle = read_bundle(body, self.trust_domain)
        if isinstance(bundle, Reason):
            return bundle
        if bundle.sequence is not None and bundle.sequence < self._seen:  # Trust Domain and Bundle section 4.1.1
            return SOURCE_REFUSED(
                expected=f"spiffe_sequence from {self._seen} on", presented=bundle.sequence, detail="an earlier edition"
            )
        try:
            return self._authorities(bundle)
        except ConfigError as error:
            return SOURCE_REFUSED(presented=str(error))

    def _authorities(self, bundle: SpiffeBundle) -> Authorities:
        hint = self._refresh if bundle.refresh_hint is None else float(bundle.refresh_hint)
        fit = bundle.certificates
        if bundle.published:
            # One that is too weak, or of an algorithm not known here, must not take the others with it.
            fit = tuple(one for one in fit if anchor_fault(one) is None)
            if not fit and not len(bundle.keys):
                raise ConfigError(f"none of its authorities can be used: {anchor_fault(bundle.certificates[0])}")
        return Authorities(
            Anchors(*fit) if fit else None,
            bundle.keys,
            bundle.sequence,
            min(max(hint, _LEAST_REFRESH), _MOST_REFRESH),
        )

    def _failed(self, why: Reason) -> SourceFailed:
        return SourceFailed(SOURCE_REFUSED(presented=str(why), detail=self._called))

    @property
    def _called(self) -> str:
        where = self.endpoint or self._source
        return f"the bundle of {self.trust_domain}" if where is None else f"the bundle of {self.trust_domain}, {where}"

    def _begin(self, content: object) -> None:
        """Take what was given when this is made, or what the file holds then; `ConfigError` if it is no bundle."""
        given: object = content
        if self._source is not None:
            given = self._source.content(float("-inf"))
        elif isinstance(content, str):
            given = content.encode(errors="replace")
        read = self._accept(given) if isinstance(given, bytes) else given
        if not isinstance(read, Authorities):
            wrong = read if isinstance(read, Reason) else f"bytes or text, not {type(content).__name__}"
            raise ConfigError(f"{self._called} cannot be used: {wrong}{_hint(content)}")

    def __repr__(self) -> str:
        where = self.endpoint or self._source
        return f"TrustBundle({self.trust_domain.name!r}, {'given' if where is None else repr(where)})"


def _hint(content: object) -> str:
    text = content.decode(errors="replace") if isinstance(content, bytes) else content
    if isinstance(text, str) and text.startswith(("http://", "https://")):
        return "; to have it fetched, write endpoint=..."
    is_name = isinstance(text, str) and 0 < len(text) < _MOST_PATH and "\n" not in text and not text.startswith("{")
    if hasattr(text, "__fspath__") or is_name:
        return "; of a file, give its content, or BundleFile(path), which is read again when it changes"
    return ""
