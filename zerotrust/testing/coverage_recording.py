"""Counting the decisions made in this process, while somebody wants them counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.policy import Leaf, Policy
from zerotrust.testing.coverage_items import NO, UNKNOWN, UNSEEN, YES
from zerotrust.verifiers.resource_questions import IsNamed

_KINDS: Final = (Allow, Challenge, Deny)


class Recorder:
    """What the leaves of policies came to in the decisions made between `start` and `stop`.

    Decisions are counted where they are constructed, so those of threads, of event loops and of doors are, and nothing
    is paid while nobody counts.
    """

    def __init__(self) -> None:
        self._counted: dict[Policy, Counter[bytes]] = {}
        self._lock = Lock()
        self._empty: list[Decision] = []
        self._before: list[tuple[type, Callable[..., None] | None]] = []

    @property
    def seen(self) -> dict[Policy, Counter[bytes]]:
        """By policy, how often its leaves came to these codes, one byte each."""
        self._catch_up()
        return self._counted

    def start(self) -> None:
        """Count from now on."""
        for kind in _KINDS:
            made: Callable[..., None] = kind.__init__
            self._before.append((kind, vars(kind).get("__init__")))
            setattr(kind, "__init__", self._counting(made))  # noqa: B010 - no type checker lets a method be replaced

    def stop(self) -> None:
        """Count no longer; all is as it was before."""
        while self._before:
            kind, made = self._before.pop()
            if made is None:  # it was inherited
                delattr(kind, "__init__")
            else:
                setattr(kind, "__init__", made)  # noqa: B010

    def _counting(self, made: Callable[..., None]) -> Callable[..., None]:
        def counted(decision: Decision, *args: Any, **named: Any) -> None:
            made(decision, *args, **named)
            self._catch_up(decision)

        return counted

    def _catch_up(self, *made: Decision) -> None:
        """Count what has been filled in by now: an `Allow` is, right after it was constructed."""
        with self._lock:
            waiting = [*self._empty, *made]
            filled = [one for one in waiting if hasattr(one, "now")]
            self._empty = [one for one in waiting if not hasattr(one, "now")]
        for decision in filled:
            self._count(decision)

    def _count(self, decision: Decision) -> None:
        findings, leaves = decision.findings, decision.policy.program.leaves
        if all(isinstance(leaf, Leaf) and isinstance(leaf.question, IsNamed) for leaf in leaves) and leaves:
            return  # of a check of something that is not there: nobody wrote this policy
        codes = bytes(
            UNSEEN if leaf.verifier not in findings else YES if value is True else NO if value is False else UNKNOWN
            for leaf, value in zip(leaves, decision.values, strict=True)
        )
        with self._lock:
            self._counted.setdefault(decision.policy, Counter())[codes] += 1
