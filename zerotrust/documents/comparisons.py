"""Comparisons with the resource that a handler names, in documents: `invoice.owner == token.subject`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from inspect import getattr_static
from typing import Any, Final, cast, get_args, get_type_hints
from uuid import UUID

from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.verifier import Verifier
from zerotrust.documents.kinds import plain, unreadable
from zerotrust.documents.naming import did_you_mean, instead_of, shown
from zerotrust.verifiers.operand import Said
from zerotrust.verifiers.resource import Field, ResourceVerifier
from zerotrust.verifiers.resource_questions import Compared, IsNamed, IsNone, IsSet, Path, Told
from zerotrust.verifiers.token_operands import ClaimOf, ClientOf, SaidBy, SubjectOf
from zerotrust.wire.json import JsonValue

_DIGITS: Final = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,9})?"
"""A number as `Decimal` writes it: neither NaN nor an infinity, of which no comparison holds."""

FIELD: Final = "field"
"""The member that says which field of which resource: `invoice.owner`."""

_IS, _VALUE, _OTHER, _SAYS, _NAME, _ISSUER = "is", "value", "other", "says", "name", "issuer"
_RIGHT: Final = (_VALUE, _OTHER, _SAYS)
_MEMBERS: Final = frozenset({FIELD, _IS, *_RIGHT, _NAME, _ISSUER})
_DECIMAL, _UUID, _TEXT = "decimal", "uuid", "text"
_DOTTED: Final = re.compile(r"([^\W\d]\w*)\.([^\W\d]\w*)(?:[.(].*)?", re.DOTALL)
"""Text that could stand for what somebody's evidence says, or for a field, in a place where it would just be text."""

_SIGNS: Final[Mapping[str, Callable[[Any, Any], Policy]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is_in": lambda field, other: field.is_in(other),
    "has": lambda field, other: field.has(other),
}
_ALONE: Final = {"none": "is_none", "true": "is_true"}
_MEANT: Final = {
    "=": '"=="', "===": '"=="', "eq": '"=="', "equals": '"=="', "<>": '"!="', "ne": '"!="', "not": '"!="', "=!": '"!="',
    "!==": '"!="', "=<": '"<="', "lte": '"<="', "le": '"<="', "=>": '">="', "gte": '">="', "ge": '">="', "lt": '"<"',
    "gt": '">"', "in": '"is_in"', "contains": '"has"', "null": '"none"', "is_none": '"none"', "is_true": '"true"',
    "false": '{"not": {..., "is": "true"}}', "not_in": '{"not": {..., "is": "is_in"}}',
}  # fmt: skip
"""How others compare, and what it is here. The nearest sign of two characters may be the opposite."""
_NAMED: Final = "named"  # of the resource itself: that there is one

Find = Callable[[JsonValue, str], object]
"""What is known by a name, or `PolicyError` at that path."""


def resource_of(leaf: Leaf[Any]) -> ResourceVerifier | None:
    """The resource that `leaf` asks about, by itself; None if it asks about something else."""
    verifier: object = leaf.verifier
    if not isinstance(verifier, ResourceVerifier):
        return None
    return ResourceVerifier(verifier.kind, verifier.name, verifier.given)


# --- Writing ---------------------------------------------------------------------------------------------------------
def write_comparison(leaf: Leaf[Any]) -> dict[str, JsonValue]:
    """`leaf`, which asks about a resource, as it stands in a document."""
    question: object = leaf.question
    name = leaf.verifier.name
    if isinstance(question, IsNone | IsSet):
        return {FIELD: ".".join((name, *question.path)), _IS: "none" if isinstance(question, IsNone) else "true"}
    if isinstance(question, IsNamed):
        return {FIELD: name, _IS: _NAMED}
    if not isinstance(question, Compared):
        raise PolicyError(f"{leaf} cannot be written: {type(question).__name__} is no comparison that documents have")
    written: dict[str, JsonValue] = {FIELD: ".".join((name, *question.path)), _IS: question.sign}
    right = question.right
    if isinstance(right, Told):
        return written | _told(right, str(leaf))
    if isinstance(right, Path):
        return {**written, _OTHER: ".".join((name, *right.names))}
    if isinstance(right, tuple):
        return {**written, _VALUE: [_constant(one, str(leaf)) for one in right]}
    return {**written, _VALUE: _constant(right, str(leaf))}


def _told(told: Told, said: str) -> dict[str, JsonValue]:
    who = told.text.partition("(")[0]
    if isinstance(told, ClaimOf):
        return {_SAYS: who, _NAME: plain(told.name, said)}
    if isinstance(told, SubjectOf | ClientOf):
        return {_SAYS: who if told.issuer is None else who.removesuffix(".of"), **_given(_ISSUER, told.issuer)}
    raise PolicyError(f"{said} cannot be written: documents have no form for {type(told).__name__}")


def _given(name: str, value: str | None) -> dict[str, JsonValue]:
    return {} if value is None else {name: value}


def _constant(value: object, said: str) -> JsonValue:
    if isinstance(value, Decimal):
        return {_DECIMAL: str(value)}
    if isinstance(value, UUID):
        return {_UUID: str(value)}
    if isinstance(value, str) and _DOTTED.fullmatch(value):
        return {_TEXT: value}
    return value if isinstance(value, float) else plain(value, said)


# --- Reading ---------------------------------------------------------------------------------------------------------
def read_comparison(members: Mapping[str, JsonValue], path: str, find: Find) -> Policy:
    """The comparison that `members` of a document say; `find` knows resources and verifiers by name."""
    for name in members:
        if name not in _MEMBERS:
            raise PolicyError(
                f"{path}: a comparison takes no {shown(name)}{did_you_mean(name, _MEMBERS - members.keys())}"
            )
    if members == {FIELD: members[FIELD], _IS: _NAMED}:
        return _resource(members[FIELD], f"{path}.{FIELD}", find).named_at_all
    field = _field(members[FIELD], f"{path}.{FIELD}", find)
    sign, right = members.get(_IS), [name for name in _RIGHT if name in members]
    known = {*_SIGNS, *_ALONE}
    if not isinstance(sign, str) or sign not in known:
        words = known if isinstance(sign, str) and sign[:1].isalpha() else ()
        hint = instead_of(sign, _MEANT) or did_you_mean(sign, words, f"known are {', '.join(sorted(known))}")
        raise unreadable(f"{path}.{_IS}", "how it compares", sign, hint)
    if sign in _ALONE:
        if len(members) > 2:
            raise PolicyError(f"{path}: {FIELD} and {_IS}: {sign} are all there is")
        return cast("Policy", getattr(field, _ALONE[sign]))
    if len(right) != 1:
        raise PolicyError(f"{path}: a field is compared with one of {', '.join(_RIGHT)}")
    stray = next((name for name in (_NAME, _ISSUER) if name in members and _SAYS not in members), None)
    if stray is not None:
        raise PolicyError(f"{path}: {shown(stray)} belongs to {_SAYS}")
    try:
        compare: Callable[[Any, Any], Policy] = _SIGNS[sign]
        return compare(field, _right(members, right[0], path, find))
    except (PolicyError, ConfigError) as error:
        if str(error).startswith(path):
            raise
        raise PolicyError(f"{path}: {error}") from None


def _field(said: JsonValue, path: str, find: Find) -> Field:
    if not isinstance(said, str):
        raise unreadable(path, "a field, such as invoice.owner,", said)
    name, *names = said.split(".")
    resource = _resource(name, path, find)
    if not names or not all(one.isidentifier() for one in names):
        raise PolicyError(f"{path}: {shown(said)} is no field; write the resource and the field, such as invoice.owner")
    try:
        return Field(resource, tuple(names))
    except (PolicyError, ConfigError) as error:
        raise PolicyError(f"{path}: {error}") from None


def _resource(name: JsonValue, path: str, find: Find) -> ResourceVerifier:
    resource = find(name, path)
    if not isinstance(resource, ResourceVerifier):
        raise PolicyError(f"{path}: {shown(name)} is no resource, so it has no fields")
    return resource


def _right(members: Mapping[str, JsonValue], kind: str, path: str, find: Find) -> object:
    value, where = members[kind], f"{path}.{kind}"
    if kind == _OTHER:
        return _field(value, where, find)
    if kind == _SAYS:
        return _said(value, members, where, path, find)
    if isinstance(value, list):
        return [_scalar(one, f"{where}[{place}]", find) for place, one in enumerate(value)]
    return _scalar(value, where, find)


def _scalar(value: JsonValue, path: str, find: Find) -> object:
    if isinstance(value, str) and (instead := _mistaken(value, path, find)):
        raise PolicyError(
            f'{path}: {shown(value)} is just text here; write {instead}, or {{"{_TEXT}": ...}} for the text'
        )
    if not isinstance(value, list | dict):
        return value
    if isinstance(value, dict) and len(value) == 1:
        kind, text = next(iter(value.items()))
        try:
            if kind == _DECIMAL and isinstance(text, str) and len(text) <= 100 and re.fullmatch(_DIGITS, text):
                return Decimal(text)
            if kind == _UUID and isinstance(text, str) and len(text) <= 100:
                return UUID(text)
            if kind == _TEXT and isinstance(text, str):
                return text
        except (ValueError, InvalidOperation):
            pass
    raise unreadable(
        path, f'a text, a number, {{"{_DECIMAL}": "1.50"}}, {{"{_UUID}": "..."}} or {{"{_TEXT}": "..."}}', value
    )


def _mistaken(text: str, path: str, find: Find) -> str:
    """What to write where `text` is what a known verifier says, or a field of a known resource; empty if it is not."""
    dotted = _DOTTED.fullmatch(text)
    if dotted is None:
        return ""
    try:
        named = find(dotted[1], path)
    except PolicyError:  # nothing is called so
        return ""
    if isinstance(named, ResourceVerifier):
        return f'"{_OTHER}": "{dotted[1]}.{dotted[2]}"' if dotted[2] in named.fields else ""
    return f'"{_SAYS}": "{dotted[1]}.{dotted[2]}"' if dotted[2] in operands_of(named) else ""


def _said(said: JsonValue, members: Mapping[str, JsonValue], where: str, path: str, find: Find) -> Said:
    if not isinstance(said, str):
        raise unreadable(where, "what somebody's evidence says, such as token.subject,", said)
    name, _, word = said.rpartition(".")
    verifier = find(name, where)
    words = operands_of(verifier)
    if word not in words:
        raise PolicyError(f"{where}: {shown(said)} says nothing{did_you_mean(word, words)}")
    found: object = getattr(verifier, word)
    if words[word]:
        claim = members.get(_NAME)
        if not isinstance(claim, str):
            raise unreadable(f"{path}.{_NAME}", "a text", claim)
        found = cast("Callable[[str], object]", found)(claim)
    elif _NAME in members:
        raise PolicyError(f"{path}: {shown(said)} takes no {shown(_NAME)}")
    if _ISSUER in members:
        issuer = members[_ISSUER]
        if not isinstance(issuer, str) or not isinstance(found, SaidBy):
            raise PolicyError(f"{path}.{_ISSUER}: {shown(issuer)} is no issuer whose naming {shown(said)} is in")
        found = found.of(issuer)
    if not isinstance(found, Said):
        raise PolicyError(f"{where}: {shown(said)} is nothing to compare with")
    return found


def operands_of(verifier: object) -> Mapping[str, bool]:
    """What evidence of `verifier` says that a field can be compared with, and whether it takes a name: a claim."""
    found: dict[str, bool] = {}
    kind: Any = type(verifier)
    for name in dir(kind) if isinstance(verifier, Verifier) else ():
        member: object = getattr_static(kind, name)
        function = member.fget if isinstance(member, property) else member
        if name.startswith("_") or not hasattr(function, "__code__"):
            continue
        try:
            said: object = get_type_hints(function).get("return")
        except (NameError, TypeError, AttributeError):
            continue
        if any(isinstance(one, type) and issubclass(one, Said) for one in (said, *get_args(said))):
            found[name] = function is member
    return found


# --- Schema ----------------------------------------------------------------------------------------------------------
def comparison_schema(resource: str, verifiers: Mapping[str, object]) -> list[JsonValue]:
    """The JSON Schemas of comparisons of one resource with what the verifiers, by name, say."""
    field: JsonValue = {"type": "string", "pattern": f"^{re.escape(resource)}\\."}
    sign: JsonValue = {"enum": cast("list[JsonValue]", list(_SIGNS))}
    scalar: JsonValue = {
        "anyOf": [
            {"type": ["string", "number"]},
            _object({_DECIMAL: {"type": "string", "pattern": f"^{_DIGITS}$", "maxLength": 100}}),
            _object({_UUID: {"type": "string", "maxLength": 100}}),
            _object({_TEXT: {"type": "string"}}),
        ]
    }
    value: JsonValue = {"anyOf": [scalar, {"type": "array", "items": scalar, "minItems": 1}]}
    made: list[JsonValue] = [
        _object({FIELD: {"const": resource}, _IS: {"const": _NAMED}}),
        _object({FIELD: field, _IS: {"enum": cast("list[JsonValue]", list(_ALONE))}}),
        _object({FIELD: field, _IS: sign, _VALUE: value}),
        _object({FIELD: field, _IS: sign, _OTHER: field}),
    ]
    for name, verifier in verifiers.items():
        for word, called in operands_of(verifier).items():
            says: JsonValue = {"const": f"{name}.{word}"}
            one: dict[str, JsonValue] = {FIELD: field, _IS: sign, _SAYS: says}
            made.append(_object({**one, _NAME: {"type": "string"}}) if called else _with_issuer(one))
    return made


def _with_issuer(members: Mapping[str, JsonValue]) -> JsonValue:
    made = _object(members)
    cast("dict[str, JsonValue]", made["properties"])[_ISSUER] = {"type": "string"}
    return made


def _object(members: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "required": cast("list[JsonValue]", list(members)),
        "properties": dict(members),
        "additionalProperties": False,
    }
