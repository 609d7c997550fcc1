"""The authorization request that satisfies a refusal: what it asks, and what cannot get into it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.tokens import ISSUER, NOW, URL, bearer, jwks, mint, request
from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import minutes
from zerotrust.engine import decide
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Dialect, Profile
from zerotrust.web.authorize import authorization_url
from zerotrust.web.wanted import Wanted

ENDPOINT = "https://login.example/authorize"
GOOD: dict[str, Any] = {
    "client_id": "web",
    "redirect_uri": "https://app.example/callback",
    "state": "af0ifjsldkj-af0ifjsldkj",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
}
TOKEN = bearer(Issuer(URL, keys=jwks(ISSUER), profile=Profile(ladder=("low", "phr", "phrh"))))


def sent(asked: Any, endpoint: str = ENDPOINT, **options: Any) -> dict[str, str]:
    """The parameters of the request, each of which stands once."""
    url = authorization_url(endpoint, asked, **{**GOOD, **options})
    parts = urlsplit(url)
    assert url.startswith(endpoint.partition("?")[0] + "?")
    assert not parts.fragment
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_a_refusal_becomes_a_request() -> None:
    refusal = decide(
        TOKEN.scope("pay") & TOKEN.fresh(minutes(5)) & TOKEN.acr_at_least("phr"),
        request(mint(scope="read", auth_time=NOW - 600, acr="low")),
    )
    assert isinstance(refusal, Challenge)
    assert sent(refusal, scope=["openid"], nonce="n-0S6_WzA2Mj", prompt="login", resource="https://api.example/") == {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": "https://app.example/callback",
        "scope": "openid pay",
        "state": "af0ifjsldkj-af0ifjsldkj",
        "nonce": "n-0S6_WzA2Mj",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "max_age": "300",
        "acr_values": "phr phrh",
        "prompt": "login",
        "resource": "https://api.example/",
    }


def test_what_is_not_asked_for_is_not_in_it() -> None:
    assert set(sent(Wanted())) == {
        "response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method",
    }  # fmt: skip


def test_a_max_age_of_zero_is_asked_for() -> None:
    assert sent(Wanted(max_age=0))["max_age"] == "0"


def test_an_essential_context_takes_the_place_of_acr_values() -> None:
    """OpenID Connect Core section 5.5.1.1."""
    found = sent(Wanted(acr_values=("phr", "phrh")), essential=True)
    assert "acr_values" not in found
    assert json.loads(found["claims"]) == {"id_token": {"acr": {"essential": True, "values": ["phr", "phrh"]}}}


def test_an_authentication_context_of_entra_is_a_claims_request() -> None:
    token = bearer(Issuer(URL, keys=jwks(ISSUER), profile=Profile(dialect=Dialect.ENTRA)))
    refusal = decide(token.auth_context("c1") & token.scope("pay"), request(mint(acrs=[], xms_cc=["cp1"], scope="")))
    found = sent(refusal, scope_prefix="api://payments/", scope=["openid"])
    assert found["claims"] == '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    assert found["scope"] == "openid api://payments/pay"
    both = json.loads(sent(Wanted(auth_contexts=("c2",), acr_values=("a",)), essential=True)["claims"])
    assert both == {
        "access_token": {"acrs": {"essential": True, "value": "c2"}},
        "id_token": {"acr": {"essential": True, "values": ["a"]}},
    }


def test_a_query_of_the_endpoint_stays() -> None:
    """RFC 6749 section 3.1."""
    found = sent(Wanted(), endpoint=f"{ENDPOINT}?tenant=acme&p=B2C_1_x")
    assert (found["tenant"], found["p"], found["client_id"]) == ("acme", "B2C_1_x", "web")


@pytest.mark.parametrize(
    "query",
    [
        "state=fixed",
        "redirect_uri=https://evil.example",
        "response_type=token",
        "sc%6fpe=",
        "a=1&state",
        "a=1;client_id=evil",
        ";client_id=evil",
        "a;state",
        "a=1;b=2&c=3;%73cope=x",
    ],
)
def test_an_endpoint_does_not_set_what_is_asked_for(query: str) -> None:
    with pytest.raises(ConfigError, match=r"sets .* itself"):
        sent(Wanted(scope=("pay",)), endpoint=f"{ENDPOINT}?{query}")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"state": ""}, "state"),
        ({"state": "short"}, "state"),
        ({"state": None}, "state"),
        ({"state": "with a blank in it, long enough"}, "state"),
        ({"state": "0123456789abcdef\r\n"}, "state"),
        ({"state": "0123456789abcdef" * 200}, "state"),
        ({"code_challenge": ""}, "code_challenge"),
        ({"code_challenge": None}, "code_challenge"),
        ({"code_challenge": "too-short"}, "code_challenge"),
        ({"code_challenge": GOOD["code_challenge"] + "="}, "code_challenge"),
        ({"redirect_uri": "http://app.example/callback"}, "redirect_uri"),
        ({"redirect_uri": "https://app.example/callback#fragment"}, "redirect_uri"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
        ({"redirect_uri": "/callback"}, "redirect_uri"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": "a b"}, "client_id"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": "a\nb"}, "nonce"),
        ({"scope": "openid"}, "collection"),
        ({"scope": ["open id"]}, "one scope"),
        ({"scope": ['"']}, "one scope"),
        ({"scope": [3]}, "one scope"),
        ({"scope_prefix": "a b"}, "scope_prefix"),
        ({"prompt": "popup"}, "prompt"),
        ({"resource": "payments"}, "resource"),
    ],
)
def test_what_makes_no_safe_request_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as raised:
        sent(Wanted(), **options)
    for secret in ("state", "nonce", "code_challenge"):
        if (said := options.get(secret)) and len(said) > 3:
            assert said not in str(raised.value)


@pytest.mark.parametrize("endpoint", ["http://login.example/authorize", "login.example", f"{ENDPOINT}#a", "", None])
def test_what_is_no_endpoint(endpoint: Any) -> None:
    with pytest.raises(ConfigError, match="endpoint"):
        authorization_url(endpoint, Wanted(), **GOOD)


def test_nobody_is_sent_to_sign_in_where_that_does_not_help() -> None:
    denied = decide(TOKEN.role("boss"), request(mint(roles=[])))
    assert isinstance(denied, Deny)
    with pytest.raises(ConfigError, match="403"):
        authorization_url(ENDPOINT, denied, **GOOD)  # type: ignore[arg-type]
    allowed = decide(TOKEN.valid, request(mint()))
    for wrong in (allowed, None, {"scope": "pay"}):
        with pytest.raises(ConfigError, match="takes a Challenge"):
            authorization_url(ENDPOINT, wrong, **GOOD)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["a b", 'a"b', "", "ä"])
def test_contexts_that_are_no_words_are_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="acr"):
        sent(Wanted(acr_values=(value,)))


_WORDS = st.text(st.characters(codec="ascii", min_codepoint=33, exclude_characters='"\\\x7f'), min_size=1, max_size=12)


@given(
    state=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=40),
    scopes=st.lists(_WORDS, max_size=3, unique=True),
    values=st.lists(_WORDS, max_size=3, unique=True),
    client=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
)
def test_no_value_becomes_another_parameter(state: str, scopes: list[str], values: list[str], client: str) -> None:
    found = sent(Wanted(scope=tuple(scopes), acr_values=tuple(values)), state=state, client_id=client)
    assert found.pop("scope", "").split() == scopes
    assert found.pop("acr_values", "").split() == values
    assert (found["state"], found["client_id"]) == (state, client)
    assert found["redirect_uri"] == GOOD["redirect_uri"]
    assert len(found) == 6
