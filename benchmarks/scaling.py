"""What stores take and carry (docs/scaling.md): bytes per mark, refusals when full, marks per second, size over time.

    python -m benchmarks.scaling                            every part, every store: about a quarter of an hour
    python -m benchmarks.scaling --part bytes --store redis
    python -m benchmarks.scaling --scale 0.01               a hundredth of the marks: to see that it works

Each figure is one measurement, not a median of many; they are for sizing, not for comparing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks import scaling_bytes, scaling_full, scaling_rate, scaling_steady
from benchmarks.sites import SITES, missing

MEMORY: Final = "memory"
STORES: Final = (MEMORY, *SITES)

Rows = Callable[[str, float], list[str]]
"""The lines of a part for one store; the factor says how many of its usual marks it makes."""

PARTS: Final[dict[str, tuple[str, Rows]]] = {
    "bytes": (scaling_bytes.ABOUT, scaling_bytes.rows),
    "full": (scaling_full.ABOUT, scaling_full.rows),
    "rate": (scaling_rate.ABOUT, scaling_rate.rows),
    "steady": (scaling_steady.ABOUT, scaling_steady.rows),
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.scaling")
    parser.add_argument("--part", choices=PARTS, help="only this part")
    parser.add_argument("--store", choices=STORES, help="only this store")
    parser.add_argument("--scale", type=float, default=1.0, help="how many of the usual marks, e.g. 0.01")
    options = parser.parse_args(arguments)
    for part, (about, rows) in PARTS.items():
        if options.part in (None, part):
            print(f"{part}: {about}", flush=True)
            for store in STORES:
                if options.store in (None, store):
                    for line in _lines(rows, store, options.scale):
                        print(line, flush=True)
            print(flush=True)
    return 0


def _lines(rows: Rows, store: str, scale: float) -> list[str]:
    absent = None if store == MEMORY else missing(store)
    return [f"  {store}: not measured: {absent}"] if absent else rows(store, scale)


if __name__ == "__main__":
    sys.exit(main())
