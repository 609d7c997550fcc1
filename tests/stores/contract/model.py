"""What a store may say, kept by a model that forgets nothing: it may refuse, but never contradict.

One model serves all stores. It is strict about what has not expired, whatever the clocks did in between; of marks that
have expired either answer will do, as a server forgets by its own time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.bench import Checkable


@dataclass(frozen=True)
class Kept:
    value: bytes
    secret: bool
    until: float


def expired(until: float, now: float) -> bool | None:
    """Whether something has; None in the two milliseconds after it, which is as fine as stores keep time."""
    if now < until:
        return False
    return True if now >= until + 0.002 else None


@dataclass
class Model:
    """What was answered so far, and what follows from it.

    Attributes:
        marks: when each mark expires; None where an ask failed, so that nobody knows.
        values: what is kept under each key.
        events: when how many were counted, by key and window.
        answered: how many asks were.
        refused: how many were refused: a store that refuses everything contradicts nothing, either.
    """

    marks: dict[tuple[str, bytes], float] = field(default_factory=dict)
    values: dict[tuple[str, bytes], Kept] = field(default_factory=dict)
    events: dict[tuple[str, bytes, float], list[tuple[float, int]]] = field(default_factory=dict)
    answered: int = 0
    refused: int = 0

    def ask(self, store: Checkable, ask: Ask[Any]) -> None:
        """Have the store answer, and compare."""
        try:
            answer = store.answer(ask, 10.0)
        except SourceFailed as failure:
            if failure.reason.kind is not SOURCE_REFUSED:  # a server that fails, and here none should
                raise
            self.refused += 1
            return
        self.answered += 1
        getattr(self, type(ask).__name__.lower())(ask, answer)

    def consumeonce(self, ask: ConsumeOnce, answer: object) -> None:
        at = ask.space, ask.key
        until = self.marks.get(at)
        assert isinstance(answer, bool)
        if until is None:
            assert answer, "a mark that nobody used is used"
        elif expired(until, ask.now) is False:
            assert not answer, "a mark was used twice"
        if answer:
            self.marks[at] = ask.until

    def there(self, kind: str, key: bytes, now: float) -> list[Kept | None]:
        """What may be there: one of these."""
        kept = self.values.get((kind, key))
        gone = True if kept is None else expired(kept.until, now)
        return [kept, None] if gone is None else [None if gone else kept]

    def lookup(self, ask: Lookup, answer: object) -> None:
        found = [kept for kept in self.there(ask.kind, ask.key, ask.now) if answer == (kept and kept.value)]
        assert found, "not what was put"
        assert found[0] is None or found[0].secret or not ask.secret, "a plain value was taken for a secret one"

    def put(self, ask: Put, answer: object) -> None:
        assert answer is None
        if ask.value is None:
            self.values.pop((ask.kind, ask.key), None)
        else:
            self.values[ask.kind, ask.key] = Kept(ask.value, ask.secret, ask.until)

    def advance(self, ask: Advance, answer: object) -> None:
        def advances(kept: Kept | None) -> bool:
            return ask.old is None if kept is None else kept.value == ask.old and not kept.secret

        assert answer in [advances(kept) for kept in self.there(ask.kind, ask.key, ask.now)]
        if answer:
            self.values[ask.kind, ask.key] = Kept(ask.new, False, ask.until)

    def count(self, ask: Count, answer: object) -> None:
        events = self.events.setdefault((ask.space, ask.key, ask.window), [])
        if ask.add:
            events.append((ask.now, ask.add))
        # A float's worth of leeway at the edges, which are no moment of anybody's.
        least = sum(add for at, add in events if at > ask.now - ask.window * 0.999999)
        most = sum(add for at, add in events if at > ask.now - ask.window * 1.125001)
        assert isinstance(answer, int)
        assert least <= answer <= most
