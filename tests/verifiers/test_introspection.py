"""Opaque tokens: what is asked, what of the answer is believed, and what is said when there is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.verifiers.introspecting import ENDPOINT, SECRET, TOKEN, Server, answered, introspection
from tests.verifiers.tokens import (
    METADATA,
    NOW,
    OMIT,
    URL,
    bearer,
    code,
    compact_json,
    found,
    mint,
    raw_request,
    request,
    static,
)
from zerotrust import AccessRequest, Action, Allow, Challenge, Deny, decide, seconds
from zerotrust.core.ask import ConsumeOnce, Document, Fetch, Lookup, Post, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Rejected, Unavailable, Unspent, Verified
from zerotrust.core.peer import Peer
from zerotrust.core.reason import SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.driver import run
from zerotrust.verifiers.client_authentication import ClientAuthentication, Credentials, PrivateKeyJwt, TlsClient
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.introspection import Introspection
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Profile
from zerotrust.verifiers.revocation import Revocation
from zerotrust.verifiers.token_evidence import TokenEvidence


def outcome(verifier: Introspection, server: Server, token: str = TOKEN, now: float = NOW) -> str:
    return code(found(verifier, request(token, now=now), server.sources))  # type: ignore[arg-type]


def evidence(verifier: Introspection, server: Server, now: float = NOW) -> TokenEvidence:
    finding = found(verifier, request(TOKEN, now=now), server.sources)  # type: ignore[arg-type]
    assert isinstance(finding, Verified), finding
    return finding.evidence


def about(server: Server, **options: Any) -> str:
    return outcome(introspection(**options), server)


# --- What is asked ---------------------------------------------------------------------------------------------------


def test_rfc_7662_section_2_1_what_is_asked() -> None:
    server = Server()
    assert about(server) == "verified"
    (post,) = server.asked
    assert post.url == ENDPOINT
    assert post.form == (("token", TOKEN), ("token_type_hint", "access_token"))
    assert post.now == NOW
    assert [name for name, _ in post.headers] == ["Authorization"]
    assert post.certificate is None
    assert about(Server(), hint=None) == "verified"


def test_without_a_hint_none_is_sent() -> None:
    server = Server()
    about(server, hint=None)
    assert server.asked[0].form == (("token", TOKEN),)


def test_the_endpoint_is_read_in_the_metadata() -> None:
    server = Server()
    verifier = introspection(endpoint=None, cache_for=seconds(0))
    assert outcome(verifier, server) == outcome(verifier, server) == "verified"
    assert server.fetched == [METADATA, METADATA]  # a fetcher answers the second from its cache
    assert {post.url for post in server.asked} == {ENDPOINT}


def test_rfc_8705_section_5_a_client_with_a_certificate_asks_where_certificates_are_taken() -> None:
    alias = "https://mtls.issuer.example/introspect"
    for client, asked in ((TlsClient("payments-api", "payments"), alias), (introspection().client, ENDPOINT)):
        server = Server(mtls_endpoint_aliases={"introspection_endpoint": alias})
        assert about(server, endpoint=None, client=client) == "verified"
        assert server.asked[0].url == asked
        assert server.asked[0].certificate == client.certificate
    elsewhere = Server(mtls_endpoint_aliases={"token_endpoint": "https://mtls.issuer.example/token"})
    assert about(elsewhere, endpoint=None, client=TlsClient("payments-api", "payments")) == "verified"
    assert elsewhere.asked[0].url == ENDPOINT


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example"},
        {"issuer": f"{URL}/"},
        {"introspection_endpoint": None},
        {"introspection_endpoint": 7},
        {"introspection_endpoint": "http://issuer.example/introspect"},
        {"introspection_endpoint": "http://127.0.0.1/introspect"},
        {"introspection_endpoint": "/introspect"},
    ],
)
def test_metadata_that_sends_tokens_elsewhere_or_nowhere(metadata: dict[str, Any]) -> None:
    server = Server(**metadata)
    assert about(server, endpoint=None) == "unavailable source_refused"
    assert server.count == 0


def test_metadata_that_is_of_no_use_takes_the_place_of_none_that_is() -> None:
    verifier = introspection(endpoint=None)
    gather = verifier.verifying(TOKEN, NOW)
    fetch = next(gather)
    assert isinstance(fetch, Fetch)
    assert [fetch] == [next(verifier.verifying("another", NOW))]
    assert fetch.unusable is not None
    assert fetch.unusable(compact_json(Server().metadata)) is None
    for body in (b"", b"{}", b"<html>", compact_json(Server(issuer="https://other.example").metadata)):
        assert fetch.unusable(body) is not None
    with pytest.raises(SourceFailed, match="not JSON"):
        gather.send(Document(METADATA, b"<html>", NOW))


def test_metadata_is_read_once() -> None:
    document = Document(METADATA, compact_json(Server().metadata), NOW)
    verifier = introspection(endpoint=None)
    for _ in range(2):
        gather = verifier.verifying(TOKEN, NOW)
        next(gather)
        assert isinstance(gather.send(document), Post)
    other = Document(METADATA, compact_json(Server(introspection_endpoint=f"{URL}/new").metadata), NOW)
    gather = verifier.verifying(TOKEN, NOW)
    next(gather)
    moved = gather.send(other)
    assert isinstance(moved, Post)
    assert moved.url == f"{URL}/new"


def test_what_an_issuer_leaves_out_when_it_is_empty() -> None:
    told = Issuer(URL, absent_is_empty={"roles", "scope"})
    proven = evidence(introspection(told), Server(answered(scope=OMIT)))
    assert (proven.roles, proven.scope, proven.groups) == (frozenset(), frozenset(), None)


def test_metadata_may_stand_elsewhere() -> None:
    verifier = introspection(Issuer(URL, metadata=METADATA), endpoint=None)
    assert outcome(verifier, Server()) == "verified"


@pytest.mark.parametrize("token", ["x" * 4097, "a b", "a=b", "ü", "a,b", "a\nb", ""])
def test_what_is_no_token_is_asked_about_nowhere(token: str) -> None:
    server = Server()
    verifier = introspection()
    sent = raw_request(b"Bearer " + token.encode("latin-1"))
    assert isinstance(found(verifier, sent, server.sources), Rejected)  # type: ignore[arg-type]
    assert isinstance(run(verifier.verifying(token, NOW), server.sources), Rejected)
    assert server.count == 0


def test_no_token() -> None:
    server = Server()
    assert code(found(introspection(), AccessRequest(now=NOW), server.sources)) == "absent not_presented"  # type: ignore[arg-type]
    assert server.count == 0


# --- What is believed ------------------------------------------------------------------------------------------------


def test_what_an_answer_proves() -> None:
    proven = evidence(introspection(), Server(answered(roles=["clerk"], auth_time=NOW - 60, acr="2", amr=["pwd"])))
    assert (proven.source, proven.subject, proven.client_id, proven.jti) == (URL, "ada", "web", "1")
    assert proven.scope == frozenset({"pay", "read"})
    assert proven.roles == frozenset({"clerk"})
    assert proven.groups is None
    assert (proven.auth_time, proven.acr, proven.amr) == (NOW - 60, "2", frozenset({"pwd"}))
    assert proven.claims["username"] == "ada@example.com"
    with pytest.raises(TypeError, match="read-only"):
        proven.claims["roles"].append("admin")  # type: ignore[union-attr]
    assert "ada@example.com" not in repr(proven)


def test_leaves_are_those_of_a_bearer() -> None:
    token = introspection()
    policy = token.scope("pay") & token.claim("username", "ada@example.com") & token.subject("ada")
    assert isinstance(decide(policy, request(TOKEN), Server().sources), Allow)
    assert not decide(token.scope("admin"), request(TOKEN), Server().sources)


def test_rfc_7662_section_2_2_not_active() -> None:
    assert about(Server({"active": False})) == "rejected not_active"
    assert about(Server(answered(active=False))) == "rejected not_active"


@pytest.mark.parametrize("active", ["true", 1, None, [True], {}, "yes", OMIT])
def test_active_is_true_or_false_and_nothing_else(active: object) -> None:
    assert about(Server(answered(active=active))) == "unavailable source_refused"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"true", b"null", b'{"active":true,"active":false}', b'\xef\xbb\xbf{"active":true}',
     b'{"active":true,"exp":NaN}', b"[" * 100000, b'{"active":tru', '{"active":true}'.encode("utf-16")],
)  # fmt: skip
def test_what_is_no_answer_is_an_outage(body: bytes) -> None:
    assert about(Server(body)) == "unavailable source_refused"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"iss": "https://other.example"}, "unknown_issuer"),
        ({"iss": f"{URL}/"}, "unknown_issuer"),
        ({"aud": "ledger"}, "wrong_audience"),
        ({"aud": ["ledger", "web"]}, "wrong_audience"),
        ({"aud": []}, "wrong_audience"),
        ({"aud": OMIT}, "missing_claim"),
        ({"sub": OMIT}, "missing_claim"),
        ({"token_type": OMIT}, "missing_claim"),
        ({"token_type": "refresh_token"}, "wrong_type"),
        ({"token_type": "N_A"}, "wrong_type"),
        ({"token_type": "Refresh"}, "wrong_type"),
        ({"token_use": "refresh_token"}, "wrong_type"),
        ({"token_use": "id"}, "wrong_type"),
        ({"token_type": "DPoP"}, "proof_required"),
        ({"token_type": "DPoP", "cnf": {"x5t#S256": "abc"}}, "proof_required"),
        ({"token_type": "dpop", "cnf": None}, "proof_required"),
        ({"exp": NOW - 10}, "expired"),
        ({"exp": 0}, "expired"),
        ({"nbf": NOW + 11}, "not_yet_valid"),
        ({"iat": NOW + 11}, "issued_in_future"),
        ({"auth_time": NOW + 11}, "issued_in_future"),
        ({"cnf": {"jkt": "abc"}}, "proof_required"),
        ({"cnf": {"x5t#S256": "abc"}}, "proof_required"),
        ({"cnf": None}, "proof_required"),
        ({"cnf": {}}, "proof_required"),
        ({"cnf": {"kid": "1"}}, "proof_required"),
        ({"act": "bob"}, "wrong_claim_type"),
    ],
)
def test_an_active_token_that_is_not_good_here(changes: dict[str, object], expected: str) -> None:
    assert about(Server(answered(**changes))) == f"rejected {expected}"


@pytest.mark.parametrize(
    ("member", "values"),
    [
        *((name, ("1800000300", 1.5, True, None, -1, 10**12, [])) for name in ("exp", "iat", "nbf", "auth_time")),
        *(
            (name, (1, None, True, ["a"], {}))
            for name in ("sub", "iss", "scope", "client_id", "username", "token_type", "jti", "acr", "token_use")
        ),
        ("aud", (1, None, [1], {"a": 1}, [None])),
        ("amr", ("pwd", 1, [1])),
        ("sub", ("",)),
    ],
)
def test_every_member_has_its_type(member: str, values: tuple[object, ...]) -> None:
    for value in values:
        assert about(Server(answered(**{member: value}))) == "rejected wrong_claim_type", value


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["ledger", "payments"]},
        {"iss": OMIT},
        {"exp": OMIT},
        {"iat": OMIT, "jti": OMIT, "username": OMIT, "client_id": OMIT, "scope": OMIT},
        {"token_type": "bearer"},
        {"token_use": "access_token"},
        {"exp": NOW - 9},
        {"nbf": NOW + 10},
        {"iat": NOW + 10},
        {"sid": 7, "something": {"else": [None]}},
    ],
)
def test_an_active_token_that_is_good(changes: dict[str, object]) -> None:
    assert about(Server(answered(**changes))) == "verified"


def test_what_may_be_left_out_when_told_so() -> None:
    assert about(Server(answered(aud=OMIT)), audience_optional=True) == "verified"
    assert about(Server(answered(aud="ledger")), audience_optional=True) == "rejected wrong_audience"
    assert about(Server(answered(token_type=OMIT)), token_type_optional=True) == "verified"
    assert about(Server(answered(token_type="Refresh")), token_type_optional=True) == "rejected wrong_type"
    assert about(Server(answered(jti=OMIT)), require={"jti"}) == "rejected missing_claim"


def test_a_client_that_acts_for_itself() -> None:
    alone = answered(sub=OMIT)
    assert about(Server(alone)) == "rejected missing_claim"
    assert evidence(introspection(clients=True), Server(alone)).subject == "web"
    assert evidence(introspection(clients=True), Server()).subject == "ada"
    assert about(Server(answered(sub=OMIT, client_id=OMIT)), clients=True) == "rejected missing_claim"
    assert about(Server(answered(sub=OMIT, client_id="")), clients=True) == "rejected wrong_claim_type"


def test_an_answer_is_evidence_no_longer_than_it_counts_and_the_token_lives() -> None:
    assert evidence(introspection(), Server()).expires_at == NOW + 30
    assert evidence(introspection(cache_for=seconds(900)), Server()).expires_at == NOW + 310
    assert evidence(introspection(cache_for=seconds(0)), Server()).expires_at == NOW + 1
    assert evidence(introspection(), Server(answered(exp=OMIT))).expires_at == NOW + 30


def test_a_now_that_is_no_number_lets_nobody_in() -> None:
    assert outcome(introspection(), Server(), now=float("nan")).startswith("rejected")


# --- Bound, used once, revoked ---------------------------------------------------------------------------------------


def test_a_token_bound_to_a_certificate_counts_with_it_alone() -> None:
    import base64
    import hashlib

    der = b"the certificate of the connection"
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    server = Server(answered(cnf={"x5t#S256": thumbprint}))
    verifier = introspection()
    for _ in range(2):  # asked for, and remembered
        for chain, expected in (((der,), "verified"), ((b"another",), "rejected key_mismatch"), ((), "proof_required")):
            sent = AccessRequest(now=NOW, headers=request(TOKEN).headers, peer=Peer(tuple(chain)))
            assert expected in code(found(verifier, sent, server.sources))  # type: ignore[arg-type]
    assert server.count == 1


def test_rfc_9449_a_plain_token_under_the_scheme_of_bound_ones() -> None:
    server = Server()
    assert code(found(introspection(), request(TOKEN, scheme="DPoP"), server.sources)) == "absent not_presented"  # type: ignore[arg-type]
    verifier = introspection(dpop=DPoP())
    assert code(found(verifier, request(TOKEN, scheme="DPoP"), server.sources)) == "rejected proof_required"  # type: ignore[arg-type]


def test_a_token_that_counts_once() -> None:
    verifier = introspection(one_time=True)
    server = Server()
    finding = found(verifier, request(TOKEN), server.sources)  # type: ignore[arg-type]
    assert isinstance(finding, Unspent)
    assert (
        finding.mark.until == NOW + 300 + 120
    )  # as long as the token could be shown, not as long as the answer counts
    assert decide(verifier.valid, request(TOKEN), server.with_store)
    assert not decide(verifier.valid, request(TOKEN), server.with_store)
    for member in ("jti", "exp"):
        assert about(Server(answered(**{member: OMIT})), one_time=True) == "rejected missing_claim"


def test_revoked_here_though_its_issuer_does_not_know() -> None:
    revocation = Revocation()
    verifier = introspection(revocation=revocation)
    server = Server()
    allowed = decide(verifier.valid, request(TOKEN), server.with_store)
    assert isinstance(allowed, Allow)
    proven = allowed.finding(verifier)
    assert isinstance(proven, Verified)
    run(revocation.revoke(proven.evidence, NOW), server.with_store)
    for later in (0, 20, 100, 299):  # long after the answer has run out
        refused = decide(verifier.valid, request(TOKEN, now=NOW + later), server.with_store)
        assert not refused
        assert refused.reason.code == "revoked"


# --- JWTs ------------------------------------------------------------------------------------------------------------


def test_what_looks_like_a_jwt_is_not_sent() -> None:
    server = Server()
    assert outcome(introspection(), server, mint()) == "rejected wrong_type"
    assert outcome(introspection(), server, mint() + ".a.b") == "rejected wrong_type"
    assert server.count == 0
    assert outcome(introspection(), server, "a.b.c") == "verified"  # it has dots, and is no JWT
    assert outcome(introspection(), server, "ey.b") == "verified"


def test_unless_it_is_to_be() -> None:
    server = Server()
    assert outcome(introspection(jwts="ask"), server, mint()) == "verified"
    assert server.count == 1


def test_a_service_with_both_kinds() -> None:
    jwts = bearer(static("https://other.example"), static())
    token = introspection(jwts=jwts)
    server = Server(answered(sub="opaque"))
    assert outcome(token, server) == "verified"
    assert server.count == 1
    for jwt, subject in ((mint(), "ada"), (mint(iss="https://other.example", sub="bob"), "bob")):
        allowed = decide(token.has_claim("client_id"), request(jwt), server.sources)
        assert isinstance(allowed, Allow)
        finding = allowed.finding(token)
        assert isinstance(finding, Verified)
        assert finding.evidence.subject == subject
    assert outcome(token, server, mint(exp=NOW - 60)) == "rejected expired"
    assert server.count == 1
    assert [issuer.url for issuer in token.issuers] == [URL, "https://other.example"]
    assert run(token.verifying(mint(), NOW), server.sources)
    assert not decide(token.issuer("https://other.example"), request(TOKEN), server.sources)


def test_what_both_kinds_need() -> None:
    fetched = bearer(Issuer(URL), one_time=True)
    assert introspection(jwts=fetched, one_time=True).needs == (Post, ConsumeOnce, Fetch)
    assert introspection().needs == (Post,)
    assert introspection(endpoint=None, revocation=Revocation()).needs[:2] == (Fetch, Post)
    assert Lookup in introspection(revocation=Revocation()).needs


# --- No answer -------------------------------------------------------------------------------------------------------


def test_an_outage_is_not_the_callers_fault() -> None:
    for failure in (SourceFailed(SOURCE_TIMEOUT(), 9.0), SourceFailed(SOURCE_REFUSED(presented="401 invalid_client"))):
        server = Server(failure)
        finding = found(introspection(), request(TOKEN), server.sources)  # type: ignore[arg-type]
        assert finding == Unavailable(failure.reason, failure.retry_after)
        decision = decide(introspection().valid, request(TOKEN), server.sources)
        assert isinstance(decision, Challenge | Deny)
        assert [step.action for step in decision.remedies[0].steps] == [Action.RETRY]


def test_it_cannot_be_verified_without_asking() -> None:
    with pytest.raises(ConfigError, match="has to ask for Post"):
        introspection().verify(TOKEN, NOW)
    with pytest.raises(ConfigError, match="has to ask the issuer"):
        introspection()._verified(TOKEN, NOW, keep=False)


def test_nothing_of_token_or_secret_shows() -> None:
    server = Server(SourceFailed(SOURCE_REFUSED()))
    verifier = introspection()
    decision = decide(verifier.valid, request(TOKEN), server.sources)
    shown = [repr(decision), str(decision.explanation), repr(verifier), repr(verifier.client), repr(server.asked)]
    for text in shown:
        assert TOKEN not in text
        assert SECRET not in text
    assert "payments-api" in repr(verifier.client)


# --- Configuration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"client": "secret"}, "client takes e.g. ClientSecret"),
        ({"client": None}, "client takes"),
        ({"audience": ()}, "audience takes one or more names"),
        ({"audience_optional": 1}, "audience_optional=1: write True or False"),
        ({"token_type_optional": "no"}, "token_type_optional='no'"),
        ({"clients": None}, "clients=None"),
        ({"cache_for": 30}, "cache_for is a span of time"),
        ({"cache_for": seconds(901)}, "cache_for=901 s is out of range"),
        ({"cache_for": seconds(-1)}, "out of range"),
        ({"leeway": seconds(121)}, "leeway"),
        ({"endpoint": "http://issuer.example/introspect"}, "endpoint is 'http://"),
        ({"endpoint": f"https://u:{SECRET}@issuer.example/"}, "with user information"),
        ({"jwts": "maybe"}, "jwts='maybe': write"),
        ({"hint": ""}, "hint=''"),
        ({"hint": "a\nb"}, "hint="),
        ({"roles": ""}, "roles takes the name of a member"),
        ({"max_length": 100}, "max_length=100"),
        ({"remember": -1}, "remember=-1"),
        ({"one_time": "yes"}, "one_time='yes'"),
        ({"dpop": True}, "dpop takes DPoP"),
        ({"max_actors": -1}, "max_actors"),
        ({"name": "a token"}, "name='a token'"),
    ],
)
def test_configuration_that_makes_no_sense(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        introspection(**options)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("issuer", "said"),
    [
        (7, "takes the url of one issuer first"),
        ("issuer.example", "an issuer is 'issuer.example'"),
        (Issuer(URL, profile=Profile(name="Acme", translate=dict)), r"the profile of .* \(Acme\) is made for its JWTs"),
    ],
)
def test_who_may_be_asked(issuer: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        introspection(issuer)


def test_an_issuer_with_an_audience_of_its_own_has_no_other_here() -> None:
    with pytest.raises(ConfigError, match="has one of its own, ledger, payments; write the same here"):
        introspection(Issuer(URL, audience=["payments", "ledger"]))
    assert introspection(Issuer(URL, audience="payments")).audience == {"payments"}


def test_a_bearer_beside_it_has_to_fit() -> None:
    with pytest.raises(ConfigError, match="leaves ask for one name"):
        introspection(jwts=bearer(roles="groups"))
    with pytest.raises(ConfigError, match="the same DPoP"):
        introspection(jwts=bearer(dpop=DPoP()))
    from zerotrust.verifiers.carrier import Carrier

    with pytest.raises(ConfigError, match="its tokens are in x-token"):
        introspection(jwts=bearer(static(profile=Profile(carrier=Carrier("x-token")))))
    proofs = DPoP()
    assert introspection(jwts=bearer(dpop=proofs), dpop=proofs).dpop is proofs


def test_private_key_jwt_is_made_for_the_issuer() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    server = Server()
    assert about(server, client=PrivateKeyJwt("payments-api", pem)) == "verified"
    form = dict(server.asked[0].content())
    payload = form["client_assertion"].split(".")[1]
    import base64

    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert claims["aud"] == URL
    assert claims["iat"] == NOW


def test_an_assertion_is_signed_where_a_question_is_sent_and_nowhere_else() -> None:
    signed: list[float] = []

    class Signing(ClientAuthentication):
        id = "payments-api"

        def credentials(self, issuer: str, now: float) -> Credentials:
            def sign() -> tuple[tuple[str, str], ...]:
                signed.append(now)
                return (("client_assertion", str(len(signed))),)

            return Credentials(form=(("client_id", self.id),), sign=sign)

    server = Server()
    assert about(server, client=Signing()) == "verified"
    assert signed == []
    (post,) = server.asked
    assert post.content() == (*post.form, ("client_assertion", "1"))
    assert post.content() == (*post.form, ("client_assertion", "2"))
    assert signed == [NOW, NOW]
