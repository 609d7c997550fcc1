"""Sessions of clients that have proven a key: they count with that key, and never with less (RFC 7800, 8705, 9449)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from tests.sessions.browsers import KEEPERS, Browser, proof
from tests.verifiers.devices import OTHER as OTHER_CA
from tests.verifiers.devices import Known, device, issued
from tests.verifiers.proofs import CLIENT, HOST, OTHER, PATH
from tests.verifiers.proofs import URL as RESOURCE
from tests.verifiers.tokens import NOW, URL, b64, bearer, mint
from zerotrust.core.ask import Lookup
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Finding, Verified
from zerotrust.core.peer import Peer
from zerotrust.core.reason import REVOCATION_UNKNOWN, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources, run
from zerotrust.engine import decide
from zerotrust.factors.account import Account
from zerotrust.pki.chain import Anchors, Path
from zerotrust.sessions.registry import Begun
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing.authority import Issued
from zerotrust.testing.dpop import DPoPClient
from zerotrust.verifiers.certificate_evidence import CertificateEvidence
from zerotrust.verifiers.certificates import CertificateVerifier
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.verifiers.session_keys import agree, proven_keys
from zerotrust.wire.certificate import Certificate

ADA = Account(URL, "ada")
TOKEN = bearer(dpop=DPoP())
MINE, THEIRS = issued("pc-1"), issued("pc-2")


def thumbprint(one: Issued) -> str:
    return b64(sha256(one.der).digest())


class Client:
    """A browser with a token, with a key or a certificate or neither."""

    def __init__(
        self, *, dpop: DPoPClient | None = None, certificate: Issued | None = None, bound: bool = True, **claims: object
    ) -> None:
        cnf: dict[str, object] = {}
        if dpop is not None:
            cnf |= dpop.cnf
        if certificate is not None and bound:
            cnf["x5t#S256"] = thumbprint(certificate)
        self.token = mint(**({"cnf": cnf} if cnf else {}), **claims)
        self.dpop, self.certificate = dpop, certificate
        self.browser = Browser()

    def with_cookies_of(self, other: Client) -> Client:
        self.browser = other.browser.copy()
        return self

    def request(self) -> AccessRequest:
        headers = [(b"authorization", f"{'DPoP' if self.dpop else 'Bearer'} {self.token}".encode())]
        if self.dpop is not None:
            headers.append((b"dpop", self.dpop.proof("GET", RESOURCE, self.token).encode()))
        headers += self.browser.request().headers
        peer = None if self.certificate is None else self.certificate.peer()
        return AccessRequest(now=NOW, host=HOST, path=PATH, raw_path=PATH, headers=headers, peer=peer)


class World:
    def __init__(self, session: Session) -> None:
        self.session = session
        self.sources = Sources(MemoryStore())

    def finding(self, client: Client) -> Any:
        assert self.session.of is not None
        decision = decide(self.session.of.valid & self.session.valid, client.request(), self.sources)  # type: ignore[attr-defined]
        return decision.findings[self.session]

    def proofs(self, client: Client) -> list[str] | str:
        """What was proven in its session, or why that is refused."""
        finding = self.finding(client)
        if isinstance(finding.evidence, SessionEvidence):
            return [one.by for one in finding.evidence.proofs]
        return str(finding.reason.code)

    def prove(self, client: Client, by: str) -> Begun | Reason:
        request = client.request()
        assert self.session.of is not None
        about = decide(self.session.of.valid, request, self.sources).findings[self.session.of].evidence  # type: ignore[attr-defined]
        step = self.session.adding(request, Proving(ADA, proof(at=NOW, by=by)), about)
        begun: Begun | Reason = run(step, self.sources)
        if isinstance(begun, Begun):
            client.browser.take(begun.headers)
        return begun


@pytest.fixture(params=sorted(KEEPERS))
def world(request: pytest.FixtureRequest) -> World:
    return World(Session(of=TOKEN, keep=KEEPERS[request.param]))


def test_a_session_that_began_with_a_key_counts_with_that_key(world: World) -> None:
    mine = Client(dpop=CLIENT)
    begun = world.prove(mine, "1")
    assert isinstance(begun, Begun)
    assert begun.record.keys == (("jkt", CLIENT.jkt),)
    assert world.proofs(mine) == ["1"]
    assert world.proofs(Client(dpop=OTHER).with_cookies_of(mine)) == "key_mismatch"
    assert world.proofs(Client().with_cookies_of(mine)) == "weaker_binding"
    assert world.proofs(Client(certificate=MINE).with_cookies_of(mine)) == "weaker_binding"


@pytest.mark.parametrize("thief", ["another key", "no key"])
def test_a_thief_without_the_key_proves_nothing_in_it(world: World, thief: str) -> None:
    mine = Client(dpop=CLIENT)
    world.prove(mine, "1")
    stolen = Client(dpop=OTHER if thief == "another key" else None).with_cookies_of(mine)
    begun = world.prove(stolen, "2")
    assert isinstance(begun, Begun), "what they prove begins a session of their own"
    assert [one.by for one in begun.record.proofs] == ["2"]
    assert world.proofs(stolen) == ["2"]
    assert not run(world.session.forgetting(Client().with_cookies_of(mine).request(), "totp", "1"), world.sources)


def test_a_session_is_bound_to_a_key_once_one_is_proven(world: World) -> None:
    mine = Client()
    world.prove(mine, "1")
    stronger = Client(dpop=CLIENT).with_cookies_of(mine)
    assert world.proofs(stronger) == ["1"]
    begun = world.prove(stronger, "2")
    assert isinstance(begun, Begun)
    assert begun.record.keys == (("jkt", CLIENT.jkt),)
    assert world.proofs(stronger) == ["1", "2"]
    assert world.proofs(Client().with_cookies_of(stronger)) == "weaker_binding"


def test_a_certificate_is_a_key_too(world: World) -> None:
    mine = Client(certificate=MINE)
    world.prove(mine, "1")
    assert world.proofs(mine) == ["1"]
    assert world.proofs(Client(certificate=THEIRS).with_cookies_of(mine)) == "key_mismatch"
    assert world.proofs(Client(dpop=CLIENT).with_cookies_of(mine)) == "weaker_binding"


def test_of_two_keys_both_are_needed(world: World) -> None:
    mine = Client(dpop=CLIENT, certificate=MINE)
    world.prove(mine, "1")
    assert world.proofs(mine) == ["1"]
    assert world.proofs(Client(dpop=CLIENT).with_cookies_of(mine)) == "weaker_binding"
    assert world.proofs(Client(dpop=CLIENT, certificate=THEIRS).with_cookies_of(mine)) == "key_mismatch"


def test_what_the_caller_can_do_about_it(world: World) -> None:
    mine = Client(dpop=CLIENT)
    world.prove(mine, "1")
    finding = world.finding(Client().with_cookies_of(mine))
    assert world.session.action(finding) is Action.PRESENT_FACTOR


# --- bound_to --------------------------------------------------------------------------------------------------------
@pytest.fixture(params=sorted(KEEPERS))
def bound(request: pytest.FixtureRequest) -> World:
    return World(Session(of=TOKEN, bound_to=device(name="peer"), keep=KEEPERS[request.param]))


def test_the_certificate_of_the_connection(bound: World) -> None:
    mine = Client(certificate=MINE, bound=False)
    begun = bound.prove(mine, "1")
    assert isinstance(begun, Begun)
    assert begun.record.keys == (("x5t#S256", thumbprint(MINE)),)
    assert bound.proofs(mine) == ["1"]
    assert bound.proofs(Client(certificate=THEIRS, bound=False).with_cookies_of(mine)) == "key_mismatch"
    assert bound.proofs(Client().with_cookies_of(mine)) == "proof_required"
    stranger = issued("pc-1", by=OTHER_CA)
    assert bound.proofs(Client(certificate=stranger, bound=False).with_cookies_of(mine)) == "proof_required"
    assert bound.session.links == (bound.session._bound_to,)
    assert bound.session.needs_peer
    assert Lookup in bound.session.needs


def test_without_a_good_certificate_no_session_begins(bound: World) -> None:
    assert getattr(bound.prove(Client(), "1"), "code", "") == "proof_required"
    alone = Session(source="shop", bound_to=device(name="peer"))
    with pytest.raises(ConfigError, match="begins with one"):
        run(alone.beginning(Account("shop", "ada"), Client().request()), bound.sources)


def test_whether_it_was_revoked_cannot_be_told() -> None:
    world = World(Session(of=TOKEN, bound_to=device(name="peer")))
    mine = Client(certificate=MINE, bound=False)
    world.prove(mine, "1")
    unsure = World(Session(of=TOKEN, bound_to=device(name="peer", revocation=Known(REVOCATION_UNKNOWN()))))
    unsure.sources = world.sources
    assert unsure.proofs(mine) == "revocation_unknown"
    with pytest.raises(Exception, match="cannot be told"):
        unsure.prove(mine, "2")


def test_the_word_of_a_hop_is_no_key(bound: World) -> None:
    mine = Client(certificate=MINE, bound=False)
    bound.prove(mine, "1")
    request = mine.request()
    said = AccessRequest(now=NOW, host=HOST, headers=request.headers, peer=Peer(hop="front", names=("urn:x",)))
    decision = decide(TOKEN.valid & bound.session.valid, said, bound.sources)
    assert not decision


class Hop(CertificateVerifier[CertificateEvidence]):
    """Takes the word of a hop that passes on a name, and no certificate."""

    name = "hop"

    def find(self, request: AccessRequest) -> Finding[CertificateEvidence]:
        return Verified(CertificateEvidence("front", "pc-1", NOW, NOW + 60.0, asserted_by="front"))

    def blank(self, now: float) -> CertificateEvidence:
        raise AssertionError

    def _anchors(self, leaf: Certificate, now: float) -> Anchors:
        raise AssertionError

    def _evidence(self, path: Path, hop: str | None, now: float) -> CertificateEvidence:
        raise AssertionError


def test_a_name_alone_is_a_key_of_nobody() -> None:
    """Else all whom hops name would share one."""
    request = Client().request()
    hop: Any = Hop()
    refused = run(proven_keys(request, None, hop))
    assert isinstance(refused, Reason)
    assert refused.code == "proof_required"
    said: Any = hop.find(request)
    assert run(proven_keys(request, said.evidence, None)) == ()


def test_a_session_of_a_certificate_is_bound_to_it() -> None:
    peer = device(name="peer")
    session = Session(of=peer)
    sources = Sources(MemoryStore())
    browser = Browser()

    def request(one: Issued) -> AccessRequest:
        return AccessRequest(now=NOW, host=HOST, headers=browser.request().headers, peer=one.peer())

    about = decide(peer.valid, request(MINE), sources).findings[peer].evidence
    assert about is not None
    account = Account(about.source, about.subject)
    begun = run(session.adding(request(MINE), Proving(account, proof(at=NOW)), about), sources)
    assert isinstance(begun, Begun)
    assert begun.record.keys == (("x5t#S256", thumbprint(MINE)),)
    browser.take(begun.headers)
    assert decide(session.factors(1), request(MINE), sources)
    renewed = issued("pc-1")
    assert not decide(session.factors(1), request(renewed), sources)


def test_agreement() -> None:
    a, b = ("jkt", "a"), ("x5t#S256", "b")
    assert agree((), ()) is None
    assert agree((), (a,)) is None
    assert agree((a,), (a, b)) is None
    for began, shown, code in (
        ((a,), (), "weaker_binding"),
        ((a,), (b,), "weaker_binding"),
        ((a,), (("jkt", "c"),), "key_mismatch"),
        ((a, b), (a,), "weaker_binding"),
        ((a, b), (("jkt", "c"), b), "key_mismatch"),
    ):
        refused = agree(began, shown)
        assert refused is not None
        assert refused.code == code
