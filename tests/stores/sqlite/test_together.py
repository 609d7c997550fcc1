"""Many asks in one transaction mean what they mean one by one."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.stores.sqlite.asks import NOW, bare, mark, rows
from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.stores.sqlite.job import Job
from zerotrust.stores.sqlite.work import WORKS, Work

KEYS = st.sampled_from([b"1", b"2", b"3", b"4", b"5"])
TIMES = st.sampled_from([NOW, NOW + 1, NOW + 200, NOW - 10])
ASKS: st.SearchStrategy[Ask[Any]] = st.one_of(
    st.builds(lambda key, now: ConsumeOnce("jti", key, now + 100, now), KEYS, TIMES),
    st.builds(lambda key, now: ConsumeOnce("jti", key, now + 100, now), KEYS, TIMES),
    st.builds(lambda key, now: Lookup("kind", key, now), KEYS, TIMES),
    st.builds(lambda key, now, tell: Put("kind", key, b"v", now + 100, now, announce=tell), KEYS, TIMES, st.booleans()),
    st.builds(lambda key, now: Advance("kind", key, b"v", b"w", now + 100, now), KEYS, TIMES),
    st.builds(lambda key, now, add: Count("tries", key, 60.0, now, add), KEYS, TIMES, st.integers(0, 3)),
)


def told(job: Job) -> object:
    assert job.done
    if job.error is not None:
        assert isinstance(job.error, SourceFailed), job.error
        return job.error.reason
    return job.answer


@usually(40)
@given(st.lists(st.lists(ASKS, min_size=1, max_size=20), min_size=1, max_size=5))
def test_together_is_one_by_one(batches: list[list[Ask[Any]]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder)
        together, alone = (SqliteStore(path / name, durable=False) for name in ("together.db", "alone.db"))
        with together, alone:
            for store in (together, alone):
                store.migrate()
                db = bare(path / f"{'together' if store is together else 'alone'}.db")
                # Asks from before that are refused, where they find nothing.
                db.execute("UPDATE forgotten SET marks = ?, records = ?, counts = ?", (NOW * 1000,) * 3)
                db.close()
            for batch in batches:
                jobs = [Job(work_of(together, ask), monotonic() + 10) for ask in batch]
                together._database.run_all(jobs)
                single = [Job(work_of(alone, ask), monotonic() + 10) for ask in batch]
                for job in single:
                    alone._database.run_all([job])
                assert [told(job) for job in jobs] == [told(job) for job in single]
        for table in ("marks", "records", "counts", "announcements"):
            assert rows(path / "together.db", table) == rows(path / "alone.db", table)


def work_of(store: SqliteStore, ask: Ask[Any]) -> Work[Any]:
    return WORKS[type(ask)](store._codec, ask)


def test_many_marks_take_few_statements(store: SqliteStore, path: Path) -> None:
    store.migrate()
    store._database._housework.left = 10_000
    for number in (2, 3, 100, 256):
        with store._database.connection(1.0) as db:
            seen: list[str] = []
            db.set_trace_callback(seen.append)
        asks = [mark(b"%d" % at) for at in range(number)]
        jobs = [Job(work_of(store, ask), monotonic() + 10) for ask in asks]
        store._database.run_all(jobs)
        db.set_trace_callback(None)
        assert [one.split()[0] for one in seen] == ["BEGIN", "SELECT", "INSERT", "COMMIT"]
    assert rows(path, "marks") == 256


def test_a_job_that_is_late_is_not_begun(store: SqliteStore, path: Path) -> None:
    store.migrate()
    jobs = [Job(work_of(store, mark(b"%d" % at)), monotonic() + (10 if at % 2 else -1)) for at in range(6)]
    store._database.run_all(jobs)
    assert [type(job.error) for job in jobs] == [TimeoutError, type(None)] * 3
    assert rows(path, "marks") == 3


class Cancelled(Job):
    """Nobody waits for it any more once it was begun."""

    asked = 0

    def wanted(self) -> bool:
        self.asked += 1
        return self.asked == 1


def test_a_job_that_nobody_waits_for_any_more_is_not_carried_out(store: SqliteStore, path: Path) -> None:
    store.migrate()
    makes = (Job, Cancelled, Job)
    jobs = [make(work_of(store, mark(b"%d" % at)), monotonic() + 10) for at, make in enumerate(makes)]
    store._database.run_all(jobs)
    assert [type(job.error) for job in jobs] == [type(None), TimeoutError, type(None)]
    assert rows(path, "marks") == 2


def test_a_connection_that_others_keep_busy(store: SqliteStore, path: Path) -> None:
    store.migrate()
    jobs = [Job(work_of(store, mark(b"%d" % at)), monotonic() + 0.02) for at in range(3)]
    with store._database.connection(1.0):
        store._database.run_all(jobs)
    assert [type(job.error) for job in jobs] == [TimeoutError] * 3
    assert rows(path, "marks") == 0
