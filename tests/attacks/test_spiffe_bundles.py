"""Bundles that are swapped, rolled back, merged or forged: SPIFFE Trust Domain and Bundle, SPIFFE Federation.

Those of endpoints come over real HTTP, and both fetchers face them.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

import pytest
from cryptography.x509 import BasicConstraints

from tests.attacks.deciding import told
from tests.stores.fetching import Async, Face, either
from tests.stores.web import ScriptedServer, answer
from tests.verifiers.peers import (
    AUTHORITY,
    NOW,
    OTHERS,
    PARTNER,
    PROD,
    STRANGERS,
    UNREVOKED,
    bundle,
    came,
    jwt_entry,
    pems,
    svid,
    usage,
    x509_entry,
)
from tests.wire.signing import signer
from zerotrust.core.errors import ConfigError
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.engine import decide, decide_async
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.pki.trust_bundles import TrustBundles
from zerotrust.testing.authority import Issued
from zerotrust.verifiers.peer_certificate import PeerCertificate

OLD, NEW, EVIL = x509_entry(AUTHORITY.certificate), x509_entry(OTHERS.certificate), x509_entry(STRANGERS.certificate)
BY_OLD, BY_NEW, BY_EVIL = svid(), svid(by=OTHERS), svid(by=STRANGERS)


def outcome(face: Face, peer: PeerCertificate, issued: Issued, *, after: float = 0) -> str:
    request: AccessRequest = came(issued, now=NOW + after)
    sources = Sources(face.fetcher)
    if isinstance(face, Async):
        told_by = told(face.runner.run(decide_async(peer.valid, request, sources)))
    else:
        told_by = told(decide(peer.valid, request, sources))
    face.settle()
    return told_by


def good(face: Face, peer: PeerCertificate, *, after: float = 0) -> list[bool]:
    """Whether the certificates of the old, the new and a stranger's authority are let in."""
    return [outcome(face, peer, one, after=after) == "allowed" for one in (BY_OLD, BY_NEW, BY_EVIL)]


def peer_at(server: ScriptedServer) -> PeerCertificate:
    return PeerCertificate(TrustBundle(PROD, endpoint=server.url), revocation=UNREVOKED)


# --- From an endpoint -------------------------------------------------------------------------------------------------


@either
def test_a_rollover_reaches_us_as_fast_as_the_hint_says(face: type[Face]) -> None:
    """Federation section 4.1, though HTTP says that the copy is fresh for a day."""
    with (
        ScriptedServer(answer(bundle(OLD, spiffe_refresh_hint=60), cache_control="max-age=86400")) as server,
        face() as at,
    ):
        peer = peer_at(server)
        assert good(at, peer) == [True, False, False]
        server.say(answer(bundle(NEW, spiffe_refresh_hint=60), cache_control="max-age=86400"))
        assert good(at, peer, after=59) == [True, False, False]
        assert good(at, peer, after=60) == [False, True, False]
        assert server.count == 2


@either
def test_section_4_1_1_a_rollback_is_refused_until_the_copy_is_too_old(face: type[Face]) -> None:
    with ScriptedServer(answer(bundle(NEW, spiffe_sequence=8))) as server, face(stale_for=timedelta(hours=1)) as at:
        peer = peer_at(server)
        assert good(at, peer) == [False, True, False]
        server.say(answer(bundle(OLD, EVIL, spiffe_sequence=7)))
        assert good(at, peer, after=400) == [False, True, False]
        assert outcome(at, peer, BY_NEW, after=8000) != "allowed"
        assert outcome(at, peer, BY_OLD, after=8000) != "allowed"


@either
@pytest.mark.parametrize(
    "body",
    [
        b'{"keys": []}',
        b"{}",
        b'{"keys": null}',
        bundle({**EVIL, "x5c": []}),
        bundle(EVIL, spiffe_sequence="99"),
        bundle(EVIL, spiffe_refresh_hint=-1),
        bundle(*[EVIL] * 101),
        bundle(EVIL)[:-20],
        bundle(EVIL).replace(b'"keys"', b'"keys": [], "keys"'),
    ],
)
def test_what_is_no_bundle_takes_the_place_of_none(face: type[Face], body: bytes) -> None:
    with ScriptedServer(answer(bundle(OLD))) as server, face() as at:
        peer = peer_at(server)
        assert good(at, peer) == [True, False, False]
        server.say(answer(body))
        assert good(at, peer, after=400) == [True, False, False]
        assert server.count > 1


@either
def test_a_bundle_that_gives_private_keys_away_ends_trust_at_once(face: type[Face]) -> None:
    with ScriptedServer(answer(bundle(OLD))) as server, face() as at:
        peer = peer_at(server)
        assert good(at, peer) == [True, False, False]
        server.say(answer(bundle(OLD, {**jwt_entry(signer()), "d": "AAAA"})))
        assert good(at, peer, after=400) == [False, False, False]


@either
def test_federation_section_7_5_1_a_redirect_to_another_host(face: type[Face]) -> None:
    with ScriptedServer(answer(bundle(EVIL))) as evil, ScriptedServer() as server, face() as at:
        server.say(answer(b"", status=302, location=evil.url))
        assert good(at, peer_at(server)) == [False, False, False]
        assert evil.count == 0


@either
def test_a_flood_of_unknown_trust_domains_asks_nobody(face: type[Face]) -> None:
    with ScriptedServer(answer(bundle(OLD))) as server, face() as at:
        peer = peer_at(server)
        for number in range(20):
            assert outcome(at, peer, svid(f"spiffe://evil-{number}.example/a", by=STRANGERS)) == "unknown_trust_domain"
        assert server.count == 0


# --- As they are configured -------------------------------------------------------------------------------------------


def test_federation_section_4_2_two_bundles_for_one_domain() -> None:
    with pytest.raises(ConfigError, match=r"two bundles for prod\.example"):
        TrustBundles(TrustBundle(PROD, AUTHORITY.pem), federated=[TrustBundle(PROD, STRANGERS.pem)])


def test_federation_is_never_transitive() -> None:
    """What a partner's bundle says of others is not listened to."""
    theirs = bundle(x509_entry(OTHERS.certificate), federates_with=[{"stranger.example": "https://evil.example"}])
    both = TrustBundles(TrustBundle(PROD, AUTHORITY.pem), federated=[TrustBundle(PARTNER, theirs)])
    peer = PeerCertificate(both, revocation=UNREVOKED)
    request = came(svid("spiffe://stranger.example/a", by=OTHERS))
    assert told(decide(peer.valid, request, NO_SOURCES)) == "unknown_trust_domain"


def test_a_swapped_bundle_is_noticed_where_authorities_say_who_they_are() -> None:
    """X.509-SVID section 3.2: the partner's bundle in the place of one's own, or both in one file."""
    theirs = OTHERS.issue(
        "Partner Root",
        uris=[f"spiffe://{PARTNER}"],
        purposes=(),
        days=300,
        extensions=[
            (BasicConstraints(ca=True, path_length=None), True),
            (usage(digital_signature=False, key_cert_sign=True), True),
        ],
    )
    for content in (
        theirs.pem,
        pems([AUTHORITY]) + theirs.pem,
        bundle(OLD, x509_entry(theirs.certificate)),
        theirs.der,
    ):
        with pytest.raises(ConfigError, match=f"an authority of {PARTNER}"):
            TrustBundle(PROD, content)
    assert TrustBundle(PARTNER, theirs.pem).trouble is None


def test_section_6_2_what_follows_the_first_certificate_is_not_trusted() -> None:
    smuggled = {**OLD, "x5c": [b64encode(AUTHORITY.der).decode(), b64encode(STRANGERS.der).decode()]}
    peer = PeerCertificate(TrustBundle(PROD, bundle(smuggled)), revocation=UNREVOKED)
    assert told(decide(peer.valid, came(BY_EVIL), NO_SOURCES)) == "untrusted_chain"
    assert told(decide(peer.valid, came(BY_OLD), NO_SOURCES)) == "allowed"


def test_the_key_of_an_entry_is_not_what_counts() -> None:
    """Its certificate is; a key that stands beside it adds nothing."""
    beside = {**OLD, **{name: signer().jwk[name] for name in ("x", "y")}}
    peer = PeerCertificate(TrustBundle(PROD, bundle(beside)), revocation=UNREVOKED)
    assert told(decide(peer.valid, came(BY_OLD), NO_SOURCES)) == "allowed"


def test_a_workloads_certificate_is_no_authority() -> None:
    """A leaf in a bundle would be able to vouch for itself."""
    with pytest.raises(ConfigError, match="cannot be used"):
        TrustBundle(PROD, svid().der)
    with pytest.raises(ConfigError, match="cannot be used"):
        TrustBundle(PROD, AUTHORITY.issue("no names").der)
