"""Logout tokens in the wrong place, and other tokens in theirs: Back-Channel Logout 1.0 section 4.1, RFC 8725 3.12."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

import pytest

from tests.verifiers.kept import Kept
from tests.verifiers.logout_tokens import back_channel, logout_claims, logout_token
from tests.verifiers.tokens import ISSUER, NOW, OMIT, URL, bearer, compact_json, mint, outcome, signer, splice, static
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.driver import run
from zerotrust.verifiers.logout import EVENT
from zerotrust.verifiers.profile import Profile
from zerotrust.verifiers.revocation import Revocation
from zerotrust.web.logout import logout_answer

LAX = back_channel(types={"logout+jwt", "JWT"})
HEADER = {"alg": "ES256", "kid": "key-1", "typ": "logout+jwt"}
OF_OTHERS: dict[str, dict[str, object]] = {
    "access token": {"client_id": "web", "scope": "pay", "events": OMIT},
    "ID token": {"nonce": "n", "at_hash": "x", "events": OMIT},
    "ID token with a made up event": {"nonce": "n"},
    "security event": {
        "events": {"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {"subject": {}}}
    },
    "security event with the logout event besides": {"events": {EVENT: {}, "https://x.example/event": {}}},
    "DPoP proof": {"htm": "POST", "htu": "https://api.example/", "events": OMIT},
    "client assertion": {"iss": "app", "sub": "app", "events": OMIT},
}


def refused(token: str, kept: Kept) -> str:
    result = run(LAX.logging_out(token, NOW), kept.sources)
    return result.code if isinstance(result, Reason) else "done"


@pytest.mark.parametrize("kind", OF_OTHERS)
@pytest.mark.parametrize("typ", ["logout+jwt", "JWT", "at+jwt", "secevent+jwt", "dpop+jwt", None])
def test_section_4_1_other_tokens_end_no_session(kind: str, typ: str | None) -> None:
    kept = Kept()
    assert refused(logout_token(header={"typ": typ}, **OF_OTHERS[kind]), kept) != "done"
    assert not kept.asked


@pytest.mark.parametrize("typ", ["logout+jwt", "JWT", None])
def test_section_4_1_a_logout_token_opens_nothing(typ: str | None) -> None:
    whole = {**logout_claims(aud="payments", client_id="web", scope="pay"), "exp": NOW + 300}
    token = ISSUER.token(whole, typ=typ)
    assert outcome(bearer(), token) == "rejected wrong_type"


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "HS256"},
        {**HEADER, "jwk": signer().jwk},
        {**HEADER, "jku": "https://evil.example/keys"},
        {**HEADER, "kid": "../../etc/passwd"},
        {**HEADER, "crit": ["b64"], "b64": False},
    ],
    ids=["none", "HS256", "jwk", "jku", "kid", "b64"],
)
def test_rfc_8725_section_3_1_headers_that_choose_their_own_key(header: dict[str, object]) -> None:
    kept, forger = Kept(), signer()
    assert refused(splice(compact_json(header), compact_json(logout_claims()), forger), kept) != "done"
    assert not kept.asked


def test_another_issuer_ends_no_session_of_ours() -> None:
    """One provider among several says what it likes of its own subjects only."""
    mine, theirs = static(), static("https://theirs.example", signer(kid="theirs"))
    logout, kept = back_channel(mine, theirs), Kept()
    forged = logout_token(iss="https://theirs.example")
    assert isinstance(run(logout.logging_out(forged, NOW), kept.sources), Reason)
    token = bearer(revocation=logout.revocation)
    run(Revocation().revoke_logged_out("https://theirs.example", NOW, NOW, sid="s1", subject="ada"), kept.sources)
    assert outcome(token, mint(sid="s1"), sources=kept.sources) == "verified"


def test_a_logout_token_for_another_client_of_the_same_provider() -> None:
    kept = Kept()
    for aud in ("another", ["another"], ["app", "another"], "App", "app ", ""):
        assert refused(logout_token(aud=aud), kept) == "wrong_audience"
    assert not kept.asked


def test_an_old_one_replayed_after_the_next_sign_in_ends_nothing() -> None:
    kept = Kept()
    old = logout_token(sid=OMIT, iat=NOW - 100)
    token = bearer(revocation=LAX.revocation)
    assert refused(old, kept) == "done"
    assert refused(old, kept) == "replayed"
    assert outcome(token, mint(iat=NOW - 99), sources=kept.sources) == "verified"


def test_members_twice_and_other_json_that_two_readers_read_differently() -> None:
    kept = Kept()
    payload = compact_json(logout_claims())
    for twice in (b'"aud":"another",', b'"nonce":1,"nonce":2,', b'"events":{},'):
        assert refused(splice(compact_json(HEADER), b"{" + twice + payload[1:], ISSUER), kept) == "malformed"
    nested = b'{"events":{"%s":{},"%s":{}},' % (EVENT.encode(), EVENT.encode())
    without = compact_json(logout_claims(events=OMIT))
    assert refused(splice(compact_json(HEADER), nested + without[1:], ISSUER), kept) == "malformed"
    assert not kept.asked


def test_cwe_209_the_answer_tells_nothing_of_who_is_known() -> None:
    """For a subject and a session that nobody has heard of, the answer is the same."""
    answers = set[object]()
    for sub, sid in (("ada", "s1"), ("nobody", "never")):
        body = urlencode({"logout_token": logout_token(sub=sub, sid=sid)}).encode()
        form = [(b"content-type", b"application/x-www-form-urlencoded")]
        asked = AccessRequest(now=NOW, method="POST", headers=form)
        answers.add(run(logout_answer(LAX, asked, body), Kept().sources))
    assert len(answers) == 1
    bad = urlencode({"logout_token": logout_token(sub="ada", nonce="n")}).encode()
    told = run(logout_answer(LAX, AccessRequest(now=NOW, method="POST", headers=form), bad), Kept().sources)
    assert set(json.loads(told.body)) == {"error", "error_description"}
    assert b"ada" not in told.body
    assert URL.encode() not in told.body


def test_a_tenant_under_a_name_that_no_evidence_has_ends_no_session() -> None:
    """What was revoked under it would be found by no token: the provider has to hear that nothing was done."""
    profile = Profile(
        iss=re.compile(r"https://[a-z]+\.(?:new|old)\.example"), sources=re.compile(r"https://[a-z]+\.new\.example")
    )
    logout, kept = back_channel(static(profile=profile)), Kept()
    told = run(logout.logging_out(logout_token(iss="https://a.old.example"), NOW), kept.sources)
    assert isinstance(told, Reason)
    assert told.code == "unknown_issuer"
    assert not kept.puts
    assert not isinstance(run(logout.logging_out(logout_token(iss="https://a.new.example"), NOW), kept.sources), Reason)
