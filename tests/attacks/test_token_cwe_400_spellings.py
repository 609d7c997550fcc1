"""CWE-400: one token in all spellings of its scheme, and made-up ones again and again, cost what one of them costs."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.attacks.deciding import decided, presenting, told
from tests.verifiers.introspecting import TOKEN, Server, answered, introspection
from tests.verifiers.tokens import NOW, bearer, mint, request, static
from zerotrust import Sources, decide
from zerotrust.core.finding import Verified
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import DPoPClient
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.dpop import DPoP


def spellings(scheme: str, token: str) -> list[bytes]:
    """All cases of the scheme, with some numbers of blanks."""
    cases = ["".join(letters) for letters in product(*((one.lower(), one.upper()) for one in scheme))]
    blanks = (1, 2, 9, 10, 11, 500, 5000)
    return [f"{case}{' ' * number}{token}".encode() for case in cases for number in blanks]


def test_an_opaque_token_is_asked_about_once_however_it_is_spelled() -> None:
    verifier, server = introspection(), Server()
    for field in spellings("Bearer", TOKEN):
        assert told(decide(verifier.valid, presenting(field), server.sources)) == "allowed"
    assert server.count == 1
    assert len(verifier._demands.cache or ()) == 1


def test_one_that_is_not_active_is_asked_about_once_however_it_is_spelled() -> None:
    verifier, server = introspection(), Server({"active": False})
    for field in spellings("Bearer", TOKEN):
        assert told(decide(verifier.valid, presenting(field), server.sources)) == "not_active"
    assert server.count == 1


def test_a_jwt_is_verified_once_however_it_is_spelled() -> None:
    verifier, token = bearer(), mint()
    first = verifier.find(request(token))
    assert isinstance(first, Verified)
    for field in spellings("Bearer", token):
        assert verifier.find(presenting(field)) is first
    assert len(verifier._demands.cache or ()) == 1


def test_the_spelling_it_is_shown_in_first_is_as_good_as_any() -> None:
    token = mint()
    for scheme in (b"bEARER  ", b"Bearer" + b" " * 5000):
        verifier = bearer()
        first = verifier.find(presenting(scheme + token.encode()))
        assert isinstance(first, Verified)
        assert verifier.find(request(token)) is first


def test_another_scheme_is_no_spelling() -> None:
    """RFC 9449 section 7.1: what a token without a key proves as `Bearer` it does not prove as `DPoP`."""
    verifier = bearer(dpop=DPoP())
    assert decided(verifier, presenting(b"BEARER  " + mint().encode())) == "allowed"
    for field in (b"DPoP ", b"dpop  "):
        assert decided(verifier, presenting(field + mint().encode())) == "proof_required"
    assert decided(bearer(), presenting(b"dpop " + mint().encode())) == "not_presented"


def test_a_spelling_does_not_keep_a_token_alive_or_make_it_another() -> None:
    verifier = bearer()
    spelled = b"bearer   " + mint().encode()
    assert decided(verifier, presenting(spelled)) == "allowed"
    assert decided(verifier, presenting(spelled, now=NOW + 400)) == "expired"
    assert decided(verifier, presenting(b"bearer   " + mint(sub="eve", exp=NOW - 60).encode())) == "expired"
    for other in (spelled + b" ", b" " + spelled, spelled.replace(b" ", b"\t"), spelled.replace(b" ", b"")):
        assert decided(verifier, presenting(other)) != "allowed"


def test_a_bound_token_is_remembered_once_and_proven_each_time() -> None:
    client, verifier, sources = DPoPClient(), bearer(dpop=DPoP()), Sources(MemoryStore())
    token = mint(cnf={"jkt": client.jkt})
    for field in spellings("DPoP", token)[:20]:
        assert decided(verifier, presenting(field), sources) == "proof_required"
    assert len(verifier._demands.cache or ()) == 1


def test_an_oversized_token_is_not_hashed_or_kept_however_it_is_spelled() -> None:
    verifier = Bearer(static(), audience="payments", max_length=256)
    for field in spellings("Bearer", "a" * 257):
        assert decided(verifier, presenting(field)) == "too_large"
    assert len(verifier._demands.cache or ()) == 0


@pytest.mark.parametrize("jwts", ["ask", "refuse"])
def test_the_same_made_up_token_again_and_again(jwts: Any) -> None:
    server = Server(lambda token: answered() if token == "good" else {"active": False})
    verifier = introspection(jwts=jwts)
    for number in range(100):
        assert told(decide(verifier.valid, request(f"made-up{number % 10}"), server.sources)) == "not_active"
    assert server.count == 10
    assert told(decide(verifier.valid, request("good"), server.sources)) == "allowed"
