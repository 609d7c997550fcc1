from __future__ import annotations

import asyncio
import json

import pytest

from zerotrust import AccessRequest, Bearer, Issuer, Sources, decide, decide_async
from zerotrust.core.ask import Fetch, Lookup, SourceFailed
from zerotrust.testing import IssuerSource, LocalIssuer

ISSUER = LocalIssuer("https://login.example.com/tenant", algorithms=["EdDSA"])


def request(token: str) -> AccessRequest:
    return AccessRequest(now=ISSUER.clock(), headers=[(b"authorization", f"Bearer {token}".encode())])


def test_a_verifier_finds_the_keys_through_it_in_both_drivers() -> None:
    sources = Sources(IssuerSource(ISSUER))
    token = Bearer(Issuer(ISSUER.url), audience="payments")
    good = request(ISSUER.mint(audience="payments"))
    assert decide(token.valid, good, sources)
    assert asyncio.run(decide_async(token.valid, good, sources.require("async")))


def test_several_issuers_are_told_apart() -> None:
    other = LocalIssuer("https://other.example", algorithms=["EdDSA"])
    source = IssuerSource(other, ISSUER)
    body = source.answer(Fetch(f"{ISSUER.url}/jwks", 5.0), 1.0).body
    assert json.loads(body) == ISSUER.jwks()
    assert json.loads(source.answer(Fetch("https://other.example/jwks", 5.0), 1.0).body) == other.jwks()


@pytest.mark.parametrize("url", ["https://login.example.com/elsewhere", "https://example.org/jwks"])
def test_what_nobody_publishes_is_down(url: str) -> None:
    with pytest.raises(SourceFailed) as failure:
        IssuerSource(ISSUER).answer(Fetch(url, 5.0), 1.0)
    assert failure.value.reason.code == "source_down"


def test_an_outage_and_its_end() -> None:
    source = IssuerSource(ISSUER)
    source.down = True
    with pytest.raises(SourceFailed):
        source.answer(Fetch(f"{ISSUER.url}/jwks", 5.0), 1.0)
    source.down = False
    assert source.answer(Fetch(f"{ISSUER.url}/jwks", 5.0), 1.0).fetched_at == 5.0


def test_it_answers_nothing_else() -> None:
    with pytest.raises(TypeError, match="Lookup"):
        IssuerSource(ISSUER).answer(Lookup("space", b"key", 5.0), 1.0)
