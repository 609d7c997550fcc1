"""How much of a policy an explanation shows."""

from __future__ import annotations

import json

import pytest

from tests.laws.toys import NOW, TOKEN, facts
from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.finding import Unspent, Verified
from zerotrust.core.policy import all_of
from zerotrust.core.reason import EXPIRED, NOT_SPENT
from zerotrust.engine import judge


@pytest.mark.parametrize(("leaves", "above"), [(1_993, 0), (1_994, 1)])
def test_of_two_thousand_rows_each_is_shown_and_of_more_none_twice_but_leaves(leaves: int, above: int) -> None:
    """A row for the whole, three for the part that is used twice, each time, and one for each further leaf."""
    twice = TOKEN.has("pay") | TOKEN.has("disk")
    tree = judge(all_of(twice, twice, *[TOKEN.level(1)] * leaves), {}, NOW).explanation
    assert len(str(tree).splitlines()) == 1 + 3 + (1 if above else 3) + leaves
    assert str(tree).count("(as above)") == above
    assert json.dumps(tree.to_dict()).count('"as_above": true') == above


def test_what_a_leaf_rests_on_stands_beside_the_longest_leaf_whatever_the_names() -> None:
    tree = judge(TOKEN.level(1).named("n" * 80), {TOKEN: Verified(facts(level=2))}, NOW).explanation
    assert str(tree) == f"{'n' * 80}\n  yes  token.level(1)   level 2"


def test_what_was_not_used_up_in_time_has_expired() -> None:
    unspent = Unspent(facts(expires_at=NOW + 5), ConsumeOnce("toys", b"key", NOW + 5, NOW))

    def reason(now: float) -> object:
        return judge(TOKEN.level(1), {TOKEN: unspent}, now).explanation.reason

    assert reason(NOW + 4) == NOT_SPENT()
    assert reason(NOW + 5) == EXPIRED(expected=NOW + 5, presented=NOW + 5)
