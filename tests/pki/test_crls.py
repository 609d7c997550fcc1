"""What revocation lists say of a path (RFC 5280 section 6.3.3), given as bytes: coverage, freshness, scope, deltas."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509

from tests.pki.revoking import (
    DAY,
    DIRECT,
    GOOD,
    ISSUING,
    LEAF,
    NOW,
    OTHER,
    ROOT,
    ROOT_CRL,
    STRANGER,
    against,
    path_of,
    scoped,
    verdict,
    why,
)
from zerotrust.core.moments import days, hours
from zerotrust.core.peer import Peer
from zerotrust.driver import run
from zerotrust.pki import crl_proven
from zerotrust.pki.crl_proven import Proven
from zerotrust.pki.crl_scope import name_of
from zerotrust.pki.crl_status import Inquiry
from zerotrust.pki.crls import Crls
from zerotrust.testing.revoking import crl
from zerotrust.wire.crl import read_crls

Flags = x509.ReasonFlags
ISSUING_CRL = crl(ISSUING)


def test_what_is_on_no_list_is_good() -> None:
    way = Crls(ROOT_CRL, ISSUING_CRL)
    assert verdict(way) == GOOD
    assert way.needs == ()
    assert verdict(way) == GOOD  # the second time, from what is remembered


def test_the_leaf_is_revoked() -> None:
    way = Crls(ROOT_CRL, crl(ISSUING, OTHER, LEAF))
    reason = against(way)
    assert reason is not None
    assert reason.code == "certificate_revoked"
    assert str(reason.presented).startswith("CN=client (serial ")
    assert reason.detail == "keyCompromise since 07:00, says CRL 1 of CN=Issuing"


def test_an_authority_is_revoked() -> None:
    reason = against(Crls(crl(ROOT, ISSUING), ISSUING_CRL))
    assert reason is not None
    assert (reason.code, str(reason.presented)[:11]) == ("certificate_revoked", "CN=Issuing ")


def test_the_same_serial_number_of_another_authority_is_another_certificate() -> None:
    assert verdict(Crls(crl(ROOT, LEAF), ISSUING_CRL)) == GOOD


@pytest.mark.parametrize("lists", [(ROOT_CRL,), (ISSUING_CRL,)], ids=["none for the leaf", "none for the authority"])
def test_every_certificate_has_to_be_covered(lists: tuple[bytes, ...]) -> None:
    assert verdict(Crls(*lists)) == "revocation_unknown"
    assert why(Crls(*lists)) == "there is no CRL of its issuer"


def test_the_anchor_needs_no_list() -> None:
    assert verdict(Crls(ROOT_CRL), DIRECT) == GOOD


# --- Time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW - 3600 - 61, "revocation_unknown"),
        (NOW - 3600 - 60, GOOD),  # clocks differ a little
        (NOW, GOOD),
        (NOW - 3600 + 7 * DAY - 1, GOOD),
        (NOW - 3600 + 7 * DAY, "revocation_unknown"),
    ],
)
def test_a_list_counts_from_this_update_to_the_next(now: float, expected: str) -> None:
    path = path_of(DIRECT)
    way = Crls(ROOT_CRL)
    assert verdict(way, DIRECT, path=path, now=now) == expected
    # Having been good, it is remembered, but no longer than that.
    assert verdict(way, DIRECT, path=path, now=NOW) == GOOD
    assert verdict(way, DIRECT, path=path, now=now) == expected


def test_at_most_old() -> None:
    way = Crls(ROOT_CRL, at_most_old=days(2))
    assert verdict(way, DIRECT, now=NOW - 3600 + 2 * DAY - 1) == GOOD
    assert verdict(way, DIRECT, now=NOW - 3600 + 2 * DAY + 1) == "revocation_unknown"
    assert why(way, DIRECT, now=NOW - 3600 + 2 * DAY + 1) == "CRL 1 of CN=Root is older than 2 d"


def test_why_it_is_not_current() -> None:
    assert why(Crls(ROOT_CRL), DIRECT, now=NOW + 9 * DAY) == (
        "CRL 1 of CN=Root was due to be renewed at 2027-01-22 07:00"
    )
    assert why(Crls(crl(ROOT, starts=3600)), DIRECT) == "CRL 1 of CN=Root is from 09:00, in the future"


def test_what_was_revoked_stays_so_when_the_list_is_out_of_date() -> None:
    assert verdict(Crls(crl(ROOT, DIRECT)), DIRECT, now=NOW + 20 * DAY) == "certificate_revoked"


# --- Who signed it ----------------------------------------------------------------------------------------------------


def test_a_list_of_a_stranger_of_the_same_name() -> None:
    assert verdict(Crls(crl(STRANGER)), DIRECT) == "revocation_unknown"
    assert why(Crls(crl(STRANGER)), DIRECT) == "CRL 1 of CN=Root is not signed by its issuer"
    assert verdict(Crls(crl(STRANGER, DIRECT), ROOT_CRL), DIRECT) == GOOD  # nor does it revoke anything


def test_a_list_that_names_another_issuer() -> None:
    assert verdict(Crls(crl(ROOT, issuer=ISSUING.name)), DIRECT) == "revocation_unknown"


# --- Numbers ----------------------------------------------------------------------------------------------------------


def test_of_two_lists_the_higher_number_counts() -> None:
    old, new = crl(ROOT, number=4), crl(ROOT, DIRECT, number=5)
    for lists in ((old, new), (new, old)):
        assert verdict(Crls(*lists), DIRECT) == "certificate_revoked"
    held, released = crl(ROOT, reasons=[(DIRECT, Flags.certificate_hold)], number=4), crl(ROOT, number=5)
    for lists in ((held, released), (released, held)):
        assert verdict(Crls(*lists), DIRECT) == GOOD


def test_of_one_number_the_later_counts() -> None:
    for lists in ((crl(ROOT), crl(ROOT, DIRECT, starts=-60)), (crl(ROOT, DIRECT, starts=-60), crl(ROOT))):
        assert verdict(Crls(*lists), DIRECT) == "certificate_revoked"


def test_a_list_from_the_future_does_not_shut_out_that_of_today() -> None:
    assert verdict(Crls(crl(ROOT, number=5, starts=3600), crl(ROOT, number=4)), DIRECT) == GOOD


def test_a_forged_number_does_not_shut_out_the_genuine_list() -> None:
    assert verdict(Crls(crl(STRANGER, number=1000), crl(ROOT, number=4)), DIRECT) == GOOD


# --- Scope ------------------------------------------------------------------------------------------------------------


def point(name: str, reasons: frozenset[x509.ReasonFlags] | None = None, issuer: Any = None) -> x509.DistributionPoint:
    return x509.DistributionPoint([x509.UniformResourceIdentifier(name)], None, reasons, issuer)


ONE, TWO = "http://crl.example.com/1.crl", "http://crl.example.com/2.crl"
POINTED = ROOT.issue("pointed", extensions=[(x509.CRLDistributionPoints([point(ONE)]), False)])


def of_point(*names: str, **about: Any) -> Any:
    return scoped(full_name=[x509.UniformResourceIdentifier(name) for name in names], **about)


def test_lists_of_distribution_points() -> None:
    assert verdict(Crls(crl(ROOT, extensions=[of_point(ONE)])), POINTED) == GOOD
    assert verdict(Crls(crl(ROOT, extensions=[of_point(TWO, ONE)])), POINTED) == GOOD
    assert verdict(Crls(crl(ROOT, POINTED, extensions=[of_point(ONE)])), POINTED) == "certificate_revoked"
    other = Crls(crl(ROOT, extensions=[of_point(TWO)]))
    assert verdict(other, POINTED) == "revocation_unknown"
    assert why(other, POINTED) == "CRL 1 of CN=Root is not about it"
    # A certificate that names none is on no list that is for some only.
    assert verdict(Crls(crl(ROOT, extensions=[of_point(ONE)])), DIRECT) == "revocation_unknown"
    # A list for all covers those that name one, too.
    assert verdict(Crls(ROOT_CRL), POINTED) == GOOD


def test_names_relative_to_the_issuer() -> None:
    end = x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CRL1")])
    whole = x509.DirectoryName(x509.Name([*ROOT.name.rdns, end]))
    relative = x509.CRLDistributionPoints([x509.DistributionPoint(None, end, None, None)])
    full = x509.CRLDistributionPoints([x509.DistributionPoint([whole], None, None, None)])
    for points in (relative, full):
        issued = ROOT.issue("pointed", extensions=[(points, False)])
        for scope in (scoped(relative_name=end), scoped(full_name=[whole])):
            assert verdict(Crls(crl(ROOT, extensions=[scope])), issued) == GOOD
        elsewhere = scoped(full_name=[x509.DirectoryName(x509.Name([end]))])
        assert verdict(Crls(crl(ROOT, extensions=[elsewhere])), issued) == "revocation_unknown"


def test_lists_of_one_kind_of_certificate() -> None:
    users = crl(ROOT, extensions=[scoped(only_contains_user_certs=True)])
    authorities = crl(ROOT, extensions=[scoped(only_contains_ca_certs=True)])
    attributes = crl(ROOT, extensions=[scoped(only_contains_attribute_certs=True)])
    assert verdict(Crls(users), DIRECT) == GOOD
    assert verdict(Crls(authorities), DIRECT) == "revocation_unknown"
    assert verdict(Crls(attributes), DIRECT) == "revocation_unknown"
    assert verdict(Crls(authorities, ISSUING_CRL)) == GOOD
    assert verdict(Crls(users, ISSUING_CRL)) == "revocation_unknown"
    assert verdict(Crls(users, authorities, ISSUING_CRL)) == GOOD


COMPROMISED = frozenset({Flags.key_compromise, Flags.ca_compromise})
OTHERWISE = frozenset(Flags) - COMPROMISED - {Flags.unspecified, Flags.remove_from_crl}


def test_lists_of_some_reasons() -> None:
    compromised = crl(ROOT, extensions=[scoped(only_some_reasons=COMPROMISED)])
    otherwise = crl(ROOT, extensions=[scoped(only_some_reasons=OTHERWISE)])
    assert verdict(Crls(compromised), DIRECT) == "revocation_unknown"
    assert why(Crls(compromised), DIRECT) == "the CRLs at hand leave out some reasons for which it may be revoked"
    assert verdict(Crls(compromised, otherwise), DIRECT) == GOOD
    revoked = crl(ROOT, DIRECT, extensions=[scoped(only_some_reasons=COMPROMISED)])
    assert verdict(Crls(revoked), DIRECT) == "certificate_revoked"
    assert verdict(Crls(revoked, otherwise), DIRECT) == "certificate_revoked"


def test_points_of_some_reasons() -> None:
    points = x509.CRLDistributionPoints([point(ONE, COMPROMISED), point(TWO, OTHERWISE)])
    issued = ROOT.issue("pointed", extensions=[(points, False)])
    one, two = crl(ROOT, extensions=[of_point(ONE)]), crl(ROOT, extensions=[of_point(TWO)])
    assert verdict(Crls(one), issued) == verdict(Crls(two), issued) == "revocation_unknown"
    assert verdict(Crls(one, two), issued) == GOOD
    assert verdict(Crls(crl(ROOT, extensions=[of_point(ONE, TWO)])), issued) == GOOD


def test_a_certificate_that_is_on_the_list_of_another_authority() -> None:
    elsewhere = x509.CRLDistributionPoints([point(ONE, issuer=[x509.DirectoryName(STRANGER.name)])])
    issued = ROOT.issue("pointed", extensions=[(elsewhere, False)])
    assert verdict(Crls(ROOT_CRL), issued) == "revocation_unknown"
    assert "indirect CRL" in why(Crls(ROOT_CRL), issued)


# --- Deltas -----------------------------------------------------------------------------------------------------------


def test_a_delta_adds_to_what_is_complete() -> None:
    complete = crl(ROOT, number=5)
    assert verdict(Crls(complete, crl(ROOT, number=7, base=5)), DIRECT) == GOOD
    assert verdict(Crls(complete, crl(ROOT, DIRECT, number=7, base=5)), DIRECT) == "certificate_revoked"
    assert verdict(Crls(crl(ROOT, DIRECT, number=5), crl(ROOT, number=7, base=5)), DIRECT) == "certificate_revoked"


def test_a_delta_takes_away_what_was_on_hold() -> None:
    held = crl(ROOT, reasons=[(DIRECT, Flags.certificate_hold)], number=5)
    removed = [(DIRECT, Flags.remove_from_crl)]
    assert verdict(Crls(held, crl(ROOT, number=7, base=5, reasons=removed)), DIRECT) == GOOD
    # What belongs to a later complete list says nothing of this one.
    assert verdict(Crls(held, crl(ROOT, number=7, base=6, reasons=removed)), DIRECT) == "certificate_revoked"


def test_a_delta_that_goes_with_no_complete_list() -> None:
    alone = Crls(crl(ROOT, number=7, base=5))
    assert verdict(alone, DIRECT) == "revocation_unknown"
    assert why(alone, DIRECT) == "a delta CRL is of no use without a complete one"
    too_old = Crls(crl(ROOT, number=4), crl(ROOT, number=7, base=5))
    assert verdict(too_old, DIRECT) == "revocation_unknown"
    assert why(too_old, DIRECT) == "delta CRL 7 of CN=Root goes with a complete CRL from number 5 on, not 4"
    assert verdict(Crls(crl(ROOT, DIRECT, number=7, base=5)), DIRECT) == "certificate_revoked"


def test_a_delta_that_the_complete_list_has_caught_up_with() -> None:
    late = crl(ROOT, DIRECT, number=7, base=5, days=1)
    assert verdict(Crls(crl(ROOT, number=7), late), DIRECT, now=NOW + 2 * DAY) == GOOD
    assert verdict(Crls(crl(ROOT, number=6), late), DIRECT, now=NOW + 2 * DAY) == "certificate_revoked"


def test_together_they_are_as_current_as_the_delta() -> None:
    complete, delta = crl(ROOT, number=5, days=1), crl(ROOT, number=7, base=5, days=3)
    assert verdict(Crls(complete, delta), DIRECT, now=NOW + 2 * DAY) == GOOD
    assert verdict(Crls(complete), DIRECT, now=NOW + 2 * DAY) == "revocation_unknown"
    late = Crls(crl(ROOT, number=5), crl(ROOT, number=7, base=5, days=1))
    assert verdict(late, DIRECT, now=NOW + 2 * DAY) == "revocation_unknown"


def test_a_delta_of_another_scope_or_key_says_nothing() -> None:
    users = [scoped(only_contains_user_certs=True)]
    assert verdict(Crls(ROOT_CRL, crl(ROOT, number=7, base=1, extensions=users)), DIRECT) == GOOD
    held = crl(ROOT, reasons=[(DIRECT, Flags.certificate_hold)])
    released = [(DIRECT, Flags.remove_from_crl)]
    forged = crl(STRANGER, number=7, base=1, reasons=released)
    assert verdict(Crls(held, forged), DIRECT) == "certificate_revoked"
    assert verdict(Crls(held, crl(ROOT, number=7, base=1, reasons=released, extensions=users)), DIRECT) == (
        "certificate_revoked"
    )


# --- Remembering ------------------------------------------------------------------------------------------------------


def test_a_path_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Crls(ROOT_CRL, ISSUING_CRL)
    assert verdict(way) == GOOD
    monkeypatch.setattr(Inquiry, "status", lambda *_: pytest.fail("looked up again"))
    assert verdict(way) == GOOD


@pytest.mark.parametrize("delta", [False, True])
def test_a_list_from_the_future_ends_what_is_remembered_without_it(delta: bool) -> None:
    later = crl(ROOT, DIRECT, number=2, base=1 if delta else None, starts=3600)
    way, path = Crls(ROOT_CRL, later), path_of(DIRECT)
    assert verdict(way, DIRECT, path=path) == GOOD
    assert verdict(way, DIRECT, path=path, now=NOW + 3600 - 61) == GOOD
    assert verdict(way, DIRECT, path=path, now=NOW + 3600 - 60) == "certificate_revoked"


def test_what_is_proven_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crl_proven, "_MOST", 2)
    proven = Proven()
    for one in (crl(ROOT, number=5), crl(ISSUING), crl(STRANGER, number=2)):
        read = read_crls(one)
        assert isinstance(read, tuple)
        assert proven.note(read[0], bytes([read[0].number])) is read[0]
    old = read_crls(crl(ROOT, number=4))
    assert isinstance(old, tuple)
    assert proven.note(old[0], b"\5") is old[0]  # what it was older than is forgotten
    assert [one.number for one in proven.of(name_of(old[0].issuer))] == [2, 4]
    assert proven.of(name_of(ISSUING.certificate.subject.public_bytes())) == ()
    newer = read_crls(crl(ROOT, number=6))
    assert isinstance(newer, tuple)
    assert proven.note(newer[0], b"\5") is newer[0]
    assert [one.number for one in proven.of(name_of(old[0].issuer))] == [2, 6]


def test_one_leaf_is_not_taken_for_another() -> None:
    way = Crls(ROOT_CRL, crl(ISSUING, OTHER))
    for _ in range(2):
        assert verdict(way, LEAF) == GOOD
        assert verdict(way, OTHER) == "certificate_revoked"


def test_place_by_place_it_says_the_same() -> None:
    way, path = Crls(ROOT_CRL, crl(ISSUING, LEAF)), path_of()
    told = [run(way.status(path, place, Peer(LEAF.ders), NOW)) for place in (0, 1)]
    assert [None if one is None else one.code for one in told] == ["certificate_revoked", None]


def test_spans_are_checked() -> None:
    assert verdict(Crls(ROOT_CRL, at_most_old=hours(2)), DIRECT) == GOOD
