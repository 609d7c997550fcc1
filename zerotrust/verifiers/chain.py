"""The path from a peer's certificate to one that is trusted (RFC 5280 section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from zerotrust.core.reason import UNTRUSTED_CHAIN, Reason
from zerotrust.wire.certificate import Certificate


class Anchors:
    """Certificates that are trusted because they were given, by value (RFC 5280 section 6.1.1 (d)).

    Args:
        certificates: the trust anchors; several authorities, or one before and after its rollover.

    Raises:
        ConfigError: there is none, or one cannot be trusted to issue anything.
    """

    __slots__ = ("certificates", "store")

    def __init__(self, *certificates: Certificate) -> None:
        self.certificates: tuple[Certificate, ...] = certificates
        self.store: Store = Store([one.parsed for one in certificates])


@dataclass(frozen=True, slots=True)
class ChainRules:
    """What a path has to keep to besides RFC 5280.

    Attributes:
        purposes: the key purposes of which the leaf's extended key usage must hold all (section 4.2.1.12).
        most: the most certificates in a path, leaf and anchor included.
    """

    purposes: tuple[x509.ObjectIdentifier, ...] = (x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH,)
    most: int = 6


@dataclass(frozen=True, slots=True)
class Path:
    """A path that was validated.

    Attributes:
        certificates: the leaf first, the trust anchor last.
        begins: the first moment at which all of them are valid, POSIX seconds.
        ends: the moment from which one of them no longer is, POSIX seconds.
    """

    certificates: tuple[Certificate, ...]
    begins: float
    ends: float

    @property
    def leaf(self) -> Certificate:
        """The peer's own certificate."""
        return self.certificates[0]


CLIENT: Final = ChainRules()


def build_path(
    leaf: Certificate, others: Sequence[Certificate], anchors: Anchors, now: float, rules: ChainRules = CLIENT
) -> Path | Reason:
    """The path from `leaf` over some of `others` to one of `anchors`, valid at `now`.

    Args:
        leaf: the peer's certificate.
        others: what it presented besides, in any order, and what was configured; some may be of no use.
        anchors: what is trusted.
        now: the moment, POSIX seconds. Nothing here keeps a time of its own.
        rules: what else the path has to keep to.

    Returns:
        The path; or which certificate failed, in `presented`, and on which clause.
    """
    at = datetime.fromtimestamp(now, UTC)
    ca = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    builder = PolicyBuilder().store(anchors.store).time(at).max_chain_depth(rules.most - 1)
    verifier = builder.extension_policies(ca_policy=ca, ee_policy=ExtensionPolicy.permit_all()).build_client_verifier()
    try:
        chain = verifier.verify(leaf.parsed, [other.parsed for other in others]).chain
    except VerificationError as error:
        return UNTRUSTED_CHAIN(presented=leaf.label, detail=str(error))
    known = {one.parsed: one for one in (leaf, *others, *anchors.certificates)}
    path = tuple(known[one] for one in chain)
    return Path(path, max(one.not_before for one in path), min(one.not_after for one in path) + 1)
