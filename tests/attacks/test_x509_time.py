"""RFC 5280 section 4.1.2.5: validity, at the moment of the request and no other."""

from __future__ import annotations

import math

import pytest

from tests.attacks.openssl_certificates import AUTHORITY, OpenSsl
from tests.attacks.x509_outcome import outcome
from tests.pki.paths import DAY, NOW, authority, peer
from zerotrust.pki.chain import Anchors

ACCEPTED = ("accepted", None)
ROOT = authority(starts=NOW - 50 * DAY, ends=NOW + 50 * DAY)
ISSUING = authority("Issuing", ROOT, starts=NOW - 20 * DAY, ends=NOW + 20 * DAY)
CLIENT = peer(ISSUING, starts=NOW - DAY, ends=NOW + DAY)


def at(now: float) -> tuple[str, object]:
    return outcome([CLIENT, ISSUING], ROOT, now)


def test_first_and_last_second_are_within() -> None:
    assert at(NOW - DAY) == ACCEPTED
    assert at(NOW + DAY) == ACCEPTED
    # The whole of the last second, for notAfter is inclusive: also what a calendar would round up.
    assert at(NOW + DAY + 0.999) == ACCEPTED
    assert at(math.nextafter(NOW + DAY + 1, 0)) == ACCEPTED


def test_the_moments_beside_them_are_not() -> None:
    assert at(math.nextafter(NOW - DAY, 0)) == ("certificate_not_yet_valid", CLIENT.label)
    assert at(NOW + DAY + 1) == ("certificate_expired", CLIENT.label)


def test_which_certificate() -> None:
    longest = peer(ISSUING, starts=NOW - 100 * DAY, ends=NOW + 100 * DAY)
    for now, which in ((NOW + 20 * DAY + 1, ISSUING), (NOW - 20 * DAY - 1, ISSUING)):
        kind = "certificate_expired" if now > NOW else "certificate_not_yet_valid"
        assert outcome([longest, ISSUING], ROOT, now) == (kind, which.label)
    straight = peer(ROOT, starts=NOW - 100 * DAY, ends=NOW + 100 * DAY)
    assert outcome([straight], ROOT, NOW + 50 * DAY + 1) == ("certificate_expired", ROOT.label)
    assert outcome([straight], ROOT, NOW - 50 * DAY - 1) == ("certificate_not_yet_valid", ROOT.label)


def test_an_anchor_that_has_expired_may_be_configured_and_leads_nowhere() -> None:
    """Configuration has no time of its own, and whoever trusts two authorities keeps the other one."""
    client = peer(ROOT, ends=NOW + 100 * DAY)
    both = Anchors(ROOT.read, authority("Other", ends=NOW + 100 * DAY).read)
    assert outcome([client], both, NOW + 60 * DAY) == ("certificate_expired", ROOT.label)


def test_a_renewed_intermediate_takes_the_place_of_the_one_that_expired() -> None:
    old = authority("Issuing", ROOT, key=ISSUING.key, ends=NOW - 1)
    client = peer(ISSUING)
    for chain in ([client, old, ISSUING], [client, ISSUING, old]):
        assert outcome(chain, ROOT, NOW) == ACCEPTED
    assert outcome([client, old], ROOT, NOW) == ("certificate_expired", old.label)


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (math.nan, "certificate_not_yet_valid"),
        (math.inf, "certificate_expired"),
        (-math.inf, "certificate_not_yet_valid"),
        (1e300, "certificate_expired"),
        (-1e300, "certificate_not_yet_valid"),
        (253402300800.0, "certificate_expired"),  # the year 10000
    ],
)
def test_moments_that_no_calendar_has(now: float, code: str) -> None:
    assert at(now) == (code, CLIENT.label)


def test_the_last_second_of_the_calendar() -> None:
    """99991231235959Z stands for no end at all (section 4.1.2.5)."""
    end = 253402300799.0
    root = authority(ends=end)
    client = peer(root, ends=end)
    assert outcome([client], root, end + 0.75) == ACCEPTED
    assert outcome([client], root, end + 1) == ("certificate_expired", client.label)


def test_the_verifier_keeps_no_time() -> None:
    anchors = Anchors(ROOT.read)
    moments = [NOW, NOW + 2 * DAY, NOW, NOW - 2 * DAY, NOW + DAY, NOW + 2 * DAY]
    codes = [outcome([CLIENT, ISSUING], anchors, now)[0] for now in moments]
    late, early = "certificate_expired", "certificate_not_yet_valid"
    assert codes == ["accepted", late, "accepted", early, "accepted", late]


def test_forged_is_said_before_expired() -> None:
    """Nothing is said about the dates of what nobody vouches for."""
    forged = peer(authority("Issuing"), ends=NOW - 1)
    assert outcome([forged, ISSUING], ROOT, NOW) == ("chain_signature", forged.label)


def test_with_certificates_of_openssl(tmp_path_factory: pytest.TempPathFactory) -> None:
    openssl = OpenSsl(tmp_path_factory.mktemp("time"))
    root = openssl.root()
    issuing = openssl.issue("Issuing", root, extensions=AUTHORITY)
    client = openssl.issue("client", issuing)
    begins = client.read.not_before
    assert outcome([client, issuing], root, begins) == ACCEPTED
    assert outcome([client, issuing], root, root.read.not_after + 1)[0] == "certificate_expired"
    assert outcome([client, issuing], root, root.read.not_before - 1)[0] == "certificate_not_yet_valid"
