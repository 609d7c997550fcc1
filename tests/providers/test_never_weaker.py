"""A profile adds to the generic checks and takes none away: whatever those refuse, no profile accepts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.providers.asking import claims_of, header_of, json_values
from tests.providers.profiles import CASES, Case
from tests.search import usually
from tests.verifiers.tokens import NOW, OMIT, code
from zerotrust.core.finding import Rejected, Verified
from zerotrust.core.reason import Reason
from zerotrust.testing.issuer import OMIT as LEFT_OUT
from zerotrust.testing.keys import SigningKey
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Profile
from zerotrust.wire.jwk import VerificationKey

by_name = pytest.mark.parametrize("case", CASES, ids=str)

DAY = 86400


@cache
def verifier(case: Case) -> Bearer:
    return Bearer(case.issuer, audience=case.audience, remember=0)


@cache
def generic(case: Case) -> Bearer:
    """The generic checks alone, for tokens of the same issuer, type and algorithms."""
    issuer, profile = case.issuer, case.issuer.profile
    plain = Profile(types=profile.types, typ_optional=profile.typ_optional, iss=profile.iss)
    alone = Issuer(issuer.url, keys=issuer.static, algorithms=issuer.algorithms, profile=plain)
    return Bearer(alone, audience=case.audience, remember=0)


def sign(case: Case, claims: Mapping[str, object], header: Mapping[str, object] | None = None) -> str:
    """`claims` by the case's own key under the header of its good token, changed."""
    good: dict[str, Any] = {**header_of(case.token), **(header or {})}
    alg = header_of(case.token)["alg"]
    # The issuer would add a `typ` of its own where the good token has none.
    typ = good.pop("typ", LEFT_OUT)
    return case.by.sign(json.dumps(claims).encode(), alg=alg, header={"typ": typ, **good})


def changed(case: Case, **changes: object) -> dict[str, Any]:
    return {name: value for name, value in {**claims_of(case.token), **changes}.items() if value is not OMIT}


@by_name
def test_the_good_token_is_good_to_both(case: Case) -> None:
    assert code(verifier(case).verify(case.token, NOW)) == "verified"
    assert code(generic(case).verify(case.token, NOW)) == "verified"


CHANGES: dict[str, dict[str, object]] = {
    "expired": {"iat": NOW - 200, "exp": NOW - 100},
    "expired long ago": {"iat": NOW - 9 * DAY, "exp": NOW - 8 * DAY},
    "expires before it is issued": {"exp": NOW - 60},
    "issued in the future": {"iat": NOW + 60, "exp": NOW + 120},
    "not valid yet": {"nbf": NOW + 60},
    "signed in in the future": {"auth_time": NOW + 60},
    "another audience": {"aud": "another"},
    "several others": {"aud": ["another", "payments2"]},
    "no audience in the list": {"aud": []},
    "an audience that is a number": {"aud": 7},
    "an audience that is an object": {"aud": {"payments": True}},
    "a list with a number": {"aud": [7]},
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": OMIT},
    "an issuer that is a list": {"iss": ["https://evil.example"]},
    "no audience": {"aud": OMIT},
    "no end": {"exp": OMIT},
    "no beginning": {"iat": OMIT},
    "no subject": {"sub": OMIT},
    "an empty subject": {"sub": ""},
    "a subject that is null": {"sub": None},
    "a subject that is a number": {"sub": 7},
    "a subject that is a list": {"sub": ["ada"]},
    "a scope that is a list": {"scope": ["pay"]},
    "a scope that is a number": {"scope": 7},
    "a client that is a number": {"client_id": 7},
    "an id that is a number": {"jti": 7},
    "an acr that is a number": {"acr": 1},
    "an amr that is a text": {"amr": "pwd"},
    "bound to a key": {"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
    "bound to nothing": {"cnf": {}},
    "bound to null": {"cnf": None},
}
for _name in ("exp", "iat", "nbf", "auth_time"):
    for _what, _value in {
        "a float": NOW + 0.5,
        "a whole float": float(NOW),
        "a boolean": True,
        "a text": str(NOW),
        "a list": [NOW],
        "null": None,
        "negative": -1,
        "milliseconds": NOW * 1000,
        "huge": 10**19,
    }.items():
        CHANGES[f"{_name} is {_what}"] = {_name: _value}


def let_through(case: Case, tokens: Mapping[str, str]) -> list[str]:
    """Names of the tokens that either of the two does not refuse."""
    both = (generic(case), verifier(case))
    return [
        name for name, token in tokens.items() if not all(isinstance(by.verify(token, NOW), Rejected) for by in both)
    ]


@by_name
def test_what_the_generic_checks_refuse_is_refused(case: Case) -> None:
    assert not let_through(case, {name: sign(case, changed(case, **change)) for name, change in CHANGES.items()})


HEADERS: dict[str, dict[str, object]] = {
    "none": {"alg": "none"},
    "another algorithm": {"alg": "PS512"},
    "a secret": {"alg": "HS256"},
    "an algorithm that is a number": {"alg": 7},
    "an unknown key": {"kid": "unheard-of"},
    "a key that is a number": {"kid": 7},
    "a logout token": {"typ": "logout+jwt"},
    "a security event": {"typ": "secevent+jwt"},
    "a proof": {"typ": "dpop+jwt"},
    "a client assertion": {"typ": "client-authentication+jwt"},
    "a type that is null": {"typ": None},
    "critical": {"crit": ["exp"], "exp": 1},
    "b64": {"b64": True},
}


@by_name
def test_headers_that_the_generic_checks_refuse(case: Case) -> None:
    claims = claims_of(case.token)
    assert not let_through(case, {name: sign(case, claims, header) for name, header in HEADERS.items()})


attackers_key = cache(SigningKey.generate)  # to make one takes longer than all that is done with it


@by_name
def test_signatures_that_are_not_the_issuers(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SigningKey, "generate", attackers_key)
    checked = verifier(case)
    for forge in (
        case.by.forge_unsigned,
        case.by.forge_foreign_key,
        case.by.forge_unknown_key,
        case.by.forge_embedded_key,
    ):
        assert isinstance(checked.verify(forge(case.token), NOW), Rejected)
    assert isinstance(checked.verify(case.by.forge_key_confusion(case.token), NOW), Rejected)
    assert isinstance(checked.verify(case.by.forge_claims(case.token, sub="root"), NOW), Rejected)


# --- Anything at all --------------------------------------------------------------------------------------------------
STANDARD = (
    *("iss", "sub", "aud", "exp", "iat", "nbf", "auth_time", "acr", "amr", "jti", "client_id", "scope", "cnf"),
    *("roles", "groups", "typ", "azp", "scp", "cid", "ver", "tid", "oid", "uti", "idtyp", "acct", "idp", "hd"),
    *("email", "email_verified", "events", "nonce", "realm_access", "resource_access", "_claim_names", "hasgroups"),
    *("type", "common_name", "google", "gcip", "kubernetes.io", "repository", "access"),
)
NEARBY = st.sampled_from(
    [NOW - 1, NOW, NOW + 1, NOW + 100, "pay", "pay admin", [], ["payments"], {"roles": ["a"]}, 0, 1]
)
ONE_CHANGE = st.tuples(st.sampled_from(STANDARD), NEARBY | json_values | st.just(OMIT))


@pytest.mark.unmeasured  # as the other two are not measured: changes by name, and each profile's tests, cover the same
@by_name
@usually(250)
@given(changes=st.lists(ONE_CHANGE, min_size=1, max_size=3))
def test_whatever_a_profile_accepts_the_generic_checks_accept(case: Case, changes: list[tuple[str, object]]) -> None:
    token = sign(case, changed(case, **dict(changes)))
    finding = verifier(case).verify(token, NOW)
    if isinstance(finding, Verified):
        plain = generic(case).verify(token, NOW)
        assert isinstance(plain, Verified), code(plain)
        evidence = finding.evidence
        assert evidence.expires_at == plain.evidence.expires_at
        assert evidence.auth_time == plain.evidence.auth_time
        assert evidence.acr == plain.evidence.acr
        assert type(evidence.source) is type(evidence.subject) is str
        assert evidence.subject
        # What the token says under a standard name is never hidden by what a profile puts there.
        assert plain.evidence.scope in (None, evidence.scope)
        assert plain.evidence.client_id in (None, evidence.client_id)
        assert plain.evidence.jti in (None, evidence.jti)


@pytest.mark.unmeasured
@by_name
@given(st.data())
def test_profiles_take_any_claims(case: Case, data: st.DataObject) -> None:
    """They come before anything else has looked at the claims."""
    profile, good = case.issuer.profile, claims_of(case.token)
    names = st.sampled_from(STANDARD) | st.sampled_from(sorted(good))
    changes = data.draw(st.dictionaries(names, NEARBY | json_values | st.just(OMIT), max_size=4))
    claims: dict[str, Any] = changed(case, **changes) if data.draw(st.booleans()) else {**changes}
    translated = {} if profile.translate is None else profile.translate(claims)
    assert isinstance(translated, Reason) or all(isinstance(name, str) for name in translated)
    for key in case.issuer.static or ():
        assert profile.fits is None or isinstance(profile.fits(key, claims), Reason | None)


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 0.5, 10**400, "", "x", "x" * 100_000, [], [[]], [{}], [None], {}, {"x": {}}),
)


@pytest.mark.unmeasured
@by_name
def test_profiles_take_each_claim_of_any_type(case: Case) -> None:
    profile, good = case.issuer.profile, claims_of(case.token)
    for name, (number, value) in product(sorted({*STANDARD, *good}), enumerate(VALUES)):
        told = f"{name}: VALUES[{number}]"
        claims = {**good, name: value}
        if profile.translate is not None:
            assert isinstance(profile.translate(claims), dict | Reason), told
        for key in case.issuer.static or ():
            assert profile.fits is None or isinstance(profile.fits(key, claims), Reason | None), told


@by_name
@given(issuer=st.none() | st.text() | st.sampled_from(["https://login.microsoftonline.com/{tenantid}/v2.0"]))
@example(issuer="{tenantid}" * 1000)
def test_any_issuer_of_a_key(case: Case, issuer: str | None) -> None:
    fits = case.issuer.profile.fits
    key = VerificationKey("k", "RSA", "RS256", None, {}, issuer)
    assert fits is None or isinstance(fits(key, claims_of(case.token)), Reason | None)


@by_name
def test_a_profile_makes_new_claims_and_leaves_the_old_ones(case: Case) -> None:
    translate, claims = case.issuer.profile.translate, claims_of(case.token)
    before = json.dumps(claims)
    if translate is not None:
        given_back = translate(claims)
        assert given_back is not claims
    assert json.dumps(claims) == before
