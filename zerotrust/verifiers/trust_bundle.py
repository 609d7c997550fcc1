"""Whom to believe about the workloads of one trust domain: given here, or fetched and renewed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from zerotrust.core.ask import Ask, Document, Fetch, Gather, SourceFailed, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import minutes, span_in_seconds
from zerotrust.core.reason import COMPROMISED_KEY, SOURCE_REFUSED, Reason
from zerotrust.verifiers.chain import Anchors
from zerotrust.verifiers.issuer import check_url
from zerotrust.wire.jwk import KeySet
from zerotrust.wire.spiffe import TrustDomain
from zerotrust.wire.spiffe_bundle import MAX_BUNDLE, SpiffeBundle, read_bundle

_LEAST_REFRESH: Final = 60.0
_REFRESH: Final = minutes(5)  # SPIFFE Federation section 4.1, where the bundle has no hint
_MOST_REFRESH: Final = 24 * 3600.0


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

    Args:
        trust_domain: the name of the trust domain, such as `prod.example`; the bundle does not say it.
        content: the bundle, where it is at hand: a SPIFFE bundle as JSON, certificates as PEM, or one as DER. Nothing
            is asked of anybody then, no agent and no endpoint.
        endpoint: the URL of its bundle endpoint (SPIFFE Federation section 5.2.1, `https_web`): https, the server
            verified by the certificates that the fetcher trusts. Needs a source that answers `Fetch`.
        refresh: after how long a newer edition is looked for where the bundle does not say (`spiffe_refresh_hint`);
            from a minute to a day, the bounds of what it says, too.

    What is fetched and is no bundle, or an edition before one that was seen (`spiffe_sequence`), never takes the place
    of one that is good: that stays in use for as long as the fetcher keeps it (`stale_for`).

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    __slots__ = ("_body", "_latest", "_now", "_refresh", "_seen", "_static", "endpoint", "trust_domain")

    def __init__(
        self,
        trust_domain: str | TrustDomain,
        content: bytes | str | None = None,
        *,
        endpoint: str | None = None,
        refresh: timedelta = _REFRESH,
    ) -> None:
        self.trust_domain: TrustDomain = (
            trust_domain if isinstance(trust_domain, TrustDomain) else TrustDomain(trust_domain)
        )
        if (content is None) == (endpoint is None):
            raise ConfigError(
                f"TrustBundle({self.trust_domain.name!r}): give the bundle's content, or endpoint=, and not both"
            )
        self.endpoint: str | None = (
            None if endpoint is None else check_url(endpoint, "endpoint", "https://partner.example/bundle.json")
        )
        self._refresh = span_in_seconds(refresh, "refresh", least=_LEAST_REFRESH, most=_MOST_REFRESH)
        self._latest: tuple[Document, Authorities] | None = None
        self._body = b""
        self._seen = -1  # the highest number of an edition
        self._static = None if content is None else self._given(content)

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """`Fetch`, where the bundle has to be fetched."""
        return () if self._static is not None else (Fetch,)

    def current(self, now: float, *, unseen: Authorities | None = None) -> Gather[Authorities]:
        """The edition that counts at `now`.

        Args:
            now: the moment of the request, POSIX seconds.
            unseen: an edition that lacked a key which is looked for: a newer one, if it is to be had.

        Raises:
            SourceFailed: thrown in by the driver, or because what came is no bundle.
        """
        if self._static is not None:
            return self._static
        document = yield from ask(self._question(now, unseen))
        latest = self._latest
        if latest is None or latest[0] is not document:
            read = self._read(document.body)
            if isinstance(read, Reason):
                raise SourceFailed(SOURCE_REFUSED(presented=str(read), detail=f"the bundle of {self.trust_domain}"))
            latest = self._latest = document, read
            self._body = document.body
            self._seen = max(self._seen, -1 if read.sequence is None else read.sequence)
        return latest[1]

    def _question(self, now: float, unseen: Authorities | None) -> Fetch:
        newer_than = float("-inf")
        if self._latest is not None:
            document, known = self._latest
            if unseen is known or now >= document.fetched_at + known.refresh:
                newer_than = document.fetched_at
        return Fetch(str(self.endpoint), now, newer_than, MAX_BUNDLE, self._unusable)

    def _unusable(self, body: bytes) -> Reason | None:
        """Why a body must not take the place of the last good one.

        One that gives private keys away counts: it says that the edition before it is lost, too.
        """
        read = self._read(body)
        return read if isinstance(read, Reason) and read.kind is not COMPROMISED_KEY else None

    def _read(self, body: bytes) -> Authorities | Reason:
        if self._latest is not None and body == self._body:
            return self._latest[1]
        bundle = read_bundle(body, self.trust_domain)
        if isinstance(bundle, Reason):
            return bundle
        if bundle.sequence is not None and bundle.sequence < self._seen:
            return SOURCE_REFUSED(
                expected=f"spiffe_sequence from {self._seen} on", presented=bundle.sequence, detail="an earlier edition"
            )
        try:
            return self._authorities(bundle)
        except ConfigError as error:
            return SOURCE_REFUSED(presented=str(error))

    def _authorities(self, bundle: SpiffeBundle) -> Authorities:
        hint = self._refresh if bundle.refresh_hint is None else float(bundle.refresh_hint)
        return Authorities(
            Anchors(*bundle.certificates) if bundle.certificates else None,
            bundle.keys,
            bundle.sequence,
            min(max(hint, _LEAST_REFRESH), _MOST_REFRESH),
        )

    def _given(self, content: object) -> Authorities:
        octets = content.encode(errors="replace") if isinstance(content, str) else content
        if not isinstance(octets, bytes):
            advice = "; give the content, not the path: path.read_bytes()" if hasattr(content, "__fspath__") else ""
            raise ConfigError(f"a bundle is bytes or text, not {type(content).__name__}{advice}")
        bundle = read_bundle(octets, self.trust_domain)
        if isinstance(bundle, Reason):
            raise ConfigError(f"the bundle of {self.trust_domain} cannot be used: {bundle}")
        return self._authorities(bundle)

    def __repr__(self) -> str:
        where = "given" if self._static is not None else repr(self.endpoint)
        return f"TrustBundle({self.trust_domain.name!r}, {where})"
