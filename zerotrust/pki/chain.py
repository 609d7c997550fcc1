"""The path from a peer's certificate to one that is trusted (RFC 5280 section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor
from typing import Final

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, VerificationError

from zerotrust.core.reason import (
    CA_AS_PEER,
    CHAIN_SIGNATURE,
    NAME_CONSTRAINTS,
    UNTRUSTED_CHAIN,
    Reason,
    most_specific,
)
from zerotrust.pki.anchors import Anchors, anchor_fault
from zerotrust.pki.clauses import Fault, fault_of, form_of, invites_work, untimely, weakness_of
from zerotrust.pki.name_constraints import Comparisons, constrained, name_fault
from zerotrust.pki.profile import peer_fault
from zerotrust.pki.search import DeadEnd, Excluded, Issuers, likeliest_path, only_path
from zerotrust.pki.strength import is_signed_by
from zerotrust.pki.vouched import is_vouched_for, vouch_for, vouched_policy
from zerotrust.wire.certificate import Certificate

__all__ = ["CLIENT", "Anchors", "ChainRules", "Path", "anchor_fault", "build_path"]

MOST_SIGNATURES: Final = 16
"""Signatures that are verified for one path, at most: as many as a path of six needs when one step of it is wrong."""

_MOST_PATHS: Final = 12


@dataclass(frozen=True, slots=True)
class ChainRules:
    """What a path has to keep to besides RFC 5280.

    Attributes:
        purposes: the key purposes of which the leaf's extended key usage must hold all (section 4.2.1.12).
        most: the most certificates in a path, leaf and anchor included.
        authority: whether the leaf may be an authority's: for what is no peer, and is only asked for its path.
        because: who demands these purposes, and what to do for a leaf without them; told with the refusal.
        any_policy: whether the leaf may mark its certificate policies critical (section 4.2.1.4): where no policy is
            asked for, whatever it says is fine, and what demands that policies are processed is refused as ever.
    """

    purposes: tuple[x509.ObjectIdentifier, ...] = (x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH,)
    most: int = 6
    authority: bool = False
    because: str = ""
    any_policy: bool = False


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

    Nothing is fetched: what an authority information access names (section 4.2.2.1) is never asked. However many
    certificates there are, and however they certify each other, at most 16 signatures are verified, unless authorities
    that share a name have signed each other: `cryptography` may look for their order then.

    Args:
        leaf: the peer's certificate.
        others: what it presented besides, in any order; some may be of no use.
        anchors: what is trusted, and the intermediates that were configured.
        now: the moment, POSIX seconds. Nothing here keeps a time of its own.
        rules: what else the path has to keep to.

    Returns:
        The path; or which certificate failed, in `presented`, and on which clause. Of several paths that fail it is
        the reason of the one that came furthest.
    """
    if leaf in anchors:
        return CA_AS_PEER(presented=leaf.label, detail="it is a trust anchor itself")
    fault = peer_fault(
        leaf, rules.purposes, authority=rules.authority, because=rules.because, any_policy=rules.any_policy
    )
    if fault is not None:
        return fault
    return _Search(anchors, now, rules).path(leaf, others)


class _Search:
    """One search for a path: what was found out on the way, and what may still be spent on it."""

    __slots__ = ("_anchors", "_comparisons", "_excluded", "_faults", "_left", "_now", "_rules", "_signed")

    def __init__(self, anchors: Anchors, now: float, rules: ChainRules) -> None:
        self._anchors = anchors
        self._now = now
        self._rules = rules
        self._left = MOST_SIGNATURES
        self._signed: dict[tuple[Certificate, Certificate], bool] = {}
        self._faults: list[Reason] = []
        self._excluded = Excluded()
        self._comparisons = Comparisons()

    def path(self, leaf: Certificate, others: Sequence[Certificate]) -> Path | Reason:
        """The path, or the most specific of all that speak against one."""
        only = only_path(leaf, others, self._anchors, self._rules.most)
        if only is not None:
            good = self._examined(only)
            if good is not None:
                return good
        dead_end: DeadEnd | None = None
        tried = 0
        # Names that are equal octet by octet do nearly always; comparing them by what they say costs more.
        for alike in (False, True):
            issuers = Issuers(self._anchors, others, alike=alike)
            while tried < _MOST_PATHS:
                way = likeliest_path(leaf, issuers, self._anchors, self._now, self._rules.most, self._excluded)
                if isinstance(way, DeadEnd):
                    dead_end = way
                    break
                tried += 1
                good = self._examined(way)
                if good is not None:
                    return good
                if leaf in self._excluded.issuers or not self._left:
                    break
            if leaf in self._excluded.issuers or not self._left:
                break
        refused = most_specific(self._faults)
        return _untrusted(dead_end, leaf, self._rules.most) if refused is None else refused

    def _examined(self, way: tuple[Certificate, ...]) -> Path | None:
        """The path if `way` is one; else its first fault is noted, and what has it is excluded."""
        fault = weakness_of(way, self._rules.purposes)
        if fault is not None:
            self._note(fault, way)
            return None
        fault = fault_of(way, self._rules.purposes)
        if fault is None and invites_work(way):
            # Whoever makes certificates up could have any number of names compared.
            fault = self._forged(way) or self._named(way)
        if fault is None:
            fault = untimely(way, self._now)
        said = ""
        if fault is None and not self._faults:
            # Nothing speaks against it, and nothing has gone wrong yet: straight to the authority.
            verified = self._verified(way)
            if not isinstance(verified, str):
                return verified
            said = verified
        # From here on something is wrong. A date or a constraint is worth naming only if the path is genuine.
        forged = self._forged(way)
        if forged is not None:
            self._note(forged, way)
            return None
        if fault is not None:
            self._note(fault, way)
            return None
        if not said:
            verified = self._verified(way)
            if not isinstance(verified, str):
                return verified
            said = verified
        if form_of(way) and not constrained(way):
            return _path(way)
        kind = NAME_CONSTRAINTS if constrained(way) else UNTRUSTED_CHAIN
        self._note(Fault(kind(presented=way[0].label, detail=said), 0), way)
        return None

    def _named(self, way: tuple[Certificate, ...]) -> Fault | None:
        outside = name_fault(way, self._comparisons)
        return None if outside is None else Fault(outside[0], outside[1], step=True)

    def _note(self, fault: Fault, way: tuple[Certificate, ...]) -> None:
        self._faults.append(fault.reason)
        if fault.step:
            self._excluded.steps.add((way[fault.place - 1], way[fault.place]))
        else:
            self._excluded.issuers.add(way[fault.place])

    def _forged(self, way: tuple[Certificate, ...]) -> Fault | None:
        """The first certificate, from the anchor down, that the one above it has not signed."""
        for place in range(len(way) - 1, 0, -1):
            step = way[place - 1], way[place]
            if step not in self._signed:
                known = is_vouched_for(step)
                if not known and not self._left:
                    return _spent(way, place)
                self._left -= not known
                self._signed[step] = known or is_signed_by(*step)
            if not self._signed[step]:
                reason = CHAIN_SIGNATURE(presented=step[0].label, detail=f"not by the key of {step[1].label}")
                return Fault(reason, place, step=True)
        return None

    def _verified(self, way: tuple[Certificate, ...]) -> Path | str:
        """The path, if `cryptography` finds the same among the certificates of `way` alone; or what it says of that."""
        leaf, *authorities = way
        known = len(authorities) > 1 and is_vouched_for(authorities) and not constrained(way)
        # Then each was signed by the next, and every clause but the leaf's signature was checked just now.
        if known and not self._found((leaf, authorities[0]), vouched_policy(authorities[0])):
            return _path(way)
        said = self._found(way, self._anchors.policy(authorities[-1]))
        if said:
            return said
        vouch_for(authorities)
        return _path(way)

    def _found(self, way: tuple[Certificate, ...], policy: PolicyBuilder) -> str:
        """What `cryptography` says against this very path; nothing if it finds it."""
        if self._left < len(way) - 1:
            self._left = 0
            return _SPENT
        self._left -= len(way) - 1
        at = datetime.fromtimestamp(floor(self._now), UTC)  # some certificate is valid then, so the calendar has it
        verifier = policy.time(at).max_chain_depth(self._rules.most - 1).build_client_verifier()
        try:
            chain = verifier.verify(way[0].parsed, [one.parsed for one in way[1:-1]]).chain
        except VerificationError as error:
            return str(error)[:200]
        # Between a leaf and an anchor one intermediate can only be this one; several could have been left out or used
        # twice, if they are all of one name and key.
        if len(chain) != len(way) or (len(way) > 3 and chain != [one.parsed for one in way]):
            return "another path was found than the one that was to be checked"
        return ""


_SPENT: Final = f"given up after {MOST_SIGNATURES} signatures"


def _path(certificates: tuple[Certificate, ...]) -> Path:
    begins = max([one.not_before for one in certificates])
    return Path(certificates, begins, min([one.not_after for one in certificates]) + 1)


def _spent(way: tuple[Certificate, ...], place: int) -> Fault:
    return Fault(UNTRUSTED_CHAIN(presented=way[place - 1].label, detail=_SPENT), place, step=True)


def _untrusted(dead_end: DeadEnd | None, leaf: Certificate, most: int) -> Reason:
    if dead_end is None:
        return UNTRUSTED_CHAIN(presented=leaf.label)
    at = dead_end.at
    if dead_end.too_long:
        return UNTRUSTED_CHAIN(presented=at.label, detail=f"not within {most} certificates")
    if at.subject_name == at.issuer_name:
        return UNTRUSTED_CHAIN(presented=at.label, detail="it is its own issuer, and not trusted here")
    return UNTRUSTED_CHAIN(presented=at.label, detail=f"its issuer is neither presented nor trusted here: {at.issuer}")
