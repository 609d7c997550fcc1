"""What a policy can ask of the resource that a handler names: how its fields compare, also with what others found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Final, TypeAlias
from uuid import UUID

from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Always, AtLeast, Attribute, Both, Either, Fact, IsTrue, Negated, OneOf
from zerotrust.core.reason import INCOMPARABLE, Reason
from zerotrust.core.verifier import Question
from zerotrust.verifiers.resource_fields import Declared
from zerotrust.verifiers.resource_numbers import bounds
from zerotrust.verifiers.resource_values import NOTHING, Fields, Scalar, Sign, Value, compare

_NUMBERS: Final = (int, float, Decimal)
_DENIED: Final[Mapping[Sign, tuple[Sign, bool]]] = {"!=": ("==", False), ">=": ("<", False), ">": ("<=", False)}
_UNSAID: Final = INCOMPARABLE(detail="how they compare is not known")


@dataclass(frozen=True, slots=True)
class ResourceEvidence(Evidence):
    """A resource that a handler named, beside the evidence that it is compared with.

    `source` is the class of the resource and `subject` empty; beside other evidence both are that one's.

    Attributes:
        fields: what the resource says, read when it is asked for; never shown.
        about: what it is compared with; None if with nothing.
        told: how it compares, where that alone is known, by the text of the question; None for evidence that was found.
    """

    fields: Fields = field(repr=False)
    about: Evidence | None = None
    told: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """Something that evidence of another verifier says, for comparing with a resource. A subclass reads it.

    Attributes:
        text: as it is written in a policy, e.g. `token.subject`.
        kind: the type that it always is of; None if that is not known.
    """

    text: str
    kind: ClassVar[type | None] = None

    def read(self, evidence: Evidence) -> Value | Reason:
        """What it is in that evidence; a reason where it does not say."""
        raise NotImplementedError  # each kind of it says how


@dataclass(frozen=True, slots=True)
class Path:
    """Another field of the same resource."""

    names: tuple[str, ...]


Right: TypeAlias = "Scalar | tuple[Scalar, ...] | Told | Path"


@dataclass(frozen=True, slots=True)
class Telling(Attribute):
    """How a resource compares: an attribute of its own, since what it depends on is on two sides."""

    question: ResourceQuestion | None = None


class ResourceQuestion(Question[ResourceEvidence]):
    """A question to a resource."""

    __slots__ = ()

    def holds(self, evidence: ResourceEvidence, now: float) -> bool | Reason:
        """The answer; a reason where a field, or what it is compared with, does not say."""
        asked, same = self.plainest()
        if evidence.told is not None and str(asked) in evidence.told:
            known = evidence.told[str(asked)]
            return known is same if isinstance(known, bool) else _UNSAID
        return self.answer(evidence)

    def plainest(self) -> tuple[ResourceQuestion, bool]:
        """The question whose answer is always the same as this one's, or always the other one: False, in that case."""
        return self, True

    @property
    def sides(self) -> tuple[str, ...]:
        """What it depends on, as it is written: fields without the name of the resource, and what somebody says."""
        return ()

    def answer(self, evidence: ResourceEvidence) -> bool | Reason:
        """The answer, from the fields of the resource."""
        raise NotImplementedError  # each question says how

    def facts(self) -> Fact:
        """A flag of its own, unless the fields tell more; questions that amount to the same share one."""
        asked, same = self.plainest()
        flag = IsTrue(Telling(str(asked), optional=True, question=asked))
        return flag if same else Negated(flag)


@dataclass(frozen=True, slots=True)
class IsNamed(ResourceQuestion):
    """Was one named at all?"""

    def answer(self, evidence: ResourceEvidence) -> bool:
        return True

    def facts(self) -> Fact:
        return Always(True)

    def __str__(self) -> str:
        return "named"


@dataclass(frozen=True, slots=True)
class Compared(ResourceQuestion):
    """Does a field compare like this with something?

    Attributes:
        path: the names of the field, one below the other.
        sign: how it is compared.
        right: with what.
        declared: what is declared of the field.
    """

    path: tuple[str, ...]
    sign: Sign
    right: Right
    declared: Declared = field(default=Declared(), repr=False, compare=False)
    # In Python 1 == True == 1.0 == Decimal("1.00"), and they print otherwise: what is written makes two equal, too.
    written: tuple[tuple[type, str], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        values = self.right if isinstance(self.right, tuple) else (self.right,)
        object.__setattr__(self, "written", tuple([(type(value), str(value)) for value in values]))

    def answer(self, evidence: ResourceEvidence) -> bool | Reason:
        left = evidence.fields.get(self.path)
        if isinstance(left, Reason):
            return left
        right = self._right(evidence)
        return right if isinstance(right, Reason) else compare(left, self.sign, right)

    @property
    def sides(self) -> tuple[str, ...]:
        right = (_said(self.right),) if isinstance(self.right, Told | Path) else ()
        return (".".join(self.path), *right)

    def plainest(self) -> tuple[ResourceQuestion, bool]:
        """`!=` is `==` denied, `>=` is `<` denied, and of two fields the first by name stands on the left."""
        sign, same = _DENIED.get(self.sign, (self.sign, True))
        path, right = self.path, self.right
        if sign == "==" and isinstance(right, Path) and right.names < path:
            path, right = right.names, Path(path)
        return (self if (path, sign) == (self.path, self.sign) else Compared(path, sign, right, self.declared)), same

    def _right(self, evidence: ResourceEvidence) -> Value | Reason:
        if isinstance(self.right, Path):
            return evidence.fields.get(self.right.names)
        if isinstance(self.right, Told):
            return NOTHING if evidence.about is None else self.right.read(evidence.about)
        return self.right

    def saw(self, evidence: ResourceEvidence, now: float) -> str:
        if evidence.told is not None and str(self.plainest()[0]) in evidence.told:
            return "all that is known is how it compares"
        left, right = evidence.fields.get(self.path), self._right(evidence)
        said = f"{'.'.join(self.path)}: {_shown(left)}"
        return said if not isinstance(self.right, Path | Told) else f"{said}; {_said(self.right)}: {_shown(right)}"

    def facts(self) -> Fact:
        values = self.right if isinstance(self.right, tuple) else (self.right,)
        attribute = Attribute(".".join(self.path), optional=True)
        kind = None if self.declared.several else self.declared.kind
        texts = tuple(value for value in values if isinstance(value, str))
        if kind is str and len(texts) == len(values) and self.sign in ("==", "!=", "is_in"):
            among = OneOf(attribute, texts)
            return Negated(among) if self.sign == "!=" else among
        numbers = [
            value for value in values if isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        ]
        if kind is not None and kind in _NUMBERS and len(numbers) == len(values) and self.sign != "has":
            exact = [_numeric(attribute, self.sign, value, kind) for value in numbers]
            found = [fact for fact in exact if fact is not None]
            if len(found) == len(exact):
                return found[0] if len(found) == 1 else Either(tuple(found))
        return ResourceQuestion.facts(self)

    @property
    def infix(self) -> bool:
        return self.sign not in ("is_in", "has")

    def __str__(self) -> str:
        left, right = ".".join(self.path), _said(self.right)
        return f"{left}.{self.sign}({right})" if self.sign in ("is_in", "has") else f"{left} {self.sign} {right}"


@dataclass(frozen=True, slots=True)
class IsNone(ResourceQuestion):
    """Does a field hold nothing?"""

    path: tuple[str, ...]

    @property
    def sides(self) -> tuple[str, ...]:
        return (".".join(self.path),)

    def answer(self, evidence: ResourceEvidence) -> bool | Reason:
        found = evidence.fields.get(self.path)
        return found if isinstance(found, Reason) and found is not NOTHING else found is None or found is NOTHING

    def saw(self, evidence: ResourceEvidence, now: float) -> str:
        return f"{'.'.join(self.path)}: {_shown(evidence.fields.get(self.path))}"

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}.is_none"


@dataclass(frozen=True, slots=True)
class IsSet(ResourceQuestion):
    """Is a flag set? What is no truth value says nothing."""

    path: tuple[str, ...]
    declared: Declared = field(default=Declared(), repr=False, compare=False)

    @property
    def sides(self) -> tuple[str, ...]:
        return (".".join(self.path),)

    def answer(self, evidence: ResourceEvidence) -> bool | Reason:
        found = evidence.fields.get(self.path)
        if isinstance(found, bool | Reason):
            return found
        return NOTHING if found is None else INCOMPARABLE(expected="bool", presented=type(found).__name__)

    def saw(self, evidence: ResourceEvidence, now: float) -> str:
        return f"{'.'.join(self.path)}: {_shown(evidence.fields.get(self.path))}"

    def facts(self) -> Fact:
        if self.declared.kind is bool:
            return IsTrue(Attribute(".".join(self.path), optional=True))
        return ResourceQuestion.facts(self)

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}.is_true"


def _shown(value: Value | Reason) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value[:20])) or "none"
    return "nothing" if value is None else str(value)


def _said(right: Right) -> str:
    """The right side as it is written."""
    match right:
        case Told():
            return right.text
        case Path():
            return ".".join(right.names)
        case tuple():
            return f"[{', '.join(map(_constant, right))}]"
        case _:
            return _constant(right)


def _constant(value: Scalar) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{type(value).__name__}('{value}')" if isinstance(value, Decimal | UUID) else repr(value)


def _numeric(attribute: Attribute, sign: Sign, value: float | Decimal, kind: type) -> Fact | None:
    """The same comparison of a number as JSON has it; None if it has none so exact."""
    found = bounds(value, kind)
    if found is None:
        return None
    least, more = (AtLeast(attribute, bound) for bound in found)
    match sign:
        case ">=":
            return least
        case ">":
            return more
        case "<":
            return Negated(least)
        case "<=":
            return Negated(more)
        case "!=":
            return Negated(Both((least, Negated(more))))
        case _:
            return Both((least, Negated(more)))
