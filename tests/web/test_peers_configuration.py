"""Configurations of hops and resolvers that cannot be, and what each of them is told."""

from __future__ import annotations

import pytest

from tests.web.forwarding import (
    CERT,
    CLIENT,
    ELSEWHERE,
    HOP,
    ROOT,
    VERIFY,
    code,
    escaped,
    request,
)
from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.pki.chain import Anchors
from zerotrust.web.peers import (
    Connection,
    FromHops,
    Hop,
    HopCertificate,
    HopSecret,
    Peers,
    TlsPeer,
    nginx,
    rfc9440,
    xfcc,
)
from zerotrust.wire.certificate import Certificate, read_certificate

GOOD = [(CERT, escaped(CLIENT)), (VERIFY, "SUCCESS")]
SECRET = "q7Zt1vN-4xKe_9bRwYh3Lm8PsDf2Gj6U"


def read(der: bytes) -> Certificate:
    certificate = read_certificate(der)
    assert isinstance(certificate, Certificate)
    return certificate


ANCHORS = Anchors(read(ROOT.der))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: FromHops(), "believes nobody"),
        (lambda: FromHops(nginx()), "FromHops takes Hop"),  # type: ignore[arg-type]
        (lambda: FromHops(Hop("a", nginx(), addresses=[HOP]), remember=-1), "remember"),
        (lambda: FromHops(Hop("a", nginx(), addresses=[HOP]), remember=True), "remember"),
        (
            lambda: FromHops(Hop("a", nginx(), addresses=[HOP]), Hop("a", nginx(), addresses=[ELSEWHERE])),
            "both|two hops",
        ),
        (lambda: FromHops(Hop("a", nginx(), addresses=[HOP]), Hop("b", nginx(), addresses=["10.1.2.0/24"])), "share"),
        (lambda: Hop("a", nginx(), unix_socket=True), "no proof by itself"),
        (lambda: Hop("a", nginx(), addresses=[HOP], unix_socket=True), "no proof by itself"),
        (lambda: Hop("a", nginx(), addresses=[HOP], unread=["x-ssl-client-dm"]), "correct the name"),
        (lambda: Hop("a", nginx(), addresses=[HOP], unread=["x-ssl-client-dn", "x-foo"]), "unread names x-foo, which"),
        (
            lambda: Hop("a", nginx(cert="x-pem"), addresses=[HOP], secret=HopSecret("x-pem", SECRET)),
            "the secret's header",
        ),
        (lambda: xfcc(None, appended=True), "SANITIZE_SET"),
        (lambda: Hop("", nginx(), addresses=[HOP]), "write what the hop is called"),
        (lambda: Hop("a\n", nginx(), addresses=[HOP]), "write what the hop is called"),
        (lambda: Hop("a", nginx, addresses=[HOP]), "the function nginx"),  # type: ignore[arg-type]
        (lambda: Hop("a", "nginx", addresses=[HOP]), "format is 'nginx'"),  # type: ignore[arg-type]
        (lambda: Hop("a", nginx()), "is nowhere"),
        (lambda: Hop("a", nginx(), addresses=[]), "is nowhere"),
        (lambda: Hop("a", nginx(), addresses=["proxy"]), "Write an address or a network"),
        (lambda: Hop("a", nginx(), addresses=["0.0.0.0/0"], broad=["0.0.0.0/0"]), "not the addresses of"),
        (lambda: Hop("a", nginx(), addresses=["10.0.0.0/8"]), "16777216 addresses"),
        (lambda: Hop("a", nginx(), addresses=["127.0.0.1"]), "this machine itself"),
        (lambda: Hop("a", nginx(), addresses=["::ffff:10.1.2.3"]), "write the IPv4"),
        (lambda: Hop("a", nginx(), addresses=[HOP], broad=["127.0.0.1"]), "write it in both"),
        (lambda: Hop("a", nginx(), addresses=[HOP], secret=SECRET), "write secret=HopSecret"),  # type: ignore[arg-type]
        (lambda: Hop("a", nginx(), addresses=[HOP], certificate=ANCHORS), "write certificate=HopCertificate"),  # type: ignore[arg-type]
        (lambda: Hop("a", nginx(), addresses=[HOP], unread=[CERT]), "unread names x-ssl-client-cert"),
        (lambda: Hop("a", nginx(), addresses=[HOP], unread=["x_dn"]), "hyphens"),
        (lambda: HopSecret(CERT, SECRET), "nothing else sets or reads"),
        (lambda: HopSecret("x-hop"), "there is no secret"),
        (lambda: HopSecret("x-hop", "a" * 31), "too easy to guess"),
        (lambda: HopSecret("x-hop", "a" * 64), "too easy to guess"),
        (lambda: HopSecret("x-hop", SECRET + ","), "without commas"),
        (lambda: HopSecret("x-hop", SECRET + "é"), "without commas"),
        (lambda: HopSecret("x-hop", SECRET.encode()), "too easy to guess"),  # type: ignore[arg-type]
        (lambda: HopSecret("x_hop", SECRET), "hyphens"),
        (lambda: HopSecret("", SECRET), "hyphens"),
        (lambda: HopCertificate(ANCHORS), "pins nothing"),
        (lambda: HopCertificate(ROOT, uris="a"), "write Anchors"),  # type: ignore[arg-type]
        (lambda: HopCertificate(ANCHORS, fingerprints="ab"), "64 hexadecimal"),
        (lambda: nginx(cert="x_ssl_client_cert"), "hyphens"),
        (lambda: nginx(cert="x-ßl"), "hyphens"),
        (lambda: nginx(verify="a b"), "hyphens"),
    ],
)
def test_configurations_that_cannot_be(make: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make()  # type: ignore[operator]


def test_broad_if_it_is_named() -> None:
    peers = FromHops(Hop("edge", nginx(), addresses=["127.0.0.1", "10.0.0.0/8"], broad=["127.0.0.1", "10.0.0.0/8"]))
    assert code(peers, GOOD, client="127.0.0.1") == "peer"
    assert code(peers, GOOD, client="10.200.1.1") == "peer"
    assert code(peers, GOOD, client="127.0.0.2") == "untrusted_hop"


def test_what_is_looked_at_can_be_told() -> None:
    peers = FromHops(
        Hop("edge", nginx(), addresses=[HOP], secret=HopSecret("X-Hop", SECRET)),
        Hop("b", rfc9440(), addresses=[ELSEWHERE]),
    )
    assert peers.headers == {CERT, VERIFY, "x-hop", "client-cert", "client-cert-chain"}
    assert TlsPeer().headers == frozenset()


def test_a_resolver_of_ones_own() -> None:
    class Mine(Peers):
        def peer(self, request: object, connection: Connection) -> Peer:
            return Peer(connection.chain)

    assert Mine().peer(request([]), Connection((b"a",))) == Peer((b"a",))
    assert Mine().headers == frozenset()
