"""Delegated tokens in the hands of whoever wants more than was delegated (RFC 8693)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.tokens import NOW, OMIT, URL, bearer, mint, mint_json, outcome, request, static
from tests.wire.signing import signer
from zerotrust.core.policy import Policy
from zerotrust.engine import decide
from zerotrust.testing import act_chain

OTHER = "https://other.example"
TOKEN = bearer()
BOTH = bearer(static(), static(OTHER))


def lets_in(policy: Policy, token: str) -> bool:
    return bool(decide(policy, request(token)))


@pytest.mark.parametrize(
    "act",
    [
        None, False, 0, "", [], {}, [[]], {"sub": None}, {"act": {"sub": "agent"}}, {"SUB": "agent"},
        {"sub": "agent", "act": None}, {"sub": "agent", "act": []}, {"sub": "agent", "act": {"act": {"sub": "x"}}},
    ],
    ids=str,
)  # fmt: skip
def test_section_4_1_an_empty_or_broken_act_is_not_nobody(act: Any) -> None:
    """Taken for "no actor", it would give an agent all that its user may do."""
    token = mint(act=act)
    assert outcome(TOKEN, token) == "rejected wrong_claim_type"
    for policy in (
        TOKEN.direct,
        ~TOKEN.acting,
        ~TOKEN.actor("agent"),
        TOKEN.not_through("agent"),
        TOKEN.depth(at_most=0),
    ):
        assert not lets_in(policy, token)


def test_section_4_1_two_acts_are_none() -> None:
    claims = f'{{"iss":"{URL}","sub":"ada","aud":"payments","iat":{NOW},"exp":{NOW + 300},'
    for twice in ('"act":{"sub":"agent"},"act":{"sub":"importer"}}', '"act":{"sub":"agent","sub":"importer"}}'):
        assert outcome(TOKEN, mint_json((claims + twice).encode())) == "rejected malformed"


def test_section_4_1_the_actor_is_in_the_claims_and_nowhere_else() -> None:
    assert not lets_in(TOKEN.acting, mint(header={"act": {"sub": "importer"}}))
    assert not lets_in(TOKEN.actor("importer"), mint(client_id="importer", azp="importer", may_act={"sub": "importer"}))


def test_section_4_1_prior_actors_lend_nothing() -> None:
    token = mint(act=act_chain("agent", "importer"))
    assert not lets_in(TOKEN.actor("importer"), token)
    assert not lets_in(TOKEN.actor("importer") | TOKEN.direct, token)


def test_section_4_1_an_actor_is_not_its_subject_nor_the_other_way_round() -> None:
    admin = TOKEN.subject("root")
    assert not lets_in(admin, mint(sub="ada", act=act_chain("root")))
    assert not lets_in(TOKEN.actor("root"), mint(sub="root", act=act_chain("ada")))
    table = {"root": {"all"}, "ada": {"read"}, "agent": {"read"}}
    for sub, actor in (("root", "agent"), ("ada", "root"), ("agent", "root")):
        assert not lets_in(TOKEN.permitted("all", by=table), mint(sub=sub, act=act_chain(actor)))


def test_section_4_1_one_issuers_agent_is_not_anothers() -> None:
    mine = BOTH.actor("agent", URL)
    assert lets_in(mine, mint(act={"sub": "agent"}))
    for act in ({"sub": "agent"}, {"sub": "agent", "iss": URL}, {"sub": "agent", "iss": OTHER}):
        assert not lets_in(mine, mint(iss=OTHER, act=act))


@pytest.mark.parametrize("url", [URL + "/", URL.upper(), URL + ":443", URL.replace("https", "http"), f" {URL}"])
def test_section_4_1_issuers_are_compared_as_they_stand(url: str) -> None:
    assert not lets_in(TOKEN.actor("agent"), mint(act={"sub": "agent", "iss": url}))


def test_a_chain_without_end() -> None:
    def deep(levels: int) -> bytes:
        act = '{"sub":"a","act":' * levels + '{"sub":"a"}' + "}" * levels
        return f'{{"iss":"{URL}","sub":"ada","aud":"payments","iat":{NOW},"exp":{NOW + 300},"act":{act}}}'.encode()

    assert outcome(TOKEN, mint_json(deep(3))) == "verified"
    assert outcome(TOKEN, mint_json(deep(4))) == "rejected wrong_claim"
    assert outcome(TOKEN, mint_json(deep(600))) == "rejected too_large"
    assert outcome(bearer(max_length=256 * 1024), mint_json(deep(9_000))) == "rejected too_large"


def test_an_agent_cannot_take_its_act_off() -> None:
    """Neither by signing itself, nor by keeping the signature."""
    delegated = mint(act=act_chain("agent"), scope="write")
    plain = mint(signer("ES256"), scope="write")
    assert outcome(TOKEN, plain) == "rejected bad_signature"
    head, _, signature = delegated.split(".")
    payload = mint(scope="write", act=OMIT).split(".")[1]
    assert outcome(TOKEN, f"{head}.{payload}.{signature}") == "rejected bad_signature"
    assert not lets_in(TOKEN.direct, delegated)


def test_section_4_4_to_be_allowed_to_act_is_not_to_act() -> None:
    token = mint(may_act={"sub": "agent"})
    assert lets_in(TOKEN.direct, token)
    assert not lets_in(TOKEN.actor("agent") | TOKEN.acting, token)
