"""What comes from outside is shown on one line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import UNKNOWN_KEY
from zerotrust.core.text import visible


@given(st.text(max_size=300))
def test_it_is_one_printable_line_of_bounded_length(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert len(shown) <= 200 * 10  # an escape has up to ten characters


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="\\"), max_size=200))
def test_what_prints_stays_as_it_is(text: str) -> None:
    assert visible(text) == text or not text.isprintable()


def test_no_line_can_be_forged_in_a_reason() -> None:
    # CWE-117: the key id comes from a token that anybody can send.
    reason = UNKNOWN_KEY(presented="a\nALLOW can pay\u2028\x1b[2J")
    assert str(reason) == "the issuer has no such key (presented a\\nALLOW can pay\\u2028\\x1b[2J)"
