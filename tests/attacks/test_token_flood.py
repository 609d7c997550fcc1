"""Floods of good tokens at the memory of verified ones (CWE-400, CWE-770): it is bounded, and serves who comes back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.deciding import decided, presenting
from tests.verifiers.tokens import ISSUER, NOW, bearer, claims, jwks, mint, request
from tests.wire.signing import signer
from zerotrust.core.finding import Finding, Verified
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token_evidence import TokenEvidence

ROOM = 64
FLOOD = 2000
SHARED = signer("HS256")  # cheap to sign with


def remembering(room: int = ROOM) -> Bearer:
    return bearer(Issuer("https://issuer.example", keys=jwks(SHARED), algorithms={"HS256"}), remember=room)


def token(number: int, **changes: object) -> AccessRequest:
    return request(SHARED.token(claims(jti=str(number), **changes)))


def held(verifier: Bearer) -> int:
    return len(verifier._demands.cache or ())


def seen(verifier: Bearer, asked: AccessRequest) -> Finding[TokenEvidence]:
    found = verifier.find(asked)
    assert isinstance(found, Verified)
    return found


@pytest.mark.parametrize("often", [1, 2])
def test_a_flood_of_tokens_pushes_out_its_own(often: int) -> None:
    verifier, honest = remembering(), token(-1)
    known = [seen(verifier, honest) for _ in range(3)][-1]
    for number in range(FLOOD):
        for _ in range(often):
            seen(verifier, token(number))
        if number % 8 == 0:
            assert seen(verifier, honest) is known
        assert held(verifier) <= ROOM
    assert held(verifier) == ROOM


def test_a_flood_of_tokens_that_come_back_as_often_as_the_honest_one_stays_bounded() -> None:
    verifier = remembering()
    for number in range(FLOOD):
        for _ in range(3):
            seen(verifier, token(number))
        assert held(verifier) <= ROOM


def test_who_comes_back_during_a_flood_is_remembered_from_then_on() -> None:
    verifier = remembering()
    for number in range(FLOOD):
        seen(verifier, token(number))
    honest = token(-1)
    first = seen(verifier, honest)
    for number in range(ROOM // 8):
        seen(verifier, token(FLOOD + number))
    assert seen(verifier, honest) is first
    for number in range(FLOOD):
        seen(verifier, token(2 * FLOOD + number))
        if number % 8 == 0:
            assert seen(verifier, honest) is first


def test_those_who_came_first_do_not_keep_everybody_else_out() -> None:
    verifier = remembering()
    for _ in range(3):
        for number in range(ROOM):
            seen(verifier, token(number))
    newcomers = [token(FLOOD + number) for number in range(ROOM // 8)]
    rounds = [[seen(verifier, one) for one in newcomers] for _ in range(4)]
    assert all(one is known for one, known in zip(*rounds[-2:], strict=True))


def test_as_many_tokens_as_there_is_room_for_are_all_remembered() -> None:
    verifier = remembering()
    all_of_them = [token(number) for number in range(ROOM)]
    first = [seen(verifier, one) for one in all_of_them]
    for _ in range(3):
        assert all(seen(verifier, one) is known for one, known in zip(all_of_them, first, strict=True))


def test_long_tokens_take_the_room_of_several() -> None:
    # What is bounded is memory, so the longest tokens that are read must not hold sixteen times as much of it.
    verifier = remembering()
    for number in range(FLOOD // 10):
        seen(verifier, token(number, pad="x" * 10_000))
    assert 1 <= held(verifier) <= ROOM // 4


@pytest.mark.parametrize("room", [0, 1, 2, 3])
def test_rooms_too_small_for_anybody(room: int) -> None:
    verifier = remembering(room)
    for number in range(50):
        for _ in range(2):
            seen(verifier, token(number % 5))
        assert held(verifier) <= room


def test_nothing_that_was_refused_is_remembered() -> None:
    verifier = bearer(remember=ROOM)
    good = mint()
    for number in range(20):
        forged = mint(signer("ES256", kid="key-1"), jti=str(number))
        assert decided(verifier, presenting(b"Bearer " + forged.encode())) == "bad_signature"
        assert decided(verifier, request(mint(exp=NOW - 20, jti=str(number)))) == "expired"
        assert decided(verifier, request(mint(aud="ledger", jti=str(number)))) == "wrong_audience"
        assert decided(verifier, request(good + "x")) in {"malformed", "bad_signature"}
    assert held(verifier) == 0
    assert decided(verifier, request(good)) == "allowed"
    assert held(verifier) == 1
    assert ISSUER.alg == "ES256"


def test_a_remembered_token_of_one_verifier_is_none_of_another() -> None:
    payments, ledger, strict = bearer(), bearer(audience="ledger"), bearer(require=["tenant"])
    for _ in range(3):
        assert decided(payments, request(mint())) == "allowed"
        assert decided(ledger, request(mint())) == "wrong_audience"
        assert decided(strict, request(mint())) == "missing_claim"


def test_what_a_handler_does_to_the_claims_does_not_reach_the_next_request() -> None:
    verifier = bearer()
    asked = request(mint(scope="read", roles=["clerk"], nested={"list": [1]}))
    for _ in range(3):
        found = verifier.find(asked)
        assert isinstance(found, Verified)
        said: Any = found.evidence.claims
        with pytest.raises(TypeError, match="does not support item assignment"):
            said["scope"] = "read admin"
        with pytest.raises((TypeError, AttributeError)):
            said["roles"].append("admin")
        with pytest.raises((TypeError, AttributeError)):
            said["nested"]["list"].append(2)
        assert found.evidence.roles == frozenset({"clerk"})
        assert (said["roles"], said["nested"]) == (["clerk"], {"list": [1]})
