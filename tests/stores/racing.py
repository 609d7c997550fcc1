"""Processes that race. They are forked from one that has imported what they need, so that a test can afford them.

`python -m tests.stores.racing MODULE 7,10 8,11` forks one racer for each pair of descriptors, which become its standard
input and output, and has it call the module's `main`: that takes one line of orders after the other, to the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 60.0


@dataclass(frozen=True)
class Racer:
    """One of them."""

    orders: IO[str]
    answers: IO[str]

    def tell(self, line: str) -> None:
        print(line, file=self.orders, flush=True)

    def said(self) -> str:
        line = self.answers.readline()
        assert line, "a racer has ended early; its error is above"
        return line.strip()


@contextmanager
def racing(module: str, count: int) -> Iterator[list[Racer]]:
    """So many racers, each of which takes orders as `module` does. When this ends, they have, without an error."""
    with ExitStack() as stack:
        racers: list[Racer] = []
        theirs: list[tuple[int, int]] = []
        for _ in range(count):
            (their_input, orders), (answers, their_output) = os.pipe(), os.pipe()
            theirs.append((their_input, their_output))
            racers.append(
                Racer(stack.enter_context(os.fdopen(orders, "w")), stack.enter_context(os.fdopen(answers, "r")))
            )
        # Without coverage: what they run others run, too, and they are to be quick.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        first = subprocess.Popen(
            [sys.executable, "-m", "tests.stores.racing", module, *(f"{one},{other}" for one, other in theirs)],
            cwd=_ROOT,
            env={**environ, "PYTHONPATH": str(_ROOT)},
            pass_fds=[one for pair in theirs for one in pair],
        )
        stack.callback(first.wait, _PATIENCE)
        stack.callback(first.kill)
        for pair in theirs:
            _close(pair)
        yield racers
        for racer in racers:
            racer.orders.close()
        assert first.wait(_PATIENCE) == 0, "a racer has failed; its error is above"


def _close(pair: tuple[int, int]) -> None:
    for one in pair:
        os.close(one)


def _start(module: str, pairs: list[tuple[int, int]]) -> int:
    """Fork the racers and wait for them; 1 if one has failed."""
    main = import_module(module).main
    for number, pair in enumerate(pairs):
        if os.fork() == 0:
            failed = 1
            try:
                for other in pairs[number + 1 :]:  # else nobody hears that their racers have ended
                    _close(other)
                for wanted, one in enumerate(pair):
                    os.dup2(one, wanted)
                _close(pair)
                main()
                sys.stdout.flush()
                failed = 0
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(failed)
        _close(pair)
    ended = [os.wait()[1] for _ in pairs]
    return int(any(ended))


if __name__ == "__main__":
    sys.exit(_start(sys.argv[1], [(int(one), int(other)) for one, other in (pair.split(",") for pair in sys.argv[2:])]))
