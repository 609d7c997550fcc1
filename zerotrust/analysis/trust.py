"""What every way through a policy requires; and that worse evidence never grants more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from zerotrust.analysis.circuit import GaveUp
from zerotrust.analysis.comparison import MOST, Example, example_of
from zerotrust.analysis.encoding import Encoding
from zerotrust.analysis.examples import examples
from zerotrust.analysis.parties import is_leaf, leaves_in
from zerotrust.analysis.parts import NEVER
from zerotrust.analysis.prover import SECONDS, Prover
from zerotrust.analysis.report import called
from zerotrust.core.errors import PolicyError
from zerotrust.core.policy import Named, Not, Policy, any_of
from zerotrust.core.verifier import Verifier

SENSITIVE: Final = "sensitive"


@dataclass(frozen=True, slots=True)
class Requires:
    """Whether every way through a policy requires something.

    Attributes:
        proven: whether that is proven.
        ways_around: examples of what is allowed without, simplest first; `old` is what the requirement comes to, `new`
            what the policy does.
        complete: whether nothing had to be left open.
        caveats: what was, if anything.
        policy: the policy.
        requirement: what was asked of it.
    """

    proven: bool
    ways_around: tuple[Example, ...]
    complete: bool
    caveats: tuple[str, ...]
    policy: Policy = field(repr=False)
    requirement: Policy = field(repr=False)

    def __bool__(self) -> bool:
        raise TypeError("this is neither true nor false: it may be that nobody can tell; ask .proven")

    @property
    def _wanted(self) -> str:
        named = isinstance(self.requirement, Named)
        return (
            called(self.requirement)
            if named
            else "a phishing-resistant factor"
            if _is_never(self.requirement)
            else "it"
        )

    def __str__(self) -> str:
        if self.proven:
            lines = [f"proven: every way requires {self._wanted}"]
        elif self.ways_around:
            lines = [f"allows without {self._wanted}:"]
            lines += str(self.ways_around[0]).splitlines()
            lines += [f"  {line}" for line in str(self.ways_around[0].new).splitlines()]
        else:
            lines = ["cannot tell"]
        return "\n".join([*lines, *(f"left open: {caveat}" for caveat in self.caveats)])


def requires(policy: Policy, requirement: Policy, *, seconds: float = SECONDS, most: int = MOST) -> Requires:
    """Whether `policy` allows nothing on which `requirement` is not YES.

    Args:
        policy: what is decided by.
        requirement: what has to hold whenever it allows.
        seconds: how long the solver may think about one question.
        most: how many ways around it to look for.
    """
    return _requires(policy, requirement, policy, seconds, most)


def requires_phishing_resistant(policy: Policy, *, seconds: float = SECONDS) -> Requires:
    """Whether `policy` allows nobody without a phishing-resistant factor (SP 800-63B-4 section 3.2.5).

    Which leaves prove one is said by their questions. The user's own predicates prove none.
    """
    _check(policy, "requires_phishing_resistant")
    return requires(policy, _phishing_resistant(policy), seconds=seconds)


def assert_phishing_resistant(policy: Policy, *, seconds: float = SECONDS) -> None:
    """For tests: fail unless it is proven that `policy` allows nobody without a phishing-resistant factor.

    Args:
        policy: what is decided by.
        seconds: how long the solver may think about one question.

    Raises:
        AssertionError: there is a way without, with an example; or that cannot be told.
    """
    found = requires_phishing_resistant(policy, seconds=seconds)
    if not found.proven:
        raise AssertionError(f"{called(policy)} {found}" if found.ways_around else f"{called(policy)}: {found}")


def sensitive(
    policies: Mapping[str, Policy], *, tag: str = SENSITIVE, requirement: Policy | None = None, seconds: float = SECONDS
) -> Mapping[str, Requires]:
    """Whether every way to what is tagged `sensitive` requires a phishing-resistant factor, by name of the policy.

    A policy is looked at if it has the tag, or a policy inside it has. Where one inside has it, a way to it is what
    makes both YES.

    Args:
        policies: by name, e.g. those of the routes in a guard's report.
        tag: which tag.
        requirement: what else to require, in place of a phishing-resistant factor.
        seconds: how long the solver may think about one question.
    """
    given: object = policies
    if not isinstance(given, Mapping):
        raise PolicyError(
            f'sensitive() takes policies by name, not {type(given).__name__}: write sensitive({{"can pay": can_pay}})'
        )
    checked: dict[str, Requires] = {}
    for name, policy in policies.items():
        _check(policy, "sensitive")
        tagged = policy.tags.get(tag, ())
        if tagged:
            asked = _phishing_resistant(policy) if requirement is None else requirement
            checked[name] = _requires(policy, asked, _reached(policy, tagged), seconds, MOST)
    return checked


def _reached(policy: Policy, tagged: Sequence[Policy]) -> Policy:
    """What is YES on the ways to what is tagged: all ways, if that stands under a `~` anywhere."""
    places: dict[tuple[int, bool], None] = {}
    todo: list[tuple[Policy, bool]] = [(policy, True)]
    while todo:
        one, plain = todo.pop()
        if (id(one), plain) not in places:
            places[id(one), plain] = None
            todo += [(child, plain is not isinstance(one, Not)) for child in one.children]
    if not all((id(one), True) in places and (id(one), False) not in places for one in tagged):
        return policy
    return tagged[0] if len(tagged) == 1 else any_of(*tagged)


def _check(policy: object, what: str) -> None:
    if isinstance(policy, Policy):
        return
    kind = type(policy).__name__
    advice = (
        f"a verifier; write {policy.name}.valid, say, or another leaf of it" if isinstance(policy, Verifier) else kind
    )
    raise PolicyError(f"{what}() is about policies; {policy!r} is {advice}")


def _is_never(requirement: Policy) -> bool:
    return requirement is NEVER


def _phishing_resistant(policy: Policy) -> Policy:
    proofs = [leaf for leaf in leaves_in(policy) if is_leaf(leaf) and leaf.question.phishing_resistant]
    return any_of(*proofs).named("a phishing-resistant factor") if proofs else NEVER


def _requires(policy: Policy, requirement: Policy, inside: Policy, seconds: float, most: int) -> Requires:
    found: list[Example] = []
    caveats: list[str] = []
    proven = False
    try:
        encoding = Encoding((requirement, inside, policy), by_name=False)  # of one program: another one is another
        caveats += encoding.limits
        required, reached, allowed = (value.yes for value in encoding.values)
        goal = encoding.circuit.all((allowed, reached, required ^ 1))
        for one in examples(encoding, Prover(encoding.circuit, seconds), goal, most):
            found.append(example_of(one))  # noqa: PERF401 - those found before the time was over count
        proven = not found
        for example in found:
            caveats += encoding.taken_for_independent([about for about, _ in example.rests_on])
        if any(one.supposing for one in found):
            caveats += encoding.caveats
    except GaveUp as gave_up:
        caveats += [] if found else [str(gave_up)]
    return Requires(proven, tuple(found), not caveats, tuple(dict.fromkeys(caveats)), policy, requirement)
