"""What OCSP says of a path (RFC 6960), asked by GET or stapled: who may answer, about what, and for how long."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from tests.pki.revoking import (
    DAY,
    DIRECT,
    GOOD,
    ISSUING,
    LEAF,
    NOW,
    OTHER,
    ROOT,
    STRANGER,
    Served,
    against,
    certificate,
    path_of,
    verdict,
    why,
)
from zerotrust.core.ask import Fetch
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import hours
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.driver import Sources
from zerotrust.pki.crls import Crls
from zerotrust.pki.ocsp import Ocsp
from zerotrust.pki.revocation_strictness import FirstOf
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.testing.revoking import _produced, crl, ocsp_response, responder
from zerotrust.wire.ocsp import MAX_RESPONSE, certificate_id, request_url

Status = ocsp.OCSPCertStatus
URL = "http://ocsp.example.com"


def url_of(issued: Issued, by: LocalAuthority, base: str = URL, algorithm: str = "sha1") -> str:
    return request_url(base, certificate_id(certificate(issued.der), certificate(by.der), algorithm))


def stapled(response: bytes, issued: Issued = DIRECT, **options: Any) -> str:
    return verdict(Ocsp(stapled_only=True, **options.pop("settings", {})), issued, stapled=response, **options)


# --- Asking -----------------------------------------------------------------------------------------------------------


def test_every_certificate_but_the_anchor_is_asked_about() -> None:
    below = Issued(ISSUING.certificate, ISSUING.key)
    world = Served(
        {url_of(LEAF, ISSUING): ocsp_response(ISSUING, LEAF), url_of(below, ROOT): ocsp_response(ROOT, ISSUING)}
    )
    way = Ocsp(URL)
    assert way.needs == (Fetch,)
    assert verdict(way, sources=Sources(world)) == GOOD
    assert [ask.url for ask in world.asked] == list(world.documents)
    assert (world.asked[0].limit, world.asked[0].signed) == (MAX_RESPONSE, ("application/ocsp-response",))
    world.documents[url_of(below, ROOT)] = ocsp_response(ROOT, ISSUING, Status.REVOKED, starts=-60)
    reason = against(way, sources=Sources(world))
    assert reason is not None
    assert (reason.code, str(reason.presented)[:11]) == ("certificate_revoked", "CN=Issuing ")
    assert reason.detail == "keyCompromise since 07:59, says OCSP"


def test_nobody_answers() -> None:
    assert verdict(Ocsp(URL), DIRECT, sources=Sources(Served())) == "revocation_unknown"
    assert why(Ocsp(URL), DIRECT, sources=Sources(Served())) == "a source did not answer: nobody there"
    down = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    world = Served({url_of(DIRECT, ROOT): down.public_bytes(Encoding.DER)})
    assert "try_later" in why(Ocsp(URL), DIRECT, sources=Sources(world))


def test_the_responder_does_not_know_it() -> None:
    assert stapled(ocsp_response(ROOT, DIRECT, Status.UNKNOWN)) == "revocation_unknown"


def test_requests_name_the_issuer_by_either_hash() -> None:
    response = ocsp_response(ROOT, DIRECT, algorithm=SHA256())
    world = Served({url_of(DIRECT, ROOT, algorithm="sha256"): response})
    assert verdict(Ocsp(URL, algorithm="sha256"), DIRECT, sources=Sources(world)) == GOOD
    assert stapled(response) == GOOD


def test_of_several_responders_the_certificate_says_which() -> None:
    def naming(*urls: str) -> Issued:
        access = [
            x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))
            for url in urls
        ]
        return ROOT.issue("client", extensions=[(x509.AuthorityInformationAccess(access), False)])

    one, two, evil = "http://one.example.com", "http://two.example.com", "http://evil.example.com"
    for issued, base in ((naming(two), two), (naming(evil, one), one)):
        world = Served({url_of(issued, ROOT, base): ocsp_response(ROOT, issued)})
        assert verdict(Ocsp(one, two), issued, sources=Sources(world)) == GOOD
    for issued in (naming(evil), naming(one + "/x"), DIRECT):
        world = Served()
        assert why(Ocsp(one, two), issued, sources=Sources(world)) == "it names none of the responders to ask"
        assert world.asked == []
    # One alone is asked about every certificate, whatever that says.
    world = Served({url_of(issued := naming(evil), ROOT): ocsp_response(ROOT, issued)})
    assert verdict(Ocsp(URL), issued, sources=Sources(world)) == GOOD


def test_what_is_due_is_asked_for_anew() -> None:
    where = url_of(DIRECT, ROOT)
    world = Served({where: ocsp_response(ROOT, DIRECT)})
    way = Ocsp(URL)
    for now in (NOW, NOW + 3600, NOW + DAY):
        verdict(way, DIRECT, sources=Sources(world), now=now)
    assert [ask.newer_than for ask in world.asked] == [float("-inf"), float("-inf"), NOW]


# --- Stapled ----------------------------------------------------------------------------------------------------------


def test_stapled() -> None:
    assert stapled(ocsp_response(ROOT, DIRECT)) == GOOD
    assert Ocsp(stapled_only=True).needs == ()
    assert stapled(b"") == "no_source"
    world = Served({url_of(DIRECT, ROOT): ocsp_response(ROOT, DIRECT, Status.REVOKED)})
    asks = Sources(world)
    assert verdict(Ocsp(URL), DIRECT, stapled=ocsp_response(ROOT, DIRECT), sources=asks) == GOOD
    assert world.asked == []
    # What is of no use does not count against anybody.
    assert verdict(Ocsp(URL), DIRECT, stapled=b"nonsense", sources=asks) == "certificate_revoked"
    assert verdict(Ocsp(URL, stapled=False), DIRECT, stapled=ocsp_response(ROOT, DIRECT), sources=asks) == (
        "certificate_revoked"
    )
    assert why(Ocsp(URL), DIRECT, stapled=b"nonsense", sources=Sources(Served())).startswith("stapled: malformed")


def test_what_is_stapled_says_nothing_of_authorities() -> None:
    reason = against(Ocsp(stapled_only=True), stapled=ocsp_response(ISSUING, LEAF))
    assert str(reason).startswith(
        "no source was configured that can answer: what is stapled is about the leaf, and there is no URL to ask "
        "(presented CN=Issuing "
    )
    # What comes with the leaf is about the leaf (RFC 8446 section 4.4.2.1), though it be signed by the right one.
    way = FirstOf(Crls(crl(ISSUING)), Ocsp(stapled_only=True))
    assert verdict(way, stapled=ocsp_response(ROOT, ISSUING)) == "revocation_unknown"
    assert why(Ocsp(stapled_only=True), DIRECT) == "nothing is stapled"


# --- Who may answer ---------------------------------------------------------------------------------------------------


def test_the_authority_itself_or_whom_it_appointed() -> None:
    for by_name in (False, True):
        assert stapled(ocsp_response(ROOT, DIRECT, by_name=by_name)) == GOOD
        assert stapled(ocsp_response(ROOT, DIRECT, signer=responder(ROOT), by_name=by_name)) == GOOD
    assert stapled(ocsp_response(ROOT, DIRECT, Status.REVOKED, signer=responder(ROOT))) == "certificate_revoked"


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        (lambda: responder(STRANGER), "did not appoint"),
        (lambda: responder(ISSUING), "did not appoint"),
        (lambda: LEAF, "did not appoint"),
        (lambda: DIRECT, "OCSPSigning"),
        (lambda: responder(ROOT, purposes=()), "OCSPSigning"),
        (lambda: responder(ROOT, purposes=(x509.oid.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)), "OCSPSigning"),
        (lambda: responder(ROOT, nocheck=False), "id-pkix-ocsp-nocheck"),
        (lambda: responder(ROOT, days=0.02), "not valid now"),
        (lambda: ROOT.issue("r", extensions=[(x509.OCSPNoCheck(), False), (x509.UnrecognizedExtension(
            x509.ObjectIdentifier("1.2.3.4"), b""), True)]), "not valid now"),
    ],
)  # fmt: skip
def test_who_may_not(wrong: Any, because: str) -> None:
    response = ocsp_response(ROOT, DIRECT, signer=wrong())
    assert stapled(response) == "revocation_unknown"
    assert because in why(Ocsp(stapled_only=True), DIRECT, stapled=response)


def test_the_key_usage_of_a_responder() -> None:
    usage = x509.KeyUsage(False, True, False, False, False, False, False, False, False)
    purposes = (x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING,)
    other = ROOT.issue("r", purposes=purposes, extensions=[(usage, True), (x509.OCSPNoCheck(), False)])
    assert "digitalSignature" in why(Ocsp(stapled_only=True), DIRECT, stapled=ocsp_response(ROOT, DIRECT, signer=other))


def test_a_signature_of_somebody_else() -> None:
    namesake = LocalAuthority("Root", now=NOW, key=STRANGER.key)
    assert stapled(ocsp_response(namesake, DIRECT, by_name=True)) == "revocation_unknown"
    assert stapled(ocsp_response(ROOT, DIRECT, key=STRANGER.key)) == "revocation_unknown"
    assert stapled(ocsp_response(ROOT, DIRECT, signer=responder(ROOT), key=STRANGER.key)) == "revocation_unknown"
    assert stapled(ocsp_response(ROOT, DIRECT, signer=responder(ROOT), key=ROOT.key)) == "revocation_unknown"


def test_a_delegate_that_the_response_does_not_name() -> None:
    delegate = responder(ROOT, "Responder A")
    response = ocsp_response(ROOT, DIRECT, signer=delegate, by_name=True)
    assert stapled(response) == GOOD
    other = ocsp.load_der_ocsp_response(response.replace(b"Responder A", b"Responder B", 1))
    assert other.responder_name != delegate.certificate.subject
    assert "no certificate of the responder" in why(
        Ocsp(stapled_only=True), DIRECT, stapled=_produced(other, NOW, delegate.key)
    )


def test_a_delegate_with_a_weak_key() -> None:
    purposes = (x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING,)
    weak = rsa.generate_private_key(3, 2048)
    delegate = ROOT.issue("r", purposes=purposes, extensions=[(x509.OCSPNoCheck(), False)], key=weak)
    assert "too weak" in why(Ocsp(stapled_only=True), DIRECT, stapled=ocsp_response(ROOT, DIRECT, signer=delegate))


# --- About what, and for how long -------------------------------------------------------------------------------------


def test_a_response_about_another_certificate() -> None:
    other = ROOT.issue("another")
    assert why(Ocsp(stapled_only=True), DIRECT, stapled=ocsp_response(ROOT, other)) == (
        "stapled: the OCSP response is about another certificate"
    )
    # Of the same serial number, but of another authority.
    alike = Issued(DIRECT.certificate, DIRECT.key)
    assert stapled(ocsp_response(ISSUING, alike)) == "revocation_unknown"
    assert stapled(ocsp_response(STRANGER, alike)) == "revocation_unknown"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW - 3600 - 61, "revocation_unknown"),
        (NOW - 3600 - 60, GOOD),
        (NOW - 3600 + DAY - 1, GOOD),
        (NOW - 3600 + DAY, "revocation_unknown"),
    ],
)
def test_a_response_counts_from_this_update_to_the_next(now: float, expected: str) -> None:
    path, way, response = path_of(DIRECT), Ocsp(stapled_only=True), ocsp_response(ROOT, DIRECT)
    for _ in range(2):
        assert verdict(way, DIRECT, path=path, now=now, stapled=response) == expected
        assert verdict(way, DIRECT, path=path, now=NOW, stapled=response) == GOOD


def test_at_most_old() -> None:
    response = ocsp_response(ROOT, DIRECT)
    settings = {"at_most_old": hours(2)}
    assert stapled(response, now=NOW + 3600, settings=settings) == GOOD
    assert stapled(response, now=NOW + 3601, settings=settings) == "revocation_unknown"
    assert stapled(ocsp_response(ROOT, DIRECT, days=None), settings=settings) == GOOD
    assert "at_most_old= is not given" in why(
        Ocsp(stapled_only=True), DIRECT, stapled=ocsp_response(ROOT, DIRECT, days=None)
    )


def test_produced_in_the_future() -> None:
    for response in (
        ocsp_response(ROOT, DIRECT, starts=3600, produced=-60),
        ocsp_response(ROOT, DIRECT, produced=3600),
    ):
        assert "in the future" in why(Ocsp(stapled_only=True), DIRECT, stapled=response)
    assert stapled(ocsp_response(ROOT, DIRECT, produced=60)) == GOOD


def test_what_was_revoked_stays_so_when_the_response_is_out_of_date() -> None:
    assert stapled(ocsp_response(ROOT, DIRECT, Status.REVOKED), now=NOW + 9 * DAY) == "certificate_revoked"


def test_an_older_response_that_comes_after_is_not_believed() -> None:
    way = Ocsp(stapled_only=True)
    before, after = ocsp_response(ROOT, DIRECT), ocsp_response(ROOT, DIRECT, Status.REVOKED, starts=-60)
    assert verdict(way, DIRECT, stapled=before) == GOOD
    assert verdict(way, DIRECT, stapled=after) == "certificate_revoked"
    for _ in range(2):
        assert verdict(way, DIRECT, stapled=before) == "certificate_revoked"
    assert verdict(way, DIRECT, stapled=ocsp_response(ROOT, DIRECT, starts=-30)) == GOOD  # released since


def test_of_one_moment_what_is_revoked_counts() -> None:
    way = Ocsp(stapled_only=True)
    good, revoked = ocsp_response(ROOT, DIRECT), ocsp_response(ROOT, DIRECT, Status.REVOKED)
    for response in (good, revoked, good):
        last = verdict(way, DIRECT, stapled=response)
    assert last == "certificate_revoked"


def test_a_response_from_the_future_does_not_shut_out_that_of_today() -> None:
    way = Ocsp(stapled_only=True)
    assert verdict(way, DIRECT, stapled=ocsp_response(ROOT, DIRECT, starts=3600)) == "revocation_unknown"
    assert verdict(way, DIRECT, stapled=ocsp_response(ROOT, DIRECT)) == GOOD


def test_a_signature_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from zerotrust.pki import ocsp as module

    way, response = Ocsp(stapled_only=True), ocsp_response(ROOT, DIRECT)
    assert verdict(way, DIRECT, stapled=response) == GOOD
    monkeypatch.setattr(module, "read_ocsp", lambda _: pytest.fail("read again"))
    assert verdict(way, DIRECT, stapled=response) == GOOD


def test_what_is_remembered_is_bounded() -> None:
    way = Ocsp(stapled_only=True, remember=1)
    revoked = ocsp_response(ROOT, DIRECT, Status.REVOKED, starts=-60)
    assert verdict(way, DIRECT, stapled=revoked) == "certificate_revoked"
    other = ROOT.issue("another")
    assert verdict(way, other, stapled=ocsp_response(ROOT, other)) == GOOD
    assert verdict(way, DIRECT, stapled=ocsp_response(ROOT, DIRECT)) == GOOD  # forgotten


def test_a_response_lasts_no_longer_than_the_certificate_of_who_signed_it() -> None:
    """RFC 6960 section 4.2.2.2: whom the authority appointed, it appointed for so long."""
    signer = responder(ROOT, days=1)
    ends = signer.certificate.not_valid_after_utc.timestamp() + 1
    response = ocsp_response(ROOT, DIRECT, signer=signer, days=20)
    path, way, where = path_of(DIRECT), Ocsp(URL), url_of(DIRECT, ROOT)
    world = Served({where: response})
    asks = {"path": path, "sources": Sources(world)}
    assert verdict(way, DIRECT, **asks) == verdict(way, DIRECT, now=ends - 1, **asks) == GOOD
    assert verdict(way, DIRECT, now=ends, **asks) == "revocation_unknown"
    assert [ask.newer_than for ask in world.asked] == [float("-inf"), float("-inf"), NOW]  # it is no more use
    assert verdict(way, DIRECT, now=signer.certificate.not_valid_before_utc.timestamp() - 1, **asks) == (
        "revocation_unknown"
    )
    # What is revoked stays so.
    revoked = ocsp_response(ROOT, DIRECT, Status.REVOKED, signer=signer, days=20)
    way = Ocsp(stapled_only=True)
    for now in (NOW, ends):
        assert verdict(way, DIRECT, path=path, now=now, stapled=revoked) == "certificate_revoked"


def test_nothing_that_is_of_no_use_displaces_what_is_known() -> None:
    where = url_of(DIRECT, ROOT)
    for status, expected in ((Status.REVOKED, "certificate_revoked"), (Status.GOOD, GOOD)):
        world = Served({where: ocsp_response(ROOT, DIRECT, status)})
        way, asks = Ocsp(URL), Sources(world)
        assert verdict(way, DIRECT, sources=asks) == expected
        forged = ocsp_response(ROOT, DIRECT, Status.UNKNOWN, key=STRANGER.key, starts=-60)
        for trouble in (SOURCE_DOWN(), b"no response", forged):
            world.documents[where] = trouble
            for stapled in (b"", b"nonsense"):
                assert verdict(way, DIRECT, sources=asks, stapled=stapled) == expected
        late = verdict(way, DIRECT, sources=asks, now=NOW + DAY)
        assert late == ("certificate_revoked" if status is Status.REVOKED else "revocation_unknown")
        world.documents[where] = ocsp_response(ROOT, DIRECT, Status.UNKNOWN, starts=-30)
        assert verdict(way, DIRECT, sources=asks) == "revocation_unknown"  # genuine, and newer


def test_one_leaf_is_not_taken_for_another() -> None:
    way = Ocsp(URL)
    below = Issued(ISSUING.certificate, ISSUING.key)
    world = Served(
        {
            url_of(LEAF, ISSUING): ocsp_response(ISSUING, LEAF),
            url_of(OTHER, ISSUING): ocsp_response(ISSUING, LEAF),  # a cache in between that mixes them up
            url_of(below, ROOT): ocsp_response(ROOT, ISSUING),
        }
    )
    assert verdict(way, LEAF, sources=Sources(world)) == GOOD
    assert verdict(way, OTHER, sources=Sources(world)) == "revocation_unknown"


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (lambda: Ocsp(), 'Ocsp has nobody to ask: give a URL, Ocsp("http://ocsp.example.com"); or, where you fill'),
        (lambda: Ocsp(stapled=False), "Ocsp has nobody to ask"),
        (lambda: Ocsp(URL, stapled_only=True), "instead of URLs and of stapled=False"),
        (lambda: Ocsp(stapled_only=True, stapled=False), "instead of URLs and of stapled=False"),
        (lambda: Ocsp("ocsp.example.com"), "is no URL of a responder"),
        (lambda: Ocsp("http://ocsp.example.com/?q"), "is no URL of a responder"),
        (lambda: Ocsp(5), "is no URL of a responder"),  # type: ignore[arg-type]
        (lambda: Ocsp(*[URL] * 17), "at most 16 URLs"),
        (lambda: Ocsp(URL, algorithm="md5"), "none of sha1 and sha256"),
        (lambda: Ocsp(URL, remember=0), "at least 1"),
        (lambda: Ocsp(URL, at_most_old=5), "such as minutes(5)"),  # type: ignore[arg-type]
    ],
)
def test_mistakes(wrong: Any, advice: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(advice)):
        wrong()


def test_a_failing_source_says_why() -> None:
    world = Served({url_of(DIRECT, ROOT): SOURCE_DOWN(detail="no route")})
    assert why(Ocsp(URL), DIRECT, sources=Sources(world)) == "a source did not answer: no route"
