"""The same tokens without a framework and without asyncio: `decide` with the blocking fetcher."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.servers import ALGORITHMS, LEDGER, METADATA, PAYMENTS, Provider
from zerotrust import AccessRequest, Bearer, Challenge, Decision, Issuer, Policy, Sources, Verified, decide
from zerotrust.stores.http import HttpFetcher

pytestmark = pytest.mark.e2e


@pytest.fixture
def sources() -> Iterator[Sources]:
    with HttpFetcher() as fetcher:
        yield Sources(fetcher)


def token_of(provider: Provider) -> Bearer:
    return Bearer(Issuer(provider.issuer), audience=PAYMENTS)


def decided(policy: Policy, presented: str, sources: Sources) -> Decision:
    headers = [(b"authorization", f"Bearer {presented}".encode())]
    return decide(policy, AccessRequest(now=time.time(), headers=headers), sources)


def code(decision: Decision) -> str:
    assert not decision
    return decision.reason.code


def test_good_tokens_are_let_in_by_one_reading_of_the_keys(provider: Provider, sources: Sources) -> None:
    token = token_of(provider)
    for algorithm in ALGORITHMS:
        decision = decided(token.scope("pay"), provider.token(f"machine-{algorithm}"), sources)
        assert decision
        finding = decision.finding(token)
        assert isinstance(finding, Verified)
        assert finding.evidence.subject == f"machine-{algorithm}"
    counts = provider.counts()
    assert (counts[METADATA], counts["/jwks"]) == (1, 1)


def test_bad_tokens_are_refused_for_what_is_wrong_with_them(provider: Provider, sources: Sources) -> None:
    token = token_of(provider)
    assert code(decided(token.valid, provider.token(resource=LEDGER), sources)) == "wrong_audience"
    assert code(decided(token.valid, provider.sign_in("mia").identity, sources)) == "wrong_type"
    pinned = Bearer(Issuer(provider.issuer, algorithms={"ES256"}), audience=PAYMENTS)
    assert decided(pinned.valid, provider.token("machine-ES256"), sources)
    assert code(decided(pinned.valid, provider.token("machine-RS256"), sources)) == "algorithm"
    lacking = decided(token.scope("pay"), provider.token(scope="read"), sources)
    assert isinstance(lacking, Challenge)
    assert code(lacking) == "not_satisfied"


def test_keys_rotate_between_requests_and_outlive_the_provider(own_provider: Provider, sources: Sources) -> None:
    token = token_of(own_provider)
    before = own_provider.token()
    assert decided(token.valid, before, sources)
    own_provider.rotate()
    after = own_provider.token()
    assert decided(token.valid, after, sources)
    assert decided(token.valid, before, sources)
    assert own_provider.key_set_reads == 2
    own_provider.stop()
    assert decided(token.valid, after, sources)
    with HttpFetcher() as empty:
        assert code(decided(token.valid, after, Sources(empty))) == "source_down"
