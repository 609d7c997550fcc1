"""What classes tell of their fields, also those that tell it in odd ways or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

import pytest

from zerotrust.core.errors import PolicyError
from zerotrust.verifiers.resource import Resource, verifier_of
from zerotrust.verifiers.resource_fields import UNTOLD, Declared, declared_as, fields_of, find

if TYPE_CHECKING:
    from decimal import Decimal

T = TypeVar("T")


@dataclass
class Node:
    parent: Node
    name: str


class Silent:
    pass


class Base:
    tenant: str


class Unreadable(Base):
    """Its annotations hold a name for type checkers alone."""

    total: Decimal

    @property
    def rest(self) -> Decimal:
        raise NotImplementedError  # its annotation alone is looked at


class Loading:
    @property
    def fields(self) -> object:
        raise RuntimeError("apps are not loaded yet")


class Unready:
    _meta = Loading()

    @property
    def owner(self) -> str:
        return "ada"


class Mapped(Generic[T]):
    """As SQLAlchemy's, which is known by its name."""


class Row:
    owner: Mapped[str | None]
    number: Mapped[UUID]


def test_fields_are_not_deep_without_end() -> None:
    fields = fields_of(Node)
    assert find(fields, "Node", ("parent",) * 31 + ("name",)) == Declared(str)
    with pytest.raises(PolicyError, match=r"^parent\.parent\.parent\.\.\.: fields are not that deep$"):
        find(fields, "Node", ("parent",) * 32 + ("name",))


def test_a_class_that_tells_nothing_says_where_to_write_it_down() -> None:
    silent: Any = Resource(Silent)
    with pytest.raises(PolicyError) as error:
        _ = silent.owner
    assert str(error.value) == (
        'Silent does not tell its fields; write them down: Resource(Silent, fields={"owner": str})'
    )


def test_of_annotations_that_cannot_be_read_the_names_are_known() -> None:
    assert fields_of(Unreadable) == {"tenant": UNTOLD, "total": UNTOLD, "rest": UNTOLD}
    assert set(verifier_of(Resource(Unreadable)).fields) == {"tenant", "total", "rest"}


def test_a_framework_that_is_not_set_up_yet_is_passed_over() -> None:
    assert fields_of(Unready) == {"owner": Declared(str)}


def test_what_maps_a_type_to_a_column_is_seen_through() -> None:
    assert fields_of(Row) == {"owner": Declared(str), "number": Declared(UUID)}


def test_names_of_names_of_a_type_are_seen_through_to_a_depth() -> None:
    class Alias:
        """As a `NewType`."""

        def __init__(self, kind: object) -> None:
            self.__supertype__ = kind

    def named(times: int) -> object:
        kind: object = str
        for _ in range(times):
            kind = Alias(kind)
        return kind

    assert declared_as(named(31)) == Declared(str)
    assert declared_as(named(40)) == UNTOLD
