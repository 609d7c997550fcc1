"""A small file system of its own, which can be filled to the last byte, emptied again, and made read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import need


class Volume:
    """A mounted tmpfs.

    Attributes:
        path: where it is; everybody may pass through.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leave no room for another byte."""
        with self._ballast.open("ab", buffering=0) as ballast:
            size = 1 << 20
            while size:
                try:
                    os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, size)
                except OSError:
                    size //= 2

    def free(self) -> None:
        """Give back what `fill` has taken."""
        self._ballast.unlink()

    def read_only(self, on: bool = True) -> None:
        """Take no more writes, also from root; no file may be open for writing."""
        _run("mount", "-o", f"remount,{'ro' if on else 'rw'}", str(self.path))


@contextmanager
def volume(megabytes: int) -> Iterator[Volume]:
    """A file system of that size, gone afterwards; skips, or fails where the run requires it, where none can be had."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        need("a file system of its own takes root and mount")
    place = Path(tempfile.mkdtemp(prefix="zerotrust-volume-"))
    try:
        try:
            _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "zerotrust", str(place))
        except subprocess.CalledProcessError as error:
            need(f"no file system can be mounted here: {error.stderr.strip()}")
        try:
            yield Volume(place)
        finally:
            # Lazily: whatever a failed test has left open goes with its process.
            _run("umount", "--lazy", str(place))
    finally:
        place.rmdir()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
