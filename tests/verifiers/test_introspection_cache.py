"""Answers that are kept: never beyond the token, never beyond `cache_for`, never because there is no newer one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.verifiers.introspecting import TOKEN, Server, answered, introspection
from tests.verifiers.tokens import NOW, OMIT, code, found, request
from zerotrust import Allow, decide, seconds
from zerotrust.core.ask import SourceFailed
from zerotrust.core.finding import Unavailable, Verified
from zerotrust.verifiers.introspection import Introspection


def outcome(verifier: Introspection, server: Server, now: float, token: str = TOKEN) -> str:
    return code(found(verifier, request(token, now=now), server.sources))  # type: ignore[arg-type]


def test_one_question_for_as_long_as_an_answer_counts() -> None:
    verifier, server = introspection(), Server()
    for later in (0, 1, 29.9):
        assert outcome(verifier, server, NOW + later) == "verified"
    assert server.count == 1
    assert outcome(verifier, server, NOW + 30) == "verified"
    assert server.count == 2


@pytest.mark.parametrize("options", [{"cache_for": seconds(0)}, {"remember": 0}])
def test_no_answer_is_kept_where_none_is_to_be(options: dict[str, object]) -> None:
    verifier, server = introspection(**options), Server()
    assert outcome(verifier, server, NOW) == outcome(verifier, server, NOW) == "verified"
    assert server.count == 2
    shared = [post.shared for post in server.asked]
    assert (shared == [None, None]) == ("cache_for" in options)


def test_the_end_of_the_token_ends_it() -> None:
    verifier, server = introspection(), Server(answered(exp=NOW + 5))
    assert outcome(verifier, server, NOW + 4) == "verified"
    server.says = {"active": False}
    assert outcome(verifier, server, NOW + 4.9) == "verified"
    assert outcome(verifier, server, NOW + 5) == "rejected not_active"  # no leeway: its issuer's clock decides


def test_an_answer_that_has_run_out_is_not_used_in_an_outage() -> None:
    verifier, server = introspection(), Server()
    assert outcome(verifier, server, NOW) == "verified"
    server.fail()
    assert outcome(verifier, server, NOW + 29) == "verified"
    assert outcome(verifier, server, NOW + 30) == "unavailable source_down"
    server.says = b"{"
    assert outcome(verifier, server, NOW + 30) == "unavailable source_refused"


def test_a_clock_that_is_set_back_keeps_no_answer_alive() -> None:
    verifier, server = introspection(), Server(answered(iat=OMIT))
    assert outcome(verifier, server, NOW) == "verified"
    server.says = {"active": False}
    assert outcome(verifier, server, NOW - 1) == "rejected not_active"
    assert outcome(verifier, server, NOW - 86400) == "rejected not_active"


def test_that_a_token_is_not_active_counts_for_seconds() -> None:
    verifier, server = introspection(), Server({"active": False})
    for later in (0, 1, 4.9):
        assert outcome(verifier, server, NOW + later) == "rejected not_active"
    assert server.count == 1
    server.says = answered()
    assert outcome(verifier, server, NOW + 4.9) == "rejected not_active"
    assert outcome(verifier, server, NOW + 5) == "verified"


@pytest.mark.parametrize("options", [{"cache_for": seconds(0)}, {"remember": 0}])
def test_that_a_token_is_not_active_is_not_kept_where_nothing_is_to_be(options: dict[str, object]) -> None:
    verifier, server = introspection(**options), Server({"active": False})
    assert outcome(verifier, server, NOW) == "rejected not_active"
    server.says = answered()
    assert outcome(verifier, server, NOW) == "verified"


def test_that_a_token_is_not_active_counts_no_longer_than_an_answer_and_not_before_it() -> None:
    verifier, server = introspection(cache_for=seconds(2)), Server({"active": False})
    assert outcome(verifier, server, NOW) == "rejected not_active"
    server.says = answered(iat=OMIT)
    assert outcome(verifier, server, NOW + 1.9) == "rejected not_active"
    assert outcome(verifier, server, NOW - 1) == "verified"
    assert outcome(introspection(), server, NOW + 2) == outcome(verifier, server, NOW + 2) == "verified"


@pytest.mark.parametrize("changes", [{"aud": "ledger"}, {"exp": NOW - 60}, {"token_type": OMIT}, {"cnf": {"jkt": "x"}}])
def test_what_is_not_good_for_another_reason_is_not_kept(changes: dict[str, object]) -> None:
    verifier, server = introspection(remember=1), Server(answered(**changes))
    assert outcome(verifier, server, NOW).startswith("rejected ")
    assert len(verifier._inactive) == 0
    server.fail()
    if "cnf" not in changes:  # such a token is good, and was not proven
        assert outcome(verifier, server, NOW) == "unavailable source_down"


def test_tokens_that_are_not_active_do_not_mix_and_take_little_room() -> None:
    verifier, server = introspection(), Server(lambda token: answered() if token == "good" else {"active": False})
    for number in range(1500):
        assert outcome(verifier, server, NOW, f"bad{number}") == "rejected not_active"
        assert len(verifier._inactive) <= 1024
    assert outcome(verifier, server, NOW, "good") == "verified"
    before = server.count
    assert (
        outcome(verifier, server, NOW, "bad1499") == outcome(verifier, server, NOW, "bad476") == "rejected not_active"
    )
    assert server.count == before
    assert outcome(verifier, server, NOW, "bad475") == "rejected not_active"
    assert server.count == before + 1
    small = introspection(remember=2)
    for token in ("bad1", "bad2", "bad3", "bad2"):
        assert outcome(small, server, NOW, token) == "rejected not_active"
    assert len(small._inactive) == 2
    assert server.count == before + 4
    assert "bad" not in repr(small._inactive)


def test_tokens_do_not_mix() -> None:
    verifier, server = introspection(), Server(lambda token: answered(sub=token))
    for token in ("one", "two", "one", "two"):
        finding = found(verifier, request(token), server.sources)  # type: ignore[arg-type]
        assert isinstance(finding, Verified)
        assert finding.evidence.subject == token
    assert server.count == 2


def test_a_flood_of_random_tokens_keeps_nothing() -> None:
    verifier = introspection(remember=16)
    server = Server(lambda token: answered() if token.startswith("good") else {"active": False})
    assert outcome(verifier, server, NOW, "good") == "verified"
    assert outcome(verifier, server, NOW, "good") == "verified"
    for number in range(200):
        assert outcome(verifier, server, NOW, f"bad{number}") == "rejected not_active"
        assert outcome(verifier, server, NOW, f"good{number}") == "verified"
    before = server.count
    assert outcome(verifier, server, NOW, "good") == "verified"
    assert server.count == before
    cache = verifier._demands.cache
    assert cache is not None
    assert len(cache) <= 16


def test_a_decision_that_is_kept_lasts_no_longer_than_the_answer() -> None:
    verifier, server = introspection(), Server()
    for now in (NOW, NOW + 20):
        decision = decide(verifier.valid, request(TOKEN, now=now), server.sources)
        assert isinstance(decision, Allow)
        assert decision.valid_until == NOW + 30


def test_posts_that_ask_the_same_say_so() -> None:
    server = Server()
    one, other = introspection(), introspection(hint=None)
    for verifier in (one, other):
        for token in ("a", "b"):
            outcome(verifier, server, NOW, token)
    assert len({post.shared for post in server.asked}) == 4
    again = introspection()
    outcome(again, server, NOW, "a")
    assert server.asked[-1].shared == server.asked[0].shared


def test_many_threads_and_one_token() -> None:
    verifier, server = introspection(), Server()
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda number: outcome(verifier, server, NOW + number % 30), range(400)))
    assert set(outcomes) == {"verified"}


# What happens: the clock moves, the issuer changes its mind, fails, or a request comes.
_STEPS = st.lists(
    st.one_of(
        st.floats(-40, 80, allow_nan=False),
        st.sampled_from(["revoke", "restore", "fail", "garbage"]),
        st.just("request"),
    ),
    max_size=40,
)


@given(_STEPS, st.sampled_from([0, 1, 7, 30, 900]), st.sampled_from([None, 5, 20, 60, 600]))
@example(["request", "revoke", 29.9, "request", 0.2, "request"], 30, None)
@example(["request", "fail", 31.0, "request"], 30, 600)
def test_whatever_happens_an_answer_is_as_young_as_configured(
    steps: list[float | str], cache_for: int, lives: int | None
) -> None:
    exp = OMIT if lives is None else NOW + lives
    good, now = answered(exp=exp, iat=OMIT), float(NOW)
    verifier, server = introspection(cache_for=seconds(cache_for)), Server(good)
    asked: list[tuple[float, bool]] = []  # when it was asked, and whether the answer was good
    inactive: list[float] = []  # when it was asked, and the answer was that the token is not active
    for step in steps:
        if isinstance(step, float):
            now += step
        elif step == "request":
            before = server.count
            finding = found(verifier, request(TOKEN, now=now), server.sources)  # type: ignore[arg-type]
            good_now = server.says is good
            if server.count > before:
                asked.append((now, good_now and (lives is None or now < NOW + lives + 10)))
                inactive += [now] if server.says == {"active": False} else []
                assert isinstance(finding, Verified) == asked[-1][1]
                assert isinstance(finding, Unavailable) == (isinstance(server.says, bytes | SourceFailed))
                continue
            if not isinstance(finding, Verified):  # not asked: it was not active a moment ago
                assert code(finding) == "rejected not_active"
                assert any(then <= now < then + min(cache_for, 5) for then in inactive)
                continue
            # Not asked: some good answer is young enough, was not given in the future, and the token lives.
            assert isinstance(finding, Verified)
            assert any(then <= now < then + cache_for for then, was_good in asked if was_good)
            assert lives is None or now < NOW + lives
            assert finding.evidence.expires_at > now
        elif step == "fail":
            server.fail()
        else:
            server.says = {"revoke": {"active": False}, "restore": good, "garbage": b"<html>"}[step]  # type: ignore[assignment]
