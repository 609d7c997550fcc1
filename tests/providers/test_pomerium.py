from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given

from tests.providers.asking import (
    any_claims,
    asked,
    bearer_header,
    claims_of,
    clock,
    evidence,
    header_of,
    outcome,
    verdict,
)
from tests.verifiers.tokens import NOW, Web, code, found
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.core.verdict import Verdict
from zerotrust.providers.pomerium import pomerium, translate
from zerotrust.testing.issuer import OMIT
from zerotrust.testing.providers.pomerium import FakePomerium
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.profile import Dialect

HOST = "app.example.com"
PROXY = FakePomerium(HOST, clock=clock)
EDGE = Bearer(pomerium(HOST, keys=PROXY.jwks()), audience=HOST, name="edge")
NAMED_BY_URI = FakePomerium(HOST, issuer_format="uri", clock=clock)


def test_an_assertion_is_believed() -> None:
    seen = evidence(EDGE, PROXY.headers(PROXY.mint(groups=["staff"])))
    assert (seen.source, seen.subject) == ("https://app.example.com/", "0a1b2c3d")
    assert seen.groups == frozenset({"staff"})
    assert seen.claims["iss"] == HOST


def test_the_fake_has_the_documented_shape() -> None:
    token = PROXY.mint()
    assert header_of(token) == {"alg": "ES256", "typ": "JWT", "kid": PROXY.issuer.key().kid}
    claims = claims_of(token)
    assert claims.keys() == {"iss", "aud", "jti", "iat", "exp", "sub", "user", "email", "groups", "sid", "name"}
    assert (claims["iss"], claims["aud"], claims["groups"]) == (HOST, HOST, [])
    assert claims["exp"] - claims["iat"] == 300
    assert claims_of(NAMED_BY_URI.mint())["iss"] == f"https://{HOST}/"


def test_nobody_in_no_group_is_known() -> None:
    assert verdict(~EDGE.group("contractors"), PROXY.headers(PROXY.mint())) is Verdict.YES


def test_the_key_set_is_fetched_from_the_route() -> None:
    jwks = f"https://{HOST}/.well-known/pomerium/jwks.json"
    web = Web({jwks: PROXY.jwks()})
    verifier = Bearer(pomerium(HOST), audience=HOST)
    assert code(found(verifier, asked(PROXY.headers(PROXY.mint())), web.sources)) == "verified"
    assert set(web.urls) == {jwks}


@pytest.mark.parametrize(
    ("forge", "expected"),
    [
        (lambda: PROXY.mint(alg="RS256"), "algorithm"),
        (lambda: PROXY.issuer.forge_unsigned(PROXY.mint()), "algorithm"),
        (lambda: PROXY.mint(header={"typ": OMIT}), "wrong_type"),
        (lambda: PROXY.mint(header={"typ": "at+jwt"}), "wrong_type"),
        (lambda: PROXY.issuer.forge_foreign_key(PROXY.mint()), "bad_signature"),
        (lambda: PROXY.issuer.forge_unknown_key(PROXY.mint()), "unknown_key"),
        (lambda: PROXY.mint(iss=f"https://{HOST}/"), "unknown_issuer"),
        (lambda: PROXY.mint(iss=f"https://{HOST}"), "unknown_issuer"),
        (lambda: PROXY.mint(iss=HOST.upper()), "unknown_issuer"),
        (lambda: PROXY.mint(iss="other.example.com"), "unknown_issuer"),
        (lambda: PROXY.mint(iss=[HOST]), "wrong_claim_type"),
        (lambda: PROXY.mint(audience="other.example.com"), "wrong_audience"),
        (lambda: PROXY.mint(audience=[HOST]), "wrong_claim_type"),
        (lambda: PROXY.mint(audience=[HOST, "other.example.com"]), "wrong_claim_type"),
        (lambda: PROXY.mint(aud=OMIT), "missing_claim"),
        (lambda: PROXY.mint(lifetime=timedelta(seconds=301)), "too_long_lived"),
        (lambda: PROXY.mint(iat=NOW - 400, exp=NOW - 100), "expired"),
        (lambda: PROXY.mint(subject=""), "wrong_claim_type"),
        (lambda: PROXY.mint(cnf={}), "proof_required"),
    ],
)
def test_refusals(forge: Callable[[], str], expected: str) -> None:
    assert outcome(EDGE, PROXY.headers(forge())) == f"rejected {expected}"


def test_named_by_uri() -> None:
    by_uri = Bearer(pomerium(HOST, issuer_format="uri", keys=NAMED_BY_URI.jwks()), audience=HOST)
    assert outcome(by_uri, NAMED_BY_URI.headers(NAMED_BY_URI.mint())) == "verified"
    for iss in (HOST, f"https://{HOST}"):
        assert outcome(by_uri, NAMED_BY_URI.headers(NAMED_BY_URI.mint(iss=iss))) == "rejected unknown_issuer"


def test_headers_without_a_signature_are_never_read() -> None:
    assert outcome(EDGE, PROXY.unsigned_headers(email="root@example.com")) == "absent not_presented"
    token = (b"x-pomerium-jwt-assertion", PROXY.mint().encode())
    seen = evidence(EDGE, [*PROXY.unsigned_headers(email="root@example.com"), token])
    assert seen.claims["email"] == "ada@example.com"
    assert seen.groups == frozenset()


def test_only_in_its_header() -> None:
    token = PROXY.mint()
    assert outcome(EDGE, bearer_header(token)) == "absent not_presented"
    assert outcome(EDGE, [(b"cookie", b"_pomerium=" + token.encode())]) == "absent not_presented"
    assert outcome(EDGE, PROXY.headers(token) * 2) == "rejected duplicate_header"
    twin = (b"x_pomerium_jwt_assertion", token.encode())
    assert outcome(EDGE, [*PROXY.headers(token), twin]) == "rejected duplicate_header"


# --- Configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "",
        "https://app.example.com",
        "app.example.com/",
        "app.example.com:443",
        "App.example.com",
        "-a.example",
        "a..b",
        "app.example.com\n",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        1,
    ],
)
def test_hosts(host: str) -> None:
    with pytest.raises(ConfigError, match="host of the route alone"):
        pomerium(host)


def test_formats_of_the_issuer() -> None:
    with pytest.raises(ConfigError, match="issuer_format='hostOnly'"):
        pomerium(HOST, issuer_format="hostOnly")  # type: ignore[arg-type]


def test_the_audience_is_the_host() -> None:
    with pytest.raises(ConfigError, match=r"write audience='app\.example\.com'"):
        Bearer(pomerium(HOST), audience="https://app.example.com")


def test_nobody_is_sent_to_sign_in() -> None:
    assert pomerium(HOST).profile.dialect is Dialect.NONE


# --- Totality ---------------------------------------------------------------------------------------------------------


@given(any_claims("aud", "sub", "groups", good={"aud": HOST}))
def test_translate_takes_any_claims(claims: dict[str, object]) -> None:
    given_back = translate(claims)  # type: ignore[arg-type]
    assert isinstance(given_back, Reason) or given_back == {}
