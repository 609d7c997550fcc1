"""What the tests of revocation share: an authority with one below it, a leaf, its path, and one word for an outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar, Literal, TypeVar

from cryptography import x509

from zerotrust.core.ask import Ask, Document, Fetch, SourceFailed
from zerotrust.core.peer import Peer
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, Reason
from zerotrust.driver import NO_SOURCES, Sources, run
from zerotrust.pki.chain import Anchors, ChainRules, Path, build_path
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.testing.revoking import crl
from zerotrust.wire.certificate import Certificate, read_certificate

NOW = 1_800_000_000.0
DAY = 86400.0

ROOT = LocalAuthority("Root", now=NOW)
ISSUING = ROOT.intermediate("Issuing")
STRANGER = LocalAuthority("Root", now=NOW)  # of the same name, but another
LEAF = ISSUING.issue("client")
DIRECT = ROOT.issue("direct")  # issued by the root itself
OTHER = ISSUING.issue("another client")

ROOT_CRL = crl(ROOT)
GOOD = "good"

T = TypeVar("T")


def certificate(der: bytes) -> Certificate:
    read = read_certificate(der)
    assert isinstance(read, Certificate)
    return read


def path_of(issued: Issued = LEAF, root: LocalAuthority = ROOT, now: float = NOW) -> Path:
    leaf, *others = map(certificate, issued.ders)
    path = build_path(leaf, others, Anchors(certificate(root.der)), now, ChainRules(purposes=()))
    assert isinstance(path, Path), path
    return path


def against(
    way: CertificateRevocation,
    issued: Issued = LEAF,
    *,
    now: float = NOW,
    also: tuple[bytes, ...] = (),
    stapled: bytes = b"",
    sources: Sources = NO_SOURCES,
    root: LocalAuthority = ROOT,
    path: Path | None = None,
) -> Reason | None:
    peer = Peer((*issued.ders, *also), stapled=stapled)
    return run(way.check(path_of(issued, root) if path is None else path, peer, now), sources)


def verdict(way: CertificateRevocation, issued: Issued = LEAF, **options: Any) -> str:
    """`good`, or the code of the reason why not."""
    reason = against(way, issued, **options)
    return GOOD if reason is None else reason.code


def why(way: CertificateRevocation, issued: Issued = LEAF, **options: Any) -> str:
    """The detail of the reason why not."""
    reason = against(way, issued, **options)
    assert reason is not None
    return reason.detail


def scoped(**about: Any) -> tuple[x509.IssuingDistributionPoint, bool]:
    """An issuing distribution point as an extension: what it is not about is left out."""
    usual: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**usual | about), True


class Served:
    """A source of documents by URL; what is a reason is a failure. It counts what is asked."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Fetch,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, documents: Mapping[str, bytes | Reason] | None = None) -> None:
        self.documents: dict[str, bytes | Reason] = dict(documents or {})
        self.asked: list[Fetch] = []
        self._kept: dict[str, Document] = {}

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        assert isinstance(ask, Fetch)
        self.asked.append(ask)
        body = self.documents.get(ask.url, SOURCE_DOWN(detail="nobody there"))
        if isinstance(body, Reason):
            raise SourceFailed(body)
        useless = None if ask.unusable is None else ask.unusable(body)
        if useless is not None:
            raise SourceFailed(SOURCE_REFUSED(presented=str(useless)))
        if len(body) > ask.limit:
            raise SourceFailed(SOURCE_REFUSED(expected=f"at most {ask.limit} bytes", presented=len(body)))
        kept = self._kept.get(ask.url)
        if kept is None or kept.body != body:
            kept = self._kept[ask.url] = Document(ask.url, body, ask.now)
        return kept  # type: ignore[return-value]
