"""Whatever is sent, there is an answer; and what is changed anywhere is no longer good."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.verifiers.proofs import CLIENT, PATH, TOKEN, URL, asked, checked, proof
from tests.verifiers.tokens import NOW
from tests.wire.signing import unb64
from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.moments import seconds
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.testing.dpop import DPoPClient
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.nonces import Nonces

GOOD = proof()
KNOWING = DPoP()
"""Has seen the client, so that headers are looked up as well as read."""
assert isinstance(KNOWING.check(asked(GOOD), TOKEN, CLIENT.jkt), ConsumeOnce)

EDWARDS = DPoPClient("EdDSA", clock=lambda: NOW)
RSA = DPoPClient("RS256", clock=lambda: NOW)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def outcome(sent: bytes, jkt: str = CLIENT.jkt, **request: Any) -> ConsumeOnce | Reason:
    found = [dpop.check(asked(sent, **request), TOKEN, jkt) for dpop in (DPoP(), KNOWING)]
    assert found[0] == found[1]
    return found[0]


@given(st.binary(max_size=200) | st.text("eyJ0.-_=,", max_size=60).map(str.encode))
def test_any_bytes_have_a_reason(sent: bytes) -> None:
    assert isinstance(outcome(sent), Reason)


@given(st.lists(st.tuples(st.sampled_from([b"dpop", b"dp_op", b"DPoP", b"authorization"]), st.binary(max_size=40))))
def test_any_headers_have_an_answer(headers: list[tuple[bytes, bytes]]) -> None:
    request = AccessRequest(now=NOW, host="api.example", path=PATH, headers=headers)
    assert isinstance(DPoP().check(request, TOKEN, CLIENT.jkt), Reason)


@pytest.mark.parametrize("client", [CLIENT, EDWARDS, RSA], ids=lambda client: client.key.alg)
@usually(300)
@given(data=st.data())
def test_one_byte_changed_anywhere_and_it_is_refused(client: DPoPClient, data: st.DataObject) -> None:
    good = client.proof("GET", URL, TOKEN, jti="1").encode()
    at = data.draw(st.integers(0, len(good) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != good[at]))
    assert isinstance(outcome(good, client.jkt), ConsumeOnce)
    assert isinstance(outcome(good[:at] + bytes([byte]) + good[at + 1 :], client.jkt), Reason)


@given(st.integers(0, len(GOOD)), st.binary(min_size=1, max_size=4))
def test_bytes_put_in_anywhere_and_it_is_refused(at: int, extra: bytes) -> None:
    good = GOOD.encode()
    assert isinstance(outcome(good[:at] + extra + good[at:]), Reason)


@given(st.integers(0, len(GOOD) - 1))
def test_cut_short_it_is_refused(length: int) -> None:
    assert isinstance(outcome(GOOD[:length].encode()), Reason)


members = st.sampled_from(["jti", "htm", "htu", "iat", "ath", "nonce", "x"])


@given(st.dictionaries(members, json_values, min_size=1))
def test_claims_of_any_kind_have_an_answer(changes: dict[str, Any]) -> None:
    sent = proof(**changes)
    for dpop in (DPoP(), DPoP(nonces=Nonces(bytes(range(32)))), DPoP(url="https://api.example")):
        assert isinstance(checked(sent, dpop), ConsumeOnce | Reason)


@given(st.dictionaries(st.sampled_from(["typ", "alg", "jwk", "kid", "crit", "b64", "x5c"]), json_values, min_size=1))
def test_headers_of_any_kind_have_an_answer(changes: dict[str, Any]) -> None:
    assert isinstance(checked(proof(header=changes)), ConsumeOnce | Reason)


@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "k", "d", "alg", "use"]), json_values))
def test_keys_of_any_kind_have_an_answer(changes: dict[str, Any]) -> None:
    assert isinstance(checked(proof(header={"jwk": {**CLIENT.jwk, **changes}})), ConsumeOnce | Reason)


@given(method=st.text(max_size=8), host=st.text(max_size=12), scheme=st.text(max_size=6), path=st.text(max_size=12))
def test_requests_of_any_kind_have_an_answer(method: str, host: str, scheme: str, path: str) -> None:
    for raw_path in (None, path):
        found = checked(GOOD, method=method, host=host, scheme=scheme, path=path, raw_path=raw_path)
        assert isinstance(found, Reason)


@given(st.integers(NOW - 200, NOW + 200), st.integers(1, 600), st.integers(0, 120))
def test_the_window_is_the_one_configured(now: int, max_age: int, leeway: int) -> None:
    dpop = DPoP(max_age=seconds(max_age), leeway=seconds(leeway))
    good = isinstance(checked(GOOD, dpop, now=now), ConsumeOnce)
    assert good == (NOW - leeway <= now < NOW + max_age + leeway)


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_marks_differ_exactly_where_ids_do(one: str, other: str) -> None:
    first, second = checked(proof(jti=one)), checked(proof(jti=other))
    assert isinstance(first, ConsumeOnce)
    assert isinstance(second, ConsumeOnce)
    assert (first.key == second.key) == (one == other)


def test_the_good_proof_is_what_it_seems() -> None:
    header, payload, _ = GOOD.split(".")
    assert json.loads(unb64(header))["typ"] == "dpop+jwt"
    assert json.loads(unb64(payload))["htu"] == URL
