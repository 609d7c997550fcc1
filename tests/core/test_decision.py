"""Decisions: how they read, for people and as data."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import pytest

from tests.laws.toys import NOW, PASSKEY, PLACE, SESSION, TOKEN, Facts, Toy, facts
from zerotrust.core.decision import Allow, Challenge, Deny, allow
from zerotrust.core.errors import Denied, NotVerified
from zerotrust.core.explain import Explanation
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Leaf, all_of, any_of, anyone, at_least, not_presented, unavailable
from zerotrust.core.reason import (
    EXPIRED,
    NOT_GATHERED,
    NOT_PRESENTED,
    NOT_SATISFIED,
    PREDICATE_FAILED,
    SOURCE_DOWN,
    Kind,
)
from zerotrust.core.remedy import Action, Demand, Remedy, Step
from zerotrust.core.verdict import Verdict
from zerotrust.core.verifier import Question, Verifier
from zerotrust.engine import judge

Known = dict[Verifier, Finding]


# --- The sample of the design -----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, repr=False)
class Sample(Question[Facts]):
    text: str
    seen: str = ""
    flag: str = ""

    def holds(self, evidence: Facts, now: float) -> bool:
        return self.flag in evidence.flags

    def saw(self, evidence: Facts, now: float) -> str:
        return self.seen

    def action(self, evidence: Facts, wanted: bool) -> Action | None:
        return Action.SIGN_IN if self.flag == "fresh" else None

    def assume(self, evidence: Facts, wanted: bool, now: float) -> Facts:
        return facts(flags=evidence.flags | {self.flag})

    def __repr__(self) -> str:
        return self.text


class SampleVerifier(Toy):
    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        return Action.PROVE_KEY

    def describe(self, step: Step) -> str:
        return "present passkey" if self.name == "passkey" else "sign in again (max_age=300)"


BEARER = SampleVerifier("token")
KEY = SampleVerifier("passkey", of=BEARER)
SCOPE = Leaf(BEARER, Sample('scope("pay")', "holds pay, read", "pay"))
FRESH = Leaf(BEARER, Sample("fresh(5 min)", "signed in 14:02, now 14:11", "fresh"))
WITHIN = Leaf(KEY, Sample("within(10 min)", flag="fresh"))
ROLE = Leaf(BEARER, Sample('role("contractor")', "roles: staff", "contractor"))
NO_PASSKEY = Kind("not_presented", "", 0, "no passkey used in this session")


def sample(*flags: str) -> Challenge:
    known: Known = {BEARER: Verified(facts(flags={"pay", *flags})), KEY: Absent(NO_PASSKEY())}
    decision = judge((SCOPE & (FRESH | WITHIN) & ~ROLE).named("can_pay"), known, NOW)
    assert isinstance(decision, Challenge)
    return decision


def test_a_refusal_reads_as_in_the_design() -> None:
    assert str(sample()) == (
        "CHALLENGE can_pay -> present passkey, or sign in again (max_age=300)\n"
        "  all of\n"
        '    yes  token.scope("pay")             holds pay, read\n'
        "    any of\n"
        "      no   token.fresh(5 min)           signed in 14:02, now 14:11\n"
        "      ?    passkey.within(10 min)       no passkey used in this session\n"
        '    yes  not token.role("contractor")   roles: staff'
    )


def test_and_as_data() -> None:
    tree = sample().explanation.to_dict()
    checked = {"verified_at": NOW}  # of what there was any evidence
    assert json.loads(json.dumps(tree)) == {
        "verdict": "UNKNOWN",
        "text": "can_pay",
        "children": [
            {
                "verdict": "UNKNOWN",
                "text": "all of",
                "children": [
                    {"verdict": "YES", "text": 'token.scope("pay")', "detail": "holds pay, read", **checked},
                    {
                        "verdict": "UNKNOWN",
                        "text": "any of",
                        "children": [
                            {
                                "verdict": "NO",
                                "text": "token.fresh(5 min)",
                                "detail": "signed in 14:02, now 14:11",
                                **checked,
                            },
                            {
                                "verdict": "UNKNOWN",
                                "text": "passkey.within(10 min)",
                                "detail": "no passkey used in this session",
                                "code": "not_presented",
                            },
                        ],
                    },
                    {"verdict": "YES", "text": 'not token.role("contractor")', "detail": "roles: staff", **checked},
                ],
            }
        ],
    }


def test_a_decision_is_short_in_a_list() -> None:
    assert repr(sample()) == "<CHALLENGE can_pay -> present passkey, or sign in again (max_age=300)>"
    assert repr(sample().explanation) == "<Explanation ? can_pay>"
    assert repr(judge(anyone(because="x"), {}, NOW)) == "<ALLOW anyone(because='x')>"


# --- The rest ---------------------------------------------------------------------------------------------------------
def test_an_allow_has_no_offers() -> None:
    known: Known = {TOKEN: Verified(facts(level=2))}
    decision = judge(TOKEN.level(1), known, NOW)
    assert isinstance(decision, Allow)
    assert decision
    assert str(decision) == "ALLOW token.level(1)\n  yes  token.level(1)   level 2"
    assert decision.finding(TOKEN) is known[TOKEN]
    assert decision.finding(PASSKEY) is None
    assert decision.verdict is Verdict.YES


def test_every_kind_of_node_has_its_line() -> None:
    known: Known = {TOKEN: Verified(facts(level=2)), PASSKEY: Absent(NOT_PRESENTED())}
    policy = at_least(
        3,
        ~(TOKEN.level(1) & TOKEN.level(3)),
        any_of(not_presented(PASSKEY), ~unavailable(PASSKEY)).named("without"),
        ~anyone(because="closed"),
        PASSKEY.level(1),
        SESSION.level(1),
    )
    assert str(judge(policy, known, NOW).explanation) == (
        "at least 3 of\n"
        "  not\n"
        "    all of\n"
        "      yes  token.level(1)             level 2\n"
        "      no   token.level(3)             level 2\n"
        "  without\n"
        "    any of\n"
        "      yes  not_presented(passkey)     absent\n"
        "      yes  not unavailable(passkey)   absent\n"
        "  not\n"
        "    yes  anyone(because='closed')\n"
        "  ?    passkey.level(1)               nothing was presented\n"
        "  ?    session.level(1)               not looked at: it could not change the verdict"
    )


def test_standings_say_what_was_found() -> None:
    known: Known = {TOKEN: Rejected(EXPIRED()), PASSKEY: Unavailable(SOURCE_DOWN())}
    tree = judge(not_presented(TOKEN) | not_presented(PASSKEY) | unavailable(TOKEN), known, NOW).explanation
    assert [(part.verdict, part.detail) for part in tree.children] == [
        (Verdict.NO, "rejected"),
        (Verdict.UNKNOWN, "a source did not answer"),
        (Verdict.NO, "rejected"),
    ]


def test_data_from_outside_cannot_forge_a_line() -> None:
    question = Sample("x", "staff\n  yes  token.root()\x1b[2J\u2028", "x")
    known: Known = {TOKEN: Verified(facts()), PASSKEY: Rejected(EXPIRED(presented="a\r\nb"))}
    decision = judge(Leaf(TOKEN, question) | PASSKEY.level(1), known, NOW)
    assert str(decision).count("\n") == 3
    assert "staff\\n  yes  token.root()\\x1b[2J\\u2028" in str(decision)
    assert "presented a\\r\\nb" in str(decision)
    assert str(EXPIRED(presented="\ud800")) == "expired (presented \\ud800)"


def test_the_reason_is_the_most_specific_of_those_in_the_way() -> None:
    known: Known = {TOKEN: Rejected(EXPIRED()), SESSION: Unavailable(SOURCE_DOWN()), PLACE: Verified(facts())}

    def reason(policy: Any) -> object:
        decision = judge(policy, known, NOW)
        assert not isinstance(decision, Allow)
        return decision.reason

    assert reason(TOKEN.level(1)) == EXPIRED()
    assert reason(TOKEN.level(1) | SESSION.level(1)) == SOURCE_DOWN()
    assert reason(TOKEN.level(1) & (SESSION.level(1) | unavailable(SESSION))) == EXPIRED(), "the outage is tolerated"
    assert reason(PASSKEY.level(1)) == NOT_GATHERED()
    assert reason(PLACE.level(1) & TOKEN.level(1)) == NOT_SATISFIED(expected="place.level(1)")
    assert reason(~PLACE.older(1)) == NOT_SATISFIED(expected="not place.older(1)")
    assert reason(PLACE.that("raises") & PLACE.level(1)) == PREDICATE_FAILED(presented="ZeroDivisionError")
    assert reason(PLACE.that("one")) == PREDICATE_FAILED(expected="True or False", presented="int")
    assert reason(~anyone(because="closed")) == NOT_SATISFIED()


def test_what_expired_since_says_so() -> None:
    known: Known = {TOKEN: Verified(facts(level=2, expires_at=NOW + 5))}
    decision = judge(TOKEN.level(1), known, NOW + 5)
    assert isinstance(decision, Challenge)
    assert decision.reason == decision.explanation.reason == EXPIRED(expected=NOW + 5, presented=NOW + 5)


def test_who_prefers_raising() -> None:
    decision = sample()
    denied = Denied(decision)
    assert denied.decision is decision
    # Tracebacks are logged, so what leaves and reasons quote stays out of them.
    assert str(denied) == (
        f"can_pay: {decision.reason.code}: {decision.reason.kind.sentence} -> "
        "present passkey, or sign in again (max_age=300)"
    )
    assert repr(denied) == f"Denied({decision!r})"
    assert str(Denied(decision, why="it is closed")) == f"can_pay: {decision.reason.code}: it is closed"


def test_the_text_of_a_refusal_is_one_short_line_and_quotes_no_evidence() -> None:
    expired = EXPIRED(expected="SECRET", presented="SECRET", detail="SECRET")
    decision = judge(all_of(*[SCOPE | FRESH] * 100), {BEARER: Rejected(expired)}, NOW)
    assert isinstance(decision, Challenge | Deny)
    text = str(Denied(decision))
    assert text.startswith("(token.scope(")
    assert "...: expired: expired -> " in text
    assert "SECRET" not in text
    assert len(text.splitlines()) == 1
    assert len(text) < 400


def test_denied_without_a_remedy() -> None:
    decision = judge(TOKEN.born("root"), {TOKEN: Verified(facts())}, NOW)
    assert isinstance(decision, Deny)
    assert (decision.remedies, decision.remedy) == ((), None)
    assert str(Denied(decision)) == f"token.born('root'): not_satisfied: {decision.reason.kind.sentence}"
    assert str(decision).startswith("DENY token.born('root')\n")


# --- Remedies ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("action", "text"),
    [
        (Action.RETRY, "try again (token could not be checked)"),
        (Action.PROVE_KEY, "prove key token"),
        (Action.SIGN_IN, "sign in token"),
        (Action.PRESENT_FACTOR, "present factor token"),
        (Action.ENROL, "enrol token"),
        (Action.FIX_DEVICE, "fix device token"),
        (Action.ASK_ADMINISTRATOR, "ask an administrator for level(1), has('pay')"),
    ],
)
def test_steps_in_words(action: Action, text: str) -> None:
    step = Step(TOKEN, action, (Demand(TOKEN.level(1), True), Demand(TOKEN.has("pay"), True)))
    assert str(step) == text
    assert str(Remedy((step, step))) == f"{text} and {text}"


def test_a_step_that_demands_nothing_names_its_verifier() -> None:
    assert str(Step(TOKEN, Action.ASK_ADMINISTRATOR, ())) == "ask an administrator for token"


def test_an_administrator_is_asked_for_the_absence_of_what_is_too_much() -> None:
    step = Step(TOKEN, Action.ASK_ADMINISTRATOR, (Demand(TOKEN.has("root"), False), Demand(TOKEN.level(1), True)))
    assert str(step) == "ask an administrator for not has('root'), level(1)"


def test_effort_weighs_the_hardest_step_first() -> None:
    def remedy(*actions: Action) -> Remedy:
        return Remedy(tuple(Step(TOKEN, action, ()) for action in actions))

    ordered = [
        remedy(Action.RETRY),
        remedy(Action.RETRY, Action.RETRY),
        remedy(Action.SIGN_IN),
        remedy(Action.RETRY, Action.SIGN_IN),
        remedy(Action.ENROL),
        remedy(Action.ASK_ADMINISTRATOR),
    ]
    shuffled = [ordered[position] for position in (3, 0, 5, 2, 1, 4)]
    assert sorted(shuffled, key=lambda one: one.effort) == ordered
    assert [one.by_caller for one in ordered] == [True, True, True, True, True, False]


def test_explanations_nest_as_the_policy_does() -> None:
    tree: Explanation = judge(all_of(any_of(TOKEN.level(1))), {}, NOW).explanation
    assert [tree.text, tree.children[0].text, tree.children[0].children[0].text] == [
        "all of",
        "any of",
        "token.level(1)",
    ]


def test_what_an_outage_allows_ends_when_the_outage_may() -> None:
    decision = judge(unavailable(TOKEN), {TOKEN: Unavailable(SOURCE_DOWN(), retry_after=7.0)}, NOW)
    assert isinstance(decision, Allow)
    assert decision.valid_until == NOW + 7


def test_an_allow_hands_out_the_evidence_it_rests_on() -> None:
    known: Known = {TOKEN: Verified(facts(level=2)), PASSKEY: Absent(NOT_PRESENTED())}
    decision = judge(TOKEN.level(1) | PASSKEY.level(1) | SESSION.level(1), known, NOW)
    assert isinstance(decision, Allow)
    assert decision[TOKEN] is decision.get(TOKEN) is known[TOKEN].evidence
    assert decision.get(PASSKEY) is decision.get(SESSION) is None
    with pytest.raises(NotVerified, match=r"^no evidence of passkey \(absent\)\. Use \.get\(passkey\)"):
        decision[PASSKEY]
    with pytest.raises(KeyError, match=r"no evidence of session \(not asked for: the policy was met without it\)"):
        decision[SESSION]


def test_a_verifier_of_the_same_name_is_told_apart() -> None:
    other = Toy("token", links=(PASSKEY,))
    decision = judge(TOKEN.level(1), {TOKEN: Verified(facts(level=2))}, NOW)
    assert isinstance(decision, Allow)
    with pytest.raises(NotVerified, match=r"^no evidence of this token: .* another verifier that is also called so\."):
        decision[other]


def test_a_decision_holds_what_it_was_made_of() -> None:
    """Also where other values would come of the findings: what was spent on the way counts as it did then."""
    policy, kept = TOKEN.level(1), (None,)
    found: Known = {TOKEN: Verified(facts(level=2))}
    for decision in (allow(policy, found, kept, NOW), Deny(policy, found, kept, NOW, ())):
        assert decision.policy is policy
        assert decision.findings is found
        assert decision.values is kept
        assert decision.now == NOW


def test_values_that_an_allow_was_not_given_are_worked_out_when_they_are_read() -> None:
    decision = allow(TOKEN.level(1) | TOKEN.level(3), {TOKEN: Verified(facts(level=2))}, True, NOW)
    assert decision.values == (True, False)
    assert decision.values is decision.values
    with pytest.raises(AttributeError, match="'Allow' object has no attribute 'remedies'"):
        decision.remedies  # type: ignore[attr-defined]  # noqa: B018 - reading it is what is tried


def test_an_allow_hands_out_nothing_that_has_expired() -> None:
    known: Known = {TOKEN: Verified(facts(level=2)), PASSKEY: Verified(facts(level=2, expires_at=NOW))}
    decision = judge(TOKEN.level(1) | PASSKEY.level(1), known, NOW)
    assert isinstance(decision, Allow)
    assert decision.get(PASSKEY) is None
    with pytest.raises(NotVerified, match=r"no evidence of passkey \(verified\)"):
        decision[PASSKEY]


def test_of_equal_reasons_the_one_written_first_comes_first() -> None:
    policy = (TOKEN.born("a") | TOKEN.born("b")) & TOKEN.born("c")
    decision = judge(policy, {TOKEN: Verified(facts())}, NOW)
    assert isinstance(decision, Deny)
    assert [reason.expected for reason in decision.reasons] == [
        "token.born('a')",
        "token.born('b')",
        "token.born('c')",
    ]


def test_the_remedy_is_the_first_of_them() -> None:
    decision = judge(TOKEN.fresh(5) | PASSKEY.level(1), dict.fromkeys((TOKEN, PASSKEY), Absent(NOT_PRESENTED())), NOW)
    assert isinstance(decision, Challenge)
    assert len(decision.remedies) == 2
    assert decision.remedy is decision.remedies[0]


def test_tags_add_no_lines_to_a_decision() -> None:
    known: Known = {TOKEN: Verified(facts(level=2))}
    policy = (TOKEN.level(1) & TOKEN.level(2)).named("both")
    assert str(judge(policy.tagged("sensitive"), known, NOW)) == str(judge(policy, known, NOW))


def test_what_stands_in_the_way_twice_hides_nothing_that_comes_after_it() -> None:
    known: Known = {TOKEN: Rejected(EXPIRED()), SESSION: Absent(NOT_PRESENTED()), PASSKEY: Unavailable(SOURCE_DOWN())}
    twice = (TOKEN.level(1) | TOKEN.level(2)).named("twice")
    decision = judge((twice | SESSION.level(1)) & (twice | PASSKEY.level(1)), known, NOW)
    assert not isinstance(decision, Allow)
    assert decision.reasons == (SOURCE_DOWN(), EXPIRED(), NOT_PRESENTED())


def test_a_leaf_says_when_it_was_checked_and_how_long_it_stays() -> None:
    known: Known = {TOKEN: Verified(facts(level=2, expires_at=NOW + 60)), PASSKEY: Verified(facts(level=2))}
    tree = judge(TOKEN.level(1) & PASSKEY.level(1) & SESSION.level(1), known, NOW).explanation
    assert (tree.reason, tree.detail, tree.verified_at, tree.valid_until) == (None, "", None, None)
    leaves = [(part.verified_at, part.valid_until) for part in tree.children]
    assert leaves == [(NOW, NOW + 60), (NOW, math.inf), (None, None)]
    data = [(part.get("verified_at"), part.get("valid_until")) for part in tree.to_dict()["children"]]
    assert data == [(NOW, NOW + 60), (NOW, None), (None, None)], "JSON has no infinity"


def test_an_explanation_of_nothing_but_nodes() -> None:
    tree = judge(~(anyone(because="x") & anyone(because="y")).named("z"), {}, NOW).explanation
    assert str(tree).splitlines()[0] == "not"
    assert judge(all_of(anyone(because="x")), {}, NOW).explanation.to_dict()["verdict"] == "YES"
