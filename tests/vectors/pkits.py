"""NIST PKITS: the published cases, each a leaf, intermediates and CRLs below one trust anchor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tests.vectors.published import VECTORS, load
from zerotrust.core.reason import REVOCATION_UNKNOWN, Reason
from zerotrust.pki.chain import Anchors, ChainRules, Path, build_path
from zerotrust.wire.certificate import Certificate, read_certificate

__all__ = ["AT", "CASES", "REVOCATION_UNKNOWN", "RULES", "Case", "anchor", "certificate", "read"]

_ROOT = VECTORS / "pkits"
_TABLE = load("pkits/cases.json")

AT = datetime.fromisoformat(_TABLE["at"]).timestamp()

RULES = ChainRules(purposes=(), authority=True)
"""None of the certificates has an extended key usage, and some paths are those of an authority."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case of the table."""

    id: str
    leaf: str
    intermediates: tuple[str, ...]
    crls: tuple[str, ...]
    good: bool

    @property
    def supported(self) -> bool:
        """Whether it is about neither certificate policies nor DSA."""
        return self.id[:3] not in {"408", "409", "410", "411", "412"} and "dsa" not in self.id

    def crl(self, name: str) -> bytes:
        """One of its CRLs."""
        return (_ROOT / "crls" / name).read_bytes()

    def path(self) -> Path | Reason:
        """The path to the trust anchor, without a look at revocation."""
        leaf = certificate(self.leaf)
        others = [certificate(name) for name in self.intermediates]
        for one in (leaf, *others):
            if isinstance(one, Reason):
                return one
        return build_path(
            leaf if isinstance(leaf, Certificate) else anchor(),
            [one for one in others if isinstance(one, Certificate)],
            Anchors(anchor()),
            AT,
            RULES,
        )


def certificate(name: str) -> Certificate | Reason:
    """A published certificate."""
    return read_certificate((_ROOT / "certs" / name).read_bytes())


def read(name: str) -> Certificate | None:
    """A published certificate; None if it cannot be read."""
    one = certificate(name)
    return one if isinstance(one, Certificate) else None


def anchor() -> Certificate:
    """The trust anchor."""
    read = certificate(_TABLE["trust_anchor"])
    assert isinstance(read, Certificate)
    return read


CASES = [
    Case(one["id"], one["leaf"], tuple(one["intermediates"]), tuple(one["crls"]), one["expected"] == "accept")
    for one in _TABLE["cases"]
]
