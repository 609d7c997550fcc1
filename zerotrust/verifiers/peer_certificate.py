"""Which service is at the other end of a connection: by an X.509-SVID, or a certificate of one's own CA."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias, cast, get_args, overload

import attrs

from zerotrust.core.ask import Ask, Gather
from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import MALFORMED, UNKNOWN_TRUST_DOMAIN, WRONG_NAME, Reason
from zerotrust.core.verifier import Question, Verifier
from zerotrust.pki.chain import CLIENT, Anchors, ChainRules, Path
from zerotrust.pki.path_cache import PathCache
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.pki.revocation_strictness import check_revocation
from zerotrust.pki.svid import SVID, svid_of, svid_refusal, workload_id
from zerotrust.pki.trust_bundle import Authorities, TrustBundle
from zerotrust.pki.trust_bundles import TrustBundles, as_bundles
from zerotrust.verifiers import spiffe_questions as ask_for
from zerotrust.verifiers.certificates import CertificateVerifier, beside_links
from zerotrust.verifiers.operand import Said
from zerotrust.verifiers.svid_evidence import PeerEvidence
from zerotrust.verifiers.token import check_name, texts
from zerotrust.verifiers.token_operands import SubjectOf
from zerotrust.wire.certificate import AlternativeNames, Certificate
from zerotrust.wire.spiffe import SpiffeId, TrustDomain

Subject: TypeAlias = Literal["dns", "uri", "email", "fingerprint"]
"""Which of its names a service goes by: the only one of a kind, or the fingerprint of its certificate."""

_MOST_REMEMBERED: Final = 2**20
_MOST_NAMES: Final = 64
_MOST_NAME: Final = 2048
_WORD: Final = 300.0  # seconds that the word of a hop is taken for, which does not say when the certificate ends
_KINDS: Final = {"dns": "dns", "uri": "uris", "email": "emails"}
_WRITE: Final = 'write PeerCertificate(TrustBundle("prod.example", pem), revocation=...)'


@attrs.frozen(eq=False, init=False, repr=False)
class PeerCertificate(CertificateVerifier[PeerEvidence]):
    """Checks the certificate of the service that calls, and gives the leaves that ask who it is.

    With trust bundles it is an X.509-SVID: its SPIFFE id names the trust domain, and the certificate has to come from
    an authority in the bundle of that very trust domain. With anchors it is any certificate of these authorities, and
    its DNS names, URIs or mailboxes say who it is.

    Args:
        trust: whom to believe: `TrustBundle(...)` for one trust domain, `TrustBundles(own, federated=[...])` for
            several, or `Anchors(...)`.
        revocation: how it is told whether a certificate was revoked.
        subject: with anchors, which of its names the service goes by, in evidence and records: the only one that is
            `"dns"`, `"uri"` or `"email"`, without which it is refused; or `"fingerprint"` where it may have several or
            none. The leaves `dns`, `uri` and `email` look at all of them.
        name: what it is called in explanations.
        beside: a verifier that is about somebody else in one policy with this one: the token of the user for whom the
            service calls.
        asserted_by: hops whose word is taken where they pass on a name and no certificate, by their configured names.
            Such evidence says so (`asserted_by`), and counts for five minutes. With trust bundles the name has to be a
            SPIFFE id of one of the trust domains.
        remember: how many validated paths are remembered; 0 for none. Times, revocation and bundles are checked at
            each use all the same.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    bundles: TrustBundles | None
    anchors: Anchors | None
    subject: Subject | None
    name: str
    asserted_by: frozenset[str]
    links: tuple[Verifier[Any], ...]
    _revocation: CertificateRevocation
    _rules: ChainRules
    _paths: PathCache

    @overload
    def __init__(
        self,
        trust: TrustBundle | TrustBundles,
        *,
        revocation: CertificateRevocation,
        name: str = ...,
        beside: Verifier[Any] | None = ...,
        asserted_by: Collection[str] = ...,
        remember: int = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        trust: Anchors,
        *,
        revocation: CertificateRevocation,
        subject: Subject,
        name: str = ...,
        beside: Verifier[Any] | None = ...,
        asserted_by: Collection[str] = ...,
        remember: int = ...,
    ) -> None: ...

    def __init__(
        self,
        trust: TrustBundle | TrustBundles | Anchors,
        *,
        revocation: CertificateRevocation | None = None,  # for a better message: who leaves it out is told by type, too
        subject: Subject | None = None,
        name: str = "peer",
        beside: Verifier[Any] | None = None,
        asserted_by: Collection[str] = (),
        remember: int = 4096,
    ) -> None:
        anchors = trust if isinstance(trust, Anchors) else None
        bundles = as_bundles("PeerCertificate", trust) if anchors is None else None
        if anchors is None and subject is not None:
            raise ConfigError(f"subject={subject!r}: with trust bundles it is the SPIFFE id; leave it out")
        if anchors is not None and subject not in get_args(Subject):
            said = ", ".join(f'"{kind}"' for kind in get_args(Subject))
            raise ConfigError(f"subject={subject!r}: say which of its names the service goes by: one of {said}")
        if type(remember) is not int or not 0 <= remember <= _MOST_REMEMBERED:
            raise ConfigError(f"remember={remember!r}: write a number of paths from 0 to {_MOST_REMEMBERED}")
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            bundles=bundles,
            anchors=anchors,
            subject=subject,
            name=check_name(name),
            asserted_by=frozenset(texts("asserted_by", asserted_by) if asserted_by else ()),
            links=beside_links(None, beside),
            revocation=check_revocation("PeerCertificate", revocation),
            rules=CLIENT if bundles is None else SVID,
            paths=PathCache(remember),
        )

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """What its way to tell revoked certificates asks, and `Fetch` for bundles that have to be fetched."""
        return tuple(dict.fromkeys(super().needs + (() if self.bundles is None else self.bundles.needs)))

    def blank(self, now: float) -> PeerEvidence:
        """A service of which nothing is known."""
        source = "" if self.bundles is None else self.bundles.own.trust_domain.id.text
        return PeerEvidence(source, "", now, math.inf)

    # --- Leaves ------------------------------------------------------------------------------------------------------

    def spiffe(self, *ids: str | SpiffeId) -> Leaf[PeerEvidence]:
        """YES if it is one of these workloads, such as `spiffe://prod.example/ledger`."""
        return self._about(ask_for.spiffe(self._spiffe_only("spiffe"), ids))

    def trust_domain(self, *names: str | TrustDomain) -> Leaf[PeerEvidence]:
        """YES if it is in one of these trust domains: any workload of theirs."""
        return self._about(ask_for.trust_domain(self._spiffe_only("trust_domain"), names))

    def path(self, *prefixes: str) -> Leaf[PeerEvidence]:
        """YES if the path of its id is one of these or goes on from there, by whole segments.

        `/ns/prod` is above `/ns/prod/sa/web`, and not above `/ns/production`. In whichever trust domain: where there
        are several, ask for `trust_domain`, too.
        """
        self._spiffe_only("path")
        return self._about(ask_for.path(prefixes))

    @property
    def id(self) -> Said:
        """Its SPIFFE id, or the name it goes by, to compare with a field of a resource: `job.service == peer.id`."""
        return Said(self, SubjectOf(f"{self.name}.id"), f"{self.name}.spiffe(...)")

    def _about(self, question: ask_for.SpiffeQuestion) -> Leaf[PeerEvidence]:
        return Leaf(self, cast("Question[PeerEvidence]", question))

    def _spiffe_only(self, leaf: str) -> TrustBundles:
        if self.bundles is None:
            raise ConfigError(f"{leaf}() asks for a SPIFFE id, and anchors prove none; {_WRITE}")
        return self.bundles

    # --- Checking ----------------------------------------------------------------------------------------------------

    def _anchors(self, leaf: Certificate, now: float) -> Anchors | Reason | Gather[Anchors | Reason]:
        if self.bundles is None:
            return cast("Anchors", self.anchors)
        spiffe_id = svid_of(leaf)
        if isinstance(spiffe_id, Reason):
            return spiffe_id
        bundle = self.bundles.of(spiffe_id.trust_domain)
        if bundle is None:
            return UNKNOWN_TRUST_DOMAIN(
                expected=self.bundles.names, presented=leaf.label, detail=str(spiffe_id.trust_domain)
            )
        held = bundle.held(now)
        return _anchors_of(held, leaf) if held is not None else _fetched(bundle, leaf, now)

    def _evidence(self, path: Path, hop: str | None, now: float) -> PeerEvidence | Reason:
        leaf, issuers = path.leaf, path.certificates[1:]
        spiffe_id: SpiffeId | None = None
        if self.bundles is None:
            subject = self._subject(leaf.names, leaf.fingerprint, leaf.label)
            if isinstance(subject, Reason):
                return subject
            source = path.certificates[-1].subject
        else:
            found = svid_of(leaf)
            if isinstance(found, Reason):
                return found
            refused = svid_refusal(path, found)
            if refused is not None:
                return refused
            spiffe_id, subject, source = found, found.text, found.trust_domain.id.text
        return PeerEvidence(
            source,
            subject,
            now,
            path.ends,
            leaf.names,
            leaf.fingerprint,
            leaf.spki,
            tuple(one.fingerprint for one in issuers),
            hop,
            not_after=path.ends,
            spiffe_id=spiffe_id,
        )

    def _subject(self, names: AlternativeNames, fingerprint: str, label: object) -> str | Reason:
        if self.subject == "fingerprint":
            return fingerprint or WRONG_NAME(expected="a certificate", presented=label, detail="a name alone")
        kind = _KINDS[str(self.subject)]
        held = cast("tuple[str, ...]", getattr(names, kind))
        if len(held) != 1 or not held[0]:
            return WRONG_NAME(expected=f"exactly one {self.subject}", presented=label, detail=", ".join(held))
        return held[0]

    # --- The word of a hop -------------------------------------------------------------------------------------------

    def _asserted(self, peer: Peer, now: float) -> PeerEvidence | Reason:
        if peer.hop is None or peer.hop not in self.asserted_by:
            return super()._asserted(peer, now)
        if len(peer.names) > _MOST_NAMES or not all(_is_name(one) for one in peer.names):
            return MALFORMED(presented=f"{len(peer.names)} names", detail=f"what {peer.hop} calls the client")
        uris = tuple(one for one in peer.names if ":" in one)
        names = AlternativeNames(uris, tuple(one for one in peer.names if ":" not in one))
        evidence = PeerEvidence(peer.hop, "", now, now + _WORD, names, hop=peer.hop, asserted_by=peer.hop)
        if self.bundles is None:
            subject = self._subject(names, "", peer.hop)
            return subject if isinstance(subject, Reason) else replace(evidence, subject=subject)
        spiffe_id = workload_id(uris, peer.hop)
        if isinstance(spiffe_id, Reason):
            return spiffe_id
        if self.bundles.of(spiffe_id.trust_domain) is None:
            return UNKNOWN_TRUST_DOMAIN(
                expected=self.bundles.names, presented=peer.hop, detail=str(spiffe_id.trust_domain)
            )
        return replace(evidence, source=spiffe_id.trust_domain.id.text, subject=spiffe_id.text, spiffe_id=spiffe_id)


def _anchors_of(authorities: Authorities, leaf: Certificate) -> Anchors | Reason:
    if authorities.anchors is None:  # section 6.2
        return UNKNOWN_TRUST_DOMAIN(presented=leaf.label, detail="its trust domain has no authority for certificates")
    return authorities.anchors


def _fetched(bundle: TrustBundle, leaf: Certificate, now: float) -> Gather[Anchors | Reason]:
    return _anchors_of((yield from bundle.current(now)), leaf)


def _is_name(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text) <= _MOST_NAME and text.isascii() and text.isprintable()
