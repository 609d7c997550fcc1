"""Policies read from JSON: nothing unknown, nothing missing, nothing twice, and every check of the leaves runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeGuard, cast

from zerotrust.core.combining import Rule
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.policy import Policy, not_presented, unavailable
from zerotrust.core.reason import Reason
from zerotrust.core.verifier import Verifier
from zerotrust.documents.comparisons import FIELD, read_comparison
from zerotrust.documents.forms import FORMS, Form, Slot
from zerotrust.documents.kinds import Predicates, key_path, unreadable
from zerotrust.documents.leaves import LEAF, Asked, Offered, is_asked, leaves_of, read_leaf
from zerotrust.documents.naming import did_you_mean, instead_of, shown
from zerotrust.documents.writing import MAX_NESTING, NOT_PRESENTED, PART, UNAVAILABLE, VERSION
from zerotrust.verifiers.request import request
from zerotrust.verifiers.resource import Resource, verifier_of
from zerotrust.wire.json import JsonValue, parse_object

MAX_DOCUMENT: Final = 16 * 1024 * 1024
"""Bytes of a document: a policy of 10,000 leaves, indented, takes about a tenth."""

_NONE: Final[Mapping[str, Callable[..., object]]] = MappingProxyType({})
_FORMS: Final[Mapping[str, Form]] = {form.head: form for form in FORMS.values()}
_STANDING: Final = {NOT_PRESENTED: not_presented, UNAVAILABLE: unavailable}
_HEADS: Final = frozenset({LEAF, FIELD, PART, *_STANDING, *_FORMS})
_Node: TypeAlias = Policy | Rule

_MEANT: Final = {
    "and": '"all_of"', "all": '"all_of"', "allOf": '"all_of"', "or": '"any_of"', "any": '"any_of"', "anyOf": '"any_of"',
    "none_of": '{"not": {"any_of": [...]}}', "allow": '"permit"', "deny": '"forbid" beside "permit"',
    "forbid": '{"permit": [...], "forbid": [...]}, or {"not": ...}', "if": '"when" and "require"',
    "require": '{"when": ..., "require": ...}', "rule": '{"effect": "permit", "if": ...}', "name": '"named"',
    "tags": '"tagged"', "anyone": '"anyone_because"', "role": '{"leaf": "token.role", "name": ...}',
    "scope": '{"leaf": "token.scope", "names": [...]}', "of": '{"at_least": 2, "of": [...]}',
}  # fmt: skip
"""What other languages of policies call it, and what to write here."""

_TOP: Final = frozenset({"$schema", "version", "policy", "parts"})


def from_json(
    text: str, verifiers: Iterable[Offered], *, predicates: Mapping[str, Callable[..., object]] = _NONE
) -> Policy:
    """The policy that `to_json` wrote, or that somebody wrote by hand in the same form.

    Args:
        text: the document.
        verifiers: what the document may speak of, by name: verifiers, `Roles` and `Resource`.
        predicates: the application's own functions, by the text that the document has for each.

    Raises:
        PolicyError: the text is no such document; the message says where (a JSON path), what was seen, what is known.
        ConfigError: `verifiers` or `predicates` are not what they have to be.
    """
    known = by_name(verifiers)
    checked = _predicates(predicates)
    if not isinstance(text, str):  # callers are not all typed
        raise PolicyError(f"from_json() takes the text of a document, not {shown(text)}")
    document = parse_object(text.encode("utf-8", "surrogatepass"), limit=MAX_DOCUMENT, depth=MAX_NESTING)
    if isinstance(document, Reason):
        raise PolicyError(f"no policy document: {document}{_place_of(text)}")
    return _Reader(known, checked).document(document)


def _place_of(text: str) -> str:
    """Where `text` stops being JSON, for people who write it by hand; empty if it does not."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        at, said = error.pos, error.msg
        before = text[:at].rstrip()
        if text[at : at + 1] in ("]", "}") and before.endswith(","):  # later Pythons look at the comma by themselves
            at = len(before) - 1
        if text[at : at + 1] == "," and text[at + 1 :].lstrip()[:1] in ("]", "}"):
            said = "a comma with nothing behind it"
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        return f", at line {line}, column {column}: {said}"
    except (ValueError, RecursionError):  # it is too large or too deep, which was said
        pass
    return ""


def load_policy(
    path: Path, verifiers: Iterable[Offered], *, predicates: Mapping[str, Callable[..., object]] = _NONE
) -> Policy:
    """The policy in a JSON file; errors as `from_json` has them, each with the name of the file.

    Args:
        path: of the file, in UTF-8.
        verifiers: as for `from_json`.
        predicates: as for `from_json`.

    Raises:
        PolicyError: it holds no such document.
        ConfigError: it cannot be read; or as `from_json`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_DOCUMENT + 1)
        text = data.decode()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        raise PolicyError(f"{path}: no policy document: it is not UTF-8") from None
    try:
        return from_json(text, verifiers, predicates=predicates)
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from None


class _Reader:
    """Reads one document."""

    def __init__(self, verifiers: Mapping[str, Asked], predicates: Predicates) -> None:
        self._verifiers = verifiers
        self._predicates = predicates
        self._parts: dict[int, _Node] = {}  # read and not yet used
        self._read = 0

    def document(self, document: Mapping[str, JsonValue]) -> Policy:
        if type(version := document.get("version")) is not int or version != VERSION:
            seen = shown(version) if "version" in document else "none"
            raise PolicyError(f"$.version: {VERSION} is the one that is known here, not {seen}")
        for name in document:
            if name not in _TOP:
                raise PolicyError(f"$: a document has no {shown(name)}{did_you_mean(name, _TOP - document.keys())}")
        if not isinstance(document.get("$schema", ""), str):
            raise unreadable("$['$schema']", "a text", document["$schema"])
        if "policy" not in document:
            raise PolicyError('$: "policy" is missing')
        parts = document.get("parts", [])
        if not isinstance(parts, list):
            raise unreadable("$.parts", "a list of policies", parts)
        for place, part in enumerate(parts):
            self._parts[place] = self._node(part, f"$.parts[{place}]")
            self._read += 1
        policy = self.policy(document["policy"], "$.policy")
        if self._parts:
            raise PolicyError(f"$.parts[{min(self._parts)}]: nothing refers to this part; leave it out")
        return policy

    def policy(self, value: JsonValue, path: str) -> Policy:
        """The policy that `value` stands for."""
        node = self._node(value, path)
        if isinstance(node, Policy):
            return node
        raise PolicyError(f"{path}: {node.instead}")

    def _node(self, value: JsonValue, path: str) -> _Node:
        """The policy or rule that `value` stands for. It calls itself no deeper than JSON is nested (`MAX_NESTING`)."""
        if not isinstance(value, dict):
            raise unreadable(path, "a policy, which is an object,", value)
        if LEAF in value:  # whose parameters may be called anything
            return self._leaf(value, path)
        if FIELD in value:
            return read_comparison(value, path, self._asked)
        heads = [name for name in value if name in _HEADS]
        if len(heads) != 1:
            raise PolicyError(f"{path}: {self._what_kind(value, heads)}")
        head = heads[0]
        if (form := _FORMS.get(head)) is not None:
            return self._composed(form, value, path)
        if len(value) > 1:
            stray = next(name for name in value if name != head)
            raise PolicyError(f"{path}: beside {shown(head)} there is nothing else, and here is {shown(stray)}")
        if head == PART:
            return self._part(value[PART], f"{path}.{PART}")
        asked = self._asked(value[head], f"{path}.{head}")
        if not isinstance(asked, Verifier):
            raise PolicyError(f"{path}.{head}: {asked.name} is no verifier, and nothing is presented to it")
        return _STANDING[head](asked)

    def _what_kind(self, value: Mapping[str, JsonValue], heads: list[str]) -> str:
        if heads:
            return f"one policy cannot be both {shown(heads[0])} and {shown(heads[1])}; nest one in the other"
        if not value:
            return f"an empty object is no policy{did_you_mean(None, _HEADS)}"
        name = next(iter(value))
        return f"{shown(name)} is no kind of policy{instead_of(name, _MEANT) or did_you_mean(name, _HEADS)}"

    def _part(self, number: JsonValue, path: str) -> _Node:
        if type(number) is not int:
            raise unreadable(path, "the number of a part", number)
        if number not in self._parts:
            if 0 <= number < self._read:
                raise PolicyError(f"{path}: part {number} is used already; each stands in one place")
            raise PolicyError(f"{path}: there is no part {shown(number)}; {self._read} stand before this, from 0 on")
        return self._parts.pop(number)

    def _asked(self, name: JsonValue, path: str) -> Asked:
        if not isinstance(name, str):
            raise unreadable(path, "the name of a verifier", name)
        if name not in self._verifiers:
            known = did_you_mean(name, self._verifiers, "no verifiers were given: from_json(text, [token, ...])")
            if name == request.name:
                known = "; give it with the others: from zerotrust import request, and from_json(text, [..., request])"
            raise PolicyError(f"{path}: no verifier is called {shown(name)}{known}")
        return self._verifiers[name]

    def _leaf(self, value: Mapping[str, JsonValue], path: str) -> Policy:
        said = value[LEAF]
        where = f"{path}.{LEAF}"
        if not isinstance(said, str):
            raise unreadable(where, "a leaf, such as token.valid,", said)
        before, dot, name = said.rpartition(".")
        if not dot:
            raise PolicyError(f"{where}: {shown(said)} is no leaf; write verifier and leaf, such as token.valid")
        asked = self._asked(before, where)
        leaves = leaves_of(asked)
        if name not in leaves:
            raise PolicyError(
                f"{where}: {before} has no leaf {shown(name)}{did_you_mean(name, leaves, 'it has none at all')}"
            )
        return read_leaf(asked, leaves[name], value, path, self._predicates)

    def _composed(self, form: Form, value: Mapping[str, JsonValue], path: str) -> _Node:
        for name in value:
            if name not in form.members:
                raise PolicyError(
                    f"{path}: {form.head} takes no {shown(name)}"
                    f"{did_you_mean(name, form.members.keys() - value.keys(), 'it takes nothing else')}"
                )
        members: dict[str, object] = {}
        for name, slot in form.members.items():
            where = f"{path}{key_path(name)}"
            if name not in value:
                if name not in form.optional:
                    raise PolicyError(f"{path}: {form.head} lacks {shown(name)}")
            elif slot is Slot.ONE:
                members[name] = self.policy(value[name], where)
            elif isinstance(slot, Slot):
                members[name] = self._several(value[name], where, self._node if slot is Slot.ITEMS else self.policy)
            else:
                members[name] = slot.read(value[name], where, self._predicates)
        try:
            return cast("_Node", form.make(members))
        except (PolicyError, ConfigError) as error:
            raise PolicyError(f"{path}: {error}") from None

    def _several(self, value: JsonValue, path: str, read: Callable[[JsonValue, str], _Node]) -> tuple[_Node, ...]:
        if not isinstance(value, list):
            raise unreadable(path, "a list of policies", value)
        return tuple([read(one, f"{path}[{place}]") for place, one in enumerate(value)])


def by_name(verifiers: Iterable[Offered]) -> dict[str, Asked]:
    """What leaves may be asked of, by name; `ConfigError` if it is something else, or a name is taken twice."""
    if isinstance(verifiers, str | bytes | Verifier) or not isinstance(verifiers, Iterable):
        raise ConfigError(f"verifiers={verifiers!r}: write a list, such as [token, passkey]")
    found: dict[str, Asked] = {}
    for given in cast("Iterable[object]", verifiers):
        verifier = _itself(given)
        if not is_asked(verifier):
            raise ConfigError(f"verifiers: {shown(verifier)} is none; write those that the leaves are asked of")
        if found.setdefault(verifier.name, verifier) != verifier:
            raise ConfigError(
                f"verifiers: two are called {shown(verifier.name)}, and a document knows them by that; give one "
                "of them another name="
            )
    return found


def _itself(given: object) -> object:
    return verifier_of(given) if _is_resource(given) else given


def _is_resource(given: object) -> TypeGuard[Resource[Any]]:
    return isinstance(given, Resource)


def _predicates(given: object) -> Predicates:
    if not isinstance(given, Mapping):
        raise ConfigError(f"predicates={given!r}: write a mapping of texts to functions")
    for text, function in cast("Mapping[object, object]", given).items():
        if not isinstance(text, str) or not callable(function):
            raise ConfigError(f"predicates: {text!r} has {function!r}; write a text, and the function it stands for")
    return cast("Predicates", given)
