"""Steps that were forgotten say so; those that were run do not."""

from __future__ import annotations

import gc
import warnings

import pytest

from zerotrust.core.ask import ConsumeOnce, Gather, SourceFailed, ask
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.core.steps import Steps
from zerotrust.driver import NO_SOURCES, Sources, run
from zerotrust.stores.memory import MemoryStore


def marking() -> Gather[bool]:
    return (yield from ask(ConsumeOnce("test", b"key", 20.0, 10.0)))


def test_what_is_run_gives_its_result() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(Steps("mark()", marking()), Sources(MemoryStore())) is True
        with pytest.raises(SourceFailed):
            run(Steps("mark()", marking()), NO_SOURCES)
        gc.collect()


def forget() -> None:
    Steps("mark()", marking())
    gc.collect()


def test_what_is_forgotten_warns() -> None:
    with pytest.warns(RuntimeWarning, match=r"^mark\(\) was never run, so nothing happened: run\(mark\(\), sources\)"):
        forget()


def test_what_is_closed_or_thrown_into_was_not_forgotten() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Steps("mark()", marking()).close()
        with pytest.raises(SourceFailed):
            Steps("mark()", marking()).throw(SourceFailed(SOURCE_DOWN()))
        gc.collect()


def test_within_other_steps_it_is_run_with_them() -> None:
    def outer() -> Gather[bool]:
        return (yield from Steps("mark()", marking()))

    assert run(outer(), Sources(MemoryStore())) is True


def test_closed_steps_leave_by_their_finally() -> None:
    left = []

    def holding() -> Gather[bool]:
        try:
            return (yield from marking())
        finally:
            left.append("left")

    steps = Steps("mark()", holding())
    next(steps)
    steps.close()
    assert left == ["left"]
    with pytest.raises(StopIteration):
        next(steps)
