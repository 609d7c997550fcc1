"""Large policies: whoever is asked, it is whom the plain evaluation would ask."""

from __future__ import annotations

from hypothesis import given

from tests.laws import reference
from tests.laws.test_pieces import HERE, Findings, Subject, known, sets
from tests.laws.toys import NOW, Surroundings, Toy, World, facts
from zerotrust.core.finding import Absent, Verified
from zerotrust.core.policy import Policy, any_of
from zerotrust.core.reason import NOT_PRESENTED
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


class Reading(Toy):
    """Looks at the body."""

    reads_body = True


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
