"""The JSON Schema of policy documents, made of the tables that they are written and read by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, cast

from zerotrust.core.combining import Rule
from zerotrust.core.verifier import Verifier
from zerotrust.documents.comparisons import FIELD, comparison_schema
from zerotrust.documents.forms import FORMS, Form, Slot
from zerotrust.documents.kinds import Kind
from zerotrust.documents.leaves import LEAF, Asked, LeafForm, Offered, leaves_of
from zerotrust.documents.reading import by_name
from zerotrust.documents.writing import NOT_PRESENTED, PART, UNAVAILABLE, VERSION
from zerotrust.verifiers.resource import ResourceVerifier
from zerotrust.wire.json import JsonValue

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SEVERAL: Final = {Slot.SEVERAL: "policy", Slot.ITEMS: "item"}


def json_schema(verifiers: Iterable[Offered]) -> dict[str, JsonValue]:
    """The JSON Schema (draft 2020-12) of the documents that ask leaves of exactly these verifiers.

    What `from_json` reads with them is valid. What is valid may still be refused, where a check is more than the shape
    of a value: a scope with a blank in it, an issuer that is not believed, a part that is used twice.

    Args:
        verifiers: as for `from_json`.

    Raises:
        ConfigError: they are not what they have to be.
    """
    known = by_name(verifiers)
    policies = {form.head: _composed(form) for kind, form in FORMS.items() if kind is not Rule}
    groups: list[JsonValue] = [_leaves(name, asked) for name, asked in known.items()]
    for name, asked in known.items():
        if isinstance(asked, ResourceVerifier):
            groups.append({"type": "object", "required": [FIELD], "anyOf": comparison_schema(name, known)})
    proper = [name for name, asked in known.items() if isinstance(asked, Verifier)]
    if proper:
        policies |= {head: _object({head: _one_of(proper)}, (head,)) for head in (NOT_PRESENTED, UNAVAILABLE)}
    policies[PART] = _object({PART: {"type": "integer", "minimum": 0}}, (PART,))
    definitions: dict[str, JsonValue] = {
        "policy": {"anyOf": [*map(_reference, policies), *groups]},
        "item": {"anyOf": [_reference("policy"), _reference(FORMS[Rule].head)]},
        FORMS[Rule].head: _composed(FORMS[Rule]),
        **policies,
    }
    document = _object(
        {
            "$schema": {"type": "string"},
            "version": {"const": VERSION},
            "policy": _reference("policy"),
            "parts": {"type": "array", "items": _reference("item")},
        },
        ("version", "policy"),
    )
    return {"$schema": _DIALECT, "title": "zerotrust policy", **document, "$defs": definitions}


def _composed(form: Form) -> JsonValue:
    members: dict[str, JsonValue] = {}
    for name, slot in form.members.items():
        if slot is Slot.ONE:
            members[name] = _reference("policy")
        elif isinstance(slot, Slot):
            least = {} if name in form.optional else {"minItems": 1}
            members[name] = {"type": "array", "items": _reference(_SEVERAL[slot]), **least}
        else:
            members[name] = slot.schema
    return _object(members, [name for name in form.members if name not in form.optional])


def _leaves(name: str, asked: Asked) -> JsonValue:
    """Those of one verifier, so that validators need not try all others, and say what is wrong with which leaf."""
    leaves: list[JsonValue] = [_leaf(name, leaf) for leaf in leaves_of(asked).values() if not leaf.refused]
    begins: JsonValue = {"type": "string", "pattern": f"^{re.escape(name)}\\."}
    shape: dict[str, JsonValue] = {"type": "object", "required": [LEAF], "properties": {LEAF: begins}}
    if leaves:
        shape["anyOf"] = leaves
    else:
        shape["not"] = {}
    return shape


def _leaf(asked: str, form: LeafForm) -> JsonValue:
    members: dict[str, JsonValue] = {LEAF: {"const": f"{asked}.{form.name}"}}
    members |= {name: _unit(argument.kind) for name, argument in form.members.items()}
    return _object(members, [LEAF, *(name for name, argument in form.members.items() if argument.required)])


def _unit(kind: Kind) -> JsonValue:
    return {**kind.schema, "description": "seconds"} if kind.spans else kind.schema


def _object(members: dict[str, JsonValue], required: Iterable[str]) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "required": cast("list[JsonValue]", list(required)),
        "properties": members,
        "additionalProperties": False,
    }


def _one_of(values: list[str]) -> JsonValue:
    return {"enum": cast("list[JsonValue]", values)}


def _reference(name: str) -> JsonValue:
    return {"$ref": f"#/$defs/{name}"}
