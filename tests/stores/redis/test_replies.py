"""Replies: the same however they arrive, and small whatever arrives."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from itertools import pairwise
from time import process_time
from typing import TypeAlias, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.stores.redis.replies import DEEPEST, MOST_BYTES, MOST_ITEMS, PARTIAL, Garbled, Replies

Value: TypeAlias = "bytes | int | list[Value] | None"

VALUES: st.SearchStrategy[Value] = st.recursive(
    st.binary(max_size=40) | st.integers(-(2**63), 2**63 - 1) | st.none(),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=20,
).filter(lambda value: depth(value) <= DEEPEST)


def depth(value: Value) -> int:
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def told(value: Value) -> bytes:
    """A value as a server tells it."""
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, bytes):
        return b"$%d\r\n%b\r\n" % (len(value), value)
    if isinstance(value, int):
        return b":%d\r\n" % value
    return b"*%d\r\n" % len(value) + b"".join(map(told, value))


class Error(str):
    """What an error says."""

    __slots__ = ()


def read(*texts: bytes) -> list[object]:
    """The replies in what arrives piece by piece."""
    replies, found = Replies(Error), list[object]()
    for text in texts:
        replies.feed(text)
        while (reply := replies.take()) is not PARTIAL:
            found.append(reply)
    return found


@given(st.lists(VALUES, max_size=4), st.lists(st.integers(0, 400)))
def test_replies_are_the_same_however_they_arrive(values: list[Value], cuts: list[int]) -> None:
    text = b"".join(map(told, values))
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[begin:end] for begin, end in pairwise(places)]
    assert read(*pieces) == cast("list[object]", values)


def test_text_and_errors() -> None:
    assert read(b"+OK\r\n-ERR no\xff\r\n*2\r\n-OOM\r\n+\r\n*-1\r\n:+1\r\n") == [
        b"OK", "ERR no\ufffd", ["OOM", b""], None, 1
    ]  # fmt: skip
    assert isinstance(read(b"-ERR\r\n")[0], Error)


def test_what_is_left_is_known() -> None:
    replies = Replies(Error)
    replies.feed(b"+OK\r\n+")
    assert replies.begun()
    assert replies.take() == b"OK"
    assert replies.begun()
    replies.feed(b"\r\n")
    assert replies.take() == b""
    assert not replies.begun()


@pytest.mark.parametrize(
    "text",
    [b":abc\r\n", b":\r\n", b":1_0\r\n", b":" + b"9" * 20 + b"\r\n", b"$abc\r\n", b"$-7\r\n", b"$+1\r\n", b"$01\r\n",
     b"$ 1\r\n", b"*x\r\n", b"*-5\r\n", b"%1\r\n", b">1\r\n", b"_\r\n", b"\r\n", b"HTTP/1.1 400 Bad Request\r\n",
     b"$2\r\nabc\r\n", b"$2\r\nab\n\n"]
)  # fmt: skip
def test_what_is_no_reply(text: bytes) -> None:
    with pytest.raises(Garbled):
        read(text)


@given(st.lists(st.binary(max_size=30)))
def test_any_bytes(texts: list[bytes]) -> None:
    with suppress(Garbled):
        read(*texts)


# --- Limits ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [b"$2000000000\r\n", b"$99999999999999999999\r\n", b"$%d\r\n" % MOST_BYTES, b"*1000000000\r\n",
     b"*%d\r\n" % (MOST_ITEMS + 1), b"*2\r\n" + b"*40000\r\n" + b":1\r\n" * 40000 + b"*40000\r\n",
     b"*1\r\n" * (DEEPEST + 1), b"+" + b"a" * 20000, b"-" + b"a" * 20000, b":" + b"1" * 20000]
)  # fmt: skip
def test_what_is_too_much_is_refused_when_it_is_announced(text: bytes) -> None:
    with pytest.raises(Garbled):
        read(text)


def test_what_is_just_not_too_much() -> None:
    size = MOST_BYTES - len(b"$1048576\r\n\r\n")
    assert read(told(b"v" * size)) == [b"v" * size]
    assert read(told([1] * MOST_ITEMS)) == [[1] * MOST_ITEMS]
    deep: Value = []
    for _ in range(DEEPEST):
        deep = [deep]
    assert read(told(deep)) == [deep]


def test_many_texts_are_not_too_much_one_by_one_but_together() -> None:
    piece = told(b"v" * 65536)
    assert len(read(b"*15\r\n" + piece * 15)) == 1
    with pytest.raises(Garbled):
        read(b"*17\r\n" + piece * 17)
    assert len(read(*[piece] * 40)) == 40  # each is a reply of its own


def test_what_is_refused_was_not_kept() -> None:
    flood = [b"*60000\r\n", *[b"*0\r\n" * 5000] * 8, *[told(b"v" * 65536)] * 100]
    tracemalloc.start()
    try:
        with pytest.raises(Garbled):
            read(*flood)
        assert tracemalloc.get_traced_memory()[1] < 16 * MOST_BYTES
    finally:
        tracemalloc.stop()


def test_nothing_is_looked_at_twice() -> None:
    """A value that drips in byte by byte, and the longest list, cost what their bytes cost."""
    began = process_time()
    drip = told(b"v" * 65536)
    assert len(read(*(drip[at : at + 1] for at in range(len(drip))))) == 1
    assert len(read(*[told([1] * MOST_ITEMS)] * 2)) == 2
    assert process_time() - began < 5
