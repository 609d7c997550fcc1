"""Clocks that are set forward, and back again: what was forgotten in between is never taken for what never was."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from tests.stores.contract.places import KINDS, PATIENCE, Kind, Style, place
from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.bench import Checkable

DAY = 86400.0
REFUSED = "refused"
# So many writes, and each store has forgotten some of what has expired; Redis does so by its own clock.
WRITES: dict[Kind, int] = {"memory": 100, "sqlite": 100, "redis": 10, "postgres": 600}


class Asker:
    """Asks at a moment, and takes a refusal for an answer."""

    def __init__(self, store: Checkable) -> None:
        self.store = store
        self.said: Counter[object] = Counter()

    def __call__(self, ask: Ask[Any]) -> Any:
        try:
            answer: Any = self.store.answer(ask, PATIENCE)
        except SourceFailed as failure:
            if failure.reason.kind is not SOURCE_REFUSED:
                raise
            answer = REFUSED
        self.said[answer] += 1
        return answer


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_forgotten_is_not_taken_for_what_never_was(kind: Kind, style: Style) -> None:
    now, names = time.time(), [bytes([9, number]) for number in range(20)]
    yesterday = now - DAY
    with place(kind) as there, there.open(style) as store:
        asked = Asker(store)
        for name in names:
            assert asked(ConsumeOnce("jti", name, yesterday + 5, yesterday)) is True
            assert asked(Put("revoked", name, b"yes", yesterday + 5, yesterday)) is None
            assert asked(Count("tries", name, 8.0, yesterday, 3)) == 3
            assert asked(Count("begun anew", name, 8.0, yesterday, 3)) == 3
        for number in range(WRITES[kind]):
            key = number.to_bytes(2, "big")
            assert asked(ConsumeOnce("jti", key, now + 60, now)) is True
            assert asked(Put("revoked", key, b"yes", now + 60, now)) is None
            assert asked(Count("tries", key, 8.0, now)) == 1
        for name in names:
            assert asked(Count("begun anew", name, 8.0, now)) == 1
        asked.said.clear()
        for name in names:  # the clock is set back
            assert asked(ConsumeOnce("jti", name, yesterday + 5, yesterday)) in (False, REFUSED)
            # To find nothing would let somebody in.
            assert asked(Lookup("revoked", name, yesterday)) in (b"yes", REFUSED)
            assert asked(Advance("revoked", name, None, b"no", yesterday + 5, yesterday)) in (False, REFUSED)
            for space in ("tries", "begun anew"):
                told = asked(Count(space, name, 8.0, yesterday, 0))
                assert told == REFUSED or told >= 3
    # Those that forget by the asker's clock have done so, else nothing was tested.
    assert kind == "redis" or asked.said[REFUSED] > 50
