from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.verifiers.proofs import SECRET, TOKEN, asked, decided, proof, why
from tests.verifiers.tokens import NOW, bearer, code, mint
from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import minutes, seconds
from zerotrust.engine import decide
from zerotrust.verifiers.dpop import ASYMMETRIC, DPoP
from zerotrust.verifiers.nonces import Nonces


def test_what_is_not_said_is_strict() -> None:
    dpop = DPoP()
    assert (dpop.required, dpop.max_age, dpop.leeway, dpop.url, dpop.nonces) == (False, 60, 10, None, None)
    assert dpop.algorithms == ASYMMETRIC
    assert not any(name.startswith("HS") for name in ASYMMETRIC)


@pytest.mark.parametrize(
    "options",
    [
        {"required": 1},
        {"required": None},
        {"algorithms": "ES256"},
        {"algorithms": ()},
        {"algorithms": {"HS256"}},
        {"algorithms": {"ES256", "HS256"}},
        {"algorithms": {"none"}},
        {"algorithms": {"ES256", 1}},
        {"algorithms": None},
        {"max_age": 60},
        {"max_age": seconds(0)},
        {"max_age": minutes(11)},
        {"leeway": seconds(-1)},
        {"leeway": minutes(3)},
        {"leeway": 10},
        {"url": ""},
        {"url": "api.example"},
        {"url": "https://api.example?a=b"},
        {"url": "https://api.example/#a"},
        {"url": "https://user@api.example"},
        {"url": "https://api.example/../v1"},
        {"url": "ws://api.example"},
        {"url": "http://api.example"},
        {"url": "http://10.0.0.7:8000"},
        {"url": "http://localhost.example.com"},
        {"url": b"https://api.example"},
        {"url": ["https://api.example"]},
        {"nonces": SECRET},
        {"nonces": True},
    ],
)
def test_what_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))) as refusal:
        DPoP(**options)
    assert repr(SECRET) not in str(refusal.value)


@pytest.mark.parametrize("wrong", [True, "DPoP", DPoP, Nonces(SECRET)])
def test_a_verifier_takes_it_and_nothing_else(wrong: object) -> None:
    with pytest.raises(ConfigError, match="dpop"):
        bearer(dpop=wrong)


def test_it_needs_a_store() -> None:
    assert ConsumeOnce in bearer(dpop=DPoP()).needs
    assert ConsumeOnce not in bearer().needs
    decision = decide(bearer(dpop=DPoP()).valid, asked(proof()))
    assert not decision
    assert why(decision) == "no_source"
    assert "give Sources(..., store), such as RedisStore(url)" in str(decision)


def test_a_token_alone_proves_nothing() -> None:
    assert code(bearer(dpop=DPoP()).verify(TOKEN, NOW)) == "rejected proof_required"


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000/v1"])
def test_plain_http_is_for_development(url: str) -> None:
    assert DPoP(url=url).url == url


def test_it_shows_how_it_was_made() -> None:
    assert "algorithms={'ES256', 'EdDSA', 'RS256'}" in repr(DPoP(algorithms=["RS256", "EdDSA", "ES256"]))
    shown = repr(DPoP(url="https://api.example/v1/", max_age=timedelta(seconds=30)))
    assert "url='https://api.example/v1'" in shown
    assert "max_age=30" in shown


def test_tokens_bound_to_no_key_pass_unless_proofs_are_required() -> None:
    plain = mint()
    assert why(decided(asked(token=plain, auth="Bearer"))) == "allowed"
    assert why(decided(asked(token=plain, auth="Bearer"), dpop=DPoP(required=True))) == "proof_required"
    assert why(decided(asked(proof()), dpop=DPoP(required=True))) == "allowed"


def test_the_next_nonce_comes_from_the_verifier() -> None:
    nonces = Nonces(SECRET)
    assert bearer(dpop=DPoP(nonces=nonces)).continuing(NOW) == ((b"dpop-nonce", nonces.make(NOW).encode()),)
    assert bearer(dpop=DPoP()).continuing(NOW) == ()
    assert bearer().continuing(NOW) == ()
