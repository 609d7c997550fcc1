from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tests.verifiers.peers import (
    AUTHORITY,
    ISSUING,
    LEDGER,
    NOW,
    OTHERS,
    PARTNER,
    PROD,
    STRANGERS,
    UNREVOKED,
    bundle,
    came,
    code,
    jwt_entry,
    pems,
    refusal,
    svid,
    x509_entry,
)
from tests.verifiers.tokens import Web
from tests.wire.signing import signer
from zerotrust.core.ask import SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_DOWN, Reason
from zerotrust.driver import NO_SOURCES, Sources, run
from zerotrust.pki.trust_bundle import Authorities, TrustBundle
from zerotrust.pki.trust_bundles import TrustBundles
from zerotrust.stores.bundle_file import BundleFile
from zerotrust.testing.authority import LocalAuthority
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.wire.spiffe import TrustDomain

URL = "https://partner.example/bundle.json"
ENTRY = x509_entry(AUTHORITY.certificate)
OTHER_ENTRY = x509_entry(STRANGERS.certificate)


NO_KID = {name: value for name, value in jwt_entry(signer()).items() if name != "kid"}
OTHER_USE = {name: value for name, value in ENTRY.items() if name != "use"}


def current(one: TrustBundle, web: Any = None, *, now: float = NOW, **options: Any) -> Authorities:
    return run(one.current(now, **options), NO_SOURCES if web is None else Sources(web))


def trusted(edition: Authorities) -> set[bytes]:
    return set() if edition.anchors is None else {one.der for one in edition.anchors.certificates}


# --- Given ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        AUTHORITY.pem,
        AUTHORITY.pem.decode(),
        AUTHORITY.der,
        bundle(ENTRY),
        bundle(ENTRY).decode(),
        b"\n  " + bundle(ENTRY),
    ],
    ids=["pem", "text", "der", "json", "json text", "blanks"],
)
def test_whatever_form_it_has(content: bytes | str) -> None:
    one = TrustBundle(PROD, content)
    assert trusted(current(one)) == {AUTHORITY.der}
    assert current(one) is current(one)
    assert one.needs == ()
    assert one.trust_domain == TrustDomain(PROD)


def test_several_authorities() -> None:
    one = TrustBundle(TrustDomain(PROD), pems([AUTHORITY, STRANGERS]))
    assert trusted(current(one)) == {AUTHORITY.der, STRANGERS.der}
    for by in (ISSUING, STRANGERS):
        assert code(PeerCertificate(one, revocation=UNREVOKED), came(svid(by=by))) == "good"


def test_verified_offline_from_a_static_bundle() -> None:
    """No agent, no endpoint, no source at all."""
    peer = PeerCertificate(TrustBundle(PROD, bundle(ENTRY, spiffe_sequence=7)), revocation=UNREVOKED)
    assert peer.needs == ()
    assert code(peer, came(svid())) == "good"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TrustBundle(PROD), "one of the two"),
        (lambda: TrustBundle(PROD, AUTHORITY.pem, endpoint=URL), "one of the two"),
        (lambda: TrustBundle("Prod", AUTHORITY.pem), "Write its name alone"),
        (lambda: TrustBundle(f"spiffe://{PROD}", AUTHORITY.pem), "Write its name alone"),
        (lambda: TrustBundle(PROD, b""), "cannot be used"),
        (lambda: TrustBundle(PROD, "/run/spire/bundle.pem"), "BundleFile(path)"),
        (lambda: TrustBundle(PROD, b"./bundle.pem"), "BundleFile(path)"),
        (lambda: TrustBundle(PROD, URL), "write endpoint="),
        (lambda: TrustBundle(PROD, 5), "not int"),  # type: ignore[arg-type]
        (lambda: TrustBundle(PROD, "\ud800"), "cannot be used"),
        (lambda: TrustBundle(PROD, bundle()), "without an authority"),
        (lambda: TrustBundle(PROD, svid(by=AUTHORITY).der), "a workload's certificate"),
        (lambda: TrustBundle(PROD, ISSUING.issue("leaf").der), "a server's certificate, not an authority's"),
        (lambda: TrustBundle(PROD, "pki/ca.pem"), "BundleFile(path)"),
        (lambda: TrustBundle(PROD, b"ca.pem"), "BundleFile(path)"),
        (lambda: TrustBundle(AUTHORITY.pem, PROD), "the trust domain comes first"),  # type: ignore[arg-type]
        (lambda: TrustBundle(AUTHORITY.pem.decode(), PROD), "the trust domain comes first"),
        (lambda: TrustBundle("x/" * 99, AUTHORITY.pem), "x/x..."),
        (lambda: TrustBundle(PROD, b" 0 s:CN = web\n" + b"not PEM"), "BEGIN CERTIFICATE"),
        (lambda: TrustBundle(PROD, b'{"keys": []}'), "it has no keys"),
        (lambda: TrustBundle(PROD, bundle({**ENTRY, "use": "sig"})), "1 key passed over, 1 without use=x509-svid or"),
        (lambda: TrustBundle(PROD, bundle(NO_KID, OTHER_USE)), "2 keys passed over, 1 without use=x509-svid"),
        (lambda: TrustBundle(PROD, bundle(NO_KID)), "1 key passed over: x509-svid takes x5c with a certificate, jwt-"),
        (lambda: TrustBundle(PROD, endpoint="http://partner.example/bundle.json"), "expected https"),
        (lambda: TrustBundle(PROD, endpoint="partner.example"), "endpoint is 'partner.example'"),
        (lambda: TrustBundle(PROD, endpoint=URL, refresh=timedelta(seconds=5)), "refresh=5 s"),
        (lambda: TrustBundle(PROD, endpoint=URL, refresh=timedelta(days=2)), "refresh=2 d"),
        (lambda: TrustBundle(PROD, AUTHORITY.pem, stale_for=5), "stale_for"),  # type: ignore[arg-type]
    ],
)
def test_mistakes(make: Any, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make()
    assert message in str(raised.value)


def test_what_openssl_shows_of_a_connection_is_pem() -> None:
    """`openssl s_client -showcerts` begins with ` 0 s:CN = ...`, and text between certificates is passed over."""
    shown = b" 0 s:CN = Prod\n   i:CN = Prod\n" + AUTHORITY.pem
    for content in (shown, shown.lstrip()):
        assert trusted(current(TrustBundle(PROD, content))) == {AUTHORITY.der}


def test_a_file_is_named_in_what_is_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(b"not a bundle")
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        TrustBundle(PROD, BundleFile(path))


def test_nothing_shows_but_the_name() -> None:
    assert repr(TrustBundle(PROD, AUTHORITY.pem)) == "TrustBundle('prod.example', given)"
    assert repr(TrustBundle(PROD, endpoint=URL)) == f"TrustBundle('prod.example', '{URL}')"


# --- Fetched ----------------------------------------------------------------------------------------------------------


def test_fetched() -> None:
    web = Web({URL: bundle(x509_entry(OTHERS.certificate))})
    one = TrustBundle(PARTNER, endpoint=URL)
    peer = PeerCertificate(one, revocation=UNREVOKED)
    assert code(peer, came(svid(f"spiffe://{PARTNER}/a", by=OTHERS)), Sources(web)) == "good"
    assert web.urls == [URL]


def test_the_same_bytes_are_the_same_authorities() -> None:
    """What was validated is remembered by the anchors it was validated with."""
    web, one = Web({URL: bundle(ENTRY)}), TrustBundle(PROD, endpoint=URL)
    first = current(one, web)
    web.publish(URL, bundle(ENTRY), NOW)
    assert current(one, web) is first
    web.publish(URL, bundle(ENTRY, OTHER_ENTRY), NOW)
    assert current(one, web) is not first


def test_a_new_edition_counts_at_once() -> None:
    web, one = Web({URL: bundle(ENTRY)}), TrustBundle(PROD, endpoint=URL)
    peer = PeerCertificate(one, revocation=UNREVOKED)
    old, new = came(svid()), came(svid(by=STRANGERS))
    assert [code(peer, each, Sources(web)) == "good" for each in (old, new)] == [True, False]
    web.publish(URL, bundle(OTHER_ENTRY))
    assert [code(peer, each, Sources(web)) == "good" for each in (old, new)] == [False, True]


def test_an_endpoint_that_is_down() -> None:
    peer = PeerCertificate(TrustBundle(PROD, endpoint=URL), revocation=UNREVOKED)
    assert code(peer, came(svid()), Sources(Web())) == "source_down"


def test_trouble_with_an_endpoint_is_told() -> None:
    web, one = Web(), TrustBundle(PROD, endpoint=URL)
    with pytest.raises(SourceFailed, match=rf"the bundle of prod\.example, {URL}"):
        current(one, web)
    assert one.trouble is not None
    assert one.trouble.code == "source_down"
    web.publish(URL, bundle(ENTRY))
    first = current(one, web)
    assert one.trouble is None
    # A fetcher that has a good one asks whether the next is good, and keeps the good one if not.
    unusable = web.asked[-1].unusable
    assert unusable is not None
    unusable(b"garbage")
    assert one.trouble is not None
    assert current(one, web) is first
    assert one.trouble is not None
    unusable(bundle(ENTRY))
    assert one.trouble is None
    web.publish(URL, b"garbage")
    with pytest.raises(SourceFailed, match=PROD):
        current(one, web)
    assert one.trouble is not None


def test_an_endpoint_that_is_back_with_the_same_is_no_trouble() -> None:
    web, one = Web({URL: bundle(ENTRY)}), TrustBundle(PROD, endpoint=URL)
    first = current(one, web)
    with pytest.raises(SourceFailed):
        current(one, Web())
    assert one.trouble is not None
    assert current(one, web) is first
    assert one.trouble is None


@pytest.mark.parametrize("body", [b"{}", b"not json", bundle(), b'{"keys": 1}'])
def test_what_is_no_bundle_is_refused_before_it_takes_the_place_of_one(body: bytes) -> None:
    web, one = Web({URL: body}), TrustBundle(PROD, endpoint=URL)
    with pytest.raises(SourceFailed, match=PROD):
        current(one, web)
    unusable = web.asked[0].unusable
    assert unusable is not None
    assert isinstance(unusable(body), Reason)
    assert unusable(bundle(ENTRY)) is None


def test_an_edition_before_the_last_is_refused() -> None:
    web, one = Web({URL: bundle(ENTRY, spiffe_sequence=5)}), TrustBundle(PROD, endpoint=URL)
    current(one, web)
    unusable = web.asked[0].unusable
    assert unusable is not None
    assert "earlier edition" in str(unusable(bundle(OTHER_ENTRY, spiffe_sequence=4)))
    assert "from 5 on" in str(unusable(bundle(OTHER_ENTRY, spiffe_sequence=0)))
    assert unusable(bundle(OTHER_ENTRY, spiffe_sequence=5)) is None
    assert unusable(bundle(OTHER_ENTRY, spiffe_sequence=6)) is None
    assert unusable(bundle(OTHER_ENTRY)) is None  # Federation section 4.2: the latest that came counts
    web.publish(URL, bundle(OTHER_ENTRY, spiffe_sequence=4))
    with pytest.raises(SourceFailed, match="earlier edition"):
        current(one, web)


def test_numbers_are_remembered_over_editions_without() -> None:
    web, one = Web({URL: bundle(ENTRY, spiffe_sequence=5)}), TrustBundle(PROD, endpoint=URL)
    current(one, web)
    web.publish(URL, bundle(OTHER_ENTRY))
    current(one, web)
    web.publish(URL, bundle(ENTRY, spiffe_sequence=4))
    with pytest.raises(SourceFailed, match="earlier edition"):
        current(one, web)


def test_what_was_only_looked_at_sets_no_number() -> None:
    """A body that some cache judged and nobody was given must not lock the others out."""
    web, one = Web({URL: bundle(ENTRY, spiffe_sequence=5)}), TrustBundle(PROD, endpoint=URL)
    current(one, web)
    unusable = web.asked[0].unusable
    assert unusable is not None
    assert unusable(bundle(ENTRY, spiffe_sequence=9)) is None
    assert unusable(bundle(ENTRY, spiffe_sequence=6)) is None


def test_private_keys_end_the_edition_before_at_once() -> None:
    web, one = Web({URL: bundle(ENTRY)}), TrustBundle(PROD, endpoint=URL)
    current(one, web)
    leaked = bundle(ENTRY, {**jwt_entry(signer()), "d": "AAAA"})
    assert web.asked[0].unusable is not None
    assert web.asked[0].unusable(leaked) is None  # it takes the place of the good one
    web.publish(URL, leaked)
    with pytest.raises(SourceFailed, match="private keys"):
        current(one, web)


@pytest.mark.parametrize(
    ("members", "seconds"),
    [
        ({}, 300),  # Federation section 4.1: five minutes where it does not say
        ({"spiffe_refresh_hint": 600}, 600),
        ({"spiffe_refresh_hint": 0}, 60),
        ({"spiffe_refresh_hint": 1}, 60),
        ({"spiffe_refresh_hint": 10**9}, 86400),
    ],
)
def test_a_newer_edition_is_looked_for_as_often_as_it_says_within_bounds(
    members: dict[str, int], seconds: float
) -> None:
    web, one = Web(), TrustBundle(PROD, endpoint=URL)
    web.publish(URL, bundle(ENTRY, **members), NOW)
    for now, newer_than in (
        (NOW, float("-inf")),
        (NOW + seconds - 1, float("-inf")),
        (NOW + seconds, NOW),
        (NOW + 9 * 86400, NOW),
    ):
        current(one, web, now=now)
        assert web.asked[-1].newer_than == newer_than


def test_the_time_where_it_does_not_say_is_configured() -> None:
    web, one = Web(), TrustBundle(PROD, endpoint=URL, refresh=timedelta(hours=1))
    web.publish(URL, bundle(ENTRY), NOW)
    for now in (NOW, NOW + 3599, NOW + 3600):
        current(one, web, now=now)
    assert [one.newer_than for one in web.asked] == [float("-inf"), float("-inf"), NOW]


def test_a_newer_one_for_what_this_one_lacks() -> None:
    web, one = Web(), TrustBundle(PROD, endpoint=URL)
    web.publish(URL, bundle(ENTRY), NOW)
    first = current(one, web)
    current(one, web, unseen=first)
    assert web.asked[-1].newer_than == NOW
    web.publish(URL, bundle(OTHER_ENTRY), NOW)
    second = current(one, web, unseen=first)
    assert second is not first
    current(one, web, unseen=first)  # which is no longer the one that counts
    assert web.asked[-1].newer_than == float("-inf")


# --- Held -------------------------------------------------------------------------------------------------------------


class Held:
    """A file that says what it is told."""

    def __init__(self, content: bytes | Reason) -> None:
        self.now: bytes | Reason = content

    def content(self, now: float) -> bytes | Reason:
        return self.now


def test_a_change_counts_at_once_and_the_same_bytes_are_the_same_authorities() -> None:
    held = Held(bundle(ENTRY))
    one = TrustBundle(PROD, held)
    first = current(one)
    held.now = bytes(bytearray(bundle(ENTRY)))  # written anew
    assert current(one) is first
    held.now = bundle(OTHER_ENTRY)
    assert trusted(current(one)) == {STRANGERS.der}
    assert one.trouble is None


@pytest.mark.parametrize(
    "broken",
    [b"", b"not a bundle", bundle(), SOURCE_DOWN(detail="gone"), bundle(ENTRY, spiffe_sequence=4)],
    ids=("empty", "text", "no entries", "reason", "older"),
)
def test_a_broken_reload_keeps_the_old_one_until_its_limit(broken: bytes | Reason) -> None:
    held = Held(bundle(ENTRY, OTHER_ENTRY, spiffe_sequence=5))
    one = TrustBundle(PROD, held, stale_for=timedelta(hours=2))
    first = current(one)
    held.now = broken
    assert current(one, now=NOW + 10) is first
    assert isinstance(one.trouble, Reason)
    assert current(one, now=NOW + 10 + 7199) is first
    with pytest.raises(SourceFailed, match=PROD):
        current(one, now=NOW + 10 + 7200)
    held.now = bundle(ENTRY, spiffe_sequence=6)
    assert trusted(current(one, now=NOW + 99999)) == {AUTHORITY.der}
    assert one.trouble is None
    held.now = broken  # a new trouble has its own time
    assert trusted(current(one, now=NOW + 100000 + 7199)) == {AUTHORITY.der}


def test_no_patience_at_all() -> None:
    held = Held(bundle(ENTRY))
    one = TrustBundle(PROD, held, stale_for=timedelta(0))
    held.now = b""
    with pytest.raises(SourceFailed):
        current(one)
    held.now = bundle(ENTRY)
    assert trusted(current(one)) == {AUTHORITY.der}


def test_private_keys_in_a_file_end_the_edition_before_at_once() -> None:
    held = Held(AUTHORITY.pem)
    one = TrustBundle(PROD, held)
    held.now = AUTHORITY.pem + svid().key_pem
    with pytest.raises(SourceFailed, match="private key"):
        current(one)


AFTER = [SOURCE_DOWN(detail="gone"), b"garbage", b"", AUTHORITY.pem]


@pytest.mark.parametrize("then", AFTER, ids=["gone", "garbage", "empty", "as before"])
def test_what_private_keys_ended_never_comes_back(then: bytes | Reason) -> None:
    held = Held(AUTHORITY.pem)
    one = TrustBundle(PROD, held)
    leaked = AUTHORITY.pem + svid().key_pem
    for number, held.now in enumerate([leaked, then, leaked, then]):
        with pytest.raises(SourceFailed):
            current(one, now=NOW + number)
        assert isinstance(one.trouble, Reason)
    held.now = STRANGERS.pem
    assert trusted(current(one)) == {STRANGERS.der}
    assert one.trouble is None


def test_what_private_keys_ended_does_not_come_back_by_the_network() -> None:
    web, one = Web({URL: bundle(ENTRY)}), TrustBundle(PROD, endpoint=URL)
    current(one, web)
    web.publish(URL, bundle(ENTRY, {**jwt_entry(signer()), "d": "AAAA"}))
    for _ in range(2):
        with pytest.raises(SourceFailed, match="private keys"):
            current(one, web)
        web.publish(URL, bundle(ENTRY))
    web.publish(URL, bundle(OTHER_ENTRY))
    assert trusted(current(one, web)) == {STRANGERS.der}


def test_a_file_has_to_be_good_when_the_program_starts() -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        TrustBundle(PROD, Held(b"not yet"))
    with pytest.raises(ConfigError, match="gone"):
        TrustBundle(PROD, Held(SOURCE_DOWN(detail="gone")))


# --- Several trust domains --------------------------------------------------------------------------------------------


def test_federation_is_by_name() -> None:
    own, partner = TrustBundle(PROD, AUTHORITY.pem), TrustBundle(PARTNER, endpoint=URL)
    both = TrustBundles(own, federated=[partner])
    assert both.of(TrustDomain(PROD)) is own
    assert both.of(TrustDomain(PARTNER)) is partner
    assert both.of(TrustDomain("stranger.example")) is None
    assert both.own is own
    assert list(both) == [own, partner]
    assert repr(both) == f"TrustBundles({PROD}, {PARTNER})"
    assert [one.__name__ for one in both.needs] == ["Fetch"]


several: Any = TrustBundles  # callers are not all typed


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda one: several(one, federated=[TrustBundle(PROD, OTHERS.pem)]), r"two bundles for prod\.example"),
        (lambda one: several(one, federated=[one]), r"two bundles for prod\.example"),
        (lambda one: several(one, federated=[PARTNER]), r"takes a TrustBundle.*; not 'partner\.example'"),
        (lambda one: several(one, federated=TrustBundle(PARTNER, OTHERS.pem)), r"write federated=\[TrustBundle"),
        (lambda one: several(one, federated=5), r"federated=\[TrustBundle.*; not 5"),
        (lambda one: several(PROD), r"takes a TrustBundle.*; not 'prod\.example'"),
        (lambda one: several([one]), r"takes a TrustBundle.*; not \[TrustBundle"),
        (lambda one: several(AUTHORITY.pem), r"; not .{80}$"),
    ],
)
def test_mistakes_with_several(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(TrustBundle(PROD, AUTHORITY.pem))


def test_one_that_is_down_does_not_take_the_others_with_it() -> None:
    both = TrustBundles(TrustBundle(PROD, AUTHORITY.pem), federated=[TrustBundle(PARTNER, endpoint=URL)])
    peer = PeerCertificate(both, revocation=UNREVOKED)
    assert code(peer, came(svid(LEDGER)), Sources(Web())) == "good"
    assert code(peer, came(svid(f"spiffe://{PARTNER}/a", by=OTHERS)), Sources(Web())) == "source_down"


def test_nothing_of_an_authority_is_in_reasons_but_its_name() -> None:
    reason = refusal(PeerCertificate(TrustBundle(PROD, AUTHORITY.pem), revocation=UNREVOKED), came(svid(by=STRANGERS)))
    assert "BEGIN" not in str(reason)


def test_an_authority_that_cannot_be_one_does_not_take_the_others_with_it() -> None:
    """In a bundle that is published; a list that somebody wrote is used whole or not at all."""
    weak = LocalAuthority("Weak Root", now=NOW, key=generate_private_key(65537, 1024))
    leaf = AUTHORITY.issue("leaf")
    one = TrustBundle(PROD, bundle(x509_entry(weak.certificate), ENTRY, x509_entry(leaf.certificate)))
    assert trusted(current(one)) == {AUTHORITY.der}
    with pytest.raises(ConfigError, match="Weak Root"):
        TrustBundle(PROD, weak.pem + AUTHORITY.pem)
    with pytest.raises(ConfigError, match="none of its authorities"):
        TrustBundle(PROD, bundle(x509_entry(weak.certificate)))
    with_tokens = TrustBundle(PROD, bundle(x509_entry(weak.certificate), jwt_entry(signer())))
    assert current(with_tokens).anchors is None
