"""DPoP under attack: what section 11 of RFC 9449 fears, and what section 4.3 leaves to find."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Barrier
from typing import Any, cast

import pytest

from tests.attacks.deciding import decided as decided_code
from tests.verifiers.proofs import (
    CLIENT,
    OTHER,
    PATH,
    SECRET,
    TOKEN,
    URL,
    asked,
    checked,
    code,
    decided,
    proof,
    verdict,
    why,
)
from tests.verifiers.tokens import NOW, OMIT, b64, bearer, mint
from tests.wire.signing import compact_json
from zerotrust.core.decision import Decision
from zerotrust.core.moments import minutes
from zerotrust.core.peer import Peer
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.engine import decide
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.nonces import Nonces
from zerotrust.wire import jwk as jwk_module
from zerotrust.wire.jwa import Verify

DER = b"the certificate of the connection"
X5T = b64(sha256(DER).digest())


@pytest.fixture(params=[0, 16], ids=["cold", "remembered"])
def remember(request: pytest.FixtureRequest) -> int:
    """How many tokens are remembered: what holds for a token seen first has to hold for one seen before."""
    size: int = request.param
    return size


# --- Section 11.1: replay --------------------------------------------------------------------------------------------
def test_section_11_1_a_proof_counts_once(remember: int) -> None:
    verifier, sources = bearer(dpop=DPoP(), remember=remember), Sources(MemoryStore())
    sent = proof()
    outcomes = [why(decide(verifier.valid, asked(sent), sources)) for _ in range(3)]
    assert outcomes == ["allowed", "replayed", "replayed"]
    assert why(decide(verifier.valid, asked(proof()), sources)) == "allowed"


def test_section_11_1_the_same_id_in_another_proof_by_the_same_key() -> None:
    store = MemoryStore()
    assert why(decided(asked(proof(jti="1")), store)) == "allowed"
    for again in (
        asked(proof(jti="1", iat=NOW + 1)),
        asked(proof(jti="1", method="POST"), method="POST"),
        asked(proof(jti="1", url="https://api.example/b"), path="/b", raw_path="/b"),
    ):
        assert why(decided(again, store)) == "replayed"


def test_section_11_1_the_same_id_by_another_key_is_another_proof() -> None:
    """Or a stranger could use up the ids of others before them."""
    store, theirs = MemoryStore(), mint(cnf=OTHER.cnf)
    assert why(decided(asked(proof(OTHER, token=theirs, jti="1"), token=theirs), store)) == "allowed"
    assert why(decided(asked(proof(jti="1")), store)) == "allowed"


def test_section_11_1_ids_and_keys_are_not_run_together() -> None:
    store = MemoryStore()
    ids = ["1", "1.", ".1", f"{CLIENT.jkt}.1", "1\0", "\u0131", "\u2160", "l", "1 "]
    assert [why(decided(asked(proof(jti=jti)), store)) for jti in ids] == ["allowed"] * len(ids)
    assert [why(decided(asked(proof(jti=jti)), store)) for jti in ids] == ["replayed"] * len(ids)


@pytest.mark.parametrize("age", [0, 1, 60, 69])
def test_section_11_1_as_long_as_a_proof_is_good_its_mark_is_there(age: int) -> None:
    store, early = MemoryStore(), proof(iat=NOW)
    assert why(decided(asked(early), store)) == "allowed"
    assert why(decided(asked(early, now=NOW + age), store)) == "replayed"
    assert why(decided(asked(early, now=NOW + 70), store)) == "bad_proof"


def test_section_11_1_a_proof_from_the_future_of_one_clock_is_marked_until_it_is_old_for_every_clock() -> None:
    """Accepted by a server whose clock is behind, it must not be good for one whose clock is right, minutes later."""
    store, ahead = MemoryStore(), proof(iat=NOW + 10)
    assert why(decided(asked(ahead), store)) == "allowed"
    patient = DPoP(leeway=minutes(2))
    for now in range(NOW, NOW + 200, 7):
        assert why(decided(asked(ahead, now=now), store, dpop=patient)) in ("replayed", "bad_proof")


def test_section_11_1_of_many_at_once_one_wins(remember: int) -> None:
    verifier, sources = bearer(dpop=DPoP(), remember=remember), Sources(MemoryStore())
    for _ in range(10):
        sent, together = proof(), Barrier(16)

        def race(sent: str = sent, together: Barrier = together) -> str:
            together.wait()
            return why(decide(verifier.valid, asked(sent), sources))

        with ThreadPoolExecutor(16) as threads:
            outcomes = [each.result() for each in [threads.submit(race) for _ in range(16)]]
        assert sorted(outcomes) == ["allowed", *["replayed"] * 15]


def test_section_11_1_what_is_refused_uses_nothing_up() -> None:
    """Or whoever sees a proof could spend it before its owner, with a request that is refused."""
    store, sent = MemoryStore(), proof()
    verifier = bearer(dpop=DPoP())
    wanting = verifier.valid & verifier.scope("more")
    assert not decide(wanting, asked(sent), Sources(store))
    for bad in (asked(sent, method="POST"), asked(sent, host="evil.example"), asked(sent, now=NOW - 60)):
        assert not decided(bad, store)
    assert why(decided(asked(sent), store)) == "allowed"


def test_section_11_1_without_a_store_nobody_is_let_in() -> None:
    decision = decide(bearer(dpop=DPoP()).valid, asked(proof()))
    assert why(decision) == "no_source"


# --- Section 11.2: proofs made ahead of time -------------------------------------------------------------------------
def test_section_11_2_a_proof_for_later_is_refused_now() -> None:
    assert verdict(proof(iat=NOW + 3600)) == "bad_proof iat"
    assert verdict(proof(iat=NOW + 3600), DPoP(max_age=minutes(10), leeway=minutes(2))) == "bad_proof iat"


def test_section_11_2_with_nonces_a_proof_for_later_is_refused_later() -> None:
    """Malware that signs for all of next week has to know next week's nonces."""
    nonces = Nonces(SECRET)
    dpop = DPoP(nonces=nonces)
    ahead = proof(iat=NOW + 3600, nonce=nonces.make(NOW))
    assert verdict(ahead, dpop) == "bad_proof iat"
    assert verdict(ahead, dpop, now=NOW + 3600) == "nonce_required"


@pytest.mark.parametrize(
    "foreign", [Nonces(bytes(range(1, 33))), Nonces(SECRET, minutes(10))], ids=["secret", "lifetime"]
)
def test_section_8_a_nonce_of_another_server_is_none(foreign: Nonces) -> None:
    assert verdict(proof(nonce=foreign.make(NOW)), DPoP(nonces=Nonces(SECRET))) == "nonce_required"


def test_section_8_a_replaced_secret_is_taken_until_it_is_dropped() -> None:
    old, new = SECRET, bytes(range(1, 33))
    sent = proof(nonce=Nonces(old).make(NOW))
    assert verdict(sent, DPoP(nonces=Nonces([new, old]))) == "good"
    assert verdict(sent, DPoP(nonces=Nonces(new))) == "nonce_required"


# --- Section 7.1 and 7.2: the wrong key, the wrong scheme ------------------------------------------------------------
def test_section_7_1_a_stolen_token_with_the_thiefs_own_proof(remember: int) -> None:
    verifier, sources = bearer(dpop=DPoP(), remember=remember), Sources(MemoryStore())
    assert decide(verifier.valid, asked(proof()), sources)
    for _ in range(2):
        assert why(decide(verifier.valid, asked(proof(OTHER)), sources)) == "key_mismatch"


def test_section_7_1_a_stolen_proof_with_another_token_of_the_same_key() -> None:
    more = mint(cnf=CLIENT.cnf, scope="admin", jti="2")
    assert why(decided(asked(proof(token=TOKEN), token=more))) == "bad_proof"
    assert why(decided(asked(proof(token=more), token=more))) == "allowed"


def test_section_7_2_a_bound_token_is_no_bearer_token(remember: int) -> None:
    verifier, sources = bearer(dpop=DPoP(), remember=remember), Sources(MemoryStore())
    assert decide(verifier.valid, asked(proof()), sources)
    for sent in ((), (proof(),)):
        for auth in ("Bearer", "bearer"):
            assert why(decide(verifier.valid, asked(*sent, auth=auth), sources)) == "proof_required"
    # Nor where nobody knows of DPoP.
    plain = bearer(remember=remember)
    assert why(decide(plain.valid, asked(proof(), auth="Bearer"), sources)) == "proof_required"
    assert why(decide(plain.valid, asked(proof()), sources)) == "not_presented"


def test_section_7_1_a_token_bound_to_nothing_is_no_dpop_token(remember: int) -> None:
    plain = mint()
    verifier, sources = bearer(dpop=DPoP(), remember=remember), Sources(MemoryStore())
    assert decide(verifier.valid, asked(token=plain, auth="Bearer"), sources)
    for sent in ((), (proof(token=plain),), ("nonsense",)):
        assert why(decide(verifier.valid, asked(*sent, token=plain), sources)) == "proof_required"


def test_section_7_1_no_proof_a_bad_one_or_two(remember: int) -> None:
    verifier, sources = bearer(dpop=DPoP(), remember=remember), Sources(MemoryStore())
    for sent, reason in (
        ((), "proof_required"),
        ((proof(), proof()), "duplicate_header"),
        ((f"{proof()}, {proof()}",), "duplicate_header"),
        ((CLIENT.forge_encrypted("GET", URL, TOKEN),), "encrypted"),
        ((CLIENT.forge_foreign_key("GET", URL, TOKEN),), "bad_proof"),
        ((TOKEN,), "bad_proof"),
    ):
        for _ in range(2):
            assert why(decide(verifier.valid, asked(*sent), sources)) == reason


def test_section_7_1_the_proof_is_not_looked_for_elsewhere() -> None:
    sent = proof()
    for name in (b"d-pop", b"dpop-proof", b"x-dpop", b"dpop_", b"proxy-authorization"):
        request = asked()
        headers = [*request.headers, (name, sent.encode())]
        moved = AccessRequest(
            now=NOW, host="api.example", path=PATH, raw_path=PATH, headers=headers, query=f"dpop={sent}"
        )
        assert why(decided(moved)) == "proof_required"


@pytest.mark.parametrize(
    "cnf",
    [
        {},
        [],
        None,
        "jkt",
        {"jkt": ""},
        {"jkt": None},
        {"jkt": [CLIENT.jkt]},
        {"jkt": {"jkt": CLIENT.jkt}},
        {"jkt": 1},
        {"jkt": CLIENT.jkt, "kid": "1"},
        {"jkt": CLIENT.jkt, "jwk": {}},
        {"JKT": CLIENT.jkt},
        {"jkt": CLIENT.jkt + "="},
        {"jkt": f" {CLIENT.jkt}"},
        {"jwk": CLIENT.jwk},
    ],
)
def test_rfc_7800_section_3_1_a_confirmation_that_is_none(cnf: Any, remember: int) -> None:
    token = mint(cnf=cnf)
    for auth in ("DPoP", "Bearer"):
        for sent in ((), (proof(token=token),)):
            outcome = why(decided(asked(*sent, token=token, auth=auth), remember=remember))
            assert outcome in ("proof_required", "key_mismatch")


def test_rfc_8705_section_3_bound_to_a_key_and_a_certificate_it_takes_both(remember: int) -> None:
    both = mint(cnf={**CLIENT.cnf, "x5t#S256": X5T})

    def outcome(*proofs: str, chain: tuple[bytes, ...] = (), auth: str = "DPoP") -> str:
        return why(decided(asked(*proofs, token=both, auth=auth, peer=Peer(tuple(chain))), remember=remember))

    good = proof(token=both)
    assert outcome(good, chain=(DER,)) == "allowed"
    assert outcome(good) == "proof_required"
    assert outcome(good, chain=(b"another",)) == "key_mismatch"
    assert outcome(good, chain=(b"another", DER)) == "key_mismatch"
    assert outcome(chain=(DER,)) == "proof_required"
    assert outcome(good, chain=(DER,), auth="Bearer") == "proof_required"
    assert outcome(proof(OTHER, token=both), chain=(DER,)) == "key_mismatch"
    assert outcome(proof(token=both, method="POST"), chain=(DER,)) == "bad_proof"


def test_a_one_time_token_counts_once_whatever_the_proof() -> None:
    verifier, sources = bearer(dpop=DPoP(), one_time=True), Sources(MemoryStore())
    first = proof()
    assert why(decide(verifier.valid, asked(proof(method="POST")), sources)) == "bad_proof"
    assert why(decide(verifier.valid, asked(first), sources)) == "allowed"
    assert why(decide(verifier.valid, asked(proof()), sources)) == "replayed"
    assert why(decide(verifier.valid, asked(first), sources)) == "replayed"


# --- Section 11.9 and what proofs are for: other resources -----------------------------------------------------------
def test_section_4_3_item_9_a_resource_cannot_use_what_it_was_sent_at_another() -> None:
    """A malicious resource passes on token and proof; it may choose every header but not what was signed."""
    theirs = proof(url="https://evil.example/accounts/1")
    assert why(decided(asked(theirs))) == "bad_proof"
    # Without a base URL the host is the one the caller names, as the docs warn.
    assert why(decided(asked(theirs, host="evil.example"))) == "allowed"
    assert why(decided(asked(theirs, host="evil.example"), dpop=DPoP(url="https://api.example"))) == "bad_proof"


@pytest.mark.parametrize("name", [b"x-forwarded-host", b"x-forwarded-proto", b"forwarded", b"x-original-url", b"host"])
def test_section_4_3_item_9_no_header_moves_a_request(name: bytes) -> None:
    theirs = proof(url="https://evil.example/accounts/1")
    moved = asked(theirs)
    headers = [*moved.headers, (name, b"evil.example")]
    request = AccessRequest(now=NOW, host="api.example", path=PATH, raw_path=PATH, headers=headers)
    assert why(decided(request)) == "bad_proof"


@pytest.mark.parametrize("raw_path", [".evil.example/x", "@evil.example/x", ":80/x", "x"])
def test_section_4_3_item_9_what_is_no_path_does_not_grow_the_host(raw_path: str) -> None:
    theirs = proof(url="https://api.example" + raw_path)
    for dpop in (DPoP(), DPoP(url="https://api.example")):
        assert verdict(theirs, dpop, raw_path=raw_path).startswith("bad_proof")


def test_section_11_7_the_proof_does_not_cover_the_query_and_says_so() -> None:
    """Section 4.2 leaves the query out of `htu`: who needs it covered needs signatures of messages (RFC 9421)."""
    assert why(decided(asked(proof(), query="amount=1"))) == "allowed"
    assert why(decided(asked(proof(), query="amount=1000"))) == "allowed"


def test_rfc_8725_section_3_11_a_proof_is_no_access_token_and_a_token_no_proof() -> None:
    as_token = CLIENT.sign(compact_json({"iss": "https://issuer.example", "sub": "ada", "aud": "payments"}))
    assert decided_code(bearer(dpop=DPoP()), asked(proof(), token=as_token)) in ("wrong_type", "algorithm")
    for typ in ("at+jwt", "JWT", OMIT):
        assert verdict(proof(header={"typ": None if typ is OMIT else typ})).startswith("bad_proof")


def test_limits_a_stranger_never_makes_us_read_a_key_or_verify_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key is looked at to which no good token is bound, and no signature of a proof for another request."""
    read: list[str] = []

    def parse_verifier(jwk: object, alg: str) -> Verify | Reason:
        read.append(alg)
        return jwk_module.parse_verifier(cast("dict[str, object]", jwk), alg)

    monkeypatch.setattr("zerotrust.verifiers.dpop.parse_verifier", parse_verifier)
    long = {"kty": "RSA", "n": "A" * 1366, "e": "AQAB"}
    assert verdict(proof(header={"jwk": long, "alg": "RS256"})).startswith("key_mismatch")
    for wrong in ({"iat": 0}, {"htm": "POST"}, {"htu": f"{URL}0"}, {"ath": "A"}, {"jti": ""}):
        assert verdict(proof(**wrong)).startswith("bad_proof")
    assert read == []
    assert verdict(proof()) == "good"
    assert read == ["ES256"]


def test_limits_of_length_and_depth() -> None:
    assert code(checked("A" * 10**6)) == "bad_proof too long"
    assert verdict(CLIENT.sign(b"[" * 3000)) == "bad_proof claims"
    assert verdict(CLIENT.sign(b'{"a":' * 500 + b"1" + b"}" * 500)) == "bad_proof claims"
    assert verdict(CLIENT.sign(b'{"iat":' + b"1" * 4000 + b"}")) == "bad_proof claims"


def test_every_refusal_is_one(remember: int) -> None:
    """No wrong proof of a client is let in by a policy that asks for the token in any way."""
    verifier, sources = bearer(dpop=DPoP(), remember=remember), Sources(MemoryStore())
    policies = [verifier.valid, verifier.valid | verifier.scope("a"), ~verifier.role("contractor")]
    for sent in (
        CLIENT.forge_private("GET", URL, TOKEN),
        CLIENT.forge_unsigned("GET", URL, TOKEN),
        proof(iat=0),
        proof(OTHER),
    ):
        decisions: list[Decision] = [decide(policy, asked(sent), sources) for policy in policies]
        assert not any(decisions)
