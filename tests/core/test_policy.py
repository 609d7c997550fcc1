"""Policies: what they refuse to be, how they print, and that they are values."""

from __future__ import annotations

import copy
import pickle
from typing import Any, cast
from unittest.mock import ANY

import pytest
from hypothesis import given

from tests.laws.strategies import policies
from tests.laws.toys import (
    CODE,
    PASSKEY,
    PLACE,
    SESSION,
    STRANGER,
    TOKEN,
    Born,
    Fresh,
    Has,
    Level,
    Surroundings,
    That,
    Toy,
    twin,
)
from zerotrust.core.combining import PolicySet, deny_overrides, first_applicable, forbid, permit
from zerotrust.core.errors import ConfigError, PolicyError, ZeroTrustError
from zerotrust.core.policy import (
    AllOf,
    AnyOf,
    Leaf,
    Not,
    Policy,
    all_of,
    any_of,
    anyone,
    at_least,
    not_presented,
    unavailable,
)
from zerotrust.core.requirement import when
from zerotrust.core.tree import Tree

A, B, C = TOKEN.level(1), TOKEN.has("pay"), PASSKEY.fresh(5)
NAMES = {
    **{toy.name: toy for toy in (TOKEN, PASSKEY, CODE, SESSION, PLACE, Toy("badge", of=TOKEN))},
    **{make.__name__: make for make in (all_of, any_of, at_least, anyone, not_presented, unavailable)},
    **{make.__name__: make for make in (permit, forbid, deny_overrides, first_applicable, when)},
    "PolicySet": PolicySet,
}


def test_a_policy_has_no_truth_value() -> None:
    with pytest.raises(
        PolicyError, match=r"token\.level\(1\)\. Write `a & b`, `a \| b`, `~a`.*decide\(policy, request\)"
    ):
        bool(A)
    with pytest.raises(PolicyError, match="no truth value"):
        A and B  # noqa: B018 - the mistake itself
    with pytest.raises(PolicyError, match="no truth value"):
        not A  # noqa: B018


@pytest.mark.parametrize("make", [all_of, any_of, lambda: at_least(1)], ids=["all_of", "any_of", "at_least"])
def test_nothing_is_no_policy(make: Any) -> None:
    with pytest.raises(PolicyError, match=r"(all_of|any_of|at_least)\(\) of nothing would be decided by nobody"):
        make()


@pytest.mark.parametrize("sign", ["&", "|"])
@pytest.mark.parametrize("wrong", [None, b"token"])
def test_the_other_side_is_a_policy(sign: str, wrong: object) -> None:
    with pytest.raises(PolicyError) as caught:
        _ = A & cast("Policy", wrong) if sign == "&" else A | cast("Policy", wrong)
    assert str(caught.value) == (f"token.level(1) {sign} {wrong!r}: {wrong!r} is {type(wrong).__name__}, not a policy")
    with pytest.raises(PolicyError) as caught:
        _ = wrong & A if sign == "&" else wrong | A
    assert str(caught.value) == (f"{wrong!r} {sign} token.level(1): {wrong!r} is {type(wrong).__name__}, not a policy")


MISTAKES: list[Any] = [
    lambda level: level & A,
    lambda level: A & level,
    lambda level: level | A,
    lambda level: A | level,
    lambda level: all_of(A, level),
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_leaf_that_was_not_called(mistake: Any) -> None:
    with pytest.raises(PolicyError, match=r"level is not a policy yet\. Did you forget to call it, as in level\("):
        mistake(TOKEN.level)


def test_parts_are_policies() -> None:
    with pytest.raises(PolicyError, match=r"all_of\(\.\.\.\): level is not a policy yet"):
        all_of(A, cast("Policy", TOKEN.level))
    with pytest.raises(PolicyError, match=r"at_least\(\.\.\.\): 7 is int, not a policy"):
        at_least(1, A, cast("Policy", 7))


@pytest.mark.parametrize("count", [0, -1, 3, True, 1.0, "1", None])
def test_at_least_counts_what_is_there(count: Any) -> None:
    with pytest.raises(PolicyError) as caught:
        at_least(count, A, B)
    assert f"at_least({count!r}, ...) of 2 policies: the count is a whole number from 1 to 2" in str(caught.value)


@pytest.mark.parametrize("because", ["", "  \n", None, 7])
def test_an_open_door_has_a_reason(because: Any) -> None:
    with pytest.raises(PolicyError, match=r"say why, e\.g\. anyone\(because='liveness probe'\)"):
        anyone(because=because)


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "bell\a", None, 7])
def test_a_name_is_a_line_of_text(name: Any) -> None:
    with pytest.raises(PolicyError, match="one line of printable text, not"):
        A.named(name)


@pytest.mark.parametrize("make", [not_presented, unavailable])
@pytest.mark.parametrize("wrong", [A, Toy, None, "token"])
def test_absence_is_a_verifiers(make: Any, wrong: object) -> None:
    with pytest.raises(PolicyError, match=rf"{make.__name__}\(\) takes a verifier, such as a Bearer; .* is "):
        make(wrong)


def test_unlinked_verifiers_do_not_mix() -> None:
    with pytest.raises(PolicyError) as caught:
        _ = A & (C | STRANGER.level(1))
    assert str(caught.value) == (
        "passkey.fresh(5) | stranger.level(1) mixes evidence of passkey and stranger, which nothing links: it could "
        "be about two different people. For tokens of several issuers make one verifier: Bearer(Issuer(a), Issuer(b), "
        "audience=...). What an access proxy and the application itself ask for are two decisions: a Guard each, one "
        "application mounted in the other. Otherwise link them, if the verifier takes `of=`, or use the very same "
        "verifier in all leaves"
    )
    for mix in (lambda: all_of(A, STRANGER.level(1)), lambda: at_least(1, ~A.named("a"), not_presented(STRANGER))):
        with pytest.raises(PolicyError, match="mixes evidence of stranger and token"):
            mix()


def test_what_is_no_policy_is_not_equal_to_one() -> None:
    for policy in (A, A & B):
        assert (policy == str(policy)) is False
        assert policy == ANY, "the other side is asked, too"


def test_equality_looks_at_all_parts_also_beside_those_that_are_shared() -> None:
    for place in range(3):
        one, another = [[B, B, B] for _ in "ab"]
        one[place], another[place] = TOKEN.level(1), TOKEN.level(2)  # not hashed yet, as policies are when made
        assert all_of(*one) != all_of(*another)
        one[place] = TOKEN.level(2)
        assert all_of(*one) == all_of(*another)


def test_a_stranger_is_found_in_any_crowd() -> None:
    """Whatever the order in which a set gives its members."""
    friends = [Toy(f"friend{number}", of=TOKEN).level(1) for number in range(30)]
    with pytest.raises(PolicyError, match="mixes evidence of friend0 and stranger, which nothing links"):
        any_of(*friends, STRANGER.level(1))
    places = [Surroundings(f"place{number}").level(1) for number in range(30)]
    with pytest.raises(PolicyError, match="mixes evidence of stranger and token, which nothing links"):
        any_of(*places, A, STRANGER.level(1))


def test_unlinked_verifiers_of_certificates_are_told_what_ties_them_first() -> None:
    class Peered(Toy):
        needs_peer = True

    with pytest.raises(PolicyError) as caught:
        _ = A & Peered("device").level(1)
    said = str(caught.value)
    assert said.index('DeviceCertificate(..., of=token, claim="device_id")') < said.index(
        "For tokens of several issuers"
    )
    assert "beside=token" in said


def test_linked_verifiers_mix() -> None:
    friend = Toy("friend", links=(STRANGER,))
    relative = Toy("relative", of=friend)
    for policy in (
        A & C & CODE.level(1) & SESSION.level(1) & PLACE.level(1),  # linked through what is not in the policy, too
        CODE.level(1) & SESSION.level(1),
        PLACE.level(1) & STRANGER.level(1),  # of a request, not of a person
        STRANGER.level(1) | relative.level(1),
        Leaf(twin(TOKEN), Level(1)) & A,
        A & Toy("bound", of=TOKEN, links=(TOKEN, PASSKEY)).level(1),
    ):
        assert isinstance(policy, AllOf | AnyOf)


def test_policy_errors_are_type_errors_of_ours() -> None:
    assert issubclass(PolicyError, TypeError)
    assert issubclass(ConfigError, ValueError)
    assert issubclass(PolicyError, ZeroTrustError)
    assert issubclass(ConfigError, ZeroTrustError)


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (A, "token.level(1)"),
        (A & B & C, "token.level(1) & token.has('pay') & passkey.fresh(5)"),
        (A | B & C, "token.level(1) | (token.has('pay') & passkey.fresh(5))"),
        ((A | B) & C, "(token.level(1) | token.has('pay')) & passkey.fresh(5)"),
        (~A, "~token.level(1)"),
        (~(A & B), "~(token.level(1) & token.has('pay'))"),
        (~~A, "token.level(1)"),
        (Not(Not(A)), "~~token.level(1)"),
        ((A & B).named("x"), "(token.level(1) & token.has('pay')).named('x')"),
        (A.named("x") & B, "token.level(1).named('x') & token.has('pay')"),
        ((~A).named("x"), "(~token.level(1)).named('x')"),
        (~(A.named("x")), "~token.level(1).named('x')"),
        (all_of(A), "all_of(token.level(1))"),
        (any_of(A | B), "any_of(token.level(1) | token.has('pay'))"),
        (
            at_least(2, A, B | C, ~A),
            "at_least(2, token.level(1), token.has('pay') | passkey.fresh(5), ~token.level(1))",
        ),
        (~at_least(1, A), "~at_least(1, token.level(1))"),
        (anyone(because="it's a probe"), 'anyone(because="it\'s a probe")'),
        (not_presented(TOKEN) | ~unavailable(PASSKEY), "not_presented(token) | ~unavailable(passkey)"),
        (TOKEN.that("root"), "token.that('root')"),
        ((A | B).tagged("a", "b"), "(token.level(1) | token.has('pay')).tagged('a', 'b')"),
        (when(A | B).require(~C), "when(token.level(1) | token.has('pay')).require(~passkey.fresh(5))"),
        (PolicySet(permit=[A, B]), "PolicySet(permit=[token.level(1), token.has('pay')])"),
        (
            PolicySet(permit=[A], forbid=[B | C]),
            "PolicySet(permit=[token.level(1)], forbid=[token.has('pay') | passkey.fresh(5)])",
        ),
        (
            ~first_applicable(forbid(A), PolicySet(permit=[B]).named("x"), target=C) & A,
            (
                "~first_applicable(forbid(token.level(1)), PolicySet(permit=[token.has('pay')]).named('x'), "
                "target=passkey.fresh(5)) & token.level(1)"
            ),
        ),
    ],
)
def test_a_policy_prints_as_it_was_written(policy: Policy, text: str) -> None:
    assert repr(policy) == str(policy) == text


@given(policies)
def test_what_is_printed_reads_back(policy: Policy) -> None:
    """Up to what is the same by any reading: `(a & b) & c`, `~~a`, `all_of(a)`."""
    again = eval(repr(policy), dict(NAMES))
    assert isinstance(again, Policy)
    assert _normal(again) == _normal(policy)


def _normal(policy: Policy) -> Policy:
    match policy:
        case Not(inner):
            return ~_normal(inner)
        case AllOf(parts) | AnyOf(parts):
            flat: list[Policy] = []
            for part in map(_normal, parts):
                flat.extend(part.children if type(part) is type(policy) else (part,))
            return flat[0] if len(flat) == 1 else type(policy)(tuple(flat))
        case _:
            return cast("Policy", _rebuilt(policy))


def _rebuilt(tree: Tree) -> Tree:
    own, parts = tree.apart()
    return type(tree).joined(
        own, tuple(_normal(part) if isinstance(part, Policy) else _rebuilt(part) for part in parts)
    )


def test_operators_make_one_node_of_a_row() -> None:
    assert (A & B & C).children == (A, B, C)
    assert (A & (B & C)).children == (A, B, C)
    assert (A | B | C).children == (A, B, C)
    assert (A & (B | C)).children == (A, B | C)
    assert (A & (B & C).named("x")).children == (A, (B & C).named("x"))
    assert all_of(A, B) == A & B
    assert any_of(A, B) == A | B
    assert (~A).children == (A,)
    assert A.children == ()


def test_policies_are_values() -> None:
    one, same = (A & ~B).named("x"), (TOKEN.level(1) & ~Leaf(twin(TOKEN), Has("pay"))).named("x")
    assert one == same
    assert hash(one) == hash(same)
    assert one != (A & ~B).named("y")
    assert A & B != B & A
    assert PASSKEY.level(1) != A
    assert not_presented(TOKEN) != unavailable(TOKEN)
    assert cast("Policy", all_of(A)) != any_of(A)
    assert len({A, TOKEN.level(1), B}) == 2
    with pytest.raises((AttributeError, TypeError)):
        A.verifier = PASSKEY  # type: ignore[misc]


@given(policies)
def test_a_copy_is_equal_and_works(policy: Policy) -> None:
    _ = policy.program, policy.verifiers  # what was computed already does not travel along
    for other in (copy.copy(policy), copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))):
        assert other == policy
        assert hash(other) == hash(policy)
        assert repr(other) == repr(policy)
        assert other.program.leaves == policy.program.leaves


def test_verifiers_are_those_asked() -> None:
    policy = (A & ~C).named("x") | not_presented(SESSION) | anyone(because="x")
    assert policy.verifiers == {TOKEN, PASSKEY, SESSION}


def test_questions_make_leaves() -> None:
    for question in (Level(1), Has("pay"), Born("pay"), Fresh(5), That("root")):
        assert question.leaf(TOKEN) == Leaf(TOKEN, question)
