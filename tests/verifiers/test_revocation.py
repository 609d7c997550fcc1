"""What is revoked does not count, from the moment on at which the revocation was answered; what it costs to know."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.verifiers.kept import Kept
from tests.verifiers.tokens import NOW, OMIT, URL, bearer, code, found, mint, request, static
from zerotrust.core.ask import Ask, Gather, Lookup, Put, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Verified
from zerotrust.core.moments import hours, minutes, seconds
from zerotrust.driver import run
from zerotrust.engine import decide
from zerotrust.stores.notices import Changed, Listening
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.profile import Profile
from zerotrust.verifiers.revocation import SPACE, Revocation
from zerotrust.verifiers.token_evidence import TokenEvidence

T = TypeVar("T")
Revoke = Callable[[Revocation], Gather[None]]


def verdict(verifier: Bearer, token: str, kept: Kept, now: float = NOW) -> str:
    return code(found(verifier, request(token, now=now), kept.sources))


def evidence_of(token: str) -> TokenEvidence:
    finding = found(bearer(), request(token))
    assert isinstance(finding, Verified)
    return finding.evidence


TOKEN = mint(sid="s1")
EVIDENCE = evidence_of(TOKEN)
NOT_THIS = [mint(jti="2", sub="bob", sid="s2", client_id="app"), mint(jti="2", sub="bob", client_id=OMIT)]

WAYS: dict[str, Revoke] = {
    "the evidence": lambda it: it.revoke(EVIDENCE, NOW),
    "jti": lambda it: it.revoke_token(URL, "1", NOW),
    "jti until it expires": lambda it: it.revoke_token(URL, "1", NOW, until=NOW + 300),
    "session": lambda it: it.revoke_session(URL, "s1", NOW),
    "session and subject": lambda it: it.revoke_session(URL, "s1", NOW, subject="ada"),
    "subject": lambda it: it.revoke_subject(URL, "ada", NOW),
    "subject by moment": lambda it: it.revoke_issued_before(NOW, URL, NOW, subject="ada"),
    "client": lambda it: it.revoke_issued_before(NOW, URL, NOW, client="web"),
    "logout of the session": lambda it: it.revoke_logged_out(URL, NOW, NOW, sid="s1"),
    "logout of the subject": lambda it: it.revoke_logged_out(URL, NOW, NOW, subject="ada"),
}


@pytest.mark.parametrize("remember", [0, 2, 4096])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_refuses_what_it_names_and_nothing_else(way: str, remember: int) -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation, remember=remember)
    for one in (TOKEN, *NOT_THIS, TOKEN):
        assert verdict(token, one, kept) == "verified"
    run(WAYS[way](revocation), kept.sources)
    for _ in range(2):
        assert verdict(token, TOKEN, kept) == "rejected revoked"
        for one in NOT_THIS:
            assert verdict(token, one, kept) == "verified"


def test_the_whole_issuer() -> None:
    kept, revocation = Kept(), Revocation()
    other = "https://other.example"
    token = bearer(static(), static(other), revocation=revocation)
    run(revocation.revoke_issued_before(NOW, URL, NOW), kept.sources)
    assert verdict(token, TOKEN, kept) == "rejected revoked"
    assert verdict(token, mint(iss=other), kept) == "verified"
    assert verdict(token, mint(iat=NOW + 1), kept) == "verified"


@pytest.mark.parametrize("way", ["jti", "session", "subject", "client"])
def test_names_are_those_of_one_issuer(way: str) -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(static("https://other.example"), revocation=revocation)
    run(WAYS[way](Revocation()), kept.sources)
    assert verdict(token, mint(iss="https://other.example", sid="s1"), kept) == "verified"


@pytest.mark.parametrize("names", [("sub", "x", "s"), ("a", "b")])
def test_names_that_run_into_each_other_stay_apart(names: tuple[str, ...]) -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation)
    run(revocation.revoke_token(URL, '1", "x', NOW), kept.sources)
    run(revocation.revoke_session(URL, "1", NOW), kept.sources)
    run(revocation.revoke_subject(URL, "1", NOW), kept.sources)
    assert verdict(token, mint(jti="1", sid="2"), kept) == "verified"


# --- Issued before ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("iat", "expected"),
    [(NOW - 60, "rejected revoked"), (NOW, "rejected revoked"), (NOW + 1, "verified")],
)
def test_signing_in_again_helps_from_the_next_second_on(iat: int, expected: str) -> None:
    kept, revocation = Kept(), Revocation()
    run(revocation.revoke_subject(URL, "ada", NOW + 0.5), kept.sources)
    assert verdict(bearer(revocation=revocation), mint(iat=iat), kept, NOW + 1) == expected


@pytest.mark.parametrize("way", ["jti", "session"])
def test_ids_and_sessions_do_not_come_back(way: str) -> None:
    kept, revocation = Kept(), Revocation()
    run(WAYS[way](revocation), kept.sources)
    token = mint(iat=NOW + 1, jti="1", sid="s1")
    assert verdict(bearer(revocation=revocation), token, kept, NOW + 1) == "rejected revoked"


def test_one_after_the_other() -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation)
    for sub in ("bob", "eve", "ada"):
        assert verdict(token, TOKEN, kept) == "verified"
        run(revocation.revoke_subject(URL, sub, NOW), kept.sources)
    assert verdict(token, TOKEN, kept) == "rejected revoked"


def test_an_earlier_moment_does_not_take_a_later_one_back() -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation)
    run(revocation.revoke_issued_before(NOW, URL, NOW, subject="ada"), kept.sources)
    run(revocation.revoke_issued_before(NOW - 100, URL, NOW, subject="ada"), kept.sources)
    assert verdict(token, mint(iat=NOW - 50), kept) == "rejected revoked"
    run(revocation.revoke_issued_before(NOW + 3, URL, NOW, subject="ada"), kept.sources)
    assert verdict(token, mint(iat=NOW + 3), kept) == "rejected revoked"


def test_two_who_revoke_at_once_end_with_the_later_moment() -> None:
    kept, revocation = Kept(), Revocation()
    late, early = (revocation.revoke_issued_before(at, URL, NOW, subject="ada") for at in (NOW, NOW - 100))
    question = next(early)  # looks, and finds nothing
    run(late, kept.sources)
    _finish(early, question, kept)
    assert verdict(bearer(revocation=revocation), mint(iat=NOW - 50), kept) == "rejected revoked"


def _finish(begun: Gather[None], question: Ask[Any], kept: Kept) -> None:
    with suppress(StopIteration):
        while True:
            question = begun.send(kept.answer(question, 1.0))


@pytest.mark.parametrize("value", [b"nan", b"inf", b"soon", b"", b"\xff", b"9" * 400, b"-inf", b"-1"])
def test_a_record_that_makes_no_sense_refuses(value: bytes) -> None:
    kept, revocation = Kept(), Revocation()
    run(revocation.revoke_subject(URL, "ada", NOW - 100), kept.sources)
    kept.store.answer(Put(SPACE, advanced(revocation), value, NOW + 900, NOW), 1.0)
    assert verdict(bearer(revocation=revocation), TOKEN, kept) == "rejected revoked"


def advanced(revocation: Revocation) -> bytes:
    """The key of the record about ada."""
    question = next(revocation.revoke_subject(URL, "ada", NOW))
    assert isinstance(question, Lookup)
    return question.key


# --- Two names -------------------------------------------------------------------------------------------------------
def entra_like(issuer: str) -> Profile:
    return Profile(iss=frozenset({issuer}), translate=lambda claims: {"iss": URL, "sub": str(claims.get("oid"))})


@pytest.mark.parametrize("name", ["ada", "oid-1"])
@pytest.mark.parametrize("issuer", [URL, "https://tenant.example"])
@pytest.mark.parametrize("session", [False, True])
def test_both_names_of_a_subject_and_of_an_issuer(name: str, issuer: str, session: bool) -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(static(profile=entra_like("https://tenant.example")), revocation=revocation)
    shown = mint(iss="https://tenant.example", oid="oid-1")
    assert verdict(token, shown, kept) == "verified"
    revoke = revocation.revoke_session(issuer, "s9", NOW, subject=name) if session else None
    run(revoke or revocation.revoke_subject(issuer, name, NOW), kept.sources)
    assert verdict(token, shown, kept) == "rejected revoked"


# --- Sessions --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sid", "iat", "expected"),
    [
        ("s1", NOW, "rejected revoked"),
        ("s2", NOW, "verified"),
        (OMIT, NOW, "rejected revoked"),
        (OMIT, NOW + 1, "verified"),
        (7, NOW, "rejected revoked"),
    ],
)
def test_a_token_that_names_no_session_may_belong_to_the_one_that_ended(sid: object, iat: int, expected: str) -> None:
    kept, revocation = Kept(), Revocation()
    run(revocation.revoke_session(URL, "s1", NOW, subject="ada"), kept.sources)
    assert verdict(bearer(revocation=revocation), mint(sid=sid, iat=iat), kept, NOW + 1) == expected


# --- What it costs ---------------------------------------------------------------------------------------------------
def test_one_question_per_request_in_the_steady_state() -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation)
    assert verdict(token, TOKEN, kept) == "verified"
    assert kept.lookups() == 6  # the epoch, jti, sid, sub, client_id, iss
    for moment in range(50):
        assert verdict(token, TOKEN, kept, NOW + moment) == "verified"
        assert kept.lookups() == 1
    run(revocation.revoke_subject(URL, "bob", NOW), kept.sources)
    kept.asked.clear()
    assert verdict(token, TOKEN, kept, NOW + 50) == "verified"
    assert kept.lookups() == 6
    assert verdict(token, TOKEN, kept, NOW + 51) == "verified"
    assert kept.lookups() == 1
    assert set(kept.asked) <= {"Lookup"}


def test_within_a_while_no_question_at_all() -> None:
    kept, revocation = Kept(), Revocation(within=seconds(5))
    token = bearer(revocation=revocation)
    assert verdict(token, TOKEN, kept) == "verified"
    kept.lookups()
    for moment in (NOW, NOW + 2, NOW + 4.999):
        assert isinstance(token.find(request(TOKEN, now=moment)), Verified)
    assert kept.lookups() == 0
    run(revocation.revoke_subject(URL, "ada", NOW + 1), kept.sources)
    kept.lookups()
    assert verdict(token, TOKEN, kept, NOW + 4.999) == "verified"  # no later than that
    assert verdict(token, TOKEN, kept, NOW + 5) == "rejected revoked"
    kept.lookups()
    assert verdict(token, TOKEN, kept, NOW + 4.999) == "rejected revoked"  # a clock set back asks anew
    assert kept.lookups() > 1


def test_a_clock_set_back_asks_anew_though_the_token_was_clear_by_then() -> None:
    kept, revocation = Kept(), Revocation(within=seconds(60))
    token = bearer(revocation=revocation)
    assert verdict(token, TOKEN, kept) == "verified"
    assert verdict(token, mint(jti="2"), kept, NOW + 100) == "verified"  # asks
    run(revocation.revoke_token(URL, "1", NOW), kept.sources)
    assert verdict(token, TOKEN, kept, NOW + 1) == "rejected revoked"


def test_a_notice_makes_it_look_at_once() -> None:
    kept, revocation = Kept(), Revocation(within=hours(1))
    token = bearer(revocation=revocation)
    assert verdict(token, TOKEN, kept) == "verified"
    with kept.store.subscribe(SPACE) as notices:
        assert notices.get(timeout=1) == Listening()
        run(revocation.revoke_subject(URL, "ada", NOW), kept.sources)
        assert isinstance(notices.get(timeout=1), Changed)
        assert verdict(token, TOKEN, kept) == "verified"
        revocation.look_again()
    assert verdict(token, TOKEN, kept) == "rejected revoked"


@usually(60)
@given(
    steps=st.lists(st.tuples(st.floats(-20, 20), st.sampled_from(["show", "revoke"])), min_size=1, max_size=20),
    within=st.sampled_from([0, 1, 5]),
)
def test_no_revocation_counts_later_than_within(steps: list[tuple[float, str]], within: int) -> None:
    kept, revocation = Kept(), Revocation(within=seconds(within))
    token = bearer(static(), revocation=revocation)
    shown = mint(iat=NOW - 100, exp=NOW + 600)
    now, revoked_at = float(NOW), math.inf
    asked: list[float] = []
    for step, action in steps:
        now += step
        if action == "revoke":
            run(revocation.revoke_subject(URL, "ada", now), kept.sources)
            revoked_at = min(revoked_at, len(asked))
            continue
        result = verdict(token, shown, kept, now)
        if revoked_at is not math.inf and result == "verified":
            # Only on the word of a question that was put before the revocation, and less than `within` ago.
            assert any(0 <= now - moment < within for moment in asked[: int(revoked_at)])
        asked.append(now)


# --- Races and losses ------------------------------------------------------------------------------------------------
def test_records_are_there_before_the_epoch_says_so_and_it_announces() -> None:
    for way in WAYS.values():
        kept, revocation = Kept(), Revocation()
        run(way(revocation), kept.sources)
        assert [put.announce for put in kept.puts][-1] is True
        assert not any(put.announce for put in kept.puts[:-1])
        assert kept.puts[-1].until == math.inf


def test_interrupted_at_any_point_it_says_so_and_can_be_done_again() -> None:
    for way in WAYS.values():
        for step in range(10):
            kept, revocation = Kept(), Revocation()
            token = bearer(revocation=revocation)
            assert verdict(token, TOKEN, kept) == "verified"
            kept.fails_after = step
            try:
                run(way(revocation), kept.sources)
            except SourceFailed:
                kept.fails_after = math.inf
                run(way(revocation), kept.sources)
            kept.fails_after = math.inf
            assert verdict(token, TOKEN, kept) == "rejected revoked"


def test_a_record_without_its_epoch_counts_a_minute_later() -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation)
    assert verdict(token, TOKEN, kept) == "verified"
    kept.fails_after = 1
    with pytest.raises(SourceFailed):
        run(revocation.revoke_token(URL, "1", NOW), kept.sources)
    kept.fails_after = math.inf
    assert verdict(token, TOKEN, kept, NOW + 59) == "verified"
    assert verdict(token, TOKEN, kept, NOW + 60) == "rejected revoked"


def test_a_store_that_lost_the_epoch_or_went_back_to_an_older_one() -> None:
    for epoch in (None, b"16 random octets[[86400, 5]]"):
        kept, revocation = Kept(), Revocation()
        token = bearer(revocation=revocation)
        if epoch is not None:
            kept.store.answer(Put(SPACE, b"epoch", epoch, math.inf, NOW), 1.0)
        assert verdict(token, TOKEN, kept) == "verified"
        run(revocation.revoke_subject(URL, "ada", NOW), kept.sources)
        kept.store.answer(Put(SPACE, b"epoch", epoch, math.inf, NOW), 1.0)
        assert verdict(token, TOKEN, kept, NOW + 60) == "rejected revoked"


def test_a_clock_that_was_ahead_does_not_make_a_clearance_last() -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation)
    assert verdict(token, TOKEN, kept, NOW + 100) == "verified"
    kept.fails_after = 1
    with pytest.raises(SourceFailed):
        run(revocation.revoke_token(URL, "1", NOW), kept.sources)
    kept.fails_after = math.inf
    assert verdict(token, TOKEN, kept) == "rejected revoked"


def test_whenever_it_falls_into_the_checks_of_a_request_the_next_one_is_refused() -> None:
    for position in range(7):
        kept, revocation = Kept(), Revocation()
        token = bearer(revocation=revocation)
        steps = cast("Any", token.find(request(TOKEN)))
        answer: Any = None
        with suppress(StopIteration):
            for step in range(20):
                if step == position:
                    run(revocation.revoke_session(URL, "s1", NOW), kept.sources)
                answer = kept.answer(steps.send(answer), 1.0)
        assert verdict(token, TOKEN, kept) == "rejected revoked"


def test_a_store_that_is_down_lets_nobody_in() -> None:
    kept = Kept()
    for revocation in (Revocation(), Revocation(within=seconds(5))):
        token = bearer(revocation=revocation)
        assert verdict(token, TOKEN, kept) == "verified"
        kept.fails_after = 0
        assert verdict(token, TOKEN, kept, NOW + 10) == "unavailable source_down"
        kept.fails_after = 1
        assert verdict(token, mint(jti="9"), kept, NOW + 10) == "unavailable source_down"
        kept.fails_after = 0
        assert not decide(token.valid, request(TOKEN, now=NOW + 20), kept.sources)
        kept.fails_after = math.inf


# --- How long --------------------------------------------------------------------------------------------------------
def test_a_record_outlives_every_token_that_it_is_about() -> None:
    revocation = Revocation(longest_life=hours(1))
    for name, way in WAYS.items():
        kept = Kept()
        token = bearer(revocation=revocation, leeway=minutes(2), remember=0)
        life = 300 if name in {"the evidence", "jti until it expires"} else 3600
        shown, last = mint(sid="s1", exp=NOW + life), NOW + life + 119
        run(way(revocation), kept.sources)
        assert verdict(token, shown, kept, last) == "rejected revoked", name
    # One whose issuer's clock is ahead as far as may be.
    kept = Kept()
    run(revocation.revoke_session(URL, "s1", NOW), kept.sources)
    ahead = mint(sid="s1", iat=NOW + 120, exp=NOW + 120 + 3600)
    assert verdict(bearer(revocation=revocation, leeway=minutes(2)), ahead, kept, NOW + 3839) == "rejected revoked"


def test_records_are_forgotten_in_the_end() -> None:
    kept, revocation = Kept(), Revocation(longest_life=hours(1))
    run(revocation.revoke_token(URL, "1", NOW), kept.sources)
    assert kept.puts[0].until == NOW + 3600 + 240


def test_a_token_that_lives_longer_is_refused() -> None:
    kept = Kept()
    token = bearer(revocation=Revocation(longest_life=minutes(5)))
    assert verdict(token, TOKEN, kept) == "verified"
    for _ in range(2):
        assert verdict(token, mint(exp=NOW + 301), kept) == "rejected too_long_lived"


def test_an_expired_token_needs_no_revocation() -> None:
    kept, revocation = Kept(), Revocation()
    run(revocation.revoke(EVIDENCE, NOW + 900), kept.sources)
    run(revocation.revoke_token(URL, "1", NOW + 900, until=NOW + 300), kept.sources)
    assert not kept.asked


def test_evidence_that_does_not_say_how_long_it_lives() -> None:
    for claims in ({}, {"iat": NOW}, {"exp": NOW + 1}, {"iat": True, "exp": NOW}, {"iat": None, "exp": NOW}):
        evidence = TokenEvidence(URL, "ada", NOW, NOW + 60, cast("Any", claims))
        refused = run(Revocation().check(evidence, NOW, None))
        assert refused is not None
        assert refused.code == "missing_claim"


# --- Configuration ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "options",
    [{"within": 5}, {"within": hours(2)}, {"longest_life": 3600}, {"longest_life": seconds(0)}, {"within": None}],
)
def test_options(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Revocation(**options)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda it: it.revoke_token("", "1", NOW),
        lambda it: it.revoke_token(URL, None, NOW),
        lambda it: it.revoke_token(URL, "1", NOW, until="tomorrow"),
        lambda it: it.revoke_session(URL, b"s1", NOW),
        lambda it: it.revoke_subject(URL, "", NOW),
        lambda it: it.revoke_subject(URL, "ada", None),
        lambda it: it.revoke_issued_before(math.nan, URL, NOW),
        lambda it: it.revoke_issued_before(math.inf, URL, NOW),
        lambda it: it.revoke_issued_before(True, URL, NOW),
        lambda it: it.revoke_issued_before(NOW * 1e6, URL, NOW),
        lambda it: it.revoke_issued_before(NOW, URL, NOW, subject="ada", client="web"),
        lambda it: it.revoke_issued_before(NOW, URL, "now"),
        lambda it: it.revoke_logged_out(URL, NOW, NOW),
        lambda it: it.revoke(evidence_of(mint(jti=OMIT)), NOW),
    ],
)
def test_a_mistake_shows_where_it_is_written(wrong: Any) -> None:
    with pytest.raises(ConfigError):
        wrong(Revocation())


def test_nothing_of_a_token_is_kept_in_the_clear() -> None:
    for way in WAYS.values():
        kept, revocation = Kept(), Revocation()
        run(way(revocation), kept.sources)
        told = b"".join(put.key + (put.value or b"") for put in kept.puts)
        assert all(name not in told for name in (b"ada", b"s1", b"web", URL.encode()))
