"""Arguments of leaves in documents: what JSON holds for each type that a leaf's parameter may have, both ways."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Final, Literal, TypeAlias, Union, cast, get_args, get_origin

from zerotrust.core.errors import PolicyError
from zerotrust.documents.naming import did_you_mean, shown
from zerotrust.wire.json import MAX_INTEGER, JsonValue

Predicates: TypeAlias = Mapping[str, Callable[..., object]]
"""The application's own functions, by the text that a document has for them."""

PREDICATE: Final = "predicate"
"""The one name in the object that stands for a function."""

_MOST_EXACT: Final = 10 ** (MAX_INTEGER - 1)
_MOST_SECONDS: Final = 1e12  # more than a span can hold makes no sense either

_SEQUENCES: Final = (list, tuple, Sequence, Collection, Iterable)
_SETS: Final = (set, frozenset, AbstractSet)
_MAPPINGS: Final = (dict, Mapping)


class Unreadable(PolicyError):
    """A value in a document is not of the kind that belongs there."""


def unreadable(path: str, wanted: str, seen: object, hint: str = "") -> Unreadable:
    """That at `path` there is something else than what is wanted."""
    return Unreadable(f"{path}: {wanted} is wanted here, not {shown(seen)}{hint}")


@dataclass(frozen=True, slots=True)
class Kind:
    """How one type of argument is written.

    Attributes:
        said: what it is, for messages.
        read: the argument that a JSON value at a path stands for; raises `Unreadable`.
        schema: the JSON Schema of it.
        spans: whether it is a span of time, whose name tells its unit.
        callable: whether it is a function, of which a document has the text.
    """

    said: str
    read: Callable[[JsonValue, str, Predicates], object]
    schema: dict[str, JsonValue]
    spans: bool = False
    callable: bool = False


def kind_of(annotation: object) -> Kind | None:
    """How an argument of this type is written; None if documents have no form for it."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _one_of(inner)
    if origin in (Union, UnionType):
        return _union([kind for one in inner if (kind := kind_of(one)) is not None])
    if origin in _SEQUENCES or origin in _SETS:
        item = kind_of(inner[0]) if origin is not tuple or inner[1:] == (...,) else None
        return None if item is None or item.spans else list_of(item)
    if origin in _MAPPINGS:
        return _mapping_of(inner[0], kind_of(inner[1]))
    if origin is cast("object", Callable) or annotation is Callable:
        return _FUNCTION
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _member_of(annotation)
    return _FUNCTION if _is_function(origin) else None


def _is_function(origin: object) -> bool:
    return getattr(origin, "__name__", "") == "Callable"


# --- Plain ones ------------------------------------------------------------------------------------------------------
def _exactly(said: str, name: str, *types: type) -> Kind:
    def read(value: JsonValue, path: str, _predicates: Predicates) -> object:
        if type(value) not in types:
            raise unreadable(path, said, value)
        return value

    return Kind(said, read, {"type": name})


def _read_span(value: JsonValue, path: str, _predicates: Predicates) -> object:
    if type(value) not in (int, float) or not abs(cast("float", value)) <= _MOST_SECONDS:
        raise unreadable(path, "a number of seconds", value)
    return timedelta(seconds=cast("float", value))


def _read_function(value: JsonValue, path: str, predicates: Predicates) -> object:
    if not isinstance(value, dict) or set(value) != {PREDICATE}:
        raise unreadable(path, f'a function as {{"{PREDICATE}": "its text"}}', value)
    return function_called(value[PREDICATE], path, predicates)


def function_called(text: JsonValue, path: str, predicates: Predicates) -> Callable[..., object]:
    """The function that is known by `text`; raises `Unreadable`."""
    if not isinstance(text, str):
        raise unreadable(path, "the text of a predicate", text)
    if text not in predicates:
        known = did_you_mean(text, predicates, "no predicates were given: from_json(..., predicates={text: function})")
        raise unreadable(path, "the text of a predicate that is known", text, known)
    return predicates[text]


_FUNCTION: Final = Kind(
    "a function",
    _read_function,
    {
        "type": "object",
        "properties": {PREDICATE: {"type": "string"}},
        "required": [PREDICATE],
        "additionalProperties": False,
    },
    callable=True,
)

_SECONDS: Final[dict[str, JsonValue]] = {"type": "number", "minimum": -_MOST_SECONDS, "maximum": _MOST_SECONDS}
_PLAIN: Final[dict[object, Kind]] = {
    str: _exactly("a text", "string", str),
    bool: _exactly("true or false", "boolean", bool),
    int: _exactly("a whole number", "integer", int),
    float: _exactly("a number", "number", int, float),
    None: _exactly("null", "null", NoneType),
    NoneType: _exactly("null", "null", NoneType),
    timedelta: Kind("a number of seconds", _read_span, _SECONDS, spans=True),
}


def _one_of(values: tuple[object, ...]) -> Kind | None:
    if not all(type(value) in (str, int, bool) for value in values):
        return None
    said = f"one of {', '.join(map(repr, values))}"

    def read(value: JsonValue, path: str, _predicates: Predicates) -> object:
        if not any(type(value) is type(one) and value == one for one in values):
            raise unreadable(path, said, value, did_you_mean(value, [one for one in values if isinstance(one, str)]))
        return value

    return Kind(said, read, {"enum": cast("list[JsonValue]", list(values))})


def _member_of(members: type[Enum]) -> Kind | None:
    plain = _one_of(tuple(member.value for member in members))
    if plain is None:
        return None

    def read(value: JsonValue, path: str, predicates: Predicates) -> object:
        plain.read(value, path, predicates)
        return members(value)

    return Kind(plain.said, read, plain.schema)


# --- Those made of others --------------------------------------------------------------------------------------------
def _union(kinds: list[Kind]) -> Kind | None:
    if len(kinds) < 2:
        return kinds[0] if kinds else None
    said = " or ".join(kind.said for kind in kinds)

    def read(value: JsonValue, path: str, predicates: Predicates) -> object:
        for kind in kinds:
            try:
                return kind.read(value, path, predicates)
            except Unreadable:
                if kind.callable and isinstance(value, dict) and PREDICATE in value:
                    raise  # a function is meant, and it is not known
        raise unreadable(path, said, value)

    schema: dict[str, JsonValue] = {"anyOf": [kind.schema for kind in kinds]}
    return Kind(said, read, schema, any(kind.spans for kind in kinds), any(kind.callable for kind in kinds))


def list_of(item: Kind) -> Kind:
    """How several arguments of one kind are written."""

    def read(value: JsonValue, path: str, predicates: Predicates) -> object:
        if not isinstance(value, list):
            raise unreadable(path, f"a list (each {item.said})", value)
        return tuple([item.read(one, f"{path}[{place}]", predicates) for place, one in enumerate(value)])

    return Kind(f"a list (each {item.said})", read, {"type": "array", "items": item.schema}, item.spans)


def _mapping_of(key: object, item: Kind | None) -> Kind | None:
    if item is None or item.spans:
        return None
    if key is str:
        return _object_of(item)
    # A pair of names is two levels: {"https://login.example.com": {"ada": ...}}.
    nested = _object_of(_object_of(item)) if get_args(key) == (str, str) and get_origin(key) is tuple else None
    if nested is None:
        return None

    def read(value: JsonValue, path: str, predicates: Predicates) -> object:
        outer = cast("dict[str, dict[str, object]]", nested.read(value, path, predicates))
        return {(first, second): held for first, inner in outer.items() for second, held in inner.items()}

    return Kind(nested.said, read, nested.schema)


def _object_of(item: Kind) -> Kind:
    def read(value: JsonValue, path: str, predicates: Predicates) -> object:
        if not isinstance(value, dict):
            raise unreadable(path, f"an object (each value {item.said})", value)
        return {name: item.read(one, f"{path}{key_path(name)}", predicates) for name, one in value.items()}

    schema: dict[str, JsonValue] = {"type": "object", "additionalProperties": item.schema}
    return Kind(f"an object (each value {item.said})", read, schema)


def key_path(name: str) -> str:
    """The step of a JSON path to the member `name`."""
    return f".{name}" if name.isidentifier() and name.isascii() and len(name) <= 40 else f"[{shown(name)}]"


# --- Writing ---------------------------------------------------------------------------------------------------------
def plain(value: object, where: str) -> JsonValue:
    """`value`, an argument of a leaf, as JSON has it; `PolicyError` if JSON has no form for it."""
    if value is None or isinstance(value, bool):
        return value
    if type(value) is str:
        return _sayable(value, where)
    if type(value) is int:
        return _exact(value, where)
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < _MOST_EXACT  # beyond, JSON is read with floats alone
        return int(value) if whole else _finite(value, where)
    if isinstance(value, timedelta):
        return plain(value.total_seconds(), where)
    if isinstance(value, Enum):
        return plain(value.value, where)
    if isinstance(value, AbstractSet):
        items = cast("AbstractSet[object]", value)
        return sorted((plain(item, where) for item in items), key=lambda item: (type(item).__name__, str(item)))
    if isinstance(value, list | tuple):
        return [plain(item, where) for item in cast("Sequence[object]", value)]
    if isinstance(value, Mapping):
        return _plain_mapping(cast("Mapping[object, object]", value), where)
    if callable(value):
        return {PREDICATE: text_of_function(value, where)}
    raise PolicyError(
        f"{where} has {shown(value)}, {type(value).__name__}, for which JSON has no form; let the question say with "
        "texts, numbers and lists of these what its leaf takes: override Question.arguments"
    )


def text_of_function(function: object, where: str) -> str:
    """By what text a document knows `function`; `PolicyError` if it has none."""
    name: object = getattr(function, "__name__", None)
    if not isinstance(name, str) or not name.isidentifier():
        raise PolicyError(f"{where} has a function without a name of its own; a document knows it by that: write `def`")
    return name


def _sayable(text: str, where: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PolicyError(f"{where} has {shown(text)}, which is no Unicode text: an unpaired surrogate")
    return text


def _exact(number: int, where: str) -> int:
    if not -_MOST_EXACT < number < 10 * _MOST_EXACT:  # the sign is a character, too
        raise PolicyError(f"{where} has a number of more digits than JSON is read with")
    return number


def _finite(value: float, where: str) -> float:
    if value - value != 0:
        raise PolicyError(f"{where} has {value}, which is no number in JSON")
    return value


def _plain_mapping(value: Mapping[object, object], where: str) -> dict[str, JsonValue]:
    written: dict[str, JsonValue] = {}
    for key, held in sorted(value.items(), key=lambda pair: str(pair[0])):
        if isinstance(key, str):
            written[_sayable(key, where)] = plain(held, where)
        elif _is_pair(key):
            first, second = (_sayable(part, where) for part in cast("tuple[str, str]", key))
            inner = written.setdefault(first, {})
            cast("dict[str, JsonValue]", inner)[second] = plain(held, where)
        else:
            raise PolicyError(f"{where} has a mapping with the key {shown(key)}; in JSON keys are texts")
    return written


def _is_pair(key: object) -> bool:
    parts = cast("tuple[object, ...]", key) if isinstance(key, tuple) else ()
    return len(parts) == 2 and all(isinstance(part, str) for part in parts)
