"""The way of every token from the request to the evidence: what is remembered, and what is asked again all the same."""

from __future__ import annotations

import pytest

from tests.verifiers.tokens import JWKS, NOW, URL, bearer, jwks, mint, outcome, published, request, signer
from zerotrust import Issuer, seconds
from zerotrust.core.finding import Unspent


def test_a_remembered_token_ends_with_its_key_where_keys_are_fetched() -> None:
    verifier, web, token = bearer(Issuer(URL)), published(), mint()
    for _ in range(3):
        assert outcome(verifier, token, sources=web.sources) == "verified"
    before = len(web.asked)
    assert outcome(verifier, token, sources=web.sources) == "verified"
    assert len(web.asked) > before  # a fetcher answers from its cache; but it is asked
    web.publish(JWKS, jwks(signer("ES256", "another")), fetched_at=NOW)
    assert outcome(verifier, token, sources=web.sources) == "rejected unknown_key"
    web.fail(JWKS)
    assert outcome(verifier, token, sources=web.sources) == "unavailable source_down"


@pytest.mark.parametrize("leeway", [0, 60])
def test_a_mark_outlives_the_token_under_every_leeway(leeway: int) -> None:
    finding = bearer(one_time=True, leeway=seconds(leeway)).find(request(mint(exp=NOW + 300)))
    assert isinstance(finding, Unspent)
    assert finding.mark.until == NOW + 300 + 120
