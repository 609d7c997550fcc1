"""The token cache: bounded under every flood, of use to who comes again, and never a reason to let somebody in.

That it changes no decision is the law of test_token_cache_law.py; here are the cases by name.
"""

from __future__ import annotations

import copy
import json
import pickle
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from types import MappingProxyType
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import share_of, usually
from tests.verifiers.kept import Kept
from tests.verifiers.tokens import (
    ISSUER,
    JWKS,
    NOW,
    URL,
    bearer,
    code,
    evidence,
    found,
    jwks,
    mint,
    outcome,
    published,
    request,
    signer,
    static,
)  # fmt: skip
from zerotrust.core.finding import Verified
from zerotrust.core.moments import seconds
from zerotrust.core.peer import Peer
from zerotrust.core.request import AccessRequest
from zerotrust.driver import run
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.carrier import Presented
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.frozen import FrozenDict, FrozenList
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.ratchet import BindingRatchet
from zerotrust.verifiers.revocation import Revocation
from zerotrust.verifiers.token_cache import Remembered, TokenCache
from zerotrust.verifiers.token_evidence import TokenEvidence

SHARED = signer("HS256")


def cheap(**options: Any) -> Bearer:
    """A verifier of tokens that cost next to nothing to make."""
    return bearer(Issuer(URL, keys=jwks(SHARED), algorithms={"HS256"}), **options)


def cache_of(verifier: Bearer) -> TokenCache:
    cache = verifier._demands.cache
    assert cache is not None
    return cache


def claims_of(token: str) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(urlsafe_b64decode(token.split(".")[1] + "==")))


def good_tokens(count: int, **claims: object) -> Iterator[str]:
    """So many distinct good tokens, each signed on its own."""
    at = claims_of(mint(SHARED, **claims))
    for number in range(count):
        at["jti"] = f"{number:08d}"
        yield SHARED.token(at)


def remembered(length: int = 700) -> Remembered:
    finding = Verified(TokenEvidence(URL, "ada", NOW, NOW + 60))
    return Remembered(finding, NOW, NOW + 60, True, None, None, Presented(""), length)


def name(number: int) -> bytes:
    return sha256(number.to_bytes(8, "big")).digest()


# --- Floods ----------------------------------------------------------------------------------------------------------
def test_a_flood_of_good_tokens_leaves_who_comes_again_remembered() -> None:
    token = cheap(remember=256)
    honest = mint(SHARED, sub="honest")
    assert outcome(token, honest) == outcome(token, honest) == "verified"
    kept = found(token, request(honest))
    cache = cache_of(token)
    for one in good_tokens(min(100_000, share_of(10_000))):
        assert isinstance(token.find(request(one)), Verified)
        assert len(cache) <= 256
    assert len(cache) == 256
    assert found(token, request(honest)) is kept  # the very finding: not verified anew


def test_tokens_that_each_come_twice_push_out_their_own() -> None:
    token = cheap(remember=64)
    honest = mint(SHARED, sub="honest")
    outcome(token, honest)
    kept = found(token, request(honest))
    for number, one in enumerate(good_tokens(2_000)):
        assert outcome(token, one) == outcome(token, one) == "verified"
        if number % 20 == 0:
            assert found(token, request(honest)) is kept
    assert len(cache_of(token)) == 64


@pytest.mark.parametrize("times", [1, 2])
def test_large_tokens_take_no_more_than_their_share(times: int) -> None:
    token = cheap(remember=32, max_length=64 * 1024)
    cache = cache_of(token)
    honest = [mint(SHARED, sub=f"honest-{number}") for number in range(4)]
    kept = [found(token, request(one)) for one in honest for _ in range(2)][1::2]
    for one in good_tokens(60, padding="x" * 9_000):
        for _ in range(times):
            assert outcome(token, one) == "verified"
        assert all(found(token, request(again)) is one for again, one in zip(honest, kept, strict=True))
        assert sum(one.length for one in (*cache._fresh.values(), *cache._known.values())) <= 32 * 2048
    late = mint(SHARED, sub="late")
    assert found(token, request(late)) is found(token, request(late))


def test_memory_is_bounded() -> None:
    token = cheap(remember=64)

    def grown() -> int:
        return sum(sys.getsizeof(part) for part in (cache_of(token)._fresh, cache_of(token)._known))

    for number, one in enumerate(good_tokens(3_000)):
        outcome(token, one)
        if number == 500:
            before = grown()
    assert grown() <= 2 * before


def test_what_is_bad_takes_no_place() -> None:
    token = cheap(remember=64)
    for one in good_tokens(50):
        assert outcome(token, one + "x") != "verified"
        assert outcome(token, one, now=NOW + 400) == "rejected expired"
    assert len(cache_of(token)) == 0
    assert outcome(token, mint(SHARED, padding="x" * 20_000)) == "rejected too_large"
    assert len(cache_of(token)) == 0


def test_nothing_of_a_token_is_kept() -> None:
    token = cheap(remember=4)
    one = mint(SHARED)
    outcome(token, one)
    signature = one.split(".")[2]
    assert signature not in repr(list(cache_of(token)._fresh.items()))
    assert repr(cache_of(token)) == "<TokenCache of 1 tokens>"


@usually(200)
@given(
    room=st.integers(1, 9),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 14), st.sampled_from([1, 700, 2048, 5000, 40_000]))),
)
def test_its_books_are_right(room: int, steps: list[tuple[bool, int, int]]) -> None:
    cache = TokenCache(room)
    for put, number, length in steps:
        if put:
            one = remembered(length)
            cache.put(name(number), one)
            assert cache.find(name(number)) is one or length > room * 2048
        else:
            cache.find(name(number))
        fresh, known = cache._fresh, cache._known
        assert not fresh.keys() & known.keys()
        assert len(cache) == len(fresh) + len(known) <= room
        assert cache._waiting == sum(one.length for one in fresh.values())
        assert cache._taken == cache._waiting + sum(one.length for one in known.values()) <= room * 2048


def test_the_oldest_of_the_fresh_ones_goes_first_and_known_ones_are_spared_once() -> None:
    cache = TokenCache(4)
    for number in range(4):
        cache.put(name(number), remembered())
    for number in (0, 1, 2):
        cache.find(name(number))  # known now
    cache.put(name(4), remembered())
    assert cache._fresh.keys() == {name(4)}
    cache.find(name(4))
    cache.find(name(0))  # used again
    cache.put(name(5), remembered())
    assert cache.find(name(1)) is None
    assert cache._known.keys() == {name(2), name(4), name(0)}
    cache.find(name(5))
    cache.find(name(2))
    cache.put(name(6), remembered())
    assert cache._known.keys() == {name(0), name(5), name(2)}
    cache.find(name(6))
    cache.put(name(7), remembered())
    assert cache._known.keys() == {name(5), name(2), name(6)}  # 0 was spared before, and not used since


# --- Threads ---------------------------------------------------------------------------------------------------------
def test_threads_that_hammer_one_cache() -> None:
    token = cheap(remember=16)
    good = [*good_tokens(40)]
    bad = [one[:-2] + "AA" for one in good[:10]]
    interval = sys.getswitchinterval()

    def hammer(seed: int) -> int:
        wrong = 0
        for step in range(1_500):
            one = good[(step * (seed * 2 + 1)) % 40]
            wrong += outcome(token, one) != "verified"
            wrong += evidence(token, one).jti != claims_of(one)["jti"]
            if step % 10 == 0:
                wrong += outcome(token, bad[step % 10]) != "rejected bad_signature"
                wrong += outcome(token, one, now=NOW + 400) != "rejected expired"
        return wrong

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(hammer, range(8))) == [0] * 8
    finally:
        sys.setswitchinterval(interval)
    cache = cache_of(token)
    assert len(cache) <= 16
    assert cache._taken == sum(one.length for one in (*cache._fresh.values(), *cache._known.values()))
    assert cache._waiting == sum(one.length for one in cache._fresh.values())


# --- A hit outlives nothing ------------------------------------------------------------------------------------------
def both(**options: Any) -> list[Bearer]:
    return [bearer(remember=remember, **options) for remember in (0, 4096)]


@pytest.mark.parametrize(
    ("claims", "late", "expected"),
    [
        ({}, NOW + 309.999, "verified"),
        ({}, NOW + 310, "rejected expired"),
        ({}, NOW - 10, "verified"),
        ({}, NOW - 10.001, "rejected issued_in_future"),
        ({"iat": NOW - 60, "nbf": NOW}, NOW - 10.001, "rejected not_yet_valid"),
        ({"iat": NOW - 60, "auth_time": NOW}, NOW - 10.001, "rejected issued_in_future"),
        ({}, float("nan"), "rejected expired"),
    ],
    ids=str,
)
def test_its_times(claims: dict[str, object], late: float, expected: str) -> None:
    one = mint(**claims)
    for token in both():
        for _ in range(2):
            assert outcome(token, one) == "verified"
        assert outcome(token, one, now=late) == expected
        assert outcome(token, one) == "verified"


def test_its_key() -> None:
    for remember in (0, 4096):
        token, web, new = bearer(Issuer(URL), remember=remember), published(), signer(kid="key-2")
        one = mint()
        for _ in range(3):
            assert outcome(token, one, sources=web.sources) == "verified"
        web.publish(JWKS, jwks(ISSUER, new), NOW - 30)
        assert outcome(token, one, sources=web.sources) == "verified"
        web.publish(JWKS, jwks(new), NOW - 20)
        assert outcome(token, one, sources=web.sources) == "rejected unknown_key"
        web.publish(JWKS, jwks(signer(kid="key-1")), NOW - 10)
        assert outcome(token, one, sources=web.sources) == "rejected bad_signature"
        web.publish(JWKS, jwks(ISSUER), NOW)
        assert outcome(token, one, sources=web.sources) == "verified"
        web.fail(JWKS)
        assert outcome(token, one, sources=web.sources) == "unavailable source_down"


def test_its_revocation() -> None:
    revocation = Revocation(within=seconds(5))
    for token in both(revocation=revocation):
        kept = Kept()
        revocation.look_again()
        assert outcome(token, mint(jti="1"), sources=kept.sources) == "verified"
        run(revocation.revoke_token(URL, "1", NOW), kept.sources)
        assert outcome(token, mint(jti="1"), now=NOW + 5, sources=kept.sources) == "rejected revoked"


CERTIFICATE = b"a certificate"
CNF = {"x5t#S256": urlsafe_b64encode(sha256(CERTIFICATE).digest()).rstrip(b"=").decode()}


def shown(
    token: Bearer, one: str, *, chain: tuple[bytes, ...] = (), scheme: str = "Bearer", kept: Kept | None = None
) -> str:
    asked = AccessRequest(now=NOW, headers=[(b"authorization", f"{scheme} {one}".encode())], peer=Peer(tuple(chain)))
    return code(found(token, asked, None if kept is None else kept.sources))


def test_its_proof() -> None:
    one = mint(cnf=CNF)
    for token in both():
        for _ in range(2):
            assert shown(token, one, chain=(CERTIFICATE,)) == "verified"
            assert shown(token, one) == "rejected proof_required"
            assert shown(token, one, chain=(b"another",)) == "rejected key_mismatch"


def test_how_it_is_presented() -> None:
    one = mint()
    for token in both(dpop=DPoP()):
        for _ in range(3):
            assert shown(token, one) == "verified"
            assert shown(token, one, scheme="DPoP") == "rejected proof_required"
    for token in both(dpop=DPoP(required=True)):
        for _ in range(3):
            assert shown(token, one) == "rejected proof_required"


def test_its_client() -> None:
    for token in both(ratchet=BindingRatchet()):
        kept = Kept()
        for _ in range(2):
            assert shown(token, mint(jti="a"), kept=kept) == "verified"
        one = mint(jti="a")
        assert shown(token, one, kept=kept) == "verified"
        assert shown(token, mint(cnf=CNF), chain=(CERTIFICATE,), kept=kept) == "verified"
        assert shown(token, one, kept=kept) == "rejected weaker_binding"


def test_each_of_two_issuers_keeps_to_its_own() -> None:
    other = "https://other.example"
    for token in both():
        assert outcome(token, mint()) == "verified"
        assert outcome(token, mint(iss=other)) == "rejected unknown_issuer"
    token = bearer(static(), static(other))
    first, second = mint(), mint(iss=other)
    for _ in range(3):
        assert evidence(token, first).source == URL
        assert evidence(token, second).source == other


# --- What a handler may do with what was remembered ------------------------------------------------------------------
DEEP = {"roles": ["staff"], "address": {"city": "Bonn", "lines": ["a", {"b": 1}]}, "aud": ["payments", "x"]}

CHANGES: list[Callable[[Any], object]] = [
    lambda claims: claims.__setitem__("sub", "eve"),
    lambda claims: claims["roles"].append("admin"),
    lambda claims: claims["roles"].extend(["admin"]),
    lambda claims: claims["roles"].insert(0, "admin"),
    lambda claims: claims["roles"].__iadd__(["admin"]),
    lambda claims: claims["roles"].__imul__(2),
    lambda claims: claims["roles"].__setitem__(0, "admin"),
    lambda claims: claims["roles"].__setitem__(slice(None), ["admin"]),
    lambda claims: claims["roles"].__delitem__(0),
    lambda claims: claims["roles"].clear(),
    lambda claims: claims["roles"].pop(),
    lambda claims: claims["roles"].remove("staff"),
    lambda claims: claims["roles"].sort(),
    lambda claims: claims["roles"].reverse(),
    lambda claims: claims["address"].__setitem__("city", "Ulm"),
    lambda claims: claims["address"].__delitem__("city"),
    lambda claims: claims["address"].update(city="Ulm"),
    lambda claims: claims["address"].__ior__({"city": "Ulm"}),
    lambda claims: claims["address"].setdefault("zip", 1),
    lambda claims: claims["address"].pop("city"),
    lambda claims: claims["address"].popitem(),
    lambda claims: claims["address"].clear(),
    lambda claims: claims["address"]["lines"].append(1),
    lambda claims: claims["address"]["lines"][1].update(b=2),
]


@pytest.mark.parametrize("change", CHANGES, ids=map(str, range(len(CHANGES))))
def test_it_cannot_be_changed(change: Callable[[Any], object]) -> None:
    token, one = bearer(), mint(**DEEP)
    for _ in range(3):
        with pytest.raises((TypeError, AttributeError)):
            change(evidence(token, one).claims)
        assert {name: evidence(token, one).claims[name] for name in DEEP} == DEEP


def test_no_way_to_change_a_list_or_a_dict_was_forgotten() -> None:
    harmless_of_list = {"copy", "count", "index", "__init__", "__init_subclass__"}
    harmless_of_dict = {"copy", "fromkeys", "get", "items", "keys", "values", "__init__"}
    changing = {"__setitem__", "__delitem__", "__iadd__", "__imul__", "__ior__"}
    for frozen, kind, harmless in ((FrozenList, list, harmless_of_list), (FrozenDict, dict, harmless_of_dict)):
        for method in vars(kind):
            if method in changing or not (method.startswith("__") or method in harmless):
                assert getattr(frozen, method) is not getattr(kind, method), method


def test_it_looks_like_what_json_makes() -> None:
    claims = evidence(bearer(), mint(**DEEP)).claims
    for name, value in DEEP.items():
        there = claims[name]
        assert there == value
        assert isinstance(there, type(value))
        assert json.loads(json.dumps(there)) == value
        assert repr(there) == repr(value)
        for copied in (
            copy.copy(there),
            copy.deepcopy(there),
            pickle.loads(pickle.dumps(there)),
            cast("Any", there).copy(),
        ):
            assert copied == value
            assert type(copied) is type(value)  # to be changed as one likes
    deep = copy.deepcopy(claims["address"])
    cast("Any", deep)["lines"][1]["b"] = 2
    assert claims["address"] == DEEP["address"]
    assert json.loads(json.dumps(dict(claims)))["address"] == DEEP["address"]
    assert isinstance(claims, MappingProxyType)
    match claims:
        case {"roles": [role], "address": {"city": city}}:
            assert (role, city) == ("staff", "Bonn")
        case _:
            pytest.fail("patterns do not match")
