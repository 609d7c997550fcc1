"""Policy coverage: what can be covered, what was, and that nothing stays behind."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import cast

from hypothesis import given

import zerotrust.testing
from tests.laws import reference
from tests.laws.strategies import plain_policies
from tests.laws.toys import NOW, PASSKEY, PLACE, TOKEN, World, facts
from tests.laws.toys import ToySource as Answers
from zerotrust import (
    AccessRequest,
    Bearer,
    Evidence,
    Issuer,
    Policy,
    Question,
    Verifier,
    all_of,
    any_of,
    anyone,
    at_least,
    decide,
    decide_async,
    judge,
    minutes,
    unavailable,
)
from zerotrust.core.combining import PolicySet, first_applicable, forbid, permit
from zerotrust.core.decision import Allow, Challenge, Deny
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.policy import AllOf, AnyOf, AtLeast, Derived
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.requirement import when
from zerotrust.core.tree import Tree
from zerotrust.driver import Sources
from zerotrust.testing.coverage_items import NO, UNKNOWN, UNSEEN, YES, items_of
from zerotrust.testing.coverage_recording import Recorder
from zerotrust.testing.coverage_report import as_text
from zerotrust.testing.coverage_results import Results, add_undecided, results_of

_CODES = {False: NO, None: UNKNOWN, True: YES}
token = Bearer(Issuer("https://login.example.com"), audience="payments")


def possible(policy: Policy) -> dict[str, set[int]]:
    return {item.text: set(item.possible) for item in items_of(policy)}


def asked_alone(part: Tree, policy: Policy) -> bool:
    """Whether `part` holds nothing that decisions of `policy` never ask."""
    return set(cast("Policy", part).program.leaves) <= set(policy.program.leaves)


def test_what_decisions_never_ask_is_no_item() -> None:
    """Whoever the last rule forbids is refused anyway."""
    policy = first_applicable(permit(token.scope("a")), forbid(token.scope("b") & token.scope("c")))
    recorder = Recorder()
    recorder.start()
    decide(policy, AccessRequest(now=1.0))
    recorder.stop()
    (covered,) = results_of(recorder, {}).policies.values()
    assert [row.text for row in covered.rows] == [str(policy), 'token.scope("a")']
    assert covered.rows[1].seen == [0, 1, 0, 0]


def test_a_policy_has_its_name_whatever_its_tags() -> None:
    policy = (token.scope("a") | token.scope("b")).named("can write").tagged("sensitive")
    recorder = Recorder()
    recorder.start()
    decide(policy, AccessRequest(now=1.0))
    recorder.stop()
    results = results_of(recorder, {"app:p": policy})
    add_undecided(results, {})
    (covered,) = results.policies.values()
    assert (covered.name, covered.rows[0].text) == ("can write", "can write")
    other = Results()
    other.listed["app:p"] = False
    add_undecided(other, {"app:p": policy})
    assert [one.name for one in other.policies.values()] == ["can write"]


@given(plain_policies)
def test_every_part_as_written_comes_to_what_the_reference_says(policy: Policy) -> None:
    leaves = policy.program.leaves
    choices = [item.possible for leaf in leaves for item in items_of(leaf)]
    items = [item for item in items_of(policy) if not item.leaf]
    parts: list[Policy] = []
    todo: list[Tree] = [policy]
    while todo:
        part = todo.pop()
        written = part.apart()[1]
        todo.extend(reversed(written))
        branch = isinstance(part, AllOf | AnyOf | AtLeast) or (
            isinstance(part, Derived) and part.meaning not in written
        )
        if branch and part not in parts and asked_alone(part, policy):
            parts.append(cast("Policy", part))
    assert len(items) == len(parts)
    reached: list[set[int]] = [set() for _ in items]
    for codes in product(*choices) if len(leaves) <= 4 else ():
        truth = {leaf: {NO: False, UNKNOWN: None, YES: True}[code] for leaf, code in zip(leaves, codes, strict=True)}
        for seen, item, part in zip(reached, items, parts, strict=True):
            outcome = item.outcome(codes)
            assert outcome == _CODES[reference.evaluate(part, truth.__getitem__)]
            assert outcome in item.possible, "only what cannot be is left out"
            seen.add(outcome)
    if len(set(reference.occurrences(policy))) == len([*reference.occurrences(policy)]) and len(leaves) <= 4:
        assert all(seen == item.possible for seen, item in zip(reached, items, strict=True)), (
            "and all that can be is in"
        )


def test_what_cannot_be_is_not_asked_for() -> None:
    assert possible(token.valid) == {"token.valid": {UNKNOWN, YES}}
    assert possible(unavailable(token)) == {"unavailable(token)": {NO, YES}}
    assert possible(anyone(because="a test")) == {}
    either = token.valid | anyone(because="a test")
    assert possible(either)[str(either)] == {YES}
    both = token.scope("a") & unavailable(token)
    assert possible(both)[str(both)] == {NO, UNKNOWN, YES}
    two = at_least(2, token.valid, unavailable(token), anyone(because="a test"))
    assert possible(two)[str(two)] == {UNKNOWN, YES}
    assert possible(PLACE.level(1)) == {"place.level(1)": {NO, UNKNOWN, YES}}, "a world that does not say"


def test_what_every_request_says_is_never_unknown() -> None:
    class Method(Question[Evidence]):
        def holds(self, evidence: Evidence, now: float) -> bool:
            return bool(evidence.subject)

        def __repr__(self) -> str:
            return "method"

    class Request(Verifier[Evidence]):
        name = "request"
        contextual = True

        def find(self, request: AccessRequest) -> Finding[Evidence]:
            return Verified(self.blank(request.now))

        def blank(self, now: float) -> Evidence:
            return Evidence("request", "", now, now + 1)

    assert possible(Method().leaf(Request())) == {"request.method": {NO, YES}}


def test_combinations_are_shown_as_they_were_written() -> None:
    pay, contractor, fresh = token.scope("pay"), token.role("contractor"), token.fresh(within=minutes(5))
    policy = PolicySet(permit=[pay & fresh], forbid=[contractor])
    assert [item.text for item in items_of(policy.named("can pay"))] == [
        "can pay",
        'token.scope("pay") & token.fresh(5 min)',
        'token.scope("pay")',
        "token.fresh(5 min)",
        'token.role("contractor")',
    ]
    required = when(contractor).require(fresh)
    assert [item.text for item in items_of(required)] == [str(required), str(contractor), str(fresh)]


def test_names_stand_for_branches_and_parts_for_themselves_once() -> None:
    pay = token.scope("pay")
    policy = any_of((pay & token.valid).named("paying"), ~(pay & token.valid), ~pay, all_of(pay.named("payer")))
    texts = [item.text for item in items_of(policy)]
    assert texts[1:] == ["paying", 'token.scope("pay")', "token.valid", "all_of(token.scope(\"pay\").named('payer'))"]
    long = any_of(*(token.scope(f"scope-{number}") for number in range(20)))
    first = next(items_of(long)).text
    assert first.startswith('any of: token.scope("scope-0") | ')
    assert first.endswith("...")


def test_decisions_of_all_kinds_are_counted_until_it_stops() -> None:
    before = [dict(vars(kind)) for kind in (Allow, Challenge, Deny)]
    recorder, at = Recorder(), World({TOKEN: Verified(facts(level=1)), PASSKEY: Absent(NOT_PRESENTED())})
    policy = TOKEN.level(1) | PASSKEY.level(1)
    recorder.start()
    try:
        assert decide(policy, at, Sources(Answers(at)))
        assert asyncio.run(decide_async(policy, at, Sources(Answers(at))))
        assert not judge(policy, {TOKEN: Verified(facts()), PASSKEY: Absent(NOT_PRESENTED())}, NOW)
    finally:
        recorder.stop()
    judge(policy, {}, NOW)
    assert recorder.seen == {policy: {bytes((YES, UNSEEN)): 2, bytes((NO, UNKNOWN)): 1}}
    assert [dict(vars(kind)) for kind in (Allow, Challenge, Deny)] == before


def test_what_was_not_looked_at_is_neither_of_the_three() -> None:
    recorder = Recorder()
    policy = (TOKEN.level(1) | (PASSKEY.level(1) & PASSKEY.level(2))).named("either")
    recorder.start()
    judge(policy, {TOKEN: Verified(facts(level=1))}, NOW)
    recorder.stop()
    results = results_of(recorder, {})
    (covered,) = results.policies.values()
    assert [(row.text, row.seen) for row in covered.rows] == [
        ("either", [0, 0, 1, 0]),
        ("token.level(1)", [0, 0, 1, 0]),
        ("passkey.level(1) & passkey.level(2)", [0, 0, 0, 1]),
        ("passkey.level(1)", [0, 0, 0, 1]),
        ("passkey.level(2)", [0, 0, 0, 1]),
    ]
    assert [row.missing for row in covered.rows][:3] == [
        "never NO or UNKNOWN",
        "never NO or UNKNOWN",
        "never looked at",
    ]
    assert round(results.percent, 2) == round(100 * 2 / 15, 2)


def test_processes_add_up_and_parts_of_what_is_decided_are_decided() -> None:
    part, alone = TOKEN.level(1), TOKEN.level(3) & TOKEN.level(4)
    listed = {
        "policies:part": part,
        "policies:whole": part & TOKEN.level(2),
        "policies:alone": alone,
        "policies:3": TOKEN.level(3),
    }
    total = Results()
    for level in (0, 1):
        recorder = Recorder()
        recorder.start()
        if level:
            judge(part & TOKEN.level(2), {TOKEN: Verified(facts(level=level))}, NOW)
        recorder.stop()
        own = results_of(recorder, listed)
        total.add(own.plain(), own.listed)
        total.add(own.plain(), own.listed)
    assert total.listed == {"policies:part": True, "policies:whole": True, "policies:alone": False, "policies:3": False}
    add_undecided(total, listed)
    assert list(as_text(total)) == [
        "Policy                           Decided  Outcomes  Cover",
        "policies:alone                         0       0/9     0%",
        "    never decided",
        "token.level(1) & token.level(2)        2       3/9    33%",
        "    token.level(1) & token.level(2)  never YES or UNKNOWN",
        "    token.level(1)  never NO or UNKNOWN",
        "    token.level(2)  never YES or UNKNOWN",
        "TOTAL                                  2      3/18    16%",
    ]
    assert list(as_text(Results())) == ["no policy was decided"]
    assert Results().percent == 100.0


def test_lazy_names_are_those_that_type_checkers_see() -> None:
    assert sorted(zerotrust.testing._HOME_OF) == sorted(zerotrust.testing.__all__)
    for name in zerotrust.testing.__all__:
        home = f"zerotrust.testing.{zerotrust.testing._HOME_OF[name]}"
        assert getattr(zerotrust.testing, name) is getattr(__import__(home, fromlist=[name]), name)
    assert set(zerotrust.testing.__all__) <= set(dir(zerotrust.testing))
    assert not hasattr(zerotrust.testing, "no_such_name")
