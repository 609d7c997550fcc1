"""The same passkey ceremony a hundred times at once, by threads and by processes: exactly one succeeds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.stores.racing import Racer, racing
from tests.stores.test_memory_races import raced
from tests.verifiers.passkey_ceremonies import ANNA, BERT, NOW, Site, good, phone
from tests.verifiers.passkey_racer import attempt, attempts, store
from zerotrust.core.ask import Lookup
from zerotrust.driver import Sources, run
from zerotrust.stores.memory import MemoryStore

PROCESSES, THREADS = 4, 25


@pytest.fixture(params=["memory", "sqlite"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "memory":
        yield Site(sources=Sources(MemoryStore()))
    else:
        with store(str(tmp_path / "passkeys.db")) as opened:
            run(_connected(), Sources(opened))
            yield Site(sources=Sources(opened))


def _connected() -> Any:
    return (yield Lookup("warm up", b"", NOW))


def an_answer(site: Site) -> dict[str, Any]:
    """One assertion, to be presented many times."""
    device = phone()
    good(site.enrol(device))
    return {"step": "prove", "responses": [device.get(site.challenge())]}


def one_counter(site: Site) -> dict[str, Any]:
    """Assertions by two authenticators with the same key and counter, for two challenges."""
    device = phone()
    good(site.enrol(device))
    thief = device.clone()
    return {"step": "prove", "responses": [one.get(site.challenge()) for one in (device, thief)]}


def one_id(site: Site, each: int = 1) -> dict[str, Any]:
    """New credentials of two people, all with the same credential id, for challenges of their own."""
    made = [
        phone(credential_id=b"the same one").create(site.offer(account))
        for _ in range(each)
        for account in (ANNA, BERT)
    ]
    return {"step": "enrol", "responses": made}


def is_of_one(site: Site, counted: Counter[str]) -> None:
    """It has one owner, who sees it; the other sees nothing."""
    (owner,) = (account for account in (ANNA, BERT) if counted[account.subject])
    assert counted[owner.subject] == 1
    assert site.names(owner) == ["Key"]
    assert site.names(BERT if owner == ANNA else ANNA) == []
    for account in (ANNA, BERT):
        listed = site.run(site.passkey._passkeys.listed(account, NOW))
        assert listed is not None
        assert len(listed.places) == (account == owner)


# --- Threads ---------------------------------------------------------------------------------------------------------
def test_one_answer_from_a_hundred_threads(site: Site) -> None:
    assert Counter(attempts(site.sources, an_answer(site), 100)) == {"proven": 1, "replayed": 99}
    (listed,) = site.run(site.passkey.listing(ANNA, NOW))
    assert listed.detail == ""


def test_one_answer_from_threads_that_are_switched_all_the_time() -> None:
    for _ in range(6):
        site = Site()
        given = an_answer(site)
        assert Counter(raced(10, partial(attempt, site.sources, given))) == {"proven": 1, "replayed": 9}


def test_one_counter_from_two_authenticators(site: Site) -> None:
    for _ in range(5):
        said = Counter(attempts(site.sources, one_counter(site), 10))
        assert said == {"proven": 1, "a copy": 1, "replayed": 8}


def test_one_credential_id_for_two_people(site: Site) -> None:
    counted = Counter(attempts(site.sources, one_id(site), 20))
    assert counted["replayed"] + counted["already_enrolled"] == 19
    is_of_one(site, counted)


def test_one_credential_id_for_two_people_whose_threads_are_switched_all_the_time() -> None:
    for _ in range(8):
        site = Site()
        counted = Counter(raced(6, partial(attempt, site.sources, one_id(site, each=3))))
        assert sum(counted.values()) == 6
        assert counted["already_enrolled"] == 5
        is_of_one(site, counted)


# --- Processes -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def racers() -> Iterator[list[Racer]]:
    with racing("tests.verifiers.passkey_racer", PROCESSES) as started:
        yield started


def processes(racers: list[Racer], tmp_path: Path, given: dict[str, Any]) -> Counter[str]:
    """What came of the attempts of all threads of all processes."""
    for racer in racers:
        racer.tell(json.dumps({**given, "path": str(tmp_path / "passkeys.db"), "threads": THREADS}))
    for racer in racers:
        assert racer.said() == "ready"
    for racer in racers:
        racer.tell("go")
    return Counter(said for racer in racers for said in json.loads(racer.said()))


@pytest.mark.parametrize("what", [an_answer, one_counter, one_id], ids=["answer", "counter", "id"])
def test_four_processes(racers: list[Racer], tmp_path: Path, what: Any) -> None:
    with store(str(tmp_path / "passkeys.db")) as opened:
        site = Site(sources=Sources(opened))
        counted = processes(racers, tmp_path, what(site))
        assert sum(counted.values()) == 100
        if what is an_answer:
            assert counted == {"proven": 1, "replayed": 99}
        elif what is one_counter:
            assert counted == {"proven": 1, "a copy": 1, "replayed": 98}
        else:
            assert counted["replayed"] + counted["already_enrolled"] == 99
            is_of_one(site, counted)
