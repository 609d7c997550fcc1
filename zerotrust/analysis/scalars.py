"""Texts, numbers, truth values, and sets of texts: what `OneOf`, `StartsWith`, `Includes` and their like tell apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite
from typing import Final, TypeAlias

from zerotrust.analysis.circuit import Circuit, Literal, Model
from zerotrust.analysis.domain import (
    Domain,
    Kleene,
    by_class,
    classes,
    given,
    optional,
)
from zerotrust.core.facts import (
    AtLeast,
    Attribute,
    Includes,
    IsTrue,
    Matches,
    Mentions,
    NothingBut,
    OneOf,
    Present,
    StartsWith,
    Test,
)

Constant: TypeAlias = str | int | float | bool

_SINGLE: Final = (OneOf, StartsWith, IsTrue, AtLeast, Matches)
_LISTED: Final = (Includes, NothingBut, Mentions)
KNOWN: Final = (*_SINGLE, *_LISTED, Present)
"""The tests that are understood here."""
_STRANGE: Final = "another kind of value"


@dataclass
class Scalars:
    """One value of `witnesses`; or a list of those of `items` that are in it; or what nothing compares with."""

    kind: int
    witnesses: list[object]
    listed: bool = False
    items: list[tuple[Constant, int]] = field(default_factory=list[tuple[Constant, int]])
    odd: int = -1  # the choice whether a list holds also what nothing compares with
    plain: bool = False  # whether a list of one may as well be that one
    more: int = -1  # the choice whether a list holds also what nobody names
    open: bool = False  # whether nothing is asked but if it is there, so that anything will do

    def value(self, model: Model, now: float) -> object:
        """The value of the case."""
        case = model[self.kind]
        if case < len(self.witnesses):
            return self.witnesses[case]
        if case > len(self.witnesses) or not self.listed:
            return dict[str, object]()
        held: list[object] = [item for item, choice in self.items if model[choice]]
        if self.more >= 0 and model[self.more]:
            held.append(_fresh("", [str(item) for item, _ in self.items]))
        if self.odd >= 0 and model[self.odd]:
            return [*held, dict[str, object]()]
        if self.plain and len(held) < 2:
            return held[0] if held else _fresh("", [str(item) for item, _ in self.items])
        return held


def scalar_domain(circuit: Circuit, attribute: Attribute, about: str, tests: Sequence[Test], now: float) -> Domain:
    """The domain of an attribute of which nothing else is asked."""
    stated, choices = optional(circuit, attribute, about)
    single = [test for test in tests if isinstance(test, _SINGLE)]
    listed = [test for test in tests if isinstance(test, _LISTED)]
    found = classes(single, _candidates(single), now) if single else {}
    witnesses: list[object] = list(found.values())
    cases = [_shown(value, _constants(single)) for value in witnesses]
    cases += ["a list"] if listed else []
    if attribute.optional and any(isinstance(test, Present) for test in tests) and len(tests) > 1:
        cases.append(_STRANGE)
    if not cases:  # nothing but whether it is there is asked
        witnesses.append(True)
        cases.append("anything")
    kind = circuit.choice(about, *cases)
    values = Scalars(kind, witnesses, listed=bool(listed), open=not single and not listed)
    domain = Domain(attribute, about, circuit, stated, values, choices=[*choices, kind])
    domain.worse[kind] = _ordered(witnesses, attribute.better)
    strange: list[bool | None] = [None] * (len(cases) - len(witnesses))
    for place, test in enumerate(single):
        answers = [answer[place] for answer in found]
        if isinstance(test, Matches):
            domain.add(test, _matching(circuit, domain, test, witnesses, answers))
        else:
            domain.add(test, given(circuit, stated, by_class(circuit, kind, [*answers, *strange])))
    if listed:
        _lists(circuit, domain, values, listed, has_single=bool(single))
    for asked in tests:
        if isinstance(asked, Present):
            domain.add(asked, Kleene(stated, stated ^ 1))
    return domain


def _lists(circuit: Circuit, domain: Domain, values: Scalars, listed: Sequence[Test], *, has_single: bool) -> None:
    items: dict[tuple[type, Constant], int] = {}
    better = domain.attribute.better
    order = {1: frozenset({(0, 1)}), -1: frozenset({(1, 0)})}.get(better, frozenset[tuple[int, int]]())
    for test in listed:
        for item in _items(test):
            if (type(item), item) not in items:
                shown = json.dumps(item, ensure_ascii=False)
                items[type(item), item] = circuit.choice(domain.about, f"without {shown}", f"with {shown}")
    if any(isinstance(test, NothingBut) for test in listed):
        values.more = circuit.choice(domain.about, "nothing else", "with something else")
        domain.choices.append(values.more)
        domain.worse[values.more] = order
    values.items = [(item, choice) for (_, item), choice in items.items()]
    domain.choices += items.values()
    domain.worse.update(dict.fromkeys(items.values(), order))
    mentions = [test for test in listed if isinstance(test, Mentions)]
    odd: Literal = 1  # FALSE
    if mentions:
        values.plain = not has_single and len(mentions) == len(listed)
        values.odd = circuit.choice(domain.about, "texts only", "holds what nothing compares with")
        domain.choices.append(values.odd)
        odd = circuit.case(values.odd, 1)
    holds = {key: circuit.case(choice, 1) for key, choice in items.items()}
    # A list that holds anything but texts is no set of texts.
    mixed = circuit.any([odd, *(held for (kind, _), held in holds.items() if kind is not str)])
    is_list = circuit.all((domain.stated, circuit.case(values.kind, len(values.witnesses))))
    for test in listed:
        if isinstance(test, Includes):
            held = holds[str, test.item]
            domain.add(test, given(circuit, circuit.all((is_list, mixed ^ 1)), Kleene(held, held ^ 1)))
        elif isinstance(test, NothingBut):
            others = [one ^ 1 for (_, item), one in holds.items() if item not in test.items]
            only = circuit.all((*others, circuit.case(values.more, 0)))
            domain.add(test, given(circuit, circuit.all((is_list, mixed ^ 1)), Kleene(only, only ^ 1)))
        elif isinstance(test, Mentions):
            one = circuit.any([holds[type(value), value] for value in test.values])
            in_list = given(circuit, is_list, Kleene(one, circuit.all((one ^ 1, odd ^ 1))))
            alone = by_class(circuit, values.kind, [_is_one(test, value) for value in values.witnesses])
            alone = given(circuit, circuit.all((domain.stated, is_list ^ 1)), alone)
            domain.add(test, Kleene(circuit.any((in_list.yes, alone.yes)), circuit.any((in_list.no, alone.no))))


def _items(test: Test) -> Sequence[Constant]:
    if isinstance(test, NothingBut):
        return sorted(test.items)
    return (test.item,) if isinstance(test, Includes) else test.values if isinstance(test, Mentions) else ()


def _is_one(test: Mentions, value: object) -> bool:
    return any(type(one) is type(value) and one == value for one in test.values)


def _matching(
    circuit: Circuit, domain: Domain, test: Matches, witnesses: Sequence[object], answers: Sequence[bool | None]
) -> Kleene:
    """What does not equal a constant may match or not: which texts do, nobody works out here."""
    free = circuit.choice(domain.about, "does not match", f"matches {test.pattern.pattern}")
    domain.choices.append(free)
    matches = circuit.case(free, 1)
    kind = domain.values.kind if isinstance(domain.values, Scalars) else 0
    yes: list[Literal] = []
    no: list[Literal] = []
    for case, (value, answer) in enumerate(zip(witnesses, answers, strict=True)):
        here = circuit.case(kind, case)
        if type(value) is str and value.lower().endswith(_OTHER):
            yes.append(circuit.all((here, matches)))
            no.append(circuit.all((here, matches ^ 1)))
        elif answer is not None:
            (yes if answer else no).append(here)
    return given(circuit, domain.stated, Kleene(circuit.any(yes), circuit.any(no)))


# --- Candidates ------------------------------------------------------------------------------------------------------
_OTHER: Final = "other"


def _constants(tests: Sequence[Test]) -> list[Constant]:
    found: list[Constant] = []
    for test in tests:
        if isinstance(test, OneOf):
            found += test.values
        elif isinstance(test, AtLeast):
            found.append(test.least)
    return found


def _candidates(tests: Sequence[Test]) -> Iterator[object]:
    """One value at least of each kind that the tests tell apart, plain ones first."""
    constants = _constants(tests)
    prefixes = [test.prefix for test in tests if isinstance(test, StartsWith)]
    texts = [value for value in constants if isinstance(value, str)] + prefixes
    numbers = sorted({float(value) for value in constants if type(value) is not bool and not isinstance(value, str)})
    ordered = any(isinstance(test, AtLeast) for test in tests)
    if any(isinstance(test, IsTrue) for test in tests):
        yield False
        yield True
    if texts or any(isinstance(test, Matches) for test in tests) or (constants and not ordered):
        yield _fresh("", texts)
        for prefix in sorted(set(prefixes), key=len):
            yield _fresh(prefix, texts)
    if ordered:
        yield from _numbers(numbers)
    yield from constants


def _fresh(prefix: str, taken: Sequence[str]) -> str:
    """A text that begins with `prefix`, and with no longer one of those taken, and is none of them."""
    end = _OTHER.upper() if taken and all(one.isupper() for one in taken) else _OTHER  # as a method would be
    longer = [one for one in taken if len(one) > len(prefix)]
    middle = ""
    while any(one.startswith(f"{prefix}{middle}{end}") or f"{prefix}{middle}{end}".startswith(one) for one in longer):
        middle += "-"
    return f"{prefix}{middle}{end}"


def _numbers(bounds: Sequence[float]) -> Iterator[int | float]:
    finite = [bound for bound in bounds if isfinite(bound)]
    if not finite:
        yield 0
        return
    yield _whole(finite[0] - 1)
    for low, high in pairwise(finite):
        yield _whole(low)
        middle = (low + high) / 2
        yield float(int(middle)) if low < int(middle) < high else middle
    yield _whole(finite[-1])
    yield _whole(finite[-1] + 1)


def _whole(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def _ordered(values: Sequence[object], better: int) -> frozenset[tuple[int, int]]:
    """The pairs of values of which the first is worse."""
    if not better:
        return frozenset()
    return frozenset(
        (low, high)
        for low, small in enumerate(values)
        for high, great in enumerate(values)
        if isinstance(small, int | float) and isinstance(great, int | float) and (small - great) * better < 0
    )


def _shown(value: object, constants: Sequence[Constant]) -> str:
    if type(value) is str and not any(value == one for one in constants if isinstance(one, str)):
        start = value[: -len(_OTHER)].rstrip("-")
        return f"begins with {json.dumps(start, ensure_ascii=False)}" if start else "something else"
    return json.dumps(value, ensure_ascii=False)
