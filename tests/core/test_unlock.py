"""The search for remedies: which of two that will do is offered, and what may help at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.laws.toys import BADGE, NOW, PASSKEY, TOKEN, Facts, Has, That, Toy, facts
from zerotrust.core.decision import Allow
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.policy import Policy, all_of, any_of, anyone, at_least, not_presented
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.remedy import Action, Demand, Remedy
from zerotrust.core.unlock import could_help, factors_could_help, remedies
from zerotrust.core.verifier import Question, Verifier
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
    assert not isinstance(decision, Allow)
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


# --- Who goes to another source loses what this one says -------------------------------------------------------------
@dataclass(frozen=True)
class Elsewhere(Question[Facts]):
    """That another source says so; who goes there comes back with nothing of what was said here."""

    def holds(self, evidence: Facts, now: float) -> bool:
        return evidence.source == "elsewhere"

    def action(self, evidence: Facts, wanted: bool) -> Action | None:
        return Action.SIGN_IN if wanted else None

    def assume(self, evidence: Facts, wanted: bool, now: float) -> Facts:
        return replace(facts(since=now), source="elsewhere")


@dataclass(frozen=True, repr=False)
class Only(Has):
    """A flag beside which one has no other."""

    def assume(self, evidence: Facts, wanted: bool, now: float) -> Facts:
        return replace(evidence, flags=frozenset({self.flag}))


class Granted(That):
    """A predicate that says what would help; nobody can promise what it will say of other evidence."""

    def action(self, evidence: Facts, wanted: bool) -> Action | None:
        return Action.SIGN_IN


ELSEWHERE = Elsewhere().leaf(TOKEN)
PAY, ROOT, DISK = (TOKEN.has(flag) for flag in ("pay", "root", "disk"))
HELD: Known = {
    TOKEN: Verified(facts(since=NOW - 30, flags={"pay", "root"})),
    PASSKEY: Verified(facts(since=NOW - 30, flags={"root"})),
}


def asked(policy: Policy, known: Known = HELD) -> list[list[str]]:
    """What each remedy demands, as it is written."""
    return [
        [f"{'' if demand.wanted else '~'}{demand.leaf.question}" for step in remedy.steps for demand in step.demands]
        for remedy in offered(policy, known)
    ]


def test_what_helps_now_is_demanded_of_the_other_source_and_nothing_else_is() -> None:
    elsewhere, pay, root, disk = (str(leaf.question) for leaf in (ELSEWHERE, PAY, ROOT, DISK))
    assert asked(ELSEWHERE & PAY) == [[elsewhere, pay]]
    assert asked(ELSEWHERE & any_of(DISK, PAY)) == [[elsewhere, pay], [elsewhere, disk]]
    assert asked(ELSEWHERE & any_of(DISK, ROOT)) == [[elsewhere, disk], [elsewhere, root]]
    for lost_for_good in (TOKEN.that("root"), Granted("root").leaf(TOKEN), TOKEN.born("root")):
        assert asked(ELSEWHERE & any_of(lost_for_good, PAY)) == [[elsewhere, pay]]


def test_what_has_to_go_is_not_demanded_because_it_was_lost() -> None:
    """It helps one branch now, but the other one wants it gone."""
    policy = ELSEWHERE & any_of(~ROOT & PAY, ROOT & TOKEN.born("disk"))
    assert asked(policy) == [[f"{ELSEWHERE.question}", f"{PAY.question}"]]


def test_what_the_same_source_takes_away_is_not_demanded_of_it() -> None:
    passkey_only = Only("pay").leaf(PASSKEY) & PASSKEY.has("root")
    for never in (Only("disk").leaf(TOKEN) & ROOT, passkey_only, ELSEWHERE & passkey_only):
        assert asked(never | PASSKEY.level(1)) == [["level(1)"]]


def test_a_needless_demand_goes_though_a_harder_one_comes_back() -> None:
    assert asked(all_of(ELSEWHERE, ROOT, TOKEN.fresh(10))) == [[f"{ELSEWHERE.question}", f"{ROOT.question}"]]


def test_who_goes_elsewhere_has_nothing_to_do_with_other_verifiers() -> None:
    """So of two remedies that take as much the one written first comes first."""
    token, passkey = ELSEWHERE & PAY, PASSKEY.has("pay") & PASSKEY.fresh(5)
    for policy, ordered in ((token | passkey, [TOKEN, PASSKEY]), (passkey | token, [PASSKEY, TOKEN])):
        assert [remedy.steps[0].verifier for remedy in offered(policy, HELD)] == ordered


def test_of_what_brings_each_other_the_hardest_goes() -> None:
    @dataclass(frozen=True, repr=False)
    class Both(Has):
        def assume(self, evidence: Facts, wanted: bool, now: float) -> Facts:
            return replace(evidence, flags=frozenset({"pay", "root"}))

    harder, easier = Both("root").leaf(TOKEN), Both("pay").leaf(TOKEN)
    for policy in (harder & easier, easier & harder):
        assert [remedy.effort for remedy in offered(policy | PASSKEY.born("root"))] == [(Action.SIGN_IN,)]


def test_of_two_sets_that_bring_each_other_the_one_that_is_met_for_longer_is_offered() -> None:
    sooner, later = TOKEN.fresh(5) & PAY, TOKEN.fresh(10) & PAY
    for policy in (sooner | later, later | sooner):
        (demands,) = asked(policy, SIGNED_IN)
        assert set(demands) == {"fresh(10)", "has('pay')"}


def test_demands_stand_in_the_order_written() -> None:
    leaves = [TOKEN.level(1), TOKEN.fresh(5), PAY, ROOT, DISK]
    for ordered in (leaves, leaves[::-1], leaves[2:] + leaves[:2]):
        assert asked(all_of(*ordered), SIGNED_IN) == [[f"{leaf.question}" for leaf in ordered]]


def test_nothing_comes_before_what_it_is_linked_to_though_that_is_harder() -> None:
    (remedy,) = offered(PASSKEY.level(1) & ROOT)
    assert [step.verifier for step in remedy.steps] == [TOKEN, PASSKEY]


def test_what_lets_in_already_takes_no_step() -> None:
    program = TOKEN.level(0).program
    assert remedies(program, program.values(SIGNED_IN, NOW), SIGNED_IN, NOW) == (Remedy(()),)
