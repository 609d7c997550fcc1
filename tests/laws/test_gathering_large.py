"""Large policies: whoever is asked, it is whom the plain evaluation would ask."""

from __future__ import annotations

from hypothesis import given

from tests.laws import reference
from tests.laws.test_marks import Marks
from tests.laws.test_pieces import HERE, Findings, Subject, known, sets
from tests.laws.toys import NOW, TOKEN, Surroundings, World, facts
from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.finding import Absent, Unspent, Verified
from zerotrust.core.policy import Policy, any_of
from zerotrust.core.reason import NOT_GATHERED, NOT_PRESENTED
from zerotrust.driver import Sources
from zerotrust.engine import decide


@given(sets(), known)
def test_who_is_asked_is_whom_the_plain_evaluation_would_ask(policy: Policy, found: Findings) -> None:
    at = World(found)
    decision = decide(policy, at)
    assert decision.verdict.value is reference.verdict(policy, found, NOW)
    program, plain = policy.program, Findings()
    while (verifier := program.undecided(program.values(plain, NOW), plain)) is not None:
        plain[verifier] = found[verifier]
    assert at.found[: len(plain)] == list(plain)
    assert not decision or len(at.found) == len(plain), "who is let in is asked for nothing that does not matter"


class Reading(Surroundings):
    """Looks at the body."""

    reads_body = True
    cost = 900


def test_a_body_is_not_read_of_whom_the_look_up_keeps_out() -> None:
    closed, body = Surroundings("badge"), Reading("body")  # nobody can come by a badge
    rules = [Subject(name).leaf(HERE) & closed.level(1) for name in ("ann", *"abcdefghijkl")]
    policy = any_of(*rules) & body.level(1)
    found: Findings = {HERE: Verified(facts()), closed: Absent(NOT_PRESENTED()), body: Verified(facts(level=1))}
    assert policy.program.left(found, NOW) is not policy.program
    at = World(found)
    assert not decide(policy, at)
    assert at.found == [HERE, closed]
    assert decide(policy, World({**found, closed: Verified(facts(level=1))}))


def test_what_counts_once_is_used_up_also_where_rules_are_looked_up() -> None:
    rules = any_of(*(Subject(name).leaf(HERE) & TOKEN.level(1) for name in ("ann", *"abcdefghijkl")))
    once = Unspent(facts(level=1), ConsumeOnce("token", b"key", NOW + 60, NOW))
    at, store = World({HERE: Verified(facts()), TOKEN: once}), Marks()
    assert decide(rules, at, Sources(store)).verdict.value is True
    assert decide(rules, at, Sources(store)).verdict.value is None, "one cannot tell what is not there"
    assert decide(rules | Subject("ann").leaf(HERE), at, Sources(store))


def test_what_was_read_in_a_body_is_kept_and_what_was_not_is_said_of_each() -> None:
    first, second = Reading("first"), Reading("second")
    unread = decide(TOKEN.has("pay") & first.level(1) & second.level(1), World({TOKEN: Verified(facts())}))
    assert unread.findings[first] == unread.findings[second] == Absent(NOT_GATHERED())
    read = Verified(facts())
    assert decide(first.has("pay"), World({first: read})).findings == {first: read}


def test_where_no_rule_is_left_the_answer_is_no_and_nobody_else_is_asked() -> None:
    policy = any_of(*(Subject(name).leaf(HERE) & TOKEN.level(1) for name in "abcdefghijkl"))
    at = World({HERE: Verified(facts()), TOKEN: Verified(facts(level=1))})
    assert decide(policy, at).verdict.value is False
    assert at.found == [HERE]
