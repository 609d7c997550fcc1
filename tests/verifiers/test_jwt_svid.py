from __future__ import annotations

import math
from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spiffe import JwtBundle
from spiffe import JwtSvid as OracleSvid
from spiffe import TrustDomain as OracleDomain
from spiffe.errors import PySpiffeError

from tests.naming import same_everywhere
from tests.verifiers.peers import (
    AUTHORITY,
    LEDGER,
    NOW,
    PARTNER,
    PROD,
    bundle,
    code,
    evidence,
    found,
    jwt_entry,
    refusal,
    svid,
    verdict,
    x509_entry,
)
from tests.verifiers.tokens import Web
from tests.wire.signing import Signer, signer
from zerotrust.core.decision import Allow, Challenge
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.finding import Absent, Rejected
from zerotrust.core.peer import Peer
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.engine import decide
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.pki.trust_bundles import TrustBundles
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.carrier import Carrier
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.jwt_svid import JwtSvid
from zerotrust.verifiers.svid_evidence import JwtSvidEvidence
from zerotrust.wire.spiffe import SpiffeId

US = "payments"
SIGNER, PARTNERS, STRANGER = signer("ES256", "prod-1"), signer("ES384", "partner-1"), signer("ES256", "prod-1")
BUNDLES = TrustBundles(
    TrustBundle(PROD, bundle(x509_entry(AUTHORITY.certificate), jwt_entry(SIGNER))),
    federated=[TrustBundle(PARTNER, bundle(jwt_entry(PARTNERS)))],
)
SVID = JwtSvid(BUNDLES, audience=US)
EXP = int(NOW) + 300


def jwt(by: Signer = SIGNER, header: dict[str, object] | None = None, /, **claims: object) -> str:
    """A good JWT-SVID, with its claims and header changed, or left out where they are `...`."""
    said = {"sub": LEDGER, "aud": [US], "exp": EXP, "iat": int(NOW), **claims}
    return by.token(
        {name: value for name, value in said.items() if value is not ...}, **{"typ": "JWT", **(header or {})}
    )


def sent(token: str, *, now: float = NOW, scheme: str = "Bearer", **options: Any) -> AccessRequest:
    return AccessRequest(now=now, headers=[(b"authorization", f"{scheme} {token}".encode())], **options)


# --- What it proves ---------------------------------------------------------------------------------------------------


def test_a_good_one() -> None:
    proven = evidence(SVID, sent(jwt(team="secret")))
    assert isinstance(proven, JwtSvidEvidence)
    assert proven.spiffe_id == SpiffeId(LEDGER)
    assert (proven.subject, proven.source) == (LEDGER, f"spiffe://{PROD}")
    assert (proven.verified_at, proven.expires_at) == (NOW, EXP + 10)
    assert proven.claims["team"] == "secret"
    assert "secret" not in repr(proven)


def test_claims_are_read_only() -> None:
    proven = evidence(SVID, sent(jwt(groups=["a"])))
    with pytest.raises(TypeError, match="item assignment"):
        proven.claims["sub"] = "x"
    with pytest.raises(TypeError, match="read-only"):
        proven.claims["groups"].append("b")


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"])
def test_section_2_1_algorithms(alg: str) -> None:
    by = signer(alg, "k")
    verifier = JwtSvid(TrustBundle(PROD, bundle(jwt_entry(by))), audience=US)
    assert code(verifier, sent(jwt(by))) == "good"


def test_section_2_1_no_other_algorithm() -> None:
    by = signer("Ed25519", "k")
    verifier = JwtSvid(TrustBundle(PROD, bundle(jwt_entry(by))), audience=US)
    assert code(verifier, sent(jwt(by))) == "algorithm"
    for alg in ("none", "HS256", "EdDSA", "ES256K", "es256"):
        assert code(SVID, sent(jwt(SIGNER, {"alg": alg}))) == "algorithm"


def test_section_2_2_a_kid_is_optional() -> None:
    assert code(SVID, sent(jwt(SIGNER, {"kid": None}))) == "good"
    assert code(SVID, sent(jwt(SIGNER, {"kid": "prod-2"}))) == "unknown_key"


@pytest.mark.parametrize(
    ("typ", "expected"),
    [
        (None, "good"),
        ("JWT", "good"),
        ("JOSE", "good"),
        ("jwt", "wrong_type"),
        ("application/jwt", "wrong_type"),
        ("at+jwt", "wrong_type"),
        ("wit+jwt", "wrong_type"),
        ("", "wrong_type"),
    ],
)
def test_section_2_3_type(typ: str | None, expected: str) -> None:
    assert code(SVID, sent(jwt(SIGNER, {"typ": typ}))) == expected


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["AAAA"]},
        {"x5t": "AAAA"},
        {"jwk": SIGNER.jwk},
        {"cty": "JWT"},
        {"iss": "a"},
        {"private": 1},
    ],
    ids=same_everywhere,
)
def test_section_2_no_other_header(header: dict[str, object]) -> None:
    reason = refusal(SVID, sent(jwt(SIGNER, header)))
    assert reason.code == "malformed"
    assert next(iter(header)) in str(reason.presented)


def test_section_2_no_other_header_however_often_it_comes() -> None:
    """What is remembered of a header does not let it in."""
    for _ in range(3):
        assert code(SVID, sent(jwt(SIGNER, {"jku": "https://evil.example"}))) == "malformed"
        assert code(SVID, sent(jwt())) == "good"


@pytest.mark.parametrize("name", ["sub", "aud", "exp"])
def test_sections_3_and_4_claims_that_must_be_there(name: str) -> None:
    reason = refusal(SVID, sent(jwt(**{name: ...})))
    assert (reason.code, reason.expected) == ("missing_claim", name)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"sub": 5}, "wrong_claim_type"),
        ({"sub": None}, "wrong_claim_type"),
        ({"sub": [LEDGER]}, "wrong_claim_type"),
        ({"sub": "ledger"}, "wrong_claim"),
        ({"sub": ""}, "wrong_claim"),
        ({"sub": f"spiffe://{PROD}"}, "wrong_claim"),
        ({"sub": f"{LEDGER}\n"}, "wrong_claim"),
        ({"sub": f"{LEDGER}?a"}, "wrong_claim"),
        ({"sub": LEDGER.replace("spiffe", "SPIFFE")}, "wrong_claim"),
        ({"sub": "spiffe://stranger.example/a"}, "unknown_trust_domain"),
        ({"aud": US}, "good"),
        ({"aud": [US, "others"]}, "good"),
        ({"aud": []}, "wrong_audience"),
        ({"aud": "payment"}, "wrong_audience"),
        ({"aud": ["Payments", "pay"]}, "wrong_audience"),
        ({"aud": None}, "wrong_claim_type"),
        ({"aud": {US: 1}}, "wrong_claim_type"),
        ({"aud": [US, 5]}, "wrong_claim_type"),
        ({"exp": "soon"}, "wrong_claim_type"),
        ({"exp": True}, "wrong_claim_type"),
        ({"exp": EXP + 0.5}, "wrong_claim_type"),
        ({"exp": None}, "wrong_claim_type"),
        ({"exp": -1}, "wrong_claim_type"),
        ({"exp": 10**12}, "wrong_claim_type"),
        ({"exp": int(NOW) - 10}, "expired"),
        ({"exp": int(NOW) - 9}, "good"),
        ({"nbf": int(NOW) + 11}, "not_yet_valid"),
        ({"nbf": int(NOW) + 10}, "good"),
        ({"nbf": "now"}, "wrong_claim_type"),
        ({"iat": int(NOW) + 11}, "issued_in_future"),
        ({"iat": ...}, "good"),
        ({"iat": None}, "wrong_claim_type"),
        ({"jti": None}, "wrong_claim_type"),
        ({"jti": 5}, "wrong_claim_type"),
        ({"iss": ["a"]}, "wrong_claim_type"),
        ({"iss": "anybody", "jti": ""}, "good"),
    ],
    ids=str,
)
def test_section_3_claims(claims: dict[str, object], expected: str) -> None:
    assert code(SVID, sent(jwt(**claims))) == expected


def test_several_audiences_of_ours() -> None:
    verifier = JwtSvid(BUNDLES, audience=["payments", f"spiffe://{PROD}/payments"])
    assert code(verifier, sent(jwt(aud=f"spiffe://{PROD}/payments"))) == "good"


def test_the_trust_domain_of_the_subject_picks_the_keys() -> None:
    assert evidence(SVID, sent(jwt(PARTNERS, sub=f"spiffe://{PARTNER}/a"))).source == f"spiffe://{PARTNER}"
    assert code(SVID, sent(jwt(PARTNERS))) == "unknown_key"
    assert code(SVID, sent(jwt(SIGNER, sub=f"spiffe://{PARTNER}/a"))) == "unknown_key"
    assert code(SVID, sent(jwt(PARTNERS, {"kid": "prod-1"}))) == "unsuitable_key"
    assert code(SVID, sent(jwt(STRANGER))) == "bad_signature"


@pytest.mark.parametrize("now", [-math.inf, -1e30, -11.0])
def test_a_moment_before_all_others(now: float) -> None:
    """A claim that is not there is not missed, whatever the clock says."""
    for longest in (None, timedelta(days=1)):
        verifier = JwtSvid(BUNDLES, audience=US, max_lifetime=longest)
        assert code(verifier, sent(jwt(iat=...), now=now)) == "not_yet_valid"
        assert code(verifier, sent(jwt(iat=..., nbf=0), now=now)) == "not_yet_valid"
        assert code(verifier, sent(jwt(nbf=0, iat=0), now=now)) == "not_yet_valid"
        assert code(verifier, sent(jwt())) == "good"
        assert code(verifier, sent(jwt(), now=now)) == "not_yet_valid"


def test_a_trust_domain_that_signs_no_tokens() -> None:
    both = TrustBundles(TrustBundle(PROD, AUTHORITY.pem), federated=[TrustBundle(PARTNER, bundle(jwt_entry(PARTNERS)))])
    assert code(JwtSvid(both, audience=US), sent(jwt())) == "unknown_key"


# --- At each use ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("remember", [0, 1, 4096])
def test_memory_changes_nothing(remember: int) -> None:
    verifier = JwtSvid(BUNDLES, audience=US, remember=remember, max_lifetime=timedelta(minutes=10))
    tokens = [jwt(sub=f"spiffe://{PROD}/{name}") for name in "abc"]
    for _ in range(2):
        assert [evidence(verifier, sent(one)).subject for one in tokens] == [
            f"spiffe://{PROD}/{name}" for name in "abc"
        ]
    assert len(verifier._known) == min(remember, 3)
    assert code(verifier, sent(tokens[2], now=EXP + 10)) == "expired"
    assert code(verifier, sent(tokens[2], now=NOW - 11)) == "issued_in_future"
    undated = jwt(iat=...)
    assert code(verifier, sent(undated)) == "good"
    assert code(verifier, sent(undated, now=NOW - 900)) == "too_long_lived"
    assert code(verifier, sent(tokens[2])) == "good"
    forged = tokens[2][:-4] + ("AAAA" if tokens[2][-4:] != "AAAA" else "BBBB")
    assert code(verifier, sent(forged)) != "good"


def test_keys_that_are_withdrawn_end_what_is_remembered() -> None:
    url = "https://prod.example/bundle"
    web = Web({url: bundle(jwt_entry(SIGNER))})
    verifier = JwtSvid(TrustBundle(PROD, endpoint=url), audience=US)
    assert [one.__name__ for one in verifier.needs] == ["Fetch"]
    token = sent(jwt())
    assert code(verifier, token, Sources(web)) == "good"
    web.publish(url, bundle(jwt_entry(signer("ES256", "prod-2"))), NOW)
    assert code(verifier, token, Sources(web)) == "unknown_key"


def test_an_unknown_key_is_looked_for_once_more() -> None:
    url, new = "https://prod.example/bundle", signer("ES256", "prod-2")
    web = Web()
    web.publish(url, bundle(jwt_entry(SIGNER)), NOW)
    verifier = JwtSvid(TrustBundle(PROD, endpoint=url), audience=US)
    assert code(verifier, sent(jwt(new)), Sources(web)) == "unknown_key"
    assert [one.newer_than for one in web.asked] == [-math.inf, NOW]

    class Renewing(Web):
        def answer(self, ask: Any, timeout: float) -> Any:
            if ask.newer_than > 0:
                self.publish(url, bundle(jwt_entry(SIGNER), jwt_entry(new)), NOW)
            return super().answer(ask, timeout)

    renewing = Renewing()
    renewing.publish(url, bundle(jwt_entry(SIGNER)), NOW)
    verifier = JwtSvid(TrustBundle(PROD, endpoint=url), audience=US)
    assert code(verifier, sent(jwt(new)), Sources(renewing)) == "good"
    assert len(renewing.asked) == 2


def test_a_bundle_that_is_down() -> None:
    verifier = JwtSvid(TrustBundle(PROD, endpoint="https://prod.example/bundle"), audience=US)
    decision = decide(verifier.valid, sent(jwt()), Sources(Web()))
    assert isinstance(decision, Challenge)
    assert decision.reason.code == "source_down"


def test_the_longest_life() -> None:
    verifier = JwtSvid(BUNDLES, audience=US, max_lifetime=timedelta(minutes=5))
    assert code(verifier, sent(jwt())) == "good"
    assert code(verifier, sent(jwt(exp=EXP + 10))) == "good"
    assert code(verifier, sent(jwt(exp=EXP + 11))) == "too_long_lived"


def test_the_longest_life_is_a_day_unless_it_is_said() -> None:
    day = int(NOW) + 86400
    assert code(SVID, sent(jwt(exp=day))) == "good"
    assert code(SVID, sent(jwt(exp=day + 11))) == "too_long_lived"
    assert code(JwtSvid(BUNDLES, audience=US, max_lifetime=None), sent(jwt(exp=day * 2))) == "good"


# --- Where it comes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], "not_presented"),
        ([(b"authorization", b"Basic YTpi")], "not_presented"),
        ([(b"authorization", b"DPoP a.b.c")], "not_presented"),
        ([(b"authorization", b"Bearer a b")], "malformed"),
        ([(b"authorization", b"Bearer a.b.c"), (b"authorization", b"Bearer a.b.c")], "duplicate_header"),
        ([(b"authorization", b"Bearer a.b.c.d.e")], "encrypted"),
        ([(b"authorization", b"Bearer a.b.c")], "malformed"),
        ([(b"authorization", b"Bearer a")], "malformed"),
        ([(b"x-svid", b"a.b.c")], "not_presented"),
    ],
)
def test_what_is_not_one(headers: list[tuple[bytes, bytes]], expected: str) -> None:
    assert code(SVID, AccessRequest(now=NOW, headers=headers)) == expected


def test_in_a_header_of_its_own() -> None:
    verifier = JwtSvid(BUNDLES, audience=US, carrier=Carrier("x-svid"))
    assert code(verifier, AccessRequest(now=NOW, headers=[(b"x-svid", jwt().encode())])) == "good"
    assert isinstance(found(verifier, sent(jwt())), Absent)


def test_the_longest() -> None:
    assert code(JwtSvid(BUNDLES, audience=US, max_length=256), sent(jwt(padding="x" * 300))) == "too_large"


# --- Bound to a certificate -------------------------------------------------------------------------------------------


def test_one_that_is_bound_to_a_certificate_counts_with_it_only() -> None:
    mine, others = svid(), svid()
    thumbprint = urlsafe_b64encode(sha256(mine.der).digest()).rstrip(b"=").decode()
    bound = jwt(cnf={"x5t#S256": thumbprint})
    for _ in range(2):
        assert code(SVID, sent(bound, peer=Peer(mine.ders))) == "good"
        assert code(SVID, sent(bound, peer=Peer(others.ders))) == "key_mismatch"
        assert code(SVID, sent(bound)) == "proof_required"
    for cnf in ({}, {"jkt": "a"}, {"jwk": SIGNER.jwk}, None, "a", {"x5t#S256": thumbprint, "kid": "a"}):
        assert code(SVID, sent(jwt(cnf=cnf), peer=Peer(mine.ders))) == "proof_required"


# --- Leaves and remedies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("leaf", "answer"),
    [
        (SVID.valid, "yes"),
        (SVID.spiffe(LEDGER), "yes"),
        (SVID.spiffe(f"spiffe://{PROD}/a"), "no"),
        (SVID.trust_domain(PROD), "yes"),
        (SVID.trust_domain(PARTNER), "no"),
        (SVID.path("/ns/shop"), "yes"),
        (SVID.path("/ns/sho"), "no"),
        (SVID.that(lambda one: one.claims["aud"] == [US], "for us alone"), "yes"),
    ],
    ids=str,
)
def test_leaves(leaf: Any, answer: str) -> None:
    assert verdict(leaf, sent(jwt())) == answer


def test_a_caller_without_one_is_told_to_get_one() -> None:
    decision = decide(SVID.spiffe(LEDGER), AccessRequest(now=NOW), NO_SOURCES)
    assert not isinstance(decision, Allow)
    assert decision.reason.code == "not_presented"
    decision = decide(SVID.valid, AccessRequest(now=NOW), NO_SOURCES)
    assert isinstance(decision, Challenge)
    assert str(decision.remedy) == f"get a JWT-SVID for {US}"
    assert SVID.action(Rejected(refusal(SVID, sent("a.b.c")))) is Action.SIGN_IN


def test_blank() -> None:
    assert SVID.blank(NOW) == JwtSvidEvidence(f"spiffe://{PROD}", "", NOW, math.inf)


def test_beside_a_token() -> None:
    token = Bearer(Issuer("https://a.example"), audience="a")
    with pytest.raises(PolicyError, match="nothing links"):
        _ = (SVID.valid & token.valid).program
    beside = JwtSvid(BUNDLES, audience=US, beside=token, carrier=Carrier("x-svid"))
    assert len((beside.valid & token.valid).program.verifiers) == 2


make: Any = JwtSvid  # callers are not all typed


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: make(PROD, audience=US), 'TrustBundle("prod.example", pem)'),
        (lambda: make(TrustBundle(PROD, AUTHORITY.pem), audience=US), "and no list of certificates"),
        (lambda: make(BUNDLES, audience=""), "audience takes"),
        (lambda: make(BUNDLES, audience=[]), "audience takes"),
        (lambda: make(BUNDLES, audience=US, name="a b"), "name='a b'"),
        (lambda: make(BUNDLES, audience=US, leeway=timedelta(minutes=3)), "leeway=3 min"),
        (lambda: make(BUNDLES, audience=US, leeway=5), "leeway is a span"),
        (lambda: make(BUNDLES, audience=US, max_lifetime=timedelta(0)), "max_lifetime"),
        (lambda: make(BUNDLES, audience=US, max_length=10), "max_length=10"),
        (lambda: make(BUNDLES, audience=US, remember=-1), "remember=-1"),
        (lambda: make(BUNDLES, audience=US, beside="token"), "beside takes a verifier"),
        (lambda: make(BUNDLES, audience=US, carrier="x-svid"), "carrier takes"),
        (lambda: SVID.spiffe("spiffe://stranger.example/a"), "can never hold"),
        (lambda: SVID.spiffe(), "takes one or more"),
        (lambda: SVID.that("a", "b"), "takes a function"),  # type: ignore[arg-type]
        (lambda: SVID.that(_waits, "b"), "plain function"),  # type: ignore[arg-type]
    ],
)
def test_mistakes(mistake: Any, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        mistake()
    assert message in str(raised.value)


async def _waits(evidence: JwtSvidEvidence) -> bool:
    return True


# --- Against another implementation -----------------------------------------------------------------------------------

THEIRS = JwtBundle.parse(OracleDomain(PROD), bundle(jwt_entry(SIGNER)))
VALUES: list[object] = [..., None, "", "a", 0, -1, True, 1.5, 2**40, [], ["a"], [US], US, {}, LEDGER, f"{LEDGER}/", EXP]


def their_refusal(token: str) -> str:
    """Why the oracle refuses it; empty if it does not."""
    try:
        OracleSvid.parse_and_validate(token, THEIRS, {US})
    except (PySpiffeError, ValueError, TypeError) as error:
        return str(error) or type(error).__name__
    return ""


@given(st.dictionaries(st.sampled_from(["sub", "aud", "exp", "iss", "jti", "x"]), st.sampled_from(VALUES), max_size=3))
def test_never_laxer_than_another_implementation(claims: dict[str, object]) -> None:
    token = jwt(**{"exp": 4_000_000_000, "iat": ..., **claims})
    if code(SVID, sent(token)) == "good":
        refused = their_refusal(token)
        assert not refused or "expired" in refused  # by its own clock


@given(st.text("abc.-_ABC=\n", max_size=60))
def test_any_text(token: str) -> None:
    assert code(SVID, sent(token)) != "good"
