"""The one connection of a store, and the asks that want it.

Who comes while nobody is there carries out its ask as a statement of its own. Those who have to wait stand in line, and
the first of them to get in carries out all that wait in one transaction: it is synced to the disk once for all.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from time import monotonic, sleep
from typing import Any, Final, NoReturn, TypeVar, cast

from zerotrust.core.ask import SourceFailed
from zerotrust.stores.codec import refused
from zerotrust.stores.sqlite.connection import Identity, Settings, check_identity, connect, patiently
from zerotrust.stores.sqlite.forks import leak, watch
from zerotrust.stores.sqlite.housework import Housework
from zerotrust.stores.sqlite.job import Job
from zerotrust.stores.sqlite.trouble import is_busy, is_full
from zerotrust.stores.sqlite.work import Execute, Work

T = TypeVar("T")

MOST: Final = 256
"""Asks in one transaction."""

LOOK: Final = 0.05
"""Seconds between looks whether the file is still the one it was."""

_FORK: Final = 1.0
# Where processes have been in each other's way lately, one whose commit took long leaves the others a moment. They
# would have to hit the instant between two of its commits else, which on a slow disk is a thousandth of the time.
_LATELY: Final = 1.0
_LONG: Final = 0.002
_TURN: Final = 0.001


class Database:
    """The connection of one store in this process; any thread may use it.

    Args:
        settings: the store's.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = Lock()
        self._line: deque[Job] = deque()
        self._db: sqlite3.Connection | None = None
        self._execute: Execute = _closed
        self._known: Identity | None = None
        self._housework = Housework(settings.path)
        self._look_at = self._crowded_until = self._turn_at = float("-inf")
        self._kept_out = self._orphan = False
        watch(self)

    # --- One ask, or many -------------------------------------------------------------------------------------------
    def run(self, work: Work[T], limit: float) -> T:
        """Carry out one ask within `limit` seconds.

        Raises:
            SourceFailed: the work refuses, or the file is not the one it was.
            TimeoutError: others kept the connection busy.
            sqlite3.Error: whatever SQLite says.
            OSError: whatever the file system says.
        """
        now = monotonic()
        if not self._lock.acquire(False):
            return cast("T", self._in_line(Job(work, now + limit)))
        try:
            if now >= self._look_at or now < self._crowded_until or work.atomic:
                return self._alone(work, now + limit)
            try:
                answer = work.run(self._execute)
            except sqlite3.Error as error:
                if not is_busy(error) and not is_full(error):
                    self._failed(error)
                return self._alone(work, now + limit)  # nothing has happened
            housework = self._housework
            housework.left -= work.weight
            if housework.left <= 0:
                housework.do(self._db, work.now)
            return answer
        finally:
            self._lock.release()

    def run_all(self, jobs: Sequence[Job]) -> None:
        """Carry out many asks, in one transaction; each gets its outcome, and nothing is raised.

        None of them is carried out after its deadline.
        """
        latest = max(job.deadline for job in jobs)
        if not self._lock.acquire(timeout=max(0.0, latest - monotonic())):
            for job in jobs:
                job.end(None, TimeoutError())
            return
        try:
            self._together(jobs, latest)
        finally:
            self._lock.release()

    def _in_line(self, job: Job) -> Any:
        self._line.append(job)
        if not self._lock.acquire(timeout=max(0.0, job.deadline - monotonic())):
            with suppress(ValueError):  # somebody is at it already
                self._line.remove(job)
            raise TimeoutError
        try:
            while not job.done and self._line:
                self._together(self._next(), job.deadline)
        finally:
            self._lock.release()
        if job.error is not None:
            raise job.error
        return job.answer

    def _next(self) -> list[Job]:
        jobs: list[Job] = []
        with suppress(IndexError):  # at the end, or because somebody whose time is up has just left
            while len(jobs) < MOST:
                jobs.append(self._line.popleft())
        return jobs

    # --- With the lock held -----------------------------------------------------------------------------------------
    def _alone(self, work: Work[T], deadline: float) -> T:
        self._ready(deadline)
        self._leave_turn()
        began = monotonic()

        def attempt() -> T:
            try:
                return self._transaction(work) if work.atomic else work.run(self._execute)
            except sqlite3.Error as error:
                if is_busy(error):
                    self._crowded_until = monotonic() + _LATELY
                raise

        try:
            try:
                answer = patiently(attempt, deadline)
            except sqlite3.Error as error:
                if not is_full(error) or not self._housework.make_room(self._db, work.now):
                    raise
                answer = patiently(attempt, deadline)
        except sqlite3.Error as error:
            self._failed(error)
        self._wrote(work.weight, work.now, began)
        return answer

    def _together(self, jobs: Sequence[Job], deadline: float) -> None:
        """Give each of `jobs` an outcome, or put it back in line if there is time left for it, but none for us."""
        try:
            now = monotonic()
            for job in jobs:
                if job.deadline < now or not job.wanted():
                    job.end(None, TimeoutError())
            waiting = [job for job in jobs if not job.done]
            if len(waiting) > 1:
                waiting = self._as_one(waiting, deadline)
            for job in waiting:
                try:
                    job.end(self._alone(job.work, min(job.deadline, deadline)))
                except Exception as error:  # noqa: BLE001 - it is for whoever waits for this answer
                    job.end(None, error)
        except BaseException:  # this thread is told to stop; the others must not wait for it
            for job in jobs:
                if not job.done:
                    job.end(None, TimeoutError())
            raise

    def _as_one(self, jobs: list[Job], deadline: float) -> list[Job]:
        """Carry out `jobs` in one transaction; those that have to be carried out one by one, as one of them fails."""
        outcomes: list[tuple[Any, SourceFailed | None]] = []
        try:
            self._ready(deadline)
            self._leave_turn()
            began = monotonic()
            patiently(lambda: self._execute("BEGIN IMMEDIATE"), deadline)
        except (SourceFailed, sqlite3.Error, OSError) as error:
            return self._none_of(jobs, error)
        try:
            for job in jobs:
                try:
                    outcomes.append((job.work.run(self._execute), None))
                except SourceFailed as failure:  # it has written nothing
                    outcomes.append((None, failure))
        except Exception:  # noqa: BLE001 - whose it is shows when each is carried out alone
            self._roll_back()
            return jobs
        except BaseException:
            self._roll_back()
            raise
        try:
            self._execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            return self._none_of(jobs, error)
        for job, (answer, refusal) in zip(jobs, outcomes, strict=True):
            job.end(answer, refusal)
        self._wrote(sum(job.work.weight for job in jobs), jobs[-1].work.now, began)
        return []

    def _none_of(self, jobs: Sequence[Job], error: Exception) -> list[Job]:
        now = monotonic()
        if is_busy(error):
            self._crowded_until = now + _LATELY
            later = [job for job in jobs if job.deadline > now]
            self._line.extendleft(reversed(later))
        for job in jobs:
            if not is_busy(error) or job.deadline <= now:
                job.end(None, error)
        if isinstance(error, sqlite3.Error):
            with suppress(sqlite3.Error):
                self._failed(error)
        return []

    def _transaction(self, work: Work[T]) -> T:
        self._execute("BEGIN IMMEDIATE")
        try:
            answer = work.run(self._execute)
            self._execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return answer

    def _roll_back(self) -> None:
        if self._db is not None and self._db.in_transaction:
            with suppress(sqlite3.Error):
                self._execute("ROLLBACK")

    def _wrote(self, weight: int, now: float, began: float) -> None:
        ended = monotonic()
        if ended < self._crowded_until and ended - began > _LONG:
            self._turn_at = ended + _TURN
        self._housework.left -= weight
        if self._housework.left <= 0:
            self._housework.do(self._db, now)

    def _leave_turn(self) -> None:
        left = self._turn_at - monotonic()
        if left > 0:
            sleep(left)

    def _failed(self, error: sqlite3.Error) -> NoReturn:
        # What is wrong with the file may have been mended by the next ask; what is wrong with the connection stays.
        if not is_busy(error) and not is_full(error):
            self._drop()
        raise error

    # --- The connection ---------------------------------------------------------------------------------------------
    def _ready(self, deadline: float) -> sqlite3.Connection:
        now = monotonic()
        if self._db is not None and now < self._look_at:
            return self._db
        if self._orphan:
            raise refused("this process was forked while the database was in use; fork before the store is used")
        try:
            if self._db is None:
                self._db, self._known = connect(self.settings, self._known, deadline)
                self._execute = self._db.cursor().execute
            elif self._known is not None:
                check_identity(self.settings.path, self._known)
        except SourceFailed:
            self._drop()
            raise
        self._look_at = monotonic() + LOOK
        return self._db

    @contextmanager
    def connection(self, limit: float) -> Generator[sqlite3.Connection]:
        """The connection for other things than asks, within `limit` seconds. Raises as `run` does."""
        deadline = monotonic() + limit
        if not self._lock.acquire(timeout=limit):
            raise TimeoutError
        try:
            yield self._ready(deadline)
        except sqlite3.Error as error:
            self._failed(error)
        finally:
            self._lock.release()

    def close(self, limit: float) -> None:
        """Give back the connection, and forget which file it was; within `limit` seconds, if others let it."""
        if not self._lock.acquire(timeout=limit):
            return
        try:
            self._drop()
            self._known = None
        finally:
            self._lock.release()

    def _drop(self) -> None:
        db, self._db = self._db, None
        self._execute = _closed
        self._look_at = float("-inf")
        self._housework.close()
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    def __del__(self) -> None:
        self._drop()

    # --- Forks ------------------------------------------------------------------------------------------------------
    def before_fork(self) -> None:
        """Close the connection, and keep all threads out until it is done."""
        self._kept_out = self._lock.acquire(timeout=_FORK)
        if self._kept_out:
            self._drop()

    def after_fork(self, *, child: bool) -> None:
        """Let the threads in again; in the child there are none yet."""
        if child:
            if not self._kept_out:
                # Some thread was in the middle of something, with locks that nobody will ever let go of.
                self._orphan = True
                leak(self._db)
                self._db, self._look_at = None, float("-inf")
            self._line.clear()
            self._lock = Lock()
        elif self._kept_out:
            self._lock.release()


def _closed(*_: object) -> sqlite3.Cursor:
    raise sqlite3.OperationalError("no connection")
