"""Wrong constructions of the algebra: each fails where it is written, and says what was seen and what to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.laws.toys import STRANGER, TOKEN, Facts, Has, Toy
from zerotrust.core.algebra import AllOf, Named, Not, Policy, Tagged
from zerotrust.core.combining import (
    Combination,
    PolicySet,
    Rule,
    deny_overrides,
    deny_unless_permit,
    first_applicable,
    forbid,
    permit,
    permit_overrides,
    permit_unless_deny,
)
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.mistakes import ask_instead, instead, nearest, no_policy, shown
from zerotrust.core.policy import Leaf, all_of, any_of, anyone, at_least, not_presented, unavailable
from zerotrust.core.requirement import when
from zerotrust.verifiers.roles import Roles

A, B, OTHER = TOKEN.level(1), TOKEN.has("pay"), STRANGER.level(1)


@dataclass(frozen=True, repr=False)
class Staff(Toy):
    """A verifier with roles."""

    def role(self, name: str) -> Leaf[Facts]:
        return Has(name).leaf(self)


STAFF = Staff("token")


def of(value: object) -> Any:
    return value


_TRUTH = "Write `a & b`, `a | b`, `~a` instead of `and`, `or`, `not`; to know whether a request may pass, use decide("
_RULES = (
    "are rules, for PolicySet, first_applicable(...) and the like; as a part of a policy write the condition itself"
)
_WHEN = "say what is required then: when(...).require(...)"
_STRANGERS = "mixes evidence of stranger and token, which nothing links: it could be about two different people"
_STAR = "unpack it with a star, as in "

TABLE: dict[str, tuple[Callable[[], object], str, str]] = {
    # What Python would do at once
    "and": (lambda: A and B, "no truth value of its own: token.level(1)", _TRUTH),
    "or": (lambda: A or B, "no truth value of its own: token.level(1)", _TRUTH),
    "not": (lambda: not A, "no truth value of its own: token.level(1)", _TRUTH),
    "if": (lambda: 1 if B else 2, "no truth value of its own: token.has('pay')", _TRUTH),
    "any": (lambda: any([A, B]), "no truth value of its own: token.level(1)", _TRUTH),
    "in": (lambda: A in of(B), "token.level(1) in token.has('pay'): `in` gives True or False", "`.is_in(...)`"),
    "in, of text": (lambda: "x" in of(B), "'x' in token.has('pay')", "token.claim('tenants', 'acme')"),
    "comparison": (lambda: all_of(of(A == B)), "False is bool, not a policy", "a comparison in it wants parentheses"),
    # What is no policy
    "a list": (lambda: all_of(of([A, B])), "all_of(...): [token.level(1), ", _STAR + "all_of(*policies)"),
    "a tuple": (lambda: A & of((B,)), "token.level(1) & (token.has('pay'),): ", _STAR + "all_of(*policies)"),
    "a set": (lambda: any_of(of({A})), "any_of(...): {token.level(1)} is set", _STAR + "any_of(*policies)"),
    "a generator": (lambda: any_of(of(p for p in (A,))), "any_of(...): a generator", _STAR + "any_of(*policies)"),
    "a list to count": (lambda: at_least(1, of([A])), "[token.level(1)] is list", _STAR + "at_least(2, *policies)"),
    "text": (lambda: A & of("read"), "token.level(1) & 'read': 'read' is str", 'token.scope("read")'),
    "long text": (lambda: A & of("x" * 999), "xxx... is str, not a policy", "token.scope"),
    "text first": (lambda: of("read") | A, "'read' | token.level(1): 'read' is str", 'token.scope("read")'),
    "a comparison of text": (
        lambda: of("x") & A,
        "'x' & token.level(1): 'x' is str",
        "comparison beside `&` or `|` wants",
    ),
    "a comparison": (
        lambda: of(1000) & A,
        "1000 & token.level(1): 1000 is int",
        "comparison beside `&` or `|` wants par",
    ),
    "a fraction": (
        lambda: A | of(0.5),
        "token.level(1) | 0.5: 0.5 is float",
        "comparison beside `&` or `|` wants paren",
    ),
    "a bool": (lambda: A | of(True), "token.level(1) | True: True is bool", "anyone(because=...)"),
    "a verifier": (lambda: A & of(TOKEN), "token.level(1) & token: token is a verifier", "ask it something"),
    "a method": (lambda: A & of(TOKEN.level), "token.level(1) & level: level is not a", "call it, as in level(...)?"),
    "a class": (lambda: all_of(A, of(Toy)), "all_of(...): Toy is not a policy yet", "call it, as in Toy(...)?"),
    "nothing": (lambda: A & of(None), "token.level(1) & None: None is NoneType", "not a policy"),
    "namesakes": (lambda: STAFF.has("a") & A, "2 verifiers that are called 'token', which nothing links", "very same"),
    # The basic nodes
    "all_of nothing": (all_of, "all_of() of nothing", "give it at least one policy"),
    "any_of nothing": (any_of, "any_of() of nothing", "give it at least one policy"),
    "at_least nothing": (lambda: at_least(1), "at_least() of nothing", "give it at least one policy"),
    "AllOf of a list": (lambda: AllOf(of([A])), "AllOf holds a tuple of policies", "write all_of(a, b)"),
    "count too great": (lambda: at_least(3, A, B), "at_least(3, ...) of 2 policies", "whole number from 1 to 2"),
    "count too small": (lambda: at_least(0, A, B), "at_least(0, ...) of 2 policies", "whole number from 1 to 2"),
    "count of text": (lambda: at_least(of("1"), A), "at_least('1', ...) of 1 policies", "at_least(2, a, b, c)"),
    "no count": (lambda: at_least(of(A), B, A), "at_least(token.level(1), ...)", "comes first, as in at_least(2,"),
    "count last": (
        lambda: at_least(of(A), B, of(2)),
        "at_least(token.level(1), ...)",
        "comes first, as in at_least(2,",
    ),
    "Not of text": (lambda: Not(of("x")), "Not(...): 'x' is str, not a policy", "token.scope"),
    "Named of a verifier": (lambda: Named(of(TOKEN), "x"), "Named(...): token is a verifier", "ask it something"),
    "no name": (lambda: A.named(""), "a policy's name", "one line of printable text, not ''"),
    "a name of two lines": (lambda: A.named("a\nb"), "a policy's name", "one line of printable text, not 'a\\nb'"),
    "a number as name": (lambda: A.named(of(7)), "a policy's name", "one line of printable text, not 7"),
    "no tag": (lambda: A.tagged(), "takes one tag or more, each once, not ()", '.tagged("sensitive")'),
    "a tag twice": (lambda: A.tagged("a", "a"), "each once, not ('a', 'a')", '.tagged("sensitive")'),
    "an empty tag": (lambda: A.tagged(" "), "a tag is one line of printable text, not ' '", '.tagged("sensitive")'),
    "a list of tags": (lambda: A.tagged(of(["a"])), "one line of printable text, not ['a']", '.tagged("sensitive")'),
    "Tagged with text": (lambda: Tagged(A, of("a")), "a tuple of tags, not 'a'", '.tagged("sensitive")'),
    "Tagged of text": (lambda: Tagged(of("x"), ("a",)), "Tagged(...): 'x' is str, not a policy", "token.scope"),
    "a leaf of text": (lambda: Leaf(of("token"), Has("pay")), "Leaf('token', has('pay'))", "Scope(...).leaf(token)"),
    "a leaf without question": (lambda: Leaf(TOKEN, of(Has)), "Leaf(token, Has)", "puts a question to a verifier"),
    "an open door": (lambda: anyone(because=""), "opens a door to everybody", "anyone(because='liveness probe')"),
    "absence of a leaf": (lambda: not_presented(of(A)), "not_presented() takes a verifier", "token.level(1) is Leaf"),
    "outage of text": (lambda: unavailable(of("t")), "unavailable() takes a verifier, such as a Bearer", "'t' is str"),
    # Rules
    "permit of text": (lambda: permit(of("x")), "permit(...): 'x' is str, not a policy", "token.scope"),
    "forbid of a list": (lambda: forbid(of([A])), "forbid(...): [token.level(1)] is list", _STAR + "all_of(*policies)"),
    "a rule of a rule": (lambda: permit(of(forbid(A))), "permit(...): forbid(token.level(1)) is not", _RULES),
    "another effect": (lambda: Rule(of("allow"), A), "effect is 'permit' or 'forbid', not 'allow'", "permit"),
    "rule & policy": (lambda: of(permit(A)) & B, "permit(token.level(1)) is not a policy", _RULES),
    "policy | rule": (lambda: A | of(permit(B)), "token.level(1) | permit(token.has('pay')): ", _RULES),
    "rule & rule": (lambda: of(permit(A)) & permit(B), "permit(token.level(1)) is not a policy", _RULES),
    "rule | rule": (lambda: of(permit(A)) | permit(B), "permit(token.level(1)) is not a policy", _RULES),
    "~ rule": (lambda: ~of(permit(A)), "permit(token.level(1)) is not a policy", _RULES),
    "not rule": (lambda: not permit(A), "permit(token.level(1)) is not a policy", _RULES),
    "all_of rules": (lambda: all_of(of(permit(A))), "all_of(...): permit(token.level(1)) is not", _RULES),
    # Combinations
    "of nothing": (deny_overrides, "deny_overrides() of nothing would never apply", "deny_overrides(forbid(...), p"),
    "a bare policy": (
        lambda: first_applicable(of(A)),
        "first_applicable(...): token.level(1) says neither that it permits nor that it forbids",
        "write permit(token.level(1)) or forbid(token.level(1))",
    ),
    "a bare policy with a name": (
        lambda: first_applicable(A.named("a")),
        "token.level(1).named('a') says neither",
        "write permit(token.level(1).n",
    ),
    "a list of rules": (
        lambda: deny_overrides(of([permit(A)])),
        "is list, not a policy",
        _STAR + "deny_overrides(*rules)",
    ),
    "text as item": (
        lambda: deny_overrides(of("x")),
        "deny_overrides(...): 'x' is str",
        "Its items are rules: permit(",
    ),
    "forbid not called": (
        lambda: deny_overrides(of(forbid)),
        "forbid is not a policy yet",
        "as in forbid(...)? Its items",
    ),
    "a verifier as item": (lambda: permit_overrides(of(TOKEN)), "token is a verifier", "Its items are rules: permit("),
    "when as item": (lambda: permit_overrides(of(when(A))), "when(token.level(1)) is not a policy", _WHEN),
    "text as target": (
        lambda: deny_overrides(permit(A), target=of("/")),
        "deny_overrides(..., target=...): '/' is str",
        "token.scope",
    ),
    "a rule as target": (lambda: deny_overrides(permit(A), target=of(permit(B))), "target=...): permit(", _RULES),
    "nothing permits": (
        lambda: deny_unless_permit(forbid(A)),
        "deny_unless_permit(forbid(token.level(1))): nothing",
        "a permit(...)",
    ),
    "nothing forbids": (
        lambda: permit_unless_deny(permit(A)),
        "nothing in it forbids, so it would permit everybody",
        "anyone(because=...)",
    ),
    "another algorithm": (lambda: Combination(of("deny"), (permit(A),)), "not 'deny'", "deny_overrides, permit_overr"),
    "items in a list": (lambda: Combination("deny_overrides", of([permit(A)])), "a tuple", "deny_overrides(*items)"),
    "strangers in rules": (lambda: deny_overrides(permit(A), forbid(OTHER)), "forbid(stranger.level(1)))", _STRANGERS),
    "a strange target": (lambda: deny_overrides(permit(A), target=OTHER), "target=stranger.level(1))", _STRANGERS),
    "strangers that only forbid": (lambda: deny_overrides(forbid(A), forbid(OTHER)), "forbid(stranger", _STRANGERS),
    # Policy sets
    "nobody may": (lambda: PolicySet(permit=[]), "PolicySet(permit=[]) would let nobody in", "PolicySet(permit=[...])"),
    "text as list": (lambda: PolicySet(permit=of("abc")), "a list of policies, not str", "permit=[...]"),
    "one policy": (lambda: PolicySet(permit=of(A)), "a list of policies, not Leaf", "permit=[token.level(1)]"),
    "one forbids": (lambda: PolicySet(permit=[A], forbid=of(B)), "not Leaf", "forbid=[token.has('pay')]"),
    "a generator of policies": (lambda: PolicySet(permit=of(p for p in (A,))), "not generator", "permit=[...]"),
    "None": (lambda: PolicySet(permit=[A], forbid=of(None)), "a list of policies, not NoneType", "forbid=[...]"),
    "texts": (lambda: PolicySet(permit=[of("read")]), "PolicySet(permit=[...]): 'read' is str", 'token.scope("read")'),
    "a list in it": (lambda: PolicySet(permit=[of([A])]), "[token.level(1)] is list", _STAR),
    "rules in it": (
        lambda: PolicySet(permit=[of(permit(A))]),
        "says by itself what its",
        "condition, not permit(token.",
    ),
    "strangers in it": (lambda: PolicySet(permit=[A], forbid=[OTHER]), "forbid=[stranger.level(1)])", _STRANGERS),
    # Requirements
    "when of text": (lambda: when(of("x")), "when(...): 'x' is str, not a policy", "token.scope"),
    "when of a rule": (lambda: when(of(permit(A))), "when(...): permit(token.level(1)) is not a policy", _RULES),
    "require a bool": (
        lambda: when(A).require(of(True)),
        "when(...).require(...): True is bool",
        "anyone(because=...)",
    ),
    "require a when": (lambda: when(A).require(of(when(B))), "when(token.has('pay')) is not a policy", _WHEN),
    "require a stranger": (
        lambda: when(A).require(OTHER),
        "when(token.level(1)).require(stranger.level(1))",
        _STRANGERS,
    ),
    "when alone": (lambda: A & of(when(B)), "when(token.has('pay')) is not a policy", _WHEN),
    "when & policy": (lambda: of(when(B)) & A, "when(token.has('pay')) is not a policy", _WHEN),
    "not when": (lambda: not when(B), "when(token.has('pay')) is not a policy", _WHEN),
    # Roles
    "unknown role": (lambda: roles().has("editr"), "roles.has('editr'): no such role", "did you mean 'editor'?"),
    "no role like it": (lambda: roles().has("x"), "roles.has('x'): no such", "there are 'admin', 'editor', 'viewer'"),
    "a number as role": (lambda: roles().has(of(3)), "roles.has(3): no such role", "roles.has('editor')"),
    "a list as role": (lambda: roles().has(of(["a"])), "roles.has(['a']): no such role", "roles.has('editor')"),
    "a circle": (
        lambda: Roles(STAFF, {"a": ["b"], "b": ["c", "d"], "c": ["a"], "x": ["a"]}),
        "Roles(...): a -> b -> c -> a",
        "itself",
    ),
    "a role of itself": (lambda: Roles(STAFF, {"a": ["a"]}), "Roles(...): a -> a", "a role cannot include itself"),
    "no roles to ask": (lambda: Roles(of(TOKEN), {"a": ["b"]}), "a leaf role(...)", "such as a Bearer, not token"),
    "a class to ask": (lambda: Roles(of(Staff), {"a": ["b"]}), "a leaf role(...)", "such as a Bearer, not Staff"),
    "no roles": (lambda: Roles(STAFF, {}), 'Roles(token, {"admin": ["editor"]})', "that each role includes, not {}"),
    "a list of roles": (lambda: Roles(STAFF, of(["a"])), 'Roles(token, {"admin": ["editor"]})', "not ['a']"),
    "one role included": (lambda: Roles(STAFF, {"a": of("b")}), "'a' includes a list of roles", "not 'b'"),
    "a role twice": (lambda: Roles(STAFF, {"a": ["b", "b"]}), "'a' includes a role twice", "['b', 'b']"),
    "a nameless role": (lambda: Roles(STAFF, {"": ["b"]}), "a role is one line of printable text", "not ''"),
    "a numbered role": (lambda: Roles(STAFF, {"a": [of(7)]}), "a role is one line of printable text", "not 7"),
    "an odd name": (lambda: Roles(STAFF, {"a": ["b"]}, name="my roles"), "the name of Roles(...)", "not 'my roles'"),
}


def roles() -> Roles:
    return Roles(STAFF, {"admin": ["editor"], "editor": ["viewer"]})


@pytest.mark.parametrize("mistake", TABLE)
def test_a_mistake_says_what_was_seen_and_what_to_write(mistake: str) -> None:
    make, seen, instead = TABLE[mistake]
    with pytest.raises((PolicyError, ConfigError)) as caught:
        make()
    said = str(caught.value)
    assert seen in said
    assert instead in said
    assert len(said) < 1_000
    assert "\n" not in said


@pytest.mark.parametrize(
    ("make", "argument"),
    [(lambda: of(PolicySet)(), "permit"), (lambda: of(anyone)(), "because"), (lambda: of(permit)(), "policy")],
    ids=["PolicySet", "anyone", "permit"],
)
def test_what_is_missing_is_named_by_python(make: Callable[[], object], argument: str) -> None:
    with pytest.raises(TypeError, match=rf"missing 1 required .*argument: '{argument}'"):
        make()


def test_long_policies_are_cut_in_messages() -> None:
    many: Policy = all_of(*(TOKEN.level(least) for least in range(1, 1_000)))
    with pytest.raises(PolicyError) as caught:
        _ = many & OTHER
    assert "token.level(2) & " in str(caught.value)
    assert len(str(caught.value)) < 1_000


def test_a_verifier_is_told_one_of_its_leaves_if_it_has_one_that_everybody_knows() -> None:
    class Session(Toy):
        @property
        def valid(self) -> Leaf[Facts]:
            return self.level(1)

    session = Session("session")
    assert ask_instead(session) == "session.valid"
    assert instead(session) == "; ask it something, e.g. session.valid"
    assert no_policy(session, "here").endswith("is a verifier, not a policy; ask it something, e.g. session.valid")
    assert (ask_instead(TOKEN), instead(TOKEN)) == ("", "")
    assert no_policy(TOKEN, "here").endswith("is a verifier, not a policy; ask it something")
    assert (ask_instead("x"), instead("x")) == ("", "")


def test_what_was_seen_is_shown_to_a_length() -> None:
    assert shown("x" * 198) == repr("x" * 198)
    assert shown("x" * 199) == "'" + "x" * 196 + "..."


def test_names_that_are_near_or_all_of_them() -> None:
    assert nearest("editr", ["viewer", "editor"]) == "did you mean 'editor'?"
    assert nearest("x", ["viewer", "editor"]) == "there are 'editor', 'viewer'"
