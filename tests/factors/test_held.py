"""The record of an authenticator: it reads what it wrote and nothing else, and changes as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.codes import ANN, BOB, NOW, T, Watched, World
from zerotrust.core.ask import Advance, Ask, Put, SourceFailed
from zerotrust.core.reason import Reason
from zerotrust.driver import run
from zerotrust.factors.account import Account
from zerotrust.factors.held import RETRIES, Found, Held, Records, check_name, place
from zerotrust.factors.recovery import RecoverySet, read_set
from zerotrust.factors.throttle import Lane, Tries
from zerotrust.factors.totp_state import HotpState, TotpState, read_hotp, read_totp

RECORDS = Records("totp.enrolled", read_totp)
HELD = Held(
    "id", "Phone \u00e9", NOW, TotpState("SHA256", 8, 60, 30, -1), NOW + 1, Tries(Lane(1, NOW), Lane(2, NOW + 5))
)

counts = st.integers(0, 100)
moments = st.floats(0, 1e11)
lanes = st.builds(Lane, counts, moments)
algorithms = st.sampled_from(["SHA1", "SHA256", "SHA512"])
totps = st.builds(
    TotpState, algorithms, st.integers(6, 8), st.integers(15, 120), st.integers(-1, 2**63), st.integers(-120, 120)
)
hotps = st.builds(HotpState, algorithms, st.integers(6, 8), st.integers(0, 2**64))
hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=32).map(tuple)
sets = st.builds(RecoverySet, st.binary(max_size=32), st.integers(10, 20), hashes)


@given(st.data(), st.text(max_size=64), st.none() | moments, st.builds(Tries, lanes, lanes))
def test_it_reads_what_it_wrote(data: st.DataObject, name: str, used: float | None, tries: Tries) -> None:
    kinds: list[tuple[Records[Any], st.SearchStrategy[Any]]] = [
        (RECORDS, totps),
        (Records("hotp.enrolled", read_hotp), hotps),
        (Records("recovery_code.enrolled", read_set), sets),
    ]
    records, states = data.draw(st.sampled_from(kinds))
    held = Held("id", name.encode("utf-8", "replace").decode(), NOW, data.draw(states), used, tries)
    kept = held.to_bytes()
    assert b"\n" not in kept
    assert len(kept) < 8192
    assert records.parse(kept) == held


def changed(path: str, value: object) -> bytes:
    members: Any = json.loads(HELD.to_bytes())
    at = members
    *steps, last = path.split("/")
    for step in steps:
        at = at[int(step) if step.isdigit() else step]
    at[int(last) if last.isdigit() else last] = value
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", 5), ("id", None), ("name", None), ("at", "now"), ("at", None), ("at", True), ("used", "x"),
        ("used", True), ("tries", None), ("tries", []), ("tries", [[1, 2]]), ("tries/0", 5), ("tries/0", [1]),
        ("tries/0/0", -1), ("tries/1/0", 1.5), ("tries/1/0", True), ("tries/1/1", None), ("state", None), ("state", []),
        ("state", {}), ("state/algorithm", "MD5"), ("state/algorithm", 1), ("state/digits", 5), ("state/digits", 6.0),
        ("state/digits", True), ("state/period", 0), ("state/period", -30), ("state/period", "30"), ("state/step", -2),
        ("state/step", 1.0), ("state/step", 2**64), ("state/drift", 121), ("state/drift", -121), ("state/drift", None),
    ],
)  # fmt: skip
def test_a_record_that_is_none(path: str, value: object) -> None:
    assert RECORDS.parse(changed("name", "x")) is not None
    assert RECORDS.parse(changed(path, value)) is None


@pytest.mark.parametrize(
    ("read", "fields"),
    [
        (read_hotp, {"algorithm": "SHA1", "digits": 6}),
        (read_hotp, {"algorithm": "SHA1", "digits": 6, "counter": -1}),
        (read_hotp, {"algorithm": "SHA1", "digits": 9, "counter": 1}),
        (read_hotp, {"algorithm": ["SHA1"], "digits": 6, "counter": 1}),
        (read_set, {"salt": "AAAA", "cost": 9, "hashes": []}),
        (read_set, {"salt": "AAAA", "cost": 21, "hashes": []}),
        (read_set, {"salt": "AAA=", "cost": 14, "hashes": []}),
        (read_set, {"salt": 5, "cost": 14, "hashes": []}),
        (read_set, {"salt": "AAAA", "cost": 14, "hashes": ["AAAA"]}),
        (read_set, {"salt": "AAAA", "cost": 14, "hashes": [1]}),
        (read_set, {"salt": "AAAA", "cost": 14, "hashes": ["A" * 43] * 33}),
        (read_set, {"salt": "AAAA", "cost": 14}),
    ],
)
def test_states_that_are_none(read: Callable[[Any], object], fields: dict[str, Any]) -> None:
    assert read(fields) is None


@given(st.binary(max_size=80))
def test_any_bytes_are_a_record_or_none(kept: bytes) -> None:
    assert RECORDS.parse(kept) is None


def test_a_record_that_cannot_be_read_is_not_taken_for_none() -> None:
    """Else whoever damages it could enrol without proving anything."""
    world = World()
    world.source.answer(Put(RECORDS.space, place(ANN), b"{}", NOW + 9, NOW), 1.0)
    with pytest.raises(SourceFailed, match="cannot be read"):
        run(RECORDS.reading(ANN, NOW), world.sources)


def kept(world: World, account: Account = ANN) -> Held[TotpState] | None:
    return run(RECORDS.reading(account, NOW), world.sources).held


def keep(world: World, held: Held[TotpState] = HELD) -> Found[TotpState]:
    found = run(RECORDS.reading(ANN, NOW), world.sources)
    made = run(RECORDS.replacing(ANN, found, held, NOW), world.sources)
    assert made is not None
    return made


def test_it_is_changed_only_if_it_is_what_was_read() -> None:
    world = World()
    nothing = run(RECORDS.reading(ANN, NOW), world.sources)
    found = keep(world)
    assert kept(world) == HELD == found.held
    assert run(RECORDS.replacing(ANN, nothing, HELD, NOW), world.sources) is None
    assert run(RECORDS.renaming(ANN, "id", "Phone", NOW), world.sources) is None
    assert run(RECORDS.replacing(ANN, found, HELD, NOW), world.sources) is None
    assert kept(world, BOB) is None


def test_what_was_removed_does_not_come_back() -> None:
    world = World()
    nothing, found = run(RECORDS.reading(ANN, NOW), world.sources), keep(world)
    assert run(RECORDS.removing(ANN, "id", NOW), world.sources) is None
    assert kept(world) is None
    assert run(RECORDS.replacing(ANN, found, HELD, NOW), world.sources) is None
    # Nor does who saw that there was nothing get in now.
    assert run(RECORDS.replacing(ANN, nothing, HELD, NOW + 5), world.sources) is None
    keep(world)
    assert kept(world) == HELD


@pytest.mark.parametrize("id_", ["", "ID", "other"])
def test_another_id_changes_nothing(id_: str) -> None:
    world = World()
    keep(world)
    for refused in (
        run(RECORDS.renaming(ANN, id_, "Phone", NOW), world.sources),
        run(RECORDS.removing(ANN, id_, NOW), world.sources),
        run(RECORDS.removing(BOB, "id", NOW), world.sources),
    ):
        assert isinstance(refused, Reason)
        assert refused.code == "not_enrolled"
    assert kept(world) == HELD


def test_who_is_always_late_gives_up() -> None:
    class Late(Watched):
        """Others always come first."""

        def answer(self, ask: Ask[T], timeout: float) -> Any:
            return False if isinstance(ask, Advance) else super().answer(ask, timeout)

    late = World(Late())
    late.source.answer(Put(RECORDS.space, place(ANN), HELD.to_bytes(), NOW + 9, NOW), 1.0)
    for step in (RECORDS.renaming(ANN, "id", "Phone", NOW), RECORDS.removing(ANN, "id", NOW)):
        refused = run(step, late.sources)
        assert isinstance(refused, Reason)
        assert (refused.code, refused.expected) == ("throttled", 1)
    assert len(late.source.of_kind(RECORDS.space)) == 1 + 2 * RETRIES
    assert kept(late) == HELD


@pytest.mark.parametrize("name", ["", " ", "a" * 65, "a\nb", "\u202ea", "\x00", None, 5, b"a", "\ud800"])
def test_names_that_are_none(name: Any) -> None:
    assert not check_name(name)


@pytest.mark.parametrize("name", ["a", "a" * 64, "Ann's phone", "\u00e9\u4e2d\U0001f511"])
def test_names(name: str) -> None:
    assert check_name(name) == name


def test_places_are_short_and_apart() -> None:
    long = Account("s" * 5000, "\ud800" * 5000)
    accounts = [ANN, BOB, long, Account("shop", 'ann",'), Account('shop","ann', "")]
    places = [place(account, id_) for account in accounts for id_ in ("", "a", "b")]
    assert len(set(places)) == len(places)
    assert {len(one) for one in places} == {32}
