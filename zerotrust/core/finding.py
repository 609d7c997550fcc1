"""What a verifier found: verified evidence, or one of three different kinds of nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, TypeAlias, TypeVar

from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.evidence import Evidence
from zerotrust.core.reason import Reason

E_co = TypeVar("E_co", bound=Evidence, covariant=True)


@dataclass(frozen=True, slots=True)
class Verified(Generic[E_co]):
    """What was presented passed every check. The only truthy finding.

    Attributes:
        evidence: the facts.
        mark: for what counts once, the mark that the engine consumes when the policy would allow and nothing else is
            left to check; then the finding is good, and stays so for this decision alone.
    """

    evidence: E_co
    mark: ConsumeOnce | None = None

    def __bool__(self) -> Literal[True]:
        return True


@dataclass(frozen=True, slots=True)
class _Nothing:
    reason: Reason
    evidence: ClassVar[None] = None  # only `Verified` carries evidence

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


Finding: TypeAlias = Verified[E_co] | Absent | Rejected | Unavailable
