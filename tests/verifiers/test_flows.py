"""The verifier of flows: whom it believes, and what it is made of."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.segments.peers import NOW, PROD, peer_certificate, sent
from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Rejected, Unavailable, Verified
from zerotrust.core.policy import not_presented
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.pki.chain import Anchors
from zerotrust.pki.short_lived import ShortLived
from zerotrust.segments import Flow, Segments
from zerotrust.testing import LocalTrustDomain
from zerotrust.verifiers.flows import Flows
from zerotrust.verifiers.jwt_svid import JwtSvid
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.verifiers.svid_evidence import PeerEvidence
from zerotrust.wire.spiffe import SpiffeId

WEB = "spiffe://prod.example/web"
TABLE = Segments([Flow(WEB, "ledger", "GET", "/accounts")], service="ledger")
REQUEST = AccessRequest(now=NOW, path="/accounts")


def about(**options: Any) -> PeerEvidence:
    return PeerEvidence("spiffe://prod.example", WEB, NOW, NOW + 60, **{"spiffe_id": SpiffeId(WEB), **options})


def test_it_rules_on_the_peer_that_was_found() -> None:
    flows = Flows(TABLE, of=peer_certificate())
    found = flows.find_about(REQUEST, about())
    assert isinstance(found, Verified)
    assert (found.evidence.allowed, found.evidence.row, found.evidence.subject) == (True, 1, WEB)


def test_a_request_of_several_readings_is_rejected_not_absent() -> None:
    """Or `not_presented(flows)` would be YES for it."""
    flows = Flows(TABLE, of=peer_certificate())
    for request in (AccessRequest(now=NOW, path="//accounts"), AccessRequest(now=NOW, path="/accounts", method="get")):
        assert isinstance(flows.find_about(request, about()), Rejected)
    assert not decide(not_presented(flows), sent(WEB, "GET", "//accounts"))


def test_a_text_that_reads_like_an_id_is_none() -> None:
    """The subject of a token, say, which its issuer lets people choose."""
    flows = Flows(TABLE, of=peer_certificate())
    for evidence in (about(spiffe_id=None), about(spiffe_id=WEB), Evidence("https://idp.example", WEB, NOW, NOW + 60)):
        found = flows.find_about(REQUEST, evidence)
        assert isinstance(found, Rejected)
        assert found.reason.code == "wrong_name"


def test_the_word_of_a_hop_counts_where_that_was_said() -> None:
    peer = peer_certificate()
    request = sent(WEB, "GET", "/accounts", hop="mesh")
    assert decide(peer.spiffe(WEB), request)
    refused = decide(TABLE.policy(peer), request)
    assert not refused
    assert refused.reason is not None
    assert refused.reason.code == "untrusted_hop"
    assert decide(TABLE.policy(peer, asserted=True), request)
    assert not decide(TABLE.policy(peer, asserted=True), sent(WEB, "POST", "/accounts", hop="mesh"))


@pytest.mark.parametrize(
    ("of", "options", "says"),
    [
        (None, {}, "which only a PeerCertificate or a JwtSvid proves"),
        ("peer", {}, "which only a PeerCertificate or a JwtSvid proves"),
        (
            PeerCertificate(Anchors.from_pem(PROD.pem), revocation=ShortLived(), subject="dns"),
            {},
            "anchors, which prove no SPIFFE id",
        ),
        (peer_certificate(), {"asserted": 1}, "asserted is True or False"),
        (peer_certificate(), {"name": ""}, "name is what explanations call it"),
        (peer_certificate(), {"name": "a\nb"}, "name is what explanations call it"),
    ],
)
def test_what_proves_no_spiffe_id_is_refused(of: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        Flows(TABLE, of=of, **options)


def test_a_workload_may_show_a_jwt_svid() -> None:
    svid = JwtSvid(LocalTrustDomain("prod.example").bundle(), audience="ledger")
    flows = Flows(TABLE, of=svid)
    assert flows.of is svid
    assert not flows.needs_peer


def test_what_it_says_of_itself() -> None:
    flows = Flows(TABLE, of=peer_certificate(), name="segments")
    assert (str(flows.allowed), flows.needs_peer) == ("segments.allowed", True)
    assert isinstance(flows.find(REQUEST), Absent)
    assert not flows.blank(NOW).allowed
    assert flows.blank(NOW).row is None
    assert flows.action(Rejected(SOURCE_DOWN())) is None
    assert flows.action(Unavailable(SOURCE_DOWN())) is Action.RETRY
