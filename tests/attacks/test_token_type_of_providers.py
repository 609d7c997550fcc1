"""Other tokens of the right issuer, rightly signed, where `typ` alone may not tell: RFC 8725 sections 2.8, 3.11, 3.12.

Each is tried at every provider's profile as its own standard has it, and dressed up: with all the claims of a good
access token of that provider, our audience among them, and nothing but its own marks besides.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.providers.asking import claims_of, header_of
from tests.providers.profiles import CASES, Case
from tests.verifiers.tokens import NOW, OMIT, code
from zerotrust.testing.issuer import OMIT as LEFT_OUT
from zerotrust.verifiers.bearer import Bearer

LOGOUT: dict[str, object] = {"http://schemas.openid.net/event/backchannel-logout": {}}
REVOKED: dict[str, object] = {
    "https://schemas.openid.net/secevent/caep/event-type/session-revoked": {"event_timestamp": NOW}
}

# What `typ` says, and what the standard of that kind of token has in it.
TYPED: dict[str, tuple[str, dict[str, object]]] = {
    "logout token (Back-Channel Logout 2.4)": ("logout+jwt", {"events": LOGOUT, "sid": "s", "jti": "1"}),
    "security event (RFC 8417 2.3)": ("secevent+jwt", {"events": REVOKED, "jti": "1", "toe": NOW}),
    "DPoP proof (RFC 9449 4.2)": ("dpop+jwt", {"jti": "1", "htm": "GET", "htu": "https://api.example", "ath": "a"}),
    "client assertion (RFC 7523bis)": ("client-authentication+jwt", {"jti": "1"}),
    "introspection response (RFC 9701 5)": ("token-introspection+jwt", {"token_introspection": {"active": True}}),
    "request object (RFC 9101 10.8)": ("oauth-authz-req+jwt", {"response_type": "code", "client_id": "web"}),
    "authorization grant (ID-JAG)": ("oauth-id-jag+jwt", {"client_id": "web", "jti": "1"}),
    "entity statement": ("entity-statement+jwt", {"jwks": {"keys": []}}),
    "credential": ("dc+sd-jwt", {"vct": "https://credentials.example/identity"}),
    "refresh token": ("rt+jwt", {"client_id": "web"}),
    "nearly an access token": ("at+jwt+jwt", {"client_id": "web"}),
}

# What tells them from access tokens where `typ` is `JWT`, or missing.
MARKS: dict[str, dict[str, object]] = {
    "ID token with a nonce (OpenID Connect Core 2)": {"nonce": "n"},
    "ID token with the hash of an access token (3.1.3.6)": {"at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"},
    "ID token with the hash of a code (3.3.2.11)": {"c_hash": "LDktKdoQak3Pk0cnXxCltA"},
    "logout token before it had a type": {"events": LOGOUT, "sid": "s"},
    "security event before it had a type": {"events": REVOKED},
}

# Those that sign people in, and so issue ID tokens beside access tokens. (Google's are what its profile takes.)
SIGN_IN = [case for case in CASES if case.name.partition(" ")[0] in {"okta", "entra", "auth0", "keycloak", "oidc"}]

everywhere = pytest.mark.parametrize("case", CASES, ids=str)


def outcome(case: Case, claims: dict[str, Any], typ: str | None) -> str:
    """What comes of `claims` by the issuer's own key."""
    good = header_of(case.token)
    header = {**{name: value for name, value in good.items() if name != "typ"}, "typ": LEFT_OUT if typ is None else typ}
    said = {name: value for name, value in claims.items() if value is not OMIT}
    token = case.by.sign(json.dumps(said).encode(), alg=good["alg"], header=header)
    return code(Bearer(case.issuer, audience=case.audience).verify(token, NOW))


@everywhere
def test_the_tokens_these_attacks_start_from_are_good(case: Case) -> None:
    assert outcome(case, claims_of(case.token), header_of(case.token).get("typ")) == "verified"


@everywhere
def test_section_3_11_tokens_of_another_type(case: Case) -> None:
    good = claims_of(case.token)
    for kind, (typ, marks) in TYPED.items():
        alone = {name: good[name] for name in ("iss", "sub", "aud", "iat", "exp")} | marks
        for claims in (alone, {**good, **marks}, good):
            for spelled in (typ, typ.upper(), f"application/{typ}"):
                assert outcome(case, claims, spelled) == "rejected wrong_type", (kind, spelled, claims)


@pytest.mark.parametrize("case", SIGN_IN, ids=str)
@pytest.mark.parametrize("kind", MARKS)
def test_section_3_12_tokens_that_only_their_claims_tell(case: Case, kind: str) -> None:
    good, marks = claims_of(case.token), MARKS[kind]
    typ = header_of(case.token).get("typ")
    if typ == "at+jwt":  # RFC 9068 section 2.1: what says so is an access token, whatever else is in it
        return
    if case.name == "keycloak":  # which says in a claim of its own what a token is
        marks = {**marks, "typ": "ID" if "events" not in marks else "Logout"}
    alone = {name: good[name] for name in ("iss", "sub", "aud", "iat", "exp")} | marks
    assert outcome(case, alone, typ) in {"rejected wrong_type", "rejected missing_claim"}
    assert outcome(case, {**good, **marks}, typ) == "rejected wrong_type"


@everywhere
def test_rfc_7523_section_3_a_client_assertion(case: Case) -> None:
    good = claims_of(case.token)
    typ = header_of(case.token).get("typ")
    # Its issuer and its subject are the client, and its audience is the issuer.
    genuine = {"iss": "web", "sub": "web", "aud": good["iss"], "iat": NOW, "exp": NOW + 60, "jti": "1"}
    assert outcome(case, genuine, typ) == "rejected unknown_issuer"
    assert outcome(case, {**genuine, "aud": case.audience}, typ) == "rejected unknown_issuer"


@everywhere
def test_types_that_are_none(case: Case) -> None:
    for typ in ("", "JOSE", "JWE", "jwt ", " JWT", "JWT\n", "application/", "at+jwt, JWT", "\uff2aWT"):
        assert outcome(case, claims_of(case.token), typ) in {"rejected wrong_type", "rejected malformed"}, typ


@everywhere
def test_a_type_is_left_out_only_where_the_issuer_leaves_it_out(case: Case) -> None:
    expected = "verified" if case.name in {"okta", "google iap", "kubernetes"} else "rejected wrong_type"
    assert outcome(case, claims_of(case.token), None) == expected
