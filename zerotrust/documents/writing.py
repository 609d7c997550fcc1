"""Policies written as JSON, leaf by leaf as a user writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, cast

from zerotrust.core.errors import PolicyError
from zerotrust.core.finding import Absent
from zerotrust.core.policy import Leaf, Policy, Standing
from zerotrust.core.tree import Tree
from zerotrust.documents.comparisons import read_comparison, resource_of, write_comparison
from zerotrust.documents.forms import FORMS, Form, Slot, children_in, is_leaf
from zerotrust.documents.kinds import plain
from zerotrust.documents.leaves import Asked, call_of, write_leaf
from zerotrust.documents.naming import shown
from zerotrust.verifiers.resource import ResourceVerifier
from zerotrust.wire.json import JsonValue

VERSION: Final = 1
"""Of the documents that are written, and the only one that is read."""

MAX_NESTING: Final = 32
"""Levels of arrays and objects in a document. What is nested deeper stands in `parts`, so that no reader needs a stack
as deep as a policy, and no person has to count brackets."""

MAX_NODES: Final = 200_000
"""Parts of a policy, each as often as it stands in it: sharing them in Python can make it any size."""

NOT_PRESENTED: Final = "not_presented"
UNAVAILABLE: Final = "unavailable"
PART: Final = "part"

_WITHIN: Final = MAX_NESTING - 2  # the document itself, and the list of parts


def to_json(policy: Policy, *, indent: int | None = None) -> str:
    """`policy` as a JSON document that `from_json` reads.

    Each leaf stands there as its verifier's method is called: `{"leaf": "token.fresh", "within_seconds": 300}`. What
    the verifiers themselves are configured with is not in it, and of functions of the application's only the text.
    The same policy always gives the same document.

    Args:
        policy: what is written.
        indent: blanks per level for a person to read; None for one line.

    Raises:
        PolicyError: it has a leaf that no document can have, or that would be read back as another; two verifiers of
            one name; two functions of one text.
    """
    if not isinstance(policy, Policy):  # callers are not all typed
        raise PolicyError(f"to_json() takes a policy, not {shown(policy)}")
    document = document_of(policy)
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(document, indent=indent, ensure_ascii=False, separators=separators)


def document_of(policy: Policy) -> dict[str, JsonValue]:
    """`policy` as the value of its JSON document; `PolicyError` as `to_json` has it."""
    writer = _Writer()
    written = writer.write(policy)
    document: dict[str, JsonValue] = {"version": VERSION, "policy": written}
    if writer.parts:
        document["parts"] = writer.parts
    return document


class _Writer:
    """Writes the nodes of one policy, children first."""

    def __init__(self) -> None:
        self.parts: list[JsonValue] = []
        self._leaves: dict[int, JsonValue] = {}
        self._nodes = 0
        self._predicates: dict[str, Callable[..., object]] = {}
        self._asked: dict[str, Asked] = {}

    def write(self, root: Tree) -> JsonValue:
        done: list[tuple[JsonValue, int]] = []  # finished siblings and how many levels they have, innermost last
        todo: list[tuple[Tree, bool]] = [(root, False)]
        while todo:
            node, opened = todo.pop()
            form = FORMS.get(type(node))
            if form is None:
                leaf = self._leaf(node)
                done.append((leaf, _levels(leaf)))
            elif not opened:
                self._count()
                todo.append((node, True))
                todo.extend((child, False) for child in reversed([*children_in(form, node)]))
            else:
                count = len([*children_in(form, node)])
                children = done[len(done) - count :]
                del done[len(done) - count :]
                done.append(self._node(form, node, children))
        return done[0][0]

    def _node(self, form: Form, node: Tree, children: list[tuple[JsonValue, int]]) -> tuple[JsonValue, int]:
        written: dict[str, JsonValue] = {}
        deepest = 1
        remaining = iter(children)
        for name, value in form.take(node).items():
            slot = form.members[name]
            if slot is Slot.ONE:
                inner, levels = self._fitting(next(remaining), 1)
                written[name] = inner
                deepest = max(deepest, levels + 1)
            elif isinstance(slot, Slot):
                parts = [self._fitting(next(remaining), 2) for _ in cast("tuple[Tree, ...]", value)]
                written[name] = [part for part, _ in parts]
                deepest = max(deepest, 2, *(levels + 2 for _, levels in parts))
            else:
                written[name] = plain(value, form.head)
                deepest = max(deepest, 1 + _levels(written[name]))
        return written, deepest

    def _fitting(self, child: tuple[JsonValue, int], around: int) -> tuple[JsonValue, int]:
        """`child` if it may stand within so many further levels; else a reference to it, and it among the parts."""
        written, levels = child
        if levels + around <= _WITHIN:
            return child
        self.parts.append(written)
        return {PART: len(self.parts) - 1}, 1

    def _leaf(self, node: Tree) -> JsonValue:
        self._count()
        if id(node) not in self._leaves:  # equal ones may print otherwise
            self._leaves[id(node)] = self._written(node)
        return self._leaves[id(node)]

    def _written(self, node: Tree) -> JsonValue:
        if isinstance(node, Standing):
            return {NOT_PRESENTED if node.outcome is Absent else UNAVAILABLE: self._known(node.verifier)}
        if is_leaf(node) and (resource := resource_of(node)) is not None:
            return self._comparison(node, resource)
        call = call_of(node)
        if call is None:
            raise PolicyError(f"{type(node).__name__} is not a policy that can be written; compose the given ones")
        self._known(call[0])
        return cast("JsonValue", write_leaf(node, *call, self._predicates))

    def _comparison(self, leaf: Leaf[Any], resource: ResourceVerifier) -> JsonValue:
        self._known(resource)
        of = leaf.verifier.of
        known: dict[str, Asked] = {resource.name: resource}
        if of is not None:
            known[self._known(of)] = of
        written = write_comparison(leaf)
        read = read_comparison(written, str(leaf), lambda name, _: known.get(str(name)))
        if read != leaf or str(read) != str(leaf):
            raise PolicyError(f"{leaf} cannot be written: read back it would be {read}")
        return cast("JsonValue", written)

    def _known(self, asked: Asked) -> str:
        if self._asked.setdefault(asked.name, asked) != asked:
            raise PolicyError(
                f"two verifiers of this policy are called {shown(asked.name)}, and a document knows them by that; "
                "give one of them another name="
            )
        return asked.name

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise PolicyError(f"this policy has more than {MAX_NODES} parts, which is more than a document may have")


def _levels(value: JsonValue) -> int:
    """How many levels of arrays and objects there are in a leaf; few, so it may call itself."""
    if isinstance(value, dict):
        return 1 + max(map(_levels, value.values()), default=0)
    return 1 + max(map(_levels, value), default=0) if isinstance(value, list) else 0
