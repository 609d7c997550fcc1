"""How long it takes to prove that a policy of 30 leaves is not weaker than another, imports and all.

python -m benchmarks.analysis
"""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from statistics import median
from time import perf_counter

from zerotrust import Bearer, Issuer, Policy, all_of, any_of, at_least

LEAVES = 30


def thirty_leaves() -> tuple[Policy, Policy]:
    """An old policy and a new one that is stricter, of 30 leaves each, made apart as from two files."""
    return _policy(10), _policy(5)


def _policy(fresh: int) -> Policy:
    token = Bearer(Issuer("https://login.example.com"), audience="payments")
    ways = [
        all_of(
            token.scope(f"area{number}:read", f"area{number}:write"),
            token.role(f"editor of {number}"),
            token.fresh(within=timedelta(minutes=fresh * number)),
            ~token.role("contractor"),
        )
        for number in range(1, 6)
    ]
    several = at_least(2, *[token.group(f"group {number}") for number in range(6)])
    closed = any_of(token.claim("status", "suspended", "left"), token.role("guest"))
    strong = any_of(token.acr("phr", "phrh"), token.amr("hwk", "pin"))
    return all_of(any_of(*ways), several, ~closed, strong)


def measure(runs: int = 5) -> tuple[float, float]:
    """Seconds that `assert_not_weaker` takes in a process that has it loaded, and with all imports in a new one."""
    from zerotrust.analysis import assert_not_weaker

    old, new = thirty_leaves()
    begun = perf_counter()
    assert_not_weaker(new, old)
    warm = perf_counter() - begun
    code = (
        "from benchmarks.analysis import thirty_leaves\n"
        "from zerotrust.analysis import assert_not_weaker\n"
        "old, new = thirty_leaves()\n"
        "assert_not_weaker(new, old)\n"
    )
    times: list[float] = []
    for _ in range(runs):
        begun = perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(perf_counter() - begun)
    return warm, median(times)


if __name__ == "__main__":
    warm, cold = measure()
    print(f"assert_not_weaker, two policies of {LEAVES} leaves: {warm:.3f} s; a new process, imports too: {cold:.3f} s")
