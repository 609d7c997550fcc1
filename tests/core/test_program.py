"""Compiling: what is shared, what is too large for the generated function, and foreign policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from tests.laws.toys import CODE, NOW, PASSKEY, PLACE, SESSION, TOKEN, Facts, Level, That, Toy, facts, twin
from zerotrust.core import unlock
from zerotrust.core.decision import Challenge
from zerotrust.core.errors import PolicyError
from zerotrust.core.expression import function_of, rename_expression
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.policy import Leaf, Policy, all_of, any_of, anyone, at_least
from zerotrust.core.reason import MISSING_CLAIM, NOT_PRESENTED
from zerotrust.core.shortcut import answer_text, shortcut
from zerotrust.core.verdict import Verdict
from zerotrust.core.verifier import Question, Verifier
from zerotrust.engine import judge

KNOWN: dict[Verifier, Finding] = {TOKEN: Verified(facts(level=2))}


def test_leaves_and_verifiers_are_counted_once() -> None:
    program = (TOKEN.level(1) & (TOKEN.level(2) | Leaf(twin(TOKEN), Level(1))) & ~TOKEN.level(1)).program
    assert program.leaves == (TOKEN.level(1), TOKEN.level(2))
    assert program.verifiers == (TOKEN,)


def test_verifiers_stand_in_the_order_of_their_cost() -> None:
    policy = SESSION.level(1) & PASSKEY.level(1) & TOKEN.level(1) & CODE.level(1) & PLACE.level(1)
    assert policy.program.verifiers == (PLACE, CODE, PASSKEY, TOKEN, SESSION)
    assert policy.program.first == PLACE


def test_a_program_is_made_once() -> None:
    policy = TOKEN.level(1)
    assert policy.program is policy.program


def test_large_and_deep_policies_are_evaluated_all_the_same() -> None:
    wide = any_of(*(TOKEN.level(least) for least in range(300, 0, -1)))
    assert judge(wide, KNOWN, NOW)
    assert not judge(wide, {TOKEN: Verified(facts())}, NOW)
    deep: Policy = TOKEN.level(2)
    for _ in range(40):
        deep = all_of(any_of(deep))
    assert judge(deep, KNOWN, NOW)
    assert not judge(~deep, KNOWN, NOW)


@pytest.mark.parametrize("size", [1, 199, 200, 250])
def test_at_every_size_the_answer_is_the_same(size: int) -> None:
    policy = at_least(2, *(TOKEN.level(least + 1) for least in range(size)), TOKEN.level(9))
    assert judge(policy, KNOWN, NOW).verdict is (Verdict.YES if size >= 2 else Verdict.NO)


def test_predicates_have_no_shortcut() -> None:
    assert TOKEN.that("root").program.shortcut is None
    assert TOKEN.level(1).program.shortcut is not None


def test_a_no_of_at_least_is_told_by_the_shortcut_too() -> None:
    """At level 2 two of the four are reached."""
    parts = [TOKEN.level(least) for least in (1, 2, 8, 9)]
    for count in (1, 2, 3, 4):
        evaluate = (~at_least(count, *parts)).program.shortcut
        assert evaluate is not None
        assert (evaluate(KNOWN, NOW) is not None) is (count > 2)


def test_a_foreign_kind_of_policy_is_refused() -> None:
    class Maybe(Policy):
        pass

    with pytest.raises(PolicyError, match="not a policy that can be evaluated; compose the given combinators"):
        _ = Maybe().program
    with pytest.raises(PolicyError, match="not a policy that can be evaluated"):
        shortcut(Maybe(), ())


def test_polarities_count_the_nots() -> None:
    policy = TOKEN.level(1) & ~(TOKEN.level(2) | ~at_least(1, TOKEN.level(1).named("x"))) & ~anyone(because="x")
    assert policy.program.polarities() == [(0, True), (1, False), (0, True)]


def test_an_open_door_needs_nobody() -> None:
    policy = anyone(because="health")
    assert policy.program.verifiers == ()
    assert policy.program.first is None
    assert judge(policy, {}, NOW)
    assert not judge(~policy, {}, NOW)


def test_whether_it_can_still_be_yes() -> None:
    policy = TOKEN.level(1) & (PASSKEY.level(1) | ~SESSION.level(1))

    def may(**levels: int | None) -> bool:
        held: dict[Verifier, Finding] = {
            toy: Absent(NOT_PRESENTED()) if (level := levels[toy.name]) is None else Verified(facts(level=level))
            for toy in (TOKEN, PASSKEY, SESSION)
            if toy.name in levels
        }
        return policy.program.can_be_yes(policy.program.values(held, NOW), held)

    assert may()
    assert may(token=1)
    assert not may(token=0)
    assert not may(token=None), "unknown for good"
    assert may(token=1, passkey=0)
    assert may(token=1, session=None)
    assert not may(token=1, passkey=0, session=1)
    assert not may(passkey=None, session=1)


def test_what_is_unknown_for_good_is_no_yes_by_a_not() -> None:
    program = (~TOKEN.level(1) & PASSKEY.level(1)).program
    for finding, may in (
        (Absent(NOT_PRESENTED()), False),
        (Verified(facts()), True),
        (Verified(facts(level=1)), False),
    ):
        known: dict[Verifier, Finding] = {TOKEN: finding}
        assert program.can_be_yes(program.values(known, NOW), known) is may


def test_nobody_is_asked_for_whom_it_makes_no_difference() -> None:
    """What is unknown for good is so under a NOT, too: beside it, whether the rest is NO or UNKNOWN is all the same."""
    known: dict[Verifier, Finding] = {TOKEN: Absent(NOT_PRESENTED())}
    for policy in (
        TOKEN.level(1) | (~TOKEN.level(1) & PASSKEY.level(1)),
        ~TOKEN.level(1) | (TOKEN.level(1) & PASSKEY.level(1)),
        TOKEN.level(1) & (~TOKEN.level(1) | PASSKEY.level(1)),
    ):
        assert policy.program.undecided(policy.program.values(known, NOW), known) is None


def test_a_negated_leaf_is_one_line() -> None:
    assert (~TOKEN.level(1)).program.outline[-1] == ("not token.level(1)", 0, ())


def test_a_predicate_may_say_why_nothing_follows() -> None:
    @dataclass(frozen=True, slots=True)
    class Unsaid(That):
        def holds(self, evidence: Facts, now: float) -> bool:
            return MISSING_CLAIM(expected="level")  # type: ignore[return-value]  # as users do

    leaf = Unsaid("root").leaf(TOKEN)
    assert leaf.program.values(KNOWN, NOW) == (MISSING_CLAIM(expected="level"),)


# --- Expressions of questions -----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Above(Question[Facts]):
    bound: int
    expression: ClassVar[str] = "e.level > q.bound if e.level else None"


def test_an_expression_is_the_answer() -> None:
    assert Above(1).holds(facts(level=2), NOW) is True
    assert Above(1).holds(facts(level=1), NOW) is False
    toy = Toy("token")
    for policy in (Leaf(toy, Above(1)), Leaf(toy, Above(1)) & ~Leaf(toy, Above(2)), ~Leaf(toy, Above(5))):
        assert judge(policy, {toy: Verified(facts(level=2))}, NOW)
        assert not judge(policy, {toy: Verified(facts(level=0))}, NOW)


def test_an_expression_stands_in_the_function_and_what_overrides_it_is_called() -> None:
    class Called(Above):
        __slots__ = ()

        def holds(self, evidence: Facts, now: float) -> bool:
            return True

    assert answer_text(Above(1), "e0", "q0", {}) == "e0.level > q0_bound if e0.level else None"
    assert answer_text(Called(1), "e0", "q0", {}) == "q0.holds(e0, now)"


def test_texts_in_an_expression_stay_as_they_are() -> None:
    @dataclass(frozen=True, slots=True)
    class Odd(Question[Facts]):
        bound: int
        expression: ClassVar[str] = r"e.subject + '\0e\0q e q' == 'ann\0e\0q e q' and e.level > q.bound"

    assert judge(Odd(1).leaf(TOKEN), KNOWN, NOW)
    assert not judge(Odd(2).leaf(TOKEN), KNOWN, NOW)


def test_an_expression_may_use_whatever_its_question_has() -> None:
    @dataclass(frozen=True, slots=True)
    class Rich(Question[Facts]):
        bounds: tuple[int, ...]
        expression: ClassVar[str] = "q.least < e.level and q.above(e) and q.bounds.index(q.bounds[0]) == 0"
        least: ClassVar[int] = 0

        def above(self, evidence: Facts) -> bool:
            return self.bounds[0] < (evidence.level or 0)

    rich = [Rich((bound,)).leaf(TOKEN) for bound in (1, 2)]
    assert [bool(judge(policy, KNOWN, NOW)) for policy in rich] == [True, False]
    many = any_of(*(Rich((bound,)).leaf(TOKEN) & TOKEN.level(bound) for bound in range(100)))
    assert judge(many, KNOWN, NOW).values[:6] == (True, True, True, True, False, True)


def test_what_holds_says_goes_before_the_expression() -> None:
    class Never(Above):
        __slots__ = ()

        def holds(self, evidence: Facts, now: float) -> bool:
            return False

    assert not judge(Leaf(TOKEN, Never(1)), KNOWN, NOW)
    assert judge(~Leaf(TOKEN, Never(1)), KNOWN, NOW)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("e.level >", "is not Python"),
        ("e.level; 1", "is not Python"),
        ("len(e.flags)", "speaks of len; it has e, now and q"),
        ("findings", "speaks of findings"),
        ("(e := 1)", "binds names or waits"),
        ("[e for e in q.bound]", "binds names or waits"),
        ("(lambda: e)()", "binds names or waits"),
        ("await e", "binds names or waits"),
        ("(yield e)", "binds names or waits"),
        ("(yield from q.bound)", "binds names or waits"),
        ("f'{e.level}' == '1'", "formats text"),
    ],
)
def test_an_expression_is_one_plain_expression(expression: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        rename_expression(expression, "e1", "q1")
    with pytest.raises(PolicyError, match=said):
        type("Bad", (Question,), {"expression": expression, "__slots__": ()})


def test_an_expression_is_text_of_the_class() -> None:
    with pytest.raises(PolicyError, match=r"Bad\.expression is text shared by all, so declare it a ClassVar\[str\]"):
        type("Bad", (Question,), {"expression": 5, "__slots__": ()})


def test_names_are_replaced_and_nothing_else() -> None:
    assert rename_expression("q.e in e.q and now < e.now", "e7", "q3") == "q3.e in e7.q and now < e7.now"


def test_a_question_says_what_it_asks() -> None:
    class Mute(Question[Facts]):
        __slots__ = ()

    with pytest.raises(PolicyError, match="give its class an `expression`, or override `holds`"):
        Mute().holds(facts(), NOW)
    with pytest.raises(PolicyError, match="give its class an `expression`"):
        function_of("")


# --- What a refusal may cost -----------------------------------------------------------------------------------------
LARGE: list[tuple[Policy, int]] = [
    (any_of(*(TOKEN.level(n) & TOKEN.fresh(n) for n in range(1, 101))), 2_000),
    (at_least(50, *(TOKEN.level(n) for n in range(1, 101))), 2_000),
    (at_least(20, *(any_of(*(TOKEN.level(n * 10 + m) for m in range(8))) for n in range(1, 41))), 2_000),
    (all_of(*(TOKEN.level(n) | TOKEN.fresh(n) for n in range(1, 61))), 2_000),
    # Each part by itself is small, and about fifteen of them are as much as is looked through.
    (
        any_of(*(at_least(4, *(TOKEN.level(n) | TOKEN.fresh(n) for n in range(m, m + 8))) for m in range(0, 480, 8))),
        8_000,
    ),
]


@pytest.mark.parametrize(("policy", "most"), LARGE)
def test_the_search_for_remedies_joins_few_sets(policy: Policy, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Any stranger causes it, so its cost must not grow with the ways there are to combine the parts.
    worked_out: list[object] = []
    effort = unlock._effort

    def counted(way: unlock._Way) -> tuple[list[int], int]:
        worked_out.append(way)
        return effort(way)

    monkeypatch.setattr(unlock, "_effort", counted)
    decision = judge(policy, {TOKEN: Absent(NOT_PRESENTED())}, NOW)
    assert isinstance(decision, Challenge)
    assert len(worked_out) < most
