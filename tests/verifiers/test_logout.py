"""Logout tokens: OpenID Connect Back-Channel Logout 1.0 section 2.6, and what they revoke."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.verifiers.kept import Kept
from tests.verifiers.logout_tokens import back_channel, logout_claims, logout_token
from tests.verifiers.tokens import (
    ISSUER,
    JWKS,
    METADATA,
    NOW,
    OMIT,
    URL,
    Web,
    bearer,
    drive,
    jwks,
    outcome,
    page,
    published,
    signer,
    static,
)  # fmt: skip
from tests.verifiers.tokens import mint as access_token
from zerotrust.core.ask import Advance, Gather, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import minutes, seconds
from zerotrust.core.reason import UNSUITABLE_KEY, Reason
from zerotrust.driver import Sources, run
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.logout import EVENT, BackChannelLogout, Logout
from zerotrust.verifiers.profile import Profile
from zerotrust.verifiers.revocation import Revocation

OTHER = signer()


def told(logout: BackChannelLogout, token: str, kept: Kept | None = None, now: float = NOW) -> str:
    result = run(logout.logging_out(token, now), (kept or Kept()).sources)
    return result.code if isinstance(result, Reason) else "done"


# --- Section 2.6 -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "done"),
        ({"sub": OMIT}, "done"),
        ({"sid": OMIT}, "done"),
        ({"sub": OMIT, "sid": OMIT}, "missing_claim"),
        ({"sub": "", "sid": OMIT}, "wrong_claim_type"),
        ({"sub": None}, "wrong_claim_type"),
        ({"sid": 7}, "wrong_claim_type"),
        ({"sid": ""}, "wrong_claim_type"),
        ({"iss": OMIT}, "missing_claim"),
        ({"iss": "https://other.example"}, "unknown_issuer"),
        ({"iss": URL + "/"}, "unknown_issuer"),
        ({"iss": [URL]}, "wrong_claim_type"),
        ({"aud": OMIT}, "missing_claim"),
        ({"aud": "another"}, "wrong_audience"),
        ({"aud": ["app"]}, "done"),
        ({"aud": ["app", "another"]}, "wrong_audience"),
        ({"aud": []}, "wrong_audience"),
        ({"aud": ["app", 7]}, "wrong_claim_type"),
        ({"aud": {"app": 1}}, "wrong_claim_type"),
        ({"iat": OMIT}, "missing_claim"),
        ({"iat": NOW + 10}, "done"),
        ({"iat": NOW + 11}, "issued_in_future"),
        ({"iat": "now"}, "wrong_claim_type"),
        ({"iat": True}, "wrong_claim_type"),
        ({"exp": OMIT}, "missing_claim"),
        ({"exp": NOW - 9}, "done"),
        ({"exp": NOW - 10}, "expired"),
        ({"exp": 1e18}, "wrong_claim_type"),
        ({"nbf": NOW + 11}, "not_yet_valid"),
        ({"nbf": None}, "wrong_claim_type"),
        ({"jti": OMIT}, "missing_claim"),
        ({"jti": ""}, "wrong_claim_type"),
        ({"nonce": "n"}, "wrong_claim"),
        ({"nonce": None}, "wrong_claim"),
        ({"events": OMIT}, "missing_claim"),
        ({"events": {}}, "wrong_claim"),
        ({"events": [EVENT]}, "wrong_claim"),
        ({"events": EVENT}, "wrong_claim"),
        ({"events": {EVENT: None}}, "wrong_claim"),
        ({"events": {EVENT: []}}, "wrong_claim"),
        ({"events": {EVENT: {"x": 1}}}, "wrong_claim"),
        ({"events": {EVENT.upper(): {}}}, "wrong_claim"),
        (
            {"events": {EVENT: {}, "https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}}},
            "wrong_claim",
        ),
        ({"else": {"not": "understood"}}, "done"),
    ],
    ids=str,
)
def test_claims(changes: dict[str, object], expected: str) -> None:
    kept = Kept()
    assert told(back_channel(), logout_token(**changes), kept) == expected
    assert bool(kept.asked) is (expected == "done")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"typ": "logout+jwt"}, "done"),
        ({"typ": "application/logout+JWT"}, "done"),
        ({"typ": "JWT"}, "wrong_type"),
        ({"typ": None}, "wrong_type"),
        ({"typ": "at+jwt"}, "wrong_type"),
        ({"typ": "secevent+jwt"}, "wrong_type"),
        ({"alg": "none"}, "algorithm"),
        ({"alg": "HS256"}, "algorithm"),
        ({"kid": "another"}, "unknown_key"),
        ({"crit": ["x"], "x": 1}, "critical_unknown"),
    ],
    ids=str,
)
def test_headers(header: dict[str, object], expected: str) -> None:
    kept = Kept()
    assert told(back_channel(), logout_token(header=header), kept) == expected


def test_jwt_as_a_type_only_when_asked_for() -> None:
    logout = back_channel(types={"logout+jwt", "JWT"})
    assert told(logout, logout_token(header={"typ": "JWT"})) == "done"
    assert told(logout, logout_token(header={"typ": None})) == "wrong_type"
    assert told(logout, logout_token(header={"typ": "at+jwt"})) == "wrong_type"


def test_neither_an_id_token_nor_an_access_token() -> None:
    id_token = logout_claims(events=OMIT, nonce="n", sub="ada")
    for claims in (id_token, {**id_token, "events": {EVENT: {}}}):
        for typ in ("JWT", "logout+jwt"):
            token = logout_token(header={"typ": typ}, **{"events": OMIT, **claims})
            assert told(back_channel(types={"JWT", "logout+jwt"}), token) in {"missing_claim", "wrong_claim"}
    assert told(back_channel(types={"JWT"}), access_token()) == "wrong_type"
    assert told(back_channel(types={"JWT"}), access_token(header={"typ": "JWT"}, aud="app")) == "missing_claim"
    # Nor the other way round, whoever it is meant for.
    assert outcome(bearer(audience="app"), logout_token()) == "rejected wrong_type"


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "a.b.c.d.e", "\udcff.x.y", "é", "x" * 20000])
def test_what_is_no_token(token: str) -> None:
    kept = Kept()
    assert told(back_channel(), token, kept) in {"malformed", "encrypted", "too_large"}
    assert not kept.asked


def test_another_key() -> None:
    kept = Kept()
    assert told(back_channel(), logout_token(OTHER), kept) == "bad_signature"
    assert not kept.asked


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@usually(150)
@given(changes=st.dictionaries(st.sampled_from(sorted(logout_claims())), ANYTHING, max_size=3))
def test_any_claims_are_taken_or_refused(changes: dict[str, Any]) -> None:
    result = told(back_channel(), logout_token(**changes))
    assert result == "done" or changes
    assert result != "done" or (
        changes.get("events", {EVENT: {}}) == {EVENT: {}} and changes.get("aud", "app") == "app"
    )


def test_leeway() -> None:
    assert told(back_channel(leeway=seconds(0)), logout_token(exp=NOW)) == "expired"
    assert told(back_channel(leeway=minutes(2)), logout_token(exp=NOW - 119)) == "done"


# --- Keys that are fetched -------------------------------------------------------------------------------------------
def test_keys_are_fetched_and_fetched_anew_when_they_rotate() -> None:
    kept, web, new = Kept(), published(), signer(kid="key-2")
    logout = back_channel(Issuer(URL))
    sources = Sources(kept, web)
    assert isinstance(run(logout.logging_out(logout_token(), NOW), sources), Logout)
    web.publish(JWKS, jwks(new), fetched_at=NOW)
    assert isinstance(run(logout.logging_out(logout_token(new, jti="l2"), NOW), sources), Logout)
    refused = run(logout.logging_out(logout_token(jti="l3"), NOW), sources)
    assert isinstance(refused, Reason)
    assert refused.code == "unknown_key"


def test_a_key_that_is_not_in_the_copy_at_hand_is_asked_for() -> None:
    new = signer(kid="key-2")
    logout = back_channel(Issuer(URL, jwks_uri=JWKS))
    asked, result = drive(logout.verifying(logout_token(new), NOW), [page(JWKS, jwks(ISSUER)), page(JWKS, jwks(new))])
    assert isinstance(result, Logout)
    assert [question.newer_than for question in asked] == [float("-inf"), NOW - 60]
    asked, refused = drive(logout.verifying(logout_token(header={"kid": "x"}), NOW), [page(JWKS, jwks(new))] * 2)
    assert isinstance(refused, Reason)
    assert len(asked) == 2


def test_nothing_is_fetched_for_a_token_that_could_not_be_good() -> None:
    kept, web = Kept(), Web({METADATA: b"x"})
    sources = Sources(kept, web)
    logout = back_channel(Issuer(URL))
    for token in ("x", logout_token(iss="https://x.example"), logout_token(header={"typ": "JWT"})):
        assert not run(logout.logging_out(token, NOW), sources)
    assert not web.asked
    with pytest.raises(SourceFailed):
        run(logout.logging_out(logout_token(), NOW), sources)


def test_the_key_has_to_fit_the_profile() -> None:
    profile = Profile(fits=lambda key, claims: UNSUITABLE_KEY() if claims.get("sub") == "ada" else None)
    logout = back_channel(static(profile=profile))
    assert told(logout, logout_token()) == "unsuitable_key"
    assert told(logout, logout_token(sub="bob")) == "done"


# --- What is revoked -------------------------------------------------------------------------------------------------
HERS = {
    "of the session": access_token(sid="s1"),
    "of another session": access_token(sid="s2", jti="2"),
    "without a session": access_token(jti="3"),
    "later": access_token(iat=NOW + 1, jti="4"),
    "bob's": access_token(sub="bob", jti="5"),
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sub": OMIT}, {"of the session"}),
        ({}, {"of the session", "without a session"}),
        ({"sid": OMIT}, {"of the session", "of another session", "without a session"}),
        ({"iat": NOW - 1}, {"of the session"}),
        ({"iat": NOW - 1, "sid": OMIT}, set()),
    ],
    ids=["sid", "sub and sid", "sub", "earlier", "sub, earlier"],
)
def test_what_it_names_is_revoked(changes: dict[str, object], expected: set[str]) -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation)
    assert told(back_channel(revocation=revocation), logout_token(**changes), kept) == "done"
    refused = {name for name, one in HERS.items() if outcome(token, one, sources=kept.sources) == "rejected revoked"}
    assert refused == expected


def test_what_it_says() -> None:
    result = run(back_channel().verifying(logout_token(), NOW))
    assert result == Logout(URL, "ada", "s1", NOW, "l1", NOW + 120)


# --- Once ------------------------------------------------------------------------------------------------------------
def test_a_second_time_it_is_refused_and_writes_nothing() -> None:
    kept, logout = Kept(), back_channel()
    assert told(logout, logout_token(), kept) == "done"
    kept.puts.clear()
    assert told(logout, logout_token(), kept) == "replayed"
    assert told(logout, logout_token(), kept, now=NOW + 129) == "replayed"
    assert not kept.puts
    assert told(logout, logout_token(jti="l2"), kept) == "done"


def test_ids_are_unique_within_an_issuer() -> None:
    kept, logout = Kept(), back_channel(static(), static("https://other.example"))
    assert told(logout, logout_token(), kept) == "done"
    assert told(logout, logout_token(iss="https://other.example"), kept) == "done"


def test_sent_twice_at_once_one_is_told_so() -> None:
    kept, logout = Kept(), back_channel()
    overtaken = logout.logging_out(logout_token(), NOW)
    unused = kept.answer(next(overtaken), 1.0)
    assert unused is None
    assert told(logout, logout_token(), kept) == "done"

    def rest() -> Gather[Logout | Reason]:
        answer: object = unused
        while True:
            try:
                question = overtaken.send(answer)
            except StopIteration as end:
                return cast("Logout | Reason", end.value)
            answer = yield question

    late = run(rest(), kept.sources)
    assert isinstance(late, Reason)
    assert late.code == "replayed"


def test_an_outage_at_any_point_leaves_it_to_be_sent_again() -> None:
    for step in range(8):
        kept, revocation = Kept(), Revocation()
        logout, token = back_channel(revocation=revocation), bearer(revocation=revocation)
        kept.fails_after = step
        try:
            told(logout, logout_token(), kept)
            done = True
        except SourceFailed:
            done = False
        kept.fails_after = float("inf")
        assert done or told(logout, logout_token(), kept) == "done"
        assert outcome(token, HERS["of the session"], sources=kept.sources) == "rejected revoked"
    assert done


# --- Configuration ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "options",
    [
        {"types": {"at+jwt"}}, {"types": ()}, {"client_id": ""}, {"client_id": ()}, {"revocation": None},
        {"leeway": minutes(3)}, {"leeway": 5},
    ],
    ids=str,
)  # fmt: skip
def test_options(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        back_channel(**options)


def test_issuers() -> None:
    assert len(BackChannelLogout((static(),), client_id="app", revocation=Revocation()).issuers) == 1
    for issuers in ((), (URL,), ((),), ((URL,),), (static(), static())):
        with pytest.raises(ConfigError):
            BackChannelLogout(*issuers, client_id="app", revocation=Revocation())


def test_what_it_asks() -> None:
    assert Advance in back_channel().needs
    assert {kind.__name__ for kind in back_channel(Issuer(URL)).needs} == {"Fetch", "Lookup", "Put", "Advance"}
    assert {kind.__name__ for kind in back_channel().needs} == {"Lookup", "Put", "Advance"}
