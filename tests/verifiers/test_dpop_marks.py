"""What a good proof leaves behind: its mark, and the header of its key; and what a bad one says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.verifiers.proofs import CLIENT, OTHER, SECRET, TOKEN, URL, asked, checked, proof, verdict
from tests.verifiers.tokens import NOW
from tests.wire.signing import b64
from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.moments import seconds
from zerotrust.core.reason import Reason
from zerotrust.testing.dpop import DPoPClient
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.nonces import Nonces


# --- The mark --------------------------------------------------------------------------------------------------------
def mark(sent: str, dpop: DPoP | None = None, **request: Any) -> ConsumeOnce:
    found = checked(sent, dpop, **request)
    assert isinstance(found, ConsumeOnce), found
    return found


def test_the_mark_names_key_and_id_and_nothing_else() -> None:
    assert mark(proof(jti="1")) == mark(proof(jti="1"))
    assert mark(proof(jti="1")).key == mark(proof(jti="1", method="POST"), method="POST").key
    assert mark(proof(jti="1")).key != mark(proof(jti="2")).key
    assert mark(proof(jti="1")).key != mark(proof(OTHER, jti="1"), jkt=OTHER.jkt).key
    assert (mark(proof()).space, len(mark(proof()).key)) == ("dpop", 32)


@pytest.mark.parametrize("ahead", [-60, 0, 10])
def test_the_mark_outlives_the_proof_wherever_it_is_shown(ahead: int) -> None:
    """However patient another service is, with proofs and with clocks: nowhere is it good once the mark is gone."""
    for max_age in (1, 60, 600):
        found = mark(proof(iat=NOW + ahead), DPoP(max_age=seconds(max_age), leeway=seconds(max(60, -ahead))))
        assert found.until == NOW + ahead + 600 + 120
        last = DPoP(max_age=seconds(600), leeway=seconds(120))
        assert verdict(proof(iat=NOW + ahead), last, now=found.until) == "bad_proof iat"
        assert verdict(proof(iat=NOW + ahead), last, now=found.until - 1) == "good"


# --- What is remembered ----------------------------------------------------------------------------------------------
def test_a_header_is_remembered_after_a_good_signature_alone() -> None:
    dpop = DPoP()
    for bad in (
        CLIENT.forge_foreign_key("GET", URL, TOKEN),
        proof(iat=0),
        proof(OTHER),
        CLIENT.forge_private("GET", URL, TOKEN),
    ):
        dpop.check(asked(bad), TOKEN, CLIENT.jkt)
    assert dpop._known == {}
    assert verdict(proof(), dpop) == "good"
    assert list(dpop._known) == [CLIENT.jkt]


def test_a_known_header_is_good_for_its_own_key_alone() -> None:
    dpop = DPoP()
    assert verdict(proof(), dpop) == "good"
    assert verdict(proof(OTHER), dpop, jkt=OTHER.jkt) == "good"
    assert verdict(proof(), dpop, jkt=OTHER.jkt).startswith("key_mismatch")
    assert verdict(CLIENT.forge_foreign_key("GET", URL, TOKEN), dpop) == "bad_proof the signature does not match"
    assert verdict(CLIENT.forge_private("GET", URL, TOKEN), dpop) == "bad_proof jwk"
    assert verdict(CLIENT.forge_key_confusion("GET", URL, TOKEN), dpop) == "bad_proof alg"


def test_one_key_has_one_place_and_the_number_of_places_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerotrust.verifiers.dpop._MOST_KNOWN", 3)
    dpop = DPoP()
    for number in range(10):
        assert verdict(proof(header={"kid": str(number)}), dpop) == "good"
    assert len(dpop._known) == 1
    for client in [DPoPClient("EdDSA", clock=lambda: NOW) for _ in range(5)]:
        assert verdict(proof(client), dpop, jkt=client.jkt) == "good"
    assert len(dpop._known) == 3
    assert verdict(proof(), dpop) == "good"


def test_a_long_header_is_read_each_time() -> None:
    dpop = DPoP()
    assert verdict(proof(header={"x5c": ["A" * 3000]}), dpop) == "good"
    assert dpop._known == {}


# --- What it says ----------------------------------------------------------------------------------------------------
def test_reasons_say_what_was_seen_and_nothing_secret() -> None:
    def said(sent: str, **request: Any) -> str:
        found = checked(sent, **request)
        assert isinstance(found, Reason)
        return str(found)

    assert "https://api.example/accounts/1" in said(proof(url="https://evil.example/"))
    assert "evil.example" in said(proof(url="https://evil.example/"))
    assert "expected GET, presented POST" in said(proof(method="POST"))
    assert "90 s ago" in said(proof(iat=NOW - 90))
    hidden = proof(ath="secret-ath", jti="secret-jti")
    for sent in (hidden, proof(jti="secret-jti", iat=0), proof(url=f"{URL}2?secret-query")):
        assert "secret" not in said(sent)
    assert len(said(proof(method="A" * 4000))) < 400


def test_a_request_says_nothing_of_its_proof() -> None:
    sent = proof()
    assert sent not in repr(asked(sent))
    assert json.dumps(CLIENT.jwk) not in repr(DPoP())
    assert b64(SECRET) not in repr(DPoP(nonces=Nonces(SECRET)))
