"""Reasons on the wire: which scheme is challenged, which error it tells, and in whose dialect."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.tokens import ISSUER, NOW, URL, bearer, jwks, mint, static
from tests.web.challenges import read, read_all
from tests.web.sample import Told, verified
from zerotrust.core.decision import Decision
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Verified
from zerotrust.core.moments import minutes
from zerotrust.core.policy import Policy
from zerotrust.core.reason import (
    BAD_PROOF,
    EXPIRED,
    KEY_MISMATCH,
    NONCE_REQUIRED,
    NOT_ACTIVE,
    NOT_PRESENTED,
    PROOF_REQUIRED,
    REVOKED,
    WEAKER_BINDING,
    Kind,
)
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.driver import Sources
from zerotrust.engine import decide, judge
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing.dpop import DPoPClient
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.carrier import Carrier
from zerotrust.verifiers.dpop import DPoP, part_of
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.nonces import Nonces
from zerotrust.verifiers.origin import Origin
from zerotrust.verifiers.profile import Dialect, Profile
from zerotrust.verifiers.step_up_questions import AuthContext
from zerotrust.verifiers.token import TokenVerifier
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.web.answer import Answer, answer
from zerotrust.web.challenge import rendered

API = "https://api.example/pay"
CLIENT = DPoPClient(clock=lambda: NOW)
OTHER_CLIENT = DPoPClient(clock=lambda: NOW)
NONCES = Nonces(bytes(range(32)))
ES = DPoP(algorithms={"ES256", "EdDSA"})


def token(dpop: DPoP | None = ES, **options: Any) -> Bearer:
    return bearer(dpop=dpop, **options)


def asked(headers: Any = (), method: str = "POST") -> AccessRequest:
    return AccessRequest(now=NOW, method=method, host="api.example", path="/pay", raw_path="/pay", headers=headers)


def presenting(value: str, scheme: str = "Bearer") -> AccessRequest:
    return asked([(b"authorization", f"{scheme} {value}".encode())])


def refused(policy: Policy, request: AccessRequest, sources: Sources | None = None, **options: Any) -> Answer:
    decision: Decision = decide(policy, request, sources or Sources(MemoryStore()))
    assert not decision
    return answer(decision, request=request, **options)


def judged(verifier: Bearer, kind: Kind, request: AccessRequest | None = None) -> Answer:
    """The answer where `verifier` found nothing good for a reason of this kind."""
    decision = judge(verifier.valid, {verifier: Rejected(kind())}, NOW)
    assert not decision
    return answer(decision, request=request)


# --- Which scheme ----------------------------------------------------------------------------------------------------


def test_without_a_credential_every_scheme_is_named_and_no_error() -> None:
    """RFC 9449 section 7.2, figure 17; RFC 6750 section 3.1."""
    made = refused(token().scope("pay"), asked(), realm="shop")
    assert made.status == 401
    assert [value for name, value in made.headers if name == b"www-authenticate"] == [
        b'Bearer realm="shop", scope="pay"',
        b'DPoP realm="shop", algs="ES256 EdDSA", scope="pay"',
    ]


def test_a_verifier_that_takes_no_proofs_says_nothing_of_them() -> None:
    assert read_all(refused(token(None).valid, asked())) == {"Bearer": {"realm": ""}}


def test_where_proofs_are_required_bearer_tokens_are_not_asked_for() -> None:
    made = refused(token(DPoP(required=True, algorithms={"ES256"})).valid, asked())
    assert read_all(made) == {"DPoP": {"algs": "ES256"}}


@pytest.mark.parametrize(("scheme", "other"), [("Bearer", "DPoP"), ("DPoP", "Bearer")])
def test_the_scheme_that_was_used_tells_the_error(scheme: str, other: str) -> None:
    """RFC 9449 section 7.2, figure 18."""
    found = read_all(refused(token().valid, presenting("a.b.c", scheme)))
    assert found[scheme]["error"] == "invalid_token"
    assert "error" not in found[other]


def test_where_the_scheme_is_not_known_both_tell_the_error() -> None:
    """RFC 9449 section 7.2, the last of its rules."""
    found = read_all(judged(token(), EXPIRED))
    assert {scheme: parameters["error"] for scheme, parameters in found.items()} == {
        "Bearer": "invalid_token",
        "DPoP": "invalid_token",
    }


# --- Which error -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [PROOF_REQUIRED, KEY_MISMATCH, WEAKER_BINDING, REVOKED, NOT_ACTIVE, EXPIRED])
def test_a_token_that_is_not_good_is_invalid(kind: Kind) -> None:
    """RFC 9449 section 7.1 has a token bound to another key for an example."""
    made = judged(token(), kind)
    assert (made.status, made.code) == (401, kind.code)
    assert {parameters["error"] for parameters in read_all(made).values()} == {"invalid_token"}


def test_a_proof_that_is_not_good_is_an_invalid_proof_and_no_reason_to_go_without() -> None:
    made = judged(token(), BAD_PROOF)
    assert (made.status, made.code) == (401, "bad_proof")
    assert read_all(made) == {"DPoP": {"error": "invalid_dpop_proof", "algs": "ES256 EdDSA"}}


@pytest.mark.parametrize("kind", [BAD_PROOF, NONCE_REQUIRED])
def test_a_verifier_without_proofs_has_no_error_for_them(kind: Kind) -> None:
    assert read_all(judged(token(None), kind)) == {"Bearer": {"error": "invalid_token"}}


def bound(**claims: object) -> str:
    return mint(cnf=CLIENT.cnf, **claims)


def test_a_bad_proof_as_it_comes() -> None:
    headers = CLIENT.headers("GET", API, bound())  # but it is a POST
    made = refused(token().scope("pay"), asked(headers))
    assert (made.status, made.code) == (401, "bad_proof")
    # The token may be quite good, so nothing is asked of it.
    assert read_all(made) == {"DPoP": {"error": "invalid_dpop_proof", "algs": "ES256 EdDSA"}}


@pytest.mark.parametrize("part", ["htm", "htu", "iat", "ath", "jti", "typ", "alg", "jwk", "claims", "signature"])
def test_the_client_is_told_which_part_of_its_proof_is_not_good_and_no_value(part: str) -> None:
    presented, secret = bound(), "what-only-the-proof-says"
    wrong: Any = {"typ": {"typ": secret}, "alg": {"alg": "HS256"}, "jwk": {"jwk": [secret]}}
    claims: Any = {part: ["no", secret]} if part not in (*wrong, "claims", "signature") else {}
    if part == "claims":
        claims = {"jti": float("nan")}
    headers = CLIENT.headers("POST", API, presented, header=wrong.get(part), **claims)
    if part == "signature":
        headers[1] = b"dpop", CLIENT.forge_foreign_key("POST", API, presented).encode()
    made = refused(token().valid, asked(headers))
    body = json.loads(made.body)
    assert (body["code"], body["part"]) == ("bad_proof", part)
    assert secret not in made.body.decode()
    assert API not in made.body.decode()


def test_what_is_not_about_a_part_of_a_proof_names_none() -> None:
    for headers in ([*CLIENT.headers("POST", API, bound())[:1], (b"dpop", b"none")], ()):
        assert "part" not in json.loads(refused(token().valid, asked(headers)).body)
    assert part_of(BAD_PROOF(detail="the URL of the request: malformed")) is None
    assert part_of(KEY_MISMATCH(detail="jwk")) is None


def test_a_proof_by_another_key_as_it_comes() -> None:
    made = refused(token().valid, asked(OTHER_CLIENT.headers("POST", API, bound())))
    assert (made.status, made.code) == (401, "key_mismatch")
    assert read_all(made)["DPoP"]["error"] == "invalid_token"


def test_a_bound_token_without_its_proof_as_it_comes() -> None:
    made = refused(token().valid, presenting(bound()))
    assert (made.status, made.code) == (401, "proof_required")
    assert read_all(made) == {"Bearer": {"error": "invalid_token"}, "DPoP": {"algs": "ES256 EdDSA"}}


def test_a_proof_that_was_used_before_is_an_invalid_proof() -> None:
    verifier, sources = token(), Sources(MemoryStore())
    request = asked(CLIENT.headers("POST", API, bound()))
    assert decide(verifier.valid, request, sources)
    again = asked(request.headers)
    made = refused(verifier.valid, again, sources)
    assert (made.status, made.code) == (401, "replayed")
    assert read_all(made) == {"DPoP": {"error": "invalid_dpop_proof", "algs": "ES256 EdDSA"}}


def test_a_token_that_was_used_before_is_an_invalid_token() -> None:
    verifier, sources = token(one_time=True), Sources(MemoryStore())
    request = asked(CLIENT.headers("POST", API, bound()))
    assert decide(verifier.valid, request, sources)
    made = refused(verifier.valid, asked(request.headers), sources)
    assert read_all(made)["DPoP"]["error"] == "invalid_token"


def test_a_missing_nonce_is_asked_for_and_given() -> None:
    """RFC 9449 sections 8 and 9: the error, and exactly one nonce; section 8.2: kept by no cache."""
    verifier = token(DPoP(nonces=NONCES, algorithms={"ES256"}))
    made = refused(verifier.valid, asked(CLIENT.headers("POST", API, bound())))
    assert (made.status, made.code) == (401, "nonce_required")
    assert read_all(made) == {"DPoP": {"error": "use_dpop_nonce", "algs": "ES256"}}
    (nonce,) = [value for name, value in made.headers if name == b"dpop-nonce"]
    assert (b"cache-control", b"no-store") in made.headers
    good = asked(CLIENT.headers("POST", API, bound(), nonce=nonce.decode()))
    assert decide(verifier.valid, good, Sources(MemoryStore()))


def test_every_refusal_gives_the_next_nonce() -> None:
    verifier = token(DPoP(nonces=NONCES))
    for policy, request in (
        (verifier.valid, asked()),
        (verifier.role("boss"), presenting(mint(roles=[]))),
        (verifier.scope("pay"), presenting(mint(scope=""))),
        (verifier.valid, asked([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")])),
    ):
        made = refused(policy, request)
        assert [value for name, value in made.headers if name == b"dpop-nonce"] == [NONCES.make(NOW).encode()]


def test_of_several_nonces_that_of_the_one_who_asks_is_given() -> None:
    """Exactly one (RFC 9449 section 8.1)."""
    secret = Nonces(b"another secret of 32 octets is it")
    first = token(DPoP(nonces=NONCES), name="first")
    second = linked(first, static(), dpop=DPoP(nonces=secret), name="second")
    policy = first.valid & second.valid
    made = refused(policy, asked())
    assert [value for name, value in made.headers if name == b"dpop-nonce"] == [NONCES.make(NOW).encode()]
    made = refused(policy, asked(CLIENT.headers("POST", API, bound(), nonce=NONCES.make(NOW))))
    assert made.code == "nonce_required"  # of the second
    assert [value for name, value in made.headers if name == b"dpop-nonce"] == [secret.make(NOW).encode()]


def linked(to: Bearer, *issuers: Issuer, **options: Any) -> Bearer:
    """A verifier whose tokens have to be about the same subject as those of another."""

    class Linked(Bearer):
        of = to

    return Linked(*issuers, **{"audience": "payments", **options})


def _of(decision: Decision) -> Any:
    assert not decision
    return decision


def test_a_missing_scope_is_told_in_every_scheme() -> None:
    made = refused(token().scope("pay"), presenting(mint(scope="read")))
    assert made.status == 403
    assert read_all(made) == {
        "Bearer": {"error": "insufficient_scope", "scope": "pay"},
        "DPoP": {"algs": "ES256 EdDSA", "scope": "pay"},
    }


# --- Where one cannot be asked on the wire ---------------------------------------------------------------------------

EDGE = Carrier(header="x-edge-assertion")


def edge(**options: Any) -> Bearer:
    issuer = Issuer(URL, keys=jwks(ISSUER), profile=Profile(carrier=EDGE, dialect=Dialect.NONE))
    return Bearer(issuer, audience="payments", name="edge", **options)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ([], 403, "not_presented"),
        ([(b"x-edge-assertion", mint(exp=NOW - 60).encode())], 403, "expired"),
        ([(b"x-edge-assertion", mint().encode())], 403, "missing_claim"),
        ([(b"x-edge-assertion", b"a"), (b"x-edge-assertion", b"b")], 400, "duplicate_header"),
    ],
)
def test_what_a_proxy_has_to_bring_is_not_asked_of_the_caller(headers: Any, status: int, code: str) -> None:
    """One signs in at the proxy. A 401 needs a challenge (RFC 9110 section 15.5.2), and there is none to make."""
    verifier = edge()
    made = refused(verifier.scope("pay") & verifier.fresh(minutes(5)), asked(headers))
    assert (made.status, made.code) == (status, code)
    assert read_all(made) == {}
    assert set(json.loads(made.body)) == {"type", "title", "status", "code", "detail"}


def test_where_a_token_would_do_as_well_it_is_asked_for() -> None:
    verifier = token(None)
    beside = linked(verifier, *edge().issuers, name="edge")
    for policy in (beside.valid | verifier.scope("pay"), verifier.scope("pay") | beside.valid):
        made = refused(policy, presenting(mint(scope="")))
        assert (made.status, read_all(made)) == (403, {"Bearer": {"error": "insufficient_scope", "scope": "pay"}})


def test_beside_a_proxy_the_token_alone_is_asked_for() -> None:
    behind = edge()
    verifier = linked(behind, static())
    made = refused(behind.valid & verifier.scope("pay"), asked([(b"x-edge-assertion", mint().encode())]))
    assert made.status == 401
    assert read_all(made)["Bearer"]["scope"] == "pay"


def test_a_workload_has_nobody_to_sign_in_again() -> None:
    workload = bearer(Issuer(URL, keys=jwks(ISSUER), profile=Profile(dialect=Dialect.NONE)))
    made = refused(workload.fresh(minutes(5)), presenting(mint(auth_time=NOW - 600)))
    assert (made.status, read_all(made)) == (403, {})
    assert read_all(refused(workload.valid, asked())) == {"Bearer": {"realm": ""}}
    assert read_all(refused(workload.valid, presenting("a.b.c"))) == {"Bearer": {"error": "invalid_token"}}


# --- Microsoft Entra ID ----------------------------------------------------------------------------------------------


def entra(url: str = URL, **options: Any) -> Bearer:
    return bearer(Issuer(url, keys=jwks(ISSUER), profile=Profile(dialect=Dialect.ENTRA)), **options)


def test_the_claims_challenge_of_entra() -> None:
    verifier = entra()
    made = refused(verifier.auth_context("c1"), presenting(mint(acrs=["c2"], xms_cc=["CP1"])))
    assert made.status == 401
    (value,) = [value.decode() for name, value in made.headers if name == b"www-authenticate"]
    # Character for character as the vendor's documentation has it.
    assert value == (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        'error="insufficient_claims", '
        'claims="eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19"'
    )
    assert b64decode(read(value)[1]["claims"]) == b'{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


def test_a_client_that_does_not_understand_it_gets_a_plain_403() -> None:
    for claims in ({}, {"xms_cc": ["other"]}, {"xms_cc": None}):
        made = refused(entra().auth_context("c1"), presenting(mint(acrs=[], **claims)))
        assert (made.status, read_all(made)) == (403, {})


def test_a_leaf_that_promises_too_much_changes_nothing_on_the_wire() -> None:
    class Eager(AuthContext):
        __slots__ = ()

        def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
            return Action.SIGN_IN

    for claims, expected in (({}, (403, [])), ({"xms_cc": ["cp1"]}, (401, ["Bearer"]))):
        made = refused(Eager("c1", (Origin(URL),)).leaf(entra()), presenting(mint(acrs=[], **claims)))
        assert (made.status, list(read_all(made))) == expected


def test_without_a_token_nobody_is_known_to_understand_it() -> None:
    assert read_all(refused(entra().auth_context("c1"), asked())) == {"Bearer": {"realm": ""}}
    assert read_all(refused(entra().auth_context("c1"), presenting("a.b.c"))) == {"Bearer": {"error": "invalid_token"}}


def test_an_issuer_of_another_dialect_does_not_speak_it_whatever_its_tokens_say() -> None:
    other = "https://other.example"
    verifier = bearer(
        Issuer(URL, keys=jwks(ISSUER), profile=Profile(dialect=Dialect.ENTRA)), Issuer(other, keys=jwks(ISSUER))
    )
    theirs = presenting(mint(iss=other, acrs=[], xms_cc=["cp1"]))
    made = refused(verifier.auth_context("c1"), theirs)
    assert (made.status, read_all(made)) == (403, {})
    assert read_all(refused(verifier.auth_context("c1"), presenting(mint(acrs=[], xms_cc=["cp1"]))))


def test_one_context_at_a_time_with_all_else_that_is_missing() -> None:
    verifier = entra(realm="contoso.com")
    policy = verifier.auth_context("c2") & verifier.auth_context("c1") & verifier.scope("pay")
    made = refused(policy, presenting(mint(acrs=[], xms_cc=["cp1"], scope="read")), resource_metadata="https://a/b")
    found = read_all(made)["Bearer"]
    assert json.loads(b64decode(found["claims"])) == {"access_token": {"acrs": {"essential": True, "value": "c2"}}}
    assert (found["realm"], found["scope"], found["resource_metadata"]) == ("contoso.com", "pay", "https://a/b")


def test_what_entra_has_no_words_for_is_said_as_to_everybody() -> None:
    made = refused(entra().fresh(minutes(5)), presenting(mint(auth_time=NOW - 600, xms_cc=["cp1"])))
    assert read_all(made) == {"Bearer": {"error": "insufficient_user_authentication", "max_age": "300"}}


@pytest.mark.parametrize(
    ("issuer", "host"),
    [
        ("https://login.microsoftonline.us/x/v2.0", "login.microsoftonline.us"),
        ("https://login.partner.microsoftonline.cn/x/v2.0", "login.partner.microsoftonline.cn"),
        ("https://sts.windows.net/x/", "login.microsoftonline.com"),
        ("https://login.microsoftonline.us.evil.example/", "login.microsoftonline.com"),
    ],
)
def test_national_clouds_sign_in_at_home(issuer: str, host: str) -> None:
    made = refused(entra(issuer).auth_context("c1"), presenting(mint(iss=issuer, acrs=[], xms_cc=["cp1"])))
    assert read_all(made)["Bearer"]["authorization_uri"] == f"https://{host}/common/oauth2/authorize"


def test_a_second_token_that_is_missing_is_not_known_to_understand_it() -> None:
    at = entra()

    class Linked(TokenVerifier):
        name, issuers, realm, roles, groups, of = "linked", at.issuers, None, "roles", "groups", at

        def find(self, request: AccessRequest) -> Finding[Any]:
            return Absent(NOT_PRESENTED())

    made = refused(Linked().auth_context("c1"), presenting(mint(acrs=[], xms_cc=["cp1"])))
    assert read_all(made) == {"Bearer": {"error": "insufficient_user_authentication"}}


# --- What others add -------------------------------------------------------------------------------------------------


class Speaking(Verifier[Evidence]):
    """Always there, and with something to say."""

    name = "speaking"
    contextual = True

    def __init__(self, *headers: tuple[bytes, bytes]) -> None:
        self.headers = headers

    def find(self, request: AccessRequest) -> Finding[Evidence]:
        return Verified(self.blank(request.now))

    def blank(self, now: float) -> Evidence:
        return Evidence("speaking", "it", now, float("inf"))

    def continuing(self, now: float) -> tuple[tuple[bytes, bytes], ...]:
        return self.headers


class Never(Question[Evidence]):
    def holds(self, evidence: Evidence, now: float) -> bool:
        return False


def test_any_verifier_may_add_headers_and_no_name_comes_twice() -> None:
    policy = Never().leaf(Speaking((b"X-Next", b"1"), (b"x-next", b"2"))) & Never().leaf(Speaking((b"x-next", b"3")))
    made = answer(_of(decide(policy, asked())))
    assert [value for name, value in made.headers if name == b"x-next"] == [b"1"]


# --- Text that would break out ---------------------------------------------------------------------------------------


@given(
    values=st.dictionaries(
        st.sampled_from(("realm", "error", "scope", "resource_metadata", "claims")),
        st.one_of(st.none(), st.integers(), st.text(max_size=12)),
    ),
    scheme=st.sampled_from(("Bearer", "DPoP")),
)
def test_no_value_breaks_out_of_a_challenge(values: dict[str, str | int | None], scheme: str) -> None:
    """RFC 9110 sections 5.5 and 5.6.4: what cannot stand between quotes is left out, the rest reads back as it was."""
    found_scheme, found = read(rendered(scheme, values).decode("ascii"))
    assert found_scheme == scheme
    for name, value in found.items():
        assert value == str(values.get(name)) or found == {"realm": ""}  # where nothing can be said
    for name, said in values.items():
        if said is not None and str(said).isascii() and str(said).isprintable() and not set(str(said)) & {'"', "\\"}:
            assert found[name] == str(said)


@given(said=st.text(max_size=20), claim=st.sampled_from(("acr", "sub", "scope", "xms_cc")))
def test_nothing_that_a_token_says_is_in_a_challenge(said: str, claim: str) -> None:
    verifier = entra()
    if not said or any(0xD800 <= ord(one) < 0xE000 for one in said):
        return
    marked = f"zq{said}"
    claims: dict[str, object] = {"acrs": [], "xms_cc": ["cp1"], "scope": "read", claim: [marked, "cp1"]}
    claims[claim] = [marked, "cp1"] if claim == "xms_cc" else marked
    made = refused(verifier.auth_context("c1") & verifier.scope("pay"), presenting(mint(**claims)))
    assert "zq" not in "".join(read_all(made)["Bearer"].values())


def test_a_realm_of_a_custom_verifier_that_cannot_be_sent_is_left_out() -> None:
    at = Told(verified(scope=frozenset()), realm='a"b\r\nx: y')
    from tests.web.sample import scope

    made = answer(_of(decide(scope(at, "pay"), asked())), resource_metadata='https://a/"b')
    assert read_all(made) == {"Bearer": {"error": "insufficient_scope", "scope": "pay"}}
