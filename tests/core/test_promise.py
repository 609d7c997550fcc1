"""What remedies promise, and what it costs to find out."""

from __future__ import annotations

from tests.laws.toys import NOW, PASSKEY, TOKEN
from zerotrust.core.finding import Absent
from zerotrust.core.promise import Promises
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.remedy import Action, Demand, Remedy, Step


def test_the_work_is_counted_by_leaves_demands_and_nodes() -> None:
    """Or nothing bounds the search, for which whoever is refused makes us pay."""
    program = (TOKEN.level(1) & TOKEN.has("pay") & TOKEN.has("disk") & PASSKEY.level(1)).program
    promises = Promises(program, program.blank(), dict.fromkeys((TOKEN, PASSKEY), Absent(NOT_PRESENTED())), NOW)
    assert promises.work == 0
    demands = Demand(TOKEN.level(1), True), Demand(TOKEN.has("pay"), True)
    promises.carried_out(Remedy((Step(TOKEN, Action.PRESENT_FACTOR, demands),)))
    assert promises.work == 3 + 8 * 2 + 5
    promises.carried_out(Remedy((Step(PASSKEY, Action.PRESENT_FACTOR, ()),)))
    assert promises.work == (3 + 8 * 2 + 5) + (1 + 5)
