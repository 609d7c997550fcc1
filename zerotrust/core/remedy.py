"""What the caller can do about a refusal: steps, each on one verifier, cheapest first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zerotrust.core.policy import Leaf
    from zerotrust.core.verifier import Verifier


class Action(IntEnum):
    """What a person or client has to do, in the order of the effort it takes."""

    RETRY = 1
    PROVE_KEY = 2
    SIGN_IN = 3
    PRESENT_FACTOR = 4
    ENROL = 5
    FIX_DEVICE = 6
    ASK_ADMINISTRATOR = 7


@dataclass(frozen=True, slots=True)
class Demand:
    """A leaf of the policy and the answer (yes or no) that the evidence has to give to it afterwards."""

    leaf: Leaf[Any]
    wanted: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do with one verifier, and what its evidence must show afterwards.

    Attributes:
        again: whether good evidence is there already and only has to show more.
    """

    verifier: Verifier[Any]
    action: Action
    demands: tuple[Demand, ...]
    again: bool = False

    @property
    def phrase(self) -> str:
        """What to do, in the words of a person who never heard of policies: `use your passkey`."""
        return self.verifier.phrase(self)

    @property
    def sentence(self) -> str:
        """The phrase as a sentence."""
        return _sentence(self.phrase)

    def __str__(self) -> str:
        return self.verifier.describe(self)


@dataclass(frozen=True, slots=True)
class Remedy:
    """Steps that together make the policy YES; checked by evaluating the policy under what they promise."""

    steps: tuple[Step, ...]

    @property
    def effort(self) -> tuple[int, ...]:
        """What orders remedies: the hardest step first, so that one hard step outweighs many easy ones."""
        return tuple(sorted((step.action for step in self.steps), reverse=True))

    @property
    def by_caller(self) -> bool:
        """Whether the caller can do all of it without somebody else's help."""
        return all(step.action < Action.ASK_ADMINISTRATOR for step in self.steps)

    @property
    def phrase(self) -> str:
        """What to do, in the words of a person who never heard of policies: `sign in and use your passkey`."""
        phrases = list(dict.fromkeys(step.phrase for step in self.steps))
        if len(phrases) > 2 or any("," in phrase for phrase in phrases[:-1]):
            return f"{', '.join(phrases[:-1])}, and {phrases[-1]}"
        return " and ".join(phrases)

    @property
    def sentence(self) -> str:
        """The phrase as a sentence; empty without steps."""
        return _sentence(self.phrase)

    def __str__(self) -> str:
        return " and ".join(map(str, self.steps))


def _sentence(phrase: str) -> str:
    return f"{phrase[0].upper()}{phrase[1:]}." if phrase else ""
