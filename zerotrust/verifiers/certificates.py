"""Takes the certificate of a connection's client through every check, from what was presented to the evidence."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Any, ClassVar, Final, Generic, TypeVar, cast

from zerotrust.core.ask import Ask, Gather
from zerotrust.core.errors import ConfigError
from zerotrust.core.facts import Attribute
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.moments import span_in_seconds
from zerotrust.core.peer import Peer
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import NOT_PRESENTED, REVOCATION_UNKNOWN, UNTRUSTED_HOP, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.pki.chain import CLIENT, Anchors, ChainRules, Path, build_path
from zerotrust.pki.path_cache import PathCache
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.verifiers import certificate_questions as ask_for
from zerotrust.verifiers.certificate_evidence import CertificateEvidence
from zerotrust.verifiers.certificate_facts import exhibit_certificate, read_certificate
from zerotrust.verifiers.token import text_of, texts
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.pem import read_pem

C = TypeVar("C", bound=CertificateEvidence)

_NOTHING: Final = Absent(NOT_PRESENTED(detail="no client certificate"))
_PIN: Final = re.compile("[0-9a-f]{64}")
_PEM: Final = "-----BEGIN "


class CertificateVerifier(Verifier[C], Generic[C]):
    """Validates the path of a client's certificate, and whether it was revoked; subclasses say whom to believe.

    A subclass gives `_anchors` and `_evidence`, and `_asserted` where it takes the word of a hop.
    """

    _revocation: CertificateRevocation
    _paths: PathCache
    _rules: ChainRules = CLIENT

    cost: ClassVar[int] = 10

    # --- What a kind of certificate says of itself -------------------------------------------------------------------

    @abstractmethod
    def _anchors(self, leaf: Certificate, now: float) -> Anchors | Reason | Gather[Anchors | Reason]:
        """What is trusted to have issued `leaf`: at once, or, where that has to be asked for, as a generator."""

    @abstractmethod
    def _evidence(self, path: Path, hop: str | None, now: float) -> C | Reason:
        """What the leaf of `path`, which came through `hop`, proves, or which rule for its kind it breaks.

        It says the same of one path whenever it is asked, but for `verified_at`: what it says is remembered with it.
        """

    def _asserted(self, peer: Peer, now: float) -> C | Reason:
        """What the word of a hop is worth that passed on a name and no certificate: nothing."""
        return UNTRUSTED_HOP(expected="a certificate", presented=peer.hop, detail="a name alone")

    # --- Checking ----------------------------------------------------------------------------------------------------

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """What its way to tell revoked certificates asks."""
        return self._revocation.needs

    @property
    def needs_peer(self) -> bool:
        """True: without a connection's peer there is no certificate."""
        return True

    def find(self, request: AccessRequest) -> Finding[C] | Gather[Finding[C]]:
        """The certificate of the connection's client, checked."""
        peer = request.peer
        if peer is None:
            return _NOTHING
        if isinstance(peer, Reason):
            return Rejected(peer)
        if not peer.chain:
            proven = self._asserted(peer, request.now) if peer.names else None
            return _NOTHING if proven is None else _finding(proven)
        now, kept = request.now, self._paths.kept(peer.chain)
        if kept is not None:
            known = kept.findings.get(peer.hop)
            if (
                known is not None
                and kept.path.begins <= now < kept.path.ends
                and self._anchors(kept.read[0], now) is kept.anchors
                and self._revocation.is_clear(kept.path, now)
            ):
                return cast("Verified[C]", known)
        return self._finding(peer, now)

    def _finding(self, peer: Peer, now: float) -> Gather[Finding[C]]:
        read = self._paths.read(peer.chain)
        if isinstance(read, Reason):
            return Rejected(read)
        trusted = self._anchors(read[0], now)
        anchors = trusted if isinstance(trusted, Anchors | Reason) else (yield from trusted)
        if isinstance(anchors, Reason):
            return _finding(anchors)
        path = self._paths.find(peer.chain, anchors, now)
        if path is None:
            built = build_path(read[0], read[1:], anchors, now, self._rules)
            if isinstance(built, Reason):
                return Rejected(built)
            path = built
            self._paths.keep(peer.chain, read, anchors, path)
        kept = self._paths.kept(peer.chain)
        refused = yield from self._revocation.check(path, peer, now)
        if refused is not None:
            return _finding(refused)
        found = _finding(self._evidence(path, peer.hop, now))
        if kept is not None and kept.path is path and isinstance(found, Verified):
            kept.remember(peer.hop, found)
        return found

    # --- Leaves ------------------------------------------------------------------------------------------------------

    def _leaf(self, question: ask_for.CertificateQuestion) -> Leaf[C]:
        return Leaf(self, cast("Question[C]", question))

    @property
    def valid(self) -> Leaf[C]:
        """YES if the client's certificate is good here."""
        return self._leaf(ask_for.Valid())

    @property
    def direct(self) -> Leaf[C]:
        """YES if this server saw the certificate in its own handshake; NO if a hop says what it saw in its."""
        return self._leaf(ask_for.Direct())

    def fingerprint(self, *sha256: str) -> Leaf[C]:
        """YES if it is one of these very certificates: SHA-256 of the DER, hexadecimal, colons allowed."""
        return self._leaf(ask_for.Fingerprint(_pins("fingerprint", sha256)))

    def spki(self, *sha256: str) -> Leaf[C]:
        """YES if its key is one of these: SHA-256 of the SubjectPublicKeyInfo, hexadecimal. Survives renewals."""
        return self._leaf(ask_for.PublicKey(_pins("spki", sha256)))

    def issued_by(self, *issuers: str | Certificate) -> Leaf[C]:
        """YES if one of these certificates stands above it in its path, the trust anchor included.

        Args:
            issuers: each the SHA-256 fingerprint of a certificate as for `fingerprint`, or the certificate itself, as
                PEM or read.
        """
        return self._leaf(ask_for.IssuedBy(_issuers(issuers)))

    def dns(self, *names: str) -> Leaf[C]:
        """YES if one of these is among its DNS names, octet by octet: a wildcard stands for itself alone."""
        return self._leaf(ask_for.Named("dns", texts("dns", names)))

    def uri(self, *names: str) -> Leaf[C]:
        """YES if one of these is among its URIs, octet by octet."""
        return self._leaf(ask_for.Named("uris", texts("uri", names)))

    def email(self, *names: str) -> Leaf[C]:
        """YES if one of these is among its mailboxes, octet by octet."""
        return self._leaf(ask_for.Named("emails", texts("email", names)))

    def not_expiring_within(self, span: timedelta) -> Leaf[C]:
        """YES if every certificate in its path is still valid `span` from now."""
        return self._leaf(ask_for.NotExpiringWithin(span_in_seconds(span, "span", least=1)))

    def that(self, predicate: Callable[[C], bool], text: str) -> Leaf[C]:
        """YES or NO as `predicate` says, shown as `text`. What it raises, or anything but a bool, is UNKNOWN."""
        if not callable(predicate):
            raise ConfigError(f"that() takes a function of the evidence, not {predicate!r}")
        if iscoroutinefunction(predicate):
            raise ConfigError("that() takes a plain function: what has to wait is a verifier of its own")
        return self._leaf(ask_for.That(predicate, text_of("that", text)))

    # --- Reasoning ---------------------------------------------------------------------------------------------------

    def read(self, evidence: C, attribute: Attribute) -> object:
        """What the evidence says of `attribute`; names of a kind as a list."""
        return read_certificate(evidence, attribute.name)

    def exhibit(self, values: Mapping[str, object], now: float) -> C:
        """Evidence that says `values`, alternative names and a SPIFFE id among them."""
        return exhibit_certificate(self.blank(now), values, self.name)

    # --- Remedies ----------------------------------------------------------------------------------------------------

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """Patience where something is down; else nothing that a caller could do about its connection."""
        return Action.RETRY if isinstance(finding, Unavailable) else None


def beside_links(of: Verifier[Any] | None, beside: Verifier[Any] | None) -> tuple[Verifier[Any], ...]:
    """What a verifier of certificates is linked to by `beside`; else `ConfigError`.

    Args:
        of: the verifier it is already `of`, if any: that ties the two, and needs no `beside`.
        beside: a verifier whose evidence may stand in one policy with the certificate's, though nothing ties the two
            but the connection that both came by: the token of a user on somebody's device, say. None for none.
    """
    if beside is None:
        return ()
    if not isinstance(beside, Verifier):  # callers are not all typed
        raise ConfigError(f"beside takes a verifier, such as a Bearer, not {beside!r}")
    if of is not None:
        raise ConfigError("of= ties the certificate to the token already; leave beside= out")
    return (beside,)


def _finding(proven: C | Reason) -> Finding[C]:
    if not isinstance(proven, Reason):
        return Verified(proven)
    return Unavailable(proven) if proven.kind is REVOCATION_UNKNOWN else Rejected(proven)


def _pins(what: str, given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_pin(what, one) for one in texts(what, given))


def _pin(what: str, said: str) -> str:
    pin = said.replace(":", "").lower()
    if not _PIN.fullmatch(pin):
        raise ConfigError(f"{what}({said!r}): write the SHA-256 as 64 hexadecimal digits")
    return pin


def _issuers(given: tuple[object, ...]) -> tuple[str, ...]:
    if not given:
        raise ConfigError("issued_by() takes one or more certificates, as PEM or by their SHA-256 fingerprint")
    return tuple(_issuer(one) for one in given)


def _issuer(given: object) -> str:
    if isinstance(given, Certificate):
        return given.fingerprint
    if not isinstance(given, str):
        raise ConfigError(f"issued_by({given!r}): write the certificate as PEM text, or its SHA-256 fingerprint")
    if _PEM not in given:
        return _pin("issued_by", given)
    read = read_pem(given.encode("utf-8", "replace"))
    if isinstance(read, Reason):
        raise ConfigError(f"issued_by() cannot read the PEM: {read}")
    if len(read) != 1:
        raise ConfigError(f"issued_by() takes one certificate for each text; this PEM holds {len(read)}")
    return read[0].fingerprint
