"""What a policy is called is the same wherever it is shown, whatever tags it has."""

from __future__ import annotations

from tests.laws.toys import TOKEN
from zerotrust.analysis.report import called as in_comparisons
from zerotrust.core.policy import called, name_of
from zerotrust.documents import to_html
from zerotrust.replay.plan import names

WRITE = TOKEN.level(1).named("can write")


def test_tags_do_not_hide_a_name() -> None:
    for policy in (WRITE, WRITE.tagged("sensitive"), WRITE.tagged("a", "b").tagged("c")):
        assert name_of(policy) == called(policy) == in_comparisons(policy) == "can write"
        assert names(policy) == ("can write",)
        assert "<title>can write</title>" in to_html(policy)


def test_what_has_no_name_is_called_as_it_is_written() -> None:
    policy = (WRITE & TOKEN.level(2)).tagged("sensitive")
    assert name_of(policy) == ""
    assert called(policy) == in_comparisons(policy) == str(policy)
