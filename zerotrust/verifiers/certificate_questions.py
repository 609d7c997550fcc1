"""What a policy can ask of any verified certificate of a connection's client. Each question is data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from zerotrust.core.facts import Always, Either, Fact, Includes, Negated, OneOf, Present, Younger, either
from zerotrust.core.moments import show_moment, show_span
from zerotrust.core.reason import NOT_PRESENTED, Reason
from zerotrust.core.verifier import Question
from zerotrust.verifiers.certificate_evidence import CertificateEvidence
from zerotrust.verifiers.certificate_facts import ASSERTED_BY, FINGERPRINT, HOP, ISSUERS, NOT_AFTER, SPKI, names, seen
from zerotrust.wire.certificate import AlternativeNames

_NO_CERTIFICATE: Final = NOT_PRESENTED(detail="a hop passed on a name and no certificate")


def quoted(values: tuple[str, ...]) -> str:
    """`values` as they stand between the parentheses of a leaf."""
    return ", ".join(f'"{value}"' for value in values)


class CertificateQuestion(Question[CertificateEvidence]):
    """A question to a certificate; `missing` is why it stays open where there is only the word of a hop."""

    __slots__ = ()
    missing: ClassVar[Reason] = _NO_CERTIFICATE


@dataclass(frozen=True, slots=True)
class Valid(CertificateQuestion):
    """Is there a good certificate at all?"""

    expression: ClassVar[str] = "True"

    def facts(self) -> Fact:
        return Always(True)

    def __str__(self) -> str:
        return "valid"


@dataclass(frozen=True, slots=True)
class Fingerprint(CertificateQuestion):
    """Is it one of these very certificates?"""

    pins: tuple[str, ...]
    expression: ClassVar[str] = "q.missing if e.asserted_by is not None else e.fingerprint in q.pins"

    def saw(self, evidence: CertificateEvidence, now: float) -> str:
        return f"fingerprint {evidence.fingerprint or 'unknown'}"

    def assume(self, evidence: CertificateEvidence, wanted: bool, now: float) -> CertificateEvidence:
        return replace(evidence, fingerprint=self.pins[0] if wanted else "", asserted_by=None)

    def arguments(self) -> Mapping[str, object]:
        return {"sha256": self.pins}

    def facts(self) -> Fact:
        return seen(OneOf(FINGERPRINT, self.pins))

    def __str__(self) -> str:
        return f"fingerprint({quoted(self.pins)})"


@dataclass(frozen=True, slots=True)
class PublicKey(CertificateQuestion):
    """Is its key one of these (SHA-256 of the SubjectPublicKeyInfo)?"""

    pins: tuple[str, ...]
    expression: ClassVar[str] = "q.missing if e.asserted_by is not None else e.spki in q.pins"

    def saw(self, evidence: CertificateEvidence, now: float) -> str:
        return f"public key {evidence.spki or 'unknown'}"

    def assume(self, evidence: CertificateEvidence, wanted: bool, now: float) -> CertificateEvidence:
        return replace(evidence, spki=self.pins[0] if wanted else "", asserted_by=None)

    def arguments(self) -> Mapping[str, object]:
        return {"sha256": self.pins}

    def facts(self) -> Fact:
        return seen(OneOf(SPKI, self.pins))

    def __str__(self) -> str:
        return f"spki({quoted(self.pins)})"


@dataclass(frozen=True, slots=True)
class IssuedBy(CertificateQuestion):
    """Is one of these certificates, by fingerprint, among what issued it?"""

    pins: tuple[str, ...]
    expression: ClassVar[str] = "q.missing if e.asserted_by is not None else not q.none_of(e.issuers)"

    def none_of(self, issuers: tuple[str, ...]) -> bool:
        return not any(pin in issuers for pin in self.pins)

    def saw(self, evidence: CertificateEvidence, now: float) -> str:
        return f"issued by {', '.join(evidence.issuers) or 'unknown'}"

    def assume(self, evidence: CertificateEvidence, wanted: bool, now: float) -> CertificateEvidence:
        others = tuple(one for one in evidence.issuers if one not in self.pins)
        return replace(evidence, issuers=(*others, self.pins[0]) if wanted else others, asserted_by=None)

    def arguments(self) -> Mapping[str, object]:
        return {"issuers": self.pins}

    def facts(self) -> Fact:
        return seen(either(Includes(ISSUERS, pin) for pin in self.pins))

    def __str__(self) -> str:
        return f"issued_by({quoted(self.pins)})"


@dataclass(frozen=True, slots=True)
class Named(CertificateQuestion):
    """Is one of these among its alternative names of a kind, octet by octet?

    The word of a hop proves the names it says, and nothing of others that the certificate may hold besides.
    """

    kind: str  # "dns", "uris" or "emails"
    wanted: tuple[str, ...]
    expression: ClassVar[str] = "q.any_of(e) or (q.missing if e.asserted_by is not None else False)"
    missing: ClassVar[Reason] = NOT_PRESENTED(detail="a hop passed on some names and no certificate")

    def any_of(self, evidence: CertificateEvidence) -> bool:
        held = self._held(evidence)
        return any(name in held for name in self.wanted)

    def _held(self, evidence: CertificateEvidence) -> tuple[str, ...]:
        held: tuple[str, ...] = getattr(evidence.names, self.kind)
        return held

    def saw(self, evidence: CertificateEvidence, now: float) -> str:
        says = "" if evidence.asserted_by is None else f", says {evidence.asserted_by}"
        return f"names {', '.join(self._held(evidence)) or 'none'}{says}"

    def assume(self, evidence: CertificateEvidence, wanted: bool, now: float) -> CertificateEvidence:
        others = tuple(name for name in self._held(evidence) if name not in self.wanted)
        held = (*others, self.wanted[0]) if wanted else others
        return replace(evidence, names=self._with(held, evidence.names), asserted_by=None)

    def _with(self, held: tuple[str, ...], names: AlternativeNames) -> AlternativeNames:
        if self.kind == "dns":
            return replace(names, dns=held)
        return replace(names, uris=held) if self.kind == "uris" else replace(names, emails=held)

    def arguments(self) -> Mapping[str, object]:
        return {"names": self.wanted}

    def facts(self) -> Fact:
        held = names(self.kind)
        return Either((*(Includes(held, name) for name in self.wanted), seen(Always(False))))

    def __str__(self) -> str:
        shown = {"dns": "dns", "uris": "uri", "emails": "email"}[self.kind]
        return f"{shown}({quoted(self.wanted)})"


@dataclass(frozen=True, slots=True)
class NotExpiringWithin(CertificateQuestion):
    """Will every certificate of its path still be valid after this span?"""

    span: float  # seconds
    expression: ClassVar[str] = "q.missing if e.asserted_by is not None else now < e.not_after - q.span"

    def until(self, evidence: CertificateEvidence, now: float) -> float:
        end = evidence.not_after - self.span
        return end if now < end and evidence.asserted_by is None else float("inf")

    def saw(self, evidence: CertificateEvidence, now: float) -> str:
        return f"valid until {show_moment(evidence.not_after, now)}"

    def assume(self, evidence: CertificateEvidence, wanted: bool, now: float) -> CertificateEvidence:
        return replace(evidence, not_after=now + 2 * self.span if wanted else now, asserted_by=None)

    def facts(self) -> Fact:
        return seen(Younger(NOT_AFTER, -self.span))

    def __str__(self) -> str:
        return f"not_expiring_within({show_span(self.span)})"


@dataclass(frozen=True, slots=True)
class Direct(CertificateQuestion):
    """Did this server itself see the certificate, in its own TLS handshake?"""

    expression: ClassVar[str] = "e.hop is None and e.asserted_by is None"

    def saw(self, evidence: CertificateEvidence, now: float) -> str:
        hop = evidence.asserted_by if evidence.hop is None else evidence.hop
        return "its own connection" if hop is None else f"through {hop}"

    def assume(self, evidence: CertificateEvidence, wanted: bool, now: float) -> CertificateEvidence:
        return replace(evidence, hop=None if wanted else "a hop", asserted_by=None)

    def facts(self) -> Fact:
        return Negated(Either((Present(HOP), Present(ASSERTED_BY))))

    def __str__(self) -> str:
        return "direct"


@dataclass(frozen=True, slots=True)
class That(CertificateQuestion):
    """A user's own predicate."""

    predicate: Callable[[Any], bool]
    text: str
    opaque: ClassVar[bool] = True

    def holds(self, evidence: CertificateEvidence, now: float) -> bool:
        return self.predicate(evidence)

    def saw(self, evidence: CertificateEvidence, now: float) -> str:
        return self.text

    def __str__(self) -> str:
        return f"that({self.text})"
