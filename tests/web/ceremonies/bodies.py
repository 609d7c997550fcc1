"""Decisions that look at the body of a request, which has none."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from tests.web.ceremonies.world import World
from zerotrust.core.ask import Ask, ReadBody
from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.policy import Policy
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.engine import decide


class NoBody:
    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ReadBody,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def answer(self, ask: Ask[Any], timeout: float) -> Any:
        return b""


def without_body(policy: Policy, request: AccessRequest, world: World) -> Challenge | Deny:
    decision = decide(policy, request, Sources(NoBody(), world.store))
    assert isinstance(decision, Challenge | Deny)
    return decision
