"""What all verifiers of certificates have in common: from what was presented for a connection to the evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest

from tests.verifiers.devices import (
    ISSUING,
    NOTHING_REVOKED,
    OTHER,
    PREFIX,
    ROOT,
    Known,
    anchors,
    certificate,
    deciding,
    device,
    found,
    issued,
    request,
)
from tests.verifiers.tokens import NOW, bearer, mint
from zerotrust.core.ask import Ask, Fetch, Gather
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.finding import Absent, Rejected, Unavailable, Verified
from zerotrust.core.peer import Peer
from zerotrust.core.reason import (
    CERTIFICATE_REVOKED,
    LINK_MISSING,
    NOT_PRESENTED,
    REVOCATION_UNKNOWN,
    STRAY_HEADER,
    Reason,
)
from zerotrust.core.remedy import Action
from zerotrust.pki.chain import Anchors, Path, build_path
from zerotrust.pki.path_cache import MOST_PRESENTED, PathCache
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.pki.revocation_strictness import NoRevocation
from zerotrust.verifiers import certificates
from zerotrust.verifiers.certificate_evidence import CertificateEvidence
from zerotrust.verifiers.certificates import CertificateVerifier, beside_links
from zerotrust.verifiers.device_certificate import DeviceCertificate
from zerotrust.wire.certificate import Certificate

PC = issued()


class Simple(CertificateVerifier[CertificateEvidence]):
    """The least that a kind of certificates has to say of itself."""

    name = "simple"
    asks = False

    def __init__(self, trusted: Anchors | Reason, remember: int = 8, revocation: CertificateRevocation | None = None):
        self.trusted = trusted
        self._paths = PathCache(remember)
        self._revocation = NOTHING_REVOKED if revocation is None else revocation

    def _anchors(self, leaf: Certificate, now: float) -> Anchors | Reason | Gather[Anchors | Reason]:
        return self._asked() if self.asks else self.trusted

    def _asked(self) -> Gather[Anchors | Reason]:
        return self.trusted
        yield

    def _evidence(self, path: Path, hop: str | None, now: float) -> CertificateEvidence | Reason:
        return CertificateEvidence("ca", path.leaf.subject, now, path.ends, hop=hop, not_after=path.ends)

    def blank(self, now: float) -> CertificateEvidence:
        return CertificateEvidence("ca", "", now, math.inf)


def test_a_good_certificate() -> None:
    finding = found(Simple(anchors()), request(PC))
    assert isinstance(finding, Verified)
    assert finding.evidence.subject == "CN=client"


# --- What is presented -----------------------------------------------------------------------------------------------
def test_nothing_is_presented() -> None:
    for peer in (None, Peer(), Peer(hop="front"), Peer(stapled=b"x")):
        finding = found(Simple(anchors()), request(peer))
        assert isinstance(finding, Absent)
        assert finding.reason == NOT_PRESENTED(detail="no client certificate")


def test_what_must_not_be_believed_is_refused_with_its_reason() -> None:
    reason = STRAY_HEADER(presented="x-forwarded-client-cert")
    assert found(Simple(anchors()), request(reason)) == Rejected(reason)


def test_a_name_alone_is_worth_nothing() -> None:
    finding = found(Simple(anchors()), request(Peer(hop="front", names=("spiffe://prod/ledger",))))
    assert isinstance(finding, Rejected)
    assert finding.reason.code == "untrusted_hop"
    assert "expected a certificate, presented front" in str(finding.reason)


def test_names_beside_a_certificate_change_nothing() -> None:
    told = found(Simple(anchors()), request(Peer(PC.ders, "front", ("spiffe://prod/ledger",))))
    assert isinstance(told, Verified)
    assert told.evidence.asserted_by is None
    assert told.evidence.hop == "front"
    bad = found(Simple(anchors()), request(Peer(issued(by=OTHER).ders, "front", ("spiffe://prod/ledger",))))
    assert isinstance(bad, Rejected)


def test_too_many_certificates_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[bytes] = []
    monkeypatch.setattr("zerotrust.pki.path_cache.read_certificate", reads.append)
    finding = found(Simple(anchors()), request(Peer((PC.der,) * (MOST_PRESENTED + 1))))
    assert isinstance(finding, Rejected)
    assert finding.reason.code == "too_large"
    assert (finding.reason.presented, reads) == (MOST_PRESENTED + 1, [])


def test_as_many_as_may_be() -> None:
    extra = (ROOT.der,) * (MOST_PRESENTED - len(PC.ders))
    assert found(Simple(anchors()), request(Peer(PC.ders + extra)))


@pytest.mark.parametrize("place", [0, 1])
def test_one_that_cannot_be_read_refuses_the_chain(place: int) -> None:
    chain = list(PC.ders)
    chain[place] = b"\x30\x03\x02\x01\x01"
    finding = found(Simple(anchors()), request(Peer(tuple(chain))))
    assert isinstance(finding, Rejected)
    assert finding.reason.code == "malformed"


# --- Whom is believed ------------------------------------------------------------------------------------------------
def test_no_anchors_for_it() -> None:
    reason = NOT_PRESENTED(detail="of no trust domain here")
    assert found(Simple(reason), request(PC)) == Rejected(reason)
    down = REVOCATION_UNKNOWN(detail="no bundle")
    assert found(Simple(down), request(PC)) == Unavailable(down)


def test_anchors_that_are_asked_for() -> None:
    verifier = Simple(anchors(), revocation=NoRevocation(because="told at once"))
    verifier.asks = True
    for _ in range(2):
        assert found(verifier, request(PC))
    verifier.trusted = anchors(OTHER)
    assert isinstance(found(verifier, request(PC)), Rejected)


both_ways = pytest.mark.parametrize(
    "revocation", [NOTHING_REVOKED, NoRevocation(because="told at once")], ids=["asked", "told at once"]
)


@both_ways
def test_anchors_that_are_replaced_count_at_once(revocation: CertificateRevocation) -> None:
    verifier = Simple(anchors(), revocation=revocation)
    assert found(verifier, request(PC))
    verifier.trusted = anchors(OTHER)
    assert isinstance(found(verifier, request(PC)), Rejected)
    verifier.trusted = anchors(OTHER, ROOT)
    assert found(verifier, request(PC))


# --- What is remembered ----------------------------------------------------------------------------------------------
@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    build = build_path

    def counting(leaf: Certificate, *rest: Any) -> Path | Reason:
        seen.append(leaf.subject)
        return build(leaf, *rest)

    monkeypatch.setattr(certificates, "build_path", counting)
    return seen


def test_a_path_is_built_once(built: list[str]) -> None:
    verifier = Simple(anchors())
    for later in range(3):
        finding = found(verifier, request(PC, now=NOW + later))
        assert isinstance(finding, Verified)
        assert finding.evidence.verified_at == NOW + later
    assert built == ["CN=client"]


def test_nothing_is_remembered_where_nothing_is_to_be(built: list[str]) -> None:
    verifier = Simple(anchors(), remember=0)
    for _ in range(3):
        assert found(verifier, request(PC))
    assert len(built) == 3


@both_ways
def test_a_remembered_path_keeps_to_time(revocation: CertificateRevocation) -> None:
    verifier = Simple(anchors(), revocation=revocation)
    ends = certificate(PC.der).not_after + 1
    assert found(verifier, request(PC))
    assert found(verifier, request(PC, now=math.nextafter(ends, 0)))
    late = found(verifier, request(PC, now=ends))
    early = found(verifier, request(PC, now=certificate(PC.der).not_before - 1))
    assert isinstance(late, Rejected)
    assert isinstance(early, Rejected)
    assert late.reason.code == "certificate_expired"
    assert early.reason.code == "certificate_not_yet_valid"
    assert found(verifier, request(PC))


def test_what_is_told_at_once_is_remembered_by_hop() -> None:
    verifier = Simple(anchors(), revocation=NoRevocation(because="told at once"))
    for hop in (None, "edge", None, *(f"hop {number}" for number in range(20)), "edge"):
        for _ in range(2):
            finding = found(verifier, request(Peer(PC.ders, hop)))
            assert isinstance(finding, Verified)
            assert finding.evidence.hop == hop
    first = verifier.find(request(PC))
    assert first is verifier.find(request(PC)), "nothing is asked, nothing is made"
    assert sum(len(kept.findings) for kept in verifier._paths._kept.values()) == 8


def test_what_can_no_longer_be_told_at_once_is_asked_for() -> None:
    class Turning(Known):
        clear = True

        def is_clear(self, path: Path, now: float) -> bool:
            return self.clear

    turning = Turning()
    verifier = Simple(anchors(), revocation=turning)
    assert found(verifier, request(PC))
    assert found(verifier, request(PC))
    Turning.clear = False
    object.__setattr__(turning, "answer", CERTIFICATE_REVOKED())
    assert found(verifier, request(PC)) == Rejected(CERTIFICATE_REVOKED())


def test_only_what_is_good_is_remembered(built: list[str]) -> None:
    verifier = Simple(anchors(OTHER))
    for _ in range(2):
        assert not found(verifier, request(PC))
    assert len(built) == 2


def test_the_same_certificate_with_another_chain_is_another_matter() -> None:
    verifier = Simple(anchors())
    assert found(verifier, request(PC))
    assert isinstance(found(verifier, request(Peer((PC.der,)))), Rejected)


def test_strangers_do_not_fill_the_memory() -> None:
    verifier = Simple(anchors(), remember=2)
    for number in range(5):
        assert found(verifier, request(issued(f"pc-{number}")))
    assert repr(verifier._paths) == "<PathCache of 2 paths>"


# --- Revocation ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "outcome"), [(CERTIFICATE_REVOKED, Rejected), (REVOCATION_UNKNOWN, Unavailable)])
def test_revocation_is_asked_for_each_time(kind: Any, outcome: type[Rejected | Unavailable]) -> None:
    verifier = Simple(anchors())
    assert found(verifier, request(PC))  # its path is remembered now
    verifier._revocation = Known(kind(presented="it"))
    finding = found(verifier, request(PC))
    assert isinstance(finding, outcome)
    assert finding.reason == kind(presented="it")


def test_what_cannot_be_told_lets_nobody_in() -> None:
    decision = deciding(device(revocation=Known(REVOCATION_UNKNOWN())).managed, PC)
    assert not decision
    assert decision.reason.code == "revocation_unknown"


def test_nobody_asks_about_a_path_that_is_not_good() -> None:
    class Never(CertificateRevocation):
        def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
            raise AssertionError("asked")
            yield

    assert isinstance(found(Simple(anchors(), revocation=Never()), request(issued(by=OTHER))), Rejected)


def test_it_is_asked_about_all_but_the_anchor_with_what_was_stapled() -> None:
    asked: list[tuple[int, bytes]] = []

    class Noting(CertificateRevocation):
        def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
            asked.append((place, peer.stapled))
            return None
            yield

    assert found(Simple(anchors(), revocation=Noting()), request(PC.peer(stapled=b"ocsp")))
    assert asked == [(0, b"ocsp"), (1, b"ocsp")]


def test_it_needs_what_its_revocation_asks_and_a_peer() -> None:
    @dataclass(frozen=True, slots=True)
    class Asking(Known):
        @property
        def needs(self) -> tuple[type[Ask[Any]], ...]:
            return (Fetch,)

    assert Simple(anchors(), revocation=Asking()).needs == (Fetch,)
    assert Simple(anchors()).needs == ()
    assert Simple(anchors()).needs_peer is True
    assert bearer().needs_peer is False


# --- Beside a token --------------------------------------------------------------------------------------------------
def test_a_certificate_and_a_token_are_two_people_unless_somebody_says_so() -> None:
    token = bearer()
    with pytest.raises(PolicyError, match="which nothing links"):
        device().managed & token.valid
    beside = device(beside=token)
    assert beside.links == (token,)
    policy = beside.managed & token.valid
    assert deciding(policy, PC, token=mint())
    assert not deciding(policy, PC)
    assert not deciding(policy, None, token=mint())


def test_beside_is_a_verifier_and_not_besides_of() -> None:
    token = bearer()
    assert beside_links(None, None) == ()
    with pytest.raises(ConfigError, match="beside takes a verifier"):
        beside_links(None, token.valid)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="leave beside= out"):
        beside_links(token, token)


# --- Remedies --------------------------------------------------------------------------------------------------------
def test_nothing_can_be_done_about_a_connection_but_patience() -> None:
    simple = Simple(anchors())
    assert simple.action(Unavailable(REVOCATION_UNKNOWN())) is Action.RETRY
    for finding in (Absent(NOT_PRESENTED()), Absent(LINK_MISSING()), Rejected(CERTIFICATE_REVOKED())):
        assert simple.action(finding) is None


def test_the_prefix_and_authorities_of_these_tests() -> None:
    assert certificate(PC.der).names.uris == (f"{PREFIX}pc-1",)
    assert certificate(OTHER.der).subject == certificate(ROOT.der).subject
    assert PC.chain == (ISSUING.certificate,)
    assert isinstance(device(), DeviceCertificate)
