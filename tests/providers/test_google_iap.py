from __future__ import annotations

import json
import re
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
    json_values,
    outcome,
    reason,
    verdict,
)
from tests.verifiers.tokens import NOW, Web, code, found
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.core.verdict import Verdict
from zerotrust.providers.google_iap import access_level, google_iap, translate
from zerotrust.testing.issuer import OMIT
from zerotrust.testing.providers.google_iap import AUDIENCE, USER, FakeGoogleIap
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Dialect

IAP = FakeGoogleIap(clock=clock)
MANAGED = "accessPolicies/1/accessLevels/managed"
OTHER = "accessPolicies/1/accessLevels/office"


def edge(**options: object) -> Bearer:
    return Bearer(google_iap(keys=IAP.jwks(), **options), audience=AUDIENCE, name="edge")  # type: ignore[arg-type]


EDGE = edge()


def test_an_assertion_is_believed() -> None:
    seen = evidence(EDGE, IAP.headers(IAP.mint()))
    assert (seen.source, seen.subject) == ("https://cloud.google.com/iap", USER)
    assert seen.claims["email"] == "ada@example.com"
    assert seen.claims["hd"] == "example.com"


def test_the_fake_has_the_documented_shape() -> None:
    token = IAP.mint(access_levels=[MANAGED])
    assert header_of(token) == {"alg": "ES256", "typ": "JWT", "kid": IAP.issuer.key().kid}
    assert claims_of(token) == {
        "iss": "https://cloud.google.com/iap",
        "sub": USER,
        "aud": AUDIENCE,
        "email": "ada@example.com",
        "hd": "example.com",
        "google": {"access_levels": [MANAGED]},
        "iat": NOW,
        "exp": NOW + 600,
    }
    assert "google" not in claims_of(IAP.mint())


def test_the_key_set_is_fetched_from_google_and_no_metadata_is_asked() -> None:
    web = Web({"https://www.gstatic.com/iap/verify/public_key-jwk": IAP.jwks()})
    verifier = Bearer(google_iap(), audience=AUDIENCE)
    assert code(found(verifier, asked(IAP.headers(IAP.mint())), web.sources)) == "verified"
    assert set(web.urls) == {"https://www.gstatic.com/iap/verify/public_key-jwk"}


@pytest.mark.parametrize(
    ("forge", "expected"),
    [
        (lambda: IAP.mint(alg="RS256"), "algorithm"),
        (lambda: IAP.issuer.forge_key_confusion(IAP.mint()), "algorithm"),
        (lambda: IAP.issuer.forge_unsigned(IAP.mint()), "algorithm"),
        (lambda: IAP.mint(header={"typ": "at+jwt"}), "wrong_type"),
        (lambda: IAP.issuer.forge_foreign_key(IAP.mint()), "bad_signature"),
        (lambda: IAP.issuer.forge_unknown_key(IAP.mint()), "unknown_key"),
        (lambda: IAP.mint(iss="https://accounts.google.com"), "unknown_issuer"),
        (lambda: IAP.mint(audience="/projects/123456789012/global/backendServices/4322"), "wrong_audience"),
        (lambda: IAP.mint(audience=[AUDIENCE]), "wrong_claim_type"),
        (lambda: IAP.mint(audience=[AUDIENCE, "/projects/6/apps/other"]), "wrong_claim_type"),
        (lambda: IAP.mint(aud=OMIT), "missing_claim"),
        (lambda: IAP.mint(lifetime=timedelta(seconds=661)), "too_long_lived"),
        (lambda: IAP.mint(iat=NOW - 700, exp=NOW - 100), "expired"),
        (lambda: IAP.mint(iat=NOW + 60, exp=NOW + 660), "issued_in_future"),
        (lambda: IAP.mint(iat=OMIT), "missing_claim"),
        (lambda: IAP.mint(subject=""), "wrong_claim_type"),
        (lambda: IAP.mint_external(), "wrong_claim"),
        (lambda: IAP.mint(gcip=None), "wrong_claim"),
        (lambda: IAP.mint(subject="securetoken.google.com/p/t:1"), "wrong_claim"),
        (lambda: IAP.mint(subject="accounts.google.com.example.net:1"), "wrong_claim"),
        (lambda: IAP.mint(google=[MANAGED]), "wrong_claim_type"),
        (lambda: IAP.mint(google={"access_levels": MANAGED}), "wrong_claim_type"),
        (lambda: IAP.mint(google={"access_levels": [MANAGED, 1]}), "wrong_claim_type"),
        (lambda: IAP.mint(cnf={"jkt": "0" * 43}), "proof_required"),
    ],
)
def test_refusals(forge: Callable[[], str], expected: str) -> None:
    assert outcome(EDGE, IAP.headers(forge())) == f"rejected {expected}"


def test_ten_minutes_and_twice_the_skew() -> None:
    assert outcome(EDGE, IAP.headers(IAP.mint(lifetime=timedelta(seconds=660)))) == "verified"


def test_a_bare_number_is_a_user_of_google() -> None:
    assert evidence(EDGE, IAP.headers(IAP.mint(subject="114205"))).subject == "114205"


def test_external_identities_if_asked_for() -> None:
    assert evidence(edge(external=True), IAP.headers(IAP.mint_external())).subject.startswith("securetoken.google.com/")


@pytest.mark.parametrize("email", ["ada@example.com", "root@example.com"])
def test_headers_without_a_signature_are_never_read(email: str) -> None:
    alone = IAP.unsigned_headers(email=email)
    assert outcome(EDGE, alone) == "absent not_presented"
    beside = [*alone, (b"x-goog-iap-jwt-assertion", IAP.mint().encode())]
    assert evidence(EDGE, beside).claims["email"] == "ada@example.com"


def test_only_in_its_header() -> None:
    token = IAP.mint()
    assert outcome(EDGE, bearer_header(token)) == "absent not_presented"
    assert outcome(EDGE, [(b"cookie", b"x-goog-iap-jwt-assertion=" + token.encode())]) == "absent not_presented"
    assert outcome(EDGE, [*IAP.headers(token), *IAP.headers(token)]) == "rejected duplicate_header"
    twin = (b"x_goog_iap_jwt_assertion", b"anything")
    assert outcome(EDGE, [*IAP.headers(token), twin]) == "rejected duplicate_header"
    assert outcome(EDGE, [twin]) == "rejected duplicate_header"


# --- Access levels ----------------------------------------------------------------------------------------------------


def test_access_levels_are_leaves() -> None:
    managed = IAP.headers(IAP.mint(access_levels=[OTHER, MANAGED]))
    assert verdict(access_level(EDGE, MANAGED), managed) is Verdict.YES
    assert verdict(EDGE.claim("access_levels", MANAGED), managed) is Verdict.YES
    assert verdict(access_level(EDGE, MANAGED), IAP.headers(IAP.mint(access_levels=[OTHER]))) is Verdict.NO
    assert verdict(access_level(EDGE, MANAGED), IAP.headers(IAP.mint(access_levels=[]))) is Verdict.NO


def test_no_access_levels_is_unknown() -> None:
    for token in (IAP.mint(), IAP.mint(google={})):
        assert verdict(access_level(EDGE, MANAGED), IAP.headers(token)) is Verdict.UNKNOWN
        assert verdict(~access_level(EDGE, MANAGED), IAP.headers(token)) is Verdict.UNKNOWN


def test_a_claim_in_its_place_does_not_count() -> None:
    claims = {**claims_of(IAP.mint()), "access_levels": [MANAGED]}
    token = IAP.issuer.sign(json.dumps(claims).encode(), header={"typ": "JWT"})
    assert verdict(access_level(EDGE, MANAGED), IAP.headers(token)) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "name", ["managed", "accessPolicies/x/accessLevels/managed", f"{MANAGED}\n", "", "accessLevels/managed", 7]
)
def test_names_of_access_levels(name: str) -> None:
    with pytest.raises(ConfigError, match="write its full name"):
        access_level(EDGE, name)


def test_access_levels_of_another_issuer() -> None:
    other = Bearer(Issuer("https://issuer.example"), audience="api")
    with pytest.raises(ConfigError, match="does not check assertions"):
        access_level(other, MANAGED)


# --- Configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "audience",
    [
        "/projects/123/apps/my-project",
        "/projects/123/apps/example.com:my-project",
        "/projects/123/global/backendServices/4",
        "/projects/123/us-central1/backendServices/4",
        "/projects/123/locations/europe-west1/services/shop",
    ],
)
def test_audiences(audience: str) -> None:
    verifier = Bearer(google_iap(keys=IAP.jwks()), audience=audience)
    assert outcome(verifier, IAP.headers(IAP.mint(audience=audience))) == "verified"


@pytest.mark.parametrize(
    "audience",
    [
        "shop",
        "123.apps.googleusercontent.com",
        "/projects/my-project/apps/my-project",
        "/projects/123/apps/",
        "/projects/123/global/backendServices/shop",
        "/projects/123/global/backendServices/4/",
        "projects/123/apps/my-project",
        "/projects/123/apps/my-project\n",
    ],
)
def test_audiences_that_cannot_be(audience: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be one of Google IAP: write /projects/<number>/apps"):
        Bearer(google_iap(), audience=audience)


def test_another_shape_of_audience() -> None:
    issuer = google_iap(keys=IAP.jwks(), audiences=re.compile(r"/folders/[0-9]+"))
    assert outcome(Bearer(issuer, audience="/folders/1"), IAP.headers(IAP.mint(audience="/folders/1"))) == "verified"
    with pytest.raises(ConfigError, match="audiences="):
        google_iap(audiences="/folders/.*")  # type: ignore[arg-type]


@pytest.mark.parametrize("external", ["no", 1, None])
def test_a_flag_is_a_flag(external: object) -> None:
    with pytest.raises(ConfigError, match="external="):
        google_iap(external=external)  # type: ignore[arg-type]


def test_nobody_is_sent_to_sign_in() -> None:
    assert google_iap().profile.dialect is Dialect.NONE


# --- Totality ---------------------------------------------------------------------------------------------------------


@given(
    any_claims("aud", "sub", "gcip", "google", "access_levels", good={"aud": AUDIENCE, "sub": USER, "google": {}})
    | json_values.map(lambda value: {"google": {"access_levels": value}})
)
def test_translate_takes_any_claims(claims: dict[str, object]) -> None:
    for external in (False, True):
        given_back = translate(claims, external=external)  # type: ignore[arg-type]
        assert isinstance(given_back, Reason) or given_back.keys() <= {"access_levels"}


def test_a_refusal_says_what_is_wrong() -> None:
    assert "an external identity" in reason(EDGE, IAP.headers(IAP.mint_external()))
