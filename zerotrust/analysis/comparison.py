"""What one policy allows that another does not: proven, or shown by an example that the engine has confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from zerotrust.analysis.circuit import GaveUp, Literal
from zerotrust.analysis.configuration import Change, changes
from zerotrust.analysis.encoding import Encoding
from zerotrust.analysis.examples import Found, examples
from zerotrust.analysis.parties import leaves_in
from zerotrust.analysis.prover import SECONDS, Method, Prover
from zerotrust.core.decision import Decision
from zerotrust.core.errors import PolicyError
from zerotrust.core.policy import Policy, name_of

MOST: Final = 3
"""How many examples are looked for."""
MOST_OF_LEAVES: Final = 5
"""How many there are at most, where several leaves changed, and each is looked for alone."""


class Relation(Enum):
    """What a new policy is beside an old one."""

    EQUIVALENT = "equivalent"
    STRICTER = "stricter"
    WEAKER = "weaker"
    INCOMPARABLE = "incomparable"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class Example:
    """Evidence on which two policies are decided differently. It is not imagined: the engine has decided on it.

    Attributes:
        rests_on: what makes the difference, as (what, how it is); however all else is, it would be there.
        old, new: the decisions on this evidence, with their findings and explanations.
        now: when it is, POSIX seconds.
        supposing: what had to be supposed of predicates and of questions that do not say what they depend on.
    """

    rests_on: tuple[tuple[str, str], ...]
    old: Decision
    new: Decision
    now: float
    supposing: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"  {about}: {how}" for about, how in self.rests_on] or ["  whatever is presented"]
        lines += [f"  supposing that {one}" for one in self.supposing]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a new policy allows and refuses beside an old one.

    Attributes:
        relation: in one word.
        newly_allowed: examples of what only the new policy allows, simplest first; each of another kind.
        newly_refused: examples of what only the old one allows.
        complete: whether nothing had to be left open; `caveats` says why, if not.
        caveats: what is behind the answer, and not proven.
        configuration: where verifiers of the same name are configured differently.
        old, new: the policies.
        proven: whether it is proven that nothing is newly allowed, and that nothing is newly refused.
    """

    relation: Relation
    newly_allowed: tuple[Example, ...]
    newly_refused: tuple[Example, ...]
    complete: bool
    caveats: tuple[str, ...]
    configuration: tuple[Change, ...]
    old: Policy = field(repr=False)
    new: Policy = field(repr=False)
    proven: tuple[bool, bool] = field(repr=False, default=(False, False))

    @property
    def not_weaker(self) -> bool:
        """Whether it is proven that the new policy allows nothing that the old one does not.

        False also where that cannot be told, and where verifiers are configured differently: whether the audience of a
        token is wider than it was is not a thing that leaves can say.
        """
        return self.proven[0] and not self.configuration

    @property
    def verdict(self) -> str:
        """The answer as a sentence."""
        said = _VERDICTS[self.relation](self)
        return f"{said} But verifiers are configured differently." if self.configuration else said

    def markdown(self, title: str = "") -> str:
        """A comment for a review."""
        from zerotrust.analysis.report import comparison_markdown

        return comparison_markdown(self, title)

    def to_dict(self) -> dict[str, object]:
        """The answer as plain data for JSON."""
        from zerotrust.analysis.report import comparison_dict

        return comparison_dict(self)

    def __str__(self) -> str:
        from zerotrust.analysis.report import comparison_text

        return comparison_text(self)

    def __bool__(self) -> bool:
        raise TypeError("a comparison is neither true nor false; ask .not_weaker, or .relation")


_VERDICTS: Final[dict[Relation, Callable[[Comparison], str]]] = {
    Relation.EQUIVALENT: lambda _: "The new policy allows exactly what the old one allows.",
    Relation.STRICTER: lambda _: (
        "The new policy is stricter: it allows nothing new, and refuses some of what was allowed."
    ),
    Relation.WEAKER: lambda one: (
        "The new policy is weaker: it allows what the old one refuses"
        + (", and refuses nothing that was allowed." if one.proven[1] else ".")
    ),
    Relation.INCOMPARABLE: lambda _: (
        "The new policy allows what the old one refuses, and refuses what the old one allows."
    ),
    Relation.UNKNOWN: lambda one: (
        "It cannot be told whether the new policy allows more than the old one."
        if not one.proven[0]
        else "The new policy allows nothing new; it cannot be told whether it refuses what was allowed."
    ),
}


def compare(
    old: Policy, new: Policy, *, seconds: float = SECONDS, method: Method = "auto", most: int | None = None
) -> Comparison:
    """What `new` allows and refuses beside `old`, on any evidence there can be.

    Leaves over ordered values are understood: `fresh(5 min)` implies `fresh(10 min)`, a network its subnets, a set of
    scopes its parts. Verifiers of the two are taken for the same if they have the same name and kind.

    Args:
        old: the policy before.
        new: the policy after.
        seconds: how long the solver may think about one question.
        method: what to prove with; "auto" tries every case where they are few, and takes the solver where not.
        most: how many examples to look for, each way. Unless given, 3, and where several leaves changed one of each, up
            to 5 in all.

    Raises:
        PolicyError: one of them is no policy.
        ConfigError: they are so large that the extra `zerotrust[analysis]` is needed, and it is not installed.
    """
    caveats: list[str] = []
    try:
        encoding = Encoding((old, new))
    except GaveUp as gave_up:
        return Comparison(Relation.UNKNOWN, (), (), False, (str(gave_up),), (), old, new)
    caveats += encoding.limits
    prover = Prover(encoding.circuit, seconds, method)
    before, after = (value.yes for value in encoding.values)
    left_out, put_in = _changed(encoding) if most is None else ([], [])
    of_each = [*_alone(encoding, left_out, True), *_alone(encoding, put_in, False)]
    to_each = [*_alone(encoding, put_in, True), *_alone(encoding, left_out, False)]
    looked_for = MOST if most is None else most
    allowed, nothing_allowed = _differences(encoding, prover, (after, before ^ 1), looked_for, of_each, caveats)
    refused, nothing_refused = _differences(encoding, prover, (before, after ^ 1), looked_for, to_each, caveats)
    configuration = tuple(_changes(encoding))
    supposed = any(example.supposing for example in (*allowed, *refused))
    for example in (*allowed, *refused):
        caveats += encoding.taken_for_independent([about for about, _ in example.rests_on])
    complete = not caveats and not supposed and not configuration
    if supposed:
        caveats += [caveat for caveat in encoding.caveats if caveat not in caveats]
    caveats += [str(change) for change in configuration]
    return Comparison(
        _relation(bool(allowed), nothing_allowed, bool(refused), nothing_refused),
        allowed,
        refused,
        complete,
        tuple(dict.fromkeys(caveats)),
        configuration,
        old,
        new,
        (nothing_allowed, nothing_refused),
    )


def _changes(encoding: Encoding) -> Iterator[Change]:
    for party in encoding.parties.all:
        yield from changes(party.name, party.verifiers[0], party.verifiers[1])


def _relation(allowed: bool, nothing_allowed: bool, refused: bool, nothing_refused: bool) -> Relation:
    if allowed:
        return Relation.INCOMPARABLE if refused else Relation.WEAKER
    if not nothing_allowed or (not refused and not nothing_refused):
        return Relation.UNKNOWN
    return Relation.STRICTER if refused else Relation.EQUIVALENT


def _changed(encoding: Encoding) -> tuple[list[Literal], list[Literal]]:
    """When each leaf is YES that the old policy alone has, and each that the new one alone has, as they are written."""
    written = [{str(leaf): leaf for leaf in leaves_in(policy)} for policy in encoding.policies]
    old, new = (
        [encoding.value(side, leaf).yes for text, leaf in written[side].items() if text not in written[1 - side]]
        for side in (0, 1)
    )
    return old, new


def _alone(encoding: Encoding, leaves: Sequence[Literal], only_one_fails: bool) -> list[Literal]:
    """For each of several leaves, that it alone is not YES, or that it alone is."""
    if len(leaves) < 2:
        return []
    return [
        encoding.circuit.all([one ^ ((one == leaf) is only_one_fails) for one in leaves])
        for leaf in leaves[:MOST_OF_LEAVES]
    ]


def _differences(
    encoding: Encoding,
    prover: Prover,
    wanted: Sequence[Literal],
    most: int,
    kinds: Sequence[Literal],
    caveats: list[str],
) -> tuple[tuple[Example, ...], bool]:
    """Examples in which all of `wanted` is true, and whether it is proven that there are none.

    After the simplest `most` those of `kinds` of which there is none among them, each of which is true in one.
    """
    found: list[Found] = []
    goal = encoding.circuit.all(wanted)
    try:
        for one in examples(encoding, prover, goal, most):
            found.append(one)  # noqa: PERF402 - those found before the time was over count
        for kind in kinds if found else ():
            if len(found) < MOST_OF_LEAVES and not any(one.witness.holds(kind) for one in found):
                found += [
                    one
                    for one in examples(encoding, prover, goal, 1, kind)
                    if one.needed not in [other.needed for other in found]
                ]
    except GaveUp as gave_up:
        if not found:
            caveats.append(str(gave_up))
            return (), False
    return tuple([example_of(one) for one in found]), not found


def example_of(found: Found) -> Example:
    """A case, as users see it."""
    witness = found.witness
    return Example(found.needed, witness.decide(0), witness.decide(-1), witness.now, tuple(witness.supposed))


def implies(a: Policy, b: Policy, *, seconds: float = SECONDS, method: Method = "auto") -> bool:
    """Whether it is proven that `b` allows whatever `a` allows.

    False also where that cannot be told, and where verifiers of the same name are configured differently.
    """
    return _proven(a, b, seconds, method)


def equivalent(a: Policy, b: Policy, *, seconds: float = SECONDS, method: Method = "auto") -> bool:
    """Whether it is proven that `a` and `b` allow the same.

    False also where that cannot be told, and where verifiers of the same name are configured differently.
    """
    return _proven(a, b, seconds, method) and _proven(b, a, seconds, method)


def _proven(a: Policy, b: Policy, seconds: float, method: Method) -> bool:
    try:
        encoding = Encoding((a, b))
        if next(_changes(encoding), None) is not None:
            return False
        one, other = (value.yes for value in encoding.values)
        return Prover(encoding.circuit, seconds, method).find(encoding.circuit.all((one, other ^ 1))) is None
    except GaveUp:
        return False


def assert_not_weaker(new: Policy, old: Policy, *, reviewed: Sequence[str] = (), seconds: float = SECONDS) -> None:
    """For tests: fail unless it is proven that `new` allows nothing that `old` does not.

    Args:
        new: the policy after.
        old: the policy before.
        reviewed: differences in the configuration of verifiers that are meant to be, as `token.audience`.
        seconds: how long the solver may think about one question.

    Raises:
        AssertionError: it allows more, with an example; or that cannot be told.
    """
    for name, given in (("new", new), ("old", old)):
        one: object = given
        if not isinstance(one, Policy):
            raise PolicyError(f"assert_not_weaker: {name} is a policy, not {type(one).__name__} ({one!r})")
    comparison = compare(old, new, seconds=seconds, most=MOST)
    changed = [change for change in comparison.configuration if change.about not in reviewed]
    if comparison.proven[0] and not changed:
        return
    if comparison.proven[0]:
        meant = ", ".join(repr(change.about) for change in changed)
        raise AssertionError(
            f"{_called(new)} asks no less than {_called(old)}, but verifiers are configured differently:\n"
            + "\n".join(f"  {change}" for change in changed)
            + f"\nIf that is meant to be: assert_not_weaker(new, old, reviewed=[{meant}])"
        )
    raise AssertionError(str(comparison))


def _called(policy: Policy) -> str:
    return name_of(policy) or str(policy)
