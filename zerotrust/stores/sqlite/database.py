"""The one connection of a store, and the asks that want it.

Writers of all processes take turns, so a turn has to be short. It ends before the disk is told to keep what was
written, which takes far longer: each thread that has an answer to give does that for the log file as a whole, beside
the others, and the kernel does it once for many.

An exception of a signal handler may come between any two steps, in the main thread. So whatever is begun or taken is so
within the `try` that ends it, and a connection that was left in the middle of something is not used again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from threading import RLock, get_ident
from time import monotonic
from typing import Final, NoReturn, TypeVar

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.stores.codec import refused
from zerotrust.stores.sqlite.connection import Gone, Known, Settings, Torn, check_files, connect
from zerotrust.stores.sqlite.forks import leak, watch
from zerotrust.stores.sqlite.housework import Housework
from zerotrust.stores.sqlite.job import Job
from zerotrust.stores.sqlite.log import LogFile
from zerotrust.stores.sqlite.patience import patiently
from zerotrust.stores.sqlite.together import Outcome, run_together
from zerotrust.stores.sqlite.trouble import is_busy, is_full
from zerotrust.stores.sqlite.work import Execute, Work

T = TypeVar("T")

LOOK: Final = 0.05
"""Seconds between looks whether the file is still the one it was."""

_FORK: Final = 1.0


class Database:
    """The connection of one store in this process; any thread may use it.

    Args:
        settings: the store's.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # Who lets go of it without having it is told so, and a `finally` need not know how far the taking came. A
        # handler that asks in the middle of an ask of its own thread would get it, were it not for `_user`.
        self._lock = RLock()
        self._user = 0
        self._db: sqlite3.Connection | None = None
        self._execute: Execute = _closed
        self._log_file: LogFile | None = None
        self._to_sync: LogFile | None = None
        self._known: Known | None = None
        self._gone: SourceFailed | None = None
        self._housework = Housework(settings.path)
        self._look_at = float("-inf")
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
        now, user = monotonic(), get_ident()
        if self._user == user:
            raise TimeoutError
        try:
            if not self._lock.acquire(False) and not self._lock.acquire(timeout=max(0.0, limit)):
                raise TimeoutError
            try:
                self._user = user
                db = self._db
                if now >= self._look_at or work.atomic or db is None or db.in_transaction:
                    answer = self._carefully(work, now + limit)
                else:
                    try:
                        answer = work.run(self._execute)
                    except sqlite3.Error as error:
                        if not is_busy(error) and not is_full(error):
                            self._failed(error)
                        answer = self._carefully(work, now + limit)  # nothing has happened
                housework = self._housework
                housework.left -= work.weight
                if housework.left <= 0:
                    housework.do(self._db, self._log_file, work.now)
                log_file = self._to_sync
            except (SourceFailed, sqlite3.Error):  # an answer, or seen to
                raise
            except BaseException:
                self._drop()
                raise
            finally:
                self._user = 0
        finally:
            try:  # noqa: SIM105 - nothing may come before it
                self._lock.release()
            except RuntimeError:
                pass
        if log_file is not None and work.weight and answer is not False:  # False: nothing was written
            self._sync(log_file)
        return answer  # pyright: ignore[reportReturnType] - it takes `is not False` for a narrowing

    def run_all(self, jobs: Sequence[Job]) -> None:
        """Carry out many asks, in one transaction. Each gets its outcome, and nothing is raised."""
        now = monotonic()
        for job in jobs:
            if job.deadline < now or not job.wanted():
                job.end(None, TimeoutError())
        waiting = [job for job in jobs if not job.done]
        if len(waiting) > 1:
            waiting = self._run_as_one(waiting)
        for job in waiting:
            try:
                job.end(self.run(job.work, job.deadline - monotonic()))
            except Exception as error:  # noqa: BLE001 - it is for whoever waits for this answer
                job.end(None, error)

    def _run_as_one(self, jobs: list[Job]) -> list[Job]:
        """Give all of them an outcome; those that are left have to be carried out one by one, as one of them fails."""
        deadline = max(job.deadline for job in jobs)
        try:
            with self._turn(deadline - monotonic()):
                outcomes = self._as_one(jobs, deadline)
                log_file = self._to_sync
            if outcomes is None:
                return jobs
            if log_file is not None and any(job.work.weight for job in jobs):
                self._sync(log_file)
        except (SourceFailed, sqlite3.Error, OSError) as error:
            outcomes = [(None, error)] * len(jobs)
        for job, (answer, failure) in zip(jobs, outcomes, strict=True):
            job.end(answer, failure)
        return []

    def _sync(self, log_file: LogFile) -> None:
        try:
            log_file.sync()
        except OSError:
            self._look_at = float("-inf")  # the next ask takes a new connection, and another file than this
            raise

    # --- With the lock held -----------------------------------------------------------------------------------------
    def _carefully(self, work: Work[T], deadline: float) -> T:
        self._ready(deadline)

        def attempt() -> T:
            return self._transaction(work) if work.atomic else work.run(self._execute)

        try:
            try:
                return patiently(attempt, deadline)
            except sqlite3.Error as error:
                if not is_full(error) or not self._housework.make_room(self._db, work.now):
                    raise
                return patiently(attempt, deadline)
        except sqlite3.Error as error:
            self._failed(error)

    def _as_one(self, jobs: Sequence[Job], deadline: float) -> list[Outcome] | None:
        """What came of each, in one transaction; None if nothing, as one of them fails."""
        self._ready(deadline)
        try:
            patiently(lambda: self._execute("BEGIN IMMEDIATE"), deadline)
            try:
                outcomes = run_together(self._execute, jobs)
            except Exception:  # noqa: BLE001 - whose it is shows when each is carried out alone
                self._roll_back()
                return None
            self._execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                self._failed(error)
            raise
        self._housework.left -= sum(job.work.weight for job in jobs)
        if self._housework.left <= 0:
            self._housework.do(self._db, self._log_file, jobs[-1].work.now)
        return outcomes

    def _transaction(self, work: Work[T]) -> T:
        try:
            self._execute("BEGIN IMMEDIATE")
            answer = work.run(self._execute)
            self._execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return answer

    def _roll_back(self) -> None:
        if self._db is not None and self._db.in_transaction:
            try:
                self._execute("ROLLBACK")
            except sqlite3.Error:
                self._drop()

    def _failed(self, error: sqlite3.Error) -> NoReturn:
        # What is wrong with the file may have been mended by the next ask; what is wrong with the connection stays.
        if not is_busy(error) and not is_full(error):
            self._drop()
        raise error

    # --- The connection ---------------------------------------------------------------------------------------------
    @contextmanager
    def _turn(self, limit: float) -> Generator[None]:
        """The lock, within `limit` seconds; what `run` does by hand, as it has to be fast."""
        if self._user == get_ident():
            raise TimeoutError
        try:
            if not self._lock.acquire(timeout=max(0.0, limit)):
                raise TimeoutError
            try:
                self._user = get_ident()
                yield
            except (SourceFailed, sqlite3.Error):
                raise
            except BaseException:
                self._drop()
                raise
            finally:
                self._user = 0
        finally:
            try:  # noqa: SIM105 - nothing may come before it
                self._lock.release()
            except RuntimeError:
                pass

    def _ready(self, deadline: float) -> sqlite3.Connection:
        now = monotonic()
        if self._db is not None and self._db.in_transaction:  # somebody was interrupted in the middle of it
            self._drop()
        if self._log_file is not None and self._log_file.failed:
            self._drop()
        if self._db is not None and now < self._look_at:
            return self._db
        if self._gone is not None:
            raise SourceFailed(self._gone.reason)
        if self._orphan:
            raise refused("this process was forked while the database was in use; fork before the store is used")
        try:
            if self._db is None:
                self._db, self._known = connect(self.settings, self._known, deadline)
                self._execute = self._db.cursor().execute
                self._log_file = LogFile(self.settings.path)
                self._to_sync = self._log_file if self.settings.durable else None
            elif self._known is not None:
                check_files(self.settings.path, self._known)
        except BaseException as error:
            if isinstance(error, Torn):
                leak(self._db)
                self._db = None
            self._drop()
            if isinstance(error, Gone):  # for good: another file may come to have its number
                self._gone = error
            raise
        self._look_at = monotonic() + LOOK
        return self._db

    @contextmanager
    def connection(self, limit: float) -> Generator[sqlite3.Connection]:
        """The connection for other things than asks, within `limit` seconds. Raises as `run` does."""
        deadline = monotonic() + limit
        with self._turn(limit):
            try:
                yield self._ready(deadline)
            except sqlite3.Error as error:
                self._failed(error)

    def close(self, limit: float) -> None:
        """Give back the connection, and forget which file it was; within `limit` seconds, if others let it."""
        with suppress(TimeoutError), self._turn(limit):
            self._drop()
            self._known = self._gone = None

    def _drop(self) -> None:
        db, self._db = self._db, None
        self._log_file = self._to_sync = None
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
        self._kept_out = False
        if self._user != get_ident():  # else a handler forks, in the middle of an ask
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
            self._lock = RLock()
            self._user = 0
        elif self._kept_out:
            self._lock.release()


def _closed(*_: object) -> sqlite3.Cursor:
    raise SourceFailed(SOURCE_DOWN(detail="the connection was given up"))
