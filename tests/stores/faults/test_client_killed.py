"""Processes are killed (SIGKILL) while they use a store: what they were told holds, and nobody after them is stuck."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import pytest

from tests.search import share_of
from tests.stores.faults.workers import Nursery, Told, Worker, nursing
from tests.stores.faults.world import (
    FILES_AND_SERVERS,
    STYLES,
    Asker,
    Kind,
    Marks,
    Outcome,
    Style,
    advance,
    count,
    lookup,
    opened,
)

KILLS = share_of(6)


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursing(tmp_path_factory.mktemp("workers")) as made:
        yield made


def place(request: pytest.FixtureRequest, kind: Kind, folder: Path) -> str:
    """Where the store keeps what it keeps."""
    return str(folder / "store.db") if kind == "sqlite" else str(request.getfixturevalue(kind).url)


def check(asker: Asker, marks: Marks, worker: Worker, told: Told) -> None:
    """What a worker was told holds; what it was not told may have been done once more, at most."""
    assert not told.failures
    for key, given in told.marks:
        marks.note(key, Outcome(given, None, 0.0))
        assert given or key in marks.acknowledged or marks.use(asker, key).value is False
    own, now = worker.name.encode(), marks.now
    for number in told.values[-20:]:
        assert asker.get(lookup(own + b"/%d" % number, now)) == b"%d" % number
    assert told.counted <= asker.get(count(own, now, add=0)) <= told.counted + 1
    # The step is where the worker was told it is, or one further; and it goes on from there, once.
    steps = [b"%d" % step if step else None for step in (told.step, told.step + 1)]
    assert [asker.get(advance(own, step, b"end", now)) for step in steps].count(True) == 1


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", FILES_AND_SERVERS)
def test_what_a_killed_process_was_told_holds(
    request: pytest.FixtureRequest, kind: Kind, style: Style, nursery: Nursery, namespace: str, tmp_path: Path
) -> None:
    where, chance, before = place(request, kind, tmp_path), Random(f"{kind}-{style}"), Marks()
    for turn in range(KILLS):
        first, marks = turn * 1_000_000, Marks(now=before.now)
        # Two ask for the same marks: one is killed wherever it is, the other goes on.
        one, other = (nursery.start(kind, style, where, marks, first, namespace=namespace) for _ in range(2))
        one.goes_on(chance.randrange(1, 120))
        said = (one, one.kill())
        other.goes_on(20)
        with opened(kind, style, where, 5.0, namespace=namespace) as asker:  # while the other is at work
            assert marks.use(asker, first).value is True
            told = [said, (other, other.kill())]
            # A mark is for one of the two, whoever it was.
            given = [key for _, one_told in told for key, theirs in one_told.marks if theirs]
            assert len(given) == len(set(given))
            assert given
            for worker, was_told in told:
                check(asker, marks, worker, was_told)
            marks.check(asker)
        before.acknowledged |= marks.acknowledged
    with opened(kind, style, where, 5.0, namespace=namespace) as asker:
        before.check(asker)


@pytest.mark.parametrize("style", STYLES)
def test_a_process_killed_while_it_makes_the_file(style: Style, nursery: Nursery, tmp_path: Path) -> None:
    chance: Any = Random(7)
    for turn in range(share_of(12)):
        where, marks = str(tmp_path / f"{turn}.db"), Marks()
        workers = [nursery.start("sqlite", style, where, marks, 0) for _ in range(2)]
        if turn % 3:
            Event().wait(chance.uniform(0, 0.03))  # no condition: the moment is what is tried out
        told = [(worker, worker.kill()) for worker in workers]
        with opened("sqlite", style, where, 5.0) as asker:
            for worker, was_told in told:
                check(asker, marks, worker, was_told)
            marks.check(asker)
            assert marks.use(asker, 10_000_000).value is True
