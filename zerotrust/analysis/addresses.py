"""Addresses and paths: networks are intervals, and a shape of a path is a length with literals at some places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from zerotrust.analysis.circuit import Circuit, Model
from zerotrust.analysis.domain import Domain, Kleene, by_class, classes, given, optional
from zerotrust.core.facts import Attribute, Inside, Segments


@dataclass
class Witnesses:
    """One value by case."""

    kind: int
    witnesses: list[object]

    def value(self, model: Model, now: float) -> object:
        """The value of the case."""
        return self.witnesses[model[self.kind]]


def address_domain(circuit: Circuit, attribute: Attribute, about: str, tests: Sequence[Inside], now: float) -> Domain:
    """The domain of an address of which is asked which networks it is in."""
    found = classes(tests, _addresses(tests), now)
    witnesses = list(found.values())
    stated, choices = optional(circuit, attribute, about)
    kind = circuit.choice(about, *map(str, witnesses))
    domain = Domain(attribute, about, circuit, stated, Witnesses(kind, witnesses), choices=[*choices, kind])
    for place, test in enumerate(tests):
        answers = [answer[place] for answer in found]
        domain.add(test, given(circuit, stated, by_class(circuit, kind, answers)))
    return domain


def _addresses(tests: Sequence[Inside]) -> Iterator[str]:
    """One of each interval between the ends of the networks, plain ones first."""
    yield from ("203.0.113.9", "2001:db8::9")  # RFC 5737, RFC 3849: for examples
    for test in tests:
        if test.network.num_addresses > 2:
            yield str(test.network.network_address + 1)
    yield from ("0.0.0.0", "::")  # noqa: S104 - the first of all addresses, nothing is bound to it
    for test in tests:
        first, last = test.network.network_address, test.network.broadcast_address
        yield str(first)
        if int(last) + 1 < 1 << test.network.max_prefixlen:
            yield str(_following(last))


def _following(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return ip_address(str(address + 1))


@dataclass
class Paths:
    """A path by how many segments it has, and which of the literals stands at each place."""

    length: int
    places: list[tuple[int, list[str]]]

    def value(self, model: Model, now: float) -> str:
        """A path of that kind."""
        segments: list[str] = []
        for place in range(model[self.length]):
            choice, literals = self.places[place] if place < len(self.places) else (-1, list[str]())
            case = model[choice] if choice >= 0 else 0
            segments.append(literals[case - 1] if case else _other(literals))
        return "".join(f"/{segment}" for segment in segments)


def _other(literals: Sequence[str]) -> str:
    name = "other"
    while name in literals:
        name += "-"
    return name


def path_domain(circuit: Circuit, attribute: Attribute, about: str, tests: Sequence[Segments], _now: float) -> Domain:
    """The domain of a path of which is asked what shape it has."""
    longest = max(len(test.shape) for test in tests) + 1
    stated, choices = optional(circuit, attribute, about)
    length = circuit.choice(about, *[f"{count} segments" for count in range(longest + 1)])
    places: list[tuple[int, list[str]]] = []
    for place in range(longest):
        literals = sorted({one for test in tests for one in test.shape[place : place + 1] if one is not None})
        shown = [f"segment {place + 1} is {one!r}" for one in literals]
        choice = circuit.choice(about, f"segment {place + 1} is another", *shown)
        places.append((choice, literals))
    domain = Domain(
        attribute,
        about,
        circuit,
        stated,
        Paths(length, places),
        choices=[*choices, length, *(one for one, _ in places)],
    )
    for test in tests:
        fits = [
            count == len(test.shape) or (test.open_ended and count > len(test.shape)) for count in range(longest + 1)
        ]
        same = [by_class(circuit, length, fits).yes]
        for place, wanted in enumerate(test.shape):
            if wanted is not None:
                choice, literals = places[place]
                same.append(circuit.case(choice, 1 + literals.index(wanted)))
        shape = circuit.all(same)
        domain.add(test, given(circuit, stated, Kleene(shape, shape ^ 1)))
    return domain
