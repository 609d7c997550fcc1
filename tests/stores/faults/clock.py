"""A server's own clock, set to whatever a test wants: a few lines of C stand between the server and the time of day.

(libfaketime, which does this and more, does not start together with jemalloc, and so not with Debian's Redis.)
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import need

_SHIM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *off;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("TEST_CLOCK_OFFSET");
    int file = path ? open(path, O_RDONLY) : -1;
    if (file < 0) return;
    void *at = mmap(0, sizeof *off, PROT_READ, MAP_SHARED, file, 0);
    if (at != MAP_FAILED) off = at;
    close(file);
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, id, now);
    if (!failed && off && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += *off;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (at) *at = exact.tv_sec;
    return exact.tv_sec;
}
"""


def compiled(folder: Path) -> Path:
    """The library that processes load before any other; everybody may read it."""
    library = folder / "clock.so"
    compiler = shutil.which("cc") or shutil.which("gcc")
    need(None if compiler else "a C compiler makes what fakes the server's clock, and none is on the path")
    assert compiler is not None
    command = [compiler, "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(library)]
    made = subprocess.run(command, input=_SHIM, text=True, capture_output=True, check=False)
    need(f"what fakes the server's clock does not compile here: {made.stderr[-500:]}" if made.returncode else None)
    library.chmod(0o755)
    return library


class FakeClock:
    """How far the clocks of processes are off that were started within `preloaded`.

    Args:
        library: what `compiled` gave.
        offset: a file that those processes can read.
    """

    def __init__(self, library: Path, offset: Path) -> None:
        self._library = library
        self._offset = offset
        self.set(0)
        offset.chmod(0o644)

    def set(self, seconds: int) -> None:
        """Be so many seconds ahead of the true time from now on."""
        with self._offset.open("r+b" if self._offset.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))

    @contextmanager
    def preloaded(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Processes that are started meanwhile go by this clock."""
        with monkeypatch.context() as environment:
            environment.setenv("LD_PRELOAD", str(self._library))
            environment.setenv("TEST_CLOCK_OFFSET", str(self._offset))
            yield
