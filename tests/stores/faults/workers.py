"""Processes that use a store until they are killed, and write down what they were told before they go on.

They are forked from one that has imported everything already, so that a test can afford to kill dozens.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.stores.faults.world import Asker, Kind, Marks, Style, advance, count, opened, put, until
from zerotrust.core.ask import Ask

_ROOT = Path(__file__).parents[3]
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
# Marks that a worker asks for: every one is looked at afterwards. With each it asks for three more things.
_MOST = 120
_ALL = 4 * _MOST


@dataclass(frozen=True)
class Told:
    """What a worker was told, in order.

    Attributes:
        marks: (key, whether it is theirs).
        values: the keys whose value was put.
        counted: how many events it has counted.
        step: the last value that was advanced to; 0 for none.
        failures: what failed; nothing should.
    """

    marks: tuple[tuple[int, bool], ...]
    values: tuple[int, ...]
    counted: int
    step: int
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Worker:
    """A process at work.

    Attributes:
        name: what it counts and advances under.
    """

    name: str
    pid: int
    log: Path
    nursery: Nursery

    def said(self) -> int:
        """How many answers it has written down."""
        return self.log.read_bytes().count(b"\n")

    def goes_on(self, further: int) -> None:
        """Wait until it has written down so many more, or all there are."""
        wanted = min(self.said() + further, _ALL)
        until(lambda: self.said() >= wanted, f"worker {self.name} goes on")

    def kill(self) -> Told:
        """SIGKILL it; what it was told until then."""
        self.nursery.kill(self.pid)
        marks: list[tuple[int, bool]] = []
        values: list[int] = []
        failures: list[str] = []
        counted = step = 0
        for line in self.log.read_text("ascii").splitlines():
            what, number, *rest = line.split()
            if what == "mark":
                marks.append((int(number), rest == ["True"]))
            elif what == "put":
                values.append(int(number))
            elif what == "count":
                counted += 1
            elif what == "step" and rest == ["True"]:
                step = int(number)
            else:
                failures.append(line)
        return Told(tuple(marks), tuple(values), counted, step, tuple(failures))


class Nursery:
    """Starts workers, and ends them."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._born = 0

    def start(self, kind: Kind, style: Style, where: str, marks: Marks, first: int, **options: Any) -> Worker:
        """A worker that asks for the marks from `first` on."""
        self._born += 1
        name = f"w{self._born}"
        log = self._folder / name
        log.touch()
        pid = self._say(
            {"name": name, "log": str(log), "kind": kind, "style": style, "where": where, "options": options,
             "first": first, "now": marks.now, "space": marks.space}
        )  # fmt: skip
        return Worker(name, pid, log, self)

    def kill(self, pid: int) -> None:
        """SIGKILL a worker, and wait until it is gone."""
        assert self._say({"kill": pid}) == pid

    def _say(self, what: dict[str, Any]) -> int:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        print(json.dumps(what), file=stdin, flush=True)
        return int(stdout.readline())


@contextmanager
def nursing(folder: Path) -> Iterator[Nursery]:
    """A nursery; when this ends, it and all workers are gone."""
    command = [sys.executable, "-m", "tests.stores.faults.workers"]
    # Without coverage: who is killed has measured nothing.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=_ROOT, env=environ, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Nursery(process, folder)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            finally:
                process.kill()


# --- In the nursery, and in a worker ---------------------------------------------------------------------------------
def _main(orders: IO[str]) -> None:
    for line in orders:
        order = json.loads(line)
        pid = order.get("kill")
        if pid is None:
            pid = os.fork()
            if pid == 0:
                ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
                os.close(1)
                try:
                    _work(**order)
                finally:
                    os._exit(1)
        else:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        print(pid, flush=True)


def _work(
    *, name: str, log: str, kind: Kind, style: Style, where: str, options: Any, first: int, now: float, space: str
) -> None:
    book = os.open(log, os.O_WRONLY | os.O_APPEND)

    def told(asker: Asker, what: str, number: int, question: Ask[Any]) -> None:
        outcome = asker.ask(question)
        line = f"{what} {number} {outcome.value}" if outcome.reason is None else f"failed {what} {number}: {outcome}"
        os.write(book, f"{line}\n".encode("ascii", "replace"))  # at once: a killed process leaves whole lines

    marks, own, number = Marks(space, now=now), name.encode(), 0
    with opened(kind, style, where, 10.0, **options) as asker:
        while number < _MOST:
            number += 1
            key = first + number
            told(asker, "mark", key, marks.question(key))
            told(asker, "put", number, put(own + b"/%d" % number, b"%d" % number, now))
            told(asker, "count", number, count(own, now))
            old = None if number == 1 else b"%d" % (number - 1)
            told(asker, "step", number, advance(own, old, b"%d" % number, now))
        signal.pause()  # too late to be killed in the middle of something


if __name__ == "__main__":
    _main(sys.stdin)
