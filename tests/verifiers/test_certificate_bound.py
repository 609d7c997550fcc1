"""`bound_to=`: a token counts with the certificate of its connection alone, and only if that is good, too."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from tests.verifiers.devices import ISSUING, OTHER, ROOT, Known, device, issued, request
from tests.verifiers.introspecting import TOKEN as OPAQUE
from tests.verifiers.introspecting import Server, answered, introspection
from tests.verifiers.tokens import NOW, b64, bearer, mint
from zerotrust.core.ask import Ask, ConsumeOnce, Fetch
from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.finding import Rejected
from zerotrust.core.peer import Peer
from zerotrust.core.policy import Policy
from zerotrust.core.reason import CERTIFICATE_REVOKED, REVOCATION_UNKNOWN, STRAY_HEADER, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.engine import decide
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing.authority import Issued
from zerotrust.testing.dpop import DPoPClient
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.dpop import DPoP

PEER = device(name="peer")
TOKEN = bearer(bound_to=PEER)
MINE, THEIRS = issued("pc-1"), issued("pc-2")


def thumbprint(one: Issued) -> str:
    return b64(sha256(one.der).digest())


def bound(one: Issued, **claims: object) -> str:
    return mint(cnf={"x5t#S256": thumbprint(one)}, **claims)


def deciding(
    policy: Policy, peer: Issued | Peer | Reason | None, token: str | None, now: float = NOW, **options: Any
) -> Decision:
    return decide(policy, request(peer, token, now), Sources(MemoryStore()), **options)


def refused(policy: Policy, peer: Issued | Peer | Reason | None, token: str | None, now: float = NOW) -> Reason:
    decision = deciding(policy, peer, token, now)
    assert isinstance(decision, Challenge | Deny)
    return decision.reason


# --- The token and the certificate are of one client -----------------------------------------------------------------
def test_a_policy_may_ask_of_both() -> None:
    policy = TOKEN.scope("pay") & PEER.device_id("pc-1")
    assert deciding(policy, MINE, bound(MINE, scope="pay"))
    with pytest.raises(PolicyError, match="which nothing links"):
        bearer().scope("pay") & PEER.device_id("pc-1")
    assert TOKEN.links == (PEER,)
    assert bearer().links == ()


def test_with_its_certificate_and_with_no_other() -> None:
    for _ in range(2):  # verified, and remembered
        assert deciding(TOKEN.valid, MINE, bound(MINE))
        assert refused(TOKEN.valid, THEIRS, bound(MINE)).code == "key_mismatch"
        assert refused(TOKEN.valid, None, bound(MINE)).code == "proof_required"


def test_a_token_bound_to_nothing_is_refused_each_time() -> None:
    token = mint()
    for peer in (MINE, None, MINE):
        reason = refused(TOKEN.valid, peer, token)
        assert reason.code == "proof_required"
        assert reason.expected == "a token bound to the client certificate (cnf)"
    assert deciding(bearer().valid, MINE, token)  # it is good elsewhere


@pytest.mark.parametrize("cnf", [{}, {"jkt": "x"}, "x5t#S256", ["x5t#S256"], None, {"x5t": "x"}], ids=repr)
def test_another_confirmation_is_none(cnf: object) -> None:
    assert refused(TOKEN.valid, MINE, mint(cnf=cnf)).code == "proof_required"


def test_both_look_at_the_same_certificate() -> None:
    """The first of the chain, whatever stands behind it."""
    both = TOKEN.valid & PEER.device_id("pc-1")
    behind = Peer((*THEIRS.ders, MINE.der))
    assert deciding(both, MINE, bound(MINE))
    assert refused(TOKEN.valid, behind, bound(MINE)).code == "key_mismatch"
    assert not deciding(both, behind, bound(MINE))
    decision = deciding(TOKEN.valid & PEER.device_id("pc-2"), behind, bound(THEIRS))
    assert isinstance(decision, Allow)
    assert decision[PEER].fingerprint == sha256(THEIRS.der).hexdigest()


# --- And the certificate is good -------------------------------------------------------------------------------------
def test_the_certificate_has_to_be_good_though_the_policy_asks_of_the_token_alone() -> None:
    stranger = issued(by=OTHER)
    reason = refused(TOKEN.valid, stranger, bound(stranger))
    assert reason.code == "proof_required"
    assert reason.expected == "a certificate that peer verifies"
    assert "certificate trusted here" in reason.detail or "not signed by" in reason.detail
    assert deciding(bearer().valid, stranger, bound(stranger))  # RFC 8705 alone does not mind


def test_revocation_of_the_certificate_counts() -> None:
    revoked = bearer(bound_to=device(name="peer", revocation=Known(CERTIFICATE_REVOKED())))
    assert "revoked" in refused(revoked.valid, MINE, bound(MINE)).detail
    unknown = bearer(bound_to=device(name="peer", revocation=Known(REVOCATION_UNKNOWN())))
    assert refused(unknown.valid, MINE, bound(MINE)).code == "revocation_unknown"


def test_the_token_counts_no_longer_than_the_certificate() -> None:
    brief = issued("pc-1", days=1 / 24 + 60 / 86400)  # a minute from now
    decision = deciding(TOKEN.valid, brief, bound(brief))
    assert decision.valid_until == NOW + 61
    assert deciding(TOKEN.valid, MINE, bound(MINE)).valid_until == NOW + 310
    assert refused(TOKEN.valid, brief, bound(brief), NOW + 61).code == "proof_required"


def test_what_must_not_be_believed_of_a_peer_is_the_reason() -> None:
    assert refused(TOKEN.valid, STRAY_HEADER(), bound(MINE)).code == "stray_header"
    word = Peer(hop="front", names=("spiffe://prod/ledger",))
    assert refused(TOKEN.valid, word, bound(MINE)).code == "proof_required"


def test_a_bad_token_stays_one() -> None:
    assert refused(TOKEN.valid, MINE, None).code == "not_presented"
    assert refused(TOKEN.valid, MINE, bound(MINE, exp=NOW - 600)).code == "expired"
    assert refused(TOKEN.valid, MINE, "x").code == "malformed"


# --- With the rest of what a token can be held to --------------------------------------------------------------------
def test_a_one_time_token_is_used_up_once_all_else_is_good() -> None:
    store = Sources(MemoryStore())
    once = bearer(bound_to=PEER, one_time=True)
    policy, brief = once.valid & PEER.device_id("pc-1"), issued("pc-1", days=1 / 24 + 60 / 86400)
    for number, mine in enumerate((MINE, brief)):  # the certificate lives longer than the token, and not so long
        token = bound(mine, jti=str(number))
        for peer in (THEIRS, None):
            assert not decide(policy, request(peer, token), store)
        assert decide(policy, request(mine, token), store)
        assert not decide(policy, request(mine, token), store)


def test_both_keys_of_a_token_that_is_bound_to_two() -> None:
    client = DPoPClient(clock=lambda: NOW)
    verifier = bearer(bound_to=PEER, dpop=DPoP())

    def asking(peer: Issued | None, cnf: dict[str, str]) -> str | None:
        token = mint(cnf=cnf)
        headers = client.headers("GET", "https://api.example/", token)
        shown = None if peer is None else peer.peer()
        asked = AccessRequest(now=NOW, host="api.example", headers=headers, peer=shown)
        decision = decide(verifier.valid, asked, Sources(MemoryStore()))
        return decision.reason.code if isinstance(decision, Challenge | Deny) else None

    two = {"x5t#S256": thumbprint(MINE), "jkt": client.jkt}
    assert asking(MINE, two) is None
    assert asking(THEIRS, two) == "key_mismatch"
    assert asking(None, two) == "proof_required"
    assert asking(MINE, {"jkt": client.jkt}) == "proof_required"
    assert asking(MINE, {"x5t#S256": thumbprint(MINE)}) == "key_mismatch"  # a proof for a token not bound to its key


def test_one_token_alone_proves_nothing() -> None:
    for token in (bound(MINE), mint()):
        finding = TOKEN.verify(token, NOW)
        assert isinstance(finding, Rejected)
        assert finding.reason.code == "proof_required"


def test_what_it_needs() -> None:
    class Asking(Known):
        @property
        def needs(self) -> tuple[type[Ask[Any]], ...]:
            return (Fetch,)

    assert TOKEN.needs_peer is True
    assert bearer().needs_peer is False
    assert bearer(bound_to=device(revocation=Asking()), one_time=True).needs == (ConsumeOnce, Fetch)


@pytest.mark.parametrize(
    "value", ["peer", PEER.valid, bearer(), ROOT, ISSUING, True], ids=lambda value: type(value).__name__
)
def test_mistakes(value: Any) -> None:
    with pytest.raises(ConfigError, match="bound_to takes what verifies the client's certificate"):
        bearer(bound_to=value)


# --- Opaque tokens ---------------------------------------------------------------------------------------------------
def test_an_opaque_token_is_held_to_the_same() -> None:
    verifier = introspection(bound_to=PEER)
    server = Server(answered(cnf={"x5t#S256": thumbprint(MINE)}))
    policy = verifier.scope("pay") & PEER.device_id("pc-1")
    for _ in range(2):
        assert decide(policy, request(MINE, OPAQUE), Sources(server))
        assert not decide(verifier.valid, request(THEIRS, OPAQUE), Sources(server))
        assert not decide(verifier.valid, request(None, OPAQUE), Sources(server))
    assert verifier.needs_peer is True
    plain = introspection(bound_to=PEER)
    for _ in range(2):
        decision = decide(plain.valid, request(MINE, OPAQUE), Sources(Server()))
        assert isinstance(decision, Challenge)
        assert decision.reason.code == "proof_required"


def test_jwts_beside_opaque_tokens_are_held_to_the_same_certificates() -> None:
    with pytest.raises(ConfigError, match="the same bound_to= object"):
        introspection(jwts=bearer(), bound_to=PEER)
    with pytest.raises(ConfigError, match="the same bound_to= object"):
        introspection(jwts=TOKEN)
    both = introspection(jwts=TOKEN, bound_to=PEER)
    assert isinstance(TOKEN, Bearer)
    assert decide(both.valid, request(MINE, bound(MINE)), Sources(Server()))
    assert not decide(both.valid, request(MINE, mint()), Sources(Server()))
