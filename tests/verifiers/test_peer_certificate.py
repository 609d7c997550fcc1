from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import BasicConstraints, ExtendedKeyUsage
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

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
    evidence,
    found,
    jwt_entry,
    refusal,
    svid,
    uri_names,
    usage,
    verdict,
)
from tests.wire.signing import signer
from zerotrust.core.ask import Gather
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.finding import Absent, Unavailable
from zerotrust.core.peer import Peer
from zerotrust.core.reason import CERTIFICATE_REVOKED, REVOCATION_UNKNOWN, UNTRUSTED_HOP, Reason
from zerotrust.core.remedy import Action
from zerotrust.driver import NO_SOURCES
from zerotrust.engine import decide
from zerotrust.pki.chain import Anchors, Path
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.pki.svid import svid_refusal
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.pki.trust_bundles import TrustBundles
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.verifiers.svid_evidence import PeerEvidence
from zerotrust.wire.certificate import Certificate, read_certificate
from zerotrust.wire.spiffe import SpiffeId, TrustDomain

PROD_BUNDLE = TrustBundle(PROD, AUTHORITY.pem)
FEDERATION = TrustBundles(PROD_BUNDLE, federated=[TrustBundle(PARTNER, OTHERS.pem)])
PEER = PeerCertificate(FEDERATION, revocation=UNREVOKED)


def anchors(*authorities: LocalAuthority) -> Anchors:
    read = [read_certificate(one.der) for one in authorities]
    return Anchors(*(one for one in read if not isinstance(one, Reason)))


def plain(subject: Any = "dns", **options: Any) -> PeerCertificate:
    return PeerCertificate(anchors(AUTHORITY), subject=subject, revocation=UNREVOKED, **options)


# --- What an SVID proves ----------------------------------------------------------------------------------------------


def test_a_good_svid() -> None:
    issued = svid(dns=["ledger.internal"])
    proven = evidence(PEER, came(issued))
    assert isinstance(proven, PeerEvidence)
    assert proven.spiffe_id == SpiffeId(LEDGER)
    assert (proven.subject, proven.source) == (LEDGER, f"spiffe://{PROD}")
    assert proven.verified_at == NOW
    assert proven.expires_at == proven.not_after == issued.certificate.not_valid_after_utc.timestamp() + 1
    assert proven.names.dns == ("ledger.internal",)
    assert len(proven.issuers) == 2
    assert (proven.hop, proven.asserted_by) == (None, None)


def test_a_certificate_of_the_root_itself() -> None:
    assert evidence(PEER, came(svid(by=AUTHORITY))).subject == LEDGER


def test_through_which_hop_it_came() -> None:
    issued = svid()
    for hop in (None, "edge", None, "other"):  # whatever is remembered of it
        assert evidence(PEER, came(issued, hop=hop)).hop == hop


def test_nothing_presented() -> None:
    assert isinstance(found(PEER, came(None)), Absent)
    assert isinstance(found(PEER, came(Peer())), Absent)


def test_why_a_peer_is_not_believed_is_said() -> None:
    assert refusal(PEER, came(UNTRUSTED_HOP(detail="from elsewhere"))) == UNTRUSTED_HOP(detail="from elsewhere")


def test_it_is_checked_at_each_use() -> None:
    issued = svid()
    assert code(PEER, came(issued)) == "good"
    assert code(PEER, came(issued, now=NOW + 2 * 86400)) == "certificate_expired"
    assert code(PEER, came(issued, now=NOW - 2 * 86400)) != "good"
    assert code(PEER, came(issued)) == "good"


@pytest.mark.parametrize("remember", [0, 1, 4096])
def test_memory_changes_nothing(remember: int) -> None:
    peer = PeerCertificate(FEDERATION, revocation=UNREVOKED, remember=remember)
    ids = [f"spiffe://{PROD}/a", f"spiffe://{PROD}/b", f"spiffe://{PROD}/c"]
    issued = [svid(one) for one in ids]
    for _ in range(2):
        assert [evidence(peer, came(one)).subject for one in issued] == ids
    assert _remembered(peer) == min(remember, 3)


def _remembered(peer: PeerCertificate) -> int:
    return sum(len(kept.findings) for kept in peer._paths._kept.values())


def test_what_is_refused_is_not_remembered() -> None:
    peer = PeerCertificate(FEDERATION, revocation=UNREVOKED)
    for _ in range(3):
        assert code(peer, came(svid(by=STRANGERS))) != "good"
        assert code(peer, came(svid(extensions=[(usage(crl_sign=True), True)]))) == "wrong_svid"
    assert _remembered(peer) == 0


def test_what_two_paths_of_one_leaf_prove_is_kept_apart() -> None:
    """One issuing authority below two roots, of which the bundle holds now this one and now the other."""

    class Turning:
        now = AUTHORITY.pem

        def content(self, now: float) -> bytes:
            return self.now

    extensions: list[Any] = [
        (BasicConstraints(ca=True, path_length=0), True),
        (usage(digital_signature=False, key_cert_sign=True), True),
    ]
    crossed = STRANGERS._sign(ISSUING.certificate.subject, ISSUING.key, days=300, extensions=extensions)
    presented = Peer((*svid().ders, crossed.public_bytes(Encoding.DER)))
    held = Turning()
    peer = PeerCertificate(TrustBundle(PROD, held), revocation=UNREVOKED)
    for root in (AUTHORITY, STRANGERS, AUTHORITY):
        held.now = root.pem
        assert evidence(peer, came(presented)).issuers[-1] == read(root.der).fingerprint


# --- X.509-SVID, rule by rule -----------------------------------------------------------------------------------------


def wrong(issued: Issued) -> str:
    reason = refusal(PEER, came(issued))
    assert reason.code == "wrong_svid"
    assert "workload" in str(reason.presented)  # the certificate is named
    return f"{reason.detail} / {reason.expected}"


@pytest.mark.parametrize(
    ("uris", "why"),
    [
        # Section 2: exactly one URI.
        ([], "0 URIs"),
        ([LEDGER, f"spiffe://{PROD}/other"], "2 URIs"),
        ([LEDGER, LEDGER], "2 URIs"),
        ([LEDGER, "https://ledger.example"], "2 URIs"),
        (["https://ledger.example", LEDGER], "2 URIs"),
        # Section 5.2: its scheme; section 3.1: its path.
        (["https://prod.example/ledger"], "a SPIFFE id"),
        ([f"spiffe://{PROD}"], "a path"),
        ([f"spiffe://{PROD}/"], "empty segment"),
        ([f"spiffe://{PROD}/a?b=c"], "query or a fragment"),
        ([f"spiffe://{PROD}:443/a"], "user information or a port"),
    ],
)
def test_sections_2_3_1_and_5_2_names(uris: list[str], why: str) -> None:
    assert why in wrong(svid(uris=uris))


def test_section_2_names_of_other_kinds_may_be_there() -> None:
    issued = svid(dns=["a.example", "b.example"], emails=["a@b.example"], addresses=["192.0.2.1"])
    assert evidence(PEER, came(issued)).subject == LEDGER


@pytest.mark.parametrize(
    ("key_usage", "critical", "why"),
    [
        (usage(digital_signature=False, key_encipherment=True), True, "digitalSignature"),
        (usage(), False, "a key usage marked critical"),
        (usage(crl_sign=True), True, "neither keyCertSign nor cRLSign"),
        (usage(key_cert_sign=True), True, "neither keyCertSign nor cRLSign"),
        (None, True, "a key usage"),
    ],
)
def test_section_4_3_key_usage_of_the_leaf(key_usage: Any, critical: bool, why: str) -> None:
    issued = with_usage(key_usage, critical)
    assert code(PEER, came(issued)) in {"wrong_svid", "key_usage", "ca_as_peer"}  # what X.509 refuses is refused first
    path = Path(tuple(read(der) for der in (*issued.ders, AUTHORITY.der)), NOW, NOW)
    refused = svid_refusal(path, SpiffeId(LEDGER))
    assert isinstance(refused, Reason)
    assert (refused.code, refused.expected) == ("wrong_svid", why)


def test_section_4_3_no_key_usage_at_all_is_good_x_509_and_no_svid() -> None:
    assert code(PEER, came(with_usage(None, True))) == "wrong_svid"


def with_usage(key_usage: Any, critical: bool) -> Issued:
    """An SVID with this key usage, or without any."""
    if key_usage is not None:
        return svid(extensions=[(key_usage, critical)])
    extensions: list[Any] = [
        (BasicConstraints(ca=False, path_length=None), True),
        (ExtendedKeyUsage([Purpose.CLIENT_AUTH, Purpose.SERVER_AUTH]), False),
        (uri_names(LEDGER), False),
    ]
    key = generate_private_key(SECP256R1())
    subject = svid().certificate.subject
    return Issued(ISSUING._sign(subject, key, days=1, extensions=extensions, starts=-60), key, svid().chain)


def read(der: bytes) -> Certificate:
    certificate = read_certificate(der)
    assert not isinstance(certificate, Reason)
    return certificate


def test_section_4_3_what_the_leaf_may_have_besides() -> None:
    issued = svid(extensions=[(usage(key_encipherment=True, key_agreement=True), True)])
    assert code(PEER, came(issued)) == "good"


@pytest.mark.parametrize(
    "purposes",
    [[Purpose.CLIENT_AUTH], [Purpose.SERVER_AUTH], [], [Purpose.CODE_SIGNING], [Purpose.ANY_EXTENDED_KEY_USAGE]],
)
def test_section_4_4_both_purposes(purposes: list[Any]) -> None:
    refused = refusal(PEER, came(svid(purposes=purposes)))
    assert refused.code == "extended_key_usage"
    assert "section 4.4" in refused.detail
    assert 'PeerCertificate(Anchors..., subject="uri")' in refused.detail


def test_what_is_no_svid_goes_by_its_uri() -> None:
    """As the refusal says: a client's certificate of one's own authority, which has a SPIFFE id and one purpose."""
    issued = svid(purposes=[Purpose.CLIENT_AUTH])
    own = PeerCertificate(anchors(AUTHORITY), revocation=UNREVOKED, subject="uri")
    assert verdict(own.uri(LEDGER), came(issued)) == "yes"


def test_section_4_4_further_purposes_and_critical() -> None:
    purposes = ExtendedKeyUsage([Purpose.SERVER_AUTH, Purpose.CLIENT_AUTH, Purpose.EMAIL_PROTECTION])
    assert code(PEER, came(svid(extensions=[(purposes, True)]))) == "good"


def test_section_4_1_an_authority_is_nobodys_peer() -> None:
    below = AUTHORITY.issue(
        "workload",
        uris=[LEDGER],
        extensions=[(BasicConstraints(ca=True, path_length=None), True), (usage(key_cert_sign=True), True)],
    )
    assert code(PEER, came(below)) == "ca_as_peer"


def signing(uri: str | None, **options: Any) -> LocalAuthority:
    """An authority below the root of prod, with this id of its own."""
    below = AUTHORITY.intermediate("Named Issuing")
    extensions: list[Any] = [
        (BasicConstraints(ca=True, path_length=0), True),
        (usage(digital_signature=False, key_cert_sign=True, crl_sign=True), options.get("critical", True)),
    ]
    if uri is not None:
        extensions.append((uri_names(*uri.split()), False))
    issued = AUTHORITY.issue("Named Issuing", key=below.key, purposes=(), days=300, extensions=extensions)
    below.certificate = issued.certificate
    below._chain = (issued.certificate,)
    return below


def test_section_3_2_an_authority_may_have_an_id_of_its_trust_domain_and_need_not() -> None:
    assert code(PEER, came(svid(by=signing(f"spiffe://{PROD}")))) == "good"
    assert code(PEER, came(svid(by=signing(None)))) == "good"


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        (f"spiffe://{PROD}/issuing", "has a path"),
        (f"spiffe://{PARTNER}", f"an authority of {PARTNER}"),
        ("https://prod.example", "spiffe:// in lower case"),
        (f"spiffe://{PROD} spiffe://{PARTNER}", "several URIs"),
    ],
)
def test_section_3_2_what_an_authority_must_not_be_called(uri: str, why: str) -> None:
    reason = refusal(PEER, came(svid(by=signing(uri))))
    assert reason.code == "wrong_svid"
    assert why in str(reason)
    assert "Named Issuing" in str(reason.presented)


def test_section_4_3_an_authority_with_an_id_marks_its_key_usage_critical() -> None:
    assert code(PEER, came(svid(by=signing(f"spiffe://{PROD}", critical=False)))) == "wrong_svid"
    assert code(PEER, came(svid(by=signing(None, critical=False)))) == "good"


# --- The trust domain picks the bundle --------------------------------------------------------------------------------


def test_the_trust_domain_of_the_leaf_picks_the_bundle() -> None:
    assert evidence(PEER, came(svid(f"spiffe://{PARTNER}/a", by=OTHERS))).source == f"spiffe://{PARTNER}"
    for crossed in (svid(by=OTHERS), svid(f"spiffe://{PARTNER}/a")):
        assert code(PEER, came(crossed)) == "untrusted_chain"


def test_a_trust_domain_without_a_bundle() -> None:
    reason = refusal(PEER, came(svid("spiffe://stranger.example/a")))
    assert reason.code == "unknown_trust_domain"
    assert reason.detail == "stranger.example"
    assert f"{PROD} or {PARTNER}" in str(reason.expected)


def test_a_trust_domain_that_issues_no_certificates() -> None:
    only_tokens = TrustBundle(PROD, bundle(jwt_entry(signer())))
    peer = PeerCertificate(only_tokens, revocation=UNREVOKED)
    assert "no authority for certificates" in refusal(peer, came(svid())).detail


# --- Revocation -------------------------------------------------------------------------------------------------------


class Says(CertificateRevocation):
    def __init__(self, reason: Reason) -> None:
        self.reason = reason

    def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
        yield from ()
        return self.reason


def test_revoked_and_unknown() -> None:
    issued = svid()
    assert (
        code(PeerCertificate(PROD_BUNDLE, revocation=Says(CERTIFICATE_REVOKED())), came(issued))
        == "certificate_revoked"
    )
    assert isinstance(
        found(PeerCertificate(PROD_BUNDLE, revocation=Says(REVOCATION_UNKNOWN())), came(issued)), Unavailable
    )


# --- Certificates of one's own authority ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "names", "expected"),
    [
        ("dns", {"dns": ["ledger.internal"]}, "ledger.internal"),
        ("uri", {"uris": ["urn:service:ledger"]}, "urn:service:ledger"),
        ("email", {"emails": ["ledger@a.example"], "dns": ["a", "b"]}, "ledger@a.example"),
    ],
)
def test_which_name_a_service_goes_by(subject: str, names: dict[str, Any], expected: str) -> None:
    proven = evidence(plain(subject), came(ISSUING.issue(**names)))
    assert (proven.subject, proven.spiffe_id) == (expected, None)
    assert proven.source == "CN=Prod Root"


@pytest.mark.parametrize(("subject", "names"), [("dns", {}), ("dns", {"dns": ["a", "b"]}), ("uri", {"dns": ["a"]})])
def test_no_name_or_several_of_the_kind(subject: str, names: dict[str, Any]) -> None:
    reason = refusal(plain(subject), came(ISSUING.issue("svc", **names)))
    assert reason.code == "wrong_name"
    assert "CN=svc" in str(reason.presented)


def test_a_fingerprint_does_for_any_names() -> None:
    issued = ISSUING.issue(dns=["a", "b"])
    proven = evidence(plain("fingerprint"), came(issued))
    assert proven.subject == proven.fingerprint
    assert verdict(plain("fingerprint").dns("b"), came(issued)) == "yes"


def test_a_spiffe_uri_is_a_uri_to_anchors() -> None:
    proven = evidence(plain("uri"), came(svid()))
    assert (proven.subject, proven.spiffe_id) == (LEDGER, None)


# --- Leaves -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("leaf", "answer"),
    [
        (PEER.spiffe(LEDGER), "yes"),
        (PEER.spiffe(SpiffeId(LEDGER)), "yes"),
        (PEER.spiffe(f"spiffe://{PROD}/a", LEDGER), "yes"),
        (PEER.spiffe(f"spiffe://{PROD}/ns/shop/sa/ledge"), "no"),
        (PEER.spiffe(f"spiffe://{PROD}/ns/shop/sa/Ledger"), "no"),
        (PEER.trust_domain(PROD), "yes"),
        (PEER.trust_domain(TrustDomain(PARTNER)), "no"),
        (PEER.trust_domain(PARTNER, PROD), "yes"),
        (PEER.path("/ns/shop"), "yes"),
        (PEER.path("/ns/shop/sa/ledger"), "yes"),
        (PEER.path("/ns/sho"), "no"),
        (PEER.path("/sa"), "no"),
        (PEER.path("/a", "/ns"), "yes"),
        (PEER.uri(LEDGER), "yes"),
        (PEER.direct, "yes"),
        (PEER.not_expiring_within(timedelta(hours=1)), "yes"),
        (PEER.not_expiring_within(timedelta(days=3)), "no"),
    ],
    ids=str,
)
def test_leaves(leaf: Any, answer: str) -> None:
    assert verdict(leaf, came(svid())) == answer
    assert verdict(leaf, came(None)) == "?"


def test_leaves_are_data() -> None:
    assert str(PEER.spiffe(LEDGER, f"spiffe://{PROD}/a")) == f'peer.spiffe("{LEDGER}", "spiffe://{PROD}/a")'
    assert str(PEER.trust_domain(PROD)) == f'peer.trust_domain("{PROD}")'
    assert str(PEER.path("/ns/prod")) == 'peer.path("/ns/prod")'
    assert PEER.spiffe(LEDGER) == PEER.spiffe(SpiffeId(LEDGER))
    assert hash(PEER.path("/a")) == hash(PEER.path("/a"))
    assert PEER.path("/a") != PEER.path("/b")


def test_what_was_seen_is_explained() -> None:
    decision = decide(PEER.path("/ns/production"), came(svid()), NO_SOURCES)
    assert LEDGER in str(decision)


def test_without_an_id_nothing_is_known() -> None:
    for leaf in (PEER.spiffe(LEDGER), PEER.trust_domain(PROD), PEER.path("/ns")):
        assert isinstance(leaf.question.holds(PEER.blank(NOW), NOW), Reason)


def test_promises_hold() -> None:
    """What a question supposes for an answer gives that answer, from any evidence."""
    starts = [
        PEER.blank(NOW),
        evidence(PEER, came(svid())),
        evidence(PEER, came(svid(f"spiffe://{PARTNER}/0", by=OTHERS))),
    ]
    for leaf in (PEER.spiffe(LEDGER, f"spiffe://{PROD}/0"), PEER.trust_domain(PROD), PEER.path("/ns", "/0")):
        for start in starts:
            for wanted in (True, False):
                supposed = leaf.question.assume(start, wanted, NOW)
                assert leaf.question.holds(supposed, NOW) is wanted
                assert supposed.subject == str(supposed.spiffe_id)


def test_a_promise_of_what_cannot_be_is_none() -> None:
    longest = "/" + "a" * (2048 - len(f"spiffe://{PROD}/"))
    start = evidence(PEER, came(svid(f"spiffe://{PARTNER}/a", by=OTHERS)))
    assert PEER.path(longest).question.assume(start, True, NOW) == start


def test_nothing_a_caller_could_do() -> None:
    assert PEER.action(found(PEER, came(None))) is None  # type: ignore[arg-type]  # it is Absent
    assert PEER.action(Unavailable(REVOCATION_UNKNOWN())) is Action.RETRY


# --- The word of a hop ------------------------------------------------------------------------------------------------

TRUSTING = PeerCertificate(FEDERATION, revocation=UNREVOKED, asserted_by={"linkerd"})


def said(*names: str, hop: str | None = "linkerd") -> Peer:
    return Peer(hop=hop, names=names)


def test_nobodys_word_counts_unless_configured() -> None:
    assert code(PEER, came(said(LEDGER))) == "untrusted_hop"
    assert code(TRUSTING, came(said(LEDGER, hop="edge"))) == "untrusted_hop"
    assert code(TRUSTING, came(said(LEDGER, hop=None))) == "untrusted_hop"


def test_the_word_of_a_hop_says_so() -> None:
    proven = evidence(TRUSTING, came(said(LEDGER, "ledger.shop")))
    assert (proven.asserted_by, proven.hop) == ("linkerd", "linkerd")
    assert (proven.subject, proven.source) == (LEDGER, f"spiffe://{PROD}")
    assert proven.spiffe_id == SpiffeId(LEDGER)
    assert proven.expires_at == NOW + 300
    assert proven.names.dns == ("ledger.shop",)
    assert (proven.fingerprint, proven.spki, proven.issuers) == ("", "", ())


def test_spiffe_leaves_work_over_it_and_pins_stay_open() -> None:
    request = came(said(LEDGER))
    assert verdict(TRUSTING.spiffe(LEDGER), request) == "yes"
    assert verdict(TRUSTING.path("/ns/other"), request) == "no"
    assert verdict(TRUSTING.direct, request) == "no"
    pin = "00" * 32
    for leaf in (TRUSTING.fingerprint(pin), TRUSTING.spki(pin), TRUSTING.issued_by(pin)):
        assert verdict(leaf, request) == "?"
        assert verdict(~leaf, request) == "?"
    assert "says linkerd" in str(decide(TRUSTING.spiffe(LEDGER), request, NO_SOURCES))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), "not_presented"),
        (("",), "malformed"),
        (("a.example",), "wrong_svid"),
        ((LEDGER, f"spiffe://{PROD}/other"), "wrong_svid"),
        ((LEDGER, "https://a.example"), "wrong_svid"),
        ((f"spiffe://{PROD}",), "wrong_svid"),
        ((f"spiffe://{PROD}/a\n",), "malformed"),
        ((f"spiffe://{PROD}/a?b",), "wrong_svid"),
        ((f"spiffe://{PROD}/\u00e9",), "malformed"),
        (("spiffe://stranger.example/a",), "unknown_trust_domain"),
        ((LEDGER, *["a"] * 64), "malformed"),
        ((f"spiffe://{PROD}/" + "a" * 2048,), "malformed"),
    ],
)
def test_words_that_name_no_workload(names: tuple[str, ...], expected: str) -> None:
    assert code(TRUSTING, came(said(*names))) == expected


def test_a_certificate_counts_more_than_a_word() -> None:
    request = came(Peer(svid(f"spiffe://{PROD}/other").ders, "linkerd", (LEDGER,)))
    assert evidence(TRUSTING, request).subject == f"spiffe://{PROD}/other"
    assert code(TRUSTING, came(Peer(svid(by=STRANGERS).ders, "linkerd", (LEDGER,)))) != "good"


def test_words_without_spiffe() -> None:
    name = "web.default.serviceaccount.identity.linkerd.cluster.local"
    peer = plain(asserted_by=["linkerd"])
    proven = evidence(peer, came(said(name)))
    assert (proven.subject, proven.source, proven.asserted_by) == (name, "linkerd", "linkerd")
    assert verdict(peer.dns(name), came(said(name))) == "yes"
    assert code(peer, came(said(name, "second.name"))) == "wrong_name"
    assert code(plain("uri", asserted_by=["linkerd"]), came(said("urn:a"))) == "good"
    assert code(plain("fingerprint", asserted_by=["linkerd"]), came(said(name))) == "wrong_name"


# --- Configuration ----------------------------------------------------------------------------------------------------

make: Any = PeerCertificate  # callers are not all typed


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: make(PROD, revocation=UNREVOKED), 'TrustBundle("prod.example", pem)'),
        (lambda: make(AUTHORITY.pem, revocation=UNREVOKED), "TrustBundle"),
        (lambda: make(PROD_BUNDLE, revocation=None), "revocation"),
        (lambda: make(PROD_BUNDLE), "revocation=Crls(...)"),
        (lambda: make(AUTHORITY.pem.decode() * 9, revocation=UNREVOKED), "federated=[...]), not '-----BEGIN"),
        (lambda: PEER.spiffe([LEDGER]), "spiffe(a, b)"),  # type: ignore[arg-type]
        (lambda: PEER.spiffe(f"spiffe://{PROD}/ns/**"), 'path("/ns")'),
        (lambda: PEER.path("/ns/shop/**"), 'path("/ns/shop")'),
        (lambda: make(PROD_BUNDLE, revocation=False), "revocation"),
        (lambda: make(PROD_BUNDLE, revocation=UNREVOKED, subject="dns"), "leave it out"),
        (lambda: make(anchors(AUTHORITY), revocation=UNREVOKED), "subject=None: say which"),
        (lambda: plain("cn"), "subject='cn': say which"),
        (lambda: plain(remember=-1), "remember=-1"),
        (lambda: plain(remember=True), "remember=True"),
        (lambda: plain(name="a b"), "name='a b'"),
        (lambda: plain(asserted_by=[""]), "asserted_by takes"),
        (lambda: plain(beside="token"), "beside takes a verifier"),
        (lambda: plain().spiffe(LEDGER), "anchors prove none"),
        (lambda: plain().trust_domain(PROD), "anchors prove none"),
        (lambda: plain().path("/a"), "anchors prove none"),
        (lambda: PEER.spiffe(), "takes one or more"),
        (lambda: PEER.path(), "takes one or more"),
        (lambda: PEER.trust_domain(), "takes one or more"),
        (lambda: PEER.spiffe(f"spiffe://{PROD}"), f'write trust_domain("{PROD}")'),
        (lambda: PEER.spiffe("spiffe://stranger.example/a"), "can never hold"),
        (lambda: PEER.spiffe("ledger"), "a SPIFFE id is 'ledger'"),
        (lambda: PEER.trust_domain("stranger.example"), "can never hold"),
        (lambda: PEER.path("/ns/"), "whole segments"),
    ],
)
def test_mistakes(mistake: Any, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        mistake()
    assert message in str(raised.value)


def test_beside_a_token() -> None:
    token = Bearer(Issuer("https://a.example"), audience="a")
    with pytest.raises(PolicyError, match="nothing links"):
        _ = (PEER.valid & token.valid).program
    beside = PeerCertificate(FEDERATION, revocation=UNREVOKED, beside=token)
    assert beside.links == (token,)
    assert len((beside.valid & token.valid).program.verifiers) == 2


def test_needs() -> None:
    assert PEER.needs == ()
    assert PEER.needs_peer
    fetched = TrustBundle(PARTNER, endpoint="https://partner.example/bundle")
    assert [one.__name__ for one in PeerCertificate(fetched, revocation=UNREVOKED).needs] == ["Fetch"]


def test_blank() -> None:
    assert PEER.blank(NOW) == PeerEvidence(f"spiffe://{PROD}", "", NOW, math.inf)
    assert plain().blank(NOW).source == ""
