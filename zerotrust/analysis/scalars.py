"""Texts, numbers, truth values, and sets of texts: what `OneOf`, `StartsWith`, `Includes` and their like tell apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from math import ceil, floor, inf, isfinite, nan
from typing import Final, TypeAlias

from zerotrust.analysis.circuit import FALSE, Circuit, Literal, Model
from zerotrust.analysis.domain import (
    Domain,
    Kleene,
    by_class,
    classes,
    given,
    key_of,
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
from zerotrust.verifiers.methods import REGISTERED

Constant: TypeAlias = str | int | float | bool

_SINGLE: Final = (OneOf, StartsWith, IsTrue, AtLeast, Matches)
_LISTED: Final = (Includes, NothingBut, Mentions)
KNOWN: Final = (*_SINGLE, *_LISTED, Present)
"""The tests that are understood here."""
_STRANGE: Final = "another kind of value"
_ODD: Final = 1
_NEITHER: Final = Kleene(FALSE, FALSE)


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
        if self.odd >= 0 and model[self.odd] == _ODD:
            return [*held, dict[str, object]()]
        if self.odd >= 0 and model[self.odd]:
            return [*held, _unnamed([item for item, _ in self.items if not isinstance(item, bool | str)])]
        if self.plain and len(held) < 2:
            return held[0] if held else _fresh("", [str(item) for item, _ in self.items])
        return held


def scalar_domain(circuit: Circuit, attribute: Attribute, about: str, tests: Sequence[Test], now: float) -> Domain:
    """The domain of an attribute of which nothing else is asked.

    Every test is asked of every kind of value: of a single one also what is asked of members of a list, and the other
    way round. An attribute that is always stated is of the type that its tests are about.
    """
    stated, choices = optional(circuit, attribute, about)
    single = [test for test in tests if isinstance(test, _SINGLE)]
    listed = [test for test in tests if isinstance(test, _LISTED)]
    mentions = [test for test in listed if isinstance(test, Mentions)]
    # Of nothing but members a single value is answered like a list of one.
    plain = bool(mentions) and not single and len(mentions) == len(listed)
    alone: list[Test] = [] if plain else [*single, *mentions]
    found = classes(alone, _candidates(alone), now) if alone else {}
    found = {answers: value for answers, value in found.items() if _may_be(attribute, answers, listed)} or found
    witnesses: list[object] = list(found.values())
    cases = [_shown(value, _constants(alone)) for value in witnesses]
    cases += ["a list"] if listed else []
    if attribute.optional and any(isinstance(test, Present) for test in tests) and len(tests) > 1:
        cases.append(_STRANGE)
    if not cases:  # nothing but whether it is there is asked
        witnesses.append(True)
        cases.append("anything")
    kind = circuit.choice(about, *cases)
    values = Scalars(kind, witnesses, listed=bool(listed), plain=plain, open=not single and not listed)
    domain = Domain(attribute, about, circuit, stated, values, choices=[*choices, kind])
    domain.worse[kind] = _ordered(witnesses, attribute.better)
    others: list[bool | None] = [None] * (len(cases) - len(witnesses))
    one: dict[object, Kleene] = {}
    for place, test in enumerate(alone):
        answers = [answer[place] for answer in found]
        if isinstance(test, Matches):
            domain.add(test, _matching(circuit, domain, test, alone, answers))
        elif isinstance(test, Mentions):
            one[key_of(test)] = given(circuit, stated, by_class(circuit, kind, [*answers, *others]))
        else:
            domain.add(test, given(circuit, stated, by_class(circuit, kind, [*answers, *others])))
    if listed:
        _lists(circuit, domain, values, listed, one)
    for asked in tests:
        if isinstance(asked, Present):
            domain.add(asked, Kleene(stated, stated ^ 1))
    return domain


def _may_be(attribute: Attribute, answers: Sequence[bool | None], listed: Sequence[Test]) -> bool:
    """Whether a single value may be answered like this, and is not as good as one that is not stated."""
    if not attribute.optional:
        return None not in answers and all(isinstance(test, Mentions) for test in listed)
    return any(answer is not None for answer in answers)


def _lists(
    circuit: Circuit, domain: Domain, values: Scalars, listed: Sequence[Test], single: Mapping[object, Kleene]
) -> None:
    """Add the tests of members; `single` is what those that may be asked of a single value are then."""
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
    odd: Literal = FALSE
    mixed: Literal = FALSE
    if any(isinstance(test, Mentions) for test in listed):
        kinds = ["texts only", "holds what nothing compares with"]
        if not values.plain:  # what is no text makes a difference to a set of texts
            kinds.append("holds another number")
        values.odd = circuit.choice(domain.about, *kinds)
        domain.choices.append(values.odd)
        odd = circuit.case(values.odd, _ODD)
        mixed = circuit.case(values.odd, 0) ^ 1
    holds = {key: circuit.case(choice, 1) for key, choice in items.items()}
    # A list that holds anything but texts is no set of texts.
    mixed = circuit.any([mixed, *(held for (kind, _), held in holds.items() if kind is not str)])
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
            alone = single.get(key_of(test), _NEITHER)
            domain.add(test, Kleene(circuit.any((in_list.yes, alone.yes)), circuit.any((in_list.no, alone.no))))


def _items(test: Test) -> Sequence[Constant]:
    if isinstance(test, NothingBut):
        return sorted(test.items)
    return (test.item,) if isinstance(test, Includes) else test.values if isinstance(test, Mentions) else ()


def _matching(
    circuit: Circuit, domain: Domain, test: Matches, tests: Sequence[Test], answers: Sequence[bool | None]
) -> Kleene:
    """What does not equal a constant may match or not: which texts do, nobody works out here."""
    free = circuit.choice(domain.about, "does not match", f"matches {test.pattern.pattern}")
    domain.choices.append(free)
    matches = circuit.case(free, 1)
    values = domain.values if isinstance(domain.values, Scalars) else Scalars(0, [])
    named = {value for value in _constants(tests) if isinstance(value, str)}
    yes: list[Literal] = []
    no: list[Literal] = []
    for case, (value, answer) in enumerate(zip(values.witnesses, answers, strict=True)):
        here = circuit.case(values.kind, case)
        if isinstance(value, str) and value not in named:
            yes.append(circuit.all((here, matches)))
            no.append(circuit.all((here, matches ^ 1)))
        elif answer is not None:
            (yes if answer else no).append(here)
    return given(circuit, domain.stated, Kleene(circuit.any(yes), circuit.any(no)))


# --- Candidates ------------------------------------------------------------------------------------------------------
_OTHER: Final = "other"
_METHODS: Final = ("DELETE", "PUT", "POST", "PATCH", "GET", "HEAD", "OPTIONS")
_DIGITS: Final = 17  # behind the point, of which a number between two has as few as will do


def _constants(tests: Sequence[Test]) -> list[Constant]:
    found: list[Constant] = []
    for test in tests:
        if isinstance(test, OneOf | Mentions):
            found += test.values
        elif isinstance(test, AtLeast):
            found.append(test.least)
    return found


def _candidates(tests: Sequence[Test]) -> Iterator[object]:
    """One single value at least of each kind that the tests tell apart, plain ones first."""
    constants = _constants(tests)
    prefixes = [test.prefix for test in tests if isinstance(test, StartsWith)]
    texts = [value for value in constants if isinstance(value, str)] + prefixes
    numbers = [value for value in constants if not isinstance(value, bool | str)]
    ordered = any(isinstance(test, AtLeast) for test in tests)
    about_texts = bool(texts) or any(isinstance(test, Matches) for test in tests) or (bool(constants) and not ordered)
    if any(isinstance(test, IsTrue) for test in tests):
        yield from (False, True)
    if about_texts:
        yield _fresh("", texts)
        for prefix in sorted(set(prefixes), key=len):
            yield _fresh(prefix, texts)
    if ordered:
        yield from _numbers(numbers)
    yield from constants
    # What the tests are not about: a claim may hold anything.
    yield from (_fresh("", texts), _unnamed(numbers), False, True, inf, -inf, nan)


def _fresh(prefix: str, taken: Sequence[str]) -> str:
    """A text that begins with `prefix`, and with no longer one of those taken, and is none of them."""
    if not prefix and taken and REGISTERED.issuperset(taken):  # methods, of which people know others
        method = next((one for one in _METHODS if one not in taken), None)
        if method is not None:
            return method
    end = _OTHER.upper() if taken and all(one.isupper() for one in taken) else _OTHER  # as a method would be
    if not any(
        one.startswith(prefix + end) or (prefix + end).startswith(one) for one in taken if len(one) > len(prefix)
    ):
        return prefix + end
    followed = {one[len(prefix)] for one in taken if len(one) > len(prefix) and one.startswith(prefix)}
    return prefix + next(mark for mark in map(chr, count(ord("-"))) if mark not in followed) + end


def _numbers(constants: Sequence[int | float]) -> list[int | float]:
    """One below the least, each, one in between each two, and one above the greatest; whole ones first."""
    finite = sorted({_whole(one) for one in constants if isinstance(one, int) or isfinite(one)})
    if not finite:
        return [0]
    found: list[int | float] = [floor(finite[0]) - 1, finite[0]]
    for low, high in pairwise(finite):
        found += (*_between(low, high), high)
    # The shortest first: of what a bound like 999.9900000000001 begins, 999.995 is as good an example.
    return sorted((*found, floor(finite[-1]) + 1), key=lambda one: len(repr(one)) if isinstance(one, float) else 0)


def _between(low: float, high: float) -> Iterator[int | float]:
    """One number between these, a whole one if there is; none if they are neighbours."""
    first, last = floor(low) + 1, ceil(high) - 1
    if first <= last:
        yield (first + last) // 2
    elif low < (middle := low + (high - low) / 2) < high:
        yield next((one for digits in range(1, _DIGITS) if low < (one := round(middle, digits)) < high), middle)


def _unnamed(constants: Sequence[int | float]) -> int:
    """A number that is none of these."""
    return max((floor(one) for one in constants if isinstance(one, int) or isfinite(one)), default=0) + 1


def _whole(number: float) -> int | float:
    return int(number) if isinstance(number, int) or number.is_integer() else number


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
        start = "" if value in _METHODS else value[: -len(_OTHER)].rstrip("-")
        return f"begins with {json.dumps(start, ensure_ascii=False)}" if start else "something else"
    return json.dumps(value, ensure_ascii=False)
