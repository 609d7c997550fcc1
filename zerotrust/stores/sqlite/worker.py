"""The thread that carries out the asks of an async store: all that wait when it comes to them, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.stores.codec import refused
from zerotrust.stores.sqlite.database import Database
from zerotrust.stores.sqlite.forks import watch
from zerotrust.stores.sqlite.job import Job

MOST: Final = 256
"""Asks in one transaction."""

QUEUE: Final = 4096
"""Asks that wait at most."""

_IDLE: Final = 10.0


class Worker:
    """One thread, which is there while there is something to do and a little longer.

    Args:
        database: what it works on.
        tell: called in the thread with asks that have an outcome.
    """

    def __init__(self, database: Database, tell: Callable[[Sequence[Job]], None]) -> None:
        self._database = database
        self._tell = tell
        self._queue: SimpleQueue[Job | Callable[[], None] | None] = SimpleQueue()
        self._lock = Lock()
        self._thread: Thread | None = None
        watch(self)

    def submit(self, job: Job) -> None:
        """Have `job` done, and told.

        Raises:
            SourceFailed: `source_refused`: too many are waiting.
        """
        if self._queue.qsize() >= QUEUE:
            raise refused(f"more than {QUEUE} asks are waiting for the file")
        self._put(job)

    def call(self, work: Callable[[], None]) -> None:
        """Have something else done, after all that waits; then the thread ends. It must not raise."""
        self._put(work)
        self._queue.put(None)

    def stop(self) -> None:
        """End the thread, if there is one, once everything that waits is done; the next ask starts another."""
        self._queue.put(None)

    def _put(self, item: Job | Callable[[], None]) -> None:
        self._queue.put(item)
        with self._lock:
            if self._thread is not None:
                return
            thread = Thread(target=self._work, name="zerotrust-sqlite", daemon=True)
            try:
                thread.start()
            except (RuntimeError, MemoryError):  # too many threads; the next ask tries again
                self._give_up()
            else:
                self._thread = thread  # it cannot end before: that takes the lock

    def _give_up(self) -> None:
        """Nobody will do what waits."""
        jobs: list[Job] = []
        with suppress(Empty):
            while True:
                item = self._queue.get_nowait()
                if isinstance(item, Job):
                    item.end(None, SourceFailed(SOURCE_DOWN(detail="no thread can be started")))
                    jobs.append(item)
                elif item is not None:
                    item()
        self._tell(jobs)

    def _work(self) -> None:
        while True:
            jobs: list[Job] = []
            try:
                item = self._queue.get(timeout=_IDLE)
                while isinstance(item, Job):
                    jobs.append(item)
                    if len(jobs) == MOST:
                        break
                    item = self._queue.get_nowait()
            except Empty:
                item = jobs[-1] if jobs else None
            if jobs:
                self._carry_out(jobs)
            if item is None and self._ended():
                return
            if item is not None and not isinstance(item, Job):
                item()
            del item  # while it waits, it keeps nothing alive

    def _carry_out(self, jobs: list[Job]) -> None:
        try:
            self._database.run_all(jobs)
        except Exception as error:  # noqa: BLE001 - it is for those who wait; the thread has to go on
            for job in jobs:
                if not job.done:
                    job.end(None, error)
        self._tell(jobs)

    def _ended(self) -> bool:
        with self._lock:
            if not self._queue.empty():
                return False
            self._thread = None
            return True

    # --- Forks ------------------------------------------------------------------------------------------------------
    def before_fork(self) -> None:
        """Nothing to give back: the connection is the database's."""

    def after_fork(self, *, child: bool) -> None:
        """In the child there is no thread, and nobody who waits."""
        if child:
            self._queue, self._lock, self._thread = SimpleQueue(), Lock(), None
