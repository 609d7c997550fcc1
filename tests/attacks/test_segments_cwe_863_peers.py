"""CWE-863, CWE-290: nobody gets a row's rights who is not whom it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.segments.peers import NOW, PARTNER, PROD, peer_certificate, sent
from zerotrust.core.peer import Peer
from zerotrust.core.reason import UNTRUSTED_HOP
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.segments import ANY, Flow, Segments, deny
from zerotrust.testing.authority import LocalAuthority

WEB = "spiffe://prod.example/ns/shop/sa/web"
TABLE = Segments(
    [
        Flow(WEB, "ledger", "GET", "/accounts"),
        Flow("spiffe://prod.example/ns/batch/**", "ledger", "GET", "/accounts"),
        Flow("spiffe://partner.example/**", "ledger", "GET", "/shared"),
        Flow("*", "ledger", "GET", "/health"),
    ],
    service="ledger",
)
POLICY = TABLE.policy(peer_certificate())
STRANGER = LocalAuthority("Stranger", now=NOW)


def let_in(peer: Peer | None, path: str = "/accounts") -> bool:
    return bool(decide(POLICY, AccessRequest(now=NOW, path=path, raw_path=path, peer=peer)))


@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://prod.example/ns/shop/sa/web2",
        "spiffe://prod.example/ns/shop/sa/we",
        "spiffe://prod.example/ns/shop/sa/WEB",
        "spiffe://prod.example/ns/shop/sa/web/x",
        "spiffe://prod.example/ns/shop/sa",
        "spiffe://prod.example/ns/batch",
        "spiffe://prod.example/ns/batches/sa/web",
        "spiffe://prod.example/x/ns/batch/sa/web",
        "spiffe://partner.example/ns/shop/sa/web",
        "spiffe://partner.example/ns/batch/sa/web",
    ],
)
def test_an_id_that_looks_alike_is_another_one(uri: str) -> None:
    assert not decide(POLICY, sent(uri, "GET", "/accounts"))
    assert decide(POLICY, sent(uri, "GET", "/health"))


@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://prod.example/ns/shop/sa/web/../web",
        "spiffe://prod.example/ns/batch/../shop/sa/web",
        "spiffe://prod.example//ns/shop/sa/web",
        "spiffe://prod.example/ns/shop/sa/web/",
        "spiffe://prod.example/ns/shop/sa/web?x",
        "spiffe://prod.example/ns/shop/sa/web#x",
        "spiffe://prod.example/ns/shop/sa/w%65b",
        "spiffe://prod.example:443/ns/shop/sa/web",
        "spiffe://web@prod.example/ns/shop/sa/web",
        "SPIFFE://prod.example/ns/shop/sa/web",
        "spiffe://PROD.example/ns/shop/sa/web",
        "https://prod.example/ns/shop/sa/web",
        "spiffe://prod.example",
    ],
)
def test_what_is_no_id_is_nobody_not_even_for_rows_that_are_for_everybody(uri: str) -> None:
    issued = PROD.issue("workload", uris=[uri], days=0.25)
    for path in ("/accounts", "/health"):
        assert not let_in(Peer(issued.ders), path)


def test_the_authority_of_another_trust_domain_cannot_name_ours() -> None:
    for authority in (PARTNER, STRANGER):
        issued = authority.issue("workload", uris=[WEB], days=0.25)
        for path in ("/accounts", "/health"):
            assert not let_in(Peer(issued.ders), path)


def test_two_names_are_none() -> None:
    for uris in ([WEB, "spiffe://prod.example/x"], ["spiffe://prod.example/x", WEB], []):
        issued = PROD.issue("workload", uris=uris, dns=["web.shop"], days=0.25)
        assert not let_in(Peer(issued.ders))
        assert not let_in(Peer(issued.ders), "/health")


def test_without_a_certificate_there_is_nobody() -> None:
    for peer in (None, Peer()):
        for path in ("/accounts", "/health"):
            assert not let_in(peer, path)
    refused = AccessRequest(now=NOW, path="/health", peer=UNTRUSTED_HOP())
    assert not decide(POLICY, refused)
    assert not decide(~POLICY, refused)


def test_the_word_of_a_hop_is_no_certificate() -> None:
    """A name that a mesh passes on counts where the table was told so, and only from the hop that was named."""
    believing = TABLE.policy(peer_certificate(), asserted=True)
    for hop, expected in (("mesh", True), ("sidecar", False)):
        request = AccessRequest(now=NOW, path="/accounts", peer=Peer(hop=hop, names=(WEB,)))
        assert not decide(POLICY, request)
        assert bool(decide(believing, request)) is expected
    for names in ((WEB, "spiffe://prod.example/x"), ("spiffe://stranger.example/web",), (f"{WEB},{WEB}",), ("web",)):
        assert not decide(believing, AccessRequest(now=NOW, path="/health", peer=Peer(hop="mesh", names=names)))


def test_an_expired_certificate_is_nobodys() -> None:
    issued = PROD.issue("workload", uris=[WEB], days=0.25)
    later = AccessRequest(now=NOW + 86400, path="/accounts", peer=Peer(issued.ders))
    assert not decide(POLICY, later)


def test_a_row_that_denies_one_of_many_holds() -> None:
    table = Segments(
        [Flow("*", "s", ANY, "/**"), deny("spiffe://prod.example/ns/shop/**", "s", ANY, "/**")], service="s"
    )
    policy = table.policy(peer_certificate())
    assert not decide(policy, sent(WEB, "GET", "/"))
    assert decide(policy, sent("spiffe://prod.example/ns/shopping/sa/web", "GET", "/"))
    assert decide(policy, sent("spiffe://prod.example/ns/shop", "GET", "/"))  # which is not below itself


_segment = st.text("abshopweb.-_", min_size=1, max_size=6)


@given(
    st.lists(_segment, min_size=1, max_size=5), st.sampled_from(["prod.example", "partner.example", "prod.example.x"])
)
def test_only_whom_the_rows_name(parts: list[str], domain: str) -> None:
    uri = f"spiffe://{domain}/{'/'.join(parts)}"
    named = uri == WEB or (domain == "prod.example" and parts[:2] == ["ns", "batch"] and len(parts) > 2)
    try:
        found = TABLE.ruling(uri, "GET", "/accounts")
    except ValueError:
        assert {".", ".."} & set(parts)
        return
    assert bool(found) is named
