"""Roles that include roles."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.laws.toys import NOW, Born, Facts, Toy, facts
from zerotrust.core.finding import Finding, Verified
from zerotrust.core.policy import Leaf, any_of
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge
from zerotrust.verifiers.roles import HasRole, Roles


@dataclass(frozen=True, repr=False)
class Staff(Toy):
    """A verifier with roles."""

    def role(self, name: str) -> Leaf[Facts]:
        return Born(name).leaf(self)


STAFF = Staff("staff")
ROLES = Roles(STAFF, {"admin": ["editor", "auditor"], "editor": ["viewer"], "auditor": ["viewer"]})


@pytest.mark.parametrize(
    ("role", "including"),
    [
        ("viewer", ["viewer", "editor", "auditor", "admin"]),  # the nearest first, of equals as written
        ("editor", ["editor", "admin"]),
        ("auditor", ["auditor", "admin"]),
        ("admin", ["admin"]),
    ],
)
def test_a_role_is_had_by_those_that_include_it(role: str, including: list[str]) -> None:
    policy = ROLES.has(role)
    assert policy.meaning == any_of(*map(STAFF.role, including))
    assert ROLES.including(role) == tuple(including)
    for name in ("viewer", "editor", "auditor", "admin", "guest"):
        assert bool(judge(policy, {STAFF: Verified(facts(flags={name}))}, NOW)) is (name in including)
    assert not judge(policy, {}, NOW)


def test_they_print_and_compare_as_written() -> None:
    same = Roles(Staff("staff"), {"admin": ("editor", "auditor"), "editor": ["viewer"], "auditor": ["viewer"]})
    assert same == ROLES
    assert hash(same) == hash(ROLES)
    assert str(ROLES.has("editor")) == "roles.has('editor')"
    assert (
        str(Roles(STAFF, {"a": ["b"]}, name="ranks").has("b") & STAFF.born("x")) == "ranks.has('b') & staff.born('x')"
    )
    assert same.has("editor") == ROLES.has("editor") != ROLES.has("admin")
    assert Roles(STAFF, {"admin": ["editor"]}) != ROLES
    assert Roles(Staff("others"), ROLES.includes) != ROLES
    assert pickle.loads(pickle.dumps(ROLES.has("viewer"))) == ROLES.has("viewer")
    assert pickle.loads(pickle.dumps(ROLES)).includes == ROLES.includes
    assert judge(ROLES.has("editor"), {}, NOW).explanation.text == "roles.has('editor')"


def test_the_order_of_roles_counts_as_that_of_alternatives_does() -> None:
    one, other = Roles(STAFF, {"a": ["x"], "b": ["x"]}), Roles(STAFF, {"b": ["x"], "a": ["x"]})
    assert one.has("x").meaning != other.has("x").meaning
    assert one != other
    assert one.has("x") != other.has("x")


def test_roles_cannot_be_changed() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        ROLES.includes["admin"] = ()  # type: ignore[index]
    for name in ("includes", "name", "verifier"):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(ROLES, name, None)


def test_a_long_line_of_roles_takes_no_stack() -> None:
    names = [str(number) for number in range(5_000)]
    roles = Roles(STAFF, {above: [below] for above, below in zip(names[1:], names, strict=False)})
    assert roles.including("0") == tuple(names)
    assert isinstance(roles.has("4999"), HasRole)


hierarchies = st.dictionaries(
    st.integers(1, 6), st.sets(st.integers(0, 5), min_size=1, max_size=3), min_size=1, max_size=6
).map(lambda drawn: {str(role): sorted({str(min(one, role - 1)) for one in below}) for role, below in drawn.items()})


@given(hierarchies, st.sets(st.sampled_from("0123456")))
def test_more_roles_never_grant_less_and_inclusion_is_transitive(includes: dict[str, list[str]], had: set[str]) -> None:
    roles = Roles(STAFF, includes)
    known = {*includes, *(one for below in includes.values() for one in below)}

    def granted(flags: set[str]) -> set[str]:
        evidence: dict[Verifier, Finding] = {STAFF: Verified(facts(flags=flags))}
        return {role for role in known if judge(roles.has(role), evidence, NOW)}

    closed = had & known
    for _ in known:
        closed |= {below for role in closed for below in includes.get(role, ())}
    assert granted(had) == closed  # by walking down, where `has` walks up
    for role in known:
        assert granted(had) <= granted(had | {role})
