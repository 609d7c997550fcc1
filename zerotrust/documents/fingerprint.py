"""One short text for a policy: the same in every process, another for every policy that prints or means otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import Any, Final, cast
from uuid import UUID

from zerotrust.core.errors import PolicyError
from zerotrust.core.policy import Policy, Standing
from zerotrust.core.tree import Tree
from zerotrust.core.verifier import Question
from zerotrust.documents.forms import Form, Slot, children_in, form_of, leaf_in
from zerotrust.documents.kinds import plain, text_of_function
from zerotrust.documents.leaves import TEXT
from zerotrust.documents.naming import shown
from zerotrust.wire.json import JsonValue

_EDITION: Final = "zerotrust policy 1"


def fingerprint(policy: Policy) -> str:
    """SHA-256 of `policy`, hexadecimal: equal policies of the same verifiers have the same, others another.

    It does not depend on the process, the hash seed or the version of Python. Verifiers count by their names, not by
    how they are configured; functions of the application's by their text, or where a leaf shows none by their names.
    What a leaf holds besides what it prints counts, too: which claim `token.role("admin")` looks at, for one.

    Raises:
        PolicyError: a question holds something that is no plain data, or a function without a name of its own; write
            `def`, or let the question override `Question.arguments`.
    """
    if not isinstance(policy, Policy):  # callers are not all typed
        raise PolicyError(f"fingerprint() takes a policy, not {shown(policy)}")
    digests: dict[int, str] = {}  # by identity: what is shared is looked at once
    todo: list[Tree] = [policy]
    while todo:
        node = todo[-1]
        form = form_of(node)
        missing = [] if form is None else [child for child in children_in(form, node) if id(child) not in digests]
        if missing:
            todo.extend(missing)
            continue
        todo.pop()
        digests[id(node)] = _digest(_leaf(node) if form is None else _composed(form, node, digests))
    return digests[id(policy)]


def _composed(form: Form, node: Tree, digests: Mapping[int, str]) -> JsonValue:
    members: dict[str, JsonValue] = {}
    for name, value in form.take(node).items():
        slot = form.members[name]
        if slot is Slot.ONE:
            members[name] = digests[id(value)]
        elif isinstance(slot, Slot):
            members[name] = [digests[id(child)] for child in cast("tuple[Tree, ...]", value)]
        else:
            members[name] = plain(value, form.head)
    return [form.head, members]


def _leaf(node: Tree) -> JsonValue:
    leaf = leaf_in(node)
    if isinstance(leaf, Standing):
        return ["standing", leaf.outcome.__name__, leaf.verifier.name]
    if leaf is None:
        raise PolicyError(f"{type(node).__name__} is not a policy with a fingerprint; compose the given ones")
    return ["leaf", leaf.verifier.name, str(leaf.question), _held(leaf.question, str(leaf))]


def _held(question: Question[Any], said: str) -> JsonValue:
    """What the question holds, by name.

    Fields that are as they are unless given do not count: one may be added to a class of questions, and what was
    written down before stays comparable.
    """
    given = question.arguments()
    aside = {field.name for field in fields(question) if not field.compare} if is_dataclass(question) else set[str]()
    aside |= {name for name, value in given.items() if callable(value) and TEXT in given}  # known by its text
    held = {name: _canonical(value, said) for name, value in given.items() if name not in aside}
    if is_dataclass(question):
        for field in fields(question):  # those that `arguments`, overridden, leaves out
            value = getattr(question, field.name)
            if field.init and field.compare and field.name not in given and value != field.default:
                # What is no data here has been said in another way: a time zone by the name the leaf was called with.
                with suppress(PolicyError):
                    held[field.name] = _canonical(value, said)
    return cast("JsonValue", held)


def _canonical(value: object, said: str) -> JsonValue:
    if isinstance(value, re.Pattern):
        pattern = cast("re.Pattern[str]", value)
        return ["pattern", str(pattern.pattern), pattern.flags]
    if isinstance(value, Decimal | UUID):
        return [type(value).__name__, str(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return [
            type(value).__name__,
            {one.name: _canonical(getattr(value, one.name), said) for one in fields(value) if one.compare},
        ]
    if isinstance(value, list | tuple):
        return [_canonical(item, said) for item in cast("list[object]", value)]
    if callable(value) and not isinstance(value, Enum):
        text_of_function(value, said)  # or is refused: one name for all is none
        return ["function", str(getattr(value, "__qualname__", type(value).__name__))]
    return plain(value, said)


def _digest(value: JsonValue) -> str:
    text = json.dumps([_EDITION, value], sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()
