"""Policy files are read again when they change, as a whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Final

from zerotrust.service.app import Service
from zerotrust.service.setup import Setup

_LOG: Final = logging.getLogger("zerotrust.service")

LATE_SECONDS: Final = 30.0
"""Seconds after which it is told that a policy file is still being loaded."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an attempt to load a policy file came to.

    Attributes:
        setup: what the file defines; or what is wrong with it.
        files: the file and those that it imported, or tried to, from beside itself.
        seen: what they hold (`digest`); empty if the file was written while it was loaded.
    """

    setup: Setup | Exception
    files: tuple[Path, ...]
    seen: str


class Reloader:
    """Loads policies again when the contents of their files change.

    The new ones are loaded in full before they take the place of the old; if they cannot be, the old ones stay, and
    that is said on the logger `zerotrust.service` once for each content, in the metrics and by /readyz; and once when
    all is well again. Files that were only touched change nothing. Files that are just being written are waited for:
    they have to be the same at two looks.

    Args:
        service: gets the policies.
        load: loads the file anew. It runs in a thread.
        first: what it came to when the policies in force were loaded.
    """

    def __init__(self, service: Service, load: Callable[[], Loaded], first: Loaded) -> None:
        self._service = service
        self._load = load
        self._in_force = first
        self._files = first.files  # that are looked at
        self._failed = ""  # the contents that could not be used
        self._seen = ""  # the contents at the last look, if they are new
        self._lock = Lock()
        self._asked = False  # whether somebody waits to load at once
        # Threads put on the right what the event loop takes from the left.
        self._retired: deque[Setup] = deque()

    def look(self) -> None:
        """Look at the files once, and load them if they have changed and stay so."""
        with self._lock:
            now = digest(self._files)
            # What could not be loaded may have been more files than those in force.
            if digest(self._in_force.files) == self._in_force.seen:
                self._restored()
            elif now == self._failed:
                self._seen = ""
            elif now != self._seen:
                self._seen = now
            else:
                self._read(now)

    def reload(self) -> None:
        """Load the files at once, changed or not (SIGHUP)."""
        with self._lock:
            self._asked = False  # whoever asks from now on may have changed them
            self._read(digest(self._files))

    def _restored(self) -> None:
        metrics = self._service.metrics
        if metrics.reload_failed:
            metrics.reload_failed = False
            _LOG.warning("the files are again as they were loaded; what is in force:\n%s", self._service.setup)
        self._files, self._failed, self._seen = self._in_force.files, "", ""

    def _read(self, before: str) -> None:
        service, loaded = self._service, self._load()
        torn = not loaded.seen or digest(self._files) != before
        setup = loaded.setup
        if isinstance(setup, Setup) and not torn:
            old = service.setup
            try:
                service.use(setup)  # tells what it is
            except Exception as error:  # noqa: BLE001 - whatever it is, the old policies stay
                setup = error
            else:
                self._retired.append(old)
                self._in_force, self._files, self._failed, self._seen = loaded, loaded.files, "", ""
                again = " again, after files that could not be used" if service.metrics.reload_failed else ""
                service.metrics.reload_failed = False
                service.metrics.reloaded("loaded")
                _LOG.warning("new policies are in force%s", again)
                return
        if torn:  # written meanwhile: it is looked at again
            self._seen = ""
            return
        self._files = tuple(dict.fromkeys((*self._in_force.files, *loaded.files)))
        self._failed, self._seen = digest(self._files), ""
        service.metrics.reload_failed = True
        service.metrics.reloaded("failed")
        _LOG.error("the old policies stay in force, since the new ones cannot be used: %s", setup)

    async def close_retired(self) -> None:
        """Close the sources of policies that no decision uses any more, but for those that others still have."""
        idle: list[Setup] = []
        for _ in range(len(self._retired)):
            old = self._retired.popleft()
            (self._retired if old.users else idle).append(old)
        for source in {id(source): source for old in idle for source in old.sources}.values():
            used = (self._service.setup, *tuple(self._retired))  # by now
            if not any(source is other for setup in used for other in setup.sources):
                await close((source,))

    async def run(self, interval: float, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Look every `interval` seconds, until cancelled."""
        while True:
            await sleep(interval)
            await self._aside(self.look)

    async def at_once(self) -> None:
        """Load the files at once, changed or not. However often it is asked for meanwhile, it is done once more."""
        if not self._asked:
            self._asked = True
            await self._aside(self.reload)

    async def _aside(self, work: Callable[[], None]) -> None:
        try:
            late = asyncio.get_running_loop().call_later(LATE_SECONDS, self._late)
            try:
                await aside(work)
            finally:
                late.cancel()
            await self.close_retired()
        except Exception:  # noqa: BLE001 - a look that fails is not the last one
            self._asked = False
            _LOG.exception("the policy file could not be looked at")

    def _late(self) -> None:
        self._service.metrics.reload_failed = True
        _LOG.error(
            "the old policies stay in force: the policy file is being loaded for more than %d seconds; see what it "
            "waits for, and start the service again if it never ends",
            LATE_SECONDS,
        )


async def aside(work: Callable[[], None]) -> None:
    """Wait for `work` in a thread that nothing waits for when the process ends: what it runs may hang.

    Raises:
        Exception: what `work` raised.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except Exception as raised:  # noqa: BLE001 - it is told to who waits
            error = raised
        with suppress(RuntimeError):  # nobody waits any more: the loop is closed
            loop.call_soon_threadsafe(tell, error)

    Thread(target=run, name="zerotrust policies", daemon=True).start()
    await done


async def close(sources: Iterable[object]) -> None:
    """Close `sources`, as far as they can be."""
    for source in sources:
        closing = getattr(source, "aclose", None)
        if closing is None:
            continue
        try:
            await closing()
        except Exception:  # noqa: BLE001 - a source of somebody's own
            _LOG.exception("%s could not be closed", type(source).__name__)


def digest(files: Iterable[Path]) -> str:
    """What the files hold, and where they lie, in one value.

    One that is not there, or is no file that can be read, differs from one that is empty. A link differs from what it
    was once it leads elsewhere, since then modules beside the file are others, too.
    """
    whole = hashlib.sha256()
    for file in sorted(set(files)):
        try:
            # To read a FIFO would wait for a writer.
            held = b"1" + hashlib.sha256(file.read_bytes()).digest() if file.is_file() else b"0"
        except OSError:
            held = b"0"
        whole.update(os.fsencode(file) + b"\0" + os.fsencode(os.path.realpath(file)) + b"\0" + held)
    return whole.hexdigest()
