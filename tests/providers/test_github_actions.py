from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from tests.providers.asking import any_claims, asked, bearer_header, claims_of, clock, header_of, outcome, verdict
from tests.providers.asking import evidence as evidence_of
from tests.verifiers.tokens import NOW, Web, code, found
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.core.verdict import Verdict
from zerotrust.providers.github_actions import EVENTS, github_actions, translate
from zerotrust.testing.issuer import OMIT
from zerotrust.testing.providers.github_actions import OWNER_ID, REPOSITORY, REPOSITORY_ID, FakeGitHubActions
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.profile import Dialect

GITHUB = FakeGitHubActions(clock=clock)
URL = "https://token.actions.githubusercontent.com"
ME = "https://deploy.example.com"


def ci(**options: Any) -> Bearer:
    options = options or {"owner_id": OWNER_ID}
    return Bearer(github_actions(keys=GITHUB.jwks(), **options), audience=ME, name="job")


CI = ci()


def come(verifier: Bearer, token: str) -> str:
    return outcome(verifier, bearer_header(token))


def test_a_token_is_believed() -> None:
    seen = evidence_of(CI, bearer_header(GITHUB.mint()))
    assert seen.source == URL
    assert seen.subject == f"repo:octo-org@{OWNER_ID}/octo-repo@{REPOSITORY_ID}:ref:refs/heads/main"
    assert verdict(CI.claim("ref", "refs/heads/main"), bearer_header(GITHUB.mint())) is Verdict.YES
    workflow = f"{REPOSITORY}/.github/workflows/deploy.yml@refs/heads/main"
    assert verdict(CI.claim("job_workflow_ref", workflow), bearer_header(GITHUB.mint())) is Verdict.YES


def test_environments() -> None:
    production = CI.claim("environment", "production")
    assert verdict(production, bearer_header(GITHUB.mint(environment="production"))) is Verdict.YES
    assert verdict(production, bearer_header(GITHUB.mint(environment="staging"))) is Verdict.NO
    assert verdict(production, bearer_header(GITHUB.mint())) is Verdict.UNKNOWN


def test_the_fake_has_the_documented_shape() -> None:
    token = GITHUB.mint()
    assert header_of(token).keys() == {"alg", "kid", "typ", "x5t"}
    assert (header_of(token)["alg"], header_of(token)["typ"]) == ("RS256", "JWT")
    standard = {"iss", "sub", "aud", "jti", "iat", "exp", "nbf"}
    own = (
        "actor actor_id base_ref event_name head_ref job_workflow_ref job_workflow_sha ref ref_protected ref_type "
        "repository repository_id repository_owner repository_owner_id repository_visibility run_attempt run_id "
        "run_number runner_environment sha workflow workflow_ref workflow_sha"
    )
    claims = claims_of(token)
    assert claims.keys() == standard | set(own.split())
    assert all(isinstance(claims[name], str) for name in own.split())
    assert (claims["exp"] - claims["iat"], claims["iat"] - claims["nbf"]) == (300, 300)
    assert claims_of(GITHUB.mint(immutable=False))["sub"] == "repo:octo-org/octo-repo:ref:refs/heads/main"
    assert claims_of(GITHUB.mint(event_name="pull_request", immutable=False))["sub"].endswith("octo-repo:pull_request")
    assert claims_of(GITHUB.mint(environment="production"))["sub"].endswith(":environment:production")


@pytest.mark.parametrize(
    ("forge", "expected"),
    [
        (lambda: GITHUB.mint(alg="ES256"), "algorithm"),
        (lambda: GITHUB.issuer.forge_unsigned(GITHUB.mint()), "algorithm"),
        (lambda: GITHUB.mint(header={"typ": OMIT}), "wrong_type"),
        (lambda: GITHUB.mint(header={"typ": "at+jwt"}), "wrong_type"),
        (lambda: GITHUB.issuer.forge_foreign_key(GITHUB.mint()), "bad_signature"),
        (lambda: GITHUB.mint(iss=f"{URL}/octocorp"), "unknown_issuer"),
        (lambda: GITHUB.mint(audience="https://github.com/octo-org"), "wrong_audience"),
        (lambda: GITHUB.mint_stranger(), "wrong_claim"),
        (lambda: GITHUB.mint_squatter(), "wrong_claim"),
        (lambda: GITHUB.mint(repository_owner="mallory"), "wrong_claim"),
        (lambda: GITHUB.mint(repository="octo-organization/octo-repo", repository_owner="octo-org"), "wrong_claim"),
        (lambda: GITHUB.mint(repository_owner_id=OMIT), "missing_claim"),
        (lambda: GITHUB.mint(repository_owner_id=int(OWNER_ID)), "wrong_claim_type"),
        (lambda: GITHUB.mint(repository_owner_id=[OWNER_ID]), "wrong_claim_type"),
        (lambda: GITHUB.mint(repository_owner=""), "wrong_claim_type"),
        (lambda: GITHUB.mint(event_name=OMIT), "missing_claim"),  # type: ignore[arg-type]
        (lambda: GITHUB.mint(event_name="pull_request"), "wrong_claim"),
        (lambda: GITHUB.mint(event_name="pull_request_target"), "wrong_claim"),
        (lambda: GITHUB.mint(event_name="issue_comment"), "wrong_claim"),
        (lambda: GITHUB.mint(event_name="workflow_run"), "wrong_claim"),
        (lambda: GITHUB.mint(event_name="fork"), "wrong_claim"),
        (lambda: GITHUB.mint(event_name="PUSH"), "wrong_claim"),
        (lambda: GITHUB.mint(sub="repo:octo-org/other:ref:refs/heads/main"), "wrong_claim"),
        (lambda: GITHUB.mint(sub=f"repo:octo-org@{OWNER_ID}/octo-repo@1:ref:refs/heads/main"), "wrong_claim"),
        (lambda: GITHUB.mint(sub="repo:"), "wrong_claim"),
        (lambda: GITHUB.mint(sub=""), "wrong_claim_type"),
        (lambda: GITHUB.mint(jti=OMIT), "missing_claim"),
        (lambda: GITHUB.mint(lifetime=timedelta(minutes=16)), "too_long_lived"),
        (lambda: GITHUB.mint(exp=NOW - 11, iat=NOW - 311), "expired"),
        (lambda: GITHUB.mint(cnf={"jkt": "0" * 43}), "proof_required"),
    ],
)
def test_refusals(forge: Callable[[], str], expected: str) -> None:
    assert come(CI, forge()) == f"rejected {expected}"


# --- Whose job --------------------------------------------------------------------------------------------------------


def test_nobody_named_is_everybody() -> None:
    with pytest.raises(ConfigError, match="would believe every repository on GitHub"):
        github_actions()
    with pytest.raises(ConfigError, match="would believe every repository on GitHub"):
        github_actions(enterprise="octocorp", url="https://token.actions.octocorp.ghe.com")


@pytest.mark.parametrize(
    "who",
    [
        {"owner_id": 123456},
        {"owner_id": "123456"},
        {"owner_id": [1, 123456]},
        {"repository_id": 456789},
        {"repository_id": {"456789", "7"}},
        {"owner": "octo-org"},
        {"repository": REPOSITORY},
        {"repository": ["octo-org/other", REPOSITORY]},
        {"owner_id": OWNER_ID, "repository_id": REPOSITORY_ID, "owner": "octo-org", "repository": REPOSITORY},
    ],
)
def test_by_any_of_four(who: dict[str, Any]) -> None:
    assert come(ci(**who), GITHUB.mint()) == "verified"
    assert come(ci(**who), GITHUB.mint(immutable=False)) == "verified"
    assert come(ci(**who), GITHUB.mint_stranger()) == "rejected wrong_claim"


@pytest.mark.parametrize(
    "who",
    [
        {"owner_id": 1234567},
        {"owner_id": OWNER_ID, "repository": "octo-org/other"},
        {"owner": "octo-org", "repository_id": 1},
        {"owner": "Octo-Org"},
        {"repository": "octo-org/Octo-Repo"},
    ],
)
def test_each_that_is_given_counts(who: dict[str, Any]) -> None:
    assert come(ci(**who), GITHUB.mint()) == "rejected wrong_claim"


def test_names_may_be_taken_over_and_ids_not() -> None:
    assert come(ci(owner="octo-org", repository=REPOSITORY), GITHUB.mint_squatter()) == "verified"
    assert come(ci(owner="octo-org", owner_id=OWNER_ID), GITHUB.mint_squatter()) == "rejected wrong_claim"


def test_a_customised_subject_is_a_text() -> None:
    for sub in ("repository_owner:octo-org", "job_workflow_ref:x:environment:production", "repository_id:456789"):
        assert evidence_of(CI, bearer_header(GITHUB.mint(sub=sub))).subject == sub


def test_events_if_asked_for() -> None:
    reviewing = ci(owner_id=OWNER_ID, events=EVENTS | {"pull_request"})
    assert come(reviewing, GITHUB.mint(event_name="pull_request")) == "verified"
    assert come(reviewing, GITHUB.mint(event_name="pull_request_target")) == "rejected wrong_claim"
    assert come(ci(owner_id=OWNER_ID, events={"schedule"}), GITHUB.mint()) == "rejected wrong_claim"
    for event in EVENTS:
        assert come(CI, GITHUB.mint(event_name=event)) == "verified"


# --- Other issuers of GitHub's ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "iss"),
    [
        ({"enterprise": "octocorp"}, f"{URL}/octocorp"),
        ({"url": "https://token.actions.octocorp.ghe.com"}, "https://token.actions.octocorp.ghe.com"),
        (
            {"url": "https://token.actions.octocorp.ghe.com/", "enterprise": "octocorp"},
            "https://token.actions.octocorp.ghe.com/octocorp",
        ),
        ({"url": "https://github.example/_services/token"}, "https://github.example/_services/token"),
    ],
)
def test_other_issuers(options: dict[str, Any], iss: str) -> None:
    verifier = ci(owner_id=OWNER_ID, **options)
    assert come(verifier, GITHUB.mint(iss=iss)) == "verified"
    assert come(verifier, GITHUB.mint()) == "rejected unknown_issuer"


def test_the_key_set_is_found_by_metadata() -> None:
    pages = {
        f"{URL}/.well-known/openid-configuration": {"issuer": URL, "jwks_uri": f"{URL}/.well-known/jwks"},
        f"{URL}/.well-known/jwks": GITHUB.jwks(),
    }
    verifier = Bearer(github_actions(owner_id=OWNER_ID), audience=ME)
    assert code(found(verifier, asked(bearer_header(GITHUB.mint())), Web(pages).sources)) == "verified"


# --- Configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"owner_id": 0}, "owner_id=0"),
        ({"owner_id": -1}, "owner_id=-1"),
        ({"owner_id": "octo-org"}, "owner_id='octo-org'"),
        ({"owner_id": "٣"}, "write the number"),
        ({"owner_id": "1\n"}, "write the number"),
        ({"owner_id": []}, "write the number"),
        ({"owner_id": True}, "write the number"),
        ({"owner_id": [1, None]}, "write the number"),
        ({"owner_id": 1.0}, "write the number"),
        ({"repository_id": "octo-org/octo-repo"}, "write the number"),
        ({"owner": ""}, "one or more names"),
        ({"owner": "octo-org/octo-repo"}, "as GitHub shows it"),
        ({"owner": "octo-org\n"}, "as GitHub shows it"),
        ({"repository": "octo-repo"}, "as GitHub shows it"),
        ({"repository": "octo-org/*"}, "as GitHub shows it"),
        ({"owner_id": 1, "events": []}, "events takes one or more"),
        ({"owner_id": 1, "enterprise": "a/b"}, "enterprise='a/b'"),
        ({"owner_id": 1, "max_lifetime": timedelta(0)}, "max_lifetime"),
    ],
)
def test_mistakes(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        github_actions(**options)


def test_nobody_is_sent_to_sign_in() -> None:
    assert github_actions(owner_id=1).profile.dialect is Dialect.NONE


# --- Totality ---------------------------------------------------------------------------------------------------------

_told = ("repository", "repository_id", "repository_owner", "repository_owner_id", "event_name", "sub")


@given(any_claims(*_told, good=claims_of(GITHUB.mint())))
def test_translate_takes_any_claims(claims: dict[str, Any]) -> None:
    wanted = {"repository_owner_id": frozenset({OWNER_ID})}
    given_back = translate(claims, wanted=wanted)
    if not isinstance(given_back, Reason):
        assert claims["repository_owner_id"] == OWNER_ID
        assert given_back == {}
