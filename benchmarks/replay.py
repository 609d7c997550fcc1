"""A million recorded decisions, tried under another policy: how long it takes, and how much memory at most.

    python -m benchmarks.replay [COUNT]

Capsules are written by the recorder as a guard has them written, of decisions about tokens that differ in subject,
moments, scopes, roles, contexts and routes; then `zerotrust replay` reads them, in a process of its own, plain and
compressed.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from zerotrust import AccessRequest, Bearer, Issuer, minutes
from zerotrust.core.finding import Finding, Rejected, Verified
from zerotrust.core.reason import EXPIRED
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge
from zerotrust.replay import Recorder

NOW: Final = 1_800_000_000.0
KEY: Final = bytes(range(32))
ROUTES: Final = tuple(f"/accounts/{{account}}/{name}" for name in ("pay", "refund", "close", "limits", "cards"))

token = Bearer(Issuer("https://issuer.example"), audience="api")
recent = token.fresh(within=minutes(5)) | token.acr("aal2")
can_pay = (token.scope("pay") & recent & ~token.role("suspended")).named("can pay")

NEW: Final = """
from benchmarks.replay import minutes, token
recent = (token.fresh(within=minutes(4)) | token.acr("aal2", "aal3")).named("recent")
can_pay = (token.scope("pay") & recent & ~token.role("suspended")).named("can pay")
"""


def worlds(count: int) -> Iterator[tuple[dict[Verifier[Any], Finding[Any]], float, str]]:
    """Findings, moments and routes, no two alike."""
    kinds = list(product((["pay"], ["read"], ["pay", "read"]), ([], ["suspended"], ["clerk"]), range(0, 1200, 60)))
    for number in range(count):
        scope, roles, ago = kinds[number % len(kinds)]
        now = NOW + number / 100
        says = {
            "scope": scope,
            "claims.roles": roles,
            "auth_time": now - ago - number % 7 / 10,
            "acr": f"aal{number % 4}",
        }
        found: Finding[Any] = Rejected(EXPIRED())
        if number % 11:
            found = Verified(token.exhibit({**says, "subject": f"person-{number % 50_000}"}, now))
        yield {token: found}, now, ROUTES[number % len(ROUTES)]


def write(path: Path, count: int) -> float:
    """Write so many capsules; gives the seconds that recording took, without making up the decisions."""
    spent = 0.0
    with path.open("wb") as file:
        recorder = Recorder(can_pay, key=KEY, sink=lambda line: bool(file.write(line)))
        for found, now, route in worlds(count):
            decision = judge(can_pay, found, now)
            request = AccessRequest(now=now, method="POST")
            begun = perf_counter()
            recorder.record(decision, request, route=route)
            spent += perf_counter() - begun
    assert (recorder.recorded, recorder.failed) == (count, 0)
    return spent


def replay(path: Path, policies: Path) -> tuple[float, float, dict[str, Any]]:
    """Seconds, peak memory in MiB, and the report."""
    command = [sys.executable, "-m", "zerotrust.cli", "replay", str(path), "--policy", str(policies), "--json"]
    begun = perf_counter()
    ran = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    seconds = perf_counter() - begun
    assert ran.returncode in (0, 3), ran.stderr.decode()
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, json.loads(ran.stdout)


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, policies = Path(folder) / "capsules.jsonl", Path(folder) / "new.py"
        policies.write_text(NEW)
        spent = write(path, count)
        size = path.stat().st_size
        print(f"recorded  {count:,} decisions, {spent / count * 1e6:.1f} us each, {size / count:.0f} bytes each")
        packed = Path(f"{path}.gz")
        with path.open("rb") as plain, gzip.open(packed, "wb", compresslevel=1) as compressed:
            shutil.copyfileobj(plain, compressed)
        for one in (path, packed):
            seconds, memory, report = replay(one, policies)
            counts = {name: number for name, number in report.items() if isinstance(number, int)}
            print(
                f"replayed  {one.name}: {seconds:.1f} s, {count / seconds:,.0f}/s, at most {memory:.0f} MiB  {counts}"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
