"""What is looked up in large policies: by paths, methods, roles and claims, as the verifiers' own leaves test them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

import pytest

from tests.laws import reference
from tests.laws.toys import Surroundings, Toy
from zerotrust.core.combining import PolicySet
from zerotrust.core.evidence import Evidence
from zerotrust.core.fact_values import test_value as value_of_test
from zerotrust.core.facts import Attribute, Fact, Includes, Mentions, OneOf, Segments
from zerotrust.core.finding import Finding, Verified
from zerotrust.core.index import FEWEST, Choice, Demanded, Stated
from zerotrust.core.policy import AllOf, Leaf, Not, Policy, all_of, any_of, at_least
from zerotrust.core.program import Program
from zerotrust.core.reason import MISSING_CLAIM, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.engine import judge
from zerotrust.verifiers.claim_questions import Claim
from zerotrust.verifiers.request import request
from zerotrust.verifiers.request_questions import RequestEvidence
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_questions import IssuedBy, Role, Scope

NOW = 1000.0
TOKEN: Verifier[Any] = Toy("token")
GET = RequestEvidence("request", "", NOW, math.inf, method="GET", path="/a", at=NOW)


def ask(question: Question[Any]) -> Leaf[Any]:
    return question.leaf(TOKEN)


def token(**claims: Any) -> TokenEvidence:
    scope: Any = {"scope": frozenset(claims.pop("scope"))} if "scope" in claims else {}
    roles = frozenset(claims["roles"]) if "roles" in claims else None
    return TokenEvidence(claims.pop("issuer", "https://a.example"), "ann", NOW, math.inf, claims, roles=roles, **scope)


def agree(listed: Sequence[Policy], seen: Sequence[dict[Verifier[Any], Any]]) -> None:
    """With and without look-ups the answer is the same, however many have to hold, or where none may."""
    either = any_of(*listed)
    assert Demanded(either.program.nodes, either.program.leaves).worthwhile()
    several = [either & all_of(*listed[: FEWEST + 1]), either & at_least(2, *listed)]
    for policy in (either, Not(either), *several, PolicySet(permit=listed, forbid=listed[: FEWEST + 1])):
        program = policy.program
        assert program.shortcut is not None
        for findings in seen:
            found = {verifier: Verified(evidence) for verifier, evidence in findings.items()}
            wanted, left = reference.verdict(policy, found, NOW), program.left(found, NOW)
            assert (program.shortcut(found, NOW) is not None) is (wanted is True)
            assert left.verdict(left.values(found, NOW)) is wanted
            assert bool(judge(policy, found, NOW)) is (wanted is True)


def test_paths_and_methods() -> None:
    templates = [
        "/",
        "/a",
        "/a/",
        "/a/b",
        "/a/{id}",
        "/a/{id}/c",
        "/b/{id}",
        "/b/*",
        "/{x}/z",
        "/c",
        "/d",
        "/e",
    ]
    methods = [("GET",), ("POST", "PUT"), ("DELETE",)]
    listed = [request.path(path) & request.method(*methods[n % 3]) for n, path in enumerate(templates)]
    paths = [
        "/",
        "/a",
        "/a/",
        "/a/b",
        "/a/7",
        "/a/7/c",
        "/a/7/d",
        "/b/1",
        "/b/1/2",
        "/q/z",
        "/c",
        "/e",
        "/zz",
        None,
        "",
    ]
    seen = [replace(GET, path=path, method=method) for path, method in product(paths, ("GET", "PUT", "HEAD", None))]
    agree(listed, [{request: evidence} for evidence in seen])
    agree([request.path(path) & ~request.method("HEAD") for path in templates], [{request: one} for one in seen])
    agree([*listed, request.method("HEAD")], [{}, {request: replace(GET, method="HEAD")}])


def test_templates_are_told_apart_by_the_segments_that_are_fixed() -> None:
    for template in ("/r{n}/{{id}}", "/v1/{{tenant}}/r{n}", "/v1/r{n}/*"):
        listed = [request.path(template.format(n=n)) for n in range(FEWEST + 1)]
        paths = ["/r3/7", "/r3", "/r3/7/8", "/7/r3", "/r99/7", "/v1/a/r3", "/v1/r3/r4", "/v1/r3/", "/v2/a/r3", None]
        agree(listed, [{request: replace(GET, path=path)} for path in paths])


def test_roles_and_scopes() -> None:
    listed: list[Policy] = [ask(Role(f"r{n}")) & ask(Scope((f"s{n % 3}", "x"))) for n in range(12)]
    seen = [
        token(roles=roles, scope=scope)
        for roles in ([], ["r0"], ["r3", "r11"], ["q"])
        for scope in ([], ["s0", "x"], ["s2", "x"], ["s0", "s1", "s2"])
    ]
    agree(listed, [{TOKEN: evidence} for evidence in [*seen, token(roles=["r1"]), token(scope=["s0", "x"]), token()]])


def test_claims_of_any_type() -> None:
    values: list[Any] = ["a", "b", 1, True, 0, False, 2, "1", "True", "c"]
    listed: list[Policy] = [ask(Claim("k", (value,))) & ask(IssuedBy("https://a.example")) for value in values]
    said = [*values, ["a", 1], [True], [], ["z"], None, {"a": 1}, [None], [["a"]], 1.0, 7]
    seen = [*(token(k=value) for value in said), token(), token(k="a", issuer="https://b.example")]
    agree(listed, [{TOKEN: evidence} for evidence in seen])


# --- Tests of any attribute, in any field ---------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Card(Evidence):
    """Says something, as it is and within something else."""

    said: object = None

    @property
    def within(self) -> dict[str, object]:
        return {"it": self.said}


class Cards(Verifier[Card]):
    name = "cards"

    def find(self, request: AccessRequest) -> Finding[Card]:
        raise NotImplementedError  # what is found is given

    def blank(self, now: float) -> Card:
        return Card("cards", "ann", now, math.inf)


class Backwards(Cards):
    """Reads texts from their end."""

    def read(self, evidence: Card, attribute: Attribute) -> object:
        said = super().read(evidence, attribute)
        return said[::-1] if isinstance(said, str) else said


@dataclass(frozen=True, slots=True)
class Says(Question[Card]):
    """Answers what its fact says of what its verifier reads."""

    of: Verifier[Card]
    fact: OneOf | Mentions | Includes | Segments
    looked_up: ClassVar[bool] = True

    def holds(self, evidence: Card, now: float) -> bool | Reason:
        answer = value_of_test(self.fact, self.of.read(evidence, self.fact.attribute), now)
        return MISSING_CLAIM(expected="it") if answer is None else answer

    def facts(self) -> Fact:
        return self.fact


SAID: list[object] = [
    *(
        None,
        "",
        "v1",
        "1v",
        "v8",
        "/",
        "/v1",
        "/v1/a",
        "/a/v1",
        "/a/v1/",
        "/v1/v2",
        "1v/",
        1,
        1.0,
        True,
        2.5,
        {"v1": 1},
    ),
    *([], ["v1"], ["v1", "v2"], ["v1", None], ["v1", 1], [1, ["v1"]], ("v1",), ("v1", "v2"), (), ("v1", None)),
    *(frozenset(("v1", "v2")), frozenset[str]()),
]
TESTED: dict[str, Callable[[Attribute, int], OneOf | Mentions | Includes | Segments]] = {
    "one text": lambda attribute, n: OneOf(attribute, (f"v{n}",)),
    "one of several": lambda attribute, n: OneOf(attribute, (f"v{n}", n) if n != 1 else ("v1", True, "")),
    "mentions": lambda attribute, n: Mentions(attribute, (f"v{n}", n)),
    "includes": lambda attribute, n: Includes(attribute, f"v{n}"),
    "path": lambda attribute, n: Segments(attribute, (f"v{n}",) if n else ()),
    "first segment": lambda attribute, n: Segments(attribute, (f"v{n}", None)),
    "second segment": lambda attribute, n: Segments(attribute, (None, f"v{n}"), open_ended=True),
}


@pytest.mark.parametrize("test", TESTED)
@pytest.mark.parametrize("name", ["said", "within.it"])
@pytest.mark.parametrize("cards", [Cards(), Backwards()], ids=["field", "own reading"])
def test_every_kind_of_test_is_looked_up_as_it_is_answered(cards: Cards, name: str, test: str) -> None:
    listed = [Says(cards, TESTED[test](Attribute(name, optional=True), n)).leaf(cards) for n in range(FEWEST + 1)]
    agree(listed, [{cards: Card("cards", "ann", NOW, math.inf, said)} for said in SAID])


def test_a_text_in_a_field_is_looked_up_without_a_call() -> None:
    def by_text(cards: Cards, name: str, test: str) -> bool:
        listed = [Says(cards, TESTED[test](Attribute(name, optional=True), n)).leaf(cards) for n in range(FEWEST)]
        found = choice(*listed)
        return found is not None and found.by_text

    assert [test for test in TESTED if by_text(Cards(), "said", test)] == ["one text", "path"]
    assert not any(by_text(Backwards(), "said", test) or by_text(Cards(), "within.it", test) for test in TESTED)


@pytest.mark.parametrize("path", ["/a/b/c", "/a/b", "/a", "", "a/b"])
def test_of_a_path_only_the_segment_that_is_asked_about_counts(path: str) -> None:
    held = {"/a/b/c": frozenset("b"), "/a/b": frozenset("b"), "/a": frozenset[str](), "": frozenset[str](), "a/b": None}
    assert Stated(request, Attribute("path"), Segments, 1).values(path) == held[path]


# --- What is chosen ---------------------------------------------------------------------------------------------------
def choice(*listed: Policy, room: int = 1000) -> Choice | None:
    program = any_of(*listed).program
    return Demanded(program.nodes, program.leaves).choose(program.nodes[-1].children, room)


def paths(*names: str) -> list[Policy]:
    return [request.path(f"/{name}") for name in names]


def test_what_leaves_least_to_try_is_looked_up() -> None:
    methods = [request.method("POST"), *[request.method("GET")] * 7]  # at worst seven are left; by paths two
    pairs = list(zip(methods, paths(*"aabbccdd"), strict=True))
    for listed in ([method & path for method, path in pairs], [path & method for method, path in pairs]):
        found = choice(*listed)
        assert found is not None
        assert found.stated.kind is Segments
        assert [len(parts) for parts in found.table.values()] == [2, 2, 2, 2]


def test_a_look_up_leaves_no_more_than_half_to_try() -> None:
    assert choice(*paths(*"aaaabbbb")) is not None
    assert choice(*paths(*"aaaaabbb")) is None
    others = [ask(Claim(f"k{n}", (True,))) for n in range(12)]  # each tells none but itself apart
    found = choice(*paths(*"abcdefg"), *others[:5])
    assert found is not None
    assert len(found.rest) == 5
    assert choice(*paths(*"abcdef"), *others[:6]) is None


def test_copies_are_counted_and_kept_within_their_room() -> None:
    listed = [ask(Claim("k", tuple(f"v{n}{value}" for value in range(4)))) for n in range(FEWEST)]
    found = choice(*listed, room=3 * FEWEST)
    assert found is not None
    assert found.copies == 3 * FEWEST
    assert choice(*listed, room=3 * FEWEST - 1) is None


def test_a_whole_path_is_looked_up_at_once() -> None:
    for template, segment in (("/v1/{n}/x", -1), ("/v1/{n}/{{id}}", 1), ("/v1/{n}/*", 1), ("/{{id}}/x/{n}", 2)):
        found = choice(*(request.path(template.format(n=n)) for n in range(FEWEST)))
        assert found is not None
        assert found.stated.segment == segment
        assert set(found.table) == {template.format(n=n) if segment < 0 else str(n) for n in range(FEWEST)}


def test_a_part_that_is_used_many_times_is_read_once_for_each_alternative() -> None:
    class Counted(Role):
        looked_up = True
        read = 0

        def facts(self) -> Fact:
            type(self).read += 1
            return super().facts()

    twice: Policy = all_of(ask(Counted("x")))
    for _ in range(12):
        twice = AllOf((twice, twice))
    found = choice(*(AllOf((twice, twice, path)) for path in paths(*"abcdefgh")))
    assert found is not None
    assert found.stated.kind is Segments
    assert Counted.read == FEWEST


@pytest.mark.parametrize("count", [FEWEST - 1, FEWEST])
def test_few_are_tried_one_by_one(count: int) -> None:
    policy = any_of(*(request.path(f"/r{n}") for n in range(count)))
    assert Demanded(policy.program.nodes, policy.program.leaves).worthwhile() is (count >= FEWEST)


def test_what_nobody_can_tell_apart_is_not_looked_up() -> None:
    for listed in (
        [request.method("GET") & ask(Scope((f"s{n}",))).named("x") for n in range(9)],  # told apart by scope
        [~request.path(f"/r{n}") for n in range(9)],
        [request.method(own=[f"M{m}" for m in range(9)]) for n in range(9)],  # each method leads to all
    ):
        policy = any_of(*listed)
        told = Demanded(policy.program.nodes, policy.program.leaves).worthwhile()
        assert told is ("scope" in str(policy))


def test_what_is_left_is_small_and_what_is_kept_of_it_bounded() -> None:
    listed = [
        request.path(f"/r{n}") & request.method("GET", own=[f"M{n % 2}"]) & ask(Role(f"r{n}")) for n in range(300)
    ]
    program = PolicySet(permit=listed, forbid=[ask(Role("x"))]).program

    def left(path: str) -> Program:
        return program.left({request: Verified(replace(GET, path=path))}, NOW)

    assert program.left({}, NOW) is program
    for n in range(300):
        assert len(left(f"/r{n}").nodes) < 20
        assert left(f"/r{n}").verifiers == (request, TOKEN)
    assert left("/zz") is left("/z")
    assert left("/zz").verdict(left("/zz").blank()) is False
    kept = program._narrowing.kept.left.values()
    assert sum(len(each.nodes) for each in kept) <= 20 * len(program.nodes)


def test_what_is_left_is_asked_in_the_order_of_the_whole() -> None:
    here, there = Surroundings("here"), Surroundings("there")  # of one cost, so it is the order written that counts
    listed: list[Policy] = [request.path("/both") & here.level(1) & there.level(1)]
    listed += [request.path("/turned") & there.level(1) & here.level(1), request.path("/one") & there.level(1)]
    program = any_of(*listed, *(request.path(f"/r{n}") for n in range(FEWEST))).program
    for path, asked in (("/turned", (request, here, there)), ("/one", (request, there)), ("/r1", (request,))):
        assert program.left({request: Verified(replace(GET, path=path))}, NOW).verifiers == asked


def test_what_is_left_is_narrowed_again_by_what_else_is_known() -> None:
    shared = [request.path("/shared") & ask(Claim("k", (f"v{n}",))) for n in range(FEWEST)]
    program = any_of(*shared, *(request.path(f"/r{n}") for n in range(FEWEST + 2))).program  # so paths go first
    found = {request: Verified(replace(GET, path="/shared")), TOKEN: Verified(token(k="v5"))}
    left = program.left(found, NOW)
    assert left.leaves == (request.path("/shared"), ask(Claim("k", ("v5",))))
    assert left.verdict(left.values(found, NOW)) is True


def test_the_values_of_an_allow_are_those_of_every_leaf() -> None:
    policy = PolicySet(permit=[request.path(f"/r{n}") & request.method("GET") for n in range(300)])
    decision = judge(policy, {request: Verified(replace(GET, path="/r299"))}, NOW)
    assert decision
    leaves = policy.program.leaves
    told = dict(zip(leaves, decision.values, strict=True))
    assert told[request.path("/r299")] is True
    assert told[request.method("GET")] is True
    assert decision.values.count(False) == 299
    assert decision.values is decision.values
    assert "yes" in str(decision)
    with pytest.raises(AttributeError, match="'Allow' object has no attribute 'valeus'"):
        _ = decision.valeus  # type: ignore[attr-defined]


def test_facts_nobody_vouches_for_lead_to_no_look_up() -> None:
    """A wrong fact of somebody's own question must not make a decision pass over an alternative that forbids."""

    class Lying(Role):
        looked_up = False

    listed = [ask(Lying(f"role-{number}")) for number in range(2 * FEWEST)]
    policy = any_of(*listed)
    assert not Demanded(policy.program.nodes, policy.program.leaves).worthwhile()
    vouched = any_of(*[ask(Role(f"role-{number}")) for number in range(2 * FEWEST)])
    assert Demanded(vouched.program.nodes, vouched.program.leaves).worthwhile()
