"""What revocation lists say of a certificate: RFC 5280 section 6.3.3, over lists that are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from zerotrust.core.moments import show_moment, show_span
from zerotrust.core.reason import CERTIFICATE_REVOKED, SOURCE_REFUSED, Reason
from zerotrust.pki.chain import Path
from zerotrust.pki.crl_proven import Proven
from zerotrust.pki.crl_scope import ALL_REASONS, NO_REASONS, covered, name_of, subject_of
from zerotrust.pki.crl_signers import may_sign_lists, other_keys
from zerotrust.pki.revocation import unknown
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.crl import CertificateList, Scope
from zerotrust.wire.crl_entries import Revoked

AHEAD: Final = 60.0
"""Seconds by which the clock of an authority may be ahead of ours."""

_MOST_TOLD: Final = 4
_MOST_SIGNERS: Final = 2


@dataclass(slots=True)
class _Group:
    """Lists of one key and scope that belong together: a complete one and what changed since."""

    complete: CertificateList | None = None
    delta: CertificateList | None = None

    @property
    def either(self) -> CertificateList | None:
        return self.delta if self.complete is None else self.complete

    @property
    def newer(self) -> CertificateList | None:
        """The delta, unless the complete list has all that it says (section 5.2.4)."""
        if self.delta is None or (self.complete is not None and self.delta.number <= self.complete.number):
            return None
        return self.delta


@dataclass(slots=True)
class Inquiry:
    """Questions about one path, with all that is at hand to answer them.

    Attributes:
        path: the path.
        lists: the lists at hand, of whomever.
        others: certificates at hand that may be of other keys for lists.
        proven: the newest lists that were found to be genuine.
        now: the moment, POSIX seconds.
        at_most_old: seconds since it was issued after which a list no longer counts, whatever it says itself.
        trouble: what came up on the way, for the reason why something cannot be told.
        begins: the moment from which what was said holds, POSIX seconds.
        ends: the moment up to which it does; no moment if it rests on more than lists and their authorities.
    """

    path: Path
    lists: Sequence[CertificateList]
    others: Sequence[Certificate]
    proven: Proven
    now: float
    at_most_old: float
    trouble: list[str] = field(default_factory=list[str])
    begins: float = float("-inf")
    ends: float = float("inf")

    def status(self, place: int) -> Reason | None:
        """What is known against the certificate at `place` of the path."""
        return self._status(self.path.certificates[place], place + 1, 0)

    def _status(self, certificate: Certificate, issuer: int, depth: int) -> Reason | None:
        """What is known against `certificate`, whose issuer stands at the place `issuer` of the path.

        At a `depth` above 0 it is that of somebody who signed a list.
        """
        subject = subject_of(certificate)
        if subject.elsewhere:
            return unknown(certificate, "it is on an indirect CRL, which is not supported: its cRLIssuer is another")
        mine = [one for one in self.lists if name_of(one.issuer) == subject.issuer]
        # What was genuine before counts until something newer is: nothing else that comes displaces it.
        mine += [one for one in self.proven.of(subject.issuer) if one not in mine]
        if not mine:
            self.trouble.append("there is no CRL of its issuer")
        known = NO_REASONS
        for scope, group in self._groups(mine, issuer, depth):
            one = group.either
            if one is None:
                continue
            speaks = covered(scope, one.issuer_name, subject)
            if not speaks:
                self.trouble.append(f"{one.label} is not about it")
                continue
            said, by = _look_up(group, subject.serial)
            if said is not None and by is not None:
                since = "" if said.when is None else f" since {show_moment(said.when, self.now)}"
                return CERTIFICATE_REVOKED(presented=certificate.label, detail=f"{said.why}{since}, says {by.label}")
            wrong = self._not_current(group)
            if wrong is None:
                known |= speaks
            else:
                self.trouble.append(wrong)
        if known >= ALL_REASONS:
            return None
        if known:
            self.trouble.append("the CRLs at hand leave out some reasons for which it may be revoked")
        return unknown(certificate, "; ".join(dict.fromkeys(self.trouble[:_MOST_TOLD])))

    def _groups(self, mine: list[CertificateList], issuer: int, depth: int) -> list[tuple[Scope, _Group]]:
        """The newest of the lists that are genuine, those together that may be added up."""
        groups: dict[tuple[bytes, Scope], _Group] = {}
        for one in mine:
            ahead = self._ahead(one)
            if ahead is not None:
                self.trouble.append(ahead)
                continue
            key = self._signer(one, issuer, depth)
            if key is None:
                self._doubt(one, depth)
                continue
            one.doubt = None
            newest = self.proven.note(one, key)
            if newest.number > one.number:
                self.trouble.append(f"{one.label} came after number {newest.number:x}, and is not believed")
            group = groups.setdefault((key, one.scope), _Group())
            if newest.base is None:
                group.complete = newest
            else:
                group.delta = newest
        return [(scope, group) for (_, scope), group in groups.items()]

    def _doubt(self, one: CertificateList, depth: int) -> None:
        why = f"{one.label} is not signed by its issuer"
        self.trouble.append(why)
        # Of a namesake's path nothing follows for a list that was found to be genuine.
        if not depth and one.doubt is None and one not in self.proven.of(name_of(one.issuer)):
            one.doubt = SOURCE_REFUSED(detail=why)

    def _signer(self, one: CertificateList, place: int, depth: int) -> bytes | None:
        """The SubjectPublicKeyInfo of who signed `one` for the authority at `place`, and may; None if nobody.

        Whoever is not the issuer must not be revoked, which in the end a list of the issuer has to say: there is an end
        to who may vouch for whom, so that nobody vouches for himself.
        """
        issuer = self.path.certificates[place]
        key = issuer.outline.key
        if may_sign_lists(issuer) and one.check_signature(issuer.key, key) is None:
            return key
        self.ends = float("-inf")
        if depth == _MOST_SIGNERS:
            return None
        for other, above in other_keys(self.path, place, self.others, self.now):
            key = other.outline.key
            if one.check_signature(other.key, key) is None and (
                above is None or self._status(other, above, depth + 1) is None
            ):
                return key
        return None

    def _ahead(self, one: CertificateList) -> str | None:
        """That `one` is from the future, if it is: what is said without it holds no longer than that."""
        begins = one.this_update - AHEAD
        if begins <= self.now:
            return None
        self.ends = min(self.ends, begins)
        return f"{one.label} is from {show_moment(one.this_update, self.now)}, in the future"

    def _not_current(self, group: _Group) -> str | None:
        """Why the group tells nothing of `now`, if so. With a delta it is as current as that (section 5.2.4)."""
        complete, delta = group.complete, group.newer
        if complete is None:
            return "a delta CRL is of no use without a complete one"
        if delta is not None and delta.base is not None and complete.number < delta.base:
            return f"{delta.label} goes with a complete CRL from number {delta.base:x} on, not {complete.number:x}"
        latest = complete if delta is None else delta
        ahead = self._ahead(latest)  # proven when it was later than now: the clock was set back
        if ahead is not None:
            return ahead
        if self.now >= latest.next_update:
            return f"{latest.label} was due to be renewed at {show_moment(latest.next_update, self.now)}"
        if self.now > latest.this_update + self.at_most_old:
            return f"{latest.label} is older than {show_span(self.at_most_old)}"
        self.begins = max(self.begins, latest.this_update - AHEAD)
        self.ends = min(self.ends, latest.next_update, latest.this_update + self.at_most_old)
        return None


def _look_up(group: _Group, serial: bytes) -> tuple[Revoked | None, CertificateList | None]:
    """What a group says against a certificate. What is revoked counts though the list is out of date."""
    complete, delta = group.complete, group.newer
    changed = None if delta is None else delta.find(serial)
    if changed is not None and not changed.removed:
        return changed, delta
    if complete is None or (changed is not None and delta is not None and complete.number >= (delta.base or 0)):
        return None, None
    return complete.find(serial), complete
