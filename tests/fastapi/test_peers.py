"""A guard knows who the peer of a connection is only if it is told who says so, and asks only where a policy looks."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import logging
import ssl
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, WebSocket

from tests.fastapi.world import GOOD, NOW, Sent, call, clock, http_scope, raw, shown, token
from zerotrust import AccessRequest, ConfigError, Evidence, Policy, Reason, anyone
from zerotrust.core.finding import Finding, Unavailable, Verified
from zerotrust.core.peer import Peer
from zerotrust.core.reason import (
    DUPLICATE_HEADER,
    KEY_MISMATCH,
    MALFORMED,
    NOT_PRESENTED,
    REVOCATION_UNKNOWN,
    STRAY_HEADER,
    TOO_LARGE,
    UNTRUSTED_CHAIN,
    UNTRUSTED_HOP,
)
from zerotrust.core.verifier import Question, Verifier
from zerotrust.fastapi import Access, Guard
from zerotrust.pki.chain import Anchors
from zerotrust.pki.short_lived import ShortLived
from zerotrust.testing.authority import LocalAuthority
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.web.log import Warnings
from zerotrust.web.peers import Connection, FromHops, Hop, HopSecret, Peers, TlsPeer, linkerd
from zerotrust.wire.certificate import Certificate, read_certificate

AUTHORITY = LocalAuthority(now=NOW)
ADA = AUTHORITY.issue("ada", dns=["ada.example"], days=0.5)


def anchors() -> Anchors:
    root = read_certificate(AUTHORITY.der)
    assert isinstance(root, Certificate)
    return Anchors(root)


peer = PeerCertificate(anchors(), subject="dns", revocation=ShortLived())


EDGE = Hop("edge", linkerd(), addresses=["192.0.2.7"])


class Direct(Peers):
    """Says what it was made with, else believes the connection; and counts who asks."""

    def __init__(self, said: Any = ...) -> None:
        self.said = said
        self.asked = 0

    def peer(self, request: AccessRequest, connection: Connection) -> Peer | Reason | None:
        self.asked += 1
        if isinstance(self.said, BaseException):
            raise self.said
        if self.said is not ...:
            return self.said  # type: ignore[no-any-return]
        return Peer(connection.chain) if connection.chain else None


class Badge(Verifier[Evidence]):
    """Is about whoever `of` is about, or hangs on `links`."""

    name = "badge"

    def __init__(self, *, of: Verifier[Any] | None = None, links: tuple[Verifier[Any], ...] = ()) -> None:
        self.of = of
        self.links = links

    def find(self, request: AccessRequest) -> Finding[Evidence]:
        return Verified(self.blank(request.now))

    def blank(self, now: float) -> Evidence:
        return Evidence("badges", "ada", now, now + 1)


class Held(Question[Evidence]):
    """Whether there is a badge."""

    def holds(self, evidence: Evidence, now: float) -> bool:
        return True

    def __str__(self) -> str:
        return "held"


def tls(*ders: bytes) -> dict[str, Any]:
    return {"extensions": {"tls": {"client_cert_chain": [ssl.DER_cert_to_PEM_cert(one) for one in ders]}}}


def shop(peers: Peers | None, default: Policy = token.valid, **options: Any) -> FastAPI:
    app = FastAPI()
    guard = Guard(app, default=default, clock=clock, peers=peers, **options)

    @app.get("/")
    async def who(access: Annotated[Access, guard.require(default)]) -> str:
        evidence = access.get(peer)
        return evidence.subject if evidence is not None else access[token].subject

    return app


def got(app: FastAPI, headers: dict[str, str] | None = None, **more: Any) -> Sent:
    return call(app, http_scope(headers=raw(headers or {}), **more))


# --- At construction -------------------------------------------------------------------------------------------------
def test_a_policy_about_the_peer_needs_somebody_who_says_who_that_is() -> None:
    wanted = r"default: nobody says who the peer of a connection is, which peer needs; write Guard\(app, peers=TlsPeer"
    with pytest.raises(ConfigError, match=wanted):
        Guard(FastAPI(), default=peer.valid)
    guard = Guard(FastAPI(), default=token.valid)
    with pytest.raises(ConfigError, match=r"guard\.require\(\.\.\.\): nobody says who the peer"):
        guard.require(peer.valid)
    with pytest.raises(ConfigError, match=r"guard\.protect\(\.\.\.\): nobody says who the peer"):
        guard.protect("/docs", peer.dns("ada.example"))


@pytest.mark.parametrize(
    "badge", [Badge(of=peer), Badge(of=Badge(of=peer)), Badge(links=(peer,)), Badge(of=Badge(links=(Badge(of=peer),)))]
)
def test_so_does_one_that_rests_on_the_peer(badge: Badge) -> None:
    policy = Held().leaf(badge)
    with pytest.raises(ConfigError, match="nobody says who the peer"):
        Guard(FastAPI(), default=policy)
    Guard(FastAPI(), default=policy, peers=Direct())


@pytest.mark.parametrize(
    ("peers", "said"),
    [
        (True, r"peers is bool.*peers=TlsPeer\(\).*peers=FromHops\(hop\)"),
        ("127.0.0.1", r"peers is str.*peers=TlsPeer\(\).*peers=FromHops\(hop\)"),
        (dict, r"the class dict; write .*peers=TlsPeer\(\).*peers=FromHops\(hop\)"),
        (ADA, "peers is Issued"),
        (TlsPeer, r"peers is the class TlsPeer; call it: peers=TlsPeer\("),
        (EDGE, r"peers is a Hop; .*: write peers=FromHops\(hop\)$"),
    ],
)
def test_peers_is_what_says_who_the_peer_is(peers: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Guard(FastAPI(), default=token.valid, peers=peers)


def test_whose_word_is_taken_has_to_be_a_hops_name() -> None:
    def trusting(*hops: str) -> Policy:
        return PeerCertificate(anchors(), subject="dns", revocation=ShortLived(), asserted_by=hops).valid

    with pytest.raises(ConfigError, match=r"default: peer has asserted_by=sidecr, and no hop is called so; .* edge$"):
        Guard(FastAPI(), default=trusting("sidecr", "edge"), peers=FromHops(EDGE))
    guard = Guard(FastAPI(), default=trusting("edge"), peers=FromHops(EDGE))
    with pytest.raises(ConfigError, match="asserted_by=sidecr"):
        guard.require(trusting("sidecr"))
    Guard(FastAPI(), default=trusting("sidecr"), peers=Direct())  # which does not say what its hops are called


# --- At a request ----------------------------------------------------------------------------------------------------
def test_the_peer_is_let_in_by_its_certificate() -> None:
    app = shop(Direct(), peer.dns("ada.example"))
    assert (got(app, **tls(ADA.der)).status, got(app, **tls(ADA.der)).body) == (200, b'"ada.example"')
    stranger = LocalAuthority("Another", now=NOW).issue("ada", dns=["ada.example"], days=0.5)
    for more in (tls(stranger.der), tls(), {}):
        assert got(app, **more).status == 403


def test_policies_that_never_look_at_the_peer_never_ask() -> None:
    peers = Direct(RuntimeError())
    app = shop(peers)
    assert got(shop(peers, anyone(because="a test") & token.valid), GOOD).status == 200
    assert got(app, GOOD).status == 200
    assert got(app).status == 401
    assert peers.asked == 0


def test_it_is_asked_once_for_all_that_a_policy_looks_at() -> None:
    peers = Direct()
    app = shop(peers, peer.dns("ada.example") & peer.valid & peer.direct)
    assert got(app, **tls(ADA.der)).status == 200
    assert peers.asked == 1


def test_a_requirement_that_no_guard_stands_before_asks_as_well() -> None:
    guard = Guard(FastAPI(), default=token.valid, clock=clock, peers=Direct())
    app = FastAPI()

    @app.get("/")
    async def who(access: Annotated[Access, guard.require(peer.valid)]) -> str:
        return access[peer].subject

    assert got(app, **tls(ADA.der)).body == b'"ada.example"'
    assert got(app, **tls()).status == 403


def bound(der: bytes) -> dict[str, str]:
    thumbprint = urlsafe_b64encode(sha256(der).digest()).rstrip(b"=").decode()
    return shown(cnf={"x5t#S256": thumbprint})


def test_a_token_bound_to_a_certificate_needs_that_certificate() -> None:
    """RFC 8705 section 3: through the guard, without any verifier of certificates."""
    app, headers = shop(Direct()), bound(ADA.der)
    assert got(app, headers, **tls(ADA.der)).status == 200
    other = AUTHORITY.issue("bea")
    for more in (tls(other.der), tls(other.der, ADA.der), tls(), {}):
        sent = got(app, headers, **more)
        assert (sent.status, b"invalid_token" in sent.headers[b"www-authenticate"]) == (401, True)
    assert got(shop(None), headers, **tls(ADA.der)).status == 401  # nobody was told to look


# --- A resolver that is not to be believed, or fails -----------------------------------------------------------------
def test_one_that_raises_refuses_what_rests_on_the_peer_alone(caplog: pytest.LogCaptureFixture) -> None:
    peers = Direct(ValueError("hunter2"))
    assert got(shop(peers, peer.valid), **tls(ADA.der)).status == 403
    assert got(shop(peers), bound(ADA.der), **tls(ADA.der)).status == 401
    assert got(shop(peers), GOOD).status == 200
    assert "Direct failed: ValueError at" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("kind", [DUPLICATE_HEADER, STRAY_HEADER])
def test_stray_and_duplicate_headers_are_refused_and_told(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = shop(Direct(kind(presented="2 of x-ssl-client-cert")), peer.valid)
    got(app)
    caplog.clear()
    with caplog.at_level(logging.DEBUG, logger="zerotrust.guard"):
        sent = got(app, **tls(ADA.der))
    assert sent.status in (400, 403)
    [told] = [
        one.getMessage() for one in caplog.records if one.name == "zerotrust.guard" and one.levelno == logging.DEBUG
    ]
    assert told.startswith(f"refused GET /: {sent.status} ")
    assert "2 of x-ssl-client-cert" in told
    assert b"x-ssl-client-cert" not in sent.body


# --- What production hears of -----------------------------------------------------------------------------------------
def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "zerotrust.guard" and one.levelno >= logging.INFO]


class Moving:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def quiet(app: FastAPI, caplog: pytest.LogCaptureFixture) -> FastAPI:
    got(app)
    caplog.clear()
    caplog.set_level(logging.INFO, logger="zerotrust.guard")
    return app


@pytest.mark.parametrize("kind", [UNTRUSTED_HOP, STRAY_HEADER, DUPLICATE_HEADER, MALFORMED, TOO_LARGE, KEY_MISMATCH])
def test_forgery_is_told_at_warning_in_our_own_words(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    said = Direct(None)
    app = quiet(shop(said, peer.valid), caplog)
    said.said = kind(expected="hunter1", presented="hunter2", detail="by the ingress")
    got(app, {"x-secret": "hunter3"})
    [told] = warned(caplog)
    assert told == f"refused at /: {kind.code}: {kind.sentence}: by the ingress"


@pytest.mark.parametrize("said", [None, NOT_PRESENTED(), UNTRUSTED_CHAIN(detail="so says edge")])
def test_an_honest_client_without_a_good_certificate_is_told_to_nobody(
    said: Any, caplog: pytest.LogCaptureFixture
) -> None:
    got(quiet(shop(Direct(said), peer.valid), caplog))
    assert warned(caplog) == []


def test_warnings_are_one_a_minute_for_each_kind_and_route(caplog: pytest.LogCaptureFixture) -> None:
    said, moving = Direct(UNTRUSTED_HOP()), Moving()
    app = FastAPI()
    guard = Guard(app, default=peer.valid, clock=moving, peers=said)
    app.add_api_route("/items/{name}", lambda name: name, dependencies=[guard.require(peer.valid)])

    def ask(path: str, at: float, kind: Any = UNTRUSTED_HOP) -> list[str]:
        said.said, moving.now = kind(), NOW + at
        caplog.clear()
        call(app, http_scope(path))
        return warned(caplog)

    guard.check()
    caplog.set_level(logging.INFO, logger="zerotrust.guard")
    sentence = f"refused at /items/{{name}}: untrusted_hop: {UNTRUSTED_HOP.sentence}"
    assert ask("/items/a", 0) == [sentence]
    assert [ask(f"/items/{number}", number) for number in range(1, 60)] == [[]] * 59
    assert ask("/items/b", 59.9, STRAY_HEADER) == [f"refused at /items/{{name}}: stray_header: {STRAY_HEADER.sentence}"]
    assert ask("/nowhere", 59.9) == [f"refused at (no route): untrusted_hop: {UNTRUSTED_HOP.sentence}"]
    assert ask("/items/c", 60) == [f"{sentence} (59 more since the last such line)"]
    assert ask("/items/c", 61) == []
    assert ask("/items/c", 30) == [f"{sentence} (1 more since the last such line)"]  # the clock was set back


def test_what_is_kept_of_warnings_is_bounded() -> None:
    warnings = Warnings()
    for number in range(1000):
        warnings.tell(UNTRUSTED_HOP(), f"/{number}", NOW)
    assert len(warnings._told) == 256


def test_a_revocation_that_is_not_known_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Unsure(Badge):
        def find(self, request: AccessRequest) -> Finding[Evidence]:
            return Unavailable(REVOCATION_UNKNOWN(presented="hunter1", detail="hunter2"))

    app = quiet(shop(None, Held().leaf(Unsure())), caplog)
    got(app)
    assert warned(caplog) == []  # the same minute as the first
    got(shop(None, Held().leaf(Unsure())))
    [told] = [one for one in warned(caplog) if one.startswith("refused")]
    assert told == f"refused at /: revocation_unknown: {REVOCATION_UNKNOWN.sentence}: badge"


def test_why_there_is_nobody_is_told_to_developers(caplog: pytest.LogCaptureFixture) -> None:
    secret = "q7Zt1vN-4xKe_9bRwYh3Lm8PsDf2Gj6U"
    kept = Hop("edge", linkerd(), addresses=["192.0.2.7"], secret=HopSecret("x-hop", secret))
    app = quiet(shop(FromHops(kept), peer.valid), caplog)
    caplog.set_level(logging.DEBUG, logger="zerotrust.guard")
    got(app)
    got(app, client=("192.0.2.8", 40000))
    first, second = [one.getMessage() for one in caplog.records if one.name == "zerotrust.guard"]
    assert first.endswith("\nno peer: the address is that of edge, but it sent no x-hop")
    assert second.endswith("\nno peer: called from no hop's address")
    caplog.clear()
    got(quiet(shop(FromHops(kept)), caplog))
    caplog.set_level(logging.DEBUG, logger="zerotrust.guard")
    got(shop(FromHops(kept)))  # a policy that never looked at the peer
    assert "no peer:" not in caplog.text


def test_a_server_that_hides_certificates_is_told_at_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It is wrong with the deployment, not with the request, so production hears of it: without what a caller said."""
    app = shop(TlsPeer(), peer.valid)
    got(app)
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="zerotrust.guard"):
        assert got(app, {"x-secret": "hunter2"}).status == 403
    [record] = [one for one in caplog.records if one.name == "zerotrust.guard"]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("refused at /: peer asks for the client's certificate: this server does not")
    assert "zerotrust.uvicorn" in record.getMessage()
    assert "hunter2" not in record.getMessage()
    with caplog.at_level(logging.INFO, logger="zerotrust.guard"):
        got(app, **tls())
    assert len([one for one in caplog.records if one.name == "zerotrust.guard"]) == 1  # a client without one


def test_a_websocket_has_a_peer_as_well() -> None:
    app = FastAPI()
    guard = Guard(app, default=peer.valid, peers=Direct(), clock=clock)

    @app.websocket("/rates")
    async def rates(socket: WebSocket, access: Annotated[Access, guard.require(peer.valid)]) -> None:
        await socket.accept()
        await socket.send_text(access[peer].subject)
        await socket.close()

    def answered(**more: Any) -> list[str]:
        scope = {**http_scope("/rates", **more), "type": "websocket", "scheme": "wss", "subprotocols": []}
        return [str(message.get("text", message["type"])) for message in call(app, scope).messages]

    assert answered(**tls(ADA.der)) == ["websocket.accept", "ada.example", "websocket.close"]
    assert answered(**tls()) == ["websocket.close"]
