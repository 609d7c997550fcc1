"""Comparisons that can never hold by what is declared of a field: refused where the policy is written."""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from uuid import UUID

from zerotrust.core.errors import PolicyError
from zerotrust.verifiers.resource_fields import Declared
from zerotrust.verifiers.resource_values import Scalar, Sign

NUMBERS: Final = (int, float, Decimal)


def check_constant(said: str, name: str, declared: Declared, sign: Sign, value: Scalar) -> None:
    """Refuse a constant that the field `name`, declared so, can never equal, be among, or have in it."""
    _check_shape(said, name, declared, sign, repr(value))
    kind = declared.item if sign == "has" else declared.kind
    if kind is UUID and isinstance(value, str):
        raise PolicyError(f"{said}: it holds UUIDs; write UUID({value!r})")
    if not _alike(kind, type(value)):
        raise PolicyError(f"{said} can never hold: it is declared {_called(declared)}")


def check_told(said: str, name: str, declared: Declared, sign: Sign, other: str, kind: type | None) -> None:
    """Refuse what evidence says, as `other`, if it is always of a `kind` that the field `name` can never equal."""
    _check_shape(said, name, declared, sign, other)
    if not _alike(declared.item if sign == "has" else declared.kind, kind):
        told = "text" if kind is str else getattr(kind, "__name__", "")
        raise PolicyError(f"{said} can never hold: it is declared {_called(declared)}, and {other} is {told}")


def check_field(said: str, name: str, declared: Declared, sign: Sign, other: str, its: Declared) -> None:
    """Refuse another field, `other`, that is declared so that the field `name` can never equal it."""
    if its.several and sign != "is_in":
        raise PolicyError(f"{said}: {other} holds a collection; write {name}.is_in({other})")
    _check_shape(said, name, declared, sign, other)
    if not _alike(declared.item if sign == "has" else declared.kind, its.item if its.several else its.kind):
        raise PolicyError(f"{said} can never hold: it is declared {_called(declared)}, and {other} {_called(its)}")


def _check_shape(said: str, name: str, declared: Declared, sign: Sign, other: str) -> None:
    if declared.several and sign != "has":
        raise PolicyError(f"{said}: it holds a collection; write {name}.has({other})")
    if sign == "has" and (declared.kind is not None or declared.below is not None) and not declared.several:
        raise PolicyError(f"{said}: it holds no collection; write {name} == {other}")


def _alike(one: type | None, other: type | None) -> bool:
    """Whether values of these types can be equal; None is a type that nobody knows."""
    if one is None or other is None or one is other or (one in NUMBERS and other in NUMBERS):
        return True
    return {one, other} == {str, UUID}  # which one spelling has in common


def _called(declared: Declared) -> str:
    if declared.several:
        return "a collection" if declared.item is None else f"a collection of {declared.item.__name__}"
    return "" if declared.kind is None else declared.kind.__name__
