"""RFC 7515 sections 3.1 and 5.2: compact tokens, cut, held to rules and verified."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.signing import ALGORITHMS, CLAIMS, b64, compact_json, signer
from zerotrust.core.reason import Reason
from zerotrust.wire.header import Header, HeaderRules
from zerotrust.wire.jose import MAX_TOKEN, Compact, Jws, check, read_claims, split, verify_compact
from zerotrust.wire.jwk import KeySet

ISSUER = signer("ES256")
KEYS, RULES = ISSUER.keys(), ISSUER.rules()


def cut(token: str | bytes) -> Compact:
    compact = split(token)
    assert isinstance(compact, Compact), compact
    return compact


def outcome(token: str, keys: KeySet = KEYS, rules: HeaderRules = RULES) -> str:
    """`ok`, or the code of the reason."""
    header = check(cut(token), keys, rules)
    return header.code if isinstance(header, Reason) else "ok"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_token_under_each_algorithm(alg: str) -> None:
    issuer = signer(alg)
    token, keys = issuer.token(), issuer.keys()
    for presented in (token, token.encode()):
        compact = cut(presented)
        header = check(compact, keys, issuer.rules())
        assert isinstance(header, Header), header
        assert (header.alg, header.kid, header.typ) == (alg, "key-1", "at+jwt")
        assert read_claims(compact) == CLAIMS
    assert outcome(token[:-2] + ("AA" if token[-2:] != "AA" else "QQ"), keys, issuer.rules()) == "bad_signature"


def test_the_parts_of_a_token() -> None:
    compact = cut("aa.bb.cc")
    assert (compact.header, compact.payload, compact.signature) == (b"aa", b"bb", b"cc")
    assert compact.signing_input == b"aa.bb"
    assert cut(b"aa.bb.cc") == compact
    assert cut("aa..").payload == b""


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "malformed"),
        (".", "malformed"),
        ("..", "malformed"),
        ("a", "malformed"),
        ("a.b", "malformed"),
        (".b.c", "malformed"),
        ("a.b.c.d", "malformed"),
        ("a.b.c.d.e", "encrypted"),
        ("a....", "encrypted"),
        ("a.b.c.d.e.f", "malformed"),
        ("." * 16_000, "malformed"),
        ("é.b.c", "malformed"),
        ("a.b.c\ud800", "malformed"),
        ("a" * (MAX_TOKEN + 1), "too_large"),
        ("é" * (MAX_TOKEN + 1), "too_large"),
    ],
)
def test_what_is_not_a_token(token: str, code: str) -> None:
    refused = split(token)
    assert isinstance(refused, Reason)
    assert refused.code == code


def test_the_longest_token() -> None:
    assert isinstance(split("a" * (MAX_TOKEN - 4) + ".b.c"), Compact)
    assert isinstance(split("a.b.c", limit=5), Compact)
    assert isinstance(split("a.b.cc", limit=5), Reason)


def test_a_larger_token_may_be_allowed() -> None:
    token = ISSUER.token({"pad": "x" * MAX_TOKEN})
    assert isinstance(split(token), Reason)
    compact = split(token, limit=10 * MAX_TOKEN)
    assert isinstance(compact, Compact)
    assert isinstance(check(compact, KEYS, RULES), Header)
    assert read_claims(compact) == {"pad": "x" * MAX_TOKEN}


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "ok"),
        ({"alg": "none"}, "algorithm"),
        ({"alg": "HS256"}, "algorithm"),
        ({"alg": "ES384"}, "algorithm"),
        ({"typ": "JWT"}, "wrong_type"),
        ({"typ": None}, "wrong_type"),
        ({"kid": "other"}, "unknown_key"),
        ({"kid": None}, "ok"),
        ({"kid": 1}, "malformed"),
        ({"crit": ["exp"], "exp": 1}, "critical_unknown"),
        ({"crit": []}, "malformed"),
        ({"unheard": "of"}, "ok"),
    ],
)
def test_headers(parameters: dict[str, object], code: str) -> None:
    assert outcome(ISSUER.token(**parameters)) == code


def test_the_first_reason_wins() -> None:
    everything: dict[str, object] = {"alg": "none", "typ": "JWT", "kid": "other", "crit": ["exp"], "exp": 1}
    repairs: list[tuple[str, dict[str, object]]] = [
        ("critical_unknown", {"crit": None}),
        ("wrong_type", {"typ": "at+jwt"}),
        ("algorithm", {"alg": "ES256"}),
        ("unknown_key", {"kid": "key-1"}),
    ]
    for code, repaired in repairs:
        assert outcome(ISSUER.token(**everything)) == code
        everything |= repaired
    assert outcome(ISSUER.token(**everything)) == "ok"


@pytest.mark.parametrize("part", [0, 1, 2])
def test_every_part_is_decoded_strictly(part: int) -> None:
    parts = ISSUER.token().split(".")
    good = parts[part]
    for bad in (good + "=", good + "\n", " " + good, "+" + good[1:], good + "AAAA"):
        changed = ".".join([*parts[:part], bad, *parts[part + 1 :]])
        compact = cut(changed)
        results: list[object] = [check(compact, KEYS, RULES), read_claims(compact)]
        assert any(isinstance(result, Reason) for result in results)
        assert isinstance(check(compact, KEYS, RULES), Reason)


def test_the_spare_bits_of_the_last_character_make_no_second_token() -> None:
    token = ISSUER.token()
    twins = [token[:-1] + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    assert [twin for twin in twins if outcome(twin) == "ok"] == [token]


def test_a_header_is_remembered_only_after_a_good_signature() -> None:
    keys, segment = ISSUER.keys(), ISSUER.token().split(".")[0]
    forged = ISSUER.token()[:-8] + "AAAAAAAA"
    assert outcome(forged, keys) == "bad_signature"
    assert keys.recall(RULES, segment.encode()) is None
    assert outcome(ISSUER.token(), keys) == "ok"
    assert keys.recall(RULES, segment.encode()) is not None
    assert outcome(forged, keys) == "bad_signature"


def test_what_is_remembered_holds_for_the_same_rules_and_keys_alone() -> None:
    keys, token = ISSUER.keys(), ISSUER.token()
    assert outcome(token, keys) == "ok"
    assert outcome(token, keys, HeaderRules(frozenset({"ES256"}), frozenset({"JWT"}))) == "wrong_type"
    assert outcome(token, keys, HeaderRules(frozenset({"ES384"}), frozenset({"at+jwt"}))) == "algorithm"
    assert outcome(token, signer("ES256").keys()) == "bad_signature"
    assert outcome(token, signer("ES256", kid="other").keys()) == "unknown_key"


def test_an_issuer_with_a_new_header_for_each_token_fills_no_memory() -> None:
    keys = ISSUER.keys()
    for count in range(200):
        assert outcome(ISSUER.token(count=count), keys) == "ok"
    remembered = sum(
        keys.recall(RULES, ISSUER.token(count=count).split(".")[0].encode()) is not None for count in range(200)
    )
    assert 0 < remembered <= 64


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b'"claims"', "malformed"),
        (b'{"sub":"a","sub":"b"}', "malformed"),
        (b'{"exp":1e999}', "too_large"),
        (b"[" * 9000, "too_large"),
    ],
)
def test_payloads_that_are_no_claims_though_signed(payload: bytes, code: str) -> None:
    compact = cut(ISSUER.token(payload))
    assert isinstance(check(compact, KEYS, RULES), Header)
    refused = read_claims(compact)
    assert isinstance(refused, Reason)
    assert refused.code == code
    jws = verify_compact(ISSUER.token(payload), KEYS, RULES)
    assert isinstance(jws, Jws)
    assert jws.payload == payload


def test_claims_may_be_held_to_another_depth() -> None:
    compact = cut(ISSUER.token({"a": {"b": {}}}))
    assert read_claims(compact, depth=3) == {"a": {"b": {}}}
    assert isinstance(read_claims(compact, depth=2), Reason)


def test_verify_compact_refuses_at_each_step() -> None:
    assert isinstance(verify_compact("a.b", KEYS, RULES), Reason)
    assert isinstance(verify_compact(ISSUER.token(alg="none"), KEYS, RULES), Reason)
    assert isinstance(verify_compact(ISSUER.token(), KEYS, RULES, limit=10), Reason)
    header = b64(compact_json({"alg": "ES256", "typ": "at+jwt"}))
    for payload in ("AB", "A", "A A"):
        signing_input = f"{header}.{payload}"
        token = f"{signing_input}.{b64(ISSUER.sign(signing_input.encode()))}"
        refused = verify_compact(token, KEYS, RULES)
        assert isinstance(refused, Reason)
        assert refused.code == "malformed"


def test_tokens_do_not_reach_reprs() -> None:
    token = ISSUER.token({"sub": "secret"})
    jws = verify_compact(token, KEYS, RULES)
    for shown in (
        repr(cut(token)),
        repr(jws),
        repr(check(cut(token), KEYS, RULES)),
        str(check(cut(token[:-4] + "AAAA"), KEYS, RULES)),
    ):
        assert "secret" not in shown
        assert not any(part[8:20] in shown for part in token.split("."))


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_anything_gives_a_decision(anything: str | bytes) -> None:
    compact = split(anything)
    if isinstance(compact, Compact):
        assert isinstance(check(compact, KEYS, RULES), Reason)
        assert isinstance(read_claims(compact), Reason | dict)


json_values: st.SearchStrategy[object] = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk"]), json_values | st.lists(json_values, max_size=2)
    ),
    payload=st.binary(max_size=40),
    signature=st.binary(max_size=70),
)
def test_well_formed_tokens_that_nobody_signed(header: dict[str, object], payload: bytes, signature: bytes) -> None:
    complete = {"alg": "ES256", "typ": "at+jwt", "kid": "key-1", **header}
    for fields in (header, complete):
        token = f"{b64(json.dumps(fields).encode())}.{b64(payload)}.{b64(signature)}"
        assert isinstance(verify_compact(token, KEYS, RULES), Reason)


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_token_changed_anywhere_is_refused(place: int, difference: int) -> None:
    token = bytearray(TOKEN)
    token[place % len(token)] ^= difference
    assert isinstance(verify_compact(bytes(token), KEYS, RULES), Reason)


TOKEN = ISSUER.token().encode()


def test_one_header_for_two_keys_needs_a_kid() -> None:
    first, second = signer("ES256", kid="a"), signer("ES256", kid="b")
    keys = KeySet([*first.keys(), *second.keys()])
    assert outcome(first.token(), keys) == outcome(second.token(), keys) == "ok"
    assert outcome(first.token(kid="b"), keys) == "bad_signature"
    assert outcome(first.token(kid=None), keys) == "unknown_key"


def test_keys_are_used_under_the_algorithm_of_the_header_only_if_bound_to_it() -> None:
    issuer = signer("RS256")
    rules = issuer.rules("RS256", "PS256")
    assert outcome(issuer.token(), issuer.keys(), rules) == "ok"
    assert outcome(signer("PS256").token(), issuer.keys(), rules) == "unsuitable_key"
    assert outcome(signer("PS256").token(), issuer.keys(alg="PS256"), rules) == "ok"
