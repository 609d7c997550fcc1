"""How much of a policy an explanation shows."""

from __future__ import annotations

import json

import pytest

from tests.laws.toys import NOW, TOKEN
from zerotrust.core.policy import all_of
from zerotrust.engine import judge


@pytest.mark.parametrize(("leaves", "above"), [(1_993, 0), (1_994, 1)])
def test_of_two_thousand_rows_each_is_shown_and_of_more_none_twice_but_leaves(leaves: int, above: int) -> None:
    """A row for the whole, three for the part that is used twice, each time, and one for each further leaf."""
    twice = TOKEN.has("pay") | TOKEN.has("disk")
    tree = judge(all_of(twice, twice, *[TOKEN.level(1)] * leaves), {}, NOW).explanation
    assert len(str(tree).splitlines()) == 1 + 3 + (1 if above else 3) + leaves
    assert str(tree).count("(as above)") == above
    assert json.dumps(tree.to_dict()).count('"as_above": true') == above
