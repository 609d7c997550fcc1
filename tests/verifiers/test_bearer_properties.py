"""Laws of the verifier, each against an oracle too simple to be wrong."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.search import usually
from tests.verifiers.tokens import (
    ISSUER,
    NOW,
    URL,
    Signer,
    bearer,
    claims,
    code,
    compact_json,
    found,
    mint,
    raw_request,
    request,
    static,
)
from tests.wire.signing import signer
from zerotrust.core.finding import Rejected, Verified
from zerotrust.core.moments import minutes, seconds
from zerotrust.core.policy import Policy, at_least
from zerotrust.engine import decide, judge
from zerotrust.verifiers.issuer import Issuer

TOKEN = bearer()
GOOD = mint(scope="pay")

# --- Any bytes in the header -----------------------------------------------------------------------------------------
HEADERS = st.one_of(
    st.binary(max_size=200),
    st.from_regex(rb"(?i)bearer[ ,;=\t]{0,3}[A-Za-z0-9._~+/=-]{0,60}", fullmatch=True),
    st.builds(
        lambda head, tail: head + b"Bearer " + GOOD.encode() + tail, st.binary(max_size=3), st.binary(max_size=3)
    ),
    st.text(max_size=60).map(lambda text: b"Bearer " + text.encode("utf-8", "surrogatepass")),
    st.lists(st.binary(max_size=30), min_size=3, max_size=5).map(lambda parts: b"Bearer " + b".".join(parts)),
)


@usually(250)
@given(headers=st.lists(HEADERS, max_size=2))
@example(headers=[b"Bearer " + GOOD.encode()])
def test_any_bytes_give_a_decision(headers: list[bytes]) -> None:
    decision = decide(TOKEN.scope("pay"), raw_request(*headers))
    good = len(headers) == 1 and headers[0].lower()[:7] == b"bearer " and headers[0][7:] == GOOD.encode()
    assert bool(decision) is good
    assert GOOD not in str(decision)


# --- Any claims under a good signature -------------------------------------------------------------------------------
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = st.recursive(
    SCALARS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
DATES = st.integers(NOW - 20, NOW + 20)
NAMES = st.lists(st.sampled_from(["payments", "ledger", ""]), max_size=3)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "iss": st.just(URL) | st.just(URL) | st.just(URL) | ANYTHING,
        "sub": st.just("ada") | st.just("ada") | ANYTHING,
        "aud": st.just("payments") | NAMES | ANYTHING,
        "exp": DATES | st.just(NOW + 300) | ANYTHING,
        "iat": DATES | st.just(NOW) | ANYTHING,
        "nbf": DATES | ANYTHING,
        "auth_time": DATES | ANYTHING,
        "scope": st.just("pay read") | ANYTHING,
        "acr": st.just("gold") | ANYTHING,
        "amr": NAMES | ANYTHING,
        "client_id": st.just("web") | ANYTHING,
        "jti": st.just("1") | ANYTHING,
        "cnf": ANYTHING,
        "roles": NAMES | ANYTHING,
        "": ANYTHING,
    },
)


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_date(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 253402300800


def naively_good(said: dict[str, Any], now: float, leeway: float = 10) -> bool:
    """RFC 9068 section 4 in the order of its sentences, for one issuer and one audience."""
    if any(name not in said for name in ("iss", "sub", "aud", "exp", "iat")) or "cnf" in said:
        return False
    if said["iss"] != URL or not is_text(said["sub"]) or said["sub"] == "":
        return False
    aud = [said["aud"]] if is_text(said["aud"]) else said["aud"]
    if not is_texts(aud) or "payments" not in aud:
        return False
    if not all(is_date(said[name]) for name in ("exp", "iat", "nbf", "auth_time") if name in said):
        return False
    if not all(is_text(said[name]) for name in ("scope", "acr", "client_id", "jti") if name in said):
        return False
    if "amr" in said and not is_texts(said["amr"]):
        return False
    in_time = now < said["exp"] + leeway and said.get("nbf", 0) - leeway <= now
    return bool(in_time and said["iat"] <= now + leeway and said.get("auth_time", 0) <= now + leeway)


@usually(300)
@given(changes=CLAIMS, complete=st.booleans())
def test_any_claims_are_judged_as_the_standard_says(changes: dict[str, Any], complete: bool) -> None:
    said = {**claims(), **changes} if complete else changes
    finding = found(TOKEN, request(ISSUER.token(json.dumps(said).encode())))
    assert isinstance(finding, Verified) is naively_good(said, NOW), code(finding)
    if isinstance(finding, Verified):
        assert finding.evidence.claims == said
    else:
        assert isinstance(finding, Rejected)


@usually(200)
@given(payload=st.binary(max_size=60) | ANYTHING.map(compact_json))
def test_any_payload_under_a_good_signature(payload: bytes) -> None:
    assert isinstance(found(TOKEN, request(ISSUER.token(payload))), Rejected)
    assert isinstance(found(bearer(Issuer(URL)), request(ISSUER.token(payload))), Rejected)


@given(header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "b64", "zip", "x"]), ANYTHING))
def test_any_header_under_a_good_signature(header: dict[str, Any]) -> None:
    token = ISSUER.seal(json.dumps(header).encode(), compact_json(claims()))
    assert isinstance(found(TOKEN, request(token)), Rejected)


# --- Malleability ----------------------------------------------------------------------------------------------------
SIGNERS = [signer(alg) for alg in ("ES256", "EdDSA", "RS256", "HS256")]


@pytest.mark.parametrize("by", SIGNERS, ids=lambda by: by.alg)
def test_no_single_character_of_a_token_can_change(by: Signer) -> None:
    # Two verifiers: with and without headers remembered from good tokens.
    options = {"algorithms": {by.alg}}
    warm, cold = bearer(static(URL, by, **options)), bearer(static(URL, by, **options))
    token = mint(by)
    assert code(warm.verify(token, NOW)) == "verified"
    for position in range(len(token)):
        here = token[position]
        others = {chr(ord(here) ^ 1), chr(ord(here) ^ 0x20), "A" if here != "A" else "B", "."} - {here}
        before, after = token[:position], token[position + 1 :]
        for changed in (*(before + other + after for other in others), before + after, before + here + here + after):
            assert isinstance(warm.verify(changed, NOW), Rejected), position
    for position in range(0, len(token), 7):
        changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        assert isinstance(cold.verify(changed, NOW), Rejected), position


def test_parts_of_different_tokens_do_not_fit_together() -> None:
    tokens = [mint(ISSUER, {"x": 0}), mint(ISSUER, {"x": 1}, sub="eve"), mint(ISSUER, {"x": 2}, sub="bob")]
    parts = [token.split(".") for token in tokens]
    for chosen in product(range(3), repeat=3):
        mixed = ".".join(parts[which][position] for position, which in enumerate(chosen))
        assert isinstance(TOKEN.verify(mixed, NOW), Verified) is (len(set(chosen)) == 1), chosen


# --- Time ------------------------------------------------------------------------------------------------------------
@usually(250)
@given(
    exp=st.integers(NOW - 150, NOW + 150),
    iat=st.integers(NOW - 150, NOW + 150),
    nbf=st.none() | st.integers(NOW - 150, NOW + 150),
    auth_time=st.none() | st.integers(NOW - 150, NOW + 150),
    now=st.floats(NOW - 300, NOW + 300) | st.integers(NOW - 300, NOW + 300).map(float),
    leeway=st.sampled_from([0, 1, 10, 120]),
)
def test_time_travel(exp: int, iat: int, nbf: int | None, auth_time: int | None, now: float, leeway: int) -> None:
    dates = {"exp": exp, "iat": iat, "nbf": nbf, "auth_time": auth_time}
    said = claims(**{name: date for name, date in dates.items() if date is not None})
    finding = found(bearer(leeway=seconds(leeway)), request(ISSUER.token(said), now=now))
    assert isinstance(finding, Verified) is naively_good(said, now, leeway), code(finding)
    if isinstance(finding, Verified):
        assert now < finding.evidence.expires_at == exp + leeway


# --- Until when ------------------------------------------------------------------------------------------------------
LEAVES: list[Policy] = [
    TOKEN.valid,
    TOKEN.scope("pay"),
    TOKEN.scope("admin"),
    TOKEN.fresh(seconds(30)),
    TOKEN.fresh(minutes(1)),
    TOKEN.fresh(minutes(10)),
    TOKEN.role("staff"),
    TOKEN.acr("gold"),
    TOKEN.claim("x", 1),
]
POLICIES = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        inner.map(lambda policy: ~policy),
        st.builds(lambda parts: at_least(2, *parts), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=5,
)
TOKENS = [
    mint(scope="pay", auth_time=NOW, roles=["staff"], acr="gold", x=1),
    mint(scope="", auth_time=NOW - 45, roles=[], acr="silver"),
    mint(auth_time=NOW - 599, exp=NOW + 3),
    mint(exp=NOW - 9),
    mint(exp=NOW - 11),
]


@usually(250)
@given(policy=POLICIES, token=st.sampled_from(TOKENS), part=st.floats(0, 1, exclude_max=True))
def test_a_decision_stands_until_it_says(policy: Policy, token: str, part: float) -> None:
    decision = decide(policy, request(token))
    assert decision.valid_until > NOW
    span = min(decision.valid_until - NOW, 10_000.0)
    moment = NOW + span * part
    assume(moment < decision.valid_until)  # near its end, rounding may reach it
    later = judge(policy, decision.findings, moment)
    assert later.verdict is decision.verdict
    assert bool(later) is bool(decision)
