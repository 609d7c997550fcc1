"""The long run: `python -m tests.laws.differential --pairs 1000000`. Any difference ends it with status 1."""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from multiprocessing import get_context

from tests.laws.differential.compare import EACH, Tally, compare


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.laws.differential", description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000, help="(policy, evidence) pairs to compare")
    parser.add_argument("--seed", type=int, default=7, help="the same seed makes the same pairs")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    whole, begun, shown = Tally(), time.monotonic(), 0.0
    policies = -(-options.pairs // EACH)
    with get_context("spawn").Pool(options.workers) as pool:
        for tally in pool.imap_unordered(partial(compare, options.seed), range(policies), chunksize=8):
            whole.add(tally)
            for difference in tally.differences:
                print(difference, flush=True)
            spent = time.monotonic() - begun
            if spent - shown >= 10:
                shown = spent
                print(_line(whole, spent), flush=True)
    print(_line(whole, time.monotonic() - begun))
    print("verdicts:", ", ".join(f"{name} {count}" for name, count in whole.verdicts.most_common()))
    print("policies with:", ", ".join(f"{name} {count}" for name, count in whole.kinds.most_common()))
    return 1 if whole.differences else 0


def _line(tally: Tally, spent: float) -> str:
    return (
        f"{tally.pairs} pairs, {tally.kinds['all']} policies, {len(tally.differences)} differences; "
        f"{spent:.0f} s, {tally.pairs / spent:.0f} pairs a second"
    )


if __name__ == "__main__":
    sys.exit(main())
