"""What a verifier found: verified evidence, evidence that counts once, or one of three different kinds of nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, TypeAlias, TypeVar

from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.evidence import Evidence
from zerotrust.core.reason import Reason

E_co = TypeVar("E_co", bound=Evidence, covariant=True)


@dataclass(frozen=True, slots=True)
class Verified(Generic[E_co]):
    """What was presented passed every check. The only truthy finding."""

    evidence: E_co

    @property
    def proven(self) -> E_co:
        """The evidence."""
        return self.evidence

    def __bool__(self) -> Literal[True]:
        return True


@dataclass(frozen=True, slots=True)
class Unspent(Generic[E_co]):
    """What was presented passed every check, and counts once: for nothing, before its mark is consumed.

    The engine takes it for verified while it decides, and consumes the mark last, when it would allow.

    Attributes:
        proven: the facts.
        mark: what has to be consumed.
    """

    proven: E_co
    mark: ConsumeOnce
    evidence: ClassVar[None] = None  # so that nobody takes it for verified by mistake

    def __bool__(self) -> Literal[False]:
        return False


@dataclass(frozen=True, slots=True)
class _Nothing:
    reason: Reason
    evidence: ClassVar[None] = None  # only `Verified` carries evidence
    proven: ClassVar[None] = None

    def __bool__(self) -> Literal[False]:
        return False


@dataclass(frozen=True, slots=True)
class Absent(_Nothing):
    """Nothing was presented."""


@dataclass(frozen=True, slots=True)
class Rejected(_Nothing):
    """Something was presented, and it is not good."""


@dataclass(frozen=True, slots=True)
class Unavailable(_Nothing):
    """Something was presented, and whether it is good could not be found out.

    Attributes:
        retry_after: seconds after which asking again may help.
    """

    retry_after: float = 5.0


Finding: TypeAlias = Verified[E_co] | Unspent[E_co] | Absent | Rejected | Unavailable
