"""RFC 7519 section 4.1, RFC 9068 sections 2.2 and 4: the claims a token must and must not make."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from types import MappingProxyType

import pytest

from tests.verifiers.tokens import (
    NOW,
    OMIT,
    URL,
    bearer,
    claims,
    evidence,
    found,
    mint,
    mint_json,
    outcome,
    request,
    static,
)
from zerotrust.core.finding import Rejected
from zerotrust.core.moments import hours, minutes, seconds
from zerotrust.verifiers.profile import Profile

TOKEN = bearer()
LATEST = 253402300799


def test_a_good_token() -> None:
    token = mint(scope="pay read", auth_time=NOW - 60, acr="gold", amr=["pwd", "otp"], roles=["staff"], groups=["a"])
    said = evidence(TOKEN, token)
    assert (said.source, said.subject, said.verified_at) == (URL, "ada", NOW)
    assert said.expires_at == NOW + 300 + 10
    assert said.scope == frozenset({"pay", "read"})
    assert (said.auth_time, said.acr, said.amr) == (float(NOW - 60), "gold", frozenset({"pwd", "otp"}))
    assert (said.roles, said.groups) == (frozenset({"staff"}), frozenset({"a"}))
    assert (said.client_id, said.jti) == ("web", "1")
    assert said.claims["aud"] == "payments"
    assert isinstance(said.claims, MappingProxyType)


def test_a_token_that_says_no_more_than_it_must() -> None:
    said = evidence(TOKEN, mint(client_id=OMIT, jti=OMIT))
    assert (said.scope, said.auth_time, said.acr, said.amr, said.roles, said.groups) == (None,) * 6
    assert (said.client_id, said.jti) == (None, None)


@pytest.mark.parametrize(
    ("scope", "held"), [("", set()), (" ", set()), ("pay", {"pay"}), ("a  b ", {"a", "b"}), ("a\u00a0b", {"a\u00a0b"})]
)
def test_scopes_are_cut_at_spaces_only(scope: str, held: set[str]) -> None:
    assert evidence(TOKEN, mint(scope=scope)).scope == frozenset(held)


def test_verify_says_what_find_says() -> None:
    for token in (mint(), mint(exp=NOW - 11), "a.b.c"):
        assert TOKEN.verify(token, NOW) == found(TOKEN, request(token))


# --- Time ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("leeway", [0, 10, 120])
@pytest.mark.parametrize(
    ("claim", "at", "too_far", "code"),
    [
        ("exp", lambda leeway: NOW - leeway + 1, lambda leeway: NOW - leeway, "expired"),
        ("nbf", lambda leeway: NOW + leeway, lambda leeway: NOW + leeway + 1, "not_yet_valid"),
        ("iat", lambda leeway: NOW + leeway, lambda leeway: NOW + leeway + 1, "issued_in_future"),
        ("auth_time", lambda leeway: NOW + leeway, lambda leeway: NOW + leeway + 1, "issued_in_future"),
    ],
)
def test_dates_to_the_second(claim: str, at: object, too_far: object, code: str, leeway: int) -> None:
    assert callable(at)
    assert callable(too_far)
    verifier = bearer(leeway=seconds(leeway))
    assert outcome(verifier, mint(**{"iat": NOW - 500, claim: at(leeway)})) == "verified"
    assert outcome(verifier, mint(**{"iat": NOW - 500, claim: too_far(leeway)})) == f"rejected {code}"


def test_the_very_moment_of_expiry() -> None:
    token, end = mint(), NOW + 300 + 10.0
    assert outcome(TOKEN, token, now=math.nextafter(end, -math.inf)) == "verified"
    assert outcome(TOKEN, token, now=end) == "rejected expired"
    assert evidence(TOKEN, token).expires_at == end


@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf, -1.0, 1e300])
def test_a_clock_that_says_nothing_lets_nobody_in(now: float) -> None:
    assert outcome(TOKEN, mint(), now=now).startswith("rejected")


def test_the_longest_lifetime() -> None:
    verifier = bearer(max_lifetime=minutes(5))
    assert outcome(verifier, mint(exp=NOW + 300)) == "verified"
    assert outcome(verifier, mint(exp=NOW + 301)) == "rejected too_long_lived"
    assert outcome(bearer(), mint(exp=LATEST)) == "verified"
    finding = found(verifier, request(mint(exp=NOW + 7200)))
    assert isinstance(finding, Rejected)
    assert str(finding.reason).endswith("(expected 5 min, presented 2 h)")


# --- Missing claims --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["iss", "aud", "exp", "sub", "iat"])
def test_claims_that_every_token_has(name: str) -> None:
    finding = found(TOKEN, request(mint(**{name: OMIT})))
    assert isinstance(finding, Rejected)
    assert finding.reason.code == "missing_claim"
    assert finding.reason.expected == name


def test_all_missing_claims_are_named_at_once() -> None:
    finding = found(TOKEN, request(mint(sub=OMIT, exp=OMIT, aud=OMIT)))
    assert isinstance(finding, Rejected)
    assert finding.reason.expected == "aud, exp, sub"


def test_claims_that_the_application_asks_for() -> None:
    verifier = bearer(require=["jti", "tenant"])
    assert outcome(verifier, mint(tenant="a")) == "verified"
    assert outcome(verifier, mint()) == "rejected missing_claim"
    assert outcome(verifier, mint(tenant=None)) == "verified"  # what it holds is for a leaf to ask


# --- Types -----------------------------------------------------------------------------------------------------------
NOT_DATES = [
    True,
    False,
    None,
    "1800000300",
    "",
    [],
    [NOW + 300],
    {},
    {"exp": 1},
    -1,
    LATEST + 1,
    2**63,
    10**19,
    -(10**18),
]
FRACTIONS = [float(NOW + 300), NOW + 300.5, 1e15, -0.0, 1.8e9]


@pytest.mark.parametrize("value", [*NOT_DATES, *FRACTIONS])
@pytest.mark.parametrize("name", ["exp", "nbf", "iat", "auth_time"])
def test_dates_are_whole_seconds(name: str, value: object) -> None:
    finding = found(TOKEN, request(mint(**{name: value})))
    assert isinstance(finding, Rejected)
    assert (finding.reason.code, finding.reason.detail) == ("wrong_claim_type", name)


@pytest.mark.parametrize("value", [True, False, None, 0, 1, 1.5, [], ["ada"], {}, {"sub": "ada"}])
@pytest.mark.parametrize("name", ["sub", "scope", "acr", "client_id", "jti"])
def test_texts_are_texts(name: str, value: object) -> None:
    finding = found(TOKEN, request(mint(**{name: value})))
    assert isinstance(finding, Rejected)
    assert (finding.reason.code, finding.reason.detail) == ("wrong_claim_type", name)


def test_a_subject_without_a_name() -> None:
    assert outcome(TOKEN, mint(sub="")) == "rejected wrong_claim_type"
    assert outcome(TOKEN, mint(sub=" ")) == "verified"  # odd, but somebody's name


@pytest.mark.parametrize("value", ["pwd", "", None, True, 1, {}, {"pwd": 1}, ["pwd", 1], ["pwd", None], [["pwd"]]])
def test_amr_is_a_list_of_texts(value: object) -> None:
    assert outcome(TOKEN, mint(amr=value)) == "rejected wrong_claim_type"


@pytest.mark.parametrize("value", [None, True, 0, 1.0, [URL], {"iss": URL}, []])
def test_iss_is_a_text(value: object) -> None:
    assert outcome(TOKEN, mint(iss=value)) == "rejected wrong_claim_type"


@pytest.mark.parametrize(
    "iss", ["", URL + "/", URL.upper(), URL + " ", "http://issuer.example", "https://issuer.example.evil", URL + "\n"]
)
def test_iss_is_compared_character_by_character(iss: str) -> None:
    assert outcome(TOKEN, mint(iss=iss)) == "rejected unknown_issuer"


# --- Audience --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("aud", ["payments", ["payments"], ["ledger", "payments"], ["payments", "payments"]])
def test_one_audience_of_several_suffices(aud: object) -> None:
    assert outcome(TOKEN, mint(aud=aud)) == "verified"
    assert outcome(bearer(audience=["x", "payments"]), mint(aud=aud)) == "verified"


@pytest.mark.parametrize(
    "aud", ["ledger", "", "Payments", "payments ", "pay", "paymentsx", [], [""], ["ledger"], ["payments,ledger"]]
)
def test_another_audience(aud: object) -> None:
    finding = found(TOKEN, request(mint(aud=aud)))
    assert isinstance(finding, Rejected)
    assert finding.reason.code == "wrong_audience"
    assert finding.reason.expected == "payments"


@pytest.mark.parametrize(
    "aud", [None, True, 1, 1.0, {}, {"payments": 1}, [1], ["payments", 1], ["payments", None], [["payments"]], [{}]]
)
def test_aud_of_another_type(aud: object) -> None:
    assert outcome(TOKEN, mint(aud=aud)) == "rejected wrong_claim_type"


# --- Bound tokens ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("cnf", [{"jkt": "x"}, {"x5t#S256": "x"}, {}, None, "", [], 0, False])
def test_a_token_bound_to_a_key_is_no_bearer_token(cnf: object) -> None:
    assert outcome(TOKEN, mint(cnf=cnf)) == "rejected proof_required"


def test_a_proof_is_not_asked_for_what_would_not_be_let_in_with_it() -> None:
    assert outcome(TOKEN, mint(cnf={"jkt": "x"}, exp=NOW - 60)) == "rejected expired"
    assert outcome(TOKEN, mint(cnf={"jkt": "x"}, aud="ledger")) == "rejected wrong_audience"


# --- Types of token --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "Application/AT+jwt"])
def test_rfc_9068_section_4_types_of_access_tokens(typ: str) -> None:
    assert outcome(TOKEN, mint(header={"typ": typ})) == "verified"


@pytest.mark.parametrize(
    "typ",
    [
        *("JWT", "application/jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "text/at+jwt", "", None),
        *("at+JWT ", "at + jwt", "at+jwt\n", "at+jwt;v=1", "application/application/at+jwt", "\uff41t+jwt"),
    ],
)
def test_other_types_of_token(typ: str | None) -> None:
    assert outcome(TOKEN, mint(header={"typ": typ})) == "rejected wrong_type"


def test_the_type_is_a_choice() -> None:
    both = bearer(static(profile=Profile(types=["JWT", "at+jwt"])))
    assert outcome(both, mint(header={"typ": "jwt"})) == "verified"
    assert outcome(bearer(static(profile=Profile(types={"JWT"}))), mint()) == "rejected wrong_type"


# --- What is left out when empty -------------------------------------------------------------------------------------
def test_numbers_of_claims_nobody_knows_stay_what_they_are() -> None:
    said = evidence(TOKEN, mint_json(json.dumps(claims(level=1, ratio=0.5, on=True, off=None)).encode()))
    assert [said.claims[name] for name in ("level", "ratio", "on", "off")] == [1, 0.5, True, None]


def test_leeway_of_a_fraction_of_a_second() -> None:
    verifier = bearer(leeway=timedelta(milliseconds=500), max_lifetime=hours(1))
    assert evidence(verifier, mint()).expires_at == NOW + 300.5
    assert outcome(verifier, mint(), now=NOW + 300.5) == "rejected expired"
