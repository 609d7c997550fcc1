"""What holds for every test: how Hypothesis searches, and that no packet leaves the machine."""

from __future__ import annotations

import gc
import os
import re
import sys
import threading
from collections.abc import Generator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# No profile has a deadline: a shared machine is slow at times, and a slow example is not a wrong one.
settings.register_profile("dev", deadline=None, print_blob=True)
# The same examples on every run: what CI refuses, the next run refuses too.
settings.register_profile("ci", deadline=None, derandomize=True, database=None, max_examples=35, print_blob=True)
# `pytest --hypothesis-profile=long`: new examples each time, many of them, for a night or before a release.
settings.register_profile("long", deadline=None, max_examples=20_000, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# Tests and modules stay to the end: looking for garbage among them, again and again, was a sixth of the suite's work.
gc.disable()


@pytest.hookimpl(tryfirst=True)  # before the one that hands tests to workers
def pytest_runtestloop() -> None:
    """Garbage is looked for from here on, and only among what tests leave, less often than by default."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


# Tests that go over the same lines again and again: they look for another order, another input, another process. Under
# CPython 3.11's tracer they took most of the suite's time, and what they cover, others cover too. (pytest-cov's mark
# would start coverage anew each time, which wraps `os._exit` once more.)
_UNMEASURED = re.compile(
    r"(benchmarks|conformance|e2e|examples|laws|typing)/|.*_(races|models?|machine|cache_law|properties|smuggling)\.py$"
)
_MEASURED = "COVERAGE_PROCESS_CONFIG"  # by what is in this variable, in processes of their own too


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what coverage is not measured of."""
    here = Path(__file__).parent
    for item in items:
        if _UNMEASURED.match(item.path.relative_to(here).as_posix()):
            item.add_marker(pytest.mark.unmeasured)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Neither such a test is measured, nor the threads and processes that it starts."""
    told = os.environ.pop(_MEASURED, None) if item.get_closest_marker("unmeasured") else None
    if told is None:
        return (yield)
    tracer, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        threading.settrace(of_threads)
        sys.settrace(tracer)
        os.environ[_MEASURED] = told


_settrace = sys.settrace


def _settrace_again(function: Any) -> None:
    """CPython 3.11 refuses while another thread, starting at the same moment, is at it, and the thread dies of that."""
    for _ in range(1000):
        try:
            _settrace(function)
        except RuntimeError:  # only under coverage
            continue
        return
    _settrace(function)


if sys.version_info < (3, 12):
    sys.settrace = _settrace_again

_LOCAL_NAMES = frozenset({None, "", "localhost", b"localhost"})


def _is_loopback(host: object) -> bool:
    if host in _LOCAL_NAMES:
        return True
    try:
        return ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def refuse_the_network(event: str, args: tuple[object, ...]) -> None:
    """Raise when a test is about to look up or connect to another machine."""
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in {"socket.connect", "socket.sendto"} and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    if not _is_loopback(host):
        # An OSError would be taken for an outage, by code whose very job is to live with outages.
        raise AssertionError(f"a test reached for {host!r}; tests stay on loopback")


# An audit hook cannot be taken out again, nor be patched away by a test.
sys.addaudithook(refuse_the_network)
