"""What becomes of a client that presents a certificate: by name of the reason, and which certificate it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.pki.chain import CLIENT, Anchors, ChainRules, build_path
from zerotrust.wire.certificate import Certificate, read_certificate


class HasDer(Protocol):
    """Whatever has a certificate as DER."""

    @property
    def der(self) -> bytes: ...


def outcome(
    chain: Sequence[bytes | HasDer],
    anchor: HasDer | Anchors,
    now: float,
    rules: ChainRules = CLIENT,
) -> tuple[str, object]:
    """The code and the certificate that the refusal names; `accepted` and None for a path."""
    ders = [one if isinstance(one, bytes) else one.der for one in chain]
    read: list[Certificate] = []
    for der in ders:
        one = read_certificate(der)
        if isinstance(one, Reason):
            return one.code, one.presented
        read.append(one)
    anchors = anchor if isinstance(anchor, Anchors) else Anchors.from_der(anchor.der)
    path = build_path(read[0], read[1:], anchors, now, rules)
    return (path.code, path.presented) if isinstance(path, Reason) else ("accepted", None)


def is_no_anchor(one: HasDer) -> bool:
    """Whether it is refused as a trust anchor."""
    try:
        Anchors.from_der(one.der)
    except ConfigError:
        return True
    return False
