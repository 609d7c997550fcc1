"""Forgetting: bounded work, nothing early, and nothing that was forgotten becomes usable again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stores.sqlite.asks import NOW, PATIENCE, bare, count, failure, look, mark, put, rows, step, use
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.sqlite import SqliteStore, sweep
from zerotrust.stores.sqlite.sweep import Sweeper

SET_BACK = "the clock was set back"


def sweep_all(path: Path, now: float, sweeper: Sweeper | None = None) -> int:
    """One piece by some process: of a small table, all of it."""
    db = bare(path)
    try:
        one = sweeper or Sweeper()
        one._at = dict.fromkeys(sweep.TABLES, b"")
        return one.sweep(db, now * 1000)
    finally:
        db.close()


def test_those_who_write_sweep(path: Path, store: SqliteStore) -> None:
    for number in range(1000):
        use(store, b"%d" % number, life=10)
    for number in range(5000):
        use(store, b"later %d" % number, now=NOW + 100)
    kept = rows(path, "marks")
    assert 5000 <= kept < 5200, kept


def test_what_is_kept_stays_bounded(path: Path, store: SqliteStore) -> None:
    """At a steady rate, no more than a fraction of what is kept has expired."""
    alive = 700  # 10 a second, for 10 s and a minute of grace
    for number in range(12_000):
        store.answer(mark(b"%d" % number, now=NOW + number / 10, life=10), PATIENCE)
        if number % 1000 == 999:
            assert rows(path, "marks") < 2 * alive


def test_reading_sweeps_nothing(path: Path, store: SqliteStore) -> None:
    use(store, life=1)
    for _ in range(300):
        store.answer(look(now=NOW + 1000), PATIENCE)
    assert rows(path, "marks") == 1


def test_there_is_a_grace(path: Path, store: SqliteStore) -> None:
    use(store, life=10)
    assert sweep_all(path, NOW + 69.9) == 0
    assert rows(path, "marks") == 1
    assert sweep_all(path, NOW + 70) == 1
    assert rows(path, "marks") == 0
    # Clocks a minute apart are none that was set back.
    assert use(store, b"other", now=NOW + 10)


def test_a_clock_set_back_revives_no_mark(path: Path, opened: Callable[..., SqliteStore]) -> None:
    one, other = opened(), opened()
    assert use(one, life=100)
    assert use(one, b"kept", life=1000)
    assert sweep_all(path, NOW + 160) == 1
    for store in (one, other, opened()):
        assert SET_BACK in failure(lambda store=store: use(store, now=NOW + 50), SOURCE_REFUSED).detail  # type: ignore[misc]
        # What is there is answered at any time.
        assert not use(store, b"kept", now=NOW + 50)
    assert use(other, now=NOW + 100)


def test_a_clock_set_back_revives_no_value(path: Path, opened: Callable[..., SqliteStore]) -> None:
    one, other = opened(), opened()
    one.answer(put(b"revoked", life=100), PATIENCE)
    assert sweep_all(path, NOW + 160) == 1
    then = NOW + 50
    for ask in (look(now=then), step(None, b"1", now=then), step(b"revoked", b"1", now=then)):
        assert SET_BACK in failure(lambda ask=ask: other.answer(ask, PATIENCE), SOURCE_REFUSED).detail  # type: ignore[misc]
    other.answer(put(b"new", now=then), PATIENCE)
    assert other.answer(look(now=then), PATIENCE) == b"new"
    assert other.answer(step(b"old", b"2", now=then), PATIENCE) is False
    assert other.answer(step(None, b"2", now=then), PATIENCE) is False


def test_a_clock_set_back_revives_no_count(path: Path, store: SqliteStore) -> None:
    assert store.answer(count(7), PATIENCE) == 7
    assert sweep_all(path, NOW + 1000) == 1
    for add in (0, 1):
        ask = count(add, now=NOW + 1)
        assert SET_BACK in failure(lambda ask=ask: store.answer(ask, PATIENCE), SOURCE_REFUSED).detail  # type: ignore[misc]
    assert store.answer(count(1, now=NOW + 1000), PATIENCE) == 1


def test_each_table_has_its_own_time(path: Path, store: SqliteStore) -> None:
    use(store, life=10)
    assert sweep_all(path, NOW + 1000) == 1
    assert store.answer(look(), PATIENCE) is None
    assert store.answer(count(1), PATIENCE) == 1
    failure(lambda: use(store), SOURCE_REFUSED)


def test_what_is_for_good_is_never_swept(path: Path, store: SqliteStore) -> None:
    use(store, life=float("inf"))
    assert sweep_all(path, NOW + 1e11) == 0
    assert not use(store, now=NOW + 1e11)


def test_a_piece_is_bounded_and_a_walk_comes_to_all(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "PIECE", 10)
    for number in range(95):
        use(store, b"%d" % number, life=1)
    sweeper, db = Sweeper(), bare(path)
    swept = [sweeper.sweep(db, (NOW + 1000) * 1000) for _ in range(12)]
    db.close()
    assert max(swept) <= 10
    assert sum(swept) == 95


def test_the_less_there_is_to_forget_the_rarer_it_looks(path: Path, store: SqliteStore) -> None:
    sweeper = Sweeper()
    soon = sweeper.pause
    for number in range(200):
        use(store, b"%d" % number, life=100)
    for _ in range(20):
        sweep_all(path, NOW, sweeper)
    late = sweeper.pause
    assert late > 8 * soon
    sweep_all(path, NOW + 1000, sweeper)
    assert sweeper.pause == late // 2


def test_a_writer_in_the_way_is_no_trouble(path: Path, store: SqliteStore) -> None:
    use(store, life=1)
    db = bare(path)
    db.execute("BEGIN IMMEDIATE")
    database = store._database
    database._housework._sweeper._at = dict.fromkeys(sweep.TABLES, b"")
    database._housework._sweep_in = 0
    database._housework.do(database._db, database._log_file, (NOW + 1000) * 1000)
    db.execute("ROLLBACK")
    db.close()
    assert rows(path, "marks") == 1
    assert store._database._housework.left < 10  # it tries again soon
    assert use(store, b"other", now=NOW + 1000)


# --- Full -------------------------------------------------------------------------------------------------------------
SMALL = 1024 * 1024


def fill(store: SqliteStore, life: float) -> int:
    number = 0
    while True:
        number += 1
        assert number < 200
        try:
            store.answer(put(bytes(32_000), b"%d" % number, life=life), PATIENCE)
        except Exception:
            return number


def test_a_full_file_refuses_and_forgets_nothing(path: Path, opened: Callable[..., SqliteStore]) -> None:
    store = opened(size=SMALL)
    assert use(store)
    number = fill(store, 300)
    refusal = failure(lambda: store.answer(put(bytes(32_000), b"more"), PATIENCE), SOURCE_REFUSED)
    assert "no room left" in refusal.detail
    assert not use(store)
    for at in range(1, number):
        assert store.answer(look(b"%d" % at), PATIENCE) == bytes(32_000)
    assert store.metrics().breaker == "closed"
    store.close()
    assert path.stat().st_size <= SMALL


def test_a_full_file_is_not_swept_for_each_refusal(
    opened: Callable[..., SqliteStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(size=SMALL)
    fill(store, 300)
    swept: list[float] = []

    def sweep_nothing(_: Sweeper, __: object, now: float) -> int:
        swept.append(now)
        return 0

    monkeypatch.setattr(Sweeper, "sweep", sweep_nothing)
    monkeypatch.setattr("zerotrust.stores.sqlite.housework._ROOM", 1000.0)
    store._database._housework._room_at = float("-inf")
    for _ in range(20):
        failure(lambda: store.answer(put(bytes(32_000), b"more"), PATIENCE), SOURCE_REFUSED)
    assert len(swept) == 1


def test_a_full_file_has_room_again_once_things_expire(
    opened: Callable[..., SqliteStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerotrust.stores.sqlite.housework._ROOM", 0.0)
    store = opened(size=SMALL)
    fill(store, 10)
    later = put(bytes(32_000), b"later", now=NOW + 1000)
    failed = 0
    for _ in range(3):  # a piece is swept after the failure, and another before the next
        try:
            store.answer(later, PATIENCE)
            break
        except Exception:
            failed += 1
    assert failed < 2
    assert store.answer(look(b"later", now=NOW + 1000), PATIENCE) == bytes(32_000)
