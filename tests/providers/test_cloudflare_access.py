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
from zerotrust.providers.cloudflare_access import cloudflare_access, translate
from zerotrust.testing.issuer import OMIT
from zerotrust.testing.providers.cloudflare_access import SERVICE, TAG, FakeCloudflareAccess
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.profile import Dialect

ACCESS = FakeCloudflareAccess(clock=clock)
OTHER_TAG = "0" * 64
USER = "7335d417-61da-459d-899c-0a01c76a2f94"


def edge(*, service_tokens: bool = False, cookie: bool = True) -> Bearer:
    issuer = cloudflare_access("acme", keys=ACCESS.jwks(), service_tokens=service_tokens, cookie=cookie)
    return Bearer(issuer, audience=TAG, name="edge")


EDGE = edge()
SERVICES = edge(service_tokens=True)


def test_a_token_is_believed() -> None:
    seen = evidence(EDGE, ACCESS.headers(ACCESS.mint()))
    assert (seen.source, seen.subject) == ("https://acme.cloudflareaccess.com", USER)
    assert seen.claims["email"] == "ada@example.com"
    assert seen.claims["service_token"] is False


def test_the_fake_has_the_documented_shape() -> None:
    token = ACCESS.mint()
    assert header_of(token) == {"alg": "RS256", "typ": "JWT", "kid": ACCESS.issuer.key().kid}
    assert claims_of(token) == {
        "aud": [TAG],
        "email": "ada@example.com",
        "exp": NOW + 86400,
        "iat": NOW,
        "nbf": NOW,
        "iss": "https://acme.cloudflareaccess.com",
        "type": "app",
        "identity_nonce": "6ei69kawdKzMIAPF",
        "sub": USER,
        "country": "DE",
    }
    assert claims_of(ACCESS.mint_service_token()) == {
        "type": "app",
        "aud": [TAG],
        "exp": NOW + 86400,
        "iss": "https://acme.cloudflareaccess.com",
        "common_name": SERVICE,
        "iat": NOW,
        "sub": "",
    }
    assert claims_of(ACCESS.mint_session())["type"] == "org"
    assert ACCESS.jwks().keys() == {"keys", "public_cert", "public_certs"}


def test_the_key_set_is_fetched_from_the_team() -> None:
    certs = "https://acme.cloudflareaccess.com/cdn-cgi/access/certs"
    web = Web({certs: ACCESS.jwks()})
    verifier = Bearer(cloudflare_access("acme"), audience=TAG)
    assert code(found(verifier, asked(ACCESS.headers(ACCESS.mint())), web.sources)) == "verified"
    assert set(web.urls) == {certs}


@pytest.mark.parametrize(
    ("forge", "expected"),
    [
        (lambda: ACCESS.mint(alg="ES256"), "algorithm"),
        (lambda: ACCESS.issuer.forge_key_confusion(ACCESS.mint()), "algorithm"),
        (lambda: ACCESS.mint(header={"typ": OMIT}), "wrong_type"),
        (lambda: ACCESS.mint(header={"typ": "at+jwt"}), "wrong_type"),
        (lambda: ACCESS.issuer.forge_foreign_key(ACCESS.mint()), "bad_signature"),
        (lambda: ACCESS.issuer.forge_claims(ACCESS.mint_session(), type="app"), "bad_signature"),
        (lambda: ACCESS.mint_session(), "wrong_type"),
        (lambda: ACCESS.mint(type=OMIT), "missing_claim"),
        (lambda: ACCESS.mint(type="APP"), "wrong_type"),
        (lambda: ACCESS.mint(type=["app"]), "wrong_type"),
        (lambda: ACCESS.mint(iss="https://mallory.cloudflareaccess.com"), "unknown_issuer"),
        (lambda: ACCESS.mint(iss="https://acme.cloudflareaccess.com/"), "unknown_issuer"),
        (lambda: ACCESS.mint(audience=TAG), "wrong_claim_type"),
        (lambda: ACCESS.mint(audience=[OTHER_TAG]), "wrong_audience"),
        (lambda: ACCESS.mint(audience=[]), "wrong_audience"),
        (lambda: ACCESS.mint(audience=[TAG, "*"]), "wrong_claim"),
        (lambda: ACCESS.mint(aud=[TAG, None]), "wrong_claim"),
        (lambda: ACCESS.mint(aud=OMIT), "missing_claim"),
        (lambda: ACCESS.mint_service_token(), "wrong_claim"),
        (lambda: ACCESS.mint(subject=""), "wrong_claim"),
        (lambda: ACCESS.mint(subject=SERVICE), "wrong_claim"),
        (lambda: ACCESS.mint(sub=OMIT), "missing_claim"),
        (lambda: ACCESS.mint(sub=None), "wrong_claim_type"),
        (lambda: ACCESS.mint(nbf=NOW + 60), "not_yet_valid"),
        (lambda: ACCESS.mint(exp=NOW - 60), "expired"),
        (lambda: ACCESS.mint(cnf={"jkt": "0" * 43}), "proof_required"),
    ],
)
def test_refusals(forge: Callable[[], str], expected: str) -> None:
    assert outcome(EDGE, ACCESS.headers(forge())) == f"rejected {expected}"


# --- Services ---------------------------------------------------------------------------------------------------------


def test_services_if_asked_for() -> None:
    seen = evidence(SERVICES, ACCESS.headers(ACCESS.mint_service_token(), cookie=False))
    assert seen.subject == SERVICE
    assert seen.claims["service_token"] is True
    assert seen.claims["sub"] == ""  # what the token says stays to be seen


def test_services_and_users_are_told_apart() -> None:
    person, service = ACCESS.headers(ACCESS.mint()), ACCESS.headers(ACCESS.mint_service_token())
    assert verdict(SERVICES.claim("service_token", False), person) is Verdict.YES
    assert verdict(SERVICES.claim("service_token", False), service) is Verdict.NO
    assert verdict(SERVICES.subject(SERVICE), service) is Verdict.YES
    assert verdict(SERVICES.subject(USER), service) is Verdict.NO


@pytest.mark.parametrize(
    ("forge", "expected"),
    [
        (lambda: ACCESS.mint_service_token(common_name=""), "wrong_claim"),
        (lambda: ACCESS.mint_service_token(common_name=".access"), "wrong_claim"),
        (lambda: ACCESS.mint_service_token(common_name=USER), "wrong_claim"),
        (lambda: ACCESS.mint_service_token(common_name=f"{SERVICE}\n"), "wrong_claim"),
        (lambda: ACCESS.mint_service_token(common_name="a b.access"), "wrong_claim"),
        (lambda: ACCESS.mint_service_token(common_name=[SERVICE]), "wrong_claim"),
        (lambda: ACCESS.mint_service_token(email="ada@example.com"), "wrong_claim"),
        (lambda: ACCESS.mint(subject=SERVICE), "wrong_claim"),
        (lambda: ACCESS.mint_service_token(type="org"), "wrong_type"),
        (lambda: ACCESS.mint_service_token(sub=OMIT), "missing_claim"),
    ],
)
def test_refused_services(forge: Callable[[], str], expected: str) -> None:
    assert outcome(SERVICES, ACCESS.headers(forge())) == f"rejected {expected}"


def test_a_client_certificate_does_not_make_a_user_a_service() -> None:
    token = ACCESS.mint(common_name="laptop.access")
    assert evidence(SERVICES, ACCESS.headers(token)).subject == USER


def test_the_secrets_of_services_are_never_read() -> None:
    headers = [(b"cf-access-client-id", SERVICE.encode()), (b"cf-access-client-secret", b"s3cret")]
    assert outcome(SERVICES, headers) == "absent not_presented"
    assert outcome(SERVICES, [(b"cf-access-authenticated-user-email", b"ada@example.com")]) == "absent not_presented"


# --- Header and cookie ------------------------------------------------------------------------------------------------


def test_header_then_cookie() -> None:
    token = ACCESS.mint()
    cookie = (b"cookie", b"CF_Authorization=" + token.encode())
    assert outcome(EDGE, [cookie]) == "verified"
    assert outcome(edge(cookie=False), [cookie]) == "absent not_presented"
    assert outcome(edge(cookie=False), ACCESS.headers(token)) == "verified"
    assert outcome(EDGE, bearer_header(token)) == "absent not_presented"


def test_a_bad_header_is_not_made_good_by_the_cookie() -> None:
    headers = [(b"cf-access-jwt-assertion", b"junk"), (b"cookie", b"CF_Authorization=" + ACCESS.mint().encode())]
    assert outcome(EDGE, headers) == "rejected malformed"


def test_the_cookie_of_a_session_is_refused_too() -> None:
    session = ACCESS.mint_session().encode()
    assert outcome(EDGE, [(b"cookie", b"CF_Authorization=" + session)]) == "rejected wrong_type"


# --- Configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "team", ["", "acme.cloudflareaccess.com", "https://acme.cloudflareaccess.com", "ACME", "-acme", "a/b", "acme\n", 1]
)
def test_names_of_teams(team: str) -> None:
    with pytest.raises(ConfigError, match=r"before \.cloudflareaccess\.com alone"):
        cloudflare_access(team)


@pytest.mark.parametrize("audience", ["acme", TAG.upper(), TAG[:-1], TAG + "0", f"{TAG}\n"])
def test_audiences_that_cannot_be(audience: str) -> None:
    with pytest.raises(ConfigError, match="AUD tag"):
        Bearer(cloudflare_access("acme"), audience=audience)


@pytest.mark.parametrize("flag", ["service_tokens", "cookie"])
def test_a_flag_is_a_flag(flag: str) -> None:
    with pytest.raises(ConfigError, match=f"{flag}="):
        cloudflare_access("acme", **{flag: "no"})  # type: ignore[arg-type]


def test_nobody_is_sent_to_sign_in() -> None:
    assert cloudflare_access("acme").profile.dialect is Dialect.NONE


def test_how_long_a_session_lasts_is_the_applications_business() -> None:
    month = ACCESS.mint(lifetime=timedelta(days=30))
    assert outcome(EDGE, ACCESS.headers(month)) == "verified"
    strict = Bearer(cloudflare_access("acme", keys=ACCESS.jwks()), audience=TAG, max_lifetime=timedelta(hours=24))
    assert outcome(strict, ACCESS.headers(month)) == "rejected too_long_lived"


# --- Totality ---------------------------------------------------------------------------------------------------------


@given(any_claims("type", "aud", "sub", "email", "common_name", good={"type": "app", "aud": [TAG], "sub": ""}))
def test_translate_takes_any_claims(claims: dict[str, object]) -> None:
    for service_tokens in (False, True):
        given_back = translate(claims, service_tokens=service_tokens)  # type: ignore[arg-type]
        assert isinstance(given_back, Reason) or given_back.keys() <= {"sub", "service_token"}
