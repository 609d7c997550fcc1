"""A check of facts fails where a question does not keep its word, and says how."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tests.laws.toys import NOW, TOKEN, Facts, Has, That, Toy, facts
from zerotrust.core.facts import Attribute, Fact, Includes
from zerotrust.core.policy import Leaf
from zerotrust.testing import check_facts


class Liar(Has):
    """Depends on another flag than it says."""

    def facts(self) -> Fact:
        return Includes(Attribute("flags"), "another")


class Raw(Toy):
    """Reads what is no plain data."""

    given: ClassVar[object] = ("pay",)

    def read(self, evidence: Facts, attribute: Attribute) -> object:
        return self.given


def test_a_question_that_keeps_its_word_passes_on_all_evidence() -> None:
    # what it returns is nothing; that the check looks at each is shown by the liar below
    check_facts(TOKEN.has("pay"), facts(), facts(flags={"pay"}), now=NOW)
    with pytest.raises(AssertionError, match="the answer is True, by its facts False"):
        check_facts(Leaf(TOKEN, Liar("pay")), facts(), facts(flags={"pay"}), now=NOW)


def test_a_question_that_says_nothing_of_what_it_depends_on_is_told_to() -> None:
    assert That("native").facts() is None
    with pytest.raises(AssertionError, match=r"override facts\(\)"):
        check_facts(TOKEN.that("native"), facts(), now=NOW)


def test_what_is_read_has_to_be_plain_data() -> None:
    with pytest.raises(AssertionError, match="no plain data for JSON"):
        check_facts(Raw("raw").has("pay"), facts(), now=NOW)
