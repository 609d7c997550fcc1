from __future__ import annotations

import asyncio
from typing import Any

import pytest

from zerotrust import AccessRequest, Sources, decide, decide_async, seconds
from zerotrust.core.ask import Fetch, Post, SourceFailed
from zerotrust.testing import OMIT, Clock
from zerotrust.testing.introspection import IntrospectionSource
from zerotrust.verifiers.client_authentication import ClientSecret
from zerotrust.verifiers.introspection import Introspection

URL = "https://login.example.com"


def opaque(**options: Any) -> Introspection:
    client = ClientSecret("api", "secret")
    return Introspection(URL, audience="payments", client=client, endpoint=f"{URL}/introspect", **options)


def outcome(verifier: Introspection, server: IntrospectionSource, presented: str) -> str:
    request = AccessRequest(now=server.clock(), headers=[(b"authorization", f"Bearer {presented}".encode())])
    decision = decide(verifier.valid, request, Sources(server))
    assert bool(asyncio.run(decide_async(verifier.valid, request, Sources(server)))) == bool(decision)
    return "allowed" if decision else decision.reason.code


def test_its_tokens_are_good_until_they_end() -> None:
    clock = Clock()
    server = IntrospectionSource(URL, clock=clock)
    verifier = opaque(cache_for=seconds(0))
    presented, other = server.issue(audience="payments"), server.issue(audience=["ledger"])
    assert outcome(verifier, server, presented) == "allowed"
    assert outcome(verifier, server, other) == "wrong_audience"
    assert outcome(verifier, server, "made-up") == "not_active"
    clock.advance(300)
    assert outcome(verifier, server, presented) == "not_active"
    again = server.issue(audience="payments")
    server.revoke(again)
    server.revoke("made-up")
    assert outcome(verifier, server, again) == "not_active"
    assert server.asked == 10


def test_its_answers_may_be_subtly_wrong() -> None:
    server = IntrospectionSource(URL)
    for changes, expected in (
        ({"active": "true"}, "source_refused"),
        ({"active": OMIT}, "source_refused"),
        ({"token_type": OMIT}, "missing_claim"),
        ({"token_type": "refresh_token"}, "wrong_type"),
        ({"iss": "https://other.example"}, "unknown_issuer"),
        ({"exp": "soon"}, "wrong_claim_type"),
        ({"cnf": {"jkt": "x"}}, "proof_required"),
        ({"nbf": 1_900_000_000}, "not_yet_valid"),
    ):
        members: Any = changes
        assert outcome(opaque(), server, server.issue(audience="payments", **members)) == expected


def test_an_outage_and_its_end() -> None:
    server = IntrospectionSource(URL)
    presented = server.issue(audience="payments", scope="pay")
    server.down = True
    assert outcome(opaque(), server, presented) == "source_down"
    server.down = False
    assert outcome(opaque(), server, presented) == "allowed"


def test_who_asks_has_to_say_who_it_is() -> None:
    server = IntrospectionSource(URL)
    for ask in (Post(URL, (("token", "x"),), 1.0), Post(URL, (("token", "x"), ("client_id", "api")), 1.0)):
        with pytest.raises(SourceFailed, match="invalid_client"):
            server.answer(ask, 1.0)
    for good in (
        Post(URL, (("token", "x"), ("client_secret", "y")), 1.0),
        Post(URL, (("token", "x"), ("client_assertion", "y")), 1.0),
        Post(URL, (("token", "x"),), 1.0, (("Authorization", "Basic x"),)),
        Post(URL, (), 1.0, certificate="edge"),
    ):
        assert server.answer(good, 1.0).body == b'{"active": false}'
    with pytest.raises(TypeError, match="Fetch"):
        server.answer(Fetch(URL, 1.0), 1.0)
    assert repr(server) == f"IntrospectionSource('{URL}')"
