"""The search for remedies: which of two that will do is offered, and what may help at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.laws.toys import BADGE, NOW, PASSKEY, TOKEN, Facts, Has, Toy, facts
from zerotrust.core.decision import Challenge
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.policy import Policy, all_of, any_of, anyone, at_least, not_presented
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.remedy import Action, Demand, Remedy
from zerotrust.core.unlock import could_help, factors_could_help
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge

Known = dict[Verifier, Finding]
SIGNED_IN: Known = {TOKEN: Verified(facts(since=NOW - 30)), PASSKEY: Absent(NOT_PRESENTED())}


@dataclass(frozen=True, repr=False)
class Renewed(Has):
    """A flag that one gets by signing in anew."""

    def assume(self, evidence: Facts, wanted: bool, now: float) -> Facts:
        return replace(super().assume(evidence, wanted, now), since=now)


def offered(policy: Policy, known: Known = SIGNED_IN) -> tuple[Remedy, ...]:
    decision = judge(policy, known, NOW)
    assert isinstance(decision, Challenge)
    return decision.remedies


def helps(policy: Policy) -> tuple[bool, bool]:
    program = policy.program
    given = program, program.values(SIGNED_IN, NOW), SIGNED_IN, NOW
    return could_help(*given), factors_could_help(*given)


def test_of_two_that_bring_each_other_the_first_is_enough() -> None:
    fresh, not_older = TOKEN.fresh(5), ~TOKEN.older(5)
    for policy, wanted in ((fresh | not_older, True), (not_older | fresh, False)):
        (remedy,) = offered(policy)
        assert [demand.wanted for demand in remedy.steps[0].demands] == [wanted]


def test_what_brings_more_than_is_asked_is_no_alternative_though_it_lasts() -> None:
    renewed = Renewed("pay").leaf(TOKEN)
    for policy in (TOKEN.fresh(5) | renewed, renewed | TOKEN.fresh(5)):
        (remedy,) = offered(policy)
        assert remedy.steps[0].demands == (Demand(TOKEN.fresh(5), True),)


def test_what_takes_less_of_one_verifier_and_more_of_another_is_an_alternative() -> None:
    """Who signs in anew comes with the flag that an administrator would give, and lets go of what was old enough."""

    class Given(Renewed):
        def assume(self, evidence: Facts, wanted: bool, now: float) -> Facts:
            renewed = Renewed.assume(self, evidence, wanted, now)
            return replace(renewed, flags=renewed.flags | {"root"})

    by_administrator, given = TOKEN.has("root") & TOKEN.older(10), Given("pay").leaf(TOKEN)
    for policy, easier in ((given, (3,)), (given & PASSKEY.level(1), (4, 3))):
        for either in (by_administrator | policy, policy | by_administrator):
            assert [remedy.effort for remedy in offered(either)] == [easier, (7,)]


def test_what_has_one_demand_in_common_is_an_alternative() -> None:
    policy = TOKEN.level(1) & (TOKEN.has("pay") | TOKEN.has("root"))
    assert [remedy.effort for remedy in offered(policy)] == [(4,), (7,)]


def test_what_turns_out_to_need_less_comes_first_though_four_were_found() -> None:
    """Each has two demands, and those of the last are met by one."""
    *others, last = (Toy(f"factor{number}", of=TOKEN) for number in range(4))
    pairs = [one.level(1) & one.has("pay") for one in others]
    known: Known = {**SIGNED_IN, **dict.fromkeys((*others, last), Absent(NOT_PRESENTED()))}
    found = offered(any_of(TOKEN.fresh(5), *pairs, last.level(1) & last.level(2)), known)
    assert [[step.verifier for step in remedy.steps] for remedy in found] == [
        [TOKEN],
        [last],
        *([one] for one in others[:2]),
    ]


def test_the_easiest_comes_first_wherever_it_is_written() -> None:
    factors = [Toy(f"factor{number}", of=TOKEN) for number in range(4)]
    known: Known = {**SIGNED_IN, **dict.fromkeys(factors, Absent(NOT_PRESENTED()))}
    found = offered(any_of(*(one.level(1) for one in factors), TOKEN.has("root"), TOKEN.fresh(5)), known)
    assert [remedy.effort for remedy in found] == [(3,), (4,), (4,), (4,)]


def test_what_demands_more_than_another_hides_nothing_that_comes_after_it() -> None:
    policy = any_of(TOKEN.fresh(5), TOKEN.fresh(5) & TOKEN.has("pay"), PASSKEY.level(1))
    assert [remedy.effort for remedy in offered(policy)] == [(3,), (4,)]


def test_of_equal_sets_the_ones_written_first_are_offered() -> None:
    factors = [Toy(f"factor{number}", of=TOKEN) for number in range(12)]
    known: Known = {**SIGNED_IN, **dict.fromkeys(factors, Absent(NOT_PRESENTED()))}
    found = offered(at_least(2, *(one.level(1) for one in factors)), known)
    assert [{step.verifier for step in remedy.steps} for remedy in found] == [{factors[0], one} for one in factors[1:5]]


def test_of_very_many_parts_the_easiest_are_taken() -> None:
    hard, easy = ([kind(number) for number in range(1, 301)] for kind in (TOKEN.level, TOKEN.fresh))
    never = [TOKEN.born(str(number)) for number in range(300)]
    for parts in (hard + easy, easy + hard, never + easy):
        assert offered(at_least(300, *parts))[0].effort == (Action.SIGN_IN,)


def test_what_may_help() -> None:
    passkey, fresh = PASSKEY.level(1), TOKEN.fresh(5)
    assert helps(passkey) == helps(passkey | fresh) == helps(fresh | passkey) == (True, True)
    assert helps(fresh) == helps(passkey & fresh) == (True, False)
    assert helps(not_presented(TOKEN)) == helps(TOKEN.born("root")) == (False, False)
    assert helps(~not_presented(PASSKEY)) == helps(TOKEN.older(10) & passkey) == (True, True)
    nobody, somebody = ~anyone(because="closed"), anyone(because="open")
    assert helps(nobody | passkey) == helps(somebody & passkey) == (True, True)
    assert helps(nobody) == helps(nobody & passkey) == (False, False)


def test_what_hangs_on_the_unattainable_is_not_offered() -> None:
    """Nobody can come by a badge while a request waits, so by nothing that is about its holder."""
    key = Toy("key", of=BADGE)
    known: Known = {**SIGNED_IN, **dict.fromkeys((BADGE, key, Toy("code", of=key)), Absent(NOT_PRESENTED()))}
    policy = Toy("code", of=key).level(1)
    assert [remedy.effort for remedy in offered(policy | PASSKEY.level(1), known)] == [(4,)]


def test_as_many_have_to_fail_as_a_no_takes() -> None:
    true = TOKEN.level(0), TOKEN.older(10), ~TOKEN.has("pay")
    for policy, efforts in (
        (~all_of(*true), [(3,), (3,), (4,)]),
        (~at_least(2, *true), [(3,), (4,), (4,)]),
        (~any_of(*true), [(4,)]),
    ):
        assert [remedy.effort for remedy in offered(policy)] == efforts
