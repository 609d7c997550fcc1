"""What makes a hop's word count: its address, its secret, its own certificate (RFC 9440 section 4, NIST SP 800-207)."""

from __future__ import annotations

import threading

import pytest

from tests.web.forwarding import (
    CERT,
    CLIENT,
    ELSEWHERE,
    HOP,
    NOW,
    PLAINTEXT,
    ROOT,
    VERIFY,
    VICTIM,
    ask,
    code,
    escaped,
    request,
)
from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.core.reason import Reason
from zerotrust.pki.chain import Anchors
from zerotrust.testing.authority import LocalAuthority
from zerotrust.web.peers import (
    Connection,
    FromHops,
    Hop,
    HopCertificate,
    HopSecret,
    TlsPeer,
    linkerd,
    nginx,
)
from zerotrust.web.peers.memo import MOST_BYTES, Memo, key_of
from zerotrust.wire.certificate import Certificate, read_certificate

GOOD = [(CERT, escaped(CLIENT)), (VERIFY, "SUCCESS")]
SECRET = "q7Zt1vN-4xKe_9bRwYh3Lm8PsDf2Gj6U"
NEXT = "Zx81-nQpL_5vTeRy3Wk7HcMb0JsGd9Fa"


def read(der: bytes) -> Certificate:
    certificate = read_certificate(der)
    assert isinstance(certificate, Certificate)
    return certificate


ANCHORS = Anchors(read(ROOT.der))


# --- Addresses --------------------------------------------------------------------------------------------------------


def test_networks_and_addresses() -> None:
    peers = FromHops(Hop("edge", nginx(), addresses=["10.1.2.0/28", "2001:db8::7"]))
    for client in ("10.1.2.0", "10.1.2.15", "2001:db8::7", "2001:0db8:0::0007"):
        assert code(peers, GOOD, client=client) == "peer"
        assert code(peers, GOOD, client=client) == "peer"  # remembered
    for client in ("10.1.2.16", "10.1.1.255", "2001:db8::8", "127.0.0.1", "010.1.2.3", "10.1.2.3:80", "[2001:db8::7]"):
        assert code(peers, GOOD, client=client) == "untrusted_hop"


def test_why_an_address_is_none_of_a_hop() -> None:
    peers = FromHops(Hop("edge", nginx(), addresses=[HOP, "fe80::1"]))
    for client in ("::ffff:10.1.2.3", "fe80::1%eth0"):
        said = ask(peers, GOOD, client=client)
        assert isinstance(said, Reason)
        assert "listen on IPv4 and IPv6 separately" in said.detail
    said = ask(peers, GOOD, client=ELSEWHERE)
    assert isinstance(said, Reason)
    assert (said.expected, said.presented) == ("edge", ELSEWHERE)


def test_many_addresses_do_not_pile_up() -> None:
    peers = FromHops(Hop("edge", nginx(), addresses=["10.0.0.0/8"], broad=["10.0.0.0/8"]))
    for number in range(3000):
        assert code(peers, GOOD, client=f"10.{number >> 8}.{number & 255}.1") == "peer"
        assert code(peers, GOOD, client=f"11.{number >> 8}.{number & 255}.1") == "untrusted_hop"
    assert len(peers._places) <= 1024


def test_a_socket_only_where_it_was_allowed() -> None:
    socket = FromHops(Hop("edge", nginx(), unix_socket=True, secret=HopSecret("x-hop", SECRET)))
    good = [*GOOD, ("x-hop", SECRET)]
    assert code(socket, good, client=None) == "peer"
    assert code(socket, good, client="") == "peer"
    assert code(socket, GOOD, client=None) == "untrusted_hop"
    for client in ("10.1.2.3", "127.0.0.1", "unix:", "/run/app.sock"):
        assert code(socket, good, client=client) == "untrusted_hop"
    for connection in (Connection(rewritten=True), Connection(over_ip=True)):
        assert code(socket, good, client=None, connection=connection) == "untrusted_hop"
    assert code(FromHops(Hop("edge", nginx(), addresses=[HOP])), GOOD, client=None) == "untrusted_hop"


def test_only_servers_that_are_known_are_believed() -> None:
    hop = Hop("edge", nginx(), addresses=[HOP])
    said = ask(FromHops(hop), GOOD, connection=Connection(server="uWSGI", known=False))
    assert isinstance(said, Reason)
    assert (said.code, said.detail[:12]) == ("untrusted_hop", "uWSGI is not")
    assert "any_server=True" in said.detail
    assert code(FromHops(hop), [], connection=Connection(known=False)) == "absent"
    tried = FromHops(hop, any_server=True)
    assert code(tried, GOOD, connection=Connection(known=False)) == "peer"
    assert code(tried, GOOD, connection=Connection(known=False, lossy=True)) == "untrusted_hop"
    assert code(tried, GOOD, connection=Connection(known=False, rewritten=True)) == "untrusted_hop"
    assert repr(tried).endswith(", any_server=True)")


def test_servers_that_lose_headers_are_not_believed() -> None:
    peers = FromHops(Hop("edge", nginx(), addresses=[HOP]))
    said = ask(peers, GOOD, connection=Connection(server="wsgiref", lossy=True))
    assert isinstance(said, Reason)
    assert (said.code, said.detail[:7]) == ("untrusted_hop", "wsgiref")
    assert code(peers, [], connection=Connection(lossy=True)) == "absent"


def test_each_hop_has_its_own_format_and_name() -> None:
    peers = FromHops(Hop("edge", nginx(), addresses=[HOP]), Hop("mesh", linkerd(), addresses=[ELSEWHERE]))
    mesh = [("l5d-client-id", "cart.shop.example")]
    assert ask(peers, GOOD) == Peer((CLIENT.der,), "edge")
    assert ask(peers, mesh, client=ELSEWHERE) == Peer(hop="mesh", names=("cart.shop.example",))
    assert code(peers, mesh) == "stray_header"
    assert code(peers, GOOD, client=ELSEWHERE) == "stray_header"


def test_two_hops_that_send_the_same_are_told_apart() -> None:
    peers = FromHops(Hop("one", nginx(), addresses=[HOP]), Hop("other", nginx(), addresses=[ELSEWHERE]))
    for _ in range(2):
        assert ask(peers, GOOD) == Peer((CLIENT.der,), "one")
        assert ask(peers, GOOD, client=ELSEWHERE) == Peer((CLIENT.der,), "other")


# --- Secrets ----------------------------------------------------------------------------------------------------------


def keeper(*values: str) -> FromHops:
    return FromHops(Hop("edge", nginx(), addresses=[HOP], secret=HopSecret("X-Hop-Secret", *values)))


def test_a_secret() -> None:
    peers = keeper(SECRET)
    for _ in range(2):
        assert code(peers, [*GOOD, ("x-hop-secret", SECRET)]) == "peer"
        for wrong in ("", SECRET[:-1], SECRET + "x", SECRET.lower(), NEXT, f"{SECRET},{SECRET}", b"\xff", f" {SECRET}"):
            assert code(peers, [*GOOD, ("x-hop-secret", wrong)]) == "untrusted_hop"
        assert code(peers, GOOD) == "untrusted_hop"
    assert code(peers, [*GOOD, ("x-hop-secret", SECRET)], client=ELSEWHERE) == "untrusted_hop"
    assert code(peers, [*GOOD, ("x-hop-secret", SECRET), ("x-hop-secret", SECRET)]) == "duplicate_header"
    assert code(peers, [*GOOD, ("x-hop-secret", SECRET), ("x_hop_secret", SECRET)]) == "stray_header"
    # Without a certificate the hop sends it, too.
    assert code(peers, [("x-hop-secret", SECRET)]) == "absent"
    assert code(peers, [("x-hop-secret", "another")]) == "untrusted_hop"


def test_secrets_while_one_replaces_another() -> None:
    peers = keeper(SECRET, NEXT)
    assert [code(peers, [*GOOD, ("x-hop-secret", one)]) for one in (SECRET, NEXT, SECRET[::-1])] == [
        "peer",
        "peer",
        "untrusted_hop",
    ]


def test_a_secret_is_nowhere_to_be_seen() -> None:
    peers = keeper(SECRET)
    [placed] = peers._hops
    said = ask(peers, [*GOOD, ("x-hop-secret", NEXT)])
    assert isinstance(said, Reason)
    for shown in (repr(peers), repr(placed.hop), repr(placed.hop.secret), repr(said), str(said), repr(said.expected)):
        assert SECRET not in shown
        assert NEXT not in shown


@pytest.mark.parametrize(
    ("given", "swapped"),
    [
        (("x-hop-secret", "a-secret-that-is-short"), False),
        ((SECRET,), True),
        ((SECRET.lower().replace("_", "-"),), True),
        (("a" * 40,), True),
        ((SECRET, "x-hop-secret"), True),
        ((SECRET.lower().replace("_", "-"), "x-hop-secret"), True),
        (("x-hop-secret", f"{SECRET},"), False),
        ((f"authorization: {SECRET}", SECRET), True),
        (("authorization", SECRET), False),
        (("x_hop_secret", SECRET), False),
    ],
)
def test_no_mistake_shows_a_secret(given: tuple[str, ...], swapped: bool) -> None:
    """Written without the header, or the wrong way round, the secret stands where the header should."""
    with pytest.raises(ConfigError, match=r"HopSecret\(header, secret\): ") as failed:
        HopSecret(*given)
    assert failed.value.__cause__ is None
    assert ("the header comes first" in str(failed.value)) is swapped
    for one in given:
        assert one in ("x-hop-secret", "authorization") or one not in str(failed.value)


@pytest.mark.parametrize(
    "header",
    ["Authorization", "cookie", "x-forwarded-for", "X-Forwarded-Secret", "forwarded", "host", "dpop", "content-type"],
)
def test_a_header_with_another_use_is_no_place_for_a_secret(header: str) -> None:
    with pytest.raises(ConfigError, match="one that nothing else sets or reads"):
        HopSecret(header, SECRET)


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """CWE-208: all of them with `hmac.compare_digest`, whichever is the right one."""
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return one == other

    monkeypatch.setattr("zerotrust.web.peers.hop.compare_digest", compare)
    assert code(keeper(SECRET, NEXT), [*GOOD, ("x-hop-secret", SECRET)]) == "peer"
    assert compared == [SECRET.encode(), NEXT.encode()]


def test_hops_at_one_address_are_told_apart_by_what_they_show() -> None:
    peers = FromHops(
        Hop("one", nginx(), addresses=[HOP], secret=HopSecret("x-one", SECRET)),
        Hop("other", nginx(), addresses=[HOP], secret=HopSecret("x-other", NEXT)),
    )
    assert ask(peers, [*GOOD, ("x-one", SECRET)]) == Peer((CLIENT.der,), "one")
    assert ask(peers, [*GOOD, ("x-other", NEXT)]) == Peer((CLIENT.der,), "other")
    assert code(peers, [*GOOD, ("x-other", SECRET)]) == "untrusted_hop"
    assert code(peers, GOOD) == "untrusted_hop"
    # What the one shows is nothing that the other sets.
    assert code(peers, [*GOOD, ("x-one", SECRET), ("x-other", NEXT)]) == "stray_header"


# --- Certificates of hops ---------------------------------------------------------------------------------------------

EDGE = ROOT.issue("edge", uris=["spiffe://prod/edge"], dns=["edge.internal"])


def over(*ders: bytes) -> Connection:
    return Connection(ders, shown=True)


def certified(**pins: object) -> FromHops:
    certificate = HopCertificate(ANCHORS, **pins)  # type: ignore[arg-type]
    return FromHops(Hop("edge", nginx(), addresses=[HOP], certificate=certificate))


@pytest.mark.parametrize(
    "pins",
    [
        {"uris": "spiffe://prod/edge"},
        {"uris": ["spiffe://prod/other", "spiffe://prod/edge"]},
        {"dns": ["edge.internal"]},
        {"fingerprints": read(EDGE.der).fingerprint},
        {"fingerprints": ":".join(read(EDGE.der).fingerprint.upper()[at : at + 2] for at in range(0, 64, 2))},
    ],
)
def test_a_hops_own_certificate(pins: dict[str, object]) -> None:
    peers = certified(**pins)
    for _ in range(2):
        assert ask(peers, GOOD, connection=over(*EDGE.ders)) == Peer((CLIENT.der,), "edge")
        for other in (PLAINTEXT, over(), over(*CLIENT.ders), over(b"junk"), over(ROOT.der), over(*[EDGE.der] * 11)):
            assert code(peers, GOOD, connection=other) == "untrusted_hop"
    assert code(peers, GOOD, client=ELSEWHERE, connection=over(*EDGE.ders)) == "untrusted_hop"


def test_a_pinned_name_from_another_authority() -> None:
    """The name alone is anybody's to write."""
    forged = LocalAuthority(now=NOW).issue("edge", uris=["spiffe://prod/edge"], dns=["edge.internal"])
    for pins in (
        {"uris": "spiffe://prod/edge"},
        {"dns": "edge.internal"},
        {"fingerprints": read(forged.der).fingerprint},
    ):
        assert code(certified(**pins), GOOD, connection=over(*forged.ders)) == "untrusted_hop"


def test_a_hops_certificate_is_checked_at_each_request() -> None:
    peers = certified(uris="spiffe://prod/edge")
    for later, expected in ((0, "peer"), (31 * 86400, "untrusted_hop"), (0, "peer"), (-86400, "untrusted_hop")):
        assert code(peers, GOOD, connection=over(*EDGE.ders), now=NOW + later) == expected


def test_what_is_wrong_with_it_is_told() -> None:
    said = ask(certified(uris="spiffe://prod/edge"), GOOD)
    assert isinstance(said, Reason)
    assert "this server does not show it" in str(said)
    said = ask(certified(uris="spiffe://prod/edge"), GOOD, connection=over(*EDGE.ders), now=NOW + 1e8)
    assert isinstance(said, Reason)
    assert "valid" in str(said) or "expired" in str(said)


def test_a_secret_and_a_certificate() -> None:
    hop = Hop(
        "edge",
        nginx(),
        addresses=[HOP],
        secret=HopSecret("x-hop", SECRET),
        certificate=HopCertificate(ANCHORS, uris="spiffe://prod/edge"),
    )
    both, one, other = (FromHops(hop), [*GOOD, ("x-hop", SECRET)], over(*EDGE.ders))
    assert code(both, one, connection=other) == "peer"
    assert code(both, GOOD, connection=other) == "untrusted_hop"
    assert code(both, one) == "untrusted_hop"


# --- The server's own connection --------------------------------------------------------------------------------------


def test_the_servers_own_connection() -> None:
    assert ask(TlsPeer(), [], connection=over(*CLIENT.ders)) == Peer(CLIENT.ders)
    assert code(TlsPeer(), [], connection=over()) == "absent"
    said = ask(TlsPeer(), [], connection=Connection(server="granian"))
    assert isinstance(said, Reason)
    assert said.code == "no_source"
    assert "granian" in said.detail
    assert "zerotrust.uvicorn" in said.detail
    assert repr(TlsPeer()) == "TlsPeer()"


@pytest.mark.parametrize(
    "name", [CERT, "x_ssl_client_cert", "Client-Cert", "x-forwarded-client-cert", VERIFY, "l5d-client-id"]
)
def test_no_header_speaks_where_tls_ends(name: str) -> None:
    for connection in (over(*CLIENT.ders), over(), PLAINTEXT):
        said = ask(TlsPeer(), [(name, "x")], connection=connection)
        assert isinstance(said, Reason)
        assert (said.code, str(said.presented).lower().replace("_", "-")) == (
            "stray_header",
            name.lower().replace("_", "-"),
        )


def test_clients_that_come_without_a_hop() -> None:
    peers = FromHops(Hop("edge", nginx(), addresses=[HOP]), direct=True)
    assert ask(peers, [], client=ELSEWHERE, connection=over(*VICTIM.ders)) == Peer(VICTIM.ders)
    assert code(peers, [], client=ELSEWHERE) == "no_source"
    assert code(peers, GOOD, client=ELSEWHERE, connection=over(*VICTIM.ders)) == "untrusted_hop"
    # What a hop presents is the hop's own, and no client's.
    assert code(peers, [], connection=over(*EDGE.ders)) == "absent"
    assert ask(peers, GOOD, connection=over(*EDGE.ders)) == Peer((CLIENT.der,), "edge")
    rewritten = Connection(VICTIM.ders, shown=True, rewritten=True)
    assert code(peers, [], client=ELSEWHERE, connection=rewritten) == "untrusted_hop"
    # Where it cannot be told whether a hop calls, what was presented may be the hop's own.
    for client in (f"::ffff:{HOP}", f"::ffff:{ELSEWHERE}", "fe80::1%eth0", "unix:", None, ""):
        assert code(peers, [], client=client, connection=over(*EDGE.ders)) == "untrusted_hop"
        assert code(peers, [], client=client, connection=over()) == "absent"
        assert code(peers, [], client=client) == "no_source"
    closed = FromHops(Hop("edge", nginx(), addresses=[HOP]))
    assert code(closed, [], client=ELSEWHERE, connection=over(*VICTIM.ders)) == "absent"


@pytest.mark.parametrize("pins", [{"uris": "spiffe://prod/edge"}, {"dns": "edge.internal"}])
def test_a_hops_certificate_is_no_clients_from_anywhere(pins: dict[str, object]) -> None:
    hop = Hop("edge", nginx(), addresses=[HOP], certificate=HopCertificate(ANCHORS, **pins))  # type: ignore[arg-type]
    peers = FromHops(Hop("mesh", linkerd(), addresses=["10.1.2.9"]), hop, direct=True)
    assert code(peers, [], client=ELSEWHERE, connection=over(*EDGE.ders)) == "untrusted_hop"
    assert ask(peers, [], client=ELSEWHERE, connection=over(*VICTIM.ders)) == Peer(VICTIM.ders)
    assert ask(peers, [], client=ELSEWHERE, connection=over(b"junk")) == Peer((b"junk",))  # verifiers say what it is


# --- Why nobody is there ---------------------------------------------------------------------------------------------


def test_why_nobody_is_there() -> None:
    kept = Hop("edge", nginx(), addresses=[HOP], secret=HopSecret("x-hop", SECRET))
    peers = FromHops(kept, Hop("mesh", linkerd(), addresses=[ELSEWHERE]))
    for client, headers, why in (
        (HOP, [], "the address is that of edge, but it sent no x-hop"),
        (
            HOP,
            [("x-hop", SECRET), (VERIFY, "NONE")],
            "the address is that of edge, which says that its client has none",
        ),
        (ELSEWHERE, [], "the address is that of mesh, which told of none"),
        ("192.0.2.7", [], "called from no hop's address"),
    ):
        assert code(peers, headers, client=client) == "absent"
        assert peers.why_nobody(request(headers, client=client), PLAINTEXT) == why
    assert "tells no address" in peers.why_nobody(request([], client=None), Connection(over_ip=True))
    assert TlsPeer().why_nobody(request([]), PLAINTEXT) == ""


# --- What is remembered -----------------------------------------------------------------------------------------------


def test_only_what_was_read_from_a_trusted_hop_is_remembered() -> None:
    peers = keeper(SECRET)
    [placed] = peers._hops
    code(peers, GOOD, client=ELSEWHERE)
    code(peers, GOOD)
    code(peers, [*GOOD, ("x-hop-secret", NEXT)])
    code(peers, [(CERT, "x"), (VERIFY, "SUCCESS"), ("x-hop-secret", SECRET)])
    code(peers, [*GOOD, ("client-cert", "x"), ("x-hop-secret", SECRET)])
    code(peers, [(VERIFY, "NONE"), ("x-hop-secret", SECRET)])
    assert len(placed.memo) == 0
    for _ in range(3):
        assert code(peers, [*GOOD, ("x-hop-secret", SECRET)]) == "peer"
    assert len(placed.memo) == 1
    assert SECRET.encode() not in repr(placed.memo._kept).encode()
    assert repr(placed.memo) == "<Memo of 1 headers>"


def test_remembered_is_the_same_value() -> None:
    peers = FromHops(Hop("edge", nginx(), addresses=[HOP]))
    assert ask(peers, GOOD) is ask(peers, GOOD)
    forgetful = FromHops(Hop("edge", nginx(), addresses=[HOP]), remember=0)
    assert ask(forgetful, GOOD) is not ask(forgetful, GOOD)


def test_memory_is_bounded_in_entries_and_octets() -> None:
    memo = Memo(10)
    for number in range(50):
        memo.keep(b"%d" % number, Peer((b"a" * 100,)))
    assert len(memo) == 10
    assert memo.find(b"49") == Peer((b"a" * 100,))
    assert memo.find(b"39") is None
    big = Memo(1000)
    for number in range(40):
        big.keep(b"%d" % number, Peer((b"a" * (MOST_BYTES // 8),)))
    assert len(big) == 7
    big.keep(b"huge", Peer((b"a" * MOST_BYTES,)))
    assert big.find(b"huge") is None
    assert len(big) == 7
    for _ in range(100):  # the same again takes no more room
        big.keep(b"39", Peer((b"a" * (MOST_BYTES // 8),)))
    assert len(big) == 7


def test_memory_is_safe_among_threads() -> None:
    memo = Memo(5)

    def keep(start: int) -> None:
        for number in range(start, start + 2000):
            memo.keep(b"%d" % number, Peer((b"a",)))

    threads = [threading.Thread(target=keep, args=(start,)) for start in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(memo) == 5
    assert memo._bytes == sum(257 + len(key) for key in memo._kept)


def test_keys_tell_apart_what_came_where() -> None:
    reads = (b"a", b"b")
    found = [{}, {b"a": b""}, {b"b": b""}, {b"a": b"1"}, {b"b": b"1"}, {b"a": b"1", b"b": b""}, {b"a": b"", b"b": b"1"}]
    found += [{b"a": b"1:1"}, {b"a": b"-"}, {b"a": b"11:"}, {b"a": b"1", b"b": b"1"}, {b"a": b"1-"}, {b"a": b"11:1"}]
    assert len({key_of(one, reads) for one in found}) == len(found)
