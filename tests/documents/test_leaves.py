"""Leaves of verifiers of an application's own: which of their methods documents can speak of, and which not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from tests.laws.toys import Facts, Toy
from zerotrust.core.errors import PolicyError
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.verifier import Question
from zerotrust.documents import from_json, to_json
from zerotrust.documents.leaves import leaves_of

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True)
class Said(Question[Facts]):
    """Prints as it was called."""

    text: str

    def holds(self, evidence: Facts, now: float) -> bool:
        return True

    def __str__(self) -> str:
        return self.text


class Own(Toy):
    @cached_property
    def kept(self) -> Leaf[Facts]:
        return Said("kept").leaf(self)

    def priced(self, least: Decimal) -> Leaf[Facts]:
        return Said(f"priced({least})").leaf(self)

    def price(self) -> Decimal:
        raise NotImplementedError

    def holding(self, what: object) -> Leaf[Facts]:
        return Said("holding").leaf(self)

    def listing(self, what: list[object]) -> Leaf[Facts]:
        return Said("listing").leaf(self)

    def beyond(self, **limits: int) -> Leaf[Facts]:
        return Said("beyond").leaf(self)

    def hinted(self, least: int, hint: object = None) -> Leaf[Facts]:
        return Said(f"hinted({least})").leaf(self)

    def below(self, leaf: int) -> Leaf[Facts]:
        return Said(f"below({leaf})").leaf(self)

    def both(self) -> Policy:
        return Said("one").leaf(self) & Said("two").leaf(self)

    def after(self, least: int = 7, *flags: str) -> Leaf[Facts]:
        return Said(f"after({least}, {', '.join(flags)})").leaf(self)


own = Own("own")


def read(node: str) -> Policy:
    return from_json('{"version": 1, "policy": ' + node + "}", [own])


REFUSED = {
    "priced": "its annotations cannot be read at run time (name 'Decimal' is not defined)",
    "holding": "no JSON can be its what, object",
    "listing": "no JSON can be its what, list[object]",
    "beyond": "no JSON can be its limits, int",
    "below": "two members of a document would be called leaf, or the same",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_leaf_that_no_document_can_have_says_why(name: str) -> None:
    assert leaves_of(own)[name].refused == REFUSED[name]
    with pytest.raises(PolicyError) as error:
        read(f'{{"leaf": "own.{name}"}}')
    assert str(error.value) == f"$.policy: own.{name} cannot stand in a document: {REFUSED[name]}"
    with pytest.raises(PolicyError) as error:
        to_json(Said(name).leaf(own))
    assert str(error.value) == f"own.{name} cannot be written: {REFUSED[name]}"


def test_what_returns_no_policy_is_no_leaf() -> None:
    assert "price" not in leaves_of(own)


def test_a_cached_property_is_a_leaf() -> None:
    assert leaves_of(own)["kept"].arguments is None
    assert read('{"leaf": "own.kept"}') == own.kept


def test_what_nobody_has_to_give_no_document_can() -> None:
    assert read('{"leaf": "own.hinted", "least": 3}') == own.hinted(3)
    with pytest.raises(PolicyError, match=r"own\.hinted takes no 'hint'"):
        read('{"leaf": "own.hinted", "least": 3, "hint": 1}')


def test_what_a_method_composes_is_no_leaf() -> None:
    with pytest.raises(PolicyError, match=r"\$\.policy: own\.both is no leaf, but AllOf"):
        read('{"leaf": "own.both"}')


def test_a_default_keeps_its_place_before_what_follows() -> None:
    assert str(read('{"leaf": "own.after", "flags": ["a", "b"]}')) == "own.after(7, a, b)"
    assert str(read('{"leaf": "own.after", "least": 8, "flags": ["a"]}')) == "own.after(8, a)"
