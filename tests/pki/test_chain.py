"""Paths: what is found, in which forms, and that what is said of them is true at every moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509 import NameAttribute, NameOID
from cryptography.x509.name import _ASN1Type
from cryptography.x509.verification import VerificationError
from hypothesis import given
from hypothesis import strategies as st

from tests.pki.paths import (
    DAY,
    NOW,
    Made,
    authority,
    built,
    in_generalized_time,
    new_key,
    peer,
    refusal,
    resigned,
    usage,
)
from tests.search import usually
from zerotrust.core.reason import Reason
from zerotrust.pki.chain import CLIENT, Anchors, Path, _Search
from zerotrust.pki.clauses import form_of

ROOT = authority(ends=NOW + 50 * DAY)
ISSUING = authority("Issuing", ROOT, most=0, ends=NOW + 20 * DAY)
LEAF = peer(ISSUING)
ACCEPTED = ("accepted", None)
SERVERS = (x509.oid.ExtendedKeyUsageOID.SERVER_AUTH,)


def test_the_path_and_when_it_holds() -> None:
    path = built(LEAF, ISSUING, anchors=ROOT)
    assert isinstance(path, Path)
    assert path.certificates == (LEAF.read, ISSUING.read, ROOT.read)
    assert path.leaf == LEAF.read
    assert (path.begins, path.ends) == (NOW - DAY, NOW + DAY + 1)


def test_the_shortest_of_what_ends_first() -> None:
    long = peer(ISSUING, starts=NOW - 2 * DAY, ends=NOW + 100 * DAY)
    path = built(long, ISSUING, anchors=ROOT)
    assert isinstance(path, Path)
    assert (path.begins, path.ends) == (NOW - DAY, NOW + 20 * DAY + 1)


def test_in_any_order_and_with_what_is_of_no_use() -> None:
    stranger = authority("Stranger")
    upper = authority("Upper", ROOT)
    lower = authority("Lower", upper)
    leaf = peer(lower)
    for others in ([lower, upper], [upper, lower], [stranger, upper, LEAF, lower, ROOT]):
        path = built(leaf, *others, anchors=ROOT)
        assert isinstance(path, Path)
        assert path.certificates == (leaf.read, lower.read, upper.read, ROOT.read)


def test_of_two_anchors_of_one_name_the_one_that_signed() -> None:
    """An authority before and after its rollover, with key identifiers and without."""
    for identified in (True, False):
        old, new = authority("Rolling", identified=identified), authority("Rolling", identified=identified)
        anchors = Anchors(old.read, new.read)
        for root in (old, new):
            path = built(peer(root, identified=identified), anchors=anchors)
            assert isinstance(path, Path)
            assert path.certificates[-1] == root.read


def test_another_path_where_the_first_is_wrong() -> None:
    """One authority, certified by two: by one that expired, and by one whose own issuer is not there."""
    key = new_key()
    expired = authority("Issuing", ROOT, key=key, ends=NOW - 1)
    nowhere = authority("Issuing", authority("Nowhere"), key=key)
    good = authority("Issuing", ROOT, key=key)
    leaf = peer(good)
    assert refusal(built(leaf, expired, nowhere, anchors=ROOT)) == ("certificate_expired", expired.label)
    path = built(leaf, expired, nowhere, good, anchors=ROOT)
    assert isinstance(path, Path)
    assert path.certificates[1] == good.read


@pytest.mark.parametrize("fault", ["not_a_ca", "key_usage", "extended_key_usage", "critical_extension", "path_length"])
def test_another_path_around_every_fault(fault: str) -> None:
    """What one certificate of an authority must not do, another one of the same may."""
    key = new_key()
    unknown = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00"), True)
    wrong: dict[str, Any] = {
        "not_a_ca": {"ca": False, "purposes": ()},
        "key_usage": {"usage": usage("crl_sign")},
        "extended_key_usage": {"purposes": (x509.oid.ExtendedKeyUsageOID.CODE_SIGNING,)},
        "critical_extension": {"extensions": (unknown,)},
        "path_length": {"most": 0},
    }
    middle = authority("Middle", ROOT, key=key, **wrong[fault])
    upper = authority("Upper", ROOT)
    other = authority("Middle", upper, key=key)
    last = authority("Last", other)
    leaf = peer(last)
    assert refusal(built(leaf, last, middle, anchors=ROOT)) == (fault, middle.label)
    path = built(leaf, last, middle, other, upper, anchors=ROOT)
    assert isinstance(path, Path), path
    assert path.certificates[2] == other.read


def test_the_reason_of_the_path_that_came_furthest() -> None:
    """Of a forged and an expired certificate of one authority, the expired one is what can be helped."""
    key = new_key()
    forged = authority("Issuing", Made(ROOT.parsed, new_key()), key=key)
    expired = authority("Issuing", ROOT, key=key, ends=NOW - 1)
    leaf = peer(expired)
    for others in ([forged, expired], [expired, forged]):
        assert refusal(built(leaf, *others, anchors=ROOT)) == ("certificate_expired", expired.label)


def test_an_authority_may_be_asked_for_its_path() -> None:
    rules = replace(CLIENT, purposes=(), authority=True)
    assert refusal(built(ISSUING, anchors=ROOT, rules=rules)) == ACCEPTED
    assert refusal(built(LEAF, ISSUING, anchors=ROOT, rules=rules)) == ACCEPTED
    assert refusal(built(ISSUING, anchors=ROOT)) == ("ca_as_peer", ISSUING.label)
    assert refusal(built(ROOT, anchors=ROOT, rules=rules)) == ("ca_as_peer", ROOT.label)


def test_an_authority_without_a_name_issues_nothing() -> None:
    """Section 4.1.2.6; names that say nothing would chain everything to everything."""
    nameless = authority("", ROOT)
    leaf = peer(nameless, issuer="")
    assert refusal(built(leaf, nameless, anchors=ROOT)) == ("malformed", nameless.label)


# --- Forms that RFC 5280 requires and `cryptography` refuses ----------------------------------------------------------
def test_names_that_chain_by_comparison() -> None:
    """Section 7.1."""
    name = x509.Name([NameAttribute(NameOID.COMMON_NAME, "issuing   authority", _ASN1Type.PrintableString)])
    issuing = authority("Issuing Authority", ROOT)
    leaf = peer(issuing, issuer=name)
    assert not_by_cryptography(leaf, issuing)
    assert refusal(built(leaf, issuing, anchors=ROOT)) == ACCEPTED
    assert refusal(built(peer(ROOT, issuer="ROOT"), anchors=ROOT)) == ACCEPTED
    forged = peer(Made(issuing.parsed, new_key()), issuer=name)
    assert refusal(built(forged, issuing, anchors=ROOT)) == ("chain_signature", forged.label)


def test_self_issued_certificates_do_not_count() -> None:
    """Section 6.1.4 (l): an authority below one that allows none, and its new key certified by its old one."""
    last = authority("Last", ROOT, most=0)
    renewed = authority("Last", last)
    leaf = peer(renewed)
    assert not_by_cryptography(leaf, renewed, last)
    assert refusal(built(leaf, renewed, last, anchors=ROOT)) == ACCEPTED
    below = authority("Below", renewed)
    assert refusal(built(peer(below), below, renewed, last, anchors=ROOT)) == ("path_length", last.label)


def test_generalized_time_before_2050() -> None:
    """Section 4.1.2.5."""
    leaf = resigned(LEAF, in_generalized_time, ISSUING)
    assert not_by_cryptography(leaf, ISSUING)
    assert refusal(built(leaf, ISSUING, anchors=ROOT)) == ACCEPTED
    assert refusal(built(leaf, ISSUING, anchors=ROOT, now=NOW + DAY + 1)) == ("certificate_expired", leaf.label)
    issuing = resigned(ISSUING, in_generalized_time, ROOT)
    assert refusal(built(LEAF, issuing, anchors=ROOT)) == ACCEPTED
    forged = resigned(LEAF, in_generalized_time, ROOT)
    assert refusal(built(forged, ISSUING, anchors=ROOT)) == ("chain_signature", forged.label)


def test_keys_of_rfc_8410() -> None:
    edwards = authority("Edwards", ROOT, key=Ed25519PrivateKey.generate())
    leaf = peer(edwards)
    assert not_by_cryptography(leaf, edwards)
    assert refusal(built(leaf, edwards, anchors=ROOT)) == ACCEPTED
    forged = peer(Made(edwards.parsed, Ed25519PrivateKey.generate()))
    assert refusal(built(forged, edwards, anchors=ROOT)) == ("chain_signature", forged.label)


def test_no_form_where_there_is_none() -> None:
    assert form_of((LEAF.read, ISSUING.read, ROOT.read)) == ""


def test_cryptography_has_to_find_the_very_path() -> None:
    """Each certificate of a path is evidence (`issued_by`), so none may be in it that nothing was signed by."""
    stranger = authority("Stranger", ROOT)
    lower = authority("Lower", authority("Upper", ROOT))
    good = (LEAF.read, ISSUING.read, ROOT.read)
    assert isinstance(_Search(Anchors(ROOT.read), NOW, CLIENT)._verified(good), Path)
    search = _Search(Anchors(ROOT.read), NOW, CLIENT)
    for wrong in ((*good[:2], stranger.read, ROOT.read), (*good[:2], lower.read, stranger.read, ROOT.read)):
        assert search._verified(wrong) == "another path was found than the one that was to be checked"


def test_nor_may_it_use_one_certificate_twice_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = authority("Stranger", ROOT)
    way = (LEAF.read, ISSUING.read, stranger.read, ROOT.read)
    verifier = Mock()
    verifier.verify.return_value.chain = [one.parsed for one in (LEAF, ISSUING, ISSUING, ROOT)]
    policy = Mock()
    policy.time.return_value.max_chain_depth.return_value.build_client_verifier.return_value = verifier
    monkeypatch.setattr(Anchors, "policy", lambda *_: policy)
    search = _Search(Anchors(ROOT.read), NOW, CLIENT)
    assert search._verified(way) == "another path was found than the one that was to be checked"
    verifier.verify.return_value.chain = [one.parsed for one in way]
    assert isinstance(search._verified(way), Path)


def test_a_path_leads_to_the_anchor_that_was_checked() -> None:
    """Two anchors of one name and key, of which one is for servers alone."""
    key = new_key()
    good, servers = authority("Twice", key=key), authority("Twice", key=key, purposes=SERVERS)
    leaf = peer(good)
    assert refusal(built(leaf, anchors=servers)) == ("extended_key_usage", servers.label)
    for anchors in (Anchors(good.read, servers.read), Anchors(servers.read, good.read)):
        path = built(leaf, anchors=anchors)
        assert isinstance(path, Path)
        assert path.certificates == (leaf.read, good.read)


def test_without_a_form_cryptography_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it alone refuses is refused, in its words."""

    def refuse(*_: object) -> str:
        return "validation failed: no reason that anybody here knows"

    monkeypatch.setattr("zerotrust.pki.chain._Search._verified", refuse)
    refused = built(LEAF, ISSUING, anchors=ROOT)
    assert isinstance(refused, Reason)
    assert (refused.code, refused.presented) == ("untrusted_chain", LEAF.label)
    assert refused.detail == "validation failed: no reason that anybody here knows"


def not_by_cryptography(leaf: Made, *others: Made) -> bool:
    """Whether `cryptography` by itself refuses what is to be accepted, or the test shows nothing."""
    verifier = Anchors(ROOT.read).policy(ROOT.read).time(datetime.fromtimestamp(NOW, UTC)).build_client_verifier()
    try:
        verifier.verify(leaf.parsed, [one.parsed for one in others])
    except VerificationError:
        return True
    return False


# --- Against `cryptography` alone ------------------------------------------------------------------------------------
HIERARCHY = [ROOT, authority("A", ROOT), authority("B", ROOT, most=0)]
HIERARCHY += [authority("AA", HIERARCHY[1]), authority("BA", HIERARCHY[2]), authority("A", HIERARCHY[2])]
LEAVES = [peer(one, ends=NOW + number * DAY / 4) for number, one in enumerate(HIERARCHY)]


@usually(150)
@given(
    st.sampled_from(LEAVES), st.permutations(HIERARCHY[1:]), st.integers(0, 5), st.floats(NOW - 2 * DAY, NOW + 2 * DAY)
)
def test_accepts_only_what_cryptography_accepts(leaf: Made, others: list[Made], some: int, now: float) -> None:
    """No form in these: then we are never laxer, and with nothing wrong in our own profile never stricter."""
    presented = others[:some]
    ours = built(leaf, *presented, anchors=ROOT, now=now)
    verifier = Anchors(ROOT.read).policy(ROOT.read).time(datetime.fromtimestamp(now // 1, UTC)).build_client_verifier()
    try:
        theirs = verifier.verify(leaf.parsed, [one.parsed for one in presented]).chain
    except VerificationError:
        assert isinstance(ours, Reason)
    else:
        assert isinstance(ours, Path), ours
        assert ours.begins <= now < ours.ends
        assert len(ours.certificates) <= len(theirs)
