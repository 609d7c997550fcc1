"""The policy algebra: frozen expressions over evidence, written with `& | ~`. How they are evaluated is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar

from zerotrust.core.errors import PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Unavailable
from zerotrust.core.reason import LINK_MISSING

if TYPE_CHECKING:
    from zerotrust.core.program import Program
    from zerotrust.core.verifier import Question, Verifier

E = TypeVar("E", bound=Evidence)


class Policy:
    """An expression that is YES, NO or UNKNOWN on evidence. Compose with `&`, `|`, `~`; name with `.named("...")`."""

    __slots__ = ("__dict__",)  # holds what is computed once; equality, hash and pickling look at the fields only

    @property
    def children(self) -> tuple[Policy, ...]:
        """The policies this one is composed of, in the order written."""
        return ()

    @cached_property
    def verifiers(self) -> frozenset[Verifier[Any]]:
        """The verifiers whose evidence this policy asks about."""
        return frozenset(verifier for child in self.children for verifier in child.verifiers)

    @cached_property
    def program(self) -> Program:
        """This policy compiled; made once, when it is first used."""
        from zerotrust.core.program import Program

        return Program(self)

    def named(self, name: str) -> Named:
        """This policy under a name, which explanations and reports show."""
        return Named(self, name)

    def __and__(self, other: Policy) -> AllOf:
        return AllOf(tuple(_operands(AllOf, "&", self, other)))

    def __or__(self, other: Policy) -> AnyOf:
        return AnyOf(tuple(_operands(AnyOf, "|", self, other)))

    def __rand__(self, other: object) -> NoReturn:
        raise PolicyError(_no_policy(other, f"{_shown(other)} & {self}"))

    def __ror__(self, other: object) -> NoReturn:
        raise PolicyError(_no_policy(other, f"{_shown(other)} | {self}"))

    def __invert__(self) -> Policy:
        return self.inner if isinstance(self, Not) else Not(self)

    def __bool__(self) -> NoReturn:
        raise PolicyError(
            f"a policy has no truth value of its own: {self}. Write `a & b`, `a | b`, `~a` instead of `and`, `or`, "
            "`not`; to know whether a request may pass, use decide(policy, request)"
        )


@dataclass(frozen=True, slots=True, repr=False)
class Leaf(Policy, Generic[E]):
    """One question to one verifier's evidence: YES or NO on verified evidence, UNKNOWN otherwise."""

    verifier: Verifier[E]
    question: Question[E]

    @cached_property
    def verifiers(self) -> frozenset[Verifier[Any]]:
        """The one verifier asked."""
        return frozenset((self.verifier,))

    def __repr__(self) -> str:
        return f"{self.verifier.name}.{self.question}"


@dataclass(frozen=True, slots=True, repr=False)
class Standing(Policy):
    """Whether a verifier came back with one kind of nothing. Made by `not_presented` and `unavailable`."""

    verifier: Verifier[Any]
    outcome: type[Absent | Unavailable]

    @cached_property
    def verifiers(self) -> frozenset[Verifier[Any]]:
        """The one verifier looked at."""
        return frozenset((self.verifier,))

    def answer(self, finding: Finding[Any]) -> bool | None:
        """What this says of `finding`: True, False, or None for unknown."""
        if self.outcome is Unavailable:
            return isinstance(finding, Unavailable)
        if isinstance(finding, Unavailable) or (isinstance(finding, Absent) and finding.reason.kind == LINK_MISSING):
            return None  # nobody could look, or nobody did
        return isinstance(finding, Absent)

    def __repr__(self) -> str:
        return f"{'not_presented' if self.outcome is Absent else 'unavailable'}({self.verifier.name})"


@dataclass(frozen=True, slots=True, repr=False)
class Anyone(Policy):
    """Always YES, without looking at anything; `because` is the reason that reports show."""

    because: str

    def __post_init__(self) -> None:
        if not _is_text(self.because):
            raise PolicyError("anyone() opens a door to everybody: say why, e.g. anyone(because='liveness probe')")

    def __repr__(self) -> str:
        return f"anyone(because={self.because!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Not(Policy):
    """YES where the inner policy is NO, NO where it is YES; UNKNOWN stays UNKNOWN."""

    inner: Policy

    @property
    def children(self) -> tuple[Policy, ...]:
        """The one policy that is negated."""
        return (self.inner,)

    def __repr__(self) -> str:
        return f"~{_grouped(self.inner)}"


@dataclass(frozen=True, slots=True, repr=False)
class Named(Policy):
    """A policy under a name."""

    inner: Policy
    name: str

    def __post_init__(self) -> None:
        if not _is_text(self.name) or not self.name.isprintable():
            raise PolicyError(f"a policy's name is one line of printable text, not {self.name!r}")

    @property
    def children(self) -> tuple[Policy, ...]:
        """The one policy that is named."""
        return (self.inner,)

    def __repr__(self) -> str:
        inner = f"({self.inner})" if isinstance(self.inner, Not) else _grouped(self.inner)
        return f"{inner}.named({self.name!r})"


class Derived(Policy):
    """A policy that is defined as an expression of the others: that is what is evaluated, and this is what prints."""

    __slots__ = ()

    @property
    def meaning(self) -> Policy:
        """The expression."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """What explanations call it."""
        raise NotImplementedError

    @property
    def children(self) -> tuple[Policy, ...]:
        """The one expression that this stands for."""
        return (self.meaning,)


@dataclass(frozen=True, slots=True, repr=False)
class AllOf(Policy):
    """YES if all parts are YES; NO if one is NO; UNKNOWN otherwise."""

    parts: tuple[Policy, ...]

    def __post_init__(self) -> None:
        _check_parts(self, "all_of")

    @property
    def children(self) -> tuple[Policy, ...]:
        """The parts, in the order written."""
        return self.parts

    def __repr__(self) -> str:
        return _joined("all_of", " & ", self.parts)


@dataclass(frozen=True, slots=True, repr=False)
class AnyOf(Policy):
    """YES if one part is YES; NO if all are NO; UNKNOWN otherwise."""

    parts: tuple[Policy, ...]

    def __post_init__(self) -> None:
        _check_parts(self, "any_of")

    @property
    def children(self) -> tuple[Policy, ...]:
        """The parts, in the order written."""
        return self.parts

    def __repr__(self) -> str:
        return _joined("any_of", " | ", self.parts)


@dataclass(frozen=True, slots=True, repr=False)
class AtLeast(Policy):
    """YES if `count` parts are YES; NO if so many are NO that `count` cannot be reached; UNKNOWN otherwise."""

    count: int
    parts: tuple[Policy, ...]

    def __post_init__(self) -> None:
        _check_parts(self, "at_least")
        if type(self.count) is not int or not 1 <= self.count <= len(self.parts):
            raise PolicyError(
                f"at_least({self.count!r}, ...) of {len(self.parts)} policies: the count is a whole number from 1 to "
                f"{len(self.parts)}"
            )

    @property
    def children(self) -> tuple[Policy, ...]:
        """The parts, in the order written."""
        return self.parts

    def __repr__(self) -> str:
        return f"at_least({self.count}, {', '.join(map(repr, self.parts))})"


def all_of(*policies: Policy) -> AllOf:
    """YES if all `policies` are YES; the same as joining them with `&`."""
    return AllOf(policies)


def any_of(*policies: Policy) -> AnyOf:
    """YES if one of `policies` is YES; the same as joining them with `|`."""
    return AnyOf(policies)


def at_least(count: int, *policies: Policy) -> AtLeast:
    """YES if `count` of `policies` are YES."""
    return AtLeast(count, policies)


def anyone(*, because: str) -> Anyone:
    """Let everybody in, for a stated reason. The one way to open a door that is closed by default."""
    return Anyone(because)


def not_presented(verifier: Verifier[Any]) -> Standing:
    """YES if nothing at all was presented to `verifier`, NO if something was; UNKNOWN if that could not be told.

    Negating a leaf never proves absence (`~token.role("x")` is UNKNOWN without a token); this does.
    """
    return Standing(_checked(verifier, "not_presented"), Absent)


def unavailable(verifier: Verifier[Any]) -> Standing:
    """YES if what was presented to `verifier` could not be checked because of an outage, NO otherwise.

    The explicit way to tolerate an outage: `token.scope("read") & (session.live | unavailable(session))`.
    """
    return Standing(_checked(verifier, "unavailable"), Unavailable)


def _operands(kind: type[AllOf | AnyOf], sign: str, left: Policy, right: object) -> Iterator[Policy]:
    if not isinstance(right, Policy):
        raise PolicyError(_no_policy(right, f"{left} {sign} {_shown(right)}"))
    for side in (left, right):  # a & b & c is one node of three, as it reads
        yield from side.children if type(side) is kind else (side,)


_ASKED: Final = {"valid": "valid", "within": "within(minutes(10))", "given": "given"}
"""Leaves of verifiers, and how they are written."""


def ask_instead(verifier: object) -> str:
    """What to write where a policy is wanted and `verifier` was given; empty if it is none, or nobody can tell."""
    from zerotrust.core.verifier import Verifier

    asked = (shown for leaf, shown in _ASKED.items() if hasattr(type(verifier), leaf))
    leaf = next(asked, "") if isinstance(verifier, Verifier) else ""
    return f"{verifier!r}.{leaf}" if leaf else ""


def _no_policy(value: object, where: str) -> str:
    if leaf := ask_instead(value):
        return f"{where}: {value!r} is a verifier, not a policy; ask it something, e.g. {leaf}"
    if callable(value):
        return f"{where}: {_shown(value)} is not a policy yet. Did you forget to call it, as in {_shown(value)}(...)?"
    return f"{where}: {_shown(value)} is {type(value).__name__}, not a policy"


def _shown(value: object) -> str:
    name: object = getattr(value, "__name__", None)
    return name if isinstance(name, str) else repr(value)


def _joined(name: str, sign: str, parts: tuple[Policy, ...]) -> str:
    return sign.join(map(_grouped, parts)) if len(parts) > 1 else f"{name}({', '.join(map(repr, parts))})"


def _grouped(policy: Policy) -> str:
    return f"({policy})" if isinstance(policy, AllOf | AnyOf) and len(policy.parts) > 1 else repr(policy)


def _check_parts(policy: AllOf | AnyOf | AtLeast, name: str) -> None:
    if not policy.parts:
        raise PolicyError(f"{name}() of nothing would be decided by nobody; give it at least one policy")
    for part in policy.parts:
        if not isinstance(part, Policy):
            raise PolicyError(_no_policy(part, f"{name}(...)"))
    islands = _islands(policy.verifiers)
    if len(islands) > 1:
        names = " and ".join(sorted(min(verifier.name for verifier in island) for island in islands))
        of_peers = any(verifier.needs_peer for verifier in policy.verifiers)
        raise PolicyError(
            f"{policy} mixes evidence of {names}, which nothing links: it could be about two different people. "
            + (_TIES if of_peers else "")
            + "For tokens of several issuers make one verifier: Bearer(Issuer(a), Issuer(b), audience=...). What an "
            "access proxy and the application itself ask for are two decisions: a Guard each, one application mounted "
            "in the other. Otherwise link them, if the verifier takes `of=`, or use the very same verifier in all "
            "leaves"
        )


_TIES: Final = (
    'A token that names its device: DeviceCertificate(..., of=token, claim="device_id"). A token that is bound to the '
    "client's certificate: Bearer(..., bound_to=peer). Where only the connection ties them: DeviceCertificate(..., "
    "beside=token) or PeerCertificate(..., beside=token). "
)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _checked(verifier: Verifier[Any], name: str) -> Verifier[Any]:
    from zerotrust.core.verifier import Verifier

    if not isinstance(verifier, Verifier):  # callers are not all typed
        raise PolicyError(f"{name}() takes a verifier, such as a Bearer; {verifier!r} is {type(verifier).__name__}")
    return verifier


def _islands(verifiers: frozenset[Verifier[Any]]) -> list[set[Verifier[Any]]]:
    """The verifiers about somebody, grouped by who is linked to whom, also through verifiers not in the policy."""
    islands: list[set[Verifier[Any]]] = []
    for verifier in verifiers:
        if verifier.contextual:
            continue
        reach: set[Verifier[Any]] = set()
        todo = [verifier]
        while todo:
            one = todo.pop()
            if one not in reach:
                reach.add(one)
                todo.extend(one.links)
                if one.of is not None:
                    todo.append(one.of)
        touching = [island for island in islands if island & reach]
        islands = [island for island in islands if not island & reach]
        islands.append(reach.union(*touching))
    return islands
