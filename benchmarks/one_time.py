"""Four uvicorn workers that accept each credential once, under load: every one is sent to all of them at once.

    python -m benchmarks.one_time                                   every store, both ways to run workers
    python -m benchmarks.one_time --store redis --seconds 60        one of: redis, sqlite, postgres, ...
    python -m benchmarks.one_time --what proofs                     DPoP proofs (RFC 9449 section 11.1), not tokens

What must come out: only 200 and 401, and exactly one 200 for each of them. The exit status says whether it did. Client,
workers and server share the machine's cores, so the requests per second are what they reach together.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import count, cycle
from pathlib import Path
from typing import Final

from benchmarks.material import material
from benchmarks.one_time_app import DURABLE, KEYS, PROOFS, STORE, TOKENS, WHAT
from benchmarks.one_time_client import HOST, PATH, Tally, drive
from benchmarks.runner import ROOT
from benchmarks.sites import SITES, missing, site
from zerotrust.testing.dpop import DPoPClient

WORKERS: Final = 4
LANES: Final = 8
CLIENTS: Final = 16
SECONDS: Final = 60.0
_PATIENCE: Final = 30.0


# --- Workers ---------------------------------------------------------------------------------------------------------
@contextmanager
def on_ports_of_their_own(environment: Mapping[str, str]) -> Iterator[list[int]]:
    """Four processes of uvicorn, each on a private port: whoever asks all ports has asked all workers."""
    with ExitStack() as stack:
        ports: list[int] = []
        processes: list[subprocess.Popen[bytes]] = []
        for _ in range(WORKERS):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
            ports.append(listener.getsockname()[1])
            descriptor = listener.fileno()
            command = [sys.executable, "-m", "benchmarks.one_time_app", str(descriptor)]
            processes.append(subprocess.Popen(command, cwd=ROOT, env=dict(environment), pass_fds=[descriptor]))
            stack.callback(_end, processes[-1])
        _until(lambda: all(map(_ready, ports)), processes)
        yield ports


@contextmanager
def on_one_port(environment: Mapping[str, str]) -> Iterator[list[int]]:
    """`uvicorn --workers 4`: the kernel deals connections out to whichever worker takes them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.one_time_app:create_app"]
    command += ["--workers", str(WORKERS), "--port", str(port), "--log-level", "info", "--no-access-log"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=ROOT, env=dict(environment), stderr=said)
        try:
            _until(lambda: os.pread(said.fileno(), 2**16, 0).count(b"startup complete") == WORKERS, [process])
            yield [port] * WORKERS
        finally:
            _end(process)
            said.seek(0)
            sys.stderr.writelines(line for line in said.read().decode().splitlines(True) if "INFO" not in line)


WAYS: Final = {"own ports": on_ports_of_their_own, "one port": on_one_port}


def _until(ready: Callable[[], bool], processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait for `ready`, which nobody announces; an error if a process ends instead."""
    ends = time.monotonic() + _PATIENCE
    while not ready():
        if time.monotonic() > ends or any(process.poll() is not None for process in processes):
            raise RuntimeError("the workers did not start; their own words are beside this")
        time.sleep(0.05)


def _ready(port: int) -> bool:
    """Whether there is an answer for `GET /ready`."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2.0) as connection:
        connection.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return connection.recv(64).startswith(b"HTTP/1.1 200 ")
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_PATIENCE)


# --- One run ---------------------------------------------------------------------------------------------------------
def run(store: str, way: str, seconds: float, lanes: int = LANES, what: str = TOKENS) -> Tally:
    """Start a store and its workers, send `what` for `seconds`, and end them all."""
    with ExitStack() as stack:
        place = stack.enter_context(site(store))
        keys = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "keys.json"
        keys.write_text(json.dumps(material("ES256").jwks))
        chosen = {STORE: place.url, DURABLE: str(int(place.durable)), KEYS: str(keys), WHAT: what}
        ports = stack.enter_context(WAYS[way]({**os.environ, **chosen}))
        return asyncio.run(drive(ports, MINTING[what](), seconds, lanes=lanes))


def minting_tokens() -> Callable[[], str]:
    """Makes ES256 access tokens of one issuer, each with a `jti` of its own, good for five minutes."""
    made, begin, numbers = material("ES256"), secrets.token_urlsafe(12), count()

    def mint() -> str:
        now = int(time.time())
        token = made.token(jti=f"{begin}.{next(numbers)}", iat=now, nbf=now, exp=now + 300)
        return f"Authorization: Bearer {token}"

    return mint


def minting_proofs() -> Callable[[], str]:
    """Makes ES256 proofs of several clients in turn, each client with one access token that is good for hours."""
    made = material("ES256")
    clients = [DPoPClient(clock=time.time) for _ in range(CLIENTS)]
    turns = cycle([(client, made.token(cnf=client.cnf)) for client in clients])

    def mint() -> str:
        client, token = next(turns)
        proof = client.proof("GET", f"http://{HOST}{PATH}", token)
        return f"Authorization: DPoP {token}\r\nDPoP: {proof}"

    return mint


MINTING: Final = {TOKENS: minting_tokens, PROOFS: minting_proofs}


def table(tallies: Mapping[tuple[str, str], Tally]) -> str:
    """A row for each run, and what was wrong in it."""
    columns = ("requests/s", "p50 ms", "p99 ms", "sent", "accepted", "refused", "errors", "not once")
    lines = [f"{'store':<12} {'workers':<10} {'seconds':>7} {' '.join(f'{column:>10}' for column in columns)}  goal"]
    for (store, way), tally in tallies.items():
        seen = tally.statuses
        rate = seen.total() / tally.seconds if tally.seconds else 0.0
        figures = [f"{rate:.0f}", f"{tally.percentile(0.5) * 1e3:.1f}", f"{tally.percentile(0.99) * 1e3:.1f}"]
        figures += [str(number) for number in (tally.sent, seen[200], seen[401], tally.errors, tally.wrong)]
        cells = " ".join(f"{figure:>10}" for figure in figures)
        met = "met" if good(tally) else "MISSED"
        lines.append(f"{store:<12} {way:<10} {tally.seconds:>7.1f} {cells}  {met}")
        shares = ", ".join(str(number) for _, number in sorted(tally.workers.items()))
        reached = ", ".join(str(number) for _, number in sorted(tally.reached.items()))
        lines.append(f"{'':<12} accepted by each worker: {shares}; connections to each: {reached}")
        if not good(tally):
            times = ", ".join(f"{number} of them {often} times" for often, number in sorted(tally.acceptances.items()))
            lines.append(f"{'':<12} accepted: {times}")
            lines += [f"{'':<12} {status}: {body.decode(errors='replace')}" for status, body in tally.refusals]
    return "\n".join(lines)


def good(tally: Tally) -> bool:
    """Whether no answer was an error, and every credential was accepted exactly once."""
    return tally.sent > 0 and tally.errors == 0 and tally.wrong == 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.one_time", description=__doc__)
    parser.add_argument("--store", choices=SITES, help="only this one")
    parser.add_argument("--workers", choices=WAYS, help="only this way to run four workers")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long they are sent, each way")
    parser.add_argument("--lanes", type=int, default=LANES, help="how many are under way at a time")
    parser.add_argument("--what", choices=MINTING, default=TOKENS, help="what counts once")
    options = parser.parse_args(arguments)
    tallies: dict[tuple[str, str], Tally] = {}
    for store in [options.store] if options.store else SITES:
        absent = missing(store)
        if absent is not None:
            print(f"{store}: not run: {absent}", flush=True)
            continue
        for way in [options.workers] if options.workers else WAYS:
            tallies[store, way] = run(store, way, options.seconds, options.lanes, options.what)
            print(table({(store, way): tallies[store, way]}), end="\n\n", flush=True)
    return 0 if tallies and all(map(good, tallies.values())) else 1


if __name__ == "__main__":
    sys.exit(main())
