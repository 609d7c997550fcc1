"""RFC 9440 section 4, for the headers of every proxy: what a pinned hop sends is read, and all else has its reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.web.forwarding import (
    BY,
    CASES,
    CERT,
    CLIENT,
    ELSEWHERE,
    VERIFY,
    VICTIM,
    Case,
    Headers,
    ask,
    b64,
    code,
    element,
    escaped,
    pem,
)
from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.core.reason import Reason
from zerotrust.web.peers import (
    Connection,
    FromHops,
    Hop,
    alb_passthrough,
    alb_verify,
    apache,
    cloudflare,
    haproxy,
    ingress_nginx,
    istio,
    linkerd,
    nginx,
    openshift,
    xfcc,
)
from zerotrust.web.peers.headers import KNOWN
from zerotrust.wire.client_cert import MAX_FORWARDED

each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
certificates = pytest.mark.parametrize("case", [case for case in CASES if case.chain], ids=lambda case: case.name)
FOREIGN = [
    *("client-cert", "x-forwarded-client-cert", "l5d-client-id", CERT, VERIFY, "x-arr-clientcert", "x-client-cert"),
    *("x-amzn-mtls-clientcert", "x-amzn-mtls-clientcert-leaf", "cf-client-cert-der-base64"),
]


def hop(how: object) -> FromHops:
    return FromHops(Hop("edge", how, addresses=["10.1.2.3"]))  # type: ignore[arg-type]


@each
def test_good(case: Case) -> None:
    expected = Peer(CLIENT.ders[: case.chain], "edge", case.names)
    assert ask(case.peers, case.good(CLIENT)) == expected
    peers = case.peers
    for _ in range(3):  # read, then remembered
        assert ask(peers, case.good(CLIENT)) == expected
        assert ask(peers, [*reversed(case.good(CLIENT))]) == expected


@certificates
def test_two_clients_are_two(case: Case) -> None:
    peers = case.peers
    for client in (CLIENT, VICTIM, CLIENT):
        said = ask(peers, case.good(client))
        assert isinstance(said, Peer)
        assert said.chain[0] == client.der


@each
def test_absent(case: Case) -> None:
    for headers in case.absent:
        assert code(case.peers, headers) == "absent", headers


@each
def test_spoofed_from_elsewhere(case: Case) -> None:
    peers = case.peers
    assert code(peers, case.good(CLIENT)) == "peer"
    for client in (
        ELSEWHERE,
        "::1",
        "127.0.0.1",
        "::ffff:10.1.2.3",
        "fe80::1%eth0",
        None,
        "",
        "unix:/run/app",
        "10.1.2.3 ",
    ):
        assert code(peers, case.good(CLIENT), client=client) == "untrusted_hop", client
        assert code(peers, [], client=client) == "absent"


@each
def test_every_header_alone_from_elsewhere(case: Case) -> None:
    for name in case.peers.headers | {header.decode() for header in KNOWN}:
        assert code(case.peers, [(name, "")], client=ELSEWHERE) == "untrusted_hop"


@each
def test_duplicated(case: Case) -> None:
    good = case.good(CLIENT)
    for name, value in good:
        for second in (value, "", "x"):
            assert code(case.peers, [*good, (name, second)]) == "duplicate_header"
            assert code(case.peers, [(name, second), *good]) == "duplicate_header"


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name not in ("traefik", "istio")], ids=lambda case: case.name
)
def test_joined_as_wsgi_does(case: Case) -> None:
    """What a server makes of a header that came twice. Only where the value is a list does nothing tell the two apart:
    Traefik replaces a client's copy, and Istio's sidecar writes behind it.
    """
    good = {name: str(value) for name, value in case.good(CLIENT)}
    value = good[case.header]
    for joined in (f"{value},{value}", f"{value}, {value}", f"x,{value}", f"{value},", f",{value}"):
        said = code(case.peers, [*{**good, case.header: joined}.items()])
        assert said in ("duplicate_header", "malformed")


@each
@pytest.mark.parametrize(
    "spell", [lambda name: name.replace("-", "_"), str.upper, str.title, lambda name: name.replace("-", "_", 1)]
)
def test_another_spelling(case: Case, spell: object) -> None:
    good = case.good(CLIENT)
    for name, value in good:
        twin = spell(name)  # type: ignore[operator]
        assert code(case.peers, [*good, (twin, value)]) == "stray_header"
        assert code(case.peers, [(twin, value)]) == "stray_header"
        assert code(case.peers, [(twin, value)], client=ELSEWHERE) == "untrusted_hop"


@each
def test_malformed(case: Case) -> None:
    for headers in case.malformed:
        said = ask(case.peers, headers)
        assert isinstance(said, Reason), headers
        assert said.code in ("malformed", "duplicate_header"), headers


@each
def test_stray(case: Case) -> None:
    mine = case.peers.headers
    strays = [name for name in FOREIGN if name not in mine]
    assert len(strays) > 5
    for stray in strays:
        assert code(case.peers, [*case.good(CLIENT), (stray, "x")]) == "stray_header"
        assert code(case.peers, [(stray, "")]) == "stray_header"


@each
def test_unread_headers_do_no_harm(case: Case) -> None:
    strays = [name for name in FOREIGN if name not in case.peers.headers]
    peers = FromHops(Hop("edge", case.format, addresses=["10.1.2.3"], unread=strays))
    assert ask(peers, [*case.good(CLIENT), *((name, "x") for name in strays)]) == ask(case.peers, case.good(CLIENT))


@each
def test_oversize(case: Case) -> None:
    good = dict(case.good(CLIENT))
    for name in case.format.reads:
        if name in good:
            assert code(case.peers, [*{**good, name: "A" * (MAX_FORWARDED + 1)}.items()]) == "too_large"


@each
def test_address_rewritten(case: Case) -> None:
    said = ask(case.peers, case.good(CLIENT), connection=Connection(rewritten=True))
    assert isinstance(said, Reason)
    assert said.code == "untrusted_hop"
    assert "--no-proxy-headers" in said.detail


@each
@usually(25)
@given(data=st.data())
def test_any_bytes_give_a_peer_a_reason_or_nothing(case: Case, data: st.DataObject) -> None:
    names = sorted(case.peers.headers)
    headers: Headers = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from(names),
                st.binary(max_size=40) | st.text(alphabet='=;,":AB{}(null)%0', max_size=20).map(str.encode),
            ),
            max_size=3,
        )
    )
    assert isinstance(ask(case.peers, headers), Peer | Reason | None)


def test_all_headers_that_are_read_are_known() -> None:
    for case in CASES:
        names = {name.encode() for name in (*case.format.reads, *case.format.beside)}
        assert names <= KNOWN, names - KNOWN
        assert repr(case.format) == case.format.name


# --- Verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "cert", "verify", "value", "words"),
    [
        (nginx, CERT, VERIFY, escaped(CLIENT), ["FAILED:self-signed certificate", "FAILED:certificate has expired"]),
        (ingress_nginx, "ssl-client-cert", "ssl-client-verify", escaped(CLIENT), ["FAILED:unable"]),
        (haproxy, CERT, VERIFY, b64(CLIENT.der), ["18", "10"]),
        (openshift, "x-ssl-client-der", VERIFY, b64(CLIENT.der), ["18", "20"]),
        (apache, CERT, VERIFY, pem(CLIENT.certificate).replace("\n", " "), ["FAILED:self signed", "GENEROUS"]),
        (cloudflare, "cf-client-cert-der-base64", "cf-cert-verified", b64(CLIENT.der), ["false"]),
    ],
)
def test_a_hop_that_says_it_failed(make: object, cert: str, verify: str, value: str, words: list[str]) -> None:
    for word in words:
        said = ask(hop(make()), [(cert, value), (verify, word)])  # type: ignore[operator]
        assert isinstance(said, Reason)
        assert (said.code, said.presented) == ("untrusted_chain", word)
        unverified = hop(make(unverified=True))  # type: ignore[operator]
        assert ask(unverified, [(cert, value), (verify, word)]) == Peer((CLIENT.der,), "edge")
        assert code(unverified, [(cert, value), (verify, "FAILED\0")]) == "malformed"
        # Remembered is what both headers say together.
        assert code(hop(make()), [(cert, value), (verify, word)]) == "untrusted_chain"  # type: ignore[operator]


def test_a_verdict_is_part_of_what_is_remembered() -> None:
    peers = hop(nginx())
    assert code(peers, [(CERT, escaped(CLIENT)), (VERIFY, "SUCCESS")]) == "peer"
    assert code(peers, [(CERT, escaped(CLIENT)), (VERIFY, "FAILED:expired")]) == "untrusted_chain"
    assert code(peers, [(CERT, escaped(CLIENT))]) == "malformed"
    assert code(peers, [(CERT, escaped(CLIENT)), (VERIFY, "SUCCESS")]) == "peer"


def test_without_a_verdict() -> None:
    for make, value in (
        (nginx, escaped(CLIENT)),
        (haproxy, b64(CLIENT.der)),
        (apache, pem(CLIENT.certificate).replace("\n", " ")),
    ):
        peers = hop(make(verify=None))
        assert code(peers, [(CERT, value)]) == "peer"
        assert code(peers, [(CERT, value), (VERIFY, "FAILED:x")]) == "stray_header"


def test_headers_of_ones_own() -> None:
    peers = hop(nginx(cert="X-My-Cert", verify="X-My-Verify"))
    assert peers.headers == {"x-my-cert", "x-my-verify"}
    good = [("x-my-cert", escaped(CLIENT)), ("x-my-verify", "SUCCESS")]
    assert code(peers, good) == "peer"
    assert code(peers, good, client=ELSEWHERE) == "untrusted_hop"
    assert code(peers, [*good, ("x_my_cert", "")]) == "stray_header"


def test_more_certificates_than_anybody_needs() -> None:
    above = [f"x-ssl-client-chain-{number}" for number in range(12)]
    one = pem(CLIENT.certificate).replace("\n", " ")
    for number, expected in ((0, "peer"), (9, "peer"), (10, "too_large"), (12, "too_large")):
        headers = [(CERT, one), (VERIFY, "SUCCESS"), *((name, one) for name in above[:number])]
        assert code(hop(apache(chain=above)), headers) == expected


# --- A digest beside the certificate ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cloudfront", "cloudflare"])
def test_another_digest(name: str) -> None:
    [case] = [case for case in CASES if case.name == name]
    good, other = dict(case.good(CLIENT)), dict(case.good(VICTIM))
    digest = next(header for header in good if header.endswith("sha256"))
    assert code(case.peers, [*{**good, digest: other[digest]}.items()]) == "key_mismatch"
    assert code(case.peers, [*{**good, digest: str(good[digest]).upper()}.items()]) == "peer"
    assert code(case.peers, [*{**good, digest: ""}.items()]) == "key_mismatch"


# --- XFCC: which element counts, and whose it is ----------------------------------------------------------------------

XFCC = "x-forwarded-client-cert"


def test_by_is_pinned() -> None:
    for text in (
        element(by="spiffe://prod/other"),
        element(by=BY + "x"),
        element(by=BY.upper()),
        element(by=None),
        element() + ";By=spiffe://prod/other",
        element(by=None) + ";By=",
    ):
        assert code(hop(xfcc(BY)), [(XFCC, text)]) == "untrusted_hop"
    assert code(hop(xfcc([BY, "spiffe://prod/other"])), [(XFCC, element() + ";By=spiffe://prod/other")]) == "peer"
    assert code(hop(xfcc(None)), [(XFCC, element(by=None))]) == "peer"
    assert code(hop(xfcc(None)), [(XFCC, element())]) == "untrusted_hop"


def test_the_last_element_of_a_hop_that_appends() -> None:
    peers = hop(xfcc(BY, appended=True))
    before = element(VICTIM, by="spiffe://prod/gateway")
    assert ask(peers, [(XFCC, f"{before},{element(CLIENT)}")]) == Peer((CLIENT.der,), "edge")
    assert ask(peers, [(XFCC, f"{element(VICTIM, by=None)},{element(CLIENT)}")]) == Peer((CLIENT.der,), "edge")
    # One hop, one element: where there are two, one may be cut out of the other.
    assert code(peers, [(XFCC, f"{element(VICTIM)},{element(CLIENT)}")]) == "malformed"
    # Names that begin alike are not the same.
    for other in (f"{BY}2", f"{BY}/x"):
        alike = f"{element(VICTIM, by=other)},{element(CLIENT)}"
        assert ask(peers, [(XFCC, alike)]) == Peer((CLIENT.der,), "edge")
    # Envoy begins with it, and writes it bare.
    for unlike in (f"DNS=;{element(CLIENT)}", element(CLIENT).replace(f"By={BY}", f'By="{BY}"')):
        assert code(peers, [(XFCC, unlike)]) == "malformed"
    both = hop(xfcc([BY, "spiffe://prod/b"], appended=True))
    twice = element(CLIENT).replace(f"By={BY}", f"By={BY};By=spiffe://prod/b")
    assert ask(both, [(XFCC, f"{before},{twice}")]) == Peer((CLIENT.der,), "edge")
    assert code(both, [(XFCC, f"{element(VICTIM, by='spiffe://prod/b')},{element(CLIENT)}")]) == "malformed"
    assert code(hop(xfcc(BY)), [(XFCC, f"{element(VICTIM)},{element(CLIENT)}")]) == "duplicate_header"
    # The last is the hop's only if it says so.
    assert code(peers, [(XFCC, f"{element(CLIENT)},{element(VICTIM, by='spiffe://prod/other')}")]) == "untrusted_hop"


def test_a_name_is_a_hops_word_only_where_that_was_asked_for() -> None:
    named = [(XFCC, element(cert=False))]
    assert code(hop(xfcc(BY)), named) == "untrusted_hop"
    assert ask(hop(xfcc(BY, asserted=True)), named) == Peer(hop="edge", names=("spiffe://prod/ns/shop/sa/cart",))
    # A certificate counts more than a name.
    assert ask(hop(istio(BY)), [(XFCC, element())]) == Peer((CLIENT.der,), "edge")


def test_a_load_balancer_whose_headers_have_other_names() -> None:
    renamed = {"x-client-leaf": alb_verify(leaf="X-Client-Leaf"), "x-whole": alb_passthrough(cert="x-whole")}
    for header, how in renamed.items():
        peers = hop(how)
        assert ask(peers, [(header, escaped(CLIENT))]) == Peer((CLIENT.der,), "edge")
        assert code(peers, [("x-amzn-mtls-clientcert-leaf", escaped(CLIENT))]) == "stray_header"
    assert repr(alb_verify()) == "alb_verify()"
    assert repr(alb_verify(leaf="x-client-leaf")) == "alb_verify(leaf='x-client-leaf')"
    assert repr(alb_passthrough(cert="x-whole")) == "alb_passthrough(cert='x-whole')"
    with pytest.raises(ConfigError, match="hyphens"):
        alb_verify(leaf="x_leaf")


def test_linkerd_names() -> None:
    for name in ("cart.shop.serviceaccount.identity.linkerd.cluster.local", "spiffe://root.linkerd.cluster.local/cart"):
        assert ask(hop(linkerd()), [("l5d-client-id", name)]) == Peer(hop="edge", names=(name,))
