"""Frozen data that is cheap to declare: a dataclass is compiled for each class when it is imported, this is not."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any, ClassVar, cast, dataclass_transform


@dataclass_transform(frozen_default=True)
class Data:
    """A subclass declares its fields, with or without a value, as a dataclass does.

    Two are equal if they are of one class with equal fields; in a tuple `1` and `True` are two things, as in JSON.
    """

    _names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls._names = (*cls._names, *cls.__annotations__)
        type.__setattr__(cls, "__match_args__", cls._names)

    def __init__(self, *args: Any, **named: Any) -> None:
        names = self._names
        given = {**dict(zip(names, args, strict=False)), **named}
        missing = [name for name in names if name not in given and not hasattr(type(self), name)]
        if missing or len(args) > len(names) or not given.keys() <= set(names) or len(given) < len(args) + len(named):
            raise TypeError(f"{type(self).__name__}({', '.join(names)}) takes each of these once")
        self.__dict__.update({name: given[name] if name in given else getattr(type(self), name) for name in names})

    def _identity(self) -> tuple[object, ...]:
        values: list[object] = list(self.__dict__.values())
        tuples = (cast("tuple[object, ...]", value) for value in values if isinstance(value, tuple))
        return (*values, *(tuple(map(type, held)) for held in tuples))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((type(self), self._identity()))

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({said})"

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")
