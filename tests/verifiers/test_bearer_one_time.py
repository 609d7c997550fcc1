"""Tokens that are accepted once (RFC 7519 section 4.1.7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.verifiers.tokens import ISSUER, NOW, URL, bearer, mint, static
from zerotrust.core.ask import ConsumeOnce, Fetch
from zerotrust.core.decision import Challenge
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Rejected, Unavailable, Unspent, Verified
from zerotrust.core.reason import MISSING_CLAIM, NO_SOURCE, REPLAYED, WRONG_CLAIM_TYPE
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources, run
from zerotrust.engine import decide, judge
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.issuer import Issuer
from zerotrust.web.answer import answer


def request(token: str, now: float = NOW) -> AccessRequest:
    return AccessRequest(now=now, headers=[(b"authorization", f"Bearer {token}".encode())])


def test_the_second_time_it_is_refused() -> None:
    once, sources, token = bearer(one_time=True), Sources(MemoryStore()), mint(jti="a")
    assert decide(once.valid, request(token), sources)
    refusal = decide(once.valid, request(token, NOW + 1), sources)
    finding = refusal.findings[once]
    assert isinstance(finding, Rejected)
    assert finding.reason.kind is REPLAYED
    assert not refusal
    assert [step.action for step in refusal.remedies[0].steps] == [Action.SIGN_IN]


def test_another_signature_over_the_same_id_is_the_same_token() -> None:
    once, sources = bearer(one_time=True), Sources(MemoryStore())
    assert decide(once.valid, request(mint(jti="a")), sources)
    assert not decide(once.valid, request(mint(jti="a", scope="other")), sources)
    assert decide(once.valid, request(mint(jti="b")), sources)


def test_ids_are_unique_within_an_issuer() -> None:
    other = "https://other.example"
    once, sources = bearer(static(), static(other), one_time=True), Sources(MemoryStore())
    assert decide(once.valid, request(mint(jti="a")), sources)
    assert decide(once.valid, request(mint(jti="a", iss=other)), sources)
    assert not decide(once.valid, request(mint(jti="a", iss=other)), sources)


def test_a_refusal_for_another_reason_leaves_it_unused() -> None:
    once, sources, token = bearer(one_time=True), Sources(MemoryStore()), mint(jti="a", scope="read")
    assert not decide(once.scope("pay"), request(token), sources)
    assert decide(once.scope("read"), request(token), sources)
    assert not decide(once.scope("read"), request(token), sources)


def test_until_it_has_expired_leeway_included() -> None:
    once, store = bearer(one_time=True), MemoryStore()
    token = mint(jti="a", exp=NOW + 300)
    found = once.find(request(token))
    assert isinstance(found, Unspent)
    assert found.mark.until == NOW + 420, "for whoever has the most patience with clocks"
    assert decide(once.valid, request(token, NOW + 5), Sources(store))
    assert not decide(once.valid, request(token, NOW + 309.9), Sources(store))


@pytest.mark.parametrize("jti", ["", "x" * 1025])
def test_an_id_that_is_none(jti: str) -> None:
    finding = run(bearer(one_time=True).verifying(mint(jti=jti), NOW), Sources(MemoryStore()))
    assert isinstance(finding, Rejected)
    assert finding.reason.kind is WRONG_CLAIM_TYPE


def test_a_token_without_an_id() -> None:
    claims = {"iss": URL, "sub": "ada", "aud": "payments", "iat": NOW, "exp": NOW + 300}
    finding = run(bearer(one_time=True).verifying(ISSUER.token(claims), NOW), Sources(MemoryStore()))
    assert isinstance(finding, Rejected)
    assert finding.reason == MISSING_CLAIM(expected="jti")


def test_an_id_of_any_text() -> None:
    once, sources = bearer(one_time=True), Sources(MemoryStore())
    for jti in ("\0", "\ufffd", "😀", "x" * 1024):
        assert decide(once.valid, request(mint(jti=jti)), sources)
        assert not decide(once.valid, request(mint(jti=jti)), sources)


def test_verified_alone_it_is_used_up_too() -> None:
    once, sources, token = bearer(one_time=True), Sources(MemoryStore()), mint(jti="a")
    first = run(once.verifying(token, NOW), sources)
    assert isinstance(first, Verified)
    assert run(once.verifying(token, NOW), sources) == Rejected(REPLAYED())
    assert isinstance(found := run(once.verifying(token, NOW), NO_SOURCES), Unavailable)
    assert found.reason.kind is NO_SOURCE
    with pytest.raises(ConfigError, match="has to ask for ConsumeOnce"):
        once.verify(token, NOW)


def test_what_it_needs() -> None:
    assert bearer(one_time=True).needs == (ConsumeOnce,)
    assert bearer(Issuer(URL), one_time=True).needs == (Fetch, ConsumeOnce)
    assert bearer().needs == ()


def test_a_flag_is_a_flag() -> None:
    with pytest.raises(ConfigError, match="one_time=1"):
        bearer(one_time=1)


def test_without_it_a_token_counts_as_often_as_it_is_shown() -> None:
    plain, token = bearer(), mint(jti="a")
    assert all(decide(plain.valid, request(token)) for _ in range(3))


def test_a_service_with_more_patience_does_not_accept_it_again() -> None:
    """Its mark is still there when the leeway of the service that used it up is over."""
    store, token = MemoryStore(), mint(jti="a", exp=NOW + 300)
    strict, patient = bearer(one_time=True, leeway=timedelta(0)), bearer(one_time=True, leeway=timedelta(seconds=120))
    assert decide(strict.valid, request(token), Sources(store))
    for number in range(64):  # so that what has expired is forgotten
        store.answer(ConsumeOnce("other", bytes([number]), NOW + 1000, NOW + 419), 1.0)
    assert not decide(patient.valid, request(token, NOW + 419), Sources(store))


def test_findings_of_a_refusal_allow_nothing() -> None:
    once, sources, token = bearer(one_time=True), Sources(MemoryStore()), mint(jti="a", scope="read")
    refusal = decide(once.scope("pay"), request(token), sources)
    assert isinstance(refusal.findings[once], Unspent)
    assert not judge(once.valid, refusal.findings, NOW)
    assert decide(once.valid, request(token), sources)


def test_a_refusal_that_names_the_scope() -> None:
    once, token = bearer(one_time=True), mint(jti="a", scope="read")
    refusal = decide(once.scope("pay"), request(token), Sources(MemoryStore()))
    assert isinstance(refusal, Challenge)
    told = answer(refusal)
    assert told.status == 403
    assert dict(told.headers)[b"www-authenticate"] == b'Bearer error="insufficient_scope", scope="pay"'
