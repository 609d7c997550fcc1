"""Issuers that do not answer, or not well: neither a refusal of the token nor access."""

from __future__ import annotations

import asyncio

import pytest

from tests.verifiers.tokens import JWKS, METADATA, NOW, URL, Web, bearer, mint, outcome, published, request
from zerotrust.core.ask import SourceFailed
from zerotrust.core.decision import Allow, Challenge
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Unavailable
from zerotrust.core.policy import unavailable
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_TIMEOUT
from zerotrust.core.remedy import Action
from zerotrust.engine import decide, decide_async
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer

GOOD_METADATA = {"issuer": URL, "jwks_uri": JWKS}


def discovering() -> Bearer:
    return bearer(Issuer(URL))


@pytest.mark.parametrize("down", [METADATA, JWKS])
def test_an_outage_is_unavailable_and_asks_for_patience(down: str) -> None:
    web, verifier = published(), discovering()
    web.fail(down)
    decision = decide(verifier.valid, request(mint()), web.sources)
    assert isinstance(decision, Challenge)
    assert decision.finding(verifier) == Unavailable(SOURCE_DOWN(), 7.0)
    assert decision.reason == SOURCE_DOWN()
    assert decision.remedy is not None
    assert [step.action for step in decision.remedy.steps] == [Action.RETRY]
    assert str(decision.remedy) == "try again (token could not be checked)"
    assert isinstance(decide(verifier.valid | unavailable(verifier), request(mint()), web.sources), Allow)


def test_an_outage_does_not_matter_to_what_was_not_presented() -> None:
    verifier, web = discovering(), Web()
    decision = decide(verifier.valid | unavailable(verifier), request(), web.sources)
    assert not decision
    assert web.asked == []


def test_what_went_wrong_is_said_to_operators() -> None:
    web = Web({METADATA: {**GOOD_METADATA, "issuer": "https://evil.example"}})
    decision = decide(discovering().valid, request(mint()), web.sources)
    assert "the metadata of https://issuer.example" in str(decision)
    assert "presented https://evil.example" in str(decision)


def test_no_source_at_all() -> None:
    decision = decide(discovering().valid, request(mint()))
    assert isinstance(decision, Challenge)
    assert decision.reason.code == "no_source"


def test_verify_wants_keys_at_hand() -> None:
    with pytest.raises(ConfigError, match="has to ask for Fetch"):
        discovering().verify(mint(), NOW)


def test_async() -> None:
    web, verifier = published(), discovering()
    decision = asyncio.run(decide_async(verifier.valid, request(mint()), web.sources))
    assert isinstance(decision, Allow)


def test_a_timeout_is_an_outage() -> None:
    web, verifier = published(), discovering()
    web.pages[METADATA] = SourceFailed(SOURCE_TIMEOUT(), 5.0)
    assert outcome(verifier, mint(), sources=web.sources) == "unavailable source_timeout"
