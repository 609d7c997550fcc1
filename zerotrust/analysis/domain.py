"""What an attribute may be, as far as the tests that policies make of it can tell values apart.

Each kind of test has a room of its own beside this one; they build on what is here. A domain never leaves out a value
that exists, so what holds in all its cases holds; it may have a case too many, and then no value is found for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from zerotrust.analysis.circuit import FALSE, TRUE, Circuit, GaveUp, Literal, Model
from zerotrust.core.fact_values import test_value
from zerotrust.core.facts import Attribute, Mentions, OneOf, Test

NOT_STATED: Final = None
STATED: Final = "stated"
_MOST_ANSWERS: Final = 150_000


class NoWitness(Exception):
    """No value is known that has these properties together."""


@dataclass(frozen=True, slots=True)
class Kleene:
    """A proposition of three values: what makes it YES and what makes it NO; nothing makes it both."""

    yes: Literal
    no: Literal

    @property
    def negated(self) -> Kleene:
        """YES where this is NO, and the other way round."""
        return Kleene(self.no, self.yes)


ALWAYS: Final = Kleene(TRUE, FALSE)
NEVER: Final = Kleene(FALSE, TRUE)


def kleene_all(circuit: Circuit, parts: Sequence[Kleene]) -> Kleene:
    """AND of strong Kleene logic."""
    return Kleene(circuit.all([part.yes for part in parts]), circuit.any([part.no for part in parts]))


def kleene_any(circuit: Circuit, parts: Sequence[Kleene]) -> Kleene:
    """OR of strong Kleene logic."""
    return Kleene(circuit.any([part.yes for part in parts]), circuit.all([part.no for part in parts]))


class Values(Protocol):
    """How a family of tests divides the values of an attribute."""

    def value(self, model: Model, now: float) -> object:
        """A value of the case that `model` is in; raises `NoWitness` if none is known."""
        ...


@dataclass
class Domain:
    """One attribute of one party's evidence, in a circuit.

    Attributes:
        attribute: which.
        about: what it is called, `token.scope`.
        tests: every test of it, with what makes it YES and NO, by `key_of`.
        stated: true if it is stated.
        values: what finds a value.
        worse: by choice, the pairs of cases of which the first is worse evidence than the second.
        choices: those that say what the attribute is.
        caveat: why a proof about it does not hold for good; empty if it does.
    """

    attribute: Attribute
    about: str
    circuit: Circuit
    stated: Literal
    values: Values
    tests: dict[object, tuple[Test, Kleene]] = field(default_factory=dict[object, tuple[Test, Kleene]])
    worse: dict[int, frozenset[tuple[int, int]]] = field(default_factory=dict[int, frozenset[tuple[int, int]]])
    choices: list[int] = field(default_factory=list[int])
    caveat: str = ""

    def add(self, test: Test, answer: Kleene) -> None:
        """Note what makes `test` YES and NO."""
        self.tests[key_of(test)] = test, answer

    def answer(self, test: Test) -> Kleene:
        """What makes `test` YES and NO."""
        return self.tests[key_of(test)][1]

    def value(self, model: Model, holds: Holds, now: float) -> object:
        """A value for which every test comes out as in `model`, None for not stated; raises `NoWitness` if none is."""
        value = self.values.value(model, now) if holds(self.stated) else NOT_STATED
        for test, kleene in self.tests.values():
            expected = True if holds(kleene.yes) else False if holds(kleene.no) else None
            if test_value(test, value, now) is not expected:
                raise NoWitness(f"{self.about}: no value is known for this case")
        return value


class Holds(Protocol):
    """Tells whether a literal is true in the case at hand."""

    def __call__(self, literal: Literal) -> bool:
        """Is it?"""
        ...


def key_of(test: Test) -> object:
    """What two tests share that ask the same of attributes of one name. True and 1 are different things."""
    names: tuple[str, ...] = type(test).__match_args__
    fields: dict[str, object] = {name: getattr(test, name) for name in names}
    fields["attribute"] = test.attribute.name
    if isinstance(test, OneOf | Mentions):
        fields["values"] = tuple([(type(value), value) for value in test.values])
    return type(test), tuple(fields.items())


def classes(tests: Sequence[Test], candidates: Iterable[object], now: float) -> dict[tuple[bool | None, ...], object]:
    """The candidates that some test tells apart, the first of each kind; raises `GaveUp` if there are too many."""
    found: dict[tuple[bool | None, ...], object] = {}
    for count, value in enumerate(candidates, start=1):
        if count * len(tests) > _MOST_ANSWERS:
            raise GaveUp(f"{len(tests)} tests of one attribute, and {count} values and more: too many to tell apart")
        found.setdefault(tuple([test_value(test, value, now) for test in tests]), value)
    return found


def among(circuit: Circuit, choice: int, cases: Iterable[int]) -> Literal:
    """Did `choice` fall on one of these cases?"""
    return circuit.any([circuit.case(choice, case) for case in cases])


def by_class(circuit: Circuit, choice: int, answers: Sequence[bool | None]) -> Kleene:
    """A test whose value is known for each case of `choice`."""
    return Kleene(
        among(circuit, choice, [case for case, answer in enumerate(answers) if answer is True]),
        among(circuit, choice, [case for case, answer in enumerate(answers) if answer is False]),
    )


def optional(circuit: Circuit, attribute: Attribute, about: str) -> tuple[Literal, list[int]]:
    """What is true if the attribute is stated, and the choice that says so, if evidence may leave it unsaid."""
    if not attribute.optional:
        return TRUE, []
    choice = circuit.choice(about, STATED, "not stated")
    return circuit.case(choice, 0), [choice]


def given(circuit: Circuit, condition: Literal, test: Kleene) -> Kleene:
    """`test`, and unknown unless `condition`."""
    return Kleene(circuit.all((condition, test.yes)), circuit.all((condition, test.no)))
