"""The memory store: what it answers, and what it refuses."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from tests.stores.asking import KEYS, advance, count, look, once, put, refused
from tests.stores.fetching import NOW
from zerotrust.core.ask import ConsumeOnce, Count, Fetch
from zerotrust.core.ask import ask as asking
from zerotrust.core.errors import ConfigError
from zerotrust.driver import Sources, run
from zerotrust.stores.codec import MAX_VALUE
from zerotrust.stores.contract import check_store
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore
from zerotrust.stores.store import BlockingStore, Fact


def test_it_keeps_the_contract_of_stores() -> None:
    results = list(check_store(MemoryStore(keys=KEYS)))
    assert [(result.name, result.detail) for result in results if result.outcome != "passed"] == []
    assert len(results) > 15


def test_it_is_a_blocking_store_to_the_type_checker() -> None:
    store: BlockingStore = MemoryStore()
    with store as entered:
        assert entered is store
    assert store.migrate() == (0, 0)


def test_a_mark_is_used_once_in_its_space() -> None:
    store = MemoryStore()
    assert once(store) is True
    assert once(store) is False
    assert once(store, b"other") is True
    assert once(store, space="nonce") is True
    assert len(store) == 3


def test_a_mark_lasts_until_its_moment() -> None:
    store = MemoryStore()
    assert once(store, until=NOW + 10)
    assert not once(store, now=NOW + 9.9)
    # From its expiry on it may be used anew or not; once it is forgotten, it is.
    assert once(store, until=NOW + 200, now=NOW + 10) in (True, False)
    assert once(store, until=NOW + 200, now=NOW + 100)


def test_a_mark_that_was_refused_lasts_no_longer() -> None:
    store = MemoryStore()
    assert once(store, until=NOW + 10)
    assert not once(store, until=inf)
    assert once(store, until=NOW + 200, now=NOW + 100)


def test_closing_forgets_no_mark() -> None:
    store = MemoryStore()
    assert once(store)
    store.close()
    assert not once(store)


def test_a_value_advances_from_what_it_was() -> None:
    store = MemoryStore()
    assert look(store) is None
    assert advance(store, b"1", b"2") is False
    assert advance(store, None, b"1") is True
    assert advance(store, None, b"2") is False
    assert look(store) == b"1"
    assert look(store, kind="other") is None
    assert look(store, key=b"other") is None
    assert advance(store, b"1", b"2", until=NOW + 400) is True
    assert look(store, now=NOW + 399) == b"2"
    assert look(store, now=NOW + 400) is None
    assert advance(store, b"2", b"3", until=NOW + 500, now=NOW + 400) is False
    assert advance(store, None, b"3", until=NOW + 500, now=NOW + 400) is True


def test_a_value_is_put_whatever_was_there() -> None:
    store = MemoryStore()
    put(store, b"1", until=NOW + 10)
    put(store, b"2", until=NOW + 5)
    assert look(store, now=NOW + 4.9) == b"2"
    assert look(store, now=NOW + 5) is None
    put(store, b"3", until=inf)
    assert look(store, now=NOW + 1e9) == b"3"
    put(store, None)
    assert look(store) is None
    assert len(store) == 0


def test_forgetting_asks_for_no_expiry() -> None:
    store = MemoryStore()
    put(store, b"1")
    put(store, None, until=NOW - 1)
    assert look(store) is None


def test_a_value_may_be_put_for_shorter_and_is_forgotten_then() -> None:
    store = MemoryStore()
    put(store, b"1", until=inf)
    put(store, b"2", until=NOW + 10)
    put(store, b"x", key=b"x", now=NOW + 100, until=inf)
    assert len(store) == 1


def test_marks_values_and_counters_do_not_meet() -> None:
    store = MemoryStore()
    assert once(store, space="step")
    assert look(store) is None
    assert advance(store, None, b"")
    assert look(store) == b""
    assert store.answer(Count("step", b"k", 80.0, NOW, 0), 1.0) == 0


def test_secret_values() -> None:
    store = MemoryStore(keys=KEYS)
    put(store, b"plain")
    assert "should be encrypted" in refused(look, store, secret=True)
    put(store, b"hidden", secret=True)
    assert look(store, secret=True) == look(store) == b"hidden"
    assert advance(store, b"hidden", b"2") is False
    assert not any(b"hidden" in repr(table).encode() for table in store._values._tables)
    assert "no key" in refused(put, MemoryStore(), b"hidden", secret=True)
    other = MemoryStore(keys=StoreKeys(index=bytes(range(105, 137))))
    assert "no key" in refused(put, other, b"hidden", secret=True)


def test_names_depend_on_namespace_and_index_key() -> None:
    stores = MemoryStore(), MemoryStore(namespace="other"), MemoryStore(keys=StoreKeys(index=bytes(range(105, 137))))
    assert len({store.digest("step", b"k") for store in stores}) == 3
    assert stores[0].digest("step", b"k") == MemoryStore(keys=KEYS).digest("step", b"k")


def test_events_are_counted_in_a_window() -> None:
    store = MemoryStore()  # slots of 10 s
    assert count(store, 2) == 2
    assert count(store, 3, now=NOW + 40) == 5
    assert count(store, 0, now=NOW + 80) == 5
    assert count(store, 0, now=NOW + 90) == 3
    assert count(store, 0, now=NOW + 130) == 0
    assert count(store, 0) == 5  # a clock behind the others takes in what they counted


def test_a_mark_for_good() -> None:
    store = MemoryStore()
    assert once(store, until=inf)
    assert once(store, b"x", until=1e300)
    assert not once(store, until=inf, now=4e12)
    assert not once(store, b"x", until=inf, now=4e12)


def test_before_1970() -> None:
    store = MemoryStore()
    assert once(store, until=-1e9 + 10, now=-1e9)
    assert not once(store, until=-1e9 + 10, now=-1e9)
    put(store, b"1", until=-1e9 + 10, now=-1e9)
    assert look(store, now=-1e9 + 9) == b"1"
    assert look(store, now=-1e9 + 10) is None
    assert count(store, now=-1e9) == 1


def test_sizes() -> None:
    store = MemoryStore()
    assert once(store, b"k" * 1024)
    assert "key longer" in refused(once, store, b"k" * 1025)
    assert "name of a space" in refused(once, store, space="s" * 129)
    assert advance(store, None, bytes(MAX_VALUE))
    assert "value longer" in refused(advance, store, bytes(MAX_VALUE), bytes(MAX_VALUE + 1))
    assert "value longer" in refused(put, store, bytes(MAX_VALUE + 1))
    assert "a window" in refused(count, store, -1)
    assert "a window" in refused(count, store, window=nan)


def test_what_it_cannot_answer() -> None:
    with pytest.raises(TypeError, match="Fetch"):
        MemoryStore().answer(Fetch("https://login.example.com/", NOW), 1.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"records": 0}, "records=0 must"),
        ({"records": 1.5}, "records=1.5 must"),
        ({"records": True}, "records=True must"),
        ({"size": 0}, "size=0 must"),
        ({"namespace": "A"}, "namespace='A'"),
        ({"keys": b"k" * 32}, "StoreKeys"),
    ],
)
def test_mistaken_options(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        MemoryStore(**options)


def test_a_repr_tells_no_keys() -> None:
    store = MemoryStore(records=5)
    once(store, b"secret")
    assert repr(store) == "MemoryStore(1 marks, 0 values and 0 counters of 5 each)"


def test_an_empty_store_is_a_store() -> None:
    store = MemoryStore()
    assert len(store) == 0
    assert (store or None) is store


def test_metrics() -> None:
    store = MemoryStore(records=1)
    assert store.metrics().outcomes == {}
    once(store)
    once(store)
    refused(once, store, b"x")
    refused(once, store, b"x")
    put(store, b"1")
    put(store, None)
    look(store)
    advance(store, b"1", b"2")
    count(store)
    assert store.metrics().outcomes == {
        ("ConsumeOnce", "ok"): 2,
        ("ConsumeOnce", "source_refused"): 2,
        ("Put", "ok"): 2,
        ("Lookup", "ok"): 1,
        ("Advance", "ok"): 1,
        ("Count", "ok"): 1,
    }
    assert (store.metrics().store, store.metrics().breaker) == ("MemoryStore", "closed")


def test_inspect_says_how_full_it_is() -> None:
    store = MemoryStore(records=10, size=100)
    reach, *used = store.inspect()
    assert (reach.verdict, reach.name) == ("note", "reach")
    assert used == [
        Fact("marks", "0 of 10"),
        Fact("values", "0 of 10"),
        Fact("counters", "0 of 10"),
        Fact("bytes of values", "0 of 100"),
    ]
    for number in range(8):
        once(store, bytes([number]))
        count(store, key=bytes([number % 7]))
    put(store, bytes(99))
    verdicts = {fact.name: (fact.value, fact.verdict, bool(fact.advice)) for fact in store.inspect()[1:]}
    assert verdicts == {
        "marks": ("8 of 10", "note", True),
        "values": ("1 of 10", "good", False),
        "counters": ("7 of 10", "good", False),
        "bytes of values": ("100 of 100", "bad", True),
    }


def test_it_serves_both_drivers() -> None:
    sources = Sources(MemoryStore())
    assert run(asking(ConsumeOnce("jti", b"k", NOW + 1, NOW)), sources.require("blocking")) is True
    assert run(asking(ConsumeOnce("jti", b"k", NOW + 1, NOW)), sources.require("async")) is False


def test_what_it_refuses_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore(records=1)
    assert once(store, b"a")
    for key in (b"b", b"c"):
        refused(lambda key=key: once(store, key))
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "MemoryStore refuses" in caplog.text
