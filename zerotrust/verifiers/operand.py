"""What stands on one side of a comparison in a policy: `invoice.owner == token.subject` is a policy, not a truth value.

As in query languages that are written in Python, comparing makes an expression. What Python does not let an expression
be (`in`, `and`, `not`) raises, and says what to write.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from zerotrust.core.errors import PolicyError
from zerotrust.core.mistakes import NoPolicy

if TYPE_CHECKING:
    from zerotrust.core.policy import Policy
    from zerotrust.core.verifier import Verifier
    from zerotrust.verifiers.resource_questions import Told
    from zerotrust.verifiers.resource_values import Sign

_MIRRORED: Final[dict[Sign, Sign]] = {"==": "==", "!=": "!=", "is_in": "has", "has": "is_in"}


class Operand(NoPolicy, ABC):
    """One side of a comparison. Comparing makes a policy; it has no truth value, and no hash."""

    __slots__ = ()
    instead: ClassVar[str] = (
        "it is one side of a comparison, which wants parentheses: (invoice.owner == token.subject) & ..."
    )

    @abstractmethod
    def _compare(self, sign: Sign, other: object) -> Policy:
        """The policy that this compares so with `other`."""

    def __eq__(self, other: object) -> Policy:  # type: ignore[override]
        return self._compare("==", other)

    def __ne__(self, other: object) -> Policy:  # type: ignore[override]
        return self._compare("!=", other)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def is_in(self, others: Operand | Collection[object]) -> Policy:
        """YES if this is one of `others`: constants, or what somebody lists. UNKNOWN if either says nothing.

        A claim that is no list counts as a list of one, as it does for `token.claim(name, value)`.
        """
        return self._compare("is_in", others)

    def __contains__(self, item: object) -> bool:
        raise PolicyError(f"`x in {self!r}` cannot be a policy in Python; write x.is_in({self!r})")

    def __iter__(self) -> NoReturn:
        raise PolicyError(f"{self!r} is not known before a request is; write x.is_in({self!r})")

    def __bool__(self) -> bool:
        raise PolicyError(
            f"{self!r} has no truth value: it is compared, as in {self!r} == ..., and policies are joined by `&`, `|` "
            "and `~` instead of `and`, `or` and `not`"
        )


class Said(Operand):
    """What evidence of a verifier says: to compare with a field of a resource, `invoice.owner == token.subject`.

    Args:
        verifier: whose evidence.
        told: what of it.
        ask: how the same is compared with a constant, for messages.
        unclear: what to write instead, where it means different things with different issuers; empty if it does not.
    """

    __slots__ = ("_ask", "_told", "_unclear", "_verifier")

    def __init__(self, verifier: Verifier[Any], told: Told, ask: str = "", unclear: str = "") -> None:
        self._verifier: Verifier[Any] = verifier
        self._told: Told = told
        self._ask: str = ask
        self._unclear: str = unclear

    def _compare(self, sign: Sign, other: object) -> Policy:
        from zerotrust.verifiers.resource import Field

        if isinstance(other, Field):
            return other._compare(_MIRRORED[sign], self)  # pyright: ignore[reportPrivateUsage]
        if isinstance(other, Operand):
            raise PolicyError(f"{self!r} and {other!r}: one side is a field of a resource, as in invoice.owner")
        advice = f"; with a constant write {self._ask}" if self._ask else ""
        raise PolicyError(
            f"{self!r} is compared with a field of a resource, as in invoice.owner == {self!r}, not with "
            f"{type(other).__name__}{advice}"
        )

    def __repr__(self) -> str:
        return self._told.text


def sides(said: Said) -> tuple[Verifier[Any], Told]:
    """The verifier whose evidence is compared, and what of it; `PolicyError` where that would mean different things."""
    if said._unclear:  # pyright: ignore[reportPrivateUsage]
        raise PolicyError(said._unclear)  # pyright: ignore[reportPrivateUsage]
    return said._verifier, said._told  # pyright: ignore[reportPrivateUsage]
