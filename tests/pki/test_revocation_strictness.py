"""Several ways in order, and asking for less: only by name, and with a reason in words."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509

from tests.pki.revoking import (
    DIRECT,
    GOOD,
    ISSUING,
    LEAF,
    NOW,
    ROOT,
    ROOT_CRL,
    Served,
    against,
    path_of,
    verdict,
    why,
)
from zerotrust.core.ask import Fetch
from zerotrust.core.decision import Allow
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import days, hours
from zerotrust.core.policy import unavailable
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.engine import decide
from zerotrust.pki.chain import Anchors
from zerotrust.pki.crls import Crls
from zerotrust.pki.ocsp import Ocsp
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.pki.revocation_strictness import (
    FirstOf,
    LeafOnly,
    NoRevocation,
    UnsafeSoftFail,
    check_revocation,
)
from zerotrust.pki.short_lived import NO_REVOCATION_AVAILABLE, ShortLived
from zerotrust.testing.revoking import crl, ocsp_response
from zerotrust.verifiers.device_certificate import DeviceCertificate
from zerotrust.verifiers.device_identifier import san_uri

BRIEF = ISSUING.issue("brief", days=1)
STAPLED = Ocsp(stapled_only=True)
Status = x509.ocsp.OCSPCertStatus


def test_the_first_that_can_tell_counts_for_each_certificate() -> None:
    way = FirstOf(Ocsp(stapled_only=True), Crls(ROOT_CRL))
    assert verdict(way) == "revocation_unknown"
    assert why(way) == "nothing is stapled; there is no CRL of its issuer"
    assert verdict(way, stapled=ocsp_response(ISSUING, LEAF)) == GOOD
    assert verdict(way) == GOOD  # it counts until the next update, whether it is presented again or not
    revoked = ocsp_response(ISSUING, LEAF, Status.REVOKED, starts=-60)
    assert verdict(way, stapled=revoked) == verdict(way) == "certificate_revoked"
    lists = Crls(ROOT_CRL, crl(ISSUING, LEAF))
    assert verdict(FirstOf(Ocsp(stapled_only=True), lists), stapled=ocsp_response(ISSUING, LEAF)) == GOOD
    assert (
        verdict(FirstOf(lists, Ocsp(stapled_only=True)), stapled=ocsp_response(ISSUING, LEAF)) == "certificate_revoked"
    )
    assert verdict(
        FirstOf(Ocsp(stapled_only=True), Crls(crl(ROOT, ISSUING))), stapled=ocsp_response(ISSUING, LEAF)
    ) == ("certificate_revoked")


def test_it_needs_what_any_of_them_needs() -> None:
    assert FirstOf(Ocsp("http://a.example.com"), Crls(urls=["http://b.example.com"])).needs == (Fetch,)
    assert FirstOf(Ocsp(stapled_only=True), Crls(ROOT_CRL)).needs == ()


@pytest.mark.parametrize("lives", [1, 1.0001])
def test_what_is_told_at_once_is_what_is_told(lives: float) -> None:
    for issued in (ROOT.issue("one", days=lives), ROOT.intermediate().issue("below", days=lives)):
        for way in (ShortLived(hours(24)), ShortLived(hours(24), marked=True), NoRevocation(because="test")):
            assert way.is_clear(path_of(issued), NOW) is (verdict(way, issued) == GOOD)


def test_what_is_short_lived_needs_none() -> None:
    assert verdict(LeafOnly(ShortLived(hours(24)), because="test"), BRIEF) == GOOD
    assert verdict(ShortLived(hours(24)), ROOT.issue("brief", days=1)) == GOOD
    assert verdict(ShortLived(hours(24)), ROOT.issue("longer", days=1.0001)) == "too_long_lived"
    assert verdict(ShortLived(days(2)), ROOT.issue("longer", days=1.0001)) == GOOD
    assert str(against(ShortLived(), DIRECT)).startswith(
        "lives longer than allowed: it lives for 30 d (expected at most 1 d, for there is no revocation, presented CN="
    )


def test_authorities_live_longer_than_that() -> None:
    reason = against(ShortLived(), BRIEF)
    assert reason is not None
    assert (reason.code, str(reason.presented)[:11]) == ("too_long_lived", "CN=Issuing ")
    assert verdict(FirstOf(ShortLived(), Crls(ROOT_CRL)), BRIEF) == GOOD
    assert verdict(FirstOf(ShortLived(), Crls(crl(ROOT, ISSUING))), BRIEF) == "certificate_revoked"
    assert verdict(FirstOf(ShortLived(), Crls(ROOT_CRL)), LEAF) == "revocation_unknown"


def test_what_says_itself_that_it_needs_none() -> None:
    """RFC 9608 section 4."""
    marked = x509.UnrecognizedExtension(NO_REVOCATION_AVAILABLE, b"\x05\x00")
    way = ShortLived(marked=True)
    assert verdict(way, ROOT.issue("brief", days=1, extensions=[(marked, False)])) == GOOD
    assert verdict(way, ROOT.issue("brief", days=1)) == "too_long_lived"
    assert why(way, ROOT.issue("brief", days=1)) == "it does not say that it is brief"
    # That it says so is not enough: only who lives briefly needs none here.
    assert verdict(way, ROOT.issue("long", days=30, extensions=[(marked, False)])) == "too_long_lived"


@pytest.mark.parametrize(
    ("ways", "expected", "soft"),
    [
        ((ShortLived(),), "too_long_lived", "too_long_lived"),
        ((ShortLived(), ShortLived(days(2))), "too_long_lived", "too_long_lived"),
        ((STAPLED,), "no_source", GOOD),
        ((ShortLived(), STAPLED), "no_source", GOOD),
        ((Ocsp("http://a.example.com", "http://b.example.com"),), "no_source", GOOD),
        ((STAPLED, ShortLived()), "no_source", GOOD),
        ((Crls(crl(ISSUING)),), "revocation_unknown", GOOD),
        ((ShortLived(), Crls(crl(ISSUING))), "revocation_unknown", GOOD),
        ((Crls(crl(ISSUING)), STAPLED, ShortLived()), "revocation_unknown", GOOD),
        ((ShortLived(), Crls(crl(ROOT, DIRECT))), "certificate_revoked", "certificate_revoked"),
        ((ShortLived(), STAPLED, Crls(ROOT_CRL)), GOOD, GOOD),
    ],
)
def test_to_try_again_is_asked_for_only_where_that_may_help(
    ways: tuple[CertificateRevocation, ...], expected: str, soft: str
) -> None:
    way = ways[0] if len(ways) == 1 else FirstOf(*ways)
    assert verdict(way, DIRECT) == expected
    assert verdict(UnsafeSoftFail(way, because="test"), DIRECT) == soft
    device = DeviceCertificate(Anchors.from_der(ROOT.der), device_id=san_uri(prefix="urn:device:"), revocation=way)
    issued = ROOT.issue("client", uris=["urn:device:1"])
    found = decide(unavailable(device), AccessRequest(now=NOW, peer=issued.peer()))
    assert isinstance(found, Allow) is (expected == "revocation_unknown")


def test_leaf_only() -> None:
    way = LeafOnly(Crls(crl(ROOT, ISSUING), crl(ISSUING)), because="test")
    assert verdict(way) == GOOD
    assert verdict(LeafOnly(Crls(crl(ISSUING, LEAF)), because="test")) == "certificate_revoked"
    assert verdict(LeafOnly(Crls(ROOT_CRL), because="test")) == "revocation_unknown"


def test_soft_fail() -> None:
    way = UnsafeSoftFail(Crls(ROOT_CRL, crl(ISSUING), urls=["http://crl.example.com/a.crl"]), because="test")
    assert verdict(way) == GOOD
    assert verdict(way, sources=Sources(Served())) == GOOD
    assert verdict(UnsafeSoftFail(Crls(ROOT_CRL), because="test")) == GOOD
    assert verdict(UnsafeSoftFail(Crls(crl(ISSUING, LEAF)), because="test")) == "certificate_revoked"
    assert verdict(UnsafeSoftFail(Crls(crl(ROOT, ISSUING)), because="test")) == "certificate_revoked"
    # A list that is out of date tells who was revoked before.
    assert verdict(UnsafeSoftFail(Crls(crl(ROOT, DIRECT, days=1)), because="test"), DIRECT, now=NOW + 86400 * 9) == (
        "certificate_revoked"
    )


def test_soft_is_not_without_a_source() -> None:
    assert UnsafeSoftFail(Ocsp("http://ocsp.example.com"), because="test").needs == (Fetch,)
    assert LeafOnly(Ocsp("http://ocsp.example.com"), because="test").needs == (Fetch,)
    assert NoRevocation(because="test").needs == ()


def test_none() -> None:
    assert verdict(NoRevocation(because="test")) == GOOD


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (lambda: NoRevocation(because=""), "needs a reason in words"),
        (lambda: NoRevocation(because=" "), "needs a reason in words"),
        (lambda: NoRevocation(because=None), "needs a reason in words"),  # type: ignore[arg-type]
        (lambda: UnsafeSoftFail(Crls(ROOT_CRL), because=""), "needs a reason in words"),
        (lambda: UnsafeSoftFail(Crls, because="x"), "not ABCMeta"),  # type: ignore[arg-type]
        (lambda: LeafOnly(Crls(ROOT_CRL), because=""), "needs a reason in words"),
        (lambda: LeafOnly(None, because="x"), "LeafOnly takes ways to tell"),  # type: ignore[arg-type]
        (lambda: FirstOf(Crls(ROOT_CRL)), "two to 4 ways"),
        (lambda: FirstOf(*[Crls(ROOT_CRL)] * 5), "two to 4 ways"),
        (lambda: FirstOf(Crls(ROOT_CRL), ROOT_CRL), "FirstOf takes ways to tell"),  # type: ignore[arg-type]
        (lambda: ShortLived(24), "such as minutes"),  # type: ignore[arg-type]
        (lambda: ShortLived(hours(0)), "out of range"),
        (lambda: ShortLived(days(8)), "out of range"),
    ],
)
def test_mistakes(wrong: Any, advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        wrong()


@pytest.mark.parametrize("given", [None, False, Crls, b"list"])
def test_verifiers_do_not_go_without_unawares(given: object) -> None:
    with pytest.raises(ConfigError, match=r'DeviceCertificate takes revocation=Crls.*NoRevocation\(because="..."\)'):
        check_revocation("DeviceCertificate", given)
    way = NoRevocation(because="test")
    assert check_revocation("DeviceCertificate", way) is way


def test_they_print_as_they_were_written() -> None:
    assert repr(FirstOf(ShortLived(), Ocsp("http://o.example.com"))) == (
        "FirstOf(ShortLived(1 d), Ocsp('http://o.example.com'))"
    )
    assert repr(LeafOnly(Ocsp(stapled_only=True), because="x")) == "LeafOnly(Ocsp(stapled_only=True), because='x')"
    assert repr(UnsafeSoftFail(NoRevocation(because="y"), because="x")) == (
        "UnsafeSoftFail(NoRevocation(because='y'), because='x')"
    )
    assert repr(ShortLived(hours(2), marked=True)) == "ShortLived(2 h, marked=True)"
