"""What is looked up in large policies: by paths, methods, roles and claims, as the verifiers' own leaves test them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from tests.laws import reference
from tests.laws.toys import Surroundings, Toy
from zerotrust.core.combining import PolicySet
from zerotrust.core.finding import Verified
from zerotrust.core.index import FEWEST, Demanded
from zerotrust.core.policy import Leaf, Not, Policy, any_of
from zerotrust.core.program import Program
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
    held: Any = {name: frozenset(claims.pop(name)) for name in ("scope", "roles") if name in claims}
    return TokenEvidence(claims.pop("issuer", "https://a.example"), "ann", NOW, math.inf, claims, **held)


def agree(listed: Sequence[Policy], seen: Sequence[dict[Verifier[Any], Any]]) -> None:
    """With and without look-ups the answer is the same, whether one has to hold or none may."""
    assert Demanded(any_of(*listed).program.nodes, any_of(*listed).program.leaves).worthwhile()
    for policy in (any_of(*listed), Not(any_of(*listed)), PolicySet(permit=listed, forbid=listed[: FEWEST + 1])):
        for findings in seen:
            found = {verifier: Verified(evidence) for verifier, evidence in findings.items()}
            assert bool(judge(policy, found, NOW)) is (reference.verdict(policy, found, NOW) is True)


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
