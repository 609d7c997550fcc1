"""Policies about the very object a request works on: `invoice.owner == token.subject` (OWASP API1:2023).

A handler loads the object and names it, `access.check(policy, resource=invoice)`; before that nothing is known of it,
and every leaf is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Final, Generic, TypeVar, cast
from uuid import UUID

from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.exhibit import misfit
from zerotrust.core.facts import Attribute
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.mistakes import NoPolicy
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.reason import NOT_PRESENTED, WRONG_RESOURCE, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.operand import Operand, Said, sides
from zerotrust.verifiers.resource_fields import UNTOLD, Declared, Given, fields_of, find, given_fields
from zerotrust.verifiers.resource_fits import NUMBERS, check_constant, check_field, check_told
from zerotrust.verifiers.resource_numbers import as_json, of_kind
from zerotrust.verifiers.resource_questions import (
    Compared,
    IsNamed,
    IsNone,
    IsSet,
    Path,
    ResourceEvidence,
    ResourceQuestion,
    Right,
    Telling,
)
from zerotrust.verifiers.resource_values import Fields, Scalar, Sign, Value, finite, plain

__all__ = ["Field", "Resource", "ResourceEvidence", "ResourceVerifier", "verifier_of"]

T = TypeVar("T")

_ORDER: Final = ("<", "<=", ">", ">=")
_NOT_NAMED: Final = NOT_PRESENTED(expected="a resource", detail="a handler names it: access.check")
NO_OBJECT: Final = NOT_PRESENTED(detail="there is no such object (resource=None)")
"""Why a resource is not there that a handler looked for."""


class ResourceVerifier(Verifier[ResourceEvidence]):
    """Finds the resource that a handler names, and sees that it is one of the class that policies speak of.

    Two are equal if they are about the same class under the same name, with the same fields, beside the same verifier.

    Args:
        kind: the class.
        name: what it is called in policies.
        given: fields that the class does not tell of.
        of: the verifier with whose evidence the resource is compared; None if with nobody's.
    """

    cost: ClassVar[int] = 0

    def __init__(self, kind: type, name: str, given: Given | None = None, of: Verifier[Any] | None = None) -> None:
        self.kind: type = kind
        self.name: str = name
        self.given: Given | None = given
        self.of: Verifier[Any] | None = of
        self.fields: dict[str, Declared] = fields_of(kind) | ({} if given is None else given_fields(given))
        self._key = (kind, name, repr(self.fields) if given is not None else "", of)

    # What is compared with somebody's evidence is about that somebody.
    @property
    def contextual(self) -> bool:  # type: ignore[override]
        """Whether the resource is compared with nobody's evidence."""
        return self.of is None

    @property
    def needs_resource(self) -> bool:
        """True: there is nothing to find before a handler names it."""
        return True

    def beside(self, of: Verifier[Any] | None) -> ResourceVerifier:
        """The same resource, compared with the evidence of `of`; None for nobody's."""
        return ResourceVerifier(self.kind, self.name, self.given, of)

    @property
    def named_at_all(self) -> Leaf[ResourceEvidence]:
        """YES if a handler named an object of the class."""
        return Leaf(self, IsNamed())

    def find(self, request: AccessRequest) -> Finding[ResourceEvidence]:
        """The resource, if it is of the class; `wrong_resource` if it is not, `not_presented` if none was named."""
        resource = request.resource
        if resource is None:
            return Absent(_NOT_NAMED)
        # By its type: `__class__` may say anything.
        if not issubclass(type(resource), self.kind):
            return Rejected(WRONG_RESOURCE(expected=self.kind.__name__, presented=type(resource).__name__))
        return Verified(ResourceEvidence(self.kind.__name__, "", request.now, math.inf, Fields(resource)))

    def find_about(self, request: AccessRequest, about: Evidence) -> Finding[ResourceEvidence]:
        """The resource, beside the evidence it is compared with."""
        found = self.find(request)
        if not isinstance(found, Verified):
            return found
        fields = found.evidence.fields
        return Verified(ResourceEvidence(about.source, about.subject, request.now, about.expires_at, fields, about))

    def blank(self, now: float) -> ResourceEvidence:
        """A resource of which nothing is known."""
        return ResourceEvidence(self.kind.__name__, "", now, math.inf, Fields.saying({}), None, {})

    def read(self, evidence: ResourceEvidence, attribute: Attribute) -> object:
        """What a field holds as JSON has it, a collection as a list; or how the resource compares."""
        if isinstance(attribute, Telling):
            question = cast("ResourceQuestion", attribute.question)
            told = question.holds(evidence, evidence.verified_at)
            return None if isinstance(told, Reason) else told
        path = tuple(attribute.name.split("."))
        declared = self._declared(path)
        return as_json(evidence.fields.get(path), None if declared is None else declared.kind)

    def exhibit(self, values: Mapping[str, object], now: float) -> ResourceEvidence:
        """A resource whose fields hold these values, and that compares so, by the text of the question."""
        held: dict[tuple[str, ...], Value] = {}
        told: dict[str, object] = {}
        for name, value in values.items():
            path = tuple(name.split("."))
            declared = self._declared(path)
            if declared is None:
                if value is not None and type(value) is not bool:
                    misfit(self.name, name, "true or false", value)
                told[name] = value
            else:
                held[path] = self._fitted(name, declared, value)
        return ResourceEvidence(self.kind.__name__, "", now, math.inf, Fields.saying(held), None, told)

    def _declared(self, path: tuple[str, ...]) -> Declared | None:
        try:
            return find(self.fields, self.kind.__name__, path)
        except PolicyError:
            return None

    def _fitted(self, name: str, declared: Declared, value: object) -> Value:
        made = plain(value)
        if isinstance(made, Reason):
            misfit(self.name, name, "plain", value)
        if made is None or declared.kind is None:
            return made
        if declared.kind is UUID and isinstance(made, str):
            try:
                return UUID(made)
            except ValueError:
                misfit(self.name, name, "a UUID", value)
        if declared.kind in NUMBERS and isinstance(made, int | float) and not isinstance(made, bool):
            return of_kind(made, declared.kind)
        fits = type(made) in NUMBERS if declared.kind in NUMBERS else type(made) is declared.kind
        return made if fits else misfit(self.name, name, declared.kind.__name__, value)

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """Nothing: another resource is another request."""
        return None

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, ResourceVerifier) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.kind, self.name, self.given, self.of)


class Field(Operand):
    """A field of a resource, to compare: `invoice.owner == token.subject`, `invoice.amount <= 1000`.

    Other attributes are the fields of what it holds: `invoice.customer.region`.
    """

    __slots__ = ("_names", "_verifier")

    def __init__(self, verifier: ResourceVerifier, names: tuple[str, ...]) -> None:
        find(verifier.fields, verifier.kind.__name__, names)
        self._verifier: ResourceVerifier = verifier
        self._names: tuple[str, ...] = names

    def __getattr__(self, name: str) -> Field:
        if name.startswith("_"):
            raise AttributeError(name)
        return Field(self._verifier, (*self._names, name))

    @property
    def is_none(self) -> Policy:
        """YES if it holds nothing (None), NO if it holds anything."""
        return Leaf(self._verifier, IsNone(self._names))

    @property
    def is_true(self) -> Policy:
        """YES if it is `True`, NO if it is `False`; UNKNOWN otherwise."""
        return Leaf(self._verifier, IsSet(self._names, self._declared))

    def has(self, item: object) -> Policy:
        """YES if the collection that it holds has `item` in it: a constant, or what somebody's evidence says."""
        return self._compare("has", item)

    def __lt__(self, other: object) -> Policy:
        return self._compare("<", other)

    def __le__(self, other: object) -> Policy:
        return self._compare("<=", other)

    def __gt__(self, other: object) -> Policy:
        return self._compare(">", other)

    def __ge__(self, other: object) -> Policy:
        return self._compare(">=", other)

    @property
    def _declared(self) -> Declared:
        return find(self._verifier.fields, self._verifier.kind.__name__, self._names)

    def _compare(self, sign: Sign, other: object) -> Policy:
        if isinstance(other, Said):
            if sign in _ORDER:
                raise PolicyError(f"{self!r} {sign} {other!r}: what is ordered is compared with a number")
            verifier, told = sides(other)
            check_told(self._written(sign, other), repr(self), self._declared, sign, told.text, told.kind)
            return _compared(self._verifier.beside(verifier), self._names, sign, told)
        if isinstance(other, Policy):
            raise PolicyError(
                f"{self._written(sign, other)}: {other!r} is a policy by itself, and nothing to compare with; write "
                'what somebody\'s evidence says, as in token.claim("tenants") without values'
            )
        if isinstance(other, Field):
            if other._verifier != self._verifier:
                raise PolicyError(f"{self!r} {sign} {other!r}: a check names one resource, and these are of two")
            if sign in _ORDER:
                raise PolicyError(f"{self!r} {sign} {other!r}: what is ordered is compared with a number")
            check_field(self._written(sign, other), repr(self), self._declared, sign, repr(other), other._declared)
            return _compared(self._verifier, self._names, sign, Path(other._names))
        return _compared(self._verifier, self._names, sign, self._constants(sign, other))

    def _constants(self, sign: Sign, other: object) -> Right:
        if sign == "is_in":
            if isinstance(other, str) or not isinstance(other, Collection):
                raise PolicyError(f"{self!r}.is_in({other!r}) takes a list: write {self!r}.is_in([{other!r}])")
            items = cast("Collection[object]", other)
            if not items:
                raise PolicyError(f"{self!r}.is_in([]) can never hold")
            return tuple(self._constant(sign, item) for item in items)
        return self._constant(sign, other)

    def _constant(self, sign: Sign, other: object) -> Scalar:
        said = self._written(sign, other)
        if other is None:
            raise PolicyError(f"{said}: write {self!r}.is_none, or ~{self!r}.is_none")
        if isinstance(other, bool):
            raise PolicyError(f"{said}: write {'' if other is (sign != '!=') else '~'}{self!r}.is_true")
        value = plain(other)
        if isinstance(value, Policy | Reason | tuple) or value is None:
            raise PolicyError(
                f"{said}: {type(other).__name__} is nothing to compare with; compare with text, a number, a UUID, or "
                "what somebody's evidence says, such as token.subject"
            )
        if sign in _ORDER and type(value) not in NUMBERS:
            raise PolicyError(f"{said}: only numbers have an order here")
        if not finite(value):
            raise PolicyError(f"{said} can never hold")
        check_constant(said, repr(self), self._declared, sign, value)
        return value

    def _written(self, sign: Sign, other: object) -> str:
        return f"{self!r}.{sign}({other!r})" if sign in ("is_in", "has") else f"{self!r} {sign} {other!r}"

    @property
    def _advice(self) -> str:
        if self._declared.kind is bool:
            return f"write {self!r}.is_true"
        return f"{self.instead}; a flag is asked as {self!r}.is_true" if self._declared == UNTOLD else self.instead

    def __bool__(self) -> bool:
        if self._declared.kind is bool:
            raise PolicyError(
                f"{self!r} has no truth value; write {self!r}.is_true, or ~{self!r}.is_true, and join policies by `&`, "
                "`|` and `~` instead of `and`, `or` and `not`"
            )
        return super().__bool__()

    def __repr__(self) -> str:
        return ".".join((self._verifier.name, *self._names))


class Resource(NoPolicy, Generic[T]):
    """What policies say about the objects of one class; its attributes are the fields of that class.

    Args:
        kind: the class: a dataclass, of attrs, pydantic, SQLAlchemy or Django, or any with annotations, properties or
            slots. Its public fields are known by these, and another one is refused with the nearest name.
        name: what an object of it is called in policies; the name of the class in lower case unless given.
        fields: those that the class does not tell of, and their types, if they are to be checked: `{"owner": str}`;
            `{"customer": {"region": str}}` for what is below them.

    Example: `invoice = Resource(Invoice)`, and `owns = invoice.owner == token.subject`.

    Comparing is strict. Text is compared with text, numbers (`int`, `Decimal`, finite `float`) with numbers, truth
    values with truth values, and what is a UUID in the resource also with its one spelling as text. Anything else is
    UNKNOWN (`incomparable`), and so is None, on either side; a field that raises is UNKNOWN (`predicate_failed`).

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    __slots__ = ("__verifier__",)
    instead: ClassVar[str] = "compare a field of it, as in (invoice.owner == token.subject)"

    def __init__(self, kind: type[T], *, name: str | None = None, fields: Given | None = None) -> None:
        given: object = kind
        if not isinstance(given, type):
            seen = f"an object of {type(given).__name__}" if not isinstance(given, str) else repr(given)
            raise ConfigError(f"Resource takes a class, not {seen}: write Resource(Invoice)")
        if given in (object, dict, type) or issubclass(given, dict | str | int):
            raise ConfigError(
                f"Resource({given.__name__}): its fields are attributes of a class of your own; write one, e.g. a "
                "dataclass"
            )
        try:
            issubclass(object, given)
        except TypeError:
            raise ConfigError(
                f"Resource({given.__name__}): nothing can be told to be one; make the protocol runtime_checkable, or "
                "write the class"
            ) from None
        called = _called(given) if name is None else name
        if not (isinstance(called, str) and called.isidentifier()):
            raise ConfigError(f"name={called!r} stands before fields in policies; write an identifier such as invoice")
        self.__verifier__: ResourceVerifier = ResourceVerifier(given, called, fields)

    def __getattr__(self, name: str) -> Field:
        if name.startswith("_"):
            raise AttributeError(name)
        return Field(self.__verifier__, (name,))

    def __setattr__(self, name: str, value: object) -> None:
        if name != "__verifier__" or hasattr(self, name):
            raise AttributeError(f"{self!r} is frozen")
        object.__setattr__(self, name, value)

    def __contains__(self, item: object) -> bool:
        raise PolicyError(f"`x in {self!r}` cannot be a policy in Python; compare a field of it")

    def __eq__(self, other: object) -> bool:
        return self.__verifier__ == other.__verifier__ if isinstance(other, Resource) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.__verifier__)

    def __reduce__(self) -> tuple[object, ...]:
        one = self.__verifier__
        return _again, (one.kind, one.name, one.given)

    def __repr__(self) -> str:
        return self.__verifier__.name


def _compared(verifier: ResourceVerifier, path: tuple[str, ...], sign: Sign, right: Right) -> Leaf[ResourceEvidence]:
    """The policy that the field at `path` compares so with `right`, which was looked at."""
    return Leaf(verifier, Compared(path, sign, right, find(verifier.fields, verifier.kind.__name__, path)))


def verifier_of(resource: Resource[Any]) -> ResourceVerifier:
    """The verifier that finds the objects `resource` speaks of."""
    return resource.__verifier__


def _again(kind: type[Any], name: str, given: Given | None) -> Resource[Any]:
    return Resource(kind, name=name, fields=given)


def _called(kind: type) -> str:
    """`PurchaseOrder` as `purchase_order`."""
    letters = [
        f"_{letter}" if letter.isupper() and place and not kind.__name__[place - 1].isupper() else letter
        for place, letter in enumerate(kind.__name__)
    ]
    return "".join(letters).lower().lstrip("_")
