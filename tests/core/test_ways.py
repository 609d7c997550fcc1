"""What can be done about a refusal, as data for user interfaces and in words of a person."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence

import pytest

from tests.laws.toys import BADGE, CODE, NOW, PASSKEY, TOKEN, Facts, Toy, facts
from zerotrust import (
    Action,
    Bearer,
    Challenge,
    Deny,
    Issuer,
    Passkey,
    Policy,
    Profile,
    Remedy,
    Session,
    Step,
    judge,
    minutes,
)
from zerotrust.core.finding import Absent, Finding, Unavailable, Verified
from zerotrust.core.policy import Leaf, all_of, any_of, anyone, unavailable
from zerotrust.core.reason import NOT_PRESENTED, SOURCE_DOWN
from zerotrust.core.remedy import Demand
from zerotrust.core.verifier import Parameter, Question, Verifier
from zerotrust.core.ways import Unlock, Way
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.verifiers.token_evidence import TokenEvidence

ISSUER = "https://login.example.com"
NOTHING = Absent(NOT_PRESENTED())
DOWN = Unavailable(SOURCE_DOWN())
token = Bearer(Issuer(ISSUER, profile=Profile(ladder=("low", "mid", "high"))), audience="payments")
SIGNED_IN = TokenEvidence(
    ISSUER, "ann", NOW, NOW + 600, scope=frozenset({"read"}), auth_time=NOW - 900, acr="low", roles=frozenset()
)


def unlock(policy: Policy, findings: dict[Verifier, Finding]) -> Unlock:
    refusal = judge(policy, findings, NOW)
    assert isinstance(refusal, Challenge | Deny)
    assert [way.sentence for way in refusal.unlock()] == [remedy.sentence for remedy in refusal.remedies]
    return refusal.unlock()


def parameters(policy: Policy, evidence: TokenEvidence | None = SIGNED_IN) -> dict[str, object]:
    found = unlock(policy, {token: NOTHING if evidence is None else Verified(evidence)})
    return dict(found.ways[0].steps[0].parameters)


def test_nothing_was_refused() -> None:
    allowed = judge(anyone(because="a test"), {}, NOW).unlock()
    assert allowed == Unlock()
    assert not allowed
    assert (list(allowed), len(allowed)) == ([], 0)
    assert dict(allowed.to_dict()) == {"sentence": "", "ways": []}


def test_steps_as_data() -> None:
    found = unlock(token.scope("pay") & token.fresh(within=minutes(5)), {token: Verified(SIGNED_IN)})
    assert found.to_dict() == {
        "sentence": "Sign in again.",
        "ways": [
            {
                "who": "caller",
                "sentence": "Sign in again.",
                "steps": [
                    {
                        "verifier": "token",
                        "action": "sign_in",
                        "method": None,
                        "parameters": {"scope": ["pay"], "max_age": 300},
                        "again": True,
                        "who": "caller",
                        "sentence": "Sign in again.",
                    }
                ],
            }
        ],
    }
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    assert pickle.loads(pickle.dumps(found)) == found
    assert len({found, found}) == 1


def test_what_is_there_already_is_asked_for_anew() -> None:
    assert parameters(token.scope("read") & token.scope("pay", "read")) == {"scope": ("pay", "read")}
    assert parameters(token.scope("read") & token.fresh(within=minutes(5))) == {"scope": ("read",), "max_age": 300}
    both = token.fresh(within=minutes(5)) & token.fresh(within=minutes(1))
    assert parameters(both) == parameters(both, None) == {"max_age": 60}


def test_only_an_acr_that_will_do_is_named() -> None:
    assert parameters(token.acr("x", "y")) == {"acr_values": ("x", "y")}
    assert parameters(token.acr_at_least("mid")) == {"acr_values": ("mid", "high")}
    assert parameters(token.acr_at_least("mid") & ~token.acr("high")) == {"acr_values": ("mid",)}


def test_who_can_do_it() -> None:
    found = unlock(token.role("editor") & token.fresh(within=minutes(60)), {token: Verified(SIGNED_IN)})
    role = found.ways[0].steps[0]
    assert [way.who for way in found] == ["administrator"]
    assert (role.who, role.action, dict(role.parameters)) == (
        "administrator",
        Action.ASK_ADMINISTRATOR,
        {"roles": ("editor",), "max_age": 3600},
    )
    assert found.sentence == "Ask an administrator for access."


def test_in_a_sentence_stands_what_the_caller_can_do() -> None:
    found = unlock(token.role("editor") | token.scope("pay"), {token: Verified(SIGNED_IN)})
    assert [way.who for way in found] == ["caller", "administrator"]
    assert found.sentence == "Give this application more access."
    assert unlock(BADGE.level(1), {TOKEN: Verified(facts()), BADGE: NOTHING}) == Unlock(
        (), "There is nothing you can do to get in here."
    )


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        (PASSKEY.level(1) | TOKEN.fresh(5), "Sign in again, or use your passkey."),
        (PASSKEY.level(1) & TOKEN.fresh(5), "Sign in again and use your passkey."),
        (CODE.level(1) & TOKEN.fresh(5), "Sign in again, use your passkey, and use your code."),
        (any_of(PASSKEY.level(1), PASSKEY.has("pay")), "Use your passkey."),
        (
            any_of(TOKEN.fresh(5), TOKEN.level(1), PASSKEY.level(1)),
            "Sign in again, or use your token again, or use your passkey.",
        ),
    ],
    ids=["or", "and", "three", "the same twice", "three alternatives"],
)
def test_sentences(policy: Policy, sentence: str) -> None:
    findings: dict[Verifier, Finding] = {TOKEN: Verified(facts()), PASSKEY: NOTHING, CODE: NOTHING}
    assert unlock(policy, findings).sentence == sentence


@pytest.mark.parametrize(
    ("action", "phrase"),
    [
        (Action.RETRY, "try again in a moment"),
        (Action.PROVE_KEY, "try again with the application you signed in with"),
        (Action.SIGN_IN, "sign in"),
        (Action.PRESENT_FACTOR, "use your security question"),
        (Action.ENROL, "set up your security question"),
        (Action.FIX_DEVICE, "bring your device up to what is required"),
        (Action.ASK_ADMINISTRATOR, "ask an administrator for access"),
    ],
    ids=lambda value: value.name if isinstance(value, Action) else "",
)
def test_every_action_has_words(action: Action, phrase: str) -> None:
    asked = Step(Toy("security_question"), action, (Demand(TOKEN.has("root"), True),))
    assert asked.phrase == phrase
    assert asked.sentence == f"{phrase[0].upper()}{phrase[1:]}."
    assert phrase not in str(asked) or action is Action.SIGN_IN
    assert Remedy((asked,)).sentence == asked.sentence


def test_words_of_a_verifier_are_taken() -> None:
    class Shop(Toy):
        def describe(self, step: Step) -> str:
            return "subscribe" if step.action is Action.ENROL else super().describe(step)

    assert Step(Shop("shop"), Action.ENROL, ()).sentence == "Subscribe."
    assert Step(Shop("shop"), Action.RETRY, ()).sentence == "Try again in a moment."


class Telling(Toy):
    """Tells what it is told."""

    method = 7  # what is no text names no method

    def parameters(
        self, asked: Sequence[Question[Facts]], evidence: Facts | None, holds: Callable[[Leaf[Facts]], bool]
    ) -> dict[str, Parameter]:
        shown = () if evidence is None else tuple(sorted(evidence.flags))
        return {
            "asked": tuple(map(str, asked)),
            "shown": shown,
            "seven": holds(self.level(7)),
            "8": holds(self.level(8)),
        }


def test_a_verifier_is_told_what_its_evidence_must_show_afterwards() -> None:
    outer = Telling("outer")
    inner = Telling("inner", of=outer)
    policy = all_of(
        outer.level(1),  # shown already, and to be shown again
        outer.has("pay"),
        ~outer.has("disk"),  # not what to show
        ~outer.has("root") | outer.level(0),  # what would better not be shown
        outer.level(5) | outer.level(1),  # what need not be shown
        inner.level(2),
        ~inner.level(8),
        ~outer.level(8),
    )
    seen = facts(level=1, flags={"root", "disk"})
    refusal = judge(policy, {outer: Verified(seen), inner: NOTHING}, NOW)
    (way,) = refusal.unlock()
    assert {step.verifier: (step.method, dict(step.parameters)) for step in way.steps} == {
        "outer": (
            None,
            {"asked": ("has('pay')", "level(1)", "level(0)"), "shown": ("disk", "root"), "seven": True, "8": False},
        ),
        "inner": (None, {"asked": ("level(2)",), "shown": (), "seven": True, "8": False}),
    }


def test_an_outage_that_counts_is_nothing_to_be_shown() -> None:
    policy = (unavailable(TOKEN) | TOKEN.level(1)) & TOKEN.has("pay")
    assert unlock(policy, {TOKEN: DOWN}).sentence == "Try again in a moment."


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sign in", "use your key"], "Sign in and use your key."),
        (["sign in", "use your key, or its twin"], "Sign in and use your key, or its twin."),
        (["sign in, here or there", "use your key"], "Sign in, here or there, and use your key."),
        (["sign in", "use your key", "wait"], "Sign in, use your key, and wait."),
        (["sign in", "sign in"], "Sign in."),
    ],
    ids=lambda value: "" if isinstance(value, list) else value,
)
def test_commas_are_set_where_one_would_be_misread(words: list[str], sentence: str) -> None:
    class Wordy(Toy):
        def describe(self, step: Step) -> str:
            return self.name

    assert Remedy(tuple(Step(Wordy(word), Action.ENROL, ()) for word in words)).sentence == sentence


def test_no_sentence_without_steps() -> None:
    assert Remedy(()).sentence == ""
    assert Way((), "").who == "caller"


def test_an_outage_is_no_question_of_parameters() -> None:
    found = unlock(token.scope("pay"), {token: DOWN})
    assert found.sentence == "Try again in a moment."
    assert dict(found.ways[0].steps[0].parameters) == {}


def test_factors() -> None:
    session = Session()
    passkey = Passkey(
        RelyingParty("example.com", name="Example", origins=["https://example.com"]),
        of=session,
        secret=bytes(range(32)),
    )
    policy = all_of(
        passkey.within(minutes(10), user_verified=True), passkey.within(minutes(5)), session.factors(at_least=2)
    )
    findings: dict[Verifier, Finding] = {session: Verified(session.blank(NOW)), passkey: Verified(passkey.blank(NOW))}
    found = unlock(policy, findings)
    steps = {step.verifier: (step.method, dict(step.parameters)) for step in found.ways[0].steps}
    assert steps["passkey"][0] == "passkey"
    assert steps["passkey"][1]["user_verified"] is True
    assert steps["session"] == (None, {"factors": 2})
