"""Which room understands the tests that are made of an attribute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from zerotrust.analysis.addresses import address_domain, path_domain
from zerotrust.analysis.circuit import Circuit
from zerotrust.analysis.domain import Domain, Kleene, given
from zerotrust.analysis.moments import age_domain, window_domain
from zerotrust.analysis.proofs import proof_domain
from zerotrust.analysis.scalars import KNOWN, scalar_domain
from zerotrust.core.facts import Attribute, During, Inside, Present, Proven, Segments, Test, Younger

_ROOMS: Final[dict[type[Test], Callable[[Circuit, Attribute, str, Sequence[Any], float], Domain]]] = {
    Younger: age_domain,
    During: window_domain,
    Inside: address_domain,
    Segments: path_domain,
    Proven: proof_domain,
}


def domain_of(circuit: Circuit, attribute: Attribute, about: str, tests: Sequence[Test], now: float) -> Domain:
    """The domain of an attribute of which all of these tests are made.

    Where tests of two rooms meet (a path that begins with a text and has a shape) one room's are understood; the others
    are taken to be free of them, which leaves out no value that exists.
    """
    kind = next((kind for kind in _ROOMS if any(type(test) is kind for test in tests)), None)
    known = KNOWN if kind is None else (kind,)
    understood = [test for test in tests if isinstance(test, known)]
    make = scalar_domain if kind is None else _ROOMS[kind]
    domain = make(circuit, attribute, about, understood, now)
    if kind is not None and attribute.optional and len(understood) < len(tests):
        # What is asked otherwise may be stated though it is of no type that this room knows: text for a moment.
        fits = circuit.choice(about, "of the type asked about", "another kind of value")
        domain.choices.append(fits)
        for test in understood:
            domain.add(test, given(circuit, circuit.case(fits, 0), domain.answer(test)))
    for test in tests:
        if isinstance(test, Present):
            domain.add(test, Kleene(domain.stated, domain.stated ^ 1))
        elif not isinstance(test, known):
            free = circuit.choice(about, f"not {_name(test)}", _name(test), f"{_name(test)} unknown")
            domain.choices.append(free)
            domain.add(test, given(circuit, domain.stated, Kleene(circuit.case(free, 1), circuit.case(free, 0))))
    return domain


def _name(test: Test) -> str:
    return type(test).__name__.lower()
