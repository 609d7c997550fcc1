"""What the checks say of stores that are broken, of those that answer less, and of those that cannot answer."""

from __future__ import annotations

from typing import ClassVar, Literal

import pytest

from tests.stores.contract.broken import BROKEN
from tests.stores.contract.broken_around import Crashes, GoesDown, IsDeaf, IsDown, IsFull, MarksOnly
from tests.stores.contract.naive import NaiveStore
from tests.stores.contract.places import KEYS
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED
from zerotrust.stores.bench import Check
from zerotrust.stores.contract import CHECKS, Result, check_store


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_it_is_noticed(broken: type[NaiveStore]) -> None:
    checks = [check for check in CHECKS if check.name in BROKEN[broken]]
    assert {result.outcome for result in check_store(broken(KEYS), timeout=0.2, checks=checks)} == {"failed"}
    assert len(checks) == len(BROKEN[broken])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_check_can_fail(check: Check) -> None:
    assert any(check.name in names for names in BROKEN.values())


def by_name(store: NaiveStore) -> dict[str, Result]:
    return {result.name: result for result in check_store(store)}


def test_a_store_may_answer_less() -> None:
    results = by_name(MarksOnly(KEYS))
    assert {name for name, result in results.items() if result.outcome == "passed"} == {
        "mark-once",
        "mark-apart",
        "mark-until",
        "mark-race",
        "metrics",
    }
    assert results["count-sum"].outcome == "unchecked"
    assert results["count-sum"].detail == "the store does not answer Count"
    assert results["kinds-apart"].detail == "the store does not answer Put, Lookup, Count"
    assert not any(result.reason for result in results.values() if result.reason is not None)


def test_a_store_that_refuses_broke_no_promise_but_was_not_checked() -> None:
    results = by_name(IsFull(KEYS))
    assert results["mark-once"].outcome == results["metrics"].outcome == "unchecked"
    assert results["mark-once"].reason == SOURCE_REFUSED(detail="it is full")
    assert results["mark-race"].outcome == "unchecked"
    assert results["mark-race"].reason == SOURCE_REFUSED(detail="it is full")
    assert results["advance"].outcome == "passed"
    results = by_name(IsDeaf(KEYS))
    assert results["announce"].outcome == results["announce-many"].outcome == "unchecked"
    assert results["announce"].reason == SOURCE_DOWN(detail="nobody there")


def test_a_store_that_is_down_broke_no_promise_but_was_not_checked() -> None:
    results = by_name(IsDown(KEYS))
    assert {name for name, result in results.items() if result.outcome != "unchecked"} == set()
    assert {result.reason for result in results.values()} == {SOURCE_DOWN(detail="nobody there")}
    results = by_name(GoesDown(KEYS))
    for name in ("value-secret", "no-time"):
        assert results[name].outcome == "unchecked"
        assert results[name].reason == SOURCE_DOWN(detail="nobody there")


def test_without_keys_secret_values_are_not_checked() -> None:
    results = by_name(NaiveStore())
    assert {name for name, result in results.items() if result.outcome != "passed"} == {"value-secret"}
    assert results["value-secret"].outcome == "unchecked"
    assert "no key to encrypt with" in results["value-secret"].detail


def test_what_a_store_raises_is_told_by_its_kind_alone() -> None:
    result = by_name(Crashes(KEYS))["advance"]
    assert result.detail == "the store raised OSError, where SourceFailed was due"
    assert "hunter2" not in repr(result)


def test_an_async_store_needs_the_other_function() -> None:
    class Async(NaiveStore):
        style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    with pytest.raises(ConfigError, match=r"Async is async; write check_async_store\(store\)"):
        check_store(Async())


def test_the_names_of_spaces_have_room() -> None:
    assert all(result.outcome == "passed" for result in check_store(NaiveStore(KEYS), scratch="x" * 64))
    with pytest.raises(ConfigError, match="scratch has 65 characters"):
        check_store(NaiveStore(), scratch="x" * 65)


def test_only_the_checks_that_are_named_run() -> None:
    (result,) = check_store(NaiveStore(), checks=CHECKS[2:3])
    assert (result.name, result.outcome) == ("mark-until", "passed")
    assert result.promise == "A mark is kept until it expires, also among askers whose clocks differ by seconds."
    assert 0 < result.seconds < 5
