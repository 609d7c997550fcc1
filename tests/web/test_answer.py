"""Decisions as HTTP: status by cause, the challenges of RFC 6750 and RFC 9470, problems by RFC 9457, and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.sample import (
    ABSENT,
    DOWN,
    NOW,
    NOWHERE,
    REJECTED,
    Done,
    Droppable,
    Told,
    acr,
    amr,
    fails,
    fresh,
    issued_by,
    refused,
    role,
    scope,
    valid,
    verified,
)
from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.finding import Finding, Rejected, Unavailable
from zerotrust.core.policy import Policy
from zerotrust.core.reason import DUPLICATE_HEADER, NO_SOURCE, SOURCE_TIMEOUT
from zerotrust.core.remedy import Action
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.web.answer import Answer, answer, undecided

GOOD = verified()
STALE = verified(auth_time=NOW - 3600)


def rendered(policy: Policy, **options: Any) -> tuple[int, str | None, dict[str, Any]]:
    """Status, challenge and problem of the refusal by `policy`."""
    made = answer(refused(policy), **options)
    return made.status, header(made, b"www-authenticate"), json.loads(made.body)


def header(made: Answer, name: bytes) -> str | None:
    found = [value for key, value in made.headers if key == name]
    assert len(found) <= 1
    return found[0].decode("ascii") if found else None


def told(finding: Finding[TokenEvidence], *leaves: Callable[[Told], Policy]) -> Policy:
    at = Told(finding)
    made = [leaf(at) for leaf in leaves]
    return made[0] if len(made) == 1 else made[0] & made[1]


def test_nothing_presented_is_challenged_without_an_error_code() -> None:
    """RFC 6750 section 3.1: no error code or other error information where no authentication information came."""
    status, challenge, problem = rendered(told(ABSENT, valid))
    assert (status, challenge) == (401, 'Bearer realm=""')
    assert problem == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "code": "not_presented",
        "detail": "nothing was presented",
    }


def test_the_first_challenge_says_already_what_a_token_needs() -> None:
    policy = told(ABSENT, lambda at: scope(at, "pay", "read"), lambda at: fresh(at, 299.5))
    status, challenge, problem = rendered(policy)
    assert (status, challenge) == (401, 'Bearer scope="pay read", max_age="299"')
    assert (problem["scope"], problem["max_age"]) == ("pay read", 299)


def test_a_bad_token_is_invalid() -> None:
    status, challenge, problem = rendered(told(REJECTED, valid))
    assert (status, challenge) == (401, 'Bearer error="invalid_token"')
    assert (problem["code"], problem["detail"]) == ("expired", "expired")


def test_a_token_that_expired_after_it_was_verified_is_invalid() -> None:
    status, challenge, problem = rendered(told(verified(expires_at=NOW), valid))
    assert (status, challenge, problem["code"]) == (401, 'Bearer error="invalid_token"', "expired")


def test_a_header_that_came_twice_is_an_invalid_request() -> None:
    status, challenge, problem = rendered(told(Rejected(DUPLICATE_HEADER(presented="2")), valid))
    assert (status, challenge) == (400, 'Bearer error="invalid_request"')
    assert (problem["title"], problem["code"]) == ("Bad Request", "duplicate_header")


def test_a_missing_scope_is_forbidden_and_named() -> None:
    status, challenge, problem = rendered(told(GOOD, lambda at: scope(at, "pay")))
    assert (status, challenge) == (403, 'Bearer error="insufficient_scope", scope="pay"')
    assert (problem["title"], problem["scope"]) == ("Forbidden", "pay")


def test_a_missing_scope_is_named_with_those_held() -> None:
    """A client asks anew for what it is told; told of the missing one alone, it would come back without the others."""
    policy = told(GOOD, lambda at: scope(at, "pay"), lambda at: scope(at, "read"))
    assert rendered(policy)[1] == 'Bearer error="insufficient_scope", scope="pay read"'


def test_a_scope_that_stands_in_the_way_is_not_asked_for() -> None:
    at = Told(GOOD)
    assert rendered(scope(at, "pay") | ~scope(at, "read"))[1] == 'Bearer error="insufficient_scope", scope="pay"'


def test_a_scope_that_has_to_go_is_not_asked_for_either() -> None:
    status, challenge, _ = rendered(~Droppable(("read",)).leaf(Told(GOOD)))
    assert (status, challenge) == (401, 'Bearer error="insufficient_user_authentication"')


@pytest.mark.parametrize(
    ("leaf", "parameters"),
    [
        (lambda at: fresh(at, 300), ', max_age="300"'),
        (lambda at: acr(at, "phr", "phrh"), ', acr_values="phr phrh"'),
        (
            lambda at: acr(at, "a", "b") & acr(at, "b", "c"),
            ', acr_values="b"',
        ),  # what one of them alone would take loops
        (lambda at: amr(at, "hwk"), ""),
        (lambda at: issued_by(at, "https://other.example"), ""),
    ],
)
def test_too_weak_a_sign_in_is_stepped_up(leaf: Callable[[Told], Policy], parameters: str) -> None:
    status, challenge, _ = rendered(told(STALE, leaf))
    assert (status, challenge) == (401, f'Bearer error="insufficient_user_authentication"{parameters}')


def test_a_stale_sign_in_without_a_scope_is_told_of_both_at_once() -> None:
    policy = told(STALE, lambda at: scope(at, "pay"), lambda at: fresh(at, 60))
    status, challenge, _ = rendered(policy)
    assert status == 401
    assert challenge == 'Bearer error="insufficient_user_authentication", scope="pay", max_age="60"'


def test_a_challenge_names_nothing_of_another_credential() -> None:
    at = Told(STALE)
    policy = fresh(at, 60) & scope(Told(GOOD, of=at), "read")
    assert rendered(policy)[1] == 'Bearer error="insufficient_user_authentication", max_age="60"'


def test_a_step_up_keeps_the_context_that_was_reached() -> None:
    policy = told(verified(auth_time=NOW - 3600, acr="phr"), lambda at: acr(at, "phr"), lambda at: fresh(at, 60))
    assert rendered(policy)[1] == 'Bearer error="insufficient_user_authentication", max_age="60", acr_values="phr"'


def test_the_least_age_asked_for_counts() -> None:
    assert rendered(told(STALE, lambda at: fresh(at, 60), lambda at: fresh(at, 600)))[2]["max_age"] == 60


def test_a_missing_role_is_forbidden_and_not_named() -> None:
    refusal = refused(told(GOOD, lambda at: role(at, "treasurer")))
    assert isinstance(refusal, Deny)
    made = answer(refusal)
    assert (made.status, header(made, b"www-authenticate")) == (403, None)
    assert b"treasurer" not in made.body


def test_a_missing_role_outweighs_a_missing_scope() -> None:
    """Signing in anew would not let the caller in, so nothing may send them there."""
    status, challenge, problem = rendered(told(GOOD, lambda at: scope(at, "pay"), lambda at: role(at, "treasurer")))
    assert (status, challenge) == (403, None)
    assert "scope" not in problem


def test_the_cheapest_of_several_ways_is_shown() -> None:
    at = Told(GOOD)
    assert rendered(role(at, "treasurer") | scope(at, "pay"))[:2] == (
        403,
        'Bearer error="insufficient_scope", scope="pay"',
    )


def test_an_outage_says_when_to_come_back() -> None:
    made = answer(refused(told(DOWN, valid)))
    assert (made.status, header(made, b"retry-after"), header(made, b"www-authenticate")) == (503, "8", None)
    problem = json.loads(made.body)
    assert (problem["code"], problem["retry_after"]) == ("source_down", 8)


@pytest.mark.parametrize("wait", [0.0, -3.0, float("nan"), float("inf"), 1e300, 0.2])
def test_retry_after_is_always_a_sane_number(wait: float) -> None:
    made = answer(refused(told(Unavailable(SOURCE_TIMEOUT(), wait), valid)))
    assert 1 <= int(header(made, b"retry-after") or "") <= 3600


def test_where_only_a_new_configuration_helps_nobody_is_told_to_come_back() -> None:
    made = answer(refused(told(Unavailable(NO_SOURCE(expected="Fetch"), 5.0), valid)))
    assert (made.status, made.code, header(made, b"retry-after")) == (503, "no_source", None)
    assert "retry_after" not in json.loads(made.body)


@pytest.mark.parametrize(
    ("finding", "status", "challenge"),
    [
        (ABSENT, 401, 'Bearer realm=""'),
        (REJECTED, 401, 'Bearer error="invalid_token"'),
        (GOOD, 403, None),
        (DOWN, 503, None),
    ],
)
def test_without_a_remedy_the_blame_is_on_a_credential_that_is_not_good(
    finding: Finding[TokenEvidence], status: int, challenge: str | None
) -> None:
    at = Told(finding)
    # The promise of a predicate and its opposite cannot both be kept, so nothing is offered.
    refusal = refused(fails(at) & ~fails(at) if finding is GOOD else fails(at) & ~valid(at))
    assert isinstance(refusal, Deny)
    made = answer(refusal)
    assert (made.status, header(made, b"www-authenticate")) == (status, challenge)


def test_a_bad_credential_is_blamed_before_those_that_hang_on_it() -> None:
    at = Told(REJECTED)
    linked = Told(GOOD, of=at)
    assert rendered(fails(linked) & ~valid(linked))[:2] == (401, 'Bearer error="invalid_token"')


def test_what_is_not_known_of_the_surroundings_is_no_missing_credential() -> None:
    class Around(Told):
        contextual = True

    assert rendered(fails(Told(GOOD)) & valid(Around(ABSENT)))[:2] == (403, None)
    assert rendered(valid(Told(ABSENT)) & valid(Around(GOOD)))[:2] == (401, 'Bearer realm=""')


@pytest.mark.parametrize("finding", [ABSENT, REJECTED, DOWN, GOOD])
def test_a_plain_no_is_forbidden_whatever_was_presented(finding: Finding[TokenEvidence]) -> None:
    assert rendered(NOWHERE & valid(Told(finding)))[:2] == (403, None)


@pytest.mark.parametrize(
    ("action", "status"),
    [
        (Action.PROVE_KEY, 401),
        (Action.SIGN_IN, 401),
        (Action.PRESENT_FACTOR, 401),
        (Action.ENROL, 403),
        (Action.FIX_DEVICE, 403),
        (Action.ASK_ADMINISTRATOR, 403),
    ],
)
def test_only_what_another_request_can_bring_is_challenged(action: Action, status: int) -> None:
    assert rendered(Done(action).leaf(Told(GOOD)))[0] == status


def test_a_second_credential_is_asked_for_beside_the_first() -> None:
    at = Told(GOOD)
    status, challenge, problem = rendered(valid(at) & valid(Told(ABSENT, of=at)))
    assert (status, challenge) == (401, 'Bearer error="insufficient_user_authentication"')
    assert problem["code"] == "not_presented"


def test_without_the_first_credential_the_first_is_asked_for() -> None:
    for finding, challenge in ((ABSENT, 'Bearer realm=""'), (REJECTED, 'Bearer error="invalid_token"')):
        at = Told(finding)
        assert rendered(valid(at) & valid(Told(ABSENT, of=at)))[:2] == (401, challenge)


def test_a_second_credential_is_not_asked_for_where_it_would_not_help() -> None:
    at = Told(GOOD)
    assert rendered(role(at, "treasurer") & valid(Told(ABSENT, of=at)))[:2] == (403, None)


def test_a_stale_sign_in_during_an_outage_is_stepped_up() -> None:
    at = Told(STALE)
    assert rendered(fresh(at, 60) & valid(Told(DOWN, of=at)))[:2] == (
        401,
        'Bearer error="insufficient_user_authentication", max_age="60"',
    )


def test_a_predicate_that_fails_is_forbidden() -> None:
    status, challenge, problem = rendered(told(GOOD, fails))
    assert (status, challenge, problem["code"]) == (403, None, "predicate_failed")
    assert "alice" not in json.dumps(problem)


def test_the_realm_is_the_given_one_or_the_verifiers_own() -> None:
    policy = valid(Told(ABSENT, realm="theirs"))
    assert rendered(policy)[1] == 'Bearer realm="theirs"'
    assert rendered(policy, realm="ours")[1] == 'Bearer realm="ours"'


def test_only_explain_mode_tells_of_the_policy() -> None:
    at = Told(verified(claims={"roles": ["staff"]}))
    policy = (role(at, "treasurer") & scope(at, "read")).named("can pay")
    quiet = answer(refused(policy))
    for inner in (b"treasurer", b"staff", b"can pay", b"alice", b"explanation"):
        assert inner not in quiet.body
        assert not any(inner in value for _, value in quiet.headers)
    loud = json.loads(answer(refused(policy), explain=True).body)
    assert loud["explanation"] == refused(policy).explanation.to_dict()
    assert "treasurer" in json.dumps(loud)


def test_what_was_expected_and_presented_stays_inside() -> None:
    made = answer(refused(told(REJECTED, valid)))
    assert b"secret-ish" not in made.body
    assert b"14:00" not in made.body


def test_every_answer_is_complete_and_kept_by_no_cache() -> None:
    for made in (answer(refused(told(ABSENT, valid))), answer(refused(told(DOWN, valid))), undecided()):
        assert header(made, b"cache-control") == "no-store"
        assert header(made, b"content-type") == "application/problem+json"
        assert header(made, b"content-length") == str(len(made.body))
        assert json.loads(made.body)["status"] == made.status


def test_a_decision_that_could_not_be_made_says_nothing_more() -> None:
    made = undecided()
    assert (made.status, json.loads(made.body)["code"]) == (503, "undecided")


_HEADER = rb'Bearer(?: [a-z_]+="[\x20\x21\x23-\x5B\x5D-\x7E]*"(?:, [a-z_]+="[\x20\x21\x23-\x5B\x5D-\x7E]*")*)?'


@given(
    names=st.lists(st.text(max_size=8), min_size=1, max_size=4).map(tuple),
    values=st.lists(st.text(max_size=8), min_size=1, max_size=3).map(tuple),
    realm=st.text(max_size=12),
)
def test_no_text_ends_a_quoted_value_or_the_header(names: tuple[str, ...], values: tuple[str, ...], realm: str) -> None:
    """RFC 9110 sections 5.5 and 5.6.4: neither a quote, a backslash, a control nor a byte above ASCII gets out."""
    import re

    at = Told(ABSENT, realm=realm)
    refusal = refused(scope(at, *names) & acr(at, *values))
    assert isinstance(refusal, Challenge)
    value = header(answer(refusal), b"www-authenticate")
    assert value is not None
    assert re.fullmatch(_HEADER, value.encode("ascii"))
