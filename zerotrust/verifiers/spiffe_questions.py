"""What a policy can ask about a SPIFFE id, whichever kind of SVID proved it. Each question is data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Both, Fact, OneOf, Segments, Stated, either
from zerotrust.core.reason import NOT_PRESENTED, Reason
from zerotrust.core.verifier import Question
from zerotrust.pki.trust_bundles import TrustBundles
from zerotrust.verifiers.certificate_facts import PATH, TRUST_DOMAIN
from zerotrust.verifiers.certificate_questions import quoted
from zerotrust.verifiers.svid_evidence import PeerEvidence, id_in
from zerotrust.wire.spiffe import SpiffeId, TrustDomain, check_path, parse_spiffe_id

G = TypeVar("G")


class SpiffeQuestion(Question[Evidence]):
    """A question to a SPIFFE id; `missing` is why it stays open where there is none."""

    __slots__ = ()
    missing: ClassVar[Reason] = NOT_PRESENTED(detail="no SPIFFE id")

    def saw(self, evidence: Evidence, now: float) -> str:
        asserted = getattr(evidence, "asserted_by", None)
        return f"{id_in(evidence) or 'no SPIFFE id'}{'' if asserted is None else f', says {asserted}'}"


@dataclass(frozen=True, slots=True)
class Spiffe(SpiffeQuestion):
    """Is it one of these workloads?"""

    wanted: tuple[str, ...]
    expression: ClassVar[str] = "q.missing if e.spiffe_id is None else e.spiffe_id.text in q.wanted"

    def assume(self, evidence: Evidence, wanted: bool, now: float) -> Evidence:
        return _called(evidence, self.wanted[0] if wanted else _other(self.wanted, f"{_domain(evidence)}/"))

    def arguments(self) -> Mapping[str, object]:
        return {"ids": self.wanted}

    def facts(self) -> Fact:
        ids = (SpiffeId(one) for one in self.wanted)
        return Stated(
            TRUST_DOMAIN,
            either(Both((OneOf(TRUST_DOMAIN, (one.trust_domain.name,)), _shaped(one.path))) for one in ids),
        )

    def __str__(self) -> str:
        return f"spiffe({quoted(self.wanted)})"


@dataclass(frozen=True, slots=True)
class InTrustDomain(SpiffeQuestion):
    """Is it in one of these trust domains?"""

    wanted: tuple[str, ...]
    expression: ClassVar[str] = "q.missing if e.spiffe_id is None else e.spiffe_id.trust_domain.name in q.wanted"

    def assume(self, evidence: Evidence, wanted: bool, now: float) -> Evidence:
        spiffe_id = id_in(evidence)
        path = "/workload" if spiffe_id is None else spiffe_id.path
        return _called(evidence, f"spiffe://{self.wanted[0] if wanted else _other(self.wanted, '')}{path}")

    def arguments(self) -> Mapping[str, object]:
        return {"names": self.wanted}

    def facts(self) -> Fact:
        return OneOf(TRUST_DOMAIN, self.wanted)

    def __str__(self) -> str:
        return f"trust_domain({quoted(self.wanted)})"


@dataclass(frozen=True, slots=True)
class UnderPath(SpiffeQuestion):
    """Is its path one of these, or does it go on from there, segment by segment?"""

    prefixes: tuple[str, ...]
    expression: ClassVar[str] = "q.missing if e.spiffe_id is None else q.above(e.spiffe_id)"

    def above(self, spiffe_id: SpiffeId) -> bool:
        return any(spiffe_id.is_under(prefix) for prefix in self.prefixes)

    def assume(self, evidence: Evidence, wanted: bool, now: float) -> Evidence:
        firsts = tuple("/" + prefix.split("/")[1] for prefix in self.prefixes)
        return _called(evidence, _domain(evidence) + (self.prefixes[0] if wanted else _other(firsts, "/")))

    def facts(self) -> Fact:
        return Stated(TRUST_DOMAIN, either(_shaped(prefix, below=True) for prefix in self.prefixes))

    def __str__(self) -> str:
        return f"path({quoted(self.prefixes)})"


def _shaped(path: str, *, below: bool = False) -> Fact:
    """Whether the path is this one, or goes on from there."""
    return Segments(PATH, tuple(path.split("/")[1:]), below)


# --- Questions from what a user wrote ---------------------------------------------------------------------------------


def spiffe(bundles: TrustBundles, ids: tuple[str | SpiffeId, ...]) -> Spiffe:
    """Whether it is one of `ids`; `ConfigError` if one of them cannot be a workload's here."""
    wanted: list[str] = []
    for one in _some("spiffe", ids):
        spiffe_id = one if isinstance(one, SpiffeId) else SpiffeId(one)
        said = f'spiffe("{spiffe_id}")'
        if not spiffe_id.path:
            raise ConfigError(
                f"{said} is a trust domain, and no workload has its id; for all of it, write "
                f'trust_domain("{spiffe_id.trust_domain}")'
            )
        _believed(bundles, spiffe_id.trust_domain, said)
        wanted.append(spiffe_id.text)
    return Spiffe(tuple(wanted))


def trust_domain(bundles: TrustBundles, names: tuple[str | TrustDomain, ...]) -> InTrustDomain:
    """Whether it is in one of the trust domains `names`; `ConfigError` if one of them is not trusted here."""
    wanted: list[str] = []
    for one in _some("trust_domain", names):
        domain = one if isinstance(one, TrustDomain) else TrustDomain(one)
        _believed(bundles, domain, f'trust_domain("{domain}")')
        wanted.append(domain.name)
    return InTrustDomain(tuple(wanted))


def path(prefixes: tuple[str, ...]) -> UnderPath:
    """Whether its path is under one of `prefixes`; `ConfigError` if one of them is no path."""
    return UnderPath(tuple(check_path(one) for one in _some("path", prefixes)))


def _some(leaf: str, given: tuple[G, ...]) -> tuple[G, ...]:
    if not given:
        raise ConfigError(f"{leaf}() takes one or more; for any that is good here, ask for .valid")
    return given


def _believed(bundles: TrustBundles, domain: TrustDomain, said: str) -> None:
    if bundles.of(domain) is None:
        raise ConfigError(f"{said} can never hold; there is a bundle for {bundles.names} only")


# --- What is promised -------------------------------------------------------------------------------------------------


def _domain(evidence: Evidence) -> str:
    """The id of the trust domain that the evidence is, or may be supposed to be, from."""
    spiffe_id = id_in(evidence)
    return evidence.source if spiffe_id is None else spiffe_id.trust_domain.id.text


def _other(names: tuple[str, ...], start: str) -> str:
    """A name that begins with `start` and is none of `names`."""
    return next(name for number in range(len(names) + 1) if (name := f"{start}{number}") not in names)


def _called(evidence: Evidence, text: str) -> Evidence:
    spiffe_id = parse_spiffe_id(text)
    if isinstance(spiffe_id, Reason):  # too long, in another trust domain: there is no such workload to suppose
        return evidence
    supposed = cast("PeerEvidence", evidence)  # or of a JWT-SVID, which has the same members
    return replace(supposed, spiffe_id=spiffe_id, subject=text, source=spiffe_id.trust_domain.id.text)
