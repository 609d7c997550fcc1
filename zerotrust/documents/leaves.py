"""Leaves in documents: a verifier's own methods, told from their signatures, written and read as a user calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from inspect import Parameter, getattr_static, signature
from types import UnionType
from typing import Any, Final, TypeAlias, TypeGuard, Union, cast, get_args, get_origin, get_type_hints

from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.policy import Policy
from zerotrust.core.tree import Tree
from zerotrust.core.verifier import Verifier
from zerotrust.documents.forms import FORMS, is_leaf
from zerotrust.documents.kinds import Kind, Predicates, function_called, key_path, kind_of, list_of, plain
from zerotrust.documents.naming import did_you_mean, shown
from zerotrust.verifiers.operand import Operand
from zerotrust.verifiers.resource import Resource
from zerotrust.verifiers.roles import HasRole, Roles
from zerotrust.wire.json import JsonValue

LEAF: Final = "leaf"
"""The member that says which leaf of which verifier: `token.scope`."""

TEXT: Final = "text"
"""The parameter by which a leaf shows a function of the application's."""

Asked: TypeAlias = Verifier[Any] | Roles
"""What leaves are asked of, and what they print before the dot."""

Call: TypeAlias = tuple[Asked, str, Mapping[str, object]]

_IN_ORDER: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


Offered: TypeAlias = Verifier[Any] | Roles | Resource[Any]
"""What a document may speak of by name."""


def is_asked(value: object) -> TypeGuard[Asked]:
    """Whether leaves can be asked of `value`."""
    return isinstance(value, Verifier | Roles)


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter of a leaf.

    Attributes:
        name: of the parameter.
        member: under what name it stands in a document; spans tell their unit.
        kind: how it is written.
        place: as `inspect.Parameter.kind` says.
        default: what it is unless given; `Parameter.empty` if it has to be.
        by_text: whether it is a function that the leaf's `text` stands for, so that it is not written itself.
    """

    name: str
    member: str
    kind: Kind
    place: int
    default: object
    by_text: bool = False

    @property
    def required(self) -> bool:
        """Whether a document has to have it."""
        return self.default is Parameter.empty and self.place != Parameter.VAR_POSITIONAL and not self.by_text


@dataclass(frozen=True, slots=True)
class LeafForm:
    """How one leaf of a verifier is written.

    Attributes:
        name: of the method or property.
        arguments: its parameters, in order; None for a property, which is not called.
        refused: why documents have no form for it; empty if they have.
    """

    name: str
    arguments: tuple[Argument, ...] | None
    refused: str = ""

    @property
    def members(self) -> dict[str, Argument]:
        """What may stand in a document, by name."""
        return {one.member: one for one in self.arguments or () if not one.by_text}


def leaves_of(asked: Asked) -> Mapping[str, LeafForm]:
    """The leaves of `asked`: whatever public method or property of its class says that it returns a policy."""
    kind: Any = type(asked)  # which a type checker takes for something without a hash
    return _leaves_of(kind)


@cache
def _leaves_of(kind: type[object]) -> Mapping[str, LeafForm]:
    found: dict[str, LeafForm] = {}
    for name in dir(kind):
        if name.startswith("_"):
            continue
        member: object = getattr_static(kind, name)
        function = _function_in(member)
        called = _called(member)
        if called is not None:
            form = _form(name, called, called=True)
        else:
            form = None if function is None else _form(name, function, called=function is member)
        if form is not None:
            found[name] = form
    return found


def _function_in(member: object) -> Callable[..., object] | None:
    if isinstance(member, property):
        return member.fget
    if isinstance(member, cached_property):
        return cast("cached_property[object]", member).func
    return cast("Callable[..., object]", member) if hasattr(member, "__code__") else None


def _called(member: object) -> Callable[..., object] | None:
    """What gives the leaf where a property is something to compare with, and to call for a leaf: `token.subject`."""
    try:
        said = get_type_hints(member.fget).get("return") if isinstance(member, property) else None
    except (NameError, TypeError, AttributeError):  # as below
        return None
    made: object = getattr(said, "__call__", None) if isinstance(said, type) and issubclass(said, Operand) else None  # noqa: B004 - of its instances
    return cast("Callable[..., object]", made) if hasattr(made, "__code__") else None


def _is_policy(said: object) -> bool:
    kind = get_origin(said) or said
    if kind is UnionType or kind is Union:  # without arguments some leaves are something to compare with
        return any(map(_is_policy, get_args(said)))
    return isinstance(kind, type) and issubclass(kind, Policy)


def _form(name: str, function: Callable[..., object], *, called: bool) -> LeafForm | None:
    try:
        hints = get_type_hints(function)
    except (NameError, TypeError, AttributeError) as error:  # a name that is imported for type checkers alone
        said = str(function.__annotations__.get("return"))
        if "Leaf" in said or "Policy" in said:
            return LeafForm(name, None, f"its annotations cannot be read at run time ({error})")
        return None
    if not _is_policy(hints.get("return")):
        return None
    if not called:
        return LeafForm(name, None)
    arguments: list[Argument] = []
    parameters = list(signature(function).parameters.values())[1:]
    has_text = any(one.name == TEXT for one in parameters)
    for one in parameters:
        kind = kind_of(hints.get(one.name))
        if kind is None or one.kind == Parameter.VAR_KEYWORD:
            if one.default is not Parameter.empty:
                continue  # what nobody has to give, no document can
            return LeafForm(name, None, f"no JSON can be its {one.name}, {_said(hints.get(one.name))}")
        arguments.append(_argument(one, kind, has_text))
    members = [one.member for one in arguments]
    if LEAF in members or len(set(members)) < len(members):
        return LeafForm(name, None, f"two members of a document would be called {LEAF}, or the same")
    return LeafForm(name, tuple(arguments))


def _argument(one: Parameter, kind: Kind, has_text: bool) -> Argument:
    if one.kind == Parameter.VAR_POSITIONAL:
        kind = list_of(kind)
    by_text = has_text and kind.callable
    return Argument(one.name, f"{one.name}_seconds" if kind.spans else one.name, kind, one.kind, one.default, by_text)


def _said(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


# --- Reading ---------------------------------------------------------------------------------------------------------
def read_leaf(
    asked: Asked, form: LeafForm, members: Mapping[str, JsonValue], path: str, predicates: Predicates
) -> Policy:
    """The leaf that `members` of a document ask for, made by the verifier's own method with all its checks."""
    said = f"{asked.name}.{form.name}"
    if form.refused:
        raise PolicyError(f"{path}: {said} cannot stand in a document: {form.refused}")
    known = form.members
    for name in members:
        if name != LEAF and name not in known:
            nothing = "it takes nothing else" if known else "it takes nothing"
            raise PolicyError(
                f"{path}: {said} takes no {shown(name)}{did_you_mean(name, known.keys() - members.keys(), nothing)}"
            )
    for name, argument in known.items():
        if argument.required and name not in members:
            raise PolicyError(f"{path}: {said} lacks {shown(name)}: {argument.kind.said}")
    try:
        return _made(asked, form, members, path, predicates)
    except (ConfigError, PolicyError) as error:
        if str(error).startswith(path):
            raise
        raise PolicyError(f"{path}: {error}") from None
    except Exception as error:  # a verifier of the application's own, given what it did not expect
        raise PolicyError(f"{path}: {said} refuses this with {type(error).__name__}") from error


def _made(asked: Asked, form: LeafForm, members: Mapping[str, JsonValue], path: str, predicates: Predicates) -> Policy:
    made: object
    if form.arguments is None:
        made = getattr(asked, form.name)
    else:
        in_order, by_name = _call(form.arguments, members, path, predicates)
        made = getattr(asked, form.name)(*in_order, **by_name)
    if not isinstance(made, Policy) or type(made) in FORMS:
        raise PolicyError(f"{path}: {asked.name}.{form.name} is no leaf, but {type(made).__name__}")
    return made


def _call(
    arguments: tuple[Argument, ...], members: Mapping[str, JsonValue], path: str, predicates: Predicates
) -> tuple[list[object], dict[str, object]]:
    in_order: list[object] = []
    by_name: dict[str, object] = {}
    followed = any(one.place == Parameter.VAR_POSITIONAL for one in arguments)
    for one in arguments:
        if one.by_text:
            value: object = function_called(members.get(TEXT), f"{path}.{TEXT}", predicates)
        elif one.member in members:
            value = one.kind.read(members[one.member], f"{path}{key_path(one.member)}", predicates)
        elif one.place == Parameter.VAR_POSITIONAL:
            value = ()
        elif followed and one.place in _IN_ORDER:
            value = one.default  # else those that follow would take its place
        else:
            continue
        if one.place == Parameter.VAR_POSITIONAL:
            in_order.extend(cast("tuple[object, ...]", value))
        elif one.place in _IN_ORDER and (followed or one.place == Parameter.POSITIONAL_ONLY):
            in_order.append(value)
        else:
            by_name[one.name] = value
    return in_order, by_name


# --- Writing ---------------------------------------------------------------------------------------------------------
def call_of(node: Tree) -> Call | None:
    """What `node` is if it is written as a call: whose leaf, its name, and its arguments; None for any other."""
    if is_leaf(node):
        return node.verifier, str(node.question).partition("(")[0], node.question.arguments()
    return (node.roles, "has", {"role": node.role}) if isinstance(node, HasRole) else None


def write_leaf(
    leaf: Tree, asked: Asked, name: str, given: Mapping[str, object], predicates: dict[str, Callable[..., object]]
) -> dict[str, JsonValue]:
    """`leaf` as it stands in a document.

    Args:
        leaf: what is written, and as `call_of` has it:
        asked: whose leaf it is.
        name: of the leaf.
        given: its arguments.
        predicates: the functions met so far, by their text; those of this leaf are added.

    Raises:
        PolicyError: no document can have it, or it would be read back as something else.
    """
    said = str(leaf)
    form = leaves_of(asked).get(name)
    if form is None:
        raise PolicyError(
            f"{said} cannot be written: {type(asked).__name__} has no leaf {name} that says it returns a Leaf"
        )
    if form.refused:
        raise PolicyError(f"{said} cannot be written: {form.refused}")
    written: dict[str, JsonValue] = {LEAF: f"{asked.name}.{name}"}
    for one in form.arguments or ():
        if one.name not in given:
            continue
        value = given[one.name]
        if callable(value):
            text = given.get(TEXT) if one.by_text else None
            _note(predicates, text if isinstance(text, str) else str(getattr(value, "__name__", "")), value, said)
        if not one.by_text and not _is_default(value, one):
            written[one.member] = plain(value, said)
    read = read_leaf(asked, form, written, said, predicates)
    if read != leaf or str(read) != said:
        raise PolicyError(
            f"{said} cannot be written: read back it would be {read}. Let the question say what its leaf was called "
            "with: override Question.arguments"
        )
    return written


def _is_default(value: object, argument: Argument) -> bool:
    if argument.place == Parameter.VAR_POSITIONAL:
        return value == ()
    return type(value) is type(argument.default) and value == argument.default


def _note(predicates: dict[str, Callable[..., object]], text: str, function: Callable[..., object], said: str) -> None:
    if predicates.setdefault(text, function) != function:
        raise PolicyError(
            f"{said} cannot be written: another function is called {shown(text)}, too, and a document knows them by "
            "that; give each a text of its own"
        )
