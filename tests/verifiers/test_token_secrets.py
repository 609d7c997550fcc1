"""Tokens and claims stay where they are: no repr, reason, exception, explanation or step shows them."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest

from tests.verifiers.tokens import ISSUER, NOW, URL, Web, bearer, found, jwks, mint, published, request
from tests.wire.signing import signer
from zerotrust.core.errors import ConfigError, Denied
from zerotrust.core.finding import Verified
from zerotrust.core.moments import minutes
from zerotrust.core.policy import Policy
from zerotrust.driver import Sources
from zerotrust.engine import decide
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer

SECRET = "canary-4c1d"
PRIVATE: dict[str, Any] = {"email": SECRET, "address": {"street": SECRET}, "phones": [SECRET], SECRET: 1, "jti": SECRET}

TOKEN = bearer()
SHARED = signer("HS256")
DISCOVERING = bearer(Issuer(URL))

BAD: list[dict[str, Any]] = [
    {},
    {"exp": NOW - 60},
    {"exp": SECRET},
    {"nbf": NOW + 60},
    {"iat": [SECRET]},
    {"auth_time": {"at": SECRET}},
    {"iat": NOW + 60},
    {"aud": "ledger"},
    {"aud": {SECRET: 1}},
    {"sub": [SECRET]},
    {"sub": ""},
    {"scope": [SECRET]},
    {"acr": {SECRET: 1}},
    {"amr": SECRET},
    {"cnf": {"jkt": SECRET}},
    {"iss": "https://evil.example"},
    {"iss": [SECRET]},
    {"header": {"typ": "JWT"}},
    {"header": {"alg": "none"}},
    {"header": {"kid": "other"}},
    {"header": {"jwk": {"k": SECRET}, "alg": "HS256"}},
    {"header": {"crit": ["x"], "x": SECRET}},
]


def everything_said(verifier: Bearer, policy: Policy, token: str, sources: Sources) -> str:
    asked = request(token)
    finding = found(verifier, asked, sources)
    decision = decide(policy, asked, sources)
    said = [repr(finding), repr(asked), repr(verifier), repr(verifier.issuers), repr(sources)]
    said += [str(decision), repr(decision), json.dumps(decision.explanation.to_dict()), repr(decision.explanation)]
    said += [repr(decision.findings), repr(decision.values)]
    if not decision:
        said += [repr(decision.reason), str(decision.reason), repr(decision.remedies), str(Denied(decision))]
    if isinstance(finding, Verified):
        said.append(str(finding.evidence))
    return "\n".join(said)


@pytest.mark.parametrize("bad", BAD, ids=str)
@pytest.mark.parametrize("verifier", [TOKEN, DISCOVERING], ids=["static", "discovering"])
@pytest.mark.parametrize("web", [published(), Web()], ids=["up", "down"])
def test_nothing_of_a_token_shows(verifier: Bearer, bad: dict[str, Any], web: Web) -> None:
    token = mint(ISSUER, **{**PRIVATE, **bad})
    policy = (
        verifier.scope("pay") & verifier.fresh(minutes(5)) & ~verifier.role("x") & verifier.claim("dept", "finance")
    )
    said = everything_said(verifier, policy, token, web.sources)
    assert SECRET not in said
    for part in (token, *token.split(".")):
        assert part[:40] not in said
        assert part[-20:] not in said


def test_a_leaf_shows_the_one_claim_it_asks_about() -> None:
    token = mint(**{**PRIVATE, "dept": "finance"})
    said = everything_said(TOKEN, TOKEN.claim("dept", "legal"), token, Sources())
    assert "dept: finance" in said
    assert SECRET not in said


def test_a_predicate_that_fails_shows_its_error_by_name_only() -> None:
    def leaking(said: object) -> bool:
        raise ValueError(f"{SECRET} {said}")

    decision = decide(TOKEN.that(leaking, "careless"), request(mint(**PRIVATE)))
    assert SECRET not in str(decision)
    assert "ValueError" in str(decision)


def test_asking_the_wrong_way_does_not_show_the_token() -> None:
    token = mint(**PRIVATE)
    with pytest.raises(ConfigError) as caught:
        DISCOVERING.verify(token, NOW)
    assert token not in "".join(traceback.format_exception(caught.value))


def test_a_shared_secret_does_not_show() -> None:
    secret = str(SHARED.jwk["k"])
    verifier = bearer(Issuer(URL, keys=jwks(SHARED), algorithms={"HS256"}))
    for token in (mint(SHARED), mint(SHARED, exp=NOW - 60), mint(signer("HS256", kid="other")), mint()):
        said = everything_said(verifier, verifier.valid, token, Sources())
        assert secret not in said
    short = {"keys": [{**SHARED.jwk, "k": "c2hvcnQ"}]}
    for keys in (short, {"keys": [SHARED.jwk, SHARED.jwk]}, {"keys": [SHARED.jwk, {1, 2}]}):
        with pytest.raises(ConfigError) as caught:
            Issuer(URL, keys=keys, algorithms={"HS256"})
        shown = "".join(traceback.format_exception(caught.value))
        assert "c2hvcnQ" not in shown
        assert secret not in shown


def test_a_token_half_read_does_not_show() -> None:
    # What a debugger or an error reporter prints of the objects between find() and its finding.
    token = mint(**PRIVATE)
    steps = DISCOVERING.verifying(token, NOW)
    next(steps)
    assert steps.gi_frame is not None  # type: ignore[attr-defined]
    held = {name: repr(value) for name, value in steps.gi_frame.f_locals.items() if name != "token"}  # type: ignore[attr-defined]
    assert held
    assert SECRET not in str(held)
    assert token.split(".")[1] not in str(held)
    steps.close()
